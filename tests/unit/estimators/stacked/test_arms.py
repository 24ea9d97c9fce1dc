"""Effects of an arm in many cohorts in one pass, against the regressions of each cohort by itself."""

from __future__ import annotations

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.stacked import arms
from heorsynth.estimators.stacked.counts import Outcome, Stack, stacked
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.estimates import rmst_difference
from heorsynth.estimators.survival.fine_gray import fine_gray

AT = 2.0


def given(*, delayed: bool) -> tuple[list[Outcome], list[np.ndarray], Stack]:
    """Eight cohorts of two arms with two causes and many ties."""
    rng, found, treated = np.random.default_rng(5), [], []
    for n in (30, 31, 40, 44, 50, 60, 80, 120):
        arm = np.arange(n) % 2 == 0
        time = np.ceil(rng.exponential(np.where(arm, 7, 5))) / 2
        found.append((time, rng.choice([0, 1, 1, 2], n), time * rng.choice([0.0, 0.4], n) if delayed else None))
        treated.append(arm)
    return found, treated, stacked(found, [np.where(arm, 0, 1) for arm in treated])


@pytest.mark.parametrize("delayed", [False, True])
def test_hazard_ratios_are_those_of_a_cox_regression_of_the_rows(delayed: bool) -> None:
    outcomes, treated, stack = given(delayed=delayed)
    value, se = arms.log_hazard_ratios(stack)
    for row, ((time, cause, entry), arm) in enumerate(zip(outcomes, treated, strict=True)):
        fit = cox(time, cause == 1, arm.astype(float)[:, None], entry)
        assert (value[row], se[row]) == pytest.approx((fit.coef[0], fit.se[0]), rel=1e-8)


@pytest.mark.parametrize("delayed", [False, True])
def test_changes_are_those_of_two_cox_regressions_of_cut_follow_up(delayed: bool) -> None:
    outcomes, treated, stack = given(delayed=delayed)
    value, se = arms.log_hazard_ratio_changes(stack, AT)
    assert np.isfinite(value).sum() >= 5
    for row, ((time, cause, entry), arm) in enumerate(zip(outcomes, treated, strict=True)):
        start = np.zeros(len(time)) if entry is None else entry
        early, late, X = start < AT, time > AT, arm.astype(float)[:, None]
        if np.isnan(value[row]):
            with pytest.raises(NotEstimableError):
                cox(time[late], (cause == 1)[late], X[late], np.maximum(start, AT)[late])
            continue
        before = cox(np.minimum(time, AT)[early], ((cause == 1) & (time <= AT))[early], X[early], start[early])
        after = cox(time[late], (cause == 1)[late], X[late], np.maximum(start, AT)[late])
        assert value[row] == pytest.approx(after.coef[0] - before.coef[0], rel=1e-8)
        assert se[row] == pytest.approx(np.hypot(after.se[0], before.se[0]), rel=1e-8)


@pytest.mark.parametrize("delayed", [False, True])
def test_differences_are_those_of_the_restricted_means(delayed: bool) -> None:
    outcomes, treated, stack = given(delayed=delayed)
    value, se = arms.restricted_mean_differences(stack, AT)
    for row, ((time, cause, entry), arm) in enumerate(zip(outcomes, treated, strict=True)):
        found = rmst_difference(time, cause == 1, arm, AT, entry)
        assert (value[row], se[row]) == pytest.approx((found.value, found.se), rel=1e-10)


def test_subdistribution_ratios_are_those_of_a_regression_of_the_rows() -> None:
    outcomes, treated, stack = given(delayed=False)
    value, se = arms.log_subdistribution_ratios(stack)
    for row, ((time, cause, _), arm) in enumerate(zip(outcomes, treated, strict=True)):
        fit = fine_gray(time, cause, arm.astype(float)[:, None])
        assert (value[row], se[row]) == pytest.approx((fit.coef[0], fit.se[0]), rel=1e-8)


def test_without_censoring_or_other_causes_the_subdistribution_ratio_stays_that_of_the_rows() -> None:
    time, arm = np.arange(1.0, 13.0), np.array([1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1], bool)
    for cause in (np.ones(12, int), np.where(np.arange(12) % 3, 1, 2), np.where(np.arange(12) % 3, 1, 0)):
        value, se = arms.log_subdistribution_ratios(stacked([(time, cause, None)], [np.where(arm, 0, 1)]))
        fit = fine_gray(time, cause, arm.astype(float)[:, None])
        assert (value[0], se[0]) == pytest.approx((fit.coef[0], fit.se[0]), rel=1e-8)


def test_a_likelihood_without_a_maximum_gives_no_value_and_leaves_the_other_cohorts() -> None:
    arm = np.array([0, 1, 0, 1])
    apart = (np.array([1.0, 2.0, 1.5, 3.0]), np.array([1, 0, 1, 0]), None)
    mixed = (np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 1, 1]), None)
    nobody = (np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4, int), None)
    stack = stacked([apart, mixed, nobody], [arm, arm, arm])
    for found in (arms.log_hazard_ratios(stack), arms.log_subdistribution_ratios(stack)):
        assert np.isnan(found[0]).tolist() == [True, False, True]
    assert arms.log_hazard_ratios(stack)[0][1] == pytest.approx(0.9406, abs=5e-5)
