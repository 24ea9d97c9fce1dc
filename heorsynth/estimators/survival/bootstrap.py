"""Bootstrap samples as the number of times each patient is drawn, and the survival curves of many samples."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.basics.ties import slack
from heorsynth.estimators.survival.counts import follow_up, share_or_zero
from heorsynth.estimators.survival.curve import check_horizon

_BLOCK = 2**17
"""Weights processed at a time in `km_matrix`, so that they stay in the processor's cache."""


def bootstrap_weights(n: int, b: int, rng: np.random.Generator, strata: np.ndarray | None = None) -> np.ndarray:
    """Return how often each of n patients is drawn in each of b bootstrap samples of size n.

    Parameters
    ----------
    n, b : int                       number of patients, and number of samples
    rng : numpy.random.Generator     random stream
    strata : array (n,), optional    resample within each level, which keeps its size

    Returns
    -------
    array of int32 (b, n)            each row sums to n (and within each stratum to its size)

    References
    ----------
    Efron (1979) Ann Statist 7:1, doi:10.1214/aos/1176344552.

    Examples
    --------
    >>> weights = bootstrap_weights(5, 3, np.random.default_rng(1))
    >>> weights.shape, weights.sum(axis=1).tolist()
    ((3, 5), [5, 5, 5])
    """
    weights = np.zeros((b, n), dtype=np.int32)
    groups = [np.arange(n)] if strata is None else [np.flatnonzero(strata == level) for level in np.unique(strata)]
    for rows in groups:
        size = len(rows)
        for sample in weights:
            sample[rows] = np.bincount(rng.integers(size, size=size, dtype=np.uint32), minlength=size)
    return weights


def km_matrix(time: np.ndarray, event: np.ndarray, weights: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return Kaplan-Meier curves for many sets of weights, such as bootstrap counts.

    Parameters
    ----------
    time, event : array (n,)    as in `kaplan_meier`, with no time missing
    weights : array (b, n)      how often each patient counts in each replicate
    grid : array (g,)           times, at most the largest follow-up

    Returns
    -------
    array (b, g)                survival at each time of the grid. A replicate keeps its last value after its last
                                follow-up.

    Examples
    --------
    >>> time, event, weights = np.array([1, 2, 4]), np.array([True, True, False]), np.array([[1, 1, 2], [2, 0, 2]])
    >>> km_matrix(time, event, weights, np.array([1, 2])).tolist()
    [[0.75, 0.5], [0.5, 0.5]]
    """
    patients = follow_up(time, event)
    if patients.n != patients.n_total or weights.ndim != 2 or weights.shape[1] != patients.n:
        raise NotEstimableError(
            "survival curves",
            Problem(
                "weights",
                "expected one column a patient, each with a known time",
                "leave out patients without a time first",
            ),
        )
    points = np.atleast_1d(np.asarray(grid, float))
    check_horizon(float(points.max()), float(patients.time.max()))
    order = np.argsort(patients.time, kind="stable")
    ordered, happened = patients.time[order], (patients.event != 0)[order]
    rows = np.flatnonzero(happened)
    starts = np.searchsorted(ordered, ordered[rows], side="left")
    first = np.flatnonzero(np.concatenate([[True], np.diff(ordered[rows]) > 0])) if len(rows) else rows
    segments = np.searchsorted(ordered[rows][first], points + slack(ordered), side="right")
    curves = np.ones((len(weights), len(points)))
    if not len(rows):
        return curves
    step = max(1, _BLOCK // patients.n)
    for begin in range(0, len(weights), step):
        block = weights[begin : begin + step, order].astype(float)
        leaving = np.cumsum(block, axis=1)
        at_risk = leaving[:, -1:] - leaving[:, starts[first]] + block[:, starts[first]]
        events = np.add.reduceat(block[:, rows], first, axis=1)
        survival = np.cumprod(1 - share_or_zero(events, at_risk), axis=1)
        curves[begin : begin + step] = np.concatenate([np.ones((len(block), 1)), survival], axis=1)[:, segments]
    return curves
