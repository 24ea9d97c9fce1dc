"""Pseudo-values: one number a patient that stands for a censored time in means and linear models."""

from __future__ import annotations

import numpy as np

from heorsynth.estimators.survival.counts import at_risk_just_before, event_counts, follow_up


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
    counts = event_counts(patients)
    used = (counts.events > 0) & (counts.times <= horizon)
    times, deaths = counts.times[used], counts.events[used]
    at_risk = at_risk_just_before(patients, times)
    hazard = deaths / at_risk
    survival = np.concatenate([[1.0], np.cumprod(1 - hazard)])
    areas = survival * np.diff(np.concatenate([[0.0], times, [max(horizon, 0.0)]]))
    after = np.cumsum(areas[::-1])[::-1][1:]
    weight = np.divide(after, (1 - hazard) * at_risk, out=np.zeros(len(times)), where=hazard < 1)
    steps = np.concatenate([[0.0], np.cumsum(weight * hazard)])

    def until(ends: np.ndarray) -> np.ndarray:
        return np.asarray(steps[np.searchsorted(times, ends, side="right")])

    compensator = until(patients.time) - (0.0 if patients.entry is None else until(patients.entry))
    place = np.minimum(np.searchsorted(times, patients.time), max(len(times) - 1, 0))
    died = (patients.event != 0) & (patients.time <= horizon)
    jump = np.where(died, weight[place], 0.0) if len(times) else 0.0
    found = np.full(len(known), np.nan)
    found[known] = areas.sum() - patients.n * (jump - compensator)
    return found
