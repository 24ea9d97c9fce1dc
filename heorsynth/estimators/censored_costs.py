"""Mean cost up to a horizon where follow-up is censored: what those cut short would have cost is not thrown away."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.curve import check_horizon
from heorsynth.estimators.survival import kaplan_meier


def bang_tsiatis(
    cost: np.ndarray, time: np.ndarray, event: np.ndarray, horizon: float, *, level: float = 0.95, unit: str = ""
) -> Estimate:
    """The mean cost up to a horizon, complete patients weighted by the inverse of their chance of being complete.

    Parameters
    ----------
    cost : array (n,) or (n, k)     cost up to the horizon or the end of follow-up; or, with k columns, the cost in each
                                    of k intervals of equal length (the partitioned estimator, which uses more)
    time : array (n,)               follow-up; > 0
    event : array of bool (n,)      True where follow-up ended in death
    horizon : float                 > 0, where some are followed so far

    Raises
    ------
    NotEstimableError, HorizonError    missing or negative follow-up, nobody complete, horizon past follow-up

    Notes
    -----
    With T = min(time, horizon), D = 1 if complete (died, or followed to the horizon) and G the Kaplan-Meier curve of
    censoring, the mean of D·cost / G(T-). Its variance is that of the influence function D·cost/G(T-) - mean + the
    integral of E[cost | alive at u] / G(u) over the patient's censoring martingale. The partitioned estimator sums the
    estimator over intervals, each with the interval's end as its horizon.

    References
    ----------
    Bang & Tsiatis (2000) Biometrika 87:329, doi:10.1093/biomet/87.2.329.

    Examples
    --------
    >>> cost, time = np.array([10.0, 30.0, 20.0, 40.0]), np.array([1.0, 3.0, 2.0, 4.0])
    >>> round(float(bang_tsiatis(cost, time, np.array([True, True, False, True]), 4.0).value), 2)
    28.75
    """
    costs, times, died = _checked(cost, time, event, horizon)
    ends = horizon * np.arange(1, costs.shape[1] + 1) / costs.shape[1]
    found = [_weighted(costs[:, part], times, died, float(end)) for part, end in enumerate(ends)]
    total = np.sum([influence for _, influence in found], axis=0)
    return Estimate.normal(
        float(sum(value for value, _ in found)),
        float(np.sqrt(np.sum(total**2)) / len(times)),
        level=level,
        unit=unit,
        method=f"mean cost to {horizon:g}, Bang-Tsiatis{' partitioned' if len(ends) > 1 else ''}",
        n_used=len(times),
        n_total=len(times),
    )


def lin(
    cost: np.ndarray, time: np.ndarray, event: np.ndarray, horizon: float, *, level: float = 0.95, unit: str = ""
) -> Estimate:
    """The mean cost up to a horizon from interval costs and the Kaplan-Meier curve.

    Parameters
    ----------
    cost : array (n, k)            cost in each of k intervals of equal length up to the horizon
    time, event, horizon           as in `bang_tsiatis`

    Notes
    -----
    The sum over intervals of survival to the interval's start times the mean cost in it of those still followed at
    its start. Unbiased where censoring falls on the intervals' ends; else those censored within an interval pull it
    down, the less the shorter the intervals. Variance by the influence functions of both factors.

    References
    ----------
    Lin, Feuer, Etzioni & Wax (1997) Biometrics 53:419, doi:10.2307/2533947, estimator with interval costs.
    """
    costs, times, died = _checked(cost, time, event, horizon)
    n, intervals = costs.shape
    starts = horizon * np.arange(intervals) / intervals
    curve = kaplan_meier(times, died)
    value, influence = 0.0, np.zeros(n)
    for start, spent in zip(starts, costs.T, strict=True):
        there = times > start
        if not there.any():
            break
        alive = float(curve.at(start)) if start > 0 else 1.0
        centre = float(spent[there].mean())
        value += alive * centre
        influence += alive * there * (spent - centre) * n / there.sum()
        if start > 0:
            hazard, own = _martingale(times, died, start)
            influence -= centre * alive * (own - hazard)
    return Estimate.normal(
        value,
        float(np.sqrt(np.sum(influence**2)) / n),
        level=level,
        unit=unit,
        method=f"mean cost to {horizon:g}, Lin",
        n_used=n,
        n_total=n,
    )


def _checked(
    cost: np.ndarray, time: np.ndarray, event: np.ndarray, horizon: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    costs, times, died = np.asarray(cost, float), np.asarray(time, float), np.asarray(event) != 0
    costs = costs[:, None] if costs.ndim == 1 else costs
    if costs.shape[0] != len(times) or len(died) != len(times):
        raise NotEstimableError("mean cost", Problem("cost, time, event", "arrays differ in length"))
    known = np.isfinite(costs).all(axis=1) & np.isfinite(times)
    if not known.any():
        raise NotEstimableError("mean cost", Problem("cost", "no patient with a known cost and follow-up"))
    check_horizon(horizon, float(times[known].max()))
    return costs[known], times[known], died[known]


def _weighted(cost: np.ndarray, time: np.ndarray, died: np.ndarray, end: float) -> tuple[float, np.ndarray]:
    """The inverse-probability mean of a cost up to `end`, and each patient's influence on it."""
    upto = np.minimum(time, end)
    complete = died | (time >= end)
    censored = (time < end) & ~died
    chance = np.ones(len(time))
    if censored.any():
        curve = kaplan_meier(upto, censored)
        chance = np.concatenate([[1.0], curve.survival])[np.searchsorted(curve.times, upto, side="left")]
    shown = np.where(complete, cost / np.maximum(chance, np.finfo(float).tiny), 0.0)
    value = float(shown.mean())
    influence = shown - value
    if censored.any():
        moments, count = np.unique(upto[censored], return_counts=True)
        order = np.argsort(upto, kind="stable")
        later = np.concatenate([np.cumsum((shown[order])[::-1])[::-1], [0.0]])
        weight = np.where(complete, 1 / np.maximum(chance, np.finfo(float).tiny), 0.0)
        people = np.concatenate([np.cumsum((weight[order])[::-1])[::-1], [0.0]])
        place = np.searchsorted(upto[order], moments, side="right")
        ahead = np.divide(later[place], people[place], out=np.zeros(len(moments)), where=people[place] > 0)
        survivors = len(upto) - np.searchsorted(upto[order], moments, side="left")
        reach = np.concatenate([[1.0], curve.survival])[np.searchsorted(curve.times, moments, side="left")]
        steps = ahead / reach
        influence[censored] += steps[np.searchsorted(moments, upto[censored])]
        drift = np.concatenate([[0.0], np.cumsum(steps * count / survivors)])
        influence -= drift[np.searchsorted(moments, upto, side="right")]
    return value, influence


def _martingale(time: np.ndarray, died: np.ndarray, upto: float) -> tuple[np.ndarray, np.ndarray]:
    """n times the integral of dM_i / Y up to a time: its compensator and its jump, for each patient (n,)."""
    n = len(time)
    moments, count = np.unique(time[died & (time <= upto)], return_counts=True)
    at_risk = n - np.searchsorted(np.sort(time), moments, side="left")
    steps = np.concatenate([[0.0], np.cumsum(n * count / at_risk**2)])
    hazard = steps[np.searchsorted(moments, time, side="right")]
    own = np.zeros(n)
    jumped = died & (time <= upto)
    own[jumped] = n / at_risk[np.searchsorted(moments, time[jumped])]
    return hazard, own
