"""Means, shares and areas of five patients by hand, and the variance of an area by the bootstrap."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.data.visits.area import late
from heorsynth.estimators.visits.summaries import attending_at, mean_at, mean_outcome, pattern_share
from heorsynth.estimators.visits.trajectories import Outcome, Trajectories, area_weights

from .test_trajectories import TIMES, seen


def test_a_mean_is_over_the_living_who_were_measured() -> None:
    found = mean_at(seen(), 2)
    assert (found.value, found.n_used, found.n_total) == (0.6, 2, 5)


def test_the_dropout_curve_is_of_the_living() -> None:
    assert [attending_at(seen(), visit).value for visit in range(4)] == pytest.approx([1, 4 / 5, 2 / 3, 1 / 3])


def test_patterns_are_shares_of_all_patients() -> None:
    assert pattern_share(seen(), "intermittent").value == pytest.approx(1 / 5)
    assert pattern_share(seen(), "monotone").value == pytest.approx(2 / 5)
    with pytest.raises(NotEstimableError, match="intermittent"):
        pattern_share(seen(), "random")


def test_the_mean_area_of_complete_patients_is_the_mean_of_their_areas() -> None:
    rng = np.random.default_rng(2)
    death = np.where(rng.random(80) < 0.3, rng.uniform(0.05, 1.2, 80), np.inf)
    after = late(TIMES, death, periods=False)
    values = rng.normal(0.7, 0.2, (80, 4))
    outcome = Outcome(Trajectories(TIMES, values, after), area_weights(TIMES, death))
    areas, found = outcome.of(values), mean_outcome(outcome)
    assert found.value == pytest.approx(areas.mean(), abs=1e-12)
    assert found.se == pytest.approx(areas.std(ddof=1) / np.sqrt(80), rel=1e-9)


def test_the_error_of_an_area_with_missing_values_is_that_of_a_bootstrap() -> None:
    """The bootstrap has 2,000 draws: its standard error is exact to 1.6%, and that of 150 patients differs by less."""
    rng = np.random.default_rng(3)
    n = 150
    death = np.where(rng.random(n) < 0.3, rng.uniform(0.05, 1.2, n), np.inf)
    values = rng.normal(0.7, 0.2, (n, 1)) + rng.normal(0, 0.1, (n, 4))
    values[rng.random((n, 4)) < [0, 0.1, 0.2, 0.3]] = np.nan
    outcome = Outcome(Trajectories(TIMES, values, late(TIMES, death, periods=False)), area_weights(TIMES, death))
    found = mean_outcome(outcome)
    drawn = [mean_outcome(outcome.take(rng.integers(n, size=n))).value for _ in range(2000)]
    assert found.se == pytest.approx(np.std(drawn), rel=0.05)
    assert found.n_used == int((np.isfinite(values) | outcome.seen.late).all(axis=1).sum())


def test_an_area_without_any_value_at_a_visit_is_refused() -> None:
    values = np.array([[0.8, np.nan], [0.7, np.nan]])
    outcome = Outcome(Trajectories(np.array([0, 1]), values, np.zeros((2, 2), bool)), np.full((2, 2), 0.5))
    with pytest.raises(NotEstimableError, match="without known values"):
        mean_outcome(outcome)
