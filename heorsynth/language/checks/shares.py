"""Shares of texts with intervals that allow for several texts of one patient."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile


def share(hits: Sequence[bool] | np.ndarray, patients: Sequence[str] | np.ndarray, level: float = 0.95) -> Estimate:
    """Return a share of texts with its interval, exact for one text a patient.

    Parameters
    ----------
    hits : sequence of bool (n,)      which texts have the property
    patients : sequence of str (n,)   whom each text is about

    Returns
    -------
    Estimate      `count` is the number of hits, `n_used` the number of texts, `n_total` that of patients

    Notes
    -----
    Clopper-Pearson at the effective sample size n* = n / d, with d the ratio of the cluster-robust variance of the
    share to p (1 - p) / n, at least 1, and n* multiplied by (t(n - 1) / t(C - 1))², C the number of patients. Where no
    or every text is a hit, n* is C.

    References
    ----------
    Korn & Graubard (1998) Survey Methodology 24:193.

    Examples
    --------
    >>> share([False] * 10, [str(at) for at in range(10)])
    0 (95% interval 0 to 0.3085)
    """
    found = np.asarray(hits, dtype=float)
    n = len(found)
    if not n:
        raise NotEstimableError("share of texts", Problem("", "there is no text"))
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    n_patients = int(cluster.max()) + 1
    value = float(found.mean())
    effective = _effective(found, cluster, n_patients, value, level)
    count, tail = value * effective, (1 - level) / 2
    low = 0.0 if value == 0 else float(special.betaincinv(count, effective - count + 1, tail))
    high = 1.0 if value == 1 else float(special.betaincinv(count + 1, effective - count, 1 - tail))
    se = math.sqrt(value * (1 - value) / effective) or (high - low) / (2 * normal_quantile(level))
    method = "share of texts, exact interval" if effective == n else "share of texts, interval allows for clusters"
    return Estimate(value, low, high, se, level, "", method, n, n_patients, count=int(found.sum()))


def _effective(found: np.ndarray, cluster: np.ndarray, n_patients: int, value: float, level: float) -> float:
    n = len(found)
    if n_patients == n:
        return float(n)
    if value in (0.0, 1.0) or n_patients < 2:
        return float(n_patients)
    residual = np.bincount(cluster, found) - value * np.bincount(cluster)
    variance = float((residual**2).sum()) * n_patients / (n_patients - 1) / n**2
    design = max(1.0, variance / (value * (1 - value) / n))
    tail = 1 - (1 - level) / 2
    ratio = special.stdtrit(n - 1, tail) / special.stdtrit(n_patients - 1, tail)
    return max(1.0, n / design * float(ratio) ** 2)


def difference_of_shares(first: Estimate, second: Estimate) -> Estimate:
    """Return second minus first of two independent shares, with Newcombe's interval from their own intervals.

    References
    ----------
    Newcombe (1998) Stat Med 17:873, method 10, with the exact intervals of `share` in place of Wilson's.

    Examples
    --------
    >>> a, b = share([True, False] * 20, range(40)), share([False] * 40, range(40))
    >>> difference_of_shares(a, b).value
    -0.5
    """
    value = second.value - first.value
    low = value - math.hypot(second.value - second.low, first.high - first.value)
    high = value + math.hypot(second.high - second.value, first.value - first.low)
    se = math.hypot(first.se, second.se)
    return Estimate(value, low, high, se, first.level, "", "difference of shares, Newcombe",
                    first.n_used + second.n_used, first.n_total + second.n_total)  # fmt: skip


def mean_difference(values: np.ndarray, unit: str, level: float = 0.95) -> Estimate:
    """Return the mean of paired differences (n,) with its t interval."""
    n = len(values)
    if n < 2:
        raise NotEstimableError("mean difference", Problem("", "fewer than two pairs"))
    se = float(values.std(ddof=1)) / math.sqrt(n)
    half = float(special.stdtrit(n - 1, 0.5 + level / 2)) * se
    value = float(values.mean())
    return Estimate(value, value - half, value + half, se, level, unit, "mean of paired differences, t", n, n)


def welch_difference(first: np.ndarray, second: np.ndarray, unit: str, level: float = 0.95) -> Estimate:
    """Return mean(second) minus mean(first) of two independent samples with Welch's interval."""
    if min(len(first), len(second)) < 2:
        raise NotEstimableError("difference of means", Problem("", "fewer than two values"))
    parts = [float(one.var(ddof=1)) / len(one) for one in (first, second)]
    se = math.sqrt(sum(parts))
    value = float(second.mean() - first.mean())
    free = (
        sum(parts) ** 2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, (first, second), strict=True))
        if se
        else 1.0
    )
    half = float(special.stdtrit(free, 0.5 + level / 2)) * se
    n = len(first) + len(second)
    return Estimate(value, value - half, value + half, se, level, unit, "difference of means, Welch", n, n)
