"""Estimates of a utility or QALY column for an economic model: full health, states worse than death, and QALYs."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.estimators.costs.costs import known, mean, mean_by, mean_difference

__all__ = ["mean", "mean_by", "mean_difference", "qaly", "share_at_one", "share_below_zero"]

_SMALLEST_RATE = 1e-6
"""A discount rate below this is treated as 0, because the closed form would divide rounding errors by its square."""


def share_at_one(values: np.ndarray, *, level: float = 0.95) -> Estimate:
    """Return the share of patients in full health (utility 1) among those with a known utility.

    Examples
    --------
    >>> share_at_one(np.array([1.0, 1.0, 0.8, -0.1, np.nan])).value
    0.5
    """
    numbers = known(values)
    return proportion(int((numbers == 1).sum()), len(numbers), level=level, n_total=len(values), method="share at 1")


def share_below_zero(values: np.ndarray, *, level: float = 0.95) -> Estimate:
    """Return the share of patients in a state worse than death (utility below 0) among those with a known utility.

    Examples
    --------
    >>> share_below_zero(np.array([1.0, 1.0, 0.8, -0.1, np.nan])).value
    0.25
    """
    numbers = known(values)
    return proportion(int((numbers < 0).sum()), len(numbers), level=level, n_total=len(values), method="share below 0")


def qaly(utility: np.ndarray, times: np.ndarray, *, rate: float = 0.0) -> np.ndarray:
    """Return each patient's QALYs: the area under the line through utilities measured at several times.

    Parameters
    ----------
    utility : array (n, k)    at each time; 0 after death; one missing value makes the patient's QALY missing
    times : array (k,)        ascending, in years, starting at 0
    rate : float              yearly discount rate; the line's area is discounted continuously at log(1 + rate)

    Returns
    -------
    array (n,)                QALYs, missing if a utility is missing

    Raises
    ------
    NotEstimableError         times that do not increase from 0, shapes that do not match, or a rate of -1 or less

    Notes
    -----
    With v = log(1 + rate) and a line from (a, u) to (b, w), the integral of the line times exp(-v t), exactly; the
    trapezium rule where v = 0.

    References
    ----------
    Matthews, Altman, Campbell & Royston (1990) BMJ 300:230; Manca, Hawkins & Sculpher (2005) Health Econ 14:487.

    Examples
    --------
    >>> qaly(np.array([[0.6, 0.8, 1.0]]), np.array([0.0, 0.5, 1.0])).tolist()
    [0.8]
    """
    measured, at = np.asarray(utility, float), np.asarray(times, float)
    if measured.ndim != 2 or measured.shape[1] != len(at) or len(at) < 2:
        raise NotEstimableError(
            "QALY", Problem("utility, times", "shapes do not match", "give one column of utility a time, two or more")
        )
    if at[0] != 0 or not (np.diff(at) > 0).all() or not rate > -1:
        raise NotEstimableError("QALY", Problem("times, rate", "times must rise from 0, and rate lie above -1"))
    length, first, last = np.diff(at), measured[:, :-1], measured[:, 1:]
    v = float(np.log1p(rate))
    if abs(v) < _SMALLEST_RATE:
        area: np.ndarray = (length * (first + last) / 2).sum(axis=1)
        return area
    level = -np.expm1(-v * length) / v
    slope = (level - length * np.exp(-v * length)) / v
    discounted: np.ndarray = (np.exp(-v * at[:-1]) * (first * level + (last - first) / length * slope)).sum(axis=1)
    return discounted
