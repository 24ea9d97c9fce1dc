"""The copies that measure error rates: those at a margin are off by exactly it, and are judged as the checks judge."""

import sys
from pathlib import Path

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.checks.core.finding import POOLED, SINGLE
from heorsynth.data.cohort.cohort import Cohort

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import boundary
import spoilt


@pytest.mark.parametrize("name", boundary.CASES)
def test_the_expectation_of_an_estimate_is_off_by_exactly_the_margin(name):
    case = boundary.CASES[name]
    _, found, weights, rng = boundary.boundary_of(name, 60, POOLED, 2)
    counts = rng.multinomial(60, weights / 60, size=4000).astype(float)
    if np.ndim(found.real):
        assert found.off(found.statistic(weights[None]))[0] == pytest.approx(found.width, abs=1e-5)
        return
    off = found.off(found.statistic(counts))
    error = off.std() / np.sqrt(len(off))
    assert abs(off.mean() - found.width) < 4 * error, case.key


@pytest.mark.parametrize("name", ["survival.rmst", "survival.hazard_ratio", "costs.cv", "subgroups.representation"])
@pytest.mark.parametrize("use", [POOLED, SINGLE])
def test_a_set_of_copies_is_judged_as_the_check_judges_it(name, use):
    real, found, weights, rng = boundary.boundary_of(name, 60, POOLED, 3)
    state = rng.bit_generator.state
    verdicts = found.verdicts(weights, use, rng)
    rng.bit_generator.state = state
    counts = found.counts(weights, boundary.M[use], rng)
    for own, verdict in zip(counts[:3], verdicts[:3], strict=True):
        frames = [real.frame.iloc[np.repeat(np.arange(60), one.astype(int))] for one in own]
        copies = [Cohort.derive(real.schema, frame.reset_index(drop=True), label=None) for frame in frames]
        assert boundary.finding(boundary.CASES[name], real, copies, rng, use).verdict == verdict


def test_no_weights_bring_nine_in_ten_within_a_margin_that_an_unbiased_cohort_misses():
    assert boundary.judged("costs.mean, long tail", 60, SINGLE, 1)["sets"] == 0


def test_the_decisive_findings_are_those_of_validate():
    real = spoilt.trial(60, 1)
    cohorts = hs.generators.create("bootstrap").fit(real, seed=1).sample(m=3, seed=1)
    found = spoilt.decisive_findings(real, list(cohorts), 1, declared=False)
    evidence = hs.validate(real, cohorts, purpose=spoilt.PURPOSE, economics={"wtp": [spoilt.WTP]}, seed=1)
    expected = {(one.key, one.estimand, one.group): one.verdict for one in evidence.findings if one.decisive}
    assert {(one.key, one.estimand, one.group): one.verdict for one in found} == expected


def test_each_way_of_spoiling_changes_what_it_says_and_nothing_else():
    rows, rng = spoilt.trial(150, 2).frame, np.random.default_rng(1)
    kept = {"arms erased": {"arm"}, "marker effect erased": {"marker"}, "stage shuffled": {"stage"},
            "censoring halved": {"event"}, "cost tail cut at P90": set(spoilt.MONEY),
            "mean cost off by the margin": set(spoilt.MONEY)}  # fmt: skip
    for name, changed in kept.items():
        found = spoilt.COPIES[name].spoil(rows, rng)
        assert {column for column in rows if not found[column].equals(rows[column])} == changed, name
    for name in ("cost tail cut at P90", "mean cost off by twice the margin"):
        found = spoilt.COPIES[name].spoil(rows, rng)
        assert found["cost"].to_numpy() == pytest.approx((found["drug"] + found["hospital"]).to_numpy(), abs=0.01)
    apart = spoilt.COPIES["columns of each arm drawn apart"].spoil(rows, rng)
    for arm, own in apart.groupby("arm"):
        assert sorted(own["qaly"]) == sorted(rows.loc[rows["arm"] == arm, "qaly"])
    assert "IV" not in set(spoilt.COPIES["stage IV lost"].spoil(rows, rng)["stage"])


def test_the_marker_matters_under_the_new_treatment_only():
    rows = spoilt.trial(2000, 3).frame
    mean = rows.groupby(["arm", "marker"])["qaly"].mean()
    gain = mean["new", "high"] - mean["new", "low"]
    assert 0.05 < gain < spoilt.RESPONSE_QALY, "full health ends the gain of many"
    assert mean["usual", "high"] == pytest.approx(mean["usual", "low"], abs=0.04)
