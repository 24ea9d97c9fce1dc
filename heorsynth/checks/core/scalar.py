"""The comparison of m synthetic estimates with the real one, on the scale of the margin, given the patients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from heorsynth.checks.core.finding import LEVEL
from heorsynth.checks.core.margin import Margin
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import normal_quantile, significant

MEAN_ABSOLUTE_NORMAL = math.sqrt(2 / math.pi)
"""Mean of |Z| for a standard normal Z."""


LESS = 1 - 1e-6
"""A margin is capped at so much of a real effect, so that an effect of exactly 0 lies outside."""


@dataclass(frozen=True)
class Measured:
    """The estimates of one group: the real estimate with its variance, and one with its variance from each cohort.

    The variances of the synthetic estimates serve the overlap of intervals only; they can be NaN.
    """

    real: float
    real_variance: float
    synthetic: Sequence[float]
    synthetic_variances: Sequence[float]


@dataclass(frozen=True)
class Numbers:
    """The numbers of a finding.

    Attributes
    ----------
    real, synthetic : float             the real estimate, and the mean over the cohorts
    difference, lower, upper : float    on the margin's scale, with its interval given the patients
    floor : float                       mean |difference| of a resample of the patients
    overlap, standardised : float       of the 95% intervals; difference in real standard errors
    real_lower, real_upper : float      the patients' own 90% interval; NaN if there is none
    single : tuple of float             the difference of each single cohort; empty if it has no meaning
    for_many : bool                     whether a fail needs no correction for the number of findings
    """

    real: float
    synthetic: float
    difference: float
    lower: float
    upper: float
    floor: float
    overlap: float = math.nan
    standardised: float = math.nan
    real_lower: float = math.nan
    real_upper: float = math.nan
    single: tuple[float, ...] = ()
    for_many: bool = False

    @classmethod
    def of_distance(
        cls, value: float, lower: float, upper: float, floor: float, single: Sequence[float] = ()
    ) -> Numbers:
        """Return the numbers of a distance: the distance of the real cohort from itself is 0."""
        return cls(0.0, value, value, lower, upper, floor, single=tuple(single))

    @classmethod
    def of_agreement(cls, share: float, lower: float, upper: float, floor: float) -> Numbers:
        """Return the numbers of a probability of agreement: the real cohort agrees with itself with probability 1."""
        return cls(1.0, share, share - 1, lower - 1, upper - 1, floor)


def t_quantile(m: int, level: float = LEVEL) -> float:
    """Return the two-sided quantile of Student's t on m - 1 degrees of freedom; NaN for one cohort.

    Examples
    --------
    >>> round(t_quantile(20), 3), t_quantile(1)
    (1.729, nan)
    """
    return float(special.stdtrit(m - 1, 0.5 + level / 2)) if m > 1 else math.nan


def half_width(values: np.ndarray, level: float = LEVEL) -> float:
    """Return the half-width of the interval of the mean of m values, such as t(0.95, m - 1)·sd/√m; NaN for one value.

    Examples
    --------
    >>> round(half_width(np.array([1.0, 3.0])), 3)
    6.314
    """
    m = len(values)
    return t_quantile(m, level) * float(np.std(values, ddof=1)) / math.sqrt(m) if m > 1 else math.nan


def share_with_interval(count: int, m: int, level: float = LEVEL) -> tuple[float, float, float]:
    """Return a share of m cohorts with its Clopper-Pearson interval: value, low, high.

    Examples
    --------
    >>> [round(one, 3) for one in share_with_interval(20, 20)]
    [1.0, 0.861, 1.0]
    """
    tail = (1 - level) / 2
    low = float(special.betaincinv(count, m - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, m - count, 1 - tail)) if count < m else 1.0
    return count / m, low, high


def compared(measured: Measured, margin: Margin, unsampled: float = 0.0, level: float = LEVEL) -> Numbers:
    """Return the difference on the scale of the margin with its interval, for two one-sided tests.

    Parameters
    ----------
    unsampled : float     share of the patients that are not in `measured.real`, when that is from a random sample of
                          them; 0 if all are

    Notes
    -----
    The interval is conditional on the patients: their estimate r is a number without error. Let s_j be the estimate
    in cohort j. The difference d_j is s_j - r or (s_j - r)/|r|, and the interval is mean(d) ± t(0.95, m - 1)·sd(d)/√m.
    A ratio is log(s̄/r), s̄ the mean over the cohorts, with standard error sd(s)/(√m·s̄) (delta method): a single
    cohort may have no row of a small group, so its own logarithm may not exist.

    With a random sample of the patients, r has the sampling variance v·u, v its variance and u the unsampled share.

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
    (2.0, -4.314, 8.314)
    """
    values, real = np.asarray(measured.synthetic, float), measured.real
    synthetic, own = float(values.mean()), math.sqrt(measured.real_variance)
    if margin.scale != "absolute" and (real == 0 or (margin.scale == "ratio" and (synthetic <= 0 or real < 0))):
        raise NotEstimableError(
            f"no {margin.scale} difference is defined: real {significant(real)}, synthetic {significant(synthetic)}"
        )
    if margin.scale == "ratio":
        difference, half, own_scaled = math.log(synthetic / real), half_width(values, level) / synthetic, own / real
        single = tuple(float(d) for d in np.log(np.maximum(values, np.finfo(float).tiny) / real))
    else:
        unit = 1.0 if margin.scale == "absolute" else abs(real)
        single = tuple(float(d) for d in (values - real) / unit)
        difference, half, own_scaled = (synthetic - real) / unit, half_width(values, level) / unit, own / unit
    z = normal_quantile(LEVEL)
    if unsampled:
        half = math.hypot(half, normal_quantile(level) * own_scaled * math.sqrt(unsampled))
    low, high = (real - z * own, real + z * own)
    if margin.scale == "ratio":
        low, high = (real * math.exp(sign * z * own_scaled) for sign in (-1, 1))
    return Numbers(
        real,
        synthetic,
        difference,
        difference - half,
        difference + half,
        MEAN_ABSOLUTE_NORMAL * own_scaled,
        overlap(real, own, synthetic, math.sqrt(sum(measured.synthetic_variances) / len(values))),
        (synthetic - real) / own if own > 0 else math.nan,
        low,
        high,
        single,
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
    if not min(widths) > 0:
        return math.nan
    shared = min(real + z * real_se, synthetic + z * synthetic_se) - max(
        real - z * real_se, synthetic - z * synthetic_se
    )
    return (shared / widths[0] + shared / widths[1]) / 2


def coverage_under(bias: float) -> float:
    """Return the coverage of a 95% interval whose centre is off by `bias` standard errors.

    Examples
    --------
    >>> [round(coverage_under(bias), 3) for bias in (0.0, 0.25, 0.5, 1.0)]
    [0.95, 0.943, 0.921, 0.83]
    """
    z = normal_quantile(0.95)
    return float(special.ndtr(z - bias) - special.ndtr(-z - bias))


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
    That lies just outside the capped margin, where a pass has a probability of at most 5%; by rounding alone it could
    lie on either side of the effect itself. If the real effect is not
    significant, a lost effect cannot be distinguished from chance, and the margin stays as declared. A relative margin
    is always below half of the effect and needs no cap.
    """
    significant_effect = abs(real) > normal_quantile(0.95) * math.sqrt(variance)
    narrower = significant_effect and margin.scale != "relative" and abs(real) < margin.width
    return replace(margin, width=abs(real) * LESS, own=True) if narrower else margin
