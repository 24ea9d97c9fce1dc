"""Estimates of a cost column for an economic model: mean, share of zeros, tail and spread."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.core.random import resample_counts
from heorsynth.estimators.basics.proportions import proportion

_MANY, _GROUPS = 8192, 2048
"""Of more values than `_MANY`, so many random groups are resampled in place of values."""


def known(values: np.ndarray, at_least: int = 1) -> np.ndarray:
    """Return the known values as floats. Raise NotEstimableError if there are fewer than `at_least`.

    All estimators here use these values, and report their number as `n_used` of `n_total`.
    """
    numbers: np.ndarray = np.asarray(values, float)
    finite = np.isfinite(numbers)
    complete = bool(finite.all())
    if not complete:
        numbers = numbers[~np.isnan(numbers)]
    if len(numbers) < at_least:
        raise NotEstimableError(
            "estimate",
            Problem(
                "values", f"{counted(len(numbers), 'patient')} with a known value", f"at least {at_least} are needed"
            ),
        )
    if not complete and len(numbers) > int(finite.sum()):
        raise NotEstimableError("estimate", Problem("values", "some are infinite"))
    return numbers


def _with_t_interval(estimate: Estimate, freedom: float) -> Estimate:
    half = float(special.stdtrit(freedom, 0.5 + estimate.level / 2)) * estimate.se
    return replace(estimate, low=estimate.value - half, high=estimate.value + half)


@dataclass(frozen=True)
class Moments:
    """The number of known values, with their mean and variance, computed from rows or from sums.

    Attributes
    ----------
    n, n_total : int          patients with a known value, and patients in the data
    mean, variance : float    `variance` with n - 1; NaN for one patient
    """

    n: int
    n_total: int
    mean: float
    variance: float

    @classmethod
    def of(cls, values: np.ndarray, at_least: int = 2) -> Moments:
        """Return the moments of an array (n,). Raise NotEstimableError for fewer than `at_least` known values."""
        numbers = known(values, at_least)
        first = float(numbers[0])
        away = numbers - first  # makes the variance of a constant column exactly 0
        mean = float(away.mean())
        away -= mean
        variance = float(away @ away) / (len(numbers) - 1) if len(numbers) > 1 else math.nan
        return cls(len(numbers), len(values), first + mean, variance)


def mean(values: np.ndarray, *, level: float = 0.95, unit: str = "") -> Estimate:
    """Return the mean over patients with a known value, with a t interval.

    Parameters
    ----------
    values : array (n,)    costs, in `unit`; missing values are left out, and counted in `n_total`

    Raises
    ------
    NotEstimableError      fewer than two known values

    See Also
    --------
    mean_difference : The difference of two arms.

    Examples
    --------
    >>> mean(np.array([0.0, 100.0, 200.0, np.nan]), unit="EUR").value
    100.0
    """
    return mean_of(Moments.of(values), level=level, unit=unit)


def mean_of(moments: Moments, *, level: float = 0.95, unit: str = "") -> Estimate:
    """Return the mean with its t interval; see `mean`."""
    return _with_t_interval(
        Estimate.normal(
            moments.mean,
            math.sqrt(moments.variance) / math.sqrt(moments.n),
            level=level,
            unit=unit,
            method="mean, t interval",
            n_used=moments.n,
            n_total=moments.n_total,
        ),
        moments.n - 1,
    )


def difference_of(first: Moments, second: Moments, *, level: float = 0.95, unit: str = "") -> Estimate:
    """Return the first group's mean minus the second's, with Welch's interval; see `mean_difference`."""
    squares = [part.variance / part.n for part in (first, second)]
    variance = sum(squares)
    rest = sum(square**2 / (part.n - 1) for square, part in zip(squares, (first, second), strict=True))
    freedom = variance**2 / rest if rest > 0 else math.inf
    return _with_t_interval(
        Estimate.normal(
            first.mean - second.mean,
            math.sqrt(variance),
            level=level,
            unit=unit,
            method="difference in means, Welch",
            n_used=first.n + second.n,
            n_total=first.n_total + second.n_total,
        ),
        freedom,
    )


def mean_by(values: np.ndarray, group: np.ndarray, *, level: float = 0.95, unit: str = "") -> dict[str, Estimate]:
    """Return the mean in each level of `group` (text array (n,), with '' for missing), in sorted order.

    Examples
    --------
    >>> {arm: found.value for arm, found in mean_by(np.array([1, 3, 5, 9]), np.array(list("aabb"))).items()}
    {'a': 2.0, 'b': 7.0}
    """
    return {str(name): mean(values[group == name], level=level, unit=unit) for name in np.unique(group) if str(name)}


def mean_difference(values: np.ndarray, treated: np.ndarray, *, level: float = 0.95, unit: str = "") -> Estimate:
    """Return the mean of the treated minus that of the others, with Welch's interval.

    Parameters
    ----------
    values : array (n,)             missing values are left out
    treated : array of bool (n,)    the arm

    References
    ----------
    Welch (1947) Biometrika 34:28, doi:10.1093/biomet/34.1-2.28.

    Examples
    --------
    >>> mean_difference(np.array([1, 3, 5, 9]), np.array([False, False, True, True])).value
    5.0
    """
    arm = np.asarray(treated, bool)
    return difference_of(Moments.of(values[arm]), Moments.of(values[~arm]), level=level, unit=unit)


def zero_share(values: np.ndarray, *, level: float = 0.95) -> Estimate:
    """Return the share of patients with zero cost among those with a known cost, with an exact interval.

    Examples
    --------
    >>> zero_share(np.array([0.0, 0.0, 5.0, 7.0, np.nan])).value
    0.5
    """
    numbers = known(values)
    zeros = int((numbers == 0).sum())
    return proportion(zeros, len(numbers), level=level, n_total=len(values), method="share of zeros")


def cv(values: np.ndarray, *, level: float = 0.95) -> Estimate:
    """Return the coefficient of variation, SD / mean, with a delta-method interval valid for any distribution.

    Raises
    ------
    NotEstimableError      fewer than two known values, or a mean of 0

    Examples
    --------
    >>> round(cv(np.array([1.0, 2.0, 3.0])).value, 3)
    0.5
    """
    numbers = known(values, 2)
    centre, spread = float(numbers.mean()), float(numbers.std(ddof=1))
    if abs(centre) <= 1e-12 * np.abs(numbers).max() or np.ptp(numbers) == 0:
        raise NotEstimableError("coefficient of variation", Problem("values", "a mean or a spread of 0"))
    z = (numbers - centre) / spread
    influence = spread / centre * ((z**2 - 1) / 2 - z * spread / centre)
    return Estimate.normal(
        spread / centre,
        float(influence.std(ddof=1)) / math.sqrt(len(numbers)),
        level=level,
        method="SD over mean, delta method",
        n_used=len(numbers),
        n_total=len(values),
    )


def top_share(values: np.ndarray, share: float = 0.05, *, level: float = 0.95) -> Estimate:
    """Return the share of all cost that falls on the most expensive `share` of patients.

    Returns
    -------
    Estimate               a share; standard error by its influence function,
                           ((x - c)+ + c·share - L·x) / mean, with c the cost exceeded by `share` of patients

    Raises
    ------
    NotEstimableError      share not between 0 and 1, fewer than 1 / share patients, or a total that is not positive

    Examples
    --------
    >>> top_share(np.array([1.0] * 19 + [81.0])).value
    0.81
    """
    if not 0 < share < 1:
        raise NotEstimableError("top share", Problem("share", "must lie between 0 and 1", "0.05 is the top 5%"))
    numbers = known(values, max(2, math.ceil(1 / share)))
    n, total = len(numbers), float(numbers.sum())
    if total <= 0:
        raise NotEstimableError("top share", Problem("values", "a total that is not above 0"))
    falling = np.sort(numbers)[::-1]
    count = share * n
    whole = math.floor(count + 1e-9)
    cut = float(falling[min(whole, n - 1)])
    value = (float(falling[:whole].sum()) + max(count - whole, 0.0) * cut) / total
    influence = (np.maximum(numbers - cut, 0) + cut * share - value * numbers) * n / total
    return Estimate.normal(
        value,
        float(influence.std(ddof=1)) / math.sqrt(n),
        level=level,
        method=f"share of the top {share:.0%}",
        n_used=n,
        n_total=len(values),
    )


def slice_means(values: np.ndarray, slices: int) -> np.ndarray:
    """Return the means of equal slices of the ranked values, a piecewise average of the quantile function.

    Parameters
    ----------
    values : array (..., n)      none missing; each row is ranked separately

    Returns
    -------
    array (..., slices)          in ascending order; a value on a slice's edge counts in part for both slices

    Notes
    -----
    The mean distance of two such arrays is the Wasserstein-1 distance, unless the quantile functions cross in a slice.

    Examples
    --------
    >>> slice_means(np.array([4.0, 1.0, 3.0, 2.0]), 2).tolist()
    [1.5, 3.5]
    """
    return _means_of_slices(np.sort(np.asarray(values, float), axis=-1), slices)


def resampled_slice_means(values: np.ndarray, slices: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return `slice_means` (draws, slices) of bootstrap samples of values (n,), none missing.

    Notes
    -----
    The values are sorted once: a sample is the number of times that it holds each of them. Of more than `_MANY` values,
    random groups are resampled, and the slice means are linear in them: value x moves the mean of the slice
    between the quantiles a and b by its value cut to [a, b], less the mean of these, times slices/n. The spread of the
    draws is right to √(2/2048)/2 = 1.6% then.

    References
    ----------
    Stigler (1974) Ann Statist 2:676, doi:10.1214/aos/1176342756 (linear functions of order statistics).

    Examples
    --------
    >>> resampled_slice_means(np.array([2.0, 2.0, 2.0]), 2, 1, np.random.default_rng(1)).tolist()
    [[2.0, 2.0]]
    """
    if len(values) > _MANY:
        return _grouped_slice_means(np.sort(np.asarray(values, float)), slices, draws, rng)
    order = np.argsort(values, kind="stable")
    ranked, n = np.asarray(values, float)[order], len(values)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    found = np.empty((draws, slices))
    edges = np.arange(slices + 1) * n / slices
    whole = np.minimum(np.floor(edges + 1e-9).astype(int), n)
    summed, first = np.zeros(n + 1), float(ranked[0]) if n else 0.0
    away = ranked - first  # sums of smaller numbers are more exact
    for draw in range(draws):
        counts = np.bincount(place[rng.integers(n, size=n)], minlength=n)
        up_to = np.cumsum(counts)
        np.cumsum(counts * away, out=summed[1:])
        at = np.minimum(np.searchsorted(up_to, whole, side="right"), n - 1)
        inside = summed[at] + (whole - (up_to[at] - counts[at])) * away[at]
        found[draw] = np.diff(inside + (edges - whole) * away[at])
    return found * slices / n + first


def _grouped_slice_means(ranked: np.ndarray, slices: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return `resampled_slice_means` of many sorted values (n,) from random groups of them."""
    n = len(ranked)
    group = rng.permutation(n) % _GROUPS
    place = np.arange(n) * slices // n
    cell = group * slices + place
    shape = _GROUPS, slices
    count, total = (np.bincount(cell, part, _GROUPS * slices).reshape(shape) for part in (None, ranked))
    edges = ranked[np.minimum(np.arange(slices + 1) * n // slices, n - 1)]
    below, size = np.cumsum(count, axis=1) - count, count.sum(axis=1, keepdims=True)
    cut = total + edges[:-1] * below + edges[1:] * (size - below - count)
    cut -= size * (cut.sum(axis=0) / n)
    found = np.empty((draws, slices))
    np.matmul(resample_counts(_GROUPS, draws, rng), cut, out=found)
    return (found - cut.sum(axis=0)) * slices / n + _means_of_slices(ranked, slices)


def _means_of_slices(ranked: np.ndarray, slices: int) -> np.ndarray:
    """Return the means of equal slices of sorted values (..., n)."""
    n = ranked.shape[-1]
    summed = np.concatenate([np.zeros((*ranked.shape[:-1], 1)), np.cumsum(ranked, axis=-1)], axis=-1)
    edges = np.arange(slices + 1) * n / slices
    whole = np.minimum(np.floor(edges + 1e-9).astype(int), n)
    part = edges - whole
    upto = summed[..., whole] + part * ranked[..., np.minimum(whole, n - 1)]
    means: np.ndarray = np.diff(upto, axis=-1) * slices / n
    return means


def wasserstein1(a: np.ndarray, b: np.ndarray) -> float:
    """Return the area between two empirical distribution functions, in the values' unit, without missing values.

    Examples
    --------
    >>> wasserstein1(np.array([0.0, 1.0]), np.array([2.0, 3.0]))
    2.0
    """
    first, second = np.sort(known(a)), np.sort(known(b))
    both = np.sort(np.concatenate([first, second]))
    shares = [np.searchsorted(part, both[:-1], side="right") / len(part) for part in (first, second)]
    return float(np.sum(np.abs(shares[0] - shares[1]) * np.diff(both)))
