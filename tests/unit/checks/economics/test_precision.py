"""What a plain analysis of synthetic rows claims, beside what these patients can say."""

import math

import numpy as np
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


def test_a_single_cohort_is_judged_by_what_resampling_lets_expect(trial):
    several, single = found(trial, 300), found(trial, 300, m=1)
    assert all(one.upper - one.lower > 0 for one in single)
    assert np.mean([one.upper - one.lower for one in single]) > np.mean([one.upper - one.lower for one in several])


def test_without_arms_the_means_are_asked():
    lung = hs.datasets.load("lung")
    findings = found(lung, 900)
    assert [one.group for one in findings] == ["all"]
    assert "rmst of os" in findings[0].estimand
    assert findings[0].verdict == "fail"
