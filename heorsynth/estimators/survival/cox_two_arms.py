"""The Cox log hazard ratio of two arms from counts: events and patients at risk per arm at every event time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.survival.counts import follow_up
from heorsynth.estimators.survival.cox import MOST_STEPS, TOLERANCE, cox, without_maximum

_METHOD = "log hazard ratio, Cox (Efron)"
"""Name of the estimate."""

_CHUNK = 1_000_000
"""Events whose terms are held in memory at a time."""

_LONGEST_STEP = 2.0
"""The largest Newton step on the log hazard ratio, because further away the likelihood may be flat to rounding."""


@dataclass(frozen=True)
class ArmCounts:
    """Counts of two arms at each time with an event in either arm.

    Attributes
    ----------
    times : array (k,)          in ascending order
    events : array (2, k)       of the treated and of the others
    at_risk : array (2, k)      just before each time
    """

    times: np.ndarray
    events: np.ndarray
    at_risk: np.ndarray

    def within(self, kept: np.ndarray) -> ArmCounts:
        """Return the counts at some of the times (k,). Cutting follow-up there does not change them."""
        return ArmCounts(self.times[kept], self.events[:, kept], self.at_risk[:, kept])


def hazard_ratio_of_rows(
    time: np.ndarray, event: np.ndarray, treated: np.ndarray, entry: np.ndarray | None = None
) -> Estimate:
    """Return the log hazard ratio of treated to other patients, given in rows; for the arguments see `arm_counts`.

    It comes from counts, which takes a fifth of the time. Where that fails, `cox` gives the reason.
    """
    with suppress(NotEstimableError):
        return log_hazard_ratio(arm_counts(time, event, treated, entry))
    fit = cox(time, event, treated.astype(float)[:, None], entry)
    return Estimate.normal(float(fit.coef[0]), float(fit.se[0]), method=_METHOD)


def arm_counts(time: np.ndarray, event: np.ndarray, treated: np.ndarray, entry: np.ndarray | None = None) -> ArmCounts:
    """Return the counts of patients in rows; those with a missing time or entry are left out.

    Parameters
    ----------
    time, event, entry     as for `cox`
    treated : array of bool (n,)

    Examples
    --------
    >>> counts = arm_counts(np.arange(1.0, 5.0), np.ones(4, bool), np.array([True, False, True, False]))
    >>> counts.events.tolist(), counts.at_risk.tolist()
    ([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]], [[2.0, 1.0, 1.0, 0.0], [2.0, 2.0, 1.0, 1.0]])
    """
    patients = follow_up(time, event, entry)
    known = ~np.isnan(np.asarray(time, float))
    if entry is not None:
        known &= ~np.isnan(np.asarray(entry, float))
    arm, happened = treated[known], patients.event != 0
    times = np.unique(patients.time[happened])
    events, at_risk = np.zeros((2, len(times))), np.zeros((2, len(times)))
    for row, own in enumerate((arm, ~arm)):
        events[row] = np.bincount(np.searchsorted(times, patients.time[own & happened]), minlength=len(times))
        at_risk[row] = _from(patients.time[own], times)
        if patients.entry is not None:
            at_risk[row] -= _from(patients.entry[own], times)
    return ArmCounts(times, events, at_risk)


def _from(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the number of values at or after each time."""
    return len(values) - np.searchsorted(np.sort(values), at, side="left")


def log_hazard_ratio(arms: ArmCounts, *, method: str = _METHOD) -> Estimate:
    """Return the log hazard ratio of the treated to the others by Newton's method, with Efron's treatment of ties.

    Returns
    -------
    Estimate               equal to `cox` with one binary covariate, because the partial likelihood depends only on
                           these counts

    Raises
    ------
    NotEstimableError      no event, an arm without patients at risk at any event, or a likelihood without a maximum

    Notes
    -----
    With Y1, Y0 at risk and d1, d0 events at a time, d = d1 + d0, and f = l / d for l = 0 .. d - 1, the share of
    the treated in the weighted risk set is p = e^b (Y1 - f d1) / (Y0 - f d0 + e^b (Y1 - f d1)). The score is
    sum of d1 - sum of p, the information sum of p (1 - p). There is a maximum exactly if each arm has an event at a
    time at which the other has somebody at risk (`separation.separated`, for a binary covariate).

    References
    ----------
    Efron (1977) JASA 72:557, doi:10.1080/01621459.1977.10480613.  Against `cox`: tests/oracles/test_tally.py

    Examples
    --------
    >>> events, at_risk = np.array([[1, 0, 1, 0], [0, 1, 0, 1]]), np.array([[2, 1, 1, 0], [2, 2, 1, 1]])
    >>> round(log_hazard_ratio(ArmCounts(np.arange(1.0, 5.0), events, at_risk)).value, 4)
    0.9406
    """
    treated_events = float(arms.events[0].sum())
    n_events = int(arms.events.sum())
    if not n_events:
        raise NotEstimableError("Cox model", Problem("event", "nobody had the event"))
    if not all((arms.events[own] > 0)[arms.at_risk[1 - own] > 0].any() for own in (0, 1)):
        raise without_maximum()
    value, sets = 0.0, _RiskSets(arms)
    for _ in range(MOST_STEPS):
        expected, information = sets.expected_events(value)
        step = (treated_events - expected) / information
        value += math.copysign(min(abs(step), _LONGEST_STEP), step)
        if abs(step) < TOLERANCE:
            return Estimate.normal(value, 1 / math.sqrt(sets.expected_events(value)[1]), method=method, n_used=n_events)
    raise without_maximum()


def expected_events(arms: ArmCounts, value: float) -> tuple[float, float]:
    """Return the expected events of the treated at this log hazard ratio, and the information."""
    return _RiskSets(arms).expected_events(value)


class _RiskSets:
    """Numbers at risk in each arm at each event, by Efron; held between Newton's steps unless they are too many."""

    def __init__(self, arms: ArmCounts) -> None:
        self._arms = arms
        self._held = list(self._parts()) if arms.events.sum() <= _CHUNK else None

    def _parts(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the treated and the others."""
        for place, fraction in _tied(self._arms.events.sum(axis=0).astype(np.int64)):
            treated, others = (
                part[place] - fraction * ended[place]
                for part, ended in zip(self._arms.at_risk, self._arms.events, strict=True)
            )
            yield treated, others

    def expected_events(self, value: float) -> tuple[float, float]:
        """Return the expected events of the treated at this log hazard ratio, and the information."""
        ratio, expected, information = math.exp(value), 0.0, 0.0
        for treated, others in self._parts() if self._held is None else self._held:
            weighted = ratio * treated
            share = weighted / (others + weighted)
            expected += float(share.sum())
            information += float((share * (1 - share)).sum())
        return expected, information


def _tied(deaths: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, for each event, the index of its time and its l / d, at most about `_CHUNK` events at a time."""
    ends = np.cumsum(deaths)
    start = 0
    while start < len(deaths):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _CHUNK, side="right")))
        here = deaths[start:stop]
        place = np.repeat(np.arange(start, stop), here)
        first = np.repeat(ends[start:stop] - here, here)
        yield place, (np.arange(done, done + len(place)) - first) / deaths[place]
        start = stop
