"""What a function of the user prints, writes or raises does not reach the reader."""

import os
import sys
from pathlib import Path

import pandas as pd
import pytest

from heorsynth.checks.analyses.script import estimates_of_call, load
from heorsynth.core.errors import AnalysisError, NotEstimableError

FRAME = pd.DataFrame({"age": [41.5, 52.5, 63.5]})
SCRIPT = """
import os, sys
def f(frame):
    print(frame); os.system("echo 41.5"); sys.stderr.write("41.5"); open("rows.csv", "w").write("41.5")
    return {"age": (frame["age"].mean(), 1.0)}
def raises(frame):
    raise ValueError(f"bad {frame['age'].tolist()}")
def leaves(frame):
    sys.exit("41.5")
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def test_what_is_printed_and_written_is_dropped(script: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert estimates_of_call(f"{script}:f", FRAME) == {"age": (52.5, 1.0)}
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in script.parent.iterdir()] == ["mine.py"] and not Path("rows.csv").exists()


def test_what_is_executed_is_what_is_read(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python keeps compiled files beside scripts, and takes an old one for a script of the same size and second."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert estimates_of_call(f"{script}:f", FRAME) == {"age": (52.5, 1.0)}
    written = script.stat()
    script.write_text(SCRIPT.replace("1.0)", "2.0)"), encoding="utf-8")
    os.utime(script, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert estimates_of_call(f"{script}:f", FRAME) == {"age": (52.5, 2.0)}
    assert [path.name for path in script.parent.iterdir()] == ["mine.py"]


def test_a_script_may_define_dataclasses(script: Path) -> None:
    """With postponed annotations, a dataclass asks for its module by name."""
    lines = ["from __future__ import annotations", "from dataclasses import dataclass", "@dataclass", "class Found:",
             "    age: float", "def f(frame):", "    return {'age': (Found(52.5).age, 1.0)}"]  # fmt: skip
    script.write_text("\n".join(lines), encoding="utf-8")
    assert estimates_of_call(f"{script}:f", FRAME) == {"age": (52.5, 1.0)}


@pytest.mark.parametrize(("name", "kind"), [("raises", "ValueError"), ("leaves", "SystemExit")])
def test_an_error_is_told_by_its_type_only(script: Path, name: str, kind: str) -> None:
    with pytest.raises(NotEstimableError) as caught:
        estimates_of_call(f"{script}:{name}", FRAME)
    assert kind in str(caught.value) and "41.5" not in str(caught.value)


@pytest.mark.parametrize(
    "returned",
    [
        [1.0, 2.0],
        FRAME,
        {"a": 1.0},
        {"a": (float("nan"), 1.0)},
        {1: (1.0, 1.0)},
        {"x" * 61: (1.0, 1.0)},
        {},
        None,
    ],
)
def test_anything_but_named_pairs_of_numbers_is_refused(returned: object) -> None:
    with pytest.raises(NotEstimableError):
        estimates_of_call(lambda frame: returned, FRAME)


def test_a_table_of_estimates_is_accepted() -> None:
    table = pd.DataFrame({"estimate": [1.0], "se": [0.5]}, index=["a"])
    assert estimates_of_call(lambda frame: table, FRAME) == {"a": (1.0, 0.5)}


def test_a_script_without_the_function_or_with_a_fault_is_refused(script: Path) -> None:
    with pytest.raises(AnalysisError, match="no function 'g'"):
        load(f"{script}:g")
    script.write_text("1/0", encoding="utf-8")
    with pytest.raises(AnalysisError, match="ZeroDivisionError"):
        load(f"{script}:f")
