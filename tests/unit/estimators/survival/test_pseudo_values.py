"""Pseudo-values against the jackknife written out, and against times that nothing censors."""

from __future__ import annotations

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.pseudo_values import restricted_time


def area(time: np.ndarray, event: np.ndarray, horizon: float, weight: np.ndarray, entry: np.ndarray) -> float:
    """The area under Kaplan-Meier of weighted patients, one event time after the other."""
    total, survival, last = 0.0, 1.0, 0.0
    for t in sorted(set(time[event == 1])):
        if t > horizon:
            break
        total, last = total + survival * (t - last), t
        here = weight[(entry < t) & (t <= time)].sum()
        survival *= 1 - weight[(time == t) & (event == 1)].sum() / here
    return total + survival * (horizon - last)


@pytest.mark.parametrize("delayed", [False, True])
def test_they_are_the_derivative_of_the_area_in_the_weight_of_each_patient(delayed: bool) -> None:
    rng = np.random.default_rng(3)
    n, horizon = 60, 5.0
    entry = np.where(np.arange(n) % 3 == 0, rng.uniform(0, 1, n), 0.0) if delayed else np.zeros(n)
    time = entry + np.ceil(rng.exponential(4, n) * 2) / 2
    event = (rng.random(n) < 0.6).astype(int)
    found = restricted_time(time, event, horizon, entry if delayed else None)
    whole = area(time, event, horizon, np.ones(n), entry)
    step = 1e-6
    for i in range(n):
        ends = [area(time, event, horizon, np.ones(n) + sign * step * (np.arange(n) == i), entry) for sign in (1, -1)]
        assert found[i] == pytest.approx(whole + n * (ends[0] - ends[1]) / (2 * step), abs=1e-6)
    assert found.mean() == pytest.approx(whole, abs=1e-9)


def test_without_censoring_they_are_the_times_up_to_the_horizon() -> None:
    time = np.random.default_rng(1).exponential(3, 80)
    np.testing.assert_allclose(restricted_time(time, np.ones(80), 4.0), np.minimum(time, 4.0), atol=1e-9)


def test_the_mean_of_a_group_is_near_the_area_of_the_group() -> None:
    rng = np.random.default_rng(2)
    group = np.arange(4000) % 2
    time, censored = rng.exponential(2 + 2 * group), rng.uniform(1, 8, 4000)
    end, event = np.minimum(time, censored), (time <= censored).astype(int)
    found = restricted_time(end, event, 5.0)
    for level in (0, 1):
        mean = 2.0 + 2 * level
        # 0.15 is three standard errors of the mean of 2,000 patients
        assert found[group == level].mean() == pytest.approx(mean * (1 - np.exp(-5 / mean)), abs=0.15)


def test_an_unknown_time_has_no_value_and_takes_no_part() -> None:
    found = restricted_time(np.array([1.0, np.nan, 3.0]), np.array([1, 1, 1]), 2.0)
    assert np.isnan(found[1]) and found[[0, 2]].tolist() == pytest.approx([1.0, 2.0])
    with pytest.raises(NotEstimableError):
        restricted_time(np.array([np.nan]), np.array([1]), 2.0)


def test_without_an_event_all_have_the_horizon() -> None:
    assert restricted_time(np.array([1.0, 2.0]), np.zeros(2), 4.0).tolist() == [4.0, 4.0]
