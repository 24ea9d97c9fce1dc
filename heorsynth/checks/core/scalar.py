"""The comparison of one number: the real estimate beside those of the m synthetic cohorts, on the margin's scale."""

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
    """One estimand of one group: the real estimate, and one value with its variance from each cohort."""

    real: float
    real_variance: float
    synthetic: Sequence[float]
    synthetic_variances: Sequence[float]


@dataclass(frozen=True)
class Numbers:
    """What a finding reports: both estimates, their difference with its 90% interval, and the floor."""

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
        """Those of a distance: the real cohort is at 0 from itself."""
        return cls(0.0, value, value, lower, upper, floor)

    @classmethod
    def of_agreement(cls, share: float, lower: float, upper: float, floor: float) -> Numbers:
        """Those of a probability of agreement: the real cohort agrees with itself with probability 1."""
        return cls(1.0, share, share - 1, lower - 1, upper - 1, floor)


def synthesis_variance(values: np.ndarray, variances: np.ndarray) -> float:
    """Variance of the mean over m cohorts: the larger of the between and the mean within variance, over m.

    A generator that draws less variably than a fresh sample has a smaller between variance; taking the
    larger keeps the interval honest for one that draws more.
    """
    within = float(np.mean(variances))
    between = float(np.var(values, ddof=1)) if len(values) > 1 else 0.0
    return max(within, between) / len(values)


def compared(measured: Measured, margin: Margin) -> Numbers:
    """The difference on the margin's scale with its 90% interval, for two one-sided tests.

    Notes
    -----
    With real estimate r (variance v) and the mean s of the m synthetic ones (variance t), the difference is
    s - r, (s - r)/|r| or log(s/r), its variance v + t, (t + v·(s/r)²)/r² or t/s² + v/r² (delta method).

    Raises
    ------
    NotEstimableError      a relative difference from 0, or a ratio of numbers that are not above 0

    References
    ----------
    Schuirmann (1987) J Pharmacokinet Biopharm 15:657.

    Examples
    --------
    >>> found = compared(Measured(10.0, 4.0, [11.0, 13.0], [1.0, 1.0]), Margin("absolute", 9.0))
    >>> round(found.difference, 3), round(found.lower, 3), round(found.upper, 3)
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
            f"no {margin.scale} difference exists: real {significant(real)}, synthetic {significant(synthetic)}"
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
    """How much the 95% intervals of two estimates overlap: the mean share of each that lies in the other.

    1 for the same interval, 0 if they touch, below 0 the farther they lie apart.

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
    """Cap the margin at a significant real effect: a synthetic cohort without the effect must not pass.

    Parameters
    ----------
    margin : Margin      absolute, or of a ratio
    real : float         the effect, or its logarithm
    variance : float     of it

    Notes
    -----
    An effect is significant if its 95% interval excludes none. If the synthetic one is 0, the difference is -effect,
    on the edge of so narrow a margin, and passes as seldom as anything on an edge. If the real effect is not
    significant, a lost effect cannot be told from chance, and the margin stays as declared. A margin that is a share
    of the effect is below half of it by its own rule.
    """
    significant_effect = abs(real) > normal_quantile(0.95) * math.sqrt(variance)
    narrower = significant_effect and margin.scale != "relative" and abs(real) < margin.width
    return replace(margin, width=abs(real)) if narrower else margin
