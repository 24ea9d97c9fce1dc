"""What a plain analysis of synthetic rows claims, beside what these patients can say."""

import math

import pytest

import heorsynth as hs

MARGIN = {"inference.precision": {"ratio": [0.9, 1.1111]}}


@pytest.fixture(scope="module")
def trial():
    return hs.datasets.simulated_trial(300, seed=3)[0]


def found(trial, n, m=20):
    synthetic = hs.generators.create("heor").fit(trial, seed=1).sample(n=n, m=m, seed=1)
    findings = hs.validate(trial, synthetic, "teaching", MARGIN).findings
    return [one for one in findings if one.key == "inference.precision"]


@pytest.mark.parametrize(("n", "verdict"), [(150, "pass"), (300, "pass"), (1500, "fail")])
def test_rows_beyond_the_patients_fail_and_fewer_do_not(trial, n, verdict):
    findings = found(trial, n)
    assert {one.verdict for one in findings} == {verdict}
    for one in findings:
        assert one.synthetic / one.real == pytest.approx(math.sqrt(300 / n), rel=0.15)


def test_the_claim_is_the_standard_error_of_the_plain_analysis(trial):
    cost = trial.column("cost")
    treated = trial.levels("arm") == "new"
    parts = [cost[treated], cost[~treated]]
    welch = math.sqrt(sum(part.var(ddof=1) / len(part) for part in parts))
    one = next(one for one in found(trial, 300) if "mean of cost" in one.estimand)
    assert one.real == pytest.approx(welch)


def test_the_interval_covers_the_cohorts_on_the_log_scale(trial):
    """Costs whose deviations are 0.8 and 1.25 times the patients' claim so many times their standard error."""
    cost = trial.frame.groupby("arm")["cost"].transform("mean")
    drawn = [
        hs.Cohort.derive(trial.schema, trial.frame.assign(cost=cost + times * (trial.frame["cost"] - cost)), label=None)
        for times in (0.8, 1.25 * 1.1**2)
    ]
    findings = hs.validate(trial, drawn, "teaching", MARGIN).findings
    one = next(one for one in findings if one.key == "inference.precision" and "mean of cost" in one.estimand)
    assert one.difference == pytest.approx(math.log(1.1)) and one.scale == "ratio"
    t = 6.313751514675043  # the 95% quantile of Student's t on one degree of freedom
    assert (one.lower, one.upper) == pytest.approx(
        [math.log(1.1) + side * t * math.log(1.25 * 1.1) for side in (-1, 1)]
    )
    assert math.isnan(one.real_lower), "the patients' standard error is a number without an error of its own"


def test_a_single_cohort_does_not_show_what_is_chance(trial):
    single = found(trial, 300, m=1)
    assert {one.verdict for one in single} == {"inconclusive"}
    assert all(math.isnan(one.lower) and one.difference != 0 for one in single)


def test_without_arms_the_means_are_asked():
    lung = hs.datasets.load("lung")
    findings = found(lung, 900)
    assert [one.group for one in findings] == ["all"]
    assert "rmst of os" in findings[0].estimand
    assert findings[0].verdict == "fail"
