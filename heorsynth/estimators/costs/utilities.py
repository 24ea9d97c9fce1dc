"""What an economic model reads from a utility or QALY column: its mean, the share in full health, the share below 0."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.costs.costs import known, mean, mean_by, mean_difference
from heorsynth.estimators.proportions import proportion

__all__ = ["mean", "mean_by", "mean_difference", "qaly", "share_at_one", "share_below_zero"]

SMALLEST_RATE = 1e-6
"""Below this a discount rate is none: the closed form would divide rounding errors by its square."""


def share_at_one(values: np.ndarray, *, level: float = 0.95) -> Estimate:
    """The share of patients in full health (utility 1), of those whose utility is known.

    Examples
    --------
    >>> share_at_one(np.array([1.0, 1.0, 0.8, -0.1, np.nan])).value
    0.5
    """
    numbers = known(values)
    return proportion(int((numbers == 1).sum()), len(numbers), level=level, n_total=len(values), method="share at 1")


def share_below_zero(values: np.ndarray, *, level: float = 0.95) -> Estimate:
    """The share of patients in a state worse than death (utility below 0), of those whose utility is known.

    Examples
    --------
    >>> share_below_zero(np.array([1.0, 1.0, 0.8, -0.1, np.nan])).value
    0.25
    """
    numbers = known(values)
    return proportion(int((numbers < 0).sum()), len(numbers), level=level, n_total=len(values), method="share below 0")


def qaly(utility: np.ndarray, times: np.ndarray, *, rate: float = 0.0) -> np.ndarray:
    """Each patient's QALYs: the area under the line through utilities measured at several times.

    Parameters
    ----------
    utility : array (n, k)    at each time; 0 from death on; one missing measure makes the patient's QALY missing
    times : array (k,)        rising, in years, the first of them 0
    rate : float              discount rate a year; the line's area is discounted continuously at log(1 + rate)

    Returns
    -------
    array (n,)                QALYs, missing where a utility is

    Raises
    ------
    NotEstimableError         times that do not rise from 0, shapes that do not match, or a rate not above -1

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
    if abs(v) < SMALLEST_RATE:
        area: np.ndarray = (length * (first + last) / 2).sum(axis=1)
        return area
    level = -np.expm1(-v * length) / v
    slope = (level - length * np.exp(-v * length)) / v
    discounted: np.ndarray = (np.exp(-v * at[:-1]) * (first * level + (last - first) / length * slope)).sum(axis=1)
    return discounted
