"""The `analyses:` block: each problem has its line, and a script lies beside the protocol."""

from pathlib import Path

import pytest

from heorsynth.core.errors import AnalysisError, HeorsynthError
from heorsynth.engine.engine import open_engine
from heorsynth.protocol.file.analyses import analyses_of, copy_scripts, script_hashes
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.judge import plan_checks
from heorsynth.protocol.lock import read_lock, write_lock

HEAD = """\
heorsynth: 1
title: A trial
purpose: teaching
cohort: {source: {dataset: pbc}}
generator: {name: heor, seed: 1, m: 2, most_cohorts: 2}
analyses:
"""


def written(folder: Path, *lines: str) -> Path:
    path = folder / "trial.yaml"
    path.write_text(HEAD + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("{name: a, model: coks, formula: os ~ age}", r"line 8, analyses\.1\.model: 'coks' is not a model"),
        ("{name: a, model: cox, formla: os ~ age}", r"line 8, analyses\.1\.formla: unknown key"),
        (
            "{name: a, model: cox, formula: os ~ age, focus: [agee]}",
            r"line 8, analyses\.1\.focus: 'agee' is not a term",
        ),
        ("{name: a, call: '../a.py:f'}", r"line 8, analyses\.1\.call: the script lies outside"),
        ("{name: a, model: cox, formula: os ~ age, level: high}", r"line 8, analyses\.1\.level: not a number"),
    ],
)
def test_a_problem_of_the_block_has_its_line(tmp_path: Path, line: str, text: str) -> None:
    with pytest.raises(HeorsynthError, match=text):
        read_protocol(written(tmp_path, "{name: good, model: cox, formula: os ~ age}", line))


def test_a_column_that_the_cohort_lacks_has_its_line_when_the_checks_are_planned(tmp_path: Path) -> None:
    protocol = read_protocol(written(tmp_path, "{name: a, model: cox, formula: os ~ agee}"))
    cohort, _ = load_source(protocol)
    with pytest.raises(AnalysisError, match=r"line 7, analyses\.0\.formula: no column 'agee'"), open_engine() as engine:
        plan_checks(protocol, cohort, engine)


def test_a_script_is_found_beside_the_protocol_and_copied_to_the_run(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def f(frame):\n    return {}\n", encoding="utf-8")
    protocol = read_protocol(written(tmp_path, "{name: a, call: 'mine.py:f'}"))
    (analysis,) = analyses_of(protocol.document.analyses, tmp_path)
    assert analysis.call == f"{tmp_path / 'mine.py'}:f"
    target = tmp_path / "run"
    target.mkdir()
    copy_scripts(protocol.document.analyses, tmp_path, target)
    assert (target / "mine.py").read_bytes() == (tmp_path / "mine.py").read_bytes()


def test_a_script_that_changed_after_the_lock_is_a_changed_section(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text("def f(frame):\n    return {}\n", encoding="utf-8")
    path = written(tmp_path, "{name: a, call: 'mine.py:f'}", "{name: b, call: 'mine.py:g'}")
    protocol = read_protocol(path)
    assert list(script_hashes(protocol.document.analyses, tmp_path)) == ["mine.py"]
    write_lock(path, tmp_path / "runs")
    assert read_lock(protocol).changed == ()
    script.write_text("def f(frame):\n    return {'b': (0.0, 1.0)}\n", encoding="utf-8")
    assert read_lock(protocol).changed == ("analyses",)
    script.unlink()
    assert read_lock(protocol).changed == ("analyses",)
