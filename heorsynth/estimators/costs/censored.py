"""Mean cost up to a horizon with censored follow-up, without bias from the costs that censoring hides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heorsynth.core.display import agreeing
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.ties import as_one_time
from heorsynth.estimators.survival.curve import check_horizon
from heorsynth.estimators.survival.estimates import kaplan_meier, reverse_kaplan_meier


def bang_tsiatis(
    cost: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    horizon: float,
    *,
    level: float = 0.95,
    unit: str = "",
    names: Sequence[str] = (),
) -> Estimate:
    """Return the mean cost up to a horizon, with complete patients weighted by their inverse probability of completion.

    Parameters
    ----------
    cost : array (n,) or (n, k)     cost up to the horizon or the end of follow-up; or, with k columns, the cost in each
                                    of k intervals of equal length (the partitioned estimator, which uses more)
    time : array (n,)               follow-up; > 0, none missing
    event : array of bool (n,)      True where follow-up ended in death
    horizon : float                 > 0; some patients must be followed this long
    names : list of str             the columns of `cost`, for errors

    Raises
    ------
    NotEstimableError, HorizonError    missing or negative follow-up, a required cost that is missing (below), no
                                       complete patient, horizon past follow-up

    Notes
    -----
    With T = min(time, horizon), D = 1 if complete (died, or followed to the horizon) and G the Kaplan-Meier curve of
    censoring, the estimate is the mean of D·cost / G(T-). If a death and a censoring share a time, the death comes
    first: a patient who died at u was not at risk of censoring at u, so Y(u) counts those with T > u and those censored
    at u. The variance is that of the influence function D·cost/G(T-) - mean + the sum over times of censoring u of
    A(u) · dM(u). M is the patient's censoring martingale with hazard c(u)/Y(u), c(u) is the number censored at u, and
    A(u) is the sum of D·cost/G(T-) over T > u, divided by Y(u) - c(u) + 1. Adding 1 is a small-sample correction:
    a single censored patient then counts itself. Without ties this is the formula of Bang & Tsiatis. The partitioned
    estimator sums the estimator over intervals, each with its end as the horizon.

    An interval that starts at or after the end of follow-up costs 0, and costs of incomplete patients are not used, so
    they may be missing. With one column, complete patients without a cost are left out and counted. This is unbiased if
    missingness is unrelated to cost and survival. With several intervals, a required cost that is missing is an error,
    because leaving out such patients would select by survival.

    References
    ----------
    Bang & Tsiatis (2000) Biometrika 87:329, doi:10.1093/biomet/87.2.329. Deaths before censorings: Schemper & Smith
    (1996) Control Clin Trials 17:343.

    Examples
    --------
    >>> cost, time = np.array([10.0, 30.0, 20.0, 40.0]), np.array([1.0, 3.0, 2.0, 4.0])
    >>> round(float(bang_tsiatis(cost, time, np.array([True, True, False, True]), 4.0).value), 2)
    28.75
    """
    costs, times, died, edges = _checked(cost, time, event, horizon)
    starts, ends = edges[:-1], edges[1:]
    used = (died[:, None] | (times[:, None] >= ends)) & (times[:, None] > starts)
    costs, times, died = _without_gaps(costs, times, died, used, names)
    found = [_weighted(costs[:, part], times, died, float(end)) for part, end in enumerate(ends)]
    total = np.sum([influence for _, influence in found], axis=0)
    return Estimate.normal(
        float(sum(value for value, _ in found)),
        float(np.sqrt(np.sum(total**2)) / len(times)),
        level=level,
        unit=unit,
        method=f"mean cost to {horizon:g}, Bang-Tsiatis{' partitioned' if len(ends) > 1 else ''}",
        n_used=len(times),
        n_total=len(used),
    )


def lin(
    cost: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    horizon: float,
    *,
    level: float = 0.95,
    unit: str = "",
    names: Sequence[str] = (),
) -> Estimate:
    """Return the mean cost up to a horizon, from interval costs and the Kaplan-Meier curve.

    Parameters
    ----------
    cost : array (n, k)            cost in each of k intervals of equal length up to the horizon
    time, event, horizon, names    as in `bang_tsiatis`

    Raises
    ------
    NotEstimableError, HorizonError    as in `bang_tsiatis`

    Notes
    -----
    The estimate is the sum over intervals of survival to the interval's start times the mean cost in the interval of
    patients still followed at its start. It is unbiased if censoring occurs only at the ends of intervals. Otherwise,
    patients censored within an interval bias it downwards, less so with shorter intervals. The variance uses the
    influence functions of both factors; that of survival S(t) is -S(t) · the sum over deaths u <= t of
    n dM(u) / (Y(u) - d(u)), whose square is Greenwood's. An interval that starts at or after the end of follow-up
    costs 0. All other costs are used and must not be missing.

    References
    ----------
    Lin, Feuer, Etzioni & Wax (1997) Biometrics 53:419, doi:10.2307/2533947, estimator with interval costs.
    """
    costs, times, died, edges = _checked(cost, time, event, horizon)
    total, starts = len(costs), edges[:-1]
    costs, times, died = _without_gaps(costs, times, died, times[:, None] > starts, names)
    n = len(times)
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
        n_total=total,
    )


def _checked(
    cost: np.ndarray, time: np.ndarray, event: np.ndarray, horizon: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return costs (n, k), times and deaths (n,), and the k + 1 edges of the intervals. Times near an edge equal it."""
    costs, times, died = np.asarray(cost, float), np.asarray(time, float), np.asarray(event) != 0
    costs = costs[:, None] if costs.ndim == 1 else costs
    if costs.shape[0] != len(times) or len(died) != len(times):
        raise NotEstimableError("mean cost", Problem("cost, time, event", "arrays differ in length"))
    odd = int((~(np.isfinite(times) & (times > 0))).sum())
    if odd or not len(times):
        found = f"{odd} of {len(times)} missing or not after the start of follow-up"
        raise NotEstimableError("mean cost", Problem("time", found, "drop those rows"))
    check_horizon(horizon, float(times.max()))
    times, edges = as_one_time(times, horizon * np.arange(costs.shape[1] + 1) / costs.shape[1])
    return costs, times, died, edges


def _without_gaps(
    costs: np.ndarray, times: np.ndarray, died: np.ndarray, used: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the patients whose costs are known where they are `used` (n, k), with 0 where they are not used."""
    costs = np.where(used | np.isfinite(costs), costs, 0.0)
    known = np.isfinite(costs)
    if costs.shape[1] == 1:
        kept = known[:, 0]
        if not kept.any():
            raise NotEstimableError("mean cost", Problem(names[0] if names else "cost", "nobody has a known cost"))
        return costs[kept], times[kept], died[kept]
    problems = [
        Problem(
            names[part] if names else f"interval {part + 1}",
            f"{missing} of {int(used[:, part].sum())} patients followed there "
            f"{agreeing(missing, 'has', 'have')} no cost",
            "complete the column (0 where nothing was spent), or impute it first",
        )
        for part, missing in enumerate((~known).sum(axis=0))
        if missing
    ]
    if problems:
        raise NotEstimableError("mean cost", problems)
    return costs, times, died


def _weighted(cost: np.ndarray, time: np.ndarray, died: np.ndarray, end: float) -> tuple[float, np.ndarray]:
    """Return the inverse-probability mean of a cost up to `end`, and each patient's influence on it."""
    upto = np.minimum(time, end)
    complete = died | (time >= end)
    if complete.all():
        value = float(cost.mean())
        return value, cost - value
    curve = reverse_kaplan_meier(upto, complete)
    chance = np.concatenate([[1.0], curve.survival])[np.searchsorted(curve.times, upto, side="left")]
    shown = np.where(complete, cost / np.maximum(chance, np.finfo(float).tiny), 0.0)
    value = float(shown.mean())
    moments, count = np.unique(upto[~complete], return_counts=True)
    order = np.argsort(upto, kind="stable")
    later = np.concatenate([np.cumsum((shown[order])[::-1])[::-1], [0.0]])
    place = np.searchsorted(upto[order], moments, side="right")
    beyond = len(upto) - place
    steps = later[place] / (beyond + 1)
    influence = shown - value
    influence[~complete] += steps[np.searchsorted(moments, upto[~complete])]
    drift = np.concatenate([[0.0], np.cumsum(steps * count / (beyond + count))])
    passed = np.searchsorted(moments, upto, side="left") + ~complete
    return value, influence - drift[passed]


def _martingale(time: np.ndarray, died: np.ndarray, upto: float) -> tuple[np.ndarray, np.ndarray]:
    """Return n times the integral of dM_i / (Y - d) up to a time: compensator and jump of each patient (n,)."""
    n = len(time)
    moments, count = np.unique(time[died & (time <= upto)], return_counts=True)
    at_risk = n - np.searchsorted(np.sort(time), moments, side="left")
    steps = np.concatenate([[0.0], np.cumsum(n * count / (at_risk * (at_risk - count)))])
    hazard = steps[np.searchsorted(moments, time, side="right")]
    own = np.zeros(n)
    jumped = died & (time <= upto)
    own[jumped] = n / (at_risk - count)[np.searchsorted(moments, time[jumped])]
    return hazard, own
