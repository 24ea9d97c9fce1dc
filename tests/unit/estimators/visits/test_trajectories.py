"""Attendance, gaps and dropout by hand, and the weights of an area."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.data.visits.area import area_under, late
from heorsynth.estimators.visits.trajectories import Outcome, Trajectories, area_weights

NAN = np.nan
TIMES = np.array([0.0, 0.25, 0.5, 1.0])
VALUES = np.array([
    [0.8, 0.7, 0.6, 0.9],  # complete
    [0.8, NAN, 0.6, NAN],  # a gap, then dropout
    [0.8, 0.7, NAN, NAN],  # dropout
    [0.8, 0.7, NAN, NAN],  # dies at 0.4
    [0.8, NAN, NAN, NAN],  # leaves, dies at 0.4
])  # fmt: skip
DEATH = np.array([np.inf, np.inf, np.inf, 0.4, 0.4])


def seen() -> Trajectories:
    return Trajectories(TIMES, VALUES, late(TIMES, DEATH, periods=False))


def test_attendance_gaps_and_dropout_are_those_of_five_patients() -> None:
    found = seen()
    assert found.alive.sum(axis=0).tolist() == [5, 5, 3, 3]
    assert found.attending.sum(axis=0).tolist() == [5, 4, 2, 1]
    assert found.gaps.sum(axis=1).tolist() == [0, 1, 0, 0, 0]
    assert found.intermittent.tolist() == [False, True, False, False, False]
    assert found.dropped_out.tolist() == [False, True, True, False, True]
    assert found.with_death[3].tolist() == [0.8, 0.7, 0.0, 0.0]


def test_values_after_death_are_ignored() -> None:
    values = VALUES.copy()
    values[3, 3] = 0.99
    found = Trajectories(TIMES, values, seen().late)
    assert np.isnan(found.living_values[3, 3]) and not found.attending[3, 2]


def test_a_subset_keeps_its_patients() -> None:
    some = seen().take(np.array([True, False, False, True, False]))
    assert some.n == 2 and some.alive.sum() == 6


@pytest.mark.parametrize("rate", [0.0, 0.035])
def test_the_weights_give_the_area_of_every_patient(rate: float) -> None:
    rng = np.random.default_rng(1)
    death = np.where(rng.random(50) < 0.5, rng.uniform(0.01, 1.2, 50), np.inf)
    moments = TIMES + np.array([0, -0.02, -0.03, 0.0]) + np.zeros((50, 1))
    after = late(TIMES, death, periods=False, times=moments)
    values = np.where(after, NAN, rng.normal(0.7, 0.2, (50, 4)))
    weights = area_weights(TIMES, death, rate=rate, years=1.0, moments=moments)
    expected = area_under(moments, values, TIMES, death, rate=rate, years=1.0)
    found = Outcome(Trajectories(TIMES, values, after), weights)
    assert found.of(values) == pytest.approx(expected, abs=1e-12)
    assert found.known.all()


def test_an_outcome_that_is_one_column_is_itself() -> None:
    column = Outcome.of_column(np.array([3.0, NAN]))
    assert column.of(np.array([[3.0], [4.0]])).tolist() == [3.0, 4.0]
    assert column.take(np.array([1])).known.tolist() == [False]


def test_times_that_fall_and_other_shapes_are_refused() -> None:
    with pytest.raises(NotEstimableError, match="increase"):
        Trajectories(TIMES[::-1], VALUES, seen().late)
    with pytest.raises(NotEstimableError, match="shapes"):
        Trajectories(TIMES, VALUES, DEATH)
