"""Fits of many samples together: the plain log-likelihood, patient by patient, is largest at each of them."""

from __future__ import annotations

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.counts import FollowUp, follow_up
from heorsynth.estimators.survival.parametric import ParametricFit, Samples, fit_each, fit_parametric
from heorsynth.estimators.survival.parametric_families import FAMILIES


def patients(seed: int, n: int, *, late: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    rng = np.random.default_rng(seed)
    death, left = 900 * rng.weibull(1.3, n), rng.uniform(200, 1800, n)
    time = np.minimum(death, left)
    return time, death <= left, time * rng.uniform(0, 0.5, n) * (rng.random(n) < 0.4) if late else None


def log_likelihood(family: str, one: FollowUp, theta: np.ndarray, scale: float) -> float:
    """Log hazard at each event and log survival at each end, without that at entry."""
    total = 0.0
    for place in range(one.n):
        hazard, survival = FAMILIES[family].logs(one.time[[place]] / scale, theta)
        total += float(survival[0]) + (float(hazard[0]) - np.log(scale) if one.event[place] else 0.0)
        if one.entry is not None and one.entry[place] > 0:
            total -= float(FAMILIES[family].logs(one.entry[[place]] / scale, theta)[1][0])
    return total


@pytest.mark.parametrize("family", FAMILIES)
def test_fits_together_are_maxima_of_each_plain_likelihood_and_those_of_each_alone(family: str) -> None:
    drawn = [patients(seed, n, late=seed == 3) for seed, n in ((1, 60), (2, 45), (3, 80), (4, 3), (5, 52))]
    samples = [follow_up(*one) for one in drawn]
    found = fit_each(family, Samples.of(samples))
    assert isinstance(found[3], NotEstimableError) == (len(FAMILIES[family].start) >= samples[3].event.sum())
    for one, sample, fit in zip(drawn, samples, found, strict=True):
        if not isinstance(fit, ParametricFit) or sample.n < 10:
            continue
        alone = fit_parametric(family, *one)
        np.testing.assert_allclose(fit.theta, alone.theta, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(fit.covariance, alone.covariance, rtol=1e-8)
        assert fit.loglik == pytest.approx(log_likelihood(family, sample, fit.theta, fit.scale), abs=1e-9)
        errors = np.sqrt(np.diag(fit.covariance))
        for place, error in enumerate(errors):
            move = np.zeros(len(errors))
            move[place] = 0.004 * error
            up, down = (log_likelihood(family, sample, fit.theta + sign * move, fit.scale) for sign in (1, -1))
            assert up < fit.loglik > down, "it falls on both sides"
            assert (up - down) / 0.008 == pytest.approx(0, abs=1e-3), "slope in standard errors"
