"""The decision of an analysis, its pooled estimate, and how often the cohorts decide as the patients do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from heorsynth.checks.analyses.models import Coefficient
from heorsynth.checks.core.finding import LEVEL
from heorsynth.checks.core.scalar import MEAN_ABSOLUTE_NORMAL, Numbers, overlap
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, normal_quantile
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.labels.label import patients_behind
from heorsynth.estimators.economics.agreement import pooled_agreement
from heorsynth.estimators.economics.pooling import pool

ABOVE, BELOW, NEITHER = "above 0", "below 0", "not significant"
"""The decisions: the interval lies above 0, below 0, or contains it."""


def decision(value: float, half: float) -> str:
    """Return the decision of an interval: its sign where it is significant.

    Examples
    --------
    >>> decision(0.5, 0.4), decision(-0.5, 0.4), decision(0.3, 0.4)
    ('above 0', 'below 0', 'not significant')
    """
    return ABOVE if value > half else BELOW if value < -half else NEITHER


Size = tuple[int, int, bool]
"""Patients behind the cohorts, rows of each, and whether their law was moved by chance."""


def information(real: Cohort, synthetic: Sequence[Cohort]) -> Size:
    """Return the number of patients that the synthetic cohorts rest on, their rows, and whether they hold noise."""
    noise = any(cohort.label is not None and cohort.label.noise_key for cohort in synthetic)
    return patients_behind(real.n, (cohort.label for cohort in synthetic)), synthetic[0].n, noise


def pooled(found: Sequence[Coefficient], size: Size, level: float, unit: str = "") -> Estimate:
    """Return the pooled estimate of the cohorts by `estimators.economics.pooling.pool`, at a confidence level."""
    values, variances = [one.value for one in found], [one.se**2 for one in found]
    return pool(values, variances, *size[:2], level, unit=unit, noise=size[2])


def agreeing(real: Coefficient, found: Sequence[Coefficient], level: float) -> int:
    """Return the number of cohorts that alone give the decision of the patients at a significance level."""
    wanted = decision(real.value, real.half(1 - level))
    return sum(decision(one.value, one.half(1 - level)) == wanted for one in found)


def pooled_decision(real: Coefficient, found: Sequence[Coefficient], size: Size, level: float) -> Numbers:
    """Return the probability that m new cohorts, pooled, give the decision of the patients, with its interval.

    Notes
    -----
    The pooled estimate is significant where it lies beyond c, the half-width of its interval by the combining rule. If
    the patients' estimate is significant, the pool agrees where the mean lies beyond c on the same side. Otherwise it
    agrees where the mean lies within ±c; only the nearer edge counts. Both are the probability that a mean of m values
    is above 0, as for the pooled decision of an economic evaluation (`estimators.economics.agreement`). The floor is
    the probability that a resample of the patients reverses the decision.

    Raises
    ------
    NotEstimableError      one cohort
    """
    if len(found) < 2:
        raise NotEstimableError("one synthetic cohort: the variance between cohorts is unknown; draw two or more")
    whole = pooled(found, size, 1 - level)
    edge = whole.high - whole.value
    values = np.array([one.value for one in found])
    wanted = decision(real.value, real.half(1 - level))
    sign = -1.0 if wanted == BELOW or (wanted == NEITHER and whole.value < 0) else 1.0
    signed = edge - sign * values if wanted == NEITHER else sign * values - edge
    own = real.half(1 - level)
    distance = abs(abs(real.value) - own) / real.se
    return Numbers.of_agreement(*pooled_agreement(signed, LEVEL), float(special.ndtr(-distance)))


def fragile(real: Coefficient, level: float, width: float) -> bool:
    """Return whether a difference smaller than the margin would change the decision of the patients."""
    return abs(abs(real.value) - real.half(1 - level)) < width


def overlapping(real: Coefficient, found: Sequence[Coefficient], size: Size) -> Numbers:
    """Return the overlap of the 95% intervals of patients and pool, with its interval given the patients.

    Notes
    -----
    The interval holds the overlaps at all means within mean ± t(0.95, m - 1)·sd/√m. The overlap is largest where the
    two estimates are equal.

    Raises
    ------
    NotEstimableError      one cohort
    """
    m = len(found)
    if m < 2:
        raise NotEstimableError("one synthetic cohort: the variance between cohorts is unknown; draw two or more")
    values = np.array([one.value for one in found])
    mean, error = float(values.mean()), pooled(found, size, 0.95).se
    half = float(special.stdtrit(m - 1, 0.5 + LEVEL / 2)) * float(values.std(ddof=1)) / math.sqrt(m)

    def at(value: float) -> float:
        return overlap(real.value, real.se, value, error)

    ends = (at(mean - half), at(mean + half))
    nearest = min(max(real.value, mean - half), mean + half)
    floor = MEAN_ABSOLUTE_NORMAL / (2 * normal_quantile(0.95))
    return Numbers.of_agreement(at(mean), min(ends), max(*ends, at(nearest)), floor)
