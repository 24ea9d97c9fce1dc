"""Pseudo-values: one number a patient that stands for a censored time in means and linear models."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.counts import at_risk_just_before, follow_up
from heorsynth.estimators.survival.curve import check_horizon
from heorsynth.estimators.survival.kaplan_meier import kaplan_meier


def restricted_time(time: np.ndarray, event: np.ndarray, horizon: float, entry: np.ndarray | None = None) -> np.ndarray:
    """Return a pseudo-value of each patient's time without the event up to a horizon.

    Their mean is the restricted mean survival time θ. The mean in a group estimates the restricted mean of the group if
    censoring does not depend on the group.

    Parameters
    ----------
    time, event : array (n,)    follow-up and whether it ended in the event; event 0 or False is censored
    horizon : float             in the unit of time
    entry : array (n,)          start of follow-up, if it is delayed

    Returns
    -------
    array (n,)                  in the unit of time; NaN where the follow-up is unknown

    Raises
    ------
    NotEstimableError           no known time, or follow-up that does not end after it starts

    Notes
    -----
    θ + n ∂θ/∂wᵢ, the infinitesimal jackknife: wᵢ is the weight of patient i and θ the area under Kaplan-Meier. With
    A(t) the area from t to the horizon and h = d/Y the hazard at an event time with d events among Y at risk,
    ∂θ/∂wᵢ = -∑ A(t)/(1 - h) · (dNᵢ(t) - Yᵢ(t) h)/Y over the event times t. Without censoring it is min(time, horizon).
    Past the last follow-up the curve is drawn on at its last value.

    References
    ----------
    Andersen, Klein & Rosthøj (2003) Biometrika 90:15; Parner, Andersen & Overgaard (2023) Lifetime Data Anal 29:654.

    Examples
    --------
    >>> restricted_time(np.array([1.0, 2.0, 3.0, 6.0]), np.ones(4), 4.0).round(9).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    known = np.isfinite(time) if entry is None else np.isfinite(time) & np.isfinite(entry)
    patients = follow_up(time, event, entry)
    ends, place = np.unique(patients.time, return_inverse=True)
    left = np.bincount(place, minlength=len(ends)).astype(float)
    events = np.bincount(place[patients.event != 0], minlength=len(ends)).astype(float)
    used = (events > 0) & (ends <= horizon)
    times, deaths = ends[used], events[used]
    plain = patients.entry is None
    at_risk = np.cumsum(left[::-1])[::-1][used] if plain else at_risk_just_before(patients, times)
    hazard = deaths / at_risk
    survival = np.concatenate([[1.0], np.cumprod(1 - hazard)])
    areas = survival * np.diff(np.concatenate([[0.0], times, [max(horizon, 0.0)]]))
    after = np.cumsum(areas[::-1])[::-1][1:]
    weight = np.divide(after, (1 - hazard) * at_risk, out=np.zeros(len(times)), where=hazard < 1)
    steps = np.concatenate([[0.0], np.cumsum(weight * hazard)])

    def until(moments: np.ndarray) -> np.ndarray:
        return np.asarray(steps[np.searchsorted(times, moments, side="right")])

    compensator = until(ends)[place] - (0.0 if patients.entry is None else until(patients.entry))
    at_end = np.zeros(len(ends))
    at_end[used] = weight
    jump = np.where(patients.event != 0, at_end[place], 0.0)
    found = np.full(len(known), np.nan)
    found[known] = areas.sum() - patients.n * (jump - compensator)
    return found


def pseudo_restricted_means(time: np.ndarray, event: np.ndarray, horizon: float) -> np.ndarray:
    """Return one pseudo-observation of the restricted mean survival time for each patient (n,).

    Parameters
    ----------
    time : array (n,)              follow-up, known and above 0
    event : array of bool (n,)     True where the event was observed
    horizon : float                same unit; at most the largest follow-up, unless the curve has fallen to 0

    Raises
    ------
    NotEstimableError              fewer than two patients
    HorizonError                   horizon past the last follow-up

    Notes
    -----
    The pseudo-observation of patient i is n·R - (n - 1)·R_i, with R the area under the Kaplan-Meier curve of all
    patients and R_i that of all but i. Without i, one patient fewer is at risk at each time up to T_i, and the curve
    falls as before after T_i. So all n areas take one pass over the times. If nobody else is at risk at T_i, the curve
    of the others stays as it is.

    References
    ----------
    Andersen, Klein & Rosthøj (2003) Biometrika 90:15, doi:10.1093/biomet/90.1.15.
    Andersen, Hansen & Klein (2004) Lifetime Data Anal 10:335, doi:10.1007/s10985-004-4771-0.

    Examples
    --------
    >>> pseudo_restricted_means(np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4, bool), 4.0).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    times, happened, n = np.asarray(time, float), np.asarray(event, bool), len(time)
    if n < 2:
        raise NotEstimableError("fewer than two patients")
    check_horizon(horizon, kaplan_meier(times, happened).reach)
    grid, place = np.unique(times, return_inverse=True)
    died = np.bincount(place[happened], minlength=len(grid)).astype(float)
    at_risk = np.cumsum(np.bincount(place, minlength=len(grid))[::-1])[::-1].astype(float)
    factors = 1 - died / at_risk
    others = at_risk - 1
    without = 1 - np.divide(died, others, out=np.zeros_like(died), where=others > 0)
    edges = np.minimum(np.concatenate([[0.0], grid, [np.inf]]), horizon)
    widths = np.diff(edges)
    curve = np.concatenate([[1.0], np.cumprod(factors)])
    shorter = np.concatenate([[1.0], np.cumprod(without)])
    area = float(curve @ widths)
    before = np.cumsum(shorter * widths)[place]
    own = died[place] - happened
    at_exit = np.divide(own, others[place], out=np.zeros(n), where=others[place] > 0)
    height = shorter[place] * (1 - at_exit)
    rest = _areas_after(factors, widths)[place]
    return n * area - (n - 1) * (before + height * rest)


def _areas_after(factors: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return, for each time, the area after it of the curve that starts there at 1 (k,)."""
    areas = np.empty(len(factors))
    later = 0.0
    for place in range(len(factors) - 1, -1, -1):
        following = factors[place + 1] * later if place + 1 < len(factors) else 0.0
        later = widths[place + 1] + following
        areas[place] = later
    return areas
