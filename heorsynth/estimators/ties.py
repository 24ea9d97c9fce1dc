"""Which times are one time: the one place that decides ties, for every estimator that counts events by time."""

from __future__ import annotations

import math

import numpy as np

TOLERANCE = math.sqrt(np.finfo(float).eps)
"""Neighbouring times no farther apart than this share of the mean time are one time: 1.5e-8."""


def slack(times: np.ndarray) -> float:
    """How far apart two times may lie and still be one, where these (k,) are the distinct times."""
    return TOLERANCE * float(np.abs(times).mean()) if len(times) else 0.0


def as_one_time(*times: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same arrays, in which times that differ by rounding alone have become equal.

    Parameters
    ----------
    times : arrays, any shape    ends, entries, horizons: whatever is compared; missing values stay

    Returns
    -------
    tuple of array               each array itself where it holds nothing to join, else a copy

    Notes
    -----
    A date difference over 365.25 carries floating-point noise, so that two patients who died on the same day no longer
    have the same time. Of all distinct finite times in all arrays, sorted, neighbours that differ by no more than
    `TOLERANCE` times the mean of their absolute values are one time, and get the smallest of it. This is the rule of
    R's survival (`timefix`, `aeqSurv`) but for its second, absolute tolerance of 1.5e-8 in whatever unit, which would
    make the answer depend on the unit. The rule is relative: days, months and years of one cohort have the same ties.

    Ties are decided where events are counted, over all times that are counted together. Partitions of a folder keep
    their times as they are and are joined first (`data.tally`), so a part never decides for the whole.

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
    """The times, in which each of `others` has become the largest of `firsts` below it; both rise."""
    place = np.minimum(np.searchsorted(others, times), len(others) - 1)
    late = others[place] == times
    found = times.copy()
    found[late] = firsts[np.searchsorted(firsts, times[late], side="right") - 1]
    return found
