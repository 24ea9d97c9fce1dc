"""Counts the files that a new estimand and a new check touch: applies the examples of docs/extending.md to a copy."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

BLOCK = re.compile(r"```python\n(.*?)```", flags=re.DOTALL)
COPIED = ("heorsynth", "tests/unit/checks")
MOST_TOUCHED = {"estimand": 2, "check": 4}
"""The most files an addition may touch, its test among them."""

TEST_IMPORTS = """import numpy as np
import pandas as pd

import heorsynth as hs
from dataclasses import replace
from heorsynth.checks.core.margin import as_margin
from heorsynth.checks.core.question import Scope
"""
CODE_IMPORTS = """

from dataclasses import replace

import numpy as np

from heorsynth.data.cohort.cohort import Cohort
"""


def copied(root: Path, into: Path) -> Path:
    """A copy of the package and its tests of checks, without what Python compiled."""
    for place in COPIED:
        shutil.copytree(root / place, into / place, ignore=shutil.ignore_patterns("__pycache__"))
    return into


def block(page: str, name: str) -> str:
    """The example of a page that defines a name, without the line that calls its test."""
    (found,) = (code for code in BLOCK.findall(page) if re.search(rf"^(?:def {name}\(|{name} = )", code, re.MULTILINE))
    return re.sub(r"^test_\w+\(\)\n", "", found, flags=re.MULTILINE)


def add_estimand(page: str, root: Path) -> None:
    """Add the page's estimand to the costs, and its test."""
    code, test = block(page, "COST_OF_EVENTS"), "test_the_cost_of_events_is_the_mean_over_the_patients_with_the_event"
    append(root / "heorsynth/checks/costs/estimands.py", CODE_IMPORTS + code)
    header = f"{TEST_IMPORTS}from heorsynth.checks.costs.estimands import COST_OF_EVENTS\n"
    append(root / "tests/unit/checks/costs/test_of_events.py", header + block(page, test))


def add_check(page: str, root: Path) -> None:
    """Add the page's check to the structure, its estimand, its line in the registry, and its test."""
    structure = root / "heorsynth/checks/structure"
    append(structure / "check.py", CODE_IMPORTS + block(page, "check_heaping"))
    append(structure / "estimands.py", "\n" + with_imports(block(page, "FIVES")))
    registry = root / "heorsynth/checks/planning/registry.py"
    (line,) = re.findall(r'`("heaping": "\S+",)`', page)
    text = registry.read_text(encoding="utf-8")
    registry.write_text(text.replace("REGISTRY = {\n", f"REGISTRY = {{\n    {line}\n", 1), encoding="utf-8")
    header = f"{TEST_IMPORTS}from heorsynth.checks.structure.check import check_heaping\n"
    header += "from heorsynth.checks.structure.estimands import FIVES\n"
    test = block(page, "test_heaping_fails_where_rounded_ages_were_made_smooth")
    append(root / "tests/unit/checks/structure/test_heaping.py", header + test)


def with_imports(entry: str) -> str:
    """The entry as it stands in another file than its answer."""
    group = "from heorsynth.checks.core.estimand import EVERY_GROUP\n\n"
    return group + entry.replace("answer=fives", "answer=check.fives")


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(old + text, encoding="utf-8")


def contents(root: Path) -> Mapping[str, str]:
    """Each Python file below a folder, by its path."""
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in root.rglob("*.py")}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(path for path, text in after.items() if before.get(path) != text))


def touched(root: Path, into: Path) -> dict[str, tuple[str, ...]]:
    """What adding each example to a copy in `into` changes or creates: the name of the addition to the files."""
    page = (root / "docs/extending.md").read_text(encoding="utf-8")
    before, found = contents(copied(root, into)), {}
    for name, add in (("estimand", add_estimand), ("check", add_check)):
        add(page, into)
        after = contents(into)
        found[name] = changed(before, after)
        before = after
    return found
