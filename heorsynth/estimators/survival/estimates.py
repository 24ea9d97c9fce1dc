"""Survival estimates of a time-to-event endpoint: restricted mean, landmark, quantiles and at-risk table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.ties import as_one_time
from heorsynth.estimators.survival.aalen_johansen import cumulative_incidence
from heorsynth.estimators.survival.bootstrap import km_matrix
from heorsynth.estimators.survival.counts import at_risk_just_before, follow_up
from heorsynth.estimators.survival.curve import IncidenceCurve, SurvivalCurve
from heorsynth.estimators.survival.kaplan_meier import kaplan_meier, reverse_kaplan_meier
from heorsynth.estimators.survival.log_rank import LogRank, log_rank
from heorsynth.estimators.survival.summaries import (
    curve_quantile,
    landmark,
    restricted_mean,
    restricted_mean_difference,
)

__all__ = [
    "IncidenceCurve",
    "LogRank",
    "SurvivalCurve",
    "at_risk_counts",
    "at_risk_table",
    "common_horizon",
    "cumulative_incidence",
    "kaplan_meier",
    "km_matrix",
    "landmark_survival",
    "log_rank",
    "median_survival",
    "quantile_survival",
    "reverse_kaplan_meier",
    "rmst",
    "rmst_difference",
]


def common_horizon(*times: np.ndarray) -> float:
    """Return the smallest of the groups' largest times: the last time at which every group is still followed.

    Examples
    --------
    >>> common_horizon(np.array([3.0, 9.0]), np.array([5.0, 7.0]))
    7.0
    """
    if not times or any(np.isnan(group).all() for group in times):
        raise NotEstimableError("common horizon", Problem("time", "a group in which no time is known"))
    return min(float(np.nanmax(group)) for group in times)


def at_risk_table(
    time: np.ndarray,
    event: np.ndarray,
    at: np.ndarray,
    entry: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the table under a Kaplan-Meier plot, in the KMunicate form.

    Parameters
    ----------
    time, event, entry     as in `kaplan_meier`
    at : array (k,)        times at which to count

    Returns
    -------
    DataFrame (k, 4)       time, at_risk (entry < t <= time), censored and events (both up to and at t)

    Notes
    -----
    As in R's ``summary(survfit(...), times = at)``, a patient who leaves exactly at t is still at risk at t. At the
    start of the earliest follow-up, which is 0 without delayed entry, those who enter then are at risk.

    References
    ----------
    Morris et al. (2019) BMJ Open 9:e030215, doi:10.1136/bmjopen-2019-030215.

    Examples
    --------
    >>> table = at_risk_table(np.array([1, 2, 3, 4]), np.array([True, False, True, False]), np.array([0, 2, 5]))
    >>> table[["at_risk", "censored", "events"]].to_numpy().tolist()
    [[4, 0, 0], [3, 1, 1], [0, 2, 2]]
    """
    grid = np.atleast_1d(np.asarray(at, float))
    counts = at_risk_counts(time, event, grid, entry)
    return pd.DataFrame({"time": grid, "at_risk": counts[:, 0], "censored": counts[:, 1], "events": counts[:, 2]})


def at_risk_counts(time: np.ndarray, event: np.ndarray, at: np.ndarray, entry: np.ndarray | None = None) -> np.ndarray:
    """Return at risk, censored and events (k, 3) of `at_risk_table`, as whole numbers.

    Examples
    --------
    >>> at_risk_counts(np.array([1, 2, 3, 4]), np.array([True, False, True, False]), np.array([2.0])).tolist()
    [[3, 1, 1]]
    """
    patients, grid = follow_up(time, event, entry), np.asarray(at, float)
    starts = np.zeros(patients.n) if patients.entry is None else patients.entry
    ends, starts, points = as_one_time(patients.time, starts, grid)
    happened = patients.event != 0
    risk = at_risk_just_before(replace(patients, time=ends, entry=starts), points)
    risk[points == starts.min()] = np.count_nonzero(starts == starts.min())
    ended = [np.searchsorted(np.sort(known), points, side="right") for known in (ends[~happened], ends[happened])]
    return np.column_stack([risk.astype(int), *ended])


def rmst(
    time: np.ndarray,
    event: np.ndarray,
    horizon: float,
    entry: np.ndarray | None = None,
    *,
    level: float = 0.95,
    unit: str = "",
) -> Estimate:
    """Return the restricted mean survival time, the area under the Kaplan-Meier curve up to `horizon`.

    Parameters
    ----------
    time, event, entry     as in `kaplan_meier`
    horizon : float        same unit; at most the largest follow-up, unless the curve has fallen to 0
    level, unit            confidence level, and unit of time

    Returns
    -------
    Estimate               in the cohort's unit, with a symmetric normal interval

    Raises
    ------
    HorizonError           horizon past the last follow-up, where the curve is not identified

    See Also
    --------
    rmst_difference : The difference between two arms.
    kaplan_meier : The curve itself.

    Notes
    -----
    Var = sum over t_i <= horizon of A_i^2 · d_i / (Y_i (Y_i - d_i)), with A_i the area from t_i to the horizon.

    References
    ----------
    Royston & Parmar (2013) BMC Med Res Methodol 13:152, doi:10.1186/1471-2288-13-152.

    Examples
    --------
    >>> rmst(np.array([1, 2, 3, 4]), np.array([True, False, True, False]), 4).value
    2.875
    """
    return restricted_mean(kaplan_meier(time, event, entry), horizon, level=level, unit=unit)


def rmst_difference(
    time: np.ndarray,
    event: np.ndarray,
    treated: np.ndarray,
    horizon: float,
    entry: np.ndarray | None = None,
    *,
    level: float = 0.95,
    unit: str = "",
) -> Estimate:
    """Return the restricted mean survival time of the treated minus that of the others.

    `treated` is a bool array (n,); the other arguments are those of `rmst`. The variance is the sum of the arms'.

    Examples
    --------
    >>> time, event = np.array([1, 2, 3, 4]), np.array([True, True, True, True])
    >>> rmst_difference(time, event, np.array([False, False, True, True]), 2).value
    0.5
    """
    arm = np.asarray(treated, bool)
    first, second = (
        rmst(time[rows], event[rows], horizon, None if entry is None else entry[rows]) for rows in (arm, ~arm)
    )
    return restricted_mean_difference(first, second, horizon, len(arm), level=level, unit=unit)


def landmark_survival(
    time: np.ndarray,
    event: np.ndarray,
    at: float,
    entry: np.ndarray | None = None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Return Kaplan-Meier survival at one time, with its interval on the log-log scale.

    Parameters
    ----------
    time, event, entry     as in `kaplan_meier`
    at : float             the landmark, at most the largest follow-up

    Returns
    -------
    Estimate               a share; `se` on the natural scale (Greenwood)

    Notes
    -----
    [low, high] = S^exp(±z·se / (S·|log S|)). If nobody or everybody has had the event by then, Greenwood's error is 0,
    which is too small. The interval then is the exact binomial one (of those still at risk, or of the events), and `se`
    is its width / 2z.

    References
    ----------
    Kalbfleisch & Prentice (1980), The Statistical Analysis of Failure Time Data, 1.3.

    Examples
    --------
    >>> landmark_survival(np.array([1, 2, 3, 4]), np.array([True, False, True, False]), 3).value
    0.375
    """
    return landmark(kaplan_meier(time, event, entry), at, level=level)


def median_survival(
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None = None,
    *,
    level: float = 0.95,
    unit: str = "",
) -> Estimate:
    """Return the median survival time with its Brookmeyer-Crowley interval; see `quantile_survival`."""
    return quantile_survival(time, event, 0.5, entry, level=level, unit=unit)


def quantile_survival(
    time: np.ndarray,
    event: np.ndarray,
    share: float,
    entry: np.ndarray | None = None,
    *,
    level: float = 0.95,
    unit: str = "",
) -> Estimate:
    """Return the time by which a share of patients has had the event, with its Brookmeyer-Crowley interval.

    Parameters
    ----------
    time, event, entry     as in `kaplan_meier`
    share : float          between 0 and 1; 0.5 is the median

    Returns
    -------
    Estimate               `high` is infinite if the upper confidence curve stays above 1 - share; `se` is half the
                           width of the interval at one standard error (Woodruff), and infinite if that is

    Raises
    ------
    NotEstimableError      fewer than that share of patients had the event

    Notes
    -----
    The interval contains the times at which the log-log interval of S(t) covers 1 - share. If a curve equals 1 - share
    over a period, the middle of the period is used, as in R.

    References
    ----------
    Brookmeyer & Crowley (1982) Biometrics 38:29, doi:10.2307/2530286.

    Examples
    --------
    >>> median_survival(np.array([1, 2, 3, 4, 5]), np.ones(5, bool)).value
    3.0
    """
    return curve_quantile(kaplan_meier(time, event, entry), share, level=level, unit=unit)
