"""The house: every measure of `tools/house.py` notices a planted fault, and the goals that are met stay met."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import heorsynth as hs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "heorsynth"
FILES = sorted(PACKAGE.rglob("*.py"))

sys.path.insert(0, str(ROOT / "tools"))
house = importlib.import_module("house")
call_path = importlib.import_module("call_path")
touched = importlib.import_module("touched")


def built(folder: Path, files: Mapping[str, str]) -> Path:
    """A small package `pack`, each of its folders with an `__init__`."""
    for place, text in files.items():
        path = folder / "pack" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in (folder / "pack").rglob("*"):
        if path.is_dir() and not (path / "__init__.py").exists():
            (path / "__init__.py").write_text('"""A room."""\n', encoding="utf-8")
    (folder / "pack" / "__init__.py").write_text('"""A package."""\n', encoding="utf-8")
    return folder / "pack"


def read(folder: Path, files: Mapping[str, str]) -> Mapping[str, object]:
    return house.read_house(built(folder, files))


@pytest.fixture(scope="module")
def structure() -> list[object]:
    return list(house.structure())


def test_a_goal_that_is_met_stays_met(structure: list[object]) -> None:
    assert {measure.name: measure.found for measure in structure if measure.name in house.HELD and measure.found} == {}


def test_every_goal_that_is_held_is_measured(structure: list[object]) -> None:
    assert {measure.name for measure in [*structure, *house.additions()]} >= house.HELD


def test_a_folder_with_sixteen_files_is_crowded(tmp_path: Path) -> None:
    folder = built(tmp_path, {f"room/m{i}.py": "" for i in range(15)})
    assert list(house.crowded_folders(folder)) == ["pack/room: 16 files"]
    (folder / "room" / "m0.py").unlink()
    assert list(house.crowded_folders(folder)) == []


def test_a_file_of_401_lines_is_long(tmp_path: Path) -> None:
    folder = built(tmp_path, {"short.py": "x = 1\n" * 400, "long.py": "x = 1\n" * 401})
    assert list(house.long_files([folder])) == ["long.py: 401 lines"]


def test_a_circle_is_noticed_also_through_a_function_and_an_import_for_types(tmp_path: Path) -> None:
    files = {
        "one/a.py": "def f():\n    from pack.two import b\n",
        "two/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pack.two.c import X\n",
        "two/c.py": "import pack.one.a\n",
        "two/d.py": "from pack.two.c import Y\n",
    }
    found = read(tmp_path, files)
    assert house.module_circles(found) == ["pack.one.a <-> pack.two.b <-> pack.two.c"]
    assert house.room_circles(found) == ["pack.one <-> pack.two"]


def test_rooms_may_form_a_circle_where_their_modules_form_none(tmp_path: Path) -> None:
    found = read(tmp_path, {"one/a.py": "import pack.two.b\n", "two/b.py": "", "two/c.py": "import pack.one.d\n",
                            "one/d.py": ""})  # fmt: skip
    assert house.module_circles(found) == []
    assert house.room_circles(found) == ["pack.one <-> pack.two"]


def test_a_room_that_imports_the_top_of_its_package_is_noticed(tmp_path: Path) -> None:
    found = read(tmp_path, {"one/top.py": "import pack.one.inner.a\n", "one/inner/b.py": "from pack.one import top\n",
                            "one/inner/a.py": ""})  # fmt: skip
    assert house.reversed_imports(found) == ["pack.one.inner.b imports pack.one.top"]


def test_an_upward_import_is_noticed_even_inside_a_function(tmp_path: Path) -> None:
    files = {
        "low/a.py": "def f():\n    from pack.high.b import g\n",
        "left/c.py": "from pack.right import d\nfrom pack.low import a\n",
        "right/d.py": "",
        "high/b.py": "from pack.left.c import x\n",
        "new/e.py": "",
        "low/f.py": "from . import a\n",
    }
    found = house.upward_imports(read(tmp_path, files), ["low", "left", "right", "high"], {("left", "right")})
    assert found == [
        "pack.left.c imports pack.right.d",
        "pack.low.a imports pack.high.b",
        "pack.low.f has a relative import",
        "pack.new.e: new has no place in the order",
        "pack.new: new has no place in the order",
    ]


def test_a_key_outside_its_entry_is_noticed_and_one_in_a_docstring_is_not(tmp_path: Path) -> None:
    files = {
        "checks/survival/estimands.py": 'KEY = "a.b"\n',
        "checks/survival/check.py": '"""a.b"""\nfrom pack import x\n"a.b"\nKEY = {"a.b": 1, "a.bc": 2}\n',
    }
    assert house.key_literals(read(tmp_path, files), {"a.b"}) == ["pack.checks.survival.check:4 'a.b'"]


def test_a_public_name_that_only_its_own_file_states_is_noticed(tmp_path: Path) -> None:
    files = {
        "one/a.py": "LIMIT = 1\n_SMALL = 2\ndef used(): ...\ndef shown(): ...\nclass Own: ...\n"
        "@cli.command('x')\ndef ordered(): ...\n",
        "one/b.py": "from pack.one.a import used\nused()\n",
    }
    outside = ["pack.one.a.shown", "Own and LIMIT are words here, but of another module"]
    assert house.lonely_names(read(tmp_path, files), outside) == ["pack.one.a.LIMIT", "pack.one.a.Own"]


def test_an_underscore_name_of_another_file_is_noticed(tmp_path: Path) -> None:
    files = {
        "one/a.py": "def _f(): ...\nclass A:\n    def g(self):\n        self._x = 1\n    def _repr_html_(self): ...\n",
        "one/b.py": "from pack.one.a import _f\ndef g(a):\n    a._repr_html_()\n    return a._x\n",
        "one/c.py": "class C:\n    _x: int\n    def h(self, other):\n        return other._x + other._of_a_library\n",
    }
    assert house.borrowed_private_names(read(tmp_path, files)) == ["pack.one.b uses _f", "pack.one.b uses _x"]


ROOMS = {
    "one/a.py": "from pack.two import b\n",
    "one/z.py": "",
    "two/b.py": "from pack.two.c import x\n",
    "two/c.py": "",
    "two/d.py": "",
    "two/e.py": 'REGISTRY = {"z": "pack.one.z:make"}\n',
}
"""Room `one` uses b; e names one.z in a string; the reference page names two.d."""


def test_exports_are_the_modules_that_other_rooms_use(tmp_path: Path) -> None:
    folder = built(tmp_path, ROOMS)
    (folder / "two" / "__init__.py").write_text('"""The rule."""\n\n__all__ = ["face", "c"]\n', encoding="utf-8")
    found = house.read_house(folder)
    assert house.unexported_imports(found) == ["pack.one.a uses pack.two.b", "pack.two.e uses pack.one.z"]
    assert house.unused_exports(found, "pack.two.d.D") == ["pack.two.c"]
    house.write_exports(found, "pack.two.d.D")
    assert (folder / "one" / "__init__.py").read_text(encoding="utf-8") == '"""A room."""\n\n__all__ = ("z",)\n'
    written = (folder / "two" / "__init__.py").read_text(encoding="utf-8")
    assert written == '"""The rule."""\n\n__all__ = ("b", "d", "face")\n'
    again = house.read_house(folder)
    assert house.unexported_imports(again) == [] and house.unused_exports(again, "pack.two.d") == []


def test_a_room_that_nobody_uses_exports_nothing(tmp_path: Path) -> None:
    folder = built(tmp_path, {"one/a.py": ""})
    house.write_exports(house.read_house(folder), "")
    written = (folder / "one" / "__init__.py").read_text(encoding="utf-8")
    assert written == '"""A room."""\n\n__all__: tuple[str, ...] = ()\n'


def test_a_module_without_a_test_and_a_false_line_are_noticed(tmp_path: Path) -> None:
    files = {"one/a.py": "def f(): ...\n", "one/b.py": "from pack.one.a import f\n", "one/c.py": "", "one/d.py": "",
             "one/e.py": "def own_name(): ...\n"}  # fmt: skip
    folder, unit = built(tmp_path, files), tmp_path / "unit"
    (unit / "one").mkdir(parents=True)
    (unit / "one" / "test_b.py").write_text("", encoding="utf-8")
    (tmp_path / "through_b.py").write_text("import pack.one.b\n", encoding="utf-8")
    (tmp_path / "by_name.py").write_text("thing.own_name()\n", encoding="utf-8")
    right = {"one/a.py": "through_b.py", "one/e.py": "by_name.py"}

    def missing(lines: Mapping[str, str]) -> list[str]:
        return house.missing_tests(house.read_house(folder), folder, unit, lines, tmp_path)

    assert missing(right) == ["one/c.py: no test", "one/d.py: no test"]
    wrong = {"one/b.py": "through_b.py", "one/c.py": "through_b.py", "one/d.py": "none.py", "one/f.py": "by_name.py"}
    assert missing({**right, **wrong}) == [
        "one/b.py: both its own test file and a line",
        "one/c.py: through_b.py does not use it",
        "one/d.py: none.py does not exist",
        "one/f.py: no such module",
    ]


def test_a_test_reaches_a_module_behind_a_registry_and_none_through_the_package_itself(tmp_path: Path) -> None:
    files = {"a/registry.py": 'names = {"b": "pack.a.b:make"}\n', "a/b.py": "import pack.a.c\n", "a/c.py": ""}
    folder = built(tmp_path, files)
    (folder / "__init__.py").write_text("from pack.a.registry import names\n", encoding="utf-8")
    found = house.read_house(folder)
    users = {"pack.a.c": {"pack.a.b", "pack.a.c"}}
    assert house.exercises("import pack as hs\nhs.names\n", found["pack.a.c"], users, found)
    assert not house.exercises("import pack as hs\nhs.other\n", found["pack.a.c"], users, found)
    assert not house.exercises("import pack as hs\n", found["pack.a.registry"], {}, found)


ADDED = """
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
print(heorsynth.__file__)
print(ESTIMANDS["costs.of_events"].check, margin_for("costs.of_events", {"relative": 0.1}))
print(registry.estimands_of("heaping"), registry.load("heaping").__name__)
"""


def test_one_more_estimand_touches_two_files_and_one_more_check_four_and_both_are_found(tmp_path: Path) -> None:
    found = touched.touched(ROOT, tmp_path)
    assert found == {
        "estimand": ("heorsynth/checks/costs/estimands.py", "tests/unit/checks/costs/test_of_events.py"),
        "check": (
            "heorsynth/checks/planning/registry.py",
            "heorsynth/checks/structure/check.py",
            "heorsynth/checks/structure/estimands.py",
            "tests/unit/checks/structure/test_heaping.py",
        ),
    }
    tests = [place for files in found.values() for place in files if place.startswith("tests")]
    code = "import runpy, heorsynth\n" + ADDED + f"for place in {tests}:\n"
    code += (
        "    [one() for name, one in runpy.run_path(place).items() if name.startswith('test_') and not print(name)]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        str(tmp_path / "heorsynth" / "__init__.py"),
        "costs ±0.1 of the real value",
        "('heaping.fives',) check_heaping",
        "test_the_cost_of_events_is_the_mean_over_the_patients_with_the_event",
        "test_heaping_fails_where_rounded_ages_were_made_smooth",
    ], done.stderr


def test_a_change_that_makes_one_more_estimand_touch_another_file_is_noticed(tmp_path: Path) -> None:
    before = touched.contents(touched.copied(ROOT, tmp_path))
    touched.append(tmp_path / "heorsynth/checks/new.py", "x = 1\n")
    after = touched.contents(tmp_path)
    assert touched.changed(before, after) == ("heorsynth/checks/new.py",)


def test_sizes_are_counted(tmp_path: Path) -> None:
    folder = built(tmp_path, {"a.py": "# why\nx = 1  # beside code\ny = '# text'\n", "tests/test_a.py": "x\n" * 7})
    lines = [measure.line() for measure in house.sizes(folder, folder / "tests")]
    assert lines == [
        "lines of the package: 12 in 4 files",
        "lines of tests: 8",
        "comment lines: 1 (8.3%)",
        "mean file; longest: 3 lines; test_a.py, 7 lines",
    ]


def test_a_call_path_holds_the_files_between_the_start_and_the_estimator(tmp_path: Path) -> None:
    files = {
        "start.py": "from pack.checks.check import check\nfrom pack.plan import plan\n"
        "def begin():\n    plan()\n    return check()\n",
        "plan.py": "def plan(): ...\n",
        "checks/check.py": "from pack import curve, late\nfrom pack.estimators.mean import rmst\n"
        "def check():\n    rmst(curve.curve())\n    return late.after()\n",
        "curve.py": "def curve(): return [1, 3]\n",
        "estimators/mean.py": "def rmst(curve): return sum(curve) / 2\n",
        "late.py": "def after(): return 5\n",
    }
    folder = built(tmp_path, files)
    sys.path.insert(0, str(tmp_path))
    try:
        start = importlib.import_module("pack.start")
    finally:
        sys.path.remove(str(tmp_path))
        for name in [name for name in sys.modules if name.split(".")[0] == "pack"]:
            del sys.modules[name]
    trace = call_path.CallPath(folder, "begin", ("rmst",))
    sys.setprofile(trace)
    assert start.begin() == 5
    sys.setprofile(None)
    path = [Path(name).relative_to(folder).as_posix() for name in trace.path]
    assert path == ["start.py", "checks/check.py", "estimators/mean.py", "curve.py"]
    assert {Path(name).stem for name in trace.log} >= {"start", "plan", "check", "curve", "mean"}


def test_check_exits_1_only_where_a_held_goal_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = sorted(house.HELD)[0]
    for name, found, code in [(held, (), 0), (held, ("a.py",), 1), ("not held", ("a.py",), 0)]:
        monkeypatch.setattr(house, "measures", lambda name=name, found=found: [house.Measure(name, 0, found)])
        assert house.main(["--check"]) == code
        assert house.main([]) == 0
    assert f"{held}: 1 (goal: at most 0, NOT met)" in capsys.readouterr().out


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "no module docstring"


def test_import_loads_nothing_heavy() -> None:
    heavy = {"sdv", "torch", "IPython", "nbclient", "matplotlib", "sklearn", "statsmodels", "lifelines"}
    code = f"import sys, heorsynth as hs; hs.Cohort; hs.generators.names(); print({heavy} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert ended.stdout == "set()\n"


def test_every_public_name_can_be_had() -> None:
    for name in hs.__all__:
        assert getattr(hs, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'cohort'"):
        _ = hs.cohort
