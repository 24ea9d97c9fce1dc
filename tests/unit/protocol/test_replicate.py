"""`heorsynth replicate` prints the table of a script and nothing that the script prints, writes or raises."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core.errors import AnalysisError
from heorsynth.protocol.replicate import read_analyses, replicate_run

PROTOCOL = """\
heorsynth: 1
title: A trial
purpose: teaching
cohort: {source: {dataset: pbc}}
generator: {name: bootstrap, seed: 1, m: 2, most_cohorts: 2}
"""
SCRIPT = """\
import atexit, os, sys
def means(frame):
    print("LEAK", frame.to_string())
    os.system("echo LEAK")
    sys.__stdout__.write("LEAK")
    atexit.register(lambda: print("LEAK", flush=True))
    return {"age": (frame["age"].mean(), frame["age"].std() / len(frame) ** 0.5)}
def other(frame):
    if not frame.duplicated().any():
        raise ValueError("LEAK" + frame.to_string())
    return means(frame)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> Path:
    folder = tmp_path_factory.mktemp("replicate")
    (folder / "trial.yaml").write_text(PROTOCOL + short_notebook(folder), encoding="utf-8")
    (folder / "mine.py").write_text(SCRIPT, encoding="utf-8")
    return hs.run(folder / "trial.yaml", folder / "runs").path


@pytest.mark.parametrize(("name", "code", "text"), [("means", 0, "2 of 2"), ("other", 2, "ValueError")])
def test_only_the_table_is_printed(run: Path, name: str, code: int, text: str) -> None:
    script = run.parents[1] / "mine.py"
    command = [sys.executable, "-m", "heorsynth.cli", "replicate", f"{script}:{name}", "--run", str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"LANG": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (code, "")
    assert text in done.stdout and "LEAK" not in done.stdout


def test_a_yaml_file_may_hold_one_analysis_or_several(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("{name: a, model: cox, formula: os ~ age}\n", encoding="utf-8")
    assert [one.name for one in replicate_run(str(file), run)] == ["a"]
    file.write_text("analyses:\n  - {name: b, call: 'mine.py:f'}\n", encoding="utf-8")
    assert read_analyses(str(file))[0].call == f"{tmp_path / 'mine.py'}:f"


def test_anything_else_is_refused() -> None:
    with pytest.raises(AnalysisError, match="neither a script nor a YAML file"):
        read_analyses("mine.txt")
