"""An error of the data or of a generator names the protocol's line, the role it stands in, and YAML to paste."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.core.errors import HeorsynthError, Problem, as_yaml, nearest
from heorsynth.protocol.file.edit import with_changes
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.lock import write_lock

PROTOCOL = """\
heorsynth: 1
title: A test
purpose: teaching
cohort:
  source: {file: p.csv}
  endpoints:
    os: [time, event]
  arm: TRT01P
  costs: [drug, hospital]
  utilities:
    - qaly
  subgroups: [sex]
generator: {name: marginals, n: same, m: 2, most_cohorts: 2, seed: 1}
"""
N = 40


def frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({
        "time": np.arange(N) + 1.5, "event": np.tile([0, 1], N // 2), "TRT01P": np.repeat(["a", "b"], N // 2),
        "drug": np.arange(N) * 2.5, "hospital": np.arange(N) * 3.5, "qaly": np.linspace(0, 1, N),
        "sex": np.tile(["f", "m"], N // 2),
    }).assign(**columns)  # fmt: skip


def refused(folder: Path, rows: pd.DataFrame, old: str = "", new: str = "") -> HeorsynthError:
    rows.to_csv(folder / "p.csv", index=False)
    (folder / "p.yaml").write_text(PROTOCOL.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HeorsynthError) as caught:
        load_source(read_protocol(folder / "p.yaml"))
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "line", "nearest_name"),
    [
        ("TRT01P", "trt01p", "line 8, cohort.arm", "TRT01P"),
        ("hospital", "hospitl", "line 9, cohort.costs.1", "hospital"),
        ("- qaly", "- QALYs", "line 11, cohort.utilities.0", "qaly"),
        ("[time, event]", "[time, Event]", "line 7, cohort.endpoints.os.1", "event"),
    ],
)
def test_a_missing_column_is_told_at_its_own_line_whatever_its_case(
    tmp_path: Path, old: str, new: str, line: str, nearest_name: str
) -> None:
    error = refused(tmp_path, frame(), old, new)
    assert error.problems[0].where.startswith(line)
    assert error.problems[0].fix == f"did you mean {nearest_name!r}?"
    assert "p.yaml" in str(error)


def test_coding_duration_and_free_text_are_told_together_and_each_with_its_line(tmp_path: Path) -> None:
    words = [f"text {i}" for i in range(N)]
    error = refused(tmp_path, frame(event=np.tile(["no", "yes"], N // 2), time=np.arange(N), note=words))
    assert [problem.where.split(":")[0] for problem in error.problems] == [
        "line 7, cohort.endpoints.os.1", "line 7, cohort.endpoints.os.0", "line 4, cohort",
    ]  # fmt: skip
    assert "event_map:" in str(error) and 'drop: ["note"]' in str(error)
    assert "event_map=" not in str(error) and "='" not in str(error)


@pytest.mark.parametrize(
    ("columns", "pasted"),
    [
        ({"event": np.tile([1, 2], N // 2)}, "event_map: {1: 0, 2: 1}"),
        ({"TRT01P": np.tile(["a", "b", "c", "d"], N // 4)}, "arm_reference: …"),
        ({"patient_id": np.arange(N) * 7}, 'id: "patient_id"'),
        ({"visit_date": "2024-01-31", "sex": np.tile(["f", "m"], N // 2)}, "drop it"),
    ],
)
def test_the_fix_of_a_protocol_is_yaml(tmp_path: Path, columns: dict[str, object], pasted: str) -> None:
    assert pasted in str(refused(tmp_path, frame(**columns)))


def test_a_setting_no_generator_knows_is_told_at_the_generators_line(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "p.csv", index=False)
    text = with_changes(PROTOCOL, {"generator": {"options": {"epochs": 3}}})
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(errors.GeneratorError, match=r"p\.yaml(.|\n)*line 13, generator"):
        hs.run(tmp_path / "p.yaml", out=tmp_path / "runs")


def test_a_lock_is_refused_where_the_roles_do_not_fit_and_made_where_the_source_is_away(
    heorsynth, tmp_path: Path
) -> None:
    (tmp_path / "p.yaml").write_text(PROTOCOL, encoding="utf-8")
    ended = heorsynth("lock", "p.yaml", cwd=tmp_path)
    assert ended.returncode == 0 and "Its source was not found" in ended.stdout
    (tmp_path / "p.lock").unlink()
    frame(event=0).to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(errors.NoEventsError, match=r"line 7, cohort\.endpoints\.os\.1"):
        write_lock(tmp_path / "p.yaml")
    assert not (tmp_path / "p.lock").exists()


@pytest.mark.parametrize("text", ["…", "...", "<our steward>", "TODO ask Ada", "??", "the arm compared with"])
def test_a_placeholder_is_not_locked(tmp_path: Path, text: str) -> None:
    changed = with_changes(PROTOCOL, {"governance": {"steward": text}})
    (tmp_path / "p.yaml").write_text(changed, encoding="utf-8")
    with pytest.raises(errors.ProtocolError, match=r"line 15, governance\.steward: is a placeholder"):
        write_lock(tmp_path / "p.yaml")


@pytest.mark.parametrize("text", ["the <b>steward</b>, Ada", "Ask Ada; see the mastodon plan", "who? Ada"])
def test_a_sentence_is_no_placeholder(tmp_path: Path, text: str) -> None:
    changed = with_changes(PROTOCOL, {"governance": {"steward": text}})
    (tmp_path / "p.yaml").write_text(changed, encoding="utf-8")
    assert write_lock(tmp_path / "p.yaml").is_file()


@pytest.mark.parametrize(
    ("written", "where", "found"),
    [
        ("{comparator: a, wtp: 20,000}", "economics", "within braces a comma begins a new entry"),
        ("{comparator: a, wtp: 20000}", "economics.wtp", "write it in brackets"),
        ("{comparator: a, wtp: [20000€]}", "economics.wtp.0", "no percent or currency sign"),
    ],
)
def test_a_threshold_written_as_people_write_it_is_told_in_words(
    tmp_path: Path, written: str, where: str, found: str
) -> None:
    (tmp_path / "p.yaml").write_text(PROTOCOL + f"economics: {written}\n", encoding="utf-8")
    with pytest.raises(errors.ProtocolError) as caught:
        read_protocol(tmp_path / "p.yaml")
    told = [f"{problem.found} {problem.fix}" for problem in caught.value.problems
            if problem.where == f"line 14, {where}"]  # fmt: skip
    assert len(told) == 1 and found in told[0]


@pytest.mark.parametrize(("written", "fix"), [("5%", "relative: 0.05"), ("2,5 %", "relative: 0.025"),
                                              ("-0.05", "not -0.05"), ("five", "no percent")])  # fmt: skip
def test_a_margin_in_percent_is_told_as_a_share(tmp_path: Path, written: str, fix: str) -> None:
    text = PROTOCOL + f"margins:\n  survival.rmst: {{horizon: 3, relative: {written}}}\n"
    (tmp_path / "p.yaml").write_text(text.replace("2,5 %", '"2,5 %"'), encoding="utf-8")
    with pytest.raises(errors.MarginError, match="line 15") as caught:
        read_protocol(tmp_path / "p.yaml")
    assert fix in caught.value.problems[0].fix


def test_the_nearest_name_does_not_depend_on_case() -> None:
    assert nearest("trt01p", ["SEX", "TRT01P"]) == "did you mean 'TRT01P'?"
    assert nearest("QALY", ["qaly", "cost"]) == "did you mean 'qaly'?"


def test_a_problem_as_data_is_where_found_and_fix() -> None:
    assert Problem("a", "b", "c", "d").to_dict() == {"where": "a", "found": "b", "fix": "c"}
    assert as_yaml('a "b" \\ c') == '"a \\"b\\" \\\\ c"'


def test_a_notebook_shows_the_message_of_an_error_and_not_the_way_through_our_code() -> None:
    (line,) = errors.CohortError("cohort 'x'", Problem("arm", "one level", "leave it out"))._render_traceback_()
    assert line.startswith("CohortError: cohort 'x' has 1 problem\n") and "fix: leave it out" in line


def test_changes_keep_comments_and_order_and_answer_the_commented_question() -> None:
    text = "title: x   # ours\ncohort:\n  arm: trt\n  # unit: day\n  # entry: e\nmargins: {}\n"
    changed = with_changes(text, {"cohort": {"unit": "month"}, "margins": {"survival.rmst": {"relative": 0.05}}})
    assert changed.startswith("title: x   # ours\ncohort:\n  arm: trt\n")
    assert "unit: month" in changed and "# unit" not in changed and "# entry: e" in changed
    with pytest.raises(errors.ProtocolError, match="not a mapping"):
        with_changes("- a\n", {"title": "x"})
