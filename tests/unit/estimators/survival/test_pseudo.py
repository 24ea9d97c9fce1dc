"""Pseudo-observations equal those of n Kaplan-Meier curves, each without one patient."""

import numpy as np
import pytest

from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.estimators.survival.pseudo import pseudo_restricted_means


def area(time: np.ndarray, event: np.ndarray, horizon: float) -> float:
    height, last, total = 1.0, 0.0, 0.0
    for at in np.unique(time[time < horizon]):
        total += height * (at - last)
        last = at
        height *= 1 - (event & (time == at)).sum() / (time >= at).sum()
    return total + height * (horizon - last)


@pytest.mark.parametrize("seed", range(40))
def test_they_equal_the_slow_form_with_ties_and_censoring(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 30))
    time, event = rng.integers(1, 12, n).astype(float), rng.random(n) < 0.6
    horizon = float(rng.uniform(0.5, time.max()))
    slow = [
        n * area(time, event, horizon) - (n - 1) * area(np.delete(time, i), np.delete(event, i), horizon)
        for i in range(n)
    ]
    np.testing.assert_allclose(pseudo_restricted_means(time, event, horizon), slow, atol=1e-9)


def test_a_horizon_past_the_last_follow_up_and_one_patient_are_refused() -> None:
    with pytest.raises(HorizonError):
        pseudo_restricted_means(np.array([1.0, 2.0]), np.array([True, False]), 3.0)
    with pytest.raises(NotEstimableError):
        pseudo_restricted_means(np.array([1.0]), np.array([True]), 1.0)
