"""Curves and summaries of many cohorts in one pass, against those of each cohort by itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.stacked import curves
from heorsynth.estimators.stacked.counts import Outcome, stacked
from heorsynth.estimators.survival.aalen_johansen import cumulative_incidence
from heorsynth.estimators.survival.curve import SurvivalCurve
from heorsynth.estimators.survival.kaplan_meier import kaplan_meier, reverse_kaplan_meier
from heorsynth.estimators.survival.summaries import curve_quantile, landmark, restricted_mean


def outcomes(*, delayed: bool) -> list[Outcome]:
    """Twelve cohorts; some end in an event, one falls to 0 early under delayed entry, one has no event."""
    rng, found = np.random.default_rng(8), []
    for n in (4, 5, 6, 9, 12, 20, 40, 41, 60, 80):
        time = np.ceil(rng.exponential(5, n))
        found.append((time, rng.choice([0, 1, 1, 2], n), time * rng.choice([0.0, 0.6], n) if delayed else None))
    found.append((np.array([1.0, 6.0, 8.0]), np.array([1, 1, 0]), np.array([0.0, 2.0, 3.0]) if delayed else None))
    found.append((np.array([3.0, 9.0]), np.array([0, 0]), np.zeros(2) if delayed else None))
    return found


def agree(found: curves.Found, plain: Callable[[Outcome], Estimate], given: list[Outcome]) -> int:
    """Compare row by row; where the plain estimator refuses, the value is NaN. Return the number of values."""
    shown = 0
    for row, outcome in enumerate(given):
        try:
            expected = plain(outcome)
        except (NotEstimableError, HorizonError):
            assert np.isnan(found[0][row]), outcome
            continue
        if np.isfinite(found[0][row]):
            assert (found[0][row], found[1][row]) == pytest.approx((expected.value, expected.se), rel=1e-12), outcome
            shown += 1
    return shown


def curve(outcome: Outcome) -> SurvivalCurve:
    return kaplan_meier(outcome[0], outcome[1] == 1, outcome[2])


@pytest.mark.parametrize("delayed", [False, True])
def test_summaries_of_curves_are_those_of_each_cohort(delayed: bool) -> None:
    given = outcomes(delayed=delayed)
    stack = stacked(given)
    for at in (0.5, 3.0, 6.0, 8.0, 11.0, 30.0):
        found = curves.restricted_means(stack.curves, at)
        agree(found, lambda one, at=at: restricted_mean(curve(one), at), given)
        agree(curves.landmarks(stack.curves, at), lambda one, at=at: landmark(curve(one), at), given)
        reverse = curves.restricted_means(stack.follow_up, at)
        agree(reverse, lambda one, at=at: restricted_mean(reverse_kaplan_meier(one[0], one[1] > 0, one[2]), at), given)
    assert agree(curves.restricted_means(stack.curves, 3.0), lambda one: restricted_mean(curve(one), 3.0), given) >= 10
    assert agree(curves.landmarks(stack.curves, 3.0), lambda one: landmark(curve(one), 3.0), given) >= 6
    for share in (0.2, 0.5, 0.7):
        found = curves.quantiles(stack.curves, share)
        assert agree(found, lambda one, share=share: curve_quantile(curve(one), share), given) >= 3
    assert np.array_equal(stack.curves.reach, [curve(one).reach for one in given])


@pytest.mark.parametrize("delayed", [False, True])
def test_heights_on_a_grid_are_those_of_each_curve(delayed: bool) -> None:
    given, grid = outcomes(delayed=delayed), np.array([0.5, 1.0, 4.0, 5.0])
    found = stacked(given).curves.at(grid)
    shown = 0
    for row, one in zip(found, given, strict=True):
        try:
            expected = curve(one).at(grid)
        except HorizonError:
            assert np.isnan(row).all()
            continue
        assert row == pytest.approx(expected, rel=1e-12)
        shown += 1
    assert shown >= 8


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("cause", [1, 2])
def test_incidences_are_those_of_each_cohort_and_0_without_events_of_the_cause(delayed: bool, cause: int) -> None:
    given = outcomes(delayed=delayed)
    stack = stacked(given)

    def plain(one: Outcome) -> Estimate:
        found = cumulative_incidence(*one)
        first = next(iter(found.values()))
        first.at(4.0)
        if cause not in found:
            return Estimate.normal(0.0, 0.0)
        return Estimate.normal(float(found[cause].at(4.0)), float(found[cause].se_at(4.0)))

    found = curves.incidences(stack.counts(slice(1, None)), stack.ends[:, cause].sum(axis=0), 4.0)
    assert agree(found, plain, given) >= 7
