"""Distances between the mean of m synthetic cohorts and the real cohort, with intervals given the patients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from heorsynth.checks.core.finding import LEVEL
from heorsynth.checks.core.scalar import Numbers, t_quantile
from heorsynth.core.estimate import normal_quantile

_NO_ERROR = 1e-9
"""Standard errors of shares and correlations below this are rounding error: the estimate does not vary."""


@dataclass(frozen=True, eq=False)
class Gaps:
    """J differences between each of m synthetic cohorts and the real cohort.

    Attributes
    ----------
    each : array (m, J)           synthetic minus real, such as two curves at J times
    noise : array (B, J)          draws of the error of their mean over the cohorts, centred at 0; NaN (1, J) of one
    real_noise : array (B, J)     draws of the sampling error of the real cohort: what a resample of it scores
    level : float                 two-sided level of the intervals
    """

    each: np.ndarray
    noise: np.ndarray
    real_noise: np.ndarray
    level: float = LEVEL

    @property
    def tail(self) -> float:
        """The one-sided level of each bound."""
        return 0.5 + self.level / 2

    @classmethod
    def of(
        cls,
        each: np.ndarray,
        real_noise: np.ndarray,
        rng: np.random.Generator,
        unsampled: float = 0.0,
        level: float = LEVEL,
    ) -> Gaps:
        """Return the gaps with draws of the error of their mean.

        Notes
        -----
        A draw is Σ_j ξ_j (x_j - x̄) / √(m(m - 1)), with ξ standard normal (multiplier bootstrap). Given the cohorts its
        covariance is that of the mean, S/m. It is multiplied by the ratio of the t(m - 1) to the normal quantile, as S
        is estimated from m cohorts. The patients are fixed; if they are a random sample, the share of them that is not
        in it adds its part of their sampling error.
        """
        m = len(each)
        if m < 2:
            return cls(each, np.full((1, each.shape[1]), math.nan), real_noise, level)  # unknown
        centred = each - each.mean(axis=0)
        scale = t_quantile(m, level) / normal_quantile(level) / math.sqrt(m * (m - 1))
        noise = rng.standard_normal((len(real_noise), m)) @ centred * scale
        return cls(each, noise + math.sqrt(unsampled) * real_noise, real_noise, level)

    @property
    def mean(self) -> np.ndarray:
        """The gaps of the mean over the cohorts (J,)."""
        return np.asarray(self.each.mean(axis=0))

    def joint_quantile(self, known: np.ndarray, errors: np.ndarray) -> float:
        """Return the quantile of the largest of J absolute errors, in units of `errors`; `known` (J,) do vary.

        Notes
        -----
        The larger of two quantiles: by the draws of the noise, and by those of the patients' sampling error with t for
        normal. `errors` already hold the factor t / z of one error, so the t quantile is divided by it.
        """
        if not known.any():
            return 0.0
        seen = float(np.quantile(np.max(np.abs(self.noise[:, known]) / errors[known], axis=1), self.tail))
        spread = self.real_noise.std(axis=0)
        varies = known & (spread > _NO_ERROR)
        m = len(self.each)
        if m < 2 or not varies.any():
            return seen
        joint = np.quantile(np.max(np.abs(self.real_noise[:, varies]) / spread[varies], axis=1), self.tail)
        factor = t_quantile(m, self.level) / normal_quantile(self.level)
        return max(seen, float(-special.stdtrit(m - 1, special.ndtr(-joint))) / factor)

    def distance(self, size: Callable[[np.ndarray], np.ndarray], lower: float, upper: float) -> Numbers:
        """Return the numbers of a distance; `size` reduces the last axis of an array of gaps."""
        value, floor = float(size(self.mean)), float(np.mean(size(self.real_noise)))
        return Numbers.of_distance(value, lower, upper, floor, [float(one) for one in size(self.each)])


Measure = Callable[[Gaps], Numbers]
"""Gaps -> their distance with its interval and its floor."""


def largest(gaps: Gaps) -> Numbers:
    """Return the largest of J absolute gaps.

    Notes
    -----
    Let s_j be the standard errors and z the one-sided normal quantile (1.645). The upper bound is
    max(|gap_j| + z s_j). At the j with the largest true gap it covers in 95% of samples, so it covers the maximum
    (intersection-union; no correction for J is needed). The lower bound is max(|gap_j| - c s_j, 0), where c is the
    95% quantile of the maximum of J absolute errors, because any j may be large by chance. m cohorts show at most m - 1
    directions of their noise, so their own maximum is too small if J is larger; the correlation is that of the
    patients' sampling error. Its normal quantile is replaced by that of t(m - 1) at the same probability. Noise makes a
    distance larger, so a resampled distance is biased; these bounds are not.

    References
    ----------
    Berger (1982) Technometrics 24:295. Liu, Bretz, Hayter & Wynn (2009) Biometrics 65:1279.
    """
    errors, size = gaps.noise.std(axis=0), np.abs(gaps.mean)
    known = errors > _NO_ERROR
    upper = float(np.max(size + normal_quantile(gaps.level) * errors))
    lower = float(np.max(size - gaps.joint_quantile(known, errors) * errors))
    return gaps.distance(lambda each: np.max(np.abs(each), axis=-1), _not_below_0(lower, upper), upper)


def average(gaps: Gaps, weights: np.ndarray | None = None) -> Numbers:
    """Return the mean of J absolute gaps; the weights (J,) sum to 1 and are equal by default.

    Notes
    -----
    Let N be the (weighted) mean of absolute values, e the error of the gaps and q the 95% quantile of N(e). By the
    triangle inequality the true N lies within N(gaps) ± q. This holds for any correlation of the J gaps and is
    conservative. The upper bound uses z times the mean standard error where that is smaller, because
    N(true) - N(gaps) is at most a fixed signed mean of the errors. The choice does not depend on the gaps.
    """
    weight = np.full(gaps.each.shape[1], 1 / gaps.each.shape[1]) if weights is None else weights
    size = float(np.abs(gaps.mean) @ weight)
    triangle = float(np.quantile(np.abs(gaps.noise) @ weight, gaps.tail))
    signed = normal_quantile(gaps.level) * float(gaps.noise.std(axis=0) @ weight)
    upper = size + min(triangle, signed)
    return gaps.distance(lambda each: np.abs(each) @ weight, _not_below_0(size - triangle, upper), upper)


def root_mean_square(gaps: Gaps) -> Numbers:
    """Return the root mean square of J gaps; the interval is that of `average` and conservative."""
    size = float(np.sqrt(np.mean(gaps.mean**2)))
    quantile = float(np.quantile(np.sqrt(np.mean(gaps.noise**2, axis=1)), gaps.tail))
    lower, upper = _not_below_0(size - quantile, size), size + quantile
    return gaps.distance(lambda each: np.sqrt(np.mean(each**2, axis=-1)), lower, upper)


def _not_below_0(lower: float, upper: float) -> float:
    """Return a lower bound of a distance; NaN if the bounds are unknown, as for one cohort."""
    return math.nan if math.isnan(upper) or math.isnan(lower) else max(lower, 0.0)
