"""What is known of one arm: the cleaned curve, the clicking error, numbers at risk and totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Arm:
    """The facts of one arm, checked.

    Attributes
    ----------
    name : str
    time, level : array (p,)      the cleaned curve: points in the order of its path from (0, 1), monotone
    clicked : array (p,)          survival as clicked, in the same order
    height_error, time_error : float    standard deviation of the clicking error
    vertical : array of bool (p,) the piece from the point before to this one is a vertical step
    at_risk_time, at_risk : array (k,)  numbers at risk (T >= t); the first is at time 0
    events : int or None          total number of events
    """

    name: str
    time: np.ndarray
    level: np.ndarray
    clicked: np.ndarray
    height_error: float
    time_error: float
    vertical: np.ndarray
    at_risk_time: np.ndarray
    at_risk: np.ndarray
    events: int | None
    ends_at_zero: bool

    @property
    def n(self) -> int:
        """Patients at time 0."""
        return int(self.at_risk[0])

    @property
    def end(self) -> float:
        """The last time of the curve or of a number at risk."""
        return float(max(self.time[-1], self.at_risk_time[-1]))
