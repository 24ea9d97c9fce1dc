"""Distances, which chance can only widen: how far apart two cohorts are, at least and at most."""

from __future__ import annotations

import numpy as np

from heorsynth.checks.core.finding import LEVEL
from heorsynth.checks.core.scalar import Numbers
from heorsynth.core.estimate import normal_quantile

TAIL = 0.5 + LEVEL / 2

NO_ERROR = 1e-9
"""A standard error of a share or a correlation below this is rounding: the estimate does not vary."""


def largest(gaps: np.ndarray, noise: np.ndarray, real_noise: np.ndarray) -> Numbers:
    """The largest of J absolute gaps with its interval and its floor: value, lower, upper, floor.

    Parameters
    ----------
    gaps : array (J,)             synthetic less real, each with a roughly normal error
    noise : array (B, J)          draws of that error, centred at 0
    real_noise : array (B, J)     draws of the error of the real cohort alone

    Notes
    -----
    With standard errors s_j, upper = max(|gap_j| + z s_j) for the one-sided z (1.645): at the j where the true
    gap is largest it holds in 95%, so it holds for the maximum (intersection-union; no correction for J is
    needed). lower = max(|gap_j| - c s_j, 0) with c the 95% quantile of max |noise_j| / s_j, since any j may
    exceed by chance. Chance can only widen a distance, so this pair, unlike a resampled distance, has no bias.

    References
    ----------
    Berger (1982) Technometrics 24:295. Liu, Bretz, Hayter & Wynn (2009) Biometrics 65:1279.
    """
    errors = noise.std(axis=0)
    size = np.abs(gaps)
    known = errors > NO_ERROR
    steep = np.max(np.abs(noise[:, known]) / errors[known], axis=1) if known.any() else np.zeros(1)
    upper = float(np.max(size + normal_quantile(LEVEL) * errors))
    lower = float(max(np.max(size - np.quantile(steep, TAIL) * errors), 0.0))
    floor = float(np.mean(np.max(np.abs(real_noise), axis=1)))
    return Numbers.of_distance(float(size.max()), lower, upper, floor)


def average(
    gaps: np.ndarray,
    noise: np.ndarray,
    real_noise: np.ndarray,
    weights: np.ndarray | None = None,
) -> Numbers:
    """The mean of J absolute gaps with its interval and its floor: value, lower, upper, floor.

    Parameters as for `largest`; weights (J,) sum to 1, equal by default.

    Notes
    -----
    With N the (weighted) mean of absolute values, e the error of the gaps and q the 95% quantile of N(e), the
    triangle inequality gives the true N within N(gaps) ± q: valid whatever the correlation of the J, and
    conservative. Where z times the mean standard error is smaller, the upper bound takes that, since
    N(true) - N(gaps) is at most a fixed signed mean of the errors. Neither choice looks at the gaps.
    """
    weight = np.full(len(gaps), 1 / len(gaps)) if weights is None else weights
    size = float(np.abs(gaps) @ weight)
    triangle = float(np.quantile(np.abs(noise) @ weight, TAIL))
    signed = normal_quantile(LEVEL) * float(noise.std(axis=0) @ weight)
    floor = float(np.mean(np.abs(real_noise) @ weight))
    return Numbers.of_distance(size, max(size - triangle, 0.0), size + min(triangle, signed), floor)


def root_mean_square(gaps: np.ndarray, noise: np.ndarray, real_noise: np.ndarray) -> Numbers:
    """The root mean square of J gaps with its interval and its floor: value, lower, upper, floor.

    Parameters as for `largest`. The triangle inequality bounds it as it does the mean (`average`): conservative.
    """
    size = float(np.sqrt(np.mean(gaps**2)))
    quantile = float(np.quantile(np.sqrt(np.mean(noise**2, axis=1)), TAIL))
    floor = float(np.mean(np.sqrt(np.mean(real_noise**2, axis=1))))
    return Numbers.of_distance(size, max(size - quantile, 0.0), size + quantile, floor)


def with_synthesis(
    real_noise: np.ndarray,
    synthetic: np.ndarray,
    ratio: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draws of the error of (mean over m cohorts) - (real): the real's own, and the synthesis' beside it.

    Parameters
    ----------
    real_noise : array (B, J)     draws of the real estimates' error, as by a bootstrap
    synthetic : array (m, J)      the estimates in the m cohorts
    ratio : float                 real patients to synthetic rows: a synthetic cohort's variance is the real's
                                  times this, unless the m cohorts are seen to differ by more

    Notes
    -----
    The variance of the mean is the larger of the between and the within variance over m, as for scalars.
    """
    count = len(synthetic)
    within = real_noise.var(axis=0) * ratio
    between = synthetic.var(axis=0, ddof=1) if count > 1 else np.zeros_like(within)
    shuffled = real_noise[rng.permutation(len(real_noise))]
    size = real_noise.std(axis=0)
    unit = np.divide(shuffled, size, out=rng.standard_normal(shuffled.shape), where=size > NO_ERROR)
    return real_noise + unit * np.sqrt(np.maximum(within, between) / count)
