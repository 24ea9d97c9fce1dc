"""Follow-up as counts at each distinct time: the common input of the survival estimators. Counts can be added up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.basics.ties import as_one_time


@dataclass(frozen=True)
class FollowUp:
    """Checked follow-up of the patients with known times.

    Attributes
    ----------
    time, entry : array (n,)    end and start of follow-up, entry < time; `entry` is None if all start at 0. Times that
                                differ only by rounding are equal (`ties.as_one_time`)
    event : array (n,)          bool, or the cause as a whole number with 0 = censored
    weight : array (n,)         weight of each patient; None if all are 1
    n_total : int               patients in the data, including those with a missing time
    """

    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray | None
    weight: np.ndarray | None
    n_total: int

    @property
    def n(self) -> int:
        """Number of patients used."""
        return len(self.time)


@dataclass(frozen=True)
class EventCounts:
    """Events, censorings and patients at risk at each distinct time at which follow-up ends.

    Attributes
    ----------
    times : array (k,)              in ascending order
    at_risk : array (k,)            with entry < t <= time
    events, censored : array (k,)   follow-up that ends at t, with and without the event
    """

    times: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray


def follow_up(
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> FollowUp:
    """Return checked follow-up. Patients with a missing time or entry are left out and counted.

    Raises
    ------
    NotEstimableError
        If arrays differ in length, no time is known, or follow-up does not end after it starts.
    """
    times, happened = np.asarray(time, float), np.asarray(event)
    start = None if entry is None else np.asarray(entry, float)
    weight = None if weights is None else np.asarray(weights, float)
    if any(other is not None and other.shape != times.shape for other in (happened, start, weight)) or times.ndim != 1:
        raise NotEstimableError(
            "follow-up",
            Problem(
                "time, event", "arrays differ in length or are not one-dimensional", "give one value a patient in each"
            ),
        )
    known = ~np.isnan(times) if start is None else ~(np.isnan(times) | np.isnan(start))
    if weight is not None:
        known &= weight > 0
    total = len(times)
    if not known.all():
        times, happened = times[known], happened[known]
        start, weight = (None if other is None else other[known] for other in (start, weight))
    if not len(times):
        raise NotEstimableError("follow-up", Problem("time", f"none of {total} patients has a known time"))
    if start is None:
        (times,) = as_one_time(times)
    else:
        times, start = as_one_time(times, start)
    n_exit_not_after_entry = int((times <= (0.0 if start is None else start)).sum())
    if n_exit_not_after_entry:
        raise NotEstimableError(
            "follow-up",
            Problem(
                "time",
                f"{n_exit_not_after_entry} of {len(times)} times are not after the start of follow-up",
                "drop those rows",
            ),
        )
    return FollowUp(times, happened, start, weight, total)


def event_counts(patients: FollowUp) -> EventCounts:
    """Return the counts at each distinct time. An `event` other than 0 counts as an event."""
    times, place = np.unique(patients.time, return_inverse=True)
    leaving = np.bincount(place, weights=patients.weight, minlength=len(times)).astype(float)
    happened = (patients.event != 0).astype(float)
    events = np.bincount(place, happened if patients.weight is None else happened * patients.weight, len(times))
    at_risk = np.cumsum(leaving[::-1])[::-1]
    if patients.entry is not None:
        at_risk = at_risk - _at_or_after(patients.entry, patients.weight, times)
    return EventCounts(times, at_risk, events, leaving - events)


def at_risk_just_before(patients: FollowUp, at: np.ndarray) -> np.ndarray:
    """Return the weighted number at risk at each time of `at`: entry < t <= time."""
    return _at_or_after(patients.time, patients.weight, at) - (
        0.0 if patients.entry is None else _at_or_after(patients.entry, patients.weight, at)
    )


def _at_or_after(values: np.ndarray, weight: np.ndarray | None, at: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    before = np.searchsorted(values[order], at, side="left")
    counts = np.ones(len(values)) if weight is None else weight[order]
    cumulative = np.concatenate([[0.0], np.cumsum(counts)])
    remaining: np.ndarray = cumulative[-1] - cumulative[before]
    return remaining


def share_or_zero(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, and 0 if the whole is 0."""
    share: np.ndarray = np.zeros(np.broadcast_shapes(np.shape(part), np.shape(whole)))
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def martingale_residuals(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Return the events of each patient beyond those expected of his follow-up: δ_i - Λ(t_i), Λ by Nelson-Aalen.

    Parameters
    ----------
    time : array (n,)             follow-up; > 0
    event : array of bool (n,)    True where the event was observed

    References
    ----------
    Therneau, Grambsch & Fleming (1990) Biometrika 77:147, doi:10.1093/biomet/77.1.147.

    Examples
    --------
    >>> martingale_residuals(np.array([1.0, 2.0]), np.array([True, False])).tolist()
    [0.5, -0.5]
    """
    patients = follow_up(time, event)
    counts = event_counts(patients)
    hazard = np.cumsum(counts.events / counts.at_risk)
    return np.asarray((patients.event != 0) - hazard[np.searchsorted(counts.times, patients.time)])
