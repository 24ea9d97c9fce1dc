"""Decide which times are tied, for every estimator that counts events by time."""

from __future__ import annotations

import math

import numpy as np

TOLERANCE = math.sqrt(np.finfo(float).eps)
"""Neighbouring times closer than this share of the mean time are tied: 1.5e-8."""


def slack(times: np.ndarray) -> float:
    """Return the largest difference of tied times, given the distinct times (k,)."""
    return TOLERANCE * float(np.abs(times).mean()) if len(times) else 0.0


def any_tied(times: np.ndarray) -> bool:
    """Return whether some of the distinct times (k,), ascending, differ by rounding only (`as_one_time`).

    Examples
    --------
    >>> any_tied(np.array([0.3, 0.1 + 0.2, 0.7])), any_tied(np.array([0.3, 0.7]))
    (True, False)
    """
    return bool((np.diff(times) <= slack(times)).any())


def as_one_time(*times: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the arrays with times that differ only by rounding made equal.

    Parameters
    ----------
    times : arrays, any shape    exit times, entry times, horizons: all that are compared; missing values stay missing

    Returns
    -------
    tuple of array               the array itself if nothing changes, else a copy

    Notes
    -----
    A date difference divided by 365.25 has floating-point noise, so two patients who died on the same day may have
    different times. All distinct finite times of all arrays are sorted. Neighbours that differ by at most `TOLERANCE`
    times the mean absolute time are tied, and get the smallest of the tied values. This is the rule of R's survival
    (`timefix`, `aeqSurv`) without its second, absolute tolerance of 1.5e-8, which would depend on the time unit. The
    rule is relative: days, months and years of one cohort have the same ties.

    Ties are decided where events are counted, over all times that are counted together. Partitions of a folder keep
    their exact times and are joined first (`data.folders.tally`), so that no part decides for the whole.

    Examples
    --------
    >>> as_one_time(np.array([0.1 + 0.2, 0.3, 0.7]))[0].tolist()
    [0.3, 0.3, 0.7]
    """
    arrays = tuple(np.asarray(part, float) for part in times)
    whole = arrays[0].ravel() if len(arrays) == 1 else np.concatenate([part.ravel() for part in arrays])
    held = np.sort(whole[np.isfinite(whole)])
    gaps = np.diff(held)
    later = gaps > 0
    distinct = held[np.concatenate([[True], later])] if len(held) else held
    steps = gaps[later]
    joined = steps <= slack(distinct)
    if not joined.any():
        return arrays
    firsts, others = distinct[np.concatenate([[True], ~joined])], distinct[1:][joined]
    return tuple(_first_of_its_group(part, firsts, others) for part in arrays)


def _first_of_its_group(times: np.ndarray, firsts: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the times with each of `others` replaced by the largest of `firsts` below it; both are sorted."""
    place = np.minimum(np.searchsorted(others, times), len(others) - 1)
    late = others[place] == times
    found = times.copy()
    found[late] = firsts[np.searchsorted(firsts, times[late], side="right") - 1]
    return found
