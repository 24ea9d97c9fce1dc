"""Rows that a scripted model writes from a paper: on record, refused with counts, labelled, and judged."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heorsynth.core.errors import CallRecordError, ModelCallError, RoleError
from heorsynth.language.models.calls import Answer, Call, Parameters
from heorsynth.language.models.model import Model
from heorsynth.language.models.records import Records
from heorsynth.language.rows.prompted import judged, prompted
from heorsynth.published.trial.trial import PublishedTrial

PAPER = """\
paper: 1
title: Drug against usual care
citations: {smith: Smith A et al. (2020) J Trials 1:1}
arms: {drug: {n: 40, source: Figure 1}, usual: {n: 30, source: Figure 1}}
endpoints:
  os:
    unit: month
    curves: {source: Figure 2, file: os.csv}
    events: {source: Table 2, counts: {drug: 20, usual: 21}}
    medians: {source: Table 2, arms: {drug: {value: 18.0}, usual: {value: 12.0}}}
    hazard_ratios: [{source: Table 2, arm: drug, reference: usual, value: 0.62, low: 0.33, high: 1.14}]
table1:
  source: Table 1
  characteristics:
    age: {unit: year, arms: {drug: {mean: 61.2, sd: 9.8}, usual: {mean: 62.0, sd: 9.1}}}
    sex: {levels: {female: {drug: 16, usual: 14}, male: {drug: 24, usual: 16}}}
"""
CURVES = """\
arm,time,survival
drug,0,1
drug,6,0.8
drug,12,0.6
drug,18,0.5
drug,20,0.45
usual,0,1
usual,6,0.7
usual,12,0.5
usual,18,0.3
usual,20,0.25
"""

Rows = Callable[[int, np.random.Generator], list[object]]


class Script:
    """A client that answers with the rows of a function of their number and a generator."""

    provider, model = "scripted", "script"

    def __init__(self, rows: Rows) -> None:
        self.rows, self.calls = rows, 0

    def send(self, call: Call) -> Answer:
        self.calls += 1
        n = int(re.search(r"a list of (\d+) objects", call.prompt.user).group(1))
        return Answer(json.dumps({"rows": self.rows(n, np.random.default_rng(call.parameters.seed))}), "script", "1")


def good(n: int, rng: np.random.Generator) -> list[object]:
    return [{"time": round(float(rng.exponential(40)) + 0.1, 1), "event": int(rng.integers(2)), "age": 60.0 + at % 5,
             "sex": str(rng.choice(["female", "male"]))} for at in range(n)]  # fmt: skip


@pytest.fixture
def trial(tmp_path: Path) -> PublishedTrial:
    (tmp_path / "os.csv").write_text(CURVES, encoding="utf-8")
    (tmp_path / "paper.yaml").write_text(PAPER, encoding="utf-8")
    return PublishedTrial.read(tmp_path / "paper.yaml").with_options()


def model(rows: Rows | None, records: Path, temperature: float = 1.0) -> Model:
    return Model("scripted", "script", Records(records), Parameters(temperature=temperature), rows and Script(rows))


def test_rows_are_on_record_labelled_and_replayed(trial: PublishedTrial, tmp_path: Path) -> None:
    live = model(good, tmp_path / "records")
    drawn = prompted(trial, live, m=2, seed=3)
    assert live.client.calls == drawn.n_calls == 2 * (2 + 2) and drawn.refused == {}, "40 and 30 rows, 25 a call"
    assert [one.n for one in drawn] == [70, 70] and drawn[0].rows["arm"].value_counts().to_dict() == {
        "drug": 40,
        "usual": 30,
    }
    assert drawn[0].synthetic is True and drawn.label.generator == "prompted" and "judged" in drawn.label.statement
    again = prompted(trial, model(None, tmp_path / "records"), m=2, seed=3)
    assert again[1].rows.equals(drawn[1].rows) and not drawn[0].rows.equals(drawn[1].rows)
    with pytest.raises(CallRecordError):
        prompted(trial, model(None, tmp_path / "records"), m=1, seed=4)


def test_a_prompt_tells_the_printed_facts_and_no_point_of_a_curve(trial: PublishedTrial, tmp_path: Path) -> None:
    live = model(good, tmp_path / "records")
    prompted(trial, live, seed=1)
    asked = [live.records.facts(key)["call"] for key in sorted(live.records.keys())]
    assert {one["about"]["kind"] for one in asked} == {"published"}
    user = asked[0]["user"]
    assert (
        "- os.median.drug: 18 month" in user
        and "0.62 (0.33 to 1.14)" in user
        and "- sex: sex, one of female, male" in user
    )
    assert "0.45" not in user


def test_a_row_that_cannot_stand_is_refused_with_its_reason_and_asked_for_again(
    trial: PublishedTrial, tmp_path: Path
) -> None:
    wrong = [
        ({"time": -1.0}, "time: out of range"), ({"event": 2}, "event: not 0 or 1"), ({"age": "61"}, "age: no number"),
        ({"sex": "Female"}, "sex: unknown level"), ({"name": "Ada"}, "unknown column"),
        ({"age": None}, "age: no number"), ({"event": True}, "event: no number"),
    ]  # fmt: skip

    def rows(n: int, rng: np.random.Generator) -> list[object]:
        made = good(n, rng)
        return [{**made[0], **change} for change, _ in wrong] + [["no row"], {"time": 1.0}] + made + made[:1]

    drawn = prompted(trial, model(rows, tmp_path / "records"), seed=1)
    assert drawn[0].n == 70 and drawn.n_calls == 4
    assert drawn.refused == {"time: out of range": 4, "event: not 0 or 1": 4, "age: no number": 8, "no row": 4,
                             "sex: unknown level": 4, "unknown column": 4, "event: missing": 4,
                             "event: no number": 4, "more rows than asked for": 4}  # fmt: skip
    assert drawn.label.settings["refused"] == drawn.refused and "Ada" not in str(drawn.label.settings)


def test_an_arm_that_stays_short_is_short_and_an_empty_one_is_an_error(trial: PublishedTrial, tmp_path: Path) -> None:
    drawn = prompted(trial, model(lambda n, rng: good(min(n, 2), rng), tmp_path / "few"), seed=1)
    assert drawn[0].n == 3 * 6 + 5 and drawn.n_calls == 12, "two rows in each of three calls; the last batch has five"
    with pytest.raises(ModelCallError, match="no usable row"):
        prompted(trial, model(lambda n, rng: [], tmp_path / "none"), seed=1)
    with pytest.raises(RoleError, match="same rows in every call"):
        prompted(trial, model(good, tmp_path / "cold", temperature=0.0), seed=1)
    with pytest.raises(RoleError, match="one or more"):
        prompted(trial, model(good, tmp_path / "cold"), m=0)


def test_every_fact_of_the_paper_tests_the_rows(trial: PublishedTrial, tmp_path: Path) -> None:
    evidence = judged(trial, list(prompted(trial, model(good, tmp_path / "records"), m=3, seed=1)))
    frame = evidence.to_frame().query("question == 'faithful'")
    assert set(frame["basis"]) == {"tested"}
    assert evidence.answers["faithful"] == "no" and evidence.generator == "prompted"
    assert trial.constraints, "the trial itself keeps its constraints"
