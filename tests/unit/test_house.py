"""The house: imports point one way, files stay readable, nothing heavy loads before it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import heorsynth as hs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "heorsynth"
ORDER = ["core", "engine", "data", "estimators", "generators", "checks", "evaluation", "evidence", "provenance",
         "report", "protocol", "cli"]  # fmt: skip
SIBLINGS = {("generators", "checks"), ("checks", "generators")}
FILES = sorted(PACKAGE.rglob("*.py"))


def layer_of(parts: tuple[str, ...]) -> str | None:
    return parts[1] if len(parts) > 1 and parts[0] == "heorsynth" and parts[1] in ORDER else None


def imports_of(text: str) -> list[tuple[str, ...]]:
    """Every heorsynth module that a source text names in an import, wherever it stands."""
    found: list[tuple[str, ...]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            found += [(*(node.module or "").split("."), alias.name) for alias in node.names]
    return [parts for parts in found if parts[0] == "heorsynth"]


def upward(layer: str, text: str) -> list[str]:
    """The layers a module of `layer` imports though they stand above it or beside it."""
    targets = {layer_of(parts) for parts in imports_of(text)} - {None}
    return sorted(
        str(target)
        for target in targets
        if ORDER.index(str(target)) > ORDER.index(layer) or (layer, target) in SIBLINGS
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    parts = path.relative_to(PACKAGE).parts
    layer = parts[0].removesuffix(".py")
    if layer in ORDER:
        assert upward(layer, path.read_text(encoding="utf-8")) == []


def test_an_upward_import_is_noticed_even_inside_a_function() -> None:
    assert upward("data", "def f():\n    from heorsynth.checks.core.finding import judge\n") == ["checks"]
    assert upward("checks", "from heorsynth.generators import registry\n") == ["generators"]
    assert upward("checks", "import heorsynth.evidence.evidence\n") == ["evidence"]
    assert upward("checks", "from heorsynth.core import errors\n") == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_can_be_read_in_one_sitting_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "no module docstring"


@pytest.mark.parametrize(
    "heavy", ["sdv", "torch", "IPython", "nbclient", "matplotlib", "sklearn", "statsmodels", "lifelines"]
)
def test_import_loads_nothing_heavy(heavy: str) -> None:
    code = f"import sys, heorsynth as hs; hs.Cohort; hs.generators.names(); sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_can_be_had() -> None:
    for name in hs.__all__:
        assert getattr(hs, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'cohort'"):
        _ = hs.cohort
