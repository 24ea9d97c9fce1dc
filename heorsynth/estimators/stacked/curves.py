"""Kaplan-Meier curves of many cohorts, and their summaries. A value is NaN where `survival.summaries` refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heorsynth.estimators.basics.ties import TOLERANCE
from heorsynth.estimators.survival.aalen_johansen import incidence_and_variance
from heorsynth.estimators.survival.counts import EventCounts
from heorsynth.estimators.survival.kaplan_meier import survival_and_error
from heorsynth.estimators.survival.summaries import area, crossings

Found = tuple[np.ndarray, np.ndarray]
"""Values (m,) and standard errors (m,)."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Step functions of m cohorts, one a row, padded by infinite times: see `survival.curve.SurvivalCurve`.

    Attributes
    ----------
    times, survival, se, at_risk, events : array (m, k)
    slack : array (m,)     the largest difference of tied times
    reach : array (m,)     the time up to which a curve is identified (`survival.curve.reach_of`); NaN without patients
    """

    times: np.ndarray
    survival: np.ndarray
    se: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    slack: np.ndarray
    reach: np.ndarray

    @classmethod
    def of(cls, counts: EventCounts) -> Curves:
        """Return the curves of counts (m, k)."""
        survival, se = survival_and_error(counts)
        inside = np.isfinite(counts.times)
        slack = TOLERANCE * np.where(inside, counts.times, 0.0).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
        left = counts.at_risk + counts.events + counts.censored > 0
        reach = _reach(counts.times, survival, left, slack)
        return cls(counts.times, survival, se, counts.at_risk, counts.events, slack, reach)

    def known(self, at: float) -> np.ndarray:
        """Return whether each curve is identified at a time (m,)."""
        return np.asarray((at >= 0) & (at <= self.reach * (1 + TOLERANCE)))

    def at(self, t: np.ndarray) -> np.ndarray:
        """Return survival (m, g) at times (g,); NaN in rows that do not reach the last of them."""
        values = np.concatenate([np.ones((len(self.times), 1)), self.survival], axis=1)
        found = np.take_along_axis(values, self._places(t), axis=1)
        return np.where(self.known(float(t.max()))[:, None], found, np.nan)

    def _places(self, t: np.ndarray) -> np.ndarray:
        """Return the number of times of each row up to each time of `t` (m, g)."""
        rows = zip(self.times, self.slack, strict=True)
        return np.stack([np.searchsorted(times, t + slack, side="right") for times, slack in rows])


def _reach(times: np.ndarray, survival: np.ndarray, left: np.ndarray, slack: np.ndarray) -> np.ndarray:
    last = np.where(left, np.arange(times.shape[1]), -1).max(axis=1)
    rows, gone = np.arange(len(times)), survival == 0
    fell = np.where(gone.any(axis=1), gone.argmax(axis=1), last)
    at_fall = times[rows, fell]
    before = np.maximum(at_fall - 3 * np.maximum(slack, TOLERANCE * at_fall), 0.0)
    reach = np.where(survival[rows, last] > 0, times[rows, last], np.where(fell == last, np.inf, before))
    return np.where(last < 0, np.nan, reach)


def restricted_means(curves: Curves, horizon: float) -> Found:
    """Return restricted means; see `summaries.restricted_mean`."""
    value, variance = area(curves.times, curves.survival, curves.events, curves.at_risk, horizon)
    known = curves.known(horizon) & (horizon > 0)
    return np.where(known, value, np.nan), np.sqrt(variance)


def landmarks(curves: Curves, at: float) -> Found:
    """Return survival at a time; see `summaries.landmark`. NaN at 0 and 1, where the error is another."""
    place = curves._places(np.array([at])) - 1
    value, se = (np.take_along_axis(part, np.maximum(place, 0), axis=1)[:, 0] for part in (curves.survival, curves.se))
    inner = curves.known(at) & (place[:, 0] >= 0) & (value > 0) & (value < 1)
    return np.where(inner, value, np.nan), se


def quantiles(curves: Curves, share: float) -> Found:
    """Return the times by which curves have fallen by a share; see `summaries.curve_quantile`."""
    last = np.where(np.isfinite(curves.times), curves.times, -np.inf).max(axis=1)
    value, near, far = crossings(curves.times, curves.survival, curves.se, 1 - share, last)
    known = np.isfinite(value) & (value <= curves.reach)
    with np.errstate(invalid="ignore"):
        return np.where(known, value, np.nan), (far - near) / 2


def incidences(counts: EventCounts, own: np.ndarray, at: float) -> Found:
    """Return the Aalen-Johansen incidence at a time of the cause with events `own` (m, k) among all events of `counts`.

    The incidence of a cause without events is 0 without error, and NaN in a cohort without any event.
    """
    all_events = Curves.of(counts)
    found: Mapping[int, Found] = incidence_and_variance(counts, {1: own})
    value, variance = (np.concatenate([np.zeros((len(own), 1)), part], axis=1) for part in found[1])
    place = all_events._places(np.array([at]))
    known = all_events.known(at) & (counts.events > 0).any(axis=1)
    here, error = (np.take_along_axis(part, place, axis=1)[:, 0] for part in (value, variance))
    return np.where(known, here, np.nan), np.sqrt(np.maximum(error, 0.0))
