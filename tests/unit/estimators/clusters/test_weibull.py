"""The scores of a Weibull model are the derivatives of its log-likelihood."""

import numpy as np
import pytest

from heorsynth.estimators.clusters.weibull import weibull_scores


def loglik(
    theta: np.ndarray, time: np.ndarray, event: np.ndarray, x: np.ndarray, entry: np.ndarray | None
) -> np.ndarray:
    """By the density and the survival function, written out."""
    scale, shape = np.exp(x @ theta[:-1]), np.exp(theta[-1])
    hazard = shape / scale * (time / scale) ** (shape - 1)
    found = event * np.log(hazard) - (time / scale) ** shape
    return found if entry is None else found + (entry / scale) ** shape


@pytest.mark.parametrize("delayed", [False, True])
def test_the_scores_are_the_slopes_of_the_likelihood(delayed: bool) -> None:
    rng = np.random.default_rng(1)
    time, event, x = rng.uniform(1, 9, 30), rng.random(30) < 0.6, np.column_stack([rng.normal(size=30), np.ones(30)])
    entry = np.where(rng.random(30) < 0.5, 0.0, 0.4 * time) if delayed else None
    theta, step = np.array([0.3, 1.4, 0.2]), 1e-6
    found = weibull_scores(time, event, x, theta[:-1], theta[-1], entry)
    for place in range(3):
        moved = [loglik(theta + sign * step * np.eye(3)[place], time, event, x, entry) for sign in (1, -1)]
        assert found[:, place] == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-7)
