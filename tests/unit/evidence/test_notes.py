"""What stands beside the findings: rows that outnumber patients, copies of copies, thin beginnings, who is exposed."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.groups import ALL, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Question
from heorsynth.checks.core.scalar import Measured
from heorsynth.checks.privacy.estimands import MEMBERSHIP
from heorsynth.evidence.notes import further_notes, most_exposed
from heorsynth.generators.sampling.cohorts import MoreRowsThanPatients


def trial(n=120, seed=1):
    return hs.datasets.simulated_trial(n, seed=seed)[0]


def test_rows_that_outnumber_patients_are_told_with_what_a_plain_analysis_would_claim():
    real = trial()
    with pytest.warns(MoreRowsThanPatients):
        syn = hs.generators.create("heor").fit(real).sample(n=480, m=2)
    notes = hs.validate(real, syn, "teaching").notes
    assert any("480 rows of each cohort rest on 120 patients" in note and "2 times too small" in note for note in notes)
    same = hs.generators.create("heor").fit(real).sample(m=2)
    assert not any("rest on" in note for note in further_notes(real, same, []))


def test_findings_against_rows_that_are_synthetic_say_so_themselves():
    first = hs.generators.create("heor").fit(trial()).sample(m=1)[0]
    again = hs.generators.create("heor").fit(first, allow_synthetic_source=True).sample(m=2)
    evidence = hs.validate(first, again, "teaching", allow_synthetic_source=True)
    assert all("themselves synthetic" in finding.because for finding in evidence.findings)
    assert any("generation 2" in note for note in evidence.notes)


def test_a_curve_that_begins_among_few_patients_at_risk_is_told():
    rng = np.random.default_rng(1)
    entry = np.concatenate([[0.0, 0.0], rng.uniform(2, 3, 58)])
    time = np.concatenate([[0.5, 4.0], entry[2:] + rng.uniform(0.5, 3, 58)])
    frame = pd.DataFrame({"entry": entry, "time": time, "event": np.concatenate([[1, 0], rng.integers(0, 2, 58)])})
    late = hs.Cohort(frame, endpoints={"os": ("time", "event")}, entry="entry")
    assert any("fewer than 5 patients at risk" in note for note in further_notes(late, [late], []))
    assert further_notes(hs.Cohort(frame.drop(columns="entry"), endpoints={"os": ("time", "event")}), [late], []) == ()


def attacked(group, excess):
    everyone = Group(group, ALL, None, ())
    question = Question(MEMBERSHIP, "telling", everyone, Margin("absolute", 0.1), n_real=50)
    return question.compare(Measured(0.5, 0.01**2, [0.49 + excess, 0.51 + excess], [0.0, 0.0]))


def test_the_most_exposed_group_is_named_beside_everybody_with_its_interval_and_the_number_of_groups():
    """Two cohorts that differ by 0.02: mean ± t(0.95, 1)·0.01 = ± 0.063."""
    told = most_exposed([attacked("all", 0.02), attacked("sex=f", 0.01), attacked("sex=m", 0.2)])
    assert told == [
        "Most exposed to telling: sex=m, 0.2 (0.14 to 0.26), of 2 groups; everybody 0.02 (-0.043 to 0.083)."
    ]
    assert most_exposed([attacked("all", 0.02)]) == []


def test_intervals_that_do_not_allow_for_clusters_say_so_and_only_where_there_are_clusters():
    cohort, _ = hs.datasets.simulated_cluster_trial(120, clusters=12, seed=1)
    evidence = hs.validate(cohort, [cohort], "teaching", seed=1)
    assert [note for note in evidence.notes if "do not allow for clusters" in note and "survival" in note]
    plain, _ = hs.datasets.simulated_trial(120, 1)
    assert not [note for note in hs.validate(plain, [plain], "teaching", seed=1).notes if "clusters" in note]


def test_analyses_that_heor_shrinks_come_with_the_setting_that_keeps_them_and_only_where_it_may():
    cohort = hs.datasets.load("veterans")

    def notes(**options):
        drawn = hs.generators.create("heor", **options).fit(cohort, seed=1).sample(m=20, seed=1)
        return [one for one in hs.validate(cohort, drawn, "model-development", seed=1).notes if "{keep: all}" in one]

    assert len(notes()) == 1
    assert notes(keep="all") == notes(release="shared") == []
    marginals = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=20, seed=1)
    assert not any("keep: all" in one for one in hs.validate(cohort, marginals, "model-development", seed=1).notes)
