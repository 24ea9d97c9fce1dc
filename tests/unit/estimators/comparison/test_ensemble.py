"""Pooling over reconstructions: Rubin's rule by hand, and its coverage."""

import numpy as np
import pytest
from scipy import stats

from heorsynth.core.errors import NotEstimableError
from heorsynth.core.random import stream
from heorsynth.estimators.comparison.ensemble import pool_ensemble


def test_variances_within_and_between_are_added() -> None:
    found = pool_ensemble([1.0, 2.0, 3.0], [0.5, 0.5, 0.8], level=0.9)
    between = (1 + 1 / 3) * 1.0
    assert found.value == 2 and found.se**2 == pytest.approx(0.6 + between)
    freedom = 2 * (1 + 0.6 / between) ** 2
    assert found.high == pytest.approx(2 + stats.t.ppf(0.95, freedom) * found.se)


def test_one_reconstruction_has_only_its_own_variance() -> None:
    found = pool_ensemble([1.0], [0.04])
    assert (found.se, found.high) == (pytest.approx(0.2), pytest.approx(1 + 1.959964 * 0.2))


def test_what_is_not_finite_is_not_pooled() -> None:
    for values, variances in (([], []), ([np.nan], [1.0]), ([1.0], [np.inf])):
        with pytest.raises(NotEstimableError):
            pool_ensemble(values, variances)


def test_the_interval_holds_the_truth_if_reconstructions_are_draws_given_what_is_stated() -> None:
    """Patients would estimate 0 with variance 1; what the paper does not state adds 0.5, and is drawn ten times."""
    rng, held = stream(9, "ensemble"), 0
    for _ in range(2000):
        stated = rng.normal(0, np.sqrt(1.5))
        complete = stated + rng.normal(0, np.sqrt(0.5), 10)
        found = pool_ensemble(complete.tolist(), [1.0] * 10)
        held += found.low <= 0.0 <= found.high
    assert 0.935 <= held / 2000 <= 0.965  # three binomial errors
