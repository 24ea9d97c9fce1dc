"""Plug-ins are found without being imported; one that cannot be used says so by itself, and harms no other."""

import sys
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core import plugins
from heorsynth.core.plugins import GENERATORS, Plugin, PluginError

RECIPE = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Recipe:
    '''A recipe of tests.'''
    size: int = 1

    @property
    def name(self):
        return {name!r}

    def fit(self, cohort, seed=1, *, allow_synthetic_source=False):
        raise NotImplementedError
"""


def package(place: Path, distribution: str, entries: str, version: str = "1.0", group: str = GENERATORS) -> None:
    """The metadata of an installed package with these entry points."""
    folder = place / f"{distribution.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (folder / "entry_points.txt").write_text(f"[{group}]\n{entries}\n")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_an_installed_plug_in_is_found_with_package_and_version_and_not_imported(place: Path) -> None:
    package(place, "their-package", "zeta = never_there:Zeta\nalpha = never_there:Alpha", "2.1")
    assert plugins.installed(GENERATORS) == (
        Plugin(GENERATORS, "alpha", "never_there:Alpha", "their-package", "2.1"),
        Plugin(GENERATORS, "zeta", "never_there:Zeta", "their-package", "2.1"),
    )
    assert plugins.installed("heorsynth.nothing") == ()
    assert hs.generators.names()[-2:] == ("alpha", "zeta")


def test_a_package_installed_after_the_list_was_read_is_in_it(place: Path) -> None:
    before = plugins.installed(GENERATORS)
    assert plugins.installed(GENERATORS) is before
    package(place, "their-package", "late = never_there:Late")
    assert [one.name for one in plugins.installed(GENERATORS) if one not in before] == ["late"]


def test_a_plug_in_of_another_group_is_no_generator(place: Path) -> None:
    package(place, "their-package", "mine = never_there:Mine", group=plugins.ESTIMANDS)
    assert [one.name for one in plugins.installed(plugins.ESTIMANDS)] == ["mine"]
    assert "mine" not in hs.generators.names()


def test_a_recipe_of_a_plug_in_is_made_with_its_settings_which_are_checked(place: Path) -> None:
    (place / "tests_good_recipe.py").write_text(RECIPE.format(name="good"))
    package(place, "good-package", "good = tests_good_recipe:Recipe")
    assert hs.generators.create("good", size=3) == sys.modules["tests_good_recipe"].Recipe(3)
    assert hs.generators.describe("good") == "A recipe of tests."
    with pytest.raises(hs.HeorsynthError, match="not a setting of it"):
        hs.generators.create("good", sise=3)


@pytest.mark.parametrize(("module", "text", "told"), [
    ("tests_fails", "raise RuntimeError('no licence')", "cannot be loaded: RuntimeError: no licence"),
    ("tests_syntax", "def", "cannot be loaded: SyntaxError"),
    ("tests_empty", "", "cannot be loaded: AttributeError"),
    ("tests_function", "def Recipe(): pass", "is not a frozen dataclass"),
    ("tests_plain", "class Recipe: pass", "is not a frozen dataclass"),
    ("tests_thawed", RECIPE.format(name="bad").replace("(frozen=True)", ""), "is not a frozen dataclass"),
    ("tests_unfitted", RECIPE.format(name="bad").replace("def fit", "def learn"), "has no fit"),
    ("tests_misnamed", RECIPE.format(name="worse"), "calls itself 'worse'"),
])  # fmt: skip
def test_a_plug_in_that_cannot_be_used_says_why_when_it_is_used_and_not_before(
    place: Path, module: str, text: str, told: str
) -> None:
    (place / f"{module}.py").write_text(text)
    package(place, "bad-package", f"bad = {module}:Recipe", "0.3")
    assert "bad" in hs.generators.names()
    with pytest.raises(PluginError, match=told) as raised:
        hs.generators.create("bad")
    assert f"bad-package 0.3 ({module}:Recipe)" in str(raised.value)
    assert hs.generators.create("heor").name == "heor"


def test_a_module_that_is_not_there_is_told_in_the_list_of_generators(place: Path) -> None:
    package(place, "bad-package", "bad = never_there:Recipe", "0.3")
    assert hs.generators.describe("bad").startswith("cannot be used: bad-package 0.3 (never_there:Recipe)")


def test_no_plug_in_takes_a_name_of_ours(place: Path) -> None:
    package(place, "their-package", "heor = never_there:Heor")
    assert hs.generators.names().count("heor") == 1
    with pytest.raises(PluginError) as raised:
        hs.generators.create("heor")
    assert "heorsynth (heorsynth.generators.heor.recipe:Heor)" in str(raised.value)
    assert "their-package 1.0 (never_there:Heor)" in str(raised.value)


def test_two_plug_ins_of_one_name_are_refused_and_both_named(place: Path) -> None:
    package(place, "one-package", "twice = never_there:One")
    package(place, "two-package", "twice = never_there:Two")
    assert hs.generators.names().count("twice") == 1
    with pytest.raises(PluginError, match=r"one-package 1\.0 .* and by two-package 1\.0"):
        hs.generators.create("twice")


def test_an_unknown_generator_is_answered_with_the_nearest_name_of_a_plug_in_too(place: Path) -> None:
    package(place, "their-package", "quantile_forest = never_there:Forest")
    with pytest.raises(hs.HeorsynthError, match="'quantile_forest'"):
        hs.generators.create("quantile_forrest")


def test_the_version_of_a_package_that_is_not_installed_or_has_no_name_is_empty(place: Path) -> None:
    package(place, "their-package", "x = never_there:X", "2.1")
    assert plugins.installed_version("their-package") == "2.1"
    assert plugins.installed_version("not-a-package-of-anybody") == plugins.installed_version("") == ""
