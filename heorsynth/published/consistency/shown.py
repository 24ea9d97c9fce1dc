"""What a published curve with its numbers at risk implies: events, the median, and a rough hazard ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heorsynth.published.schema.document import Document
from heorsynth.published.schema.endpoint_data import EndpointData

_MOST_STEPS, _TOLERANCE, _LONGEST_STEP = 50, 1e-9, 1.0
_LEAST_SURVIVAL = 1e-6


@dataclass(frozen=True)
class ShownCurve:
    """The curve of one arm as a step function, with its numbers at risk.

    Attributes
    ----------
    time, survival : array (k,)     ascending, survival never rising and within [0, 1]
    risk_time, risk : array (j,)    numbers at risk; the first is at time 0
    """

    time: np.ndarray
    survival: np.ndarray
    risk_time: np.ndarray
    risk: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, at_risk: np.ndarray, n: float) -> ShownCurve:
        """Return the curve of clicked points (k, 2) with numbers at risk (j, 2); without any, n patients at time 0."""
        order = np.lexsort((-points[:, 1], points[:, 0]))
        time = np.maximum(points[order, 0], 0.0)
        survival = np.clip(np.minimum.accumulate(points[order, 1]), 0.0, 1.0)
        risk = at_risk[np.argsort(at_risk[:, 0])] if len(at_risk) else np.array([[0.0, n]])
        if risk[0, 0] > 0:
            risk = np.vstack([[0.0, n], risk])
        return cls(time, survival, risk[:, 0], risk[:, 1])

    @property
    def last(self) -> float:
        """The last time that the curve shows."""
        return float(self.time[-1])

    def at(self, t: np.ndarray | float) -> np.ndarray:
        """Return survival at these times; 1 before the first point, and the last value after the last point."""
        return np.concatenate([[1.0], self.survival])[np.searchsorted(self.time, t, side="right")]

    def events_between(self, error: float) -> tuple[float, float]:
        """Return the fewest and the most events that the curve and the numbers at risk allow.

        Parameters
        ----------
        error : float     of survival, from clicking

        Notes
        -----
        Let Y be the number at risk at the start of an interval and Y' at its end, and r the ratio of survival there.
        The events d are most if every patient is censored at the end, d = Y (1 - r), and fewest if at the start:
        (Y - c) r = Y', so d = Y' (1 / r - 1). After the last number at risk, the fewest is 0.
        """
        ends = np.append(self.risk_time, max(self.last, self.risk_time[-1]))
        survival = self.at(ends)
        low = high = 0.0
        for place, at_risk in enumerate(self.risk):
            before, after = survival[place], survival[place + 1]
            if before <= error:
                break
            most = min(1.0, 1 - max(after - error, 0.0) / min(before + error, 1.0))
            high += at_risk * most
            if place + 1 < len(self.risk):
                least = max(0.0, min(1.0, max(before - error, 0.0)) / max(after + error, _LEAST_SURVIVAL) - 1)
                low += self.risk[place + 1] * least
        return low, high

    def median_between(self, error: float, pixel: float) -> tuple[float, float]:
        """Return the earliest and the latest median that the curve allows; inf where it may not reach one half.

        Parameters
        ----------
        error, pixel : float     of survival and of time, from clicking
        """

        def crossing(level: float) -> float:
            below = np.flatnonzero(self.survival <= level)
            return float(self.time[below[0]]) if len(below) else math.inf

        return crossing(0.5 + error) - pixel, crossing(0.5 - error) + pixel

    def patients(self, grid: np.ndarray) -> np.ndarray:
        """Return patients at risk at each time of a grid: between the published numbers censoring is exponential."""
        survival = np.maximum(self.at(grid), _LEAST_SURVIVAL)
        own = np.maximum(self.at(self.risk_time), _LEAST_SURVIVAL)
        place = np.clip(np.searchsorted(self.risk_time, grid, side="right") - 1, 0, len(self.risk) - 1)
        kept = np.ones(len(self.risk))
        if len(self.risk) > 1:
            length = np.diff(self.risk_time)
            ratio = np.divide(self.risk[1:], self.risk[:-1] * own[1:] / own[:-1], where=self.risk[:-1] > 0,
                              out=np.ones(len(length)))  # fmt: skip
            rate = np.log(np.clip(ratio, 1e-3, 1.0)) / length
            rate = np.append(rate, rate[-1])
            kept = np.exp(rate[place] * (grid - self.risk_time[place]))
        return np.asarray(self.risk[place] * survival / own[place] * kept)


def rough_log_hazard_ratio(treated: ShownCurve, other: ShownCurve) -> float:
    """Return the log hazard ratio of two published curves; NaN if one of them shows no event.

    Notes
    -----
    At each time where a curve falls, its events are the patients at risk times the relative fall. The log hazard ratio
    b solves the Cox score equation of these counts, sum of d1 - (d1 + d0) e^b Y1 / (e^b Y1 + Y0) = 0.
    """
    last = min(treated.last, other.last)
    grid = np.unique(np.concatenate([[0.0], treated.time, other.time, [last]]))
    grid = grid[grid <= last]
    at_risk, events = [], []
    for curve in (treated, other):
        survival = np.concatenate([[1.0], curve.at(grid)])
        before = np.maximum(survival[:-1], _LEAST_SURVIVAL)
        present = curve.patients(grid) * before / np.maximum(survival[1:], _LEAST_SURVIVAL)
        present = np.where(survival[1:] > _LEAST_SURVIVAL, present, curve.patients(np.nextafter(grid, 0)))
        at_risk.append(present)
        events.append(present * (1 - survival[1:] / before))
    return _cox(at_risk[0], at_risk[1], events[0], events[1])


def _cox(first: np.ndarray, second: np.ndarray, d1: np.ndarray, d0: np.ndarray) -> float:
    if d1.sum() <= 0 or d0.sum() <= 0:
        return math.nan
    value = 0.0
    for _ in range(_MOST_STEPS):
        share = math.exp(value) * first
        share = np.divide(share, share + second, out=np.zeros_like(share), where=share + second > 0)
        information = float(((d1 + d0) * share * (1 - share)).sum())
        if information <= 0:
            return math.nan
        step = float((d1 - (d1 + d0) * share).sum()) / information
        value += math.copysign(min(abs(step), _LONGEST_STEP), step)
        if abs(step) < _TOLERANCE:
            return value
    return math.nan


def shown_curves(document: Document, data: EndpointData) -> dict[str, ShownCurve]:
    """Return the curve of every arm of an endpoint that has one."""
    found = {}
    for arm, points in data.curves.groupby("arm", sort=False):
        table = data.at_risk[data.at_risk["arm"] == arm]
        found[str(arm)] = ShownCurve.of(
            points[["time", "survival"]].to_numpy(float),
            table[["time", "at_risk"]].to_numpy(float),
            document.arms[str(arm)].n,
        )
    return found
