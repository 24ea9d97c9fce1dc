"""Rank correlation between the visits of one measure."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.ranks import ranks

_FEWEST = 4
"""Patients with both values known, for a correlation with a standard error."""


def over_time(values: np.ndarray) -> np.ndarray:
    """Return Spearman's correlation of each pair of visits, over the patients measured at both.

    Parameters
    ----------
    values : array (n, k)      NaN where not measured

    Returns
    -------
    array (k(k - 1)/2,)        in the order (0, 1), (0, 2), ..., (1, 2), ...

    Raises
    ------
    NotEstimableError          fewer than two visits, fewer than four patients measured at two visits, or one value only

    Examples
    --------
    >>> over_time(np.array([[1, 2, 9.0], [2, 3, 7], [3, 4, 8], [4, 5, 6]])).round(2).tolist()
    [1.0, -0.8, -0.8]
    """
    held = np.asarray(values, float)
    if held.shape[1] < 2:
        raise NotEstimableError("correlation over time", Problem("visits", "fewer than two"))
    return np.array([_spearman(held[:, one], held[:, other]) for one, other in pairs(held.shape[1])])


def pairs(k: int) -> list[tuple[int, int]]:
    """Return the pairs of k visits, in the order of `over_time`."""
    return list(combinations(range(k), 2))


def resampled_over_time(values: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return `over_time` of bootstrap samples of the patients (draws, k(k - 1)/2); the point where it has no value.

    Examples
    --------
    >>> values = np.array([[1, 2.0], [2, 3], [3, 4], [4, 5]])
    >>> resampled_over_time(values, 3, np.random.default_rng(1)).shape
    (3, 1)
    """
    held = np.asarray(values, float)
    point = over_time(held)
    found = np.empty((draws, len(point)))
    for draw in range(draws):
        try:
            found[draw] = over_time(held[rng.integers(len(held), size=len(held))])
        except NotEstimableError:
            found[draw] = point
    return found


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < _FEWEST:
        raise NotEstimableError("correlation over time", Problem("visits", "fewer than four patients at two visits"))
    first, second = ranks(one[known]), ranks(other[known])
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    if size == 0:
        raise NotEstimableError("correlation over time", Problem("visits", "all patients have one value"))
    return float(first @ second) / size
