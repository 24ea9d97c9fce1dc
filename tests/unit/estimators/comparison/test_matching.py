"""Matching weights: by hand, out of reach, and what their estimation takes from the variance."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.core.random import stream
from heorsynth.estimators.comparison.matching import matching_weights


def test_weights_of_one_level_follow_its_share() -> None:
    found = matching_weights(np.array([[0.0], [0.0], [0.0], [1.0]]), np.array([0.5]))
    assert found.weights == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert found.effective_n == pytest.approx(16 / (3 * (2 / 3) ** 2 + 4))


def test_weighted_means_are_the_targets_whatever_the_units() -> None:
    rng = stream(1, "matching")
    rows = np.column_stack([rng.normal(60, 10, 300), rng.random(300) < 0.3, 1e6 * rng.exponential(1, 300)])
    aims = np.array([63.0, 0.45, 1.1e6])
    weights = matching_weights(rows, aims).weights
    assert weights @ rows / weights.sum() == pytest.approx(aims, rel=1e-7)
    assert weights.sum() == pytest.approx(300) and (weights > 0).all()


def test_targets_of_the_patients_themselves_give_equal_weights() -> None:
    rows = stream(2, "matching").normal(size=(50, 2))
    found = matching_weights(rows, rows.mean(axis=0))
    assert found.weights == pytest.approx(1) and found.effective_n == pytest.approx(50)


def test_a_constant_covariate_at_its_target_asks_nothing() -> None:
    rows = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    assert matching_weights(rows, np.array([1.0, 0.5])).weights == pytest.approx(1)
    with pytest.raises(NotEstimableError, match="the same for all patients"):
        matching_weights(rows, np.array([0.9, 0.5]))


def test_targets_out_of_reach_are_refused() -> None:
    rows = np.array([[0.0, 0.0], [1.0, 0.1], [0.0, 0.2], [1.0, 0.9]])
    with pytest.raises(NotEstimableError, match="outside of the patients' range"):
        matching_weights(rows, np.array([0.5, 1.5]))
    with pytest.raises(NotEstimableError, match="no weights reach"):
        matching_weights(np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]), np.array([0.8, 0.8]))


def test_the_adjusted_variance_of_a_weighted_mean_is_that_of_its_bootstrap() -> None:
    """y depends on x, so matching x takes most of the variance away; fixed weights would show 3 times as much."""
    rng = stream(3, "matching")
    x = rng.normal(size=400)
    y = 2 * x + rng.normal(size=400)

    def mean(rows: np.ndarray) -> tuple[float, float, float]:
        found = matching_weights(x[rows, None], np.array([0.3]))
        value = float(found.weights @ y[rows] / found.weights.sum())
        residuals = y[rows] - value
        adjusted = (found.adjusted(residuals) ** 2).sum() / len(rows) ** 2
        return value, float(adjusted), float(((found.weights * residuals) ** 2).sum() / len(rows) ** 2)

    draws = np.array([mean(rng.integers(0, 400, 400))[0] for _ in range(400)])
    _, adjusted, fixed = mean(np.arange(400))
    assert adjusted == pytest.approx(draws.var(ddof=1), rel=0.25)  # three standard errors of a variance of 400
    assert fixed > 3 * adjusted
