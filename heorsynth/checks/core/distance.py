"""Distances between two cohorts, with an interval that allows for chance: noise can only make a distance larger."""

from __future__ import annotations

import numpy as np

from heorsynth.checks.core.finding import LEVEL
from heorsynth.checks.core.scalar import Numbers
from heorsynth.core.estimate import normal_quantile

_TAIL = 0.5 + LEVEL / 2

_NO_ERROR = 1e-9
"""Standard errors of shares and correlations below this are rounding error: the estimate does not vary."""


def largest(gaps: np.ndarray, noise: np.ndarray, real_noise: np.ndarray) -> Numbers:
    """Return the largest of J absolute gaps with its interval and its floor.

    Parameters
    ----------
    gaps : array (J,)             synthetic minus real, each with an approximately normal error
    noise : array (B, J)          draws of that error, centred at 0
    real_noise : array (B, J)     draws of the error of the real cohort alone

    Notes
    -----
    Let s_j be the standard errors and z the one-sided normal quantile (1.645). The upper bound is
    max(|gap_j| + z s_j). At the j with the largest true gap it covers in 95% of samples, so it covers the maximum
    (intersection-union; no correction for J is needed). The lower bound is max(|gap_j| - c s_j, 0), where c is the
    95% quantile of max |noise_j| / s_j, because any j may be large by chance. Noise makes a distance larger, so a
    resampled distance is biased; these bounds are not.

    References
    ----------
    Berger (1982) Technometrics 24:295. Liu, Bretz, Hayter & Wynn (2009) Biometrics 65:1279.
    """
    errors = noise.std(axis=0)
    size = np.abs(gaps)
    known = errors > _NO_ERROR
    steep = np.max(np.abs(noise[:, known]) / errors[known], axis=1) if known.any() else np.zeros(1)
    upper = float(np.max(size + normal_quantile(LEVEL) * errors))
    lower = float(max(np.max(size - np.quantile(steep, _TAIL) * errors), 0.0))
    floor = float(np.mean(np.max(np.abs(real_noise), axis=1)))
    return Numbers.of_distance(float(size.max()), lower, upper, floor)


def average(
    gaps: np.ndarray,
    noise: np.ndarray,
    real_noise: np.ndarray,
    weights: np.ndarray | None = None,
) -> Numbers:
    """Return the mean of J absolute gaps with its interval and its floor.

    The parameters are those of `largest`. The weights (J,) sum to 1; they are equal by default.

    Notes
    -----
    Let N be the (weighted) mean of absolute values, e the error of the gaps and q the 95% quantile of N(e). By the
    triangle inequality the true N lies within N(gaps) ± q. This holds for any correlation of the J gaps and is
    conservative. The upper bound uses z times the mean standard error where that is smaller, because
    N(true) - N(gaps) is at most a fixed signed mean of the errors. The choice does not depend on the gaps.
    """
    weight = np.full(len(gaps), 1 / len(gaps)) if weights is None else weights
    size = float(np.abs(gaps) @ weight)
    triangle = float(np.quantile(np.abs(noise) @ weight, _TAIL))
    signed = normal_quantile(LEVEL) * float(noise.std(axis=0) @ weight)
    floor = float(np.mean(np.abs(real_noise) @ weight))
    return Numbers.of_distance(size, max(size - triangle, 0.0), size + min(triangle, signed), floor)


def root_mean_square(gaps: np.ndarray, noise: np.ndarray, real_noise: np.ndarray) -> Numbers:
    """Return the root mean square of J gaps with its interval and its floor.

    The parameters are those of `largest`. The interval uses the triangle inequality, as in `average`, and is
    conservative.
    """
    size = float(np.sqrt(np.mean(gaps**2)))
    quantile = float(np.quantile(np.sqrt(np.mean(noise**2, axis=1)), _TAIL))
    floor = float(np.mean(np.sqrt(np.mean(real_noise**2, axis=1))))
    return Numbers.of_distance(size, max(size - quantile, 0.0), size + quantile, floor)


def with_synthesis(
    real_noise: np.ndarray,
    synthetic: np.ndarray,
    ratio: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw errors of the mean over m cohorts minus the real estimate (B, J): real sampling plus synthesis.

    Parameters
    ----------
    real_noise : array (B, J)     draws of the error of the real estimates, e.g. from a bootstrap
    synthetic : array (m, J)      the estimates in the m cohorts
    ratio : float                 real patients per synthetic row: the variance of a synthetic cohort is the real one
                                  times this ratio, or the observed variance between the m cohorts if that is larger

    Notes
    -----
    As for scalars, the variance of the mean is the larger of the between and the within variance, divided by m.
    """
    count = len(synthetic)
    within = real_noise.var(axis=0) * ratio
    between = synthetic.var(axis=0, ddof=1) if count > 1 else np.zeros_like(within)
    shuffled = real_noise[rng.permutation(len(real_noise))]
    size = real_noise.std(axis=0)
    unit = np.divide(shuffled, size, out=rng.standard_normal(shuffled.shape), where=size > _NO_ERROR)
    return real_noise + unit * np.sqrt(np.maximum(within, between) / count)
