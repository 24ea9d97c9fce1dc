"""Correlations of visits agree with scipy, pair by pair."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.visits.correlation import over_time, pairs, resampled_over_time


def values() -> np.ndarray:
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(60, 1)) + rng.normal(size=(60, 3))
    drawn[:10, 2] = np.nan
    return np.round(drawn, 1)


def test_each_pair_uses_the_patients_with_both_visits() -> None:
    held = values()
    for found, (one, other) in zip(over_time(held), pairs(3), strict=True):
        assert found == pytest.approx(spearmanr(held[:, one], held[:, other], nan_policy="omit").statistic, abs=1e-12)


def test_resamples_vary_as_much_as_a_correlation_does() -> None:
    """The error of Fisher's z is about sqrt((1 + r²/2)/(n - 3)); 300 draws and n = 60 leave a fifth."""
    found, r = resampled_over_time(values(), 300, np.random.default_rng(1)), over_time(values())[0]
    assert found.shape == (300, 3)
    assert np.arctanh(found[:, 0]).std() == pytest.approx(np.sqrt((1 + r**2 / 2) / 57), rel=0.2)


def test_one_value_and_too_few_patients_are_refused() -> None:
    with pytest.raises(NotEstimableError, match="one value"):
        over_time(np.ones((5, 2)))
    with pytest.raises(NotEstimableError, match="fewer than four"):
        over_time(np.array([[1, 2.0], [2, 1], [3, 3]]))
    with pytest.raises(NotEstimableError, match="fewer than two"):
        over_time(np.ones((5, 1)))
