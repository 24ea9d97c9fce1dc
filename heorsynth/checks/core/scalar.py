"""The comparison of one real estimate with the estimates of m synthetic cohorts, on the scale of the margin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from heorsynth.checks.core.finding import LEVEL
from heorsynth.checks.core.margin import Margin
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import normal_quantile, significant

MEAN_ABSOLUTE_NORMAL = math.sqrt(2 / math.pi)
"""Mean of |Z| for a standard normal Z."""


@dataclass(frozen=True)
class Measured:
    """The estimates of one group: the real estimate with its variance, and one with its variance from each cohort."""

    real: float
    real_variance: float
    synthetic: Sequence[float]
    synthetic_variances: Sequence[float]


@dataclass(frozen=True)
class Numbers:
    """The numbers of a finding: both estimates, their difference with its 90% interval, and the floor."""

    real: float
    synthetic: float
    difference: float
    lower: float
    upper: float
    floor: float
    overlap: float = math.nan
    standardised: float = math.nan

    @classmethod
    def of_distance(cls, value: float, lower: float, upper: float, floor: float) -> Numbers:
        """Return the numbers of a distance: the distance of the real cohort from itself is 0."""
        return cls(0.0, value, value, lower, upper, floor)

    @classmethod
    def of_agreement(cls, share: float, lower: float, upper: float, floor: float) -> Numbers:
        """Return the numbers of a probability of agreement: the real cohort agrees with itself with probability 1."""
        return cls(1.0, share, share - 1, lower - 1, upper - 1, floor)


def synthesis_variance(values: np.ndarray, variances: np.ndarray) -> float:
    """Return the variance of the mean over m cohorts: the larger of between and mean within variance, divided by m.

    A generator can vary less than a fresh sample of patients, or more. The larger variance keeps the interval valid in
    both cases.
    """
    within = float(np.mean(variances))
    between = float(np.var(values, ddof=1)) if len(values) > 1 else 0.0
    return max(within, between) / len(values)


def compared(measured: Measured, margin: Margin) -> Numbers:
    """Return the difference on the scale of the margin with its 90% interval, for two one-sided tests.

    Notes
    -----
    Let r be the real estimate with variance v, and s the mean of the m synthetic estimates with variance t. The
    difference is s - r, (s - r)/|r| or log(s/r). Its variance is v + t, (t + v·(s/r)²)/r² or t/s² + v/r² (delta
    method).

    Raises
    ------
    NotEstimableError      a relative difference from 0, or a ratio of estimates that are not above 0

    References
    ----------
    Schuirmann (1987) J Pharmacokinet Biopharm 15:657.

    Examples
    --------
    >>> numbers = compared(Measured(10.0, 4.0, [11.0, 13.0], [1.0, 1.0]), Margin("absolute", 9.0))
    >>> round(numbers.difference, 3), round(numbers.lower, 3), round(numbers.upper, 3)
    (2.0, -1.678, 5.678)
    """
    values, variances = np.asarray(measured.synthetic, float), np.asarray(measured.synthetic_variances, float)
    real, real_variance = measured.real, measured.real_variance
    synthetic, spread = float(np.mean(values)), synthesis_variance(values, variances)
    own = math.sqrt(real_variance)
    if margin.scale == "absolute":
        difference, variance, floor_se = synthetic - real, real_variance + spread, own
    elif real == 0 or (margin.scale == "ratio" and (synthetic <= 0 or real < 0)):
        raise NotEstimableError(
            f"no {margin.scale} difference is defined: real {significant(real)}, synthetic {significant(synthetic)}"
        )
    elif margin.scale == "relative":
        difference = (synthetic - real) / abs(real)
        variance = (spread + real_variance * (synthetic / real) ** 2) / real**2
        floor_se = own / abs(real)
    else:
        difference = math.log(synthetic / real)
        variance, floor_se = spread / synthetic**2 + real_variance / real**2, own / real
    half = normal_quantile(LEVEL) * math.sqrt(variance)
    return Numbers(
        real,
        synthetic,
        difference,
        difference - half,
        difference + half,
        MEAN_ABSOLUTE_NORMAL * floor_se,
        overlap(real, own, synthetic, math.sqrt(float(np.mean(variances)))),
        (synthetic - real) / own if own > 0 else math.nan,
    )


def overlap(real: float, real_se: float, synthetic: float, synthetic_se: float) -> float:
    """Return the overlap of the 95% intervals of two estimates: the mean share of each that lies in the other.

    It is 1 for equal intervals, 0 if they touch, and negative if they are apart.

    References
    ----------
    Karr, Kohnen, Oganian, Reiter & Sanil (2006) Am Stat 60:224, doi:10.1198/000313006X124640.

    Examples
    --------
    >>> overlap(0.0, 1.0, 0.0, 1.0), round(overlap(0.0, 1.0, 1.96, 1.0), 3)
    (1.0, 0.5)
    """
    z = normal_quantile(0.95)
    widths = 2 * z * real_se, 2 * z * synthetic_se
    if min(widths) <= 0:
        return math.nan
    shared = min(real + z * real_se, synthetic + z * synthetic_se) - max(
        real - z * real_se, synthetic - z * synthetic_se
    )
    return (shared / widths[0] + shared / widths[1]) / 2


def cap_margin_at_effect(margin: Margin, real: float, variance: float) -> Margin:
    """Return the margin, capped at a significant real effect: a synthetic cohort without the effect must not pass.

    Parameters
    ----------
    margin : Margin      absolute, or a ratio
    real : float         the effect, or its logarithm
    variance : float     of the effect, or of its logarithm

    Notes
    -----
    An effect is significant if its 95% interval excludes 0. If the synthetic effect is 0, the difference is -effect.
    That lies on the edge of the capped margin, where a pass has a probability of at most 5%. If the real effect is not
    significant, a lost effect cannot be distinguished from chance, and the margin stays as declared. A relative margin
    is always below half of the effect and needs no cap.
    """
    significant_effect = abs(real) > normal_quantile(0.95) * math.sqrt(variance)
    narrower = significant_effect and margin.scale != "relative" and abs(real) < margin.width
    return replace(margin, width=abs(real)) if narrower else margin
