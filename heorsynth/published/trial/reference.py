"""What the clicked curve of an arm states: points, the area below them, and how far a cohort's curve is off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.estimators.survival.estimates import kaplan_meier
from heorsynth.published.consistency.curves import PIXEL
from heorsynth.published.reconstruction.cleaning import arms_of


@dataclass(frozen=True, eq=False)
class ClickedCurve:
    """The points of one arm in the order of the curve, survival as a share that never rises.

    Attributes
    ----------
    time, survival : array (k,)
    pixel : float                  error of a clicked time
    """

    time: np.ndarray
    survival: np.ndarray
    pixel: float

    @property
    def last(self) -> float:
        """The last time that the curve shows."""
        return float(self.time[-1])

    def area(self, horizon: float) -> float:
        """Return the area below the points, joined by straight lines, from 0 to a horizon.

        Where both ends of a step were clicked, the lines are the steps. Where a step lies between two clicks, its place
        is not known, and the line is the mean of what may be.
        """
        inside = self.time < horizon
        end = np.interp(horizon, self.time, self.survival)
        time = np.concatenate([[0.0], self.time[inside], [horizon]])
        survival = np.concatenate([[1.0], self.survival[inside], [end]])
        return float(np.trapezoid(survival, time))

    def gap(self, time: np.ndarray, event: np.ndarray) -> float:
        """Return the largest distance of the points from the Kaplan-Meier curve of patients.

        A point may have been clicked a pixel too early or too late. So its distance is that from the nearest height
        which the curve has within a pixel of its time.
        """
        curve = kaplan_meier(time, event)
        last = float(time.max())
        lowest = curve.at(np.clip(self.time + self.pixel, 0.0, last))
        highest = curve.at(np.clip(self.time - self.pixel, 0.0, last))
        return float(np.maximum(np.maximum(self.survival - highest, lowest - self.survival), 0.0).max())


def clicked_curves(
    curves: pd.DataFrame, at_risk: pd.DataFrame | None, totals: pd.DataFrame | None, accuracy: float | None = None
) -> dict[str, ClickedCurve]:
    """Return the cleaned curve of each arm, as the reconstruction uses it; for the arguments see `reconstruct`.

    Examples
    --------
    >>> points = {"arm": "a", "time": [0, 1, 1, 2, 2, 3], "survival": [1, 1, 0.8, 0.8, 0.6, 0.6]}
    >>> curve = clicked_curves(pd.DataFrame(points), None, pd.DataFrame({"arm": ["a"], "n": [5]}))["a"]
    >>> gap = curve.gap(np.array([1.0, 2.0, 3.0, 3.0, 3.0]), np.array([1, 1, 0, 0, 0]))
    >>> round(curve.area(3.0), 3), round(gap, 3)
    (2.4, 0.0)
    """
    found = arms_of(curves, at_risk, totals, accuracy)
    axis = float(curves["time"].max())
    return {one.name: ClickedCurve(one.curve.time, one.curve.clicked, PIXEL * axis) for one in found}
