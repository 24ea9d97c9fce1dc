"""What is known of one arm: the cleaned curve, the clicking error, numbers at risk and totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heorsynth.published.reconstruction.path import ClickedPath

_ENDS_AT_ZERO = 2.5
"""A curve whose last height is below so many clicking errors ends at zero."""


@dataclass(frozen=True, eq=False)
class Arm:
    """The facts of one arm, checked.

    Attributes
    ----------
    name : str
    curve : ClickedPath                 the cleaned curve from (0, 1)
    at_risk_time, at_risk : array (k,)  numbers at risk (T >= t); the first is at time 0
    events : int or None                total number of events
    """

    name: str
    curve: ClickedPath
    at_risk_time: np.ndarray
    at_risk: np.ndarray
    events: int | None = None

    @property
    def n(self) -> int:
        """Patients at time 0."""
        return int(self.at_risk[0])

    @property
    def end(self) -> float:
        """The last time of the curve or of a number at risk."""
        return float(max(self.curve.time[-1], self.at_risk_time[-1]))

    @property
    def ends_at_zero(self) -> bool:
        """True if nobody is left at the end of the curve."""
        return bool(self.curve.clicked[-1] < _ENDS_AT_ZERO * self.curve.height_error or self.at_risk[-1] == 0)


@dataclass(frozen=True, eq=False)
class ArmPatients:
    """One reconstruction of an arm: follow-up times and events (n,)."""

    time: np.ndarray
    event: np.ndarray
