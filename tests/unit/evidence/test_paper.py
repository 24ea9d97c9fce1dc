"""Cohorts of a paper are judged by what it prints: the plan before, the evidence after."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from heorsynth.core.errors import MarginError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.evidence import PAPER, Evidence
from heorsynth.evidence.paper import evidence_of_paper, plan_for_paper
from heorsynth.evidence.publish import published
from heorsynth.published.trial.trial import PublishedTrial


@pytest.fixture(scope="module")
def trial(printed_trial):
    return PublishedTrial.read(printed_trial.path).with_options({"endpoints": ["os"]})


@pytest.fixture(scope="module")
def cohorts(trial):
    return trial.cohorts(m=10, seed=1)


@pytest.fixture(scope="module")
def evidence(trial, cohorts):
    return evidence_of_paper(trial, cohorts, plan_for_paper(trial))


def altered(cohorts, **columns) -> list[Cohort]:
    """Cohorts with columns computed anew: a way to break them."""
    return [Cohort.derive(one.schema, one.frame.assign(**columns), label=one.label, name=one.name) for one in cohorts]


def test_a_reconstruction_of_true_facts_is_fit(evidence) -> None:
    assert evidence.verdict == "fit", evidence
    assert evidence.answers == {"faithful": "yes", "sufficient": "yes", "private": "not asked"}
    assert "Nobody's rows" in evidence.sentence or "Nobody's rows" in repr(evidence)


def test_constraints_are_constructed_and_the_rest_is_tested(evidence) -> None:
    frame = evidence.to_frame().query("question == 'faithful'")
    basis = frame.groupby("basis")["estimand"].agg(set)
    assert basis["tested"] == {"median of os", "hazard ratio of os"}
    assert "share with the event os" in basis["constructed"]


def test_every_printed_fact_of_the_endpoint_has_a_finding(evidence, printed_trial) -> None:
    frame = evidence.to_frame().query("question == 'faithful'").set_index(["estimand", "group"])
    own = printed_trial.frame.query("arm == 'drug'")
    assert frame.loc[("share at risk for os at 12 month", "arm=drug"), "real"] == np.mean(own["os_time"] >= 12)
    assert frame.loc[("share with the event os", "arm=drug"), "real"] == np.mean(own["os_event"])
    assert len(frame) == 2 * (2 + 4 + 1 + 1) + 1 + 7  # Table 1: two means or medians, an SD, four shares


def test_deaths_turned_into_losses_are_not_faithful(trial, cohorts) -> None:
    broken = altered(cohorts, event=lambda frame: frame["event"] * (frame["time"] > 3))
    found = evidence_of_paper(trial, broken, plan_for_paper(trial))
    assert found.answers["faithful"] == "no" and found.verdict == "not fit"


def test_exchanged_arms_are_found_by_the_hazard_ratio(trial, cohorts) -> None:
    swapped = altered(cohorts, arm=lambda frame: frame["arm"].map({"drug": "usual", "usual": "drug"}))
    found = evidence_of_paper(trial, swapped, plan_for_paper(trial)).to_frame().set_index("estimand")
    assert found.loc["hazard ratio of os", "verdict"].tolist().count("fail") == 1


def test_cohorts_that_differ_much_are_not_sufficient_however_right_on_average(trial, cohorts) -> None:
    rng = np.random.default_rng(1)
    wide = [
        Cohort.derive(one.schema, one.frame.assign(time=one.frame["time"] * factor), label=one.label, name=one.name)
        for one, factor in zip(cohorts, np.exp(rng.normal(0, 0.2, len(cohorts))), strict=True)
    ]
    found = evidence_of_paper(trial, wide, plan_for_paper(trial))
    assert found.answers["sufficient"] == "no" and "reconstruction interval" in found.answered[1].worst


def test_if_every_fact_is_a_constraint_nothing_is_shown(printed_trial) -> None:
    every = PublishedTrial.read(printed_trial.path).with_options(
        {"endpoints": ["os"], "constraints": ["events", "medians", "hazard_ratios"]}
    )
    found = evidence_of_paper(every, every.cohorts(m=4, seed=1), plan_for_paper(every))
    assert found.answers["faithful"] == "not shown" and found.verdict == "inconclusive"
    assert "nothing tests them" in found.answered[0].sentence


def test_a_margin_is_never_narrower_than_the_printed_digit(trial, cohorts) -> None:
    plan = plan_for_paper(trial, {"survival.hazard_ratio": {"ratio": [0.999, 1 / 0.999]}})
    rows = evidence_of_paper(trial, cohorts, plan).to_frame()
    row = rows.query("estimand == 'hazard ratio of os' and question == 'faithful'").iloc[0]
    assert row["margin"] == pytest.approx(np.log1p(0.005 / row["real"]))


def test_evidence_on_a_paper_keeps_its_reference_when_it_is_written_and_needs_no_disclosure_control(evidence) -> None:
    assert Evidence.from_dict(evidence.to_dict()).reference == PAPER
    assert Evidence.from_dict(evidence.to_dict()).answers == evidence.answers
    assert published(evidence) is evidence
    assert "reference" not in replace(evidence, reference="patients").to_dict()


def test_tables_say_published_and_in_the_cohorts(evidence) -> None:
    assert evidence.header[3:5] == ("published", "in the cohorts")
    assert "constructed: a constraint of the cohorts" in " ".join(repr(evidence).split())
    assert "of the published value" in " ".join(evidence.card().text().split())
    assert "real" not in evidence.answers_card().text()


@pytest.mark.parametrize(
    ("margins", "told"),
    [
        ({"costs.mean": {"relative": 0.1}}, "costs.mean: not a quantity that a paper states"),
        ({"survival.rmst": {"relative": 0.02, "endpoint": "pfs"}}, "no 'pfs' is in the cohorts"),
        ({"survival.rmst": {"relative": 0.02, "horizon": 99}}, "99 is past the end of the published curves"),
        ({"survival.rmst": {"absolute": 8, "horizon": 12}}, "vacuous"),
    ],
)
def test_a_margin_of_what_the_paper_does_not_state_is_refused(trial, margins, told) -> None:
    with pytest.raises(MarginError, match=told):
        plan_for_paper(trial, margins)


def test_a_contradiction_of_the_paper_is_a_note_with_its_size(printed_trial, tmp_path: Path) -> None:
    path = printed_trial.changed(tmp_path, ("female: {drug: 40 (40%)", "female: {drug: 40 (47%)"))
    trial = PublishedTrial.read(path).with_options({"endpoints": "os"})
    notes = evidence_of_paper(trial, trial.cohorts(m=2), plan_for_paper(trial)).notes
    assert any("contradicts itself (impossible)" in note and "apart by 6.5 percentage points" in note for note in notes)
    assert any(note.startswith("Not determined by the paper, drawn from the prior") for note in notes)


def test_table_1_alone_tests_nothing(printed_trial, tmp_path: Path) -> None:
    text = printed_trial.path.read_text()
    printed = text[text.index("    medians:") : text.index("  pfs:")]
    trial = PublishedTrial.read(printed_trial.changed(tmp_path, (printed, ""))).with_options({"endpoints": "os"})
    plan = plan_for_paper(trial, {"structure.characteristics": {"absolute": 0.1}})
    found = evidence_of_paper(trial, trial.cohorts(m=4, seed=1), plan)
    assert found.answers["faithful"] == "not shown" and "nothing tests them" in found.answered[0].sentence
