"""Step functions of time that refuse times at which the data do not identify them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd

from heorsynth.core.errors import HorizonError, Problem
from heorsynth.core.estimate import significant
from heorsynth.estimators.basics.ties import TOLERANCE, slack

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class SurvivalCurve:
    """A Kaplan-Meier curve.

    Attributes
    ----------
    times : array (k,)             distinct times at which follow-up ends, ascending, in the cohort's unit
    survival, se : array (k,)      just after each time; `se` by Greenwood on the natural scale
    at_risk, events : array (k,)   just before and at each time
    n_used, n_total : int          patients used, and patients in the data
    """

    times: np.ndarray
    survival: np.ndarray
    se: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    n_used: int
    n_total: int

    _made: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def shared(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """Return what several estimands need of this curve, such as its area to a horizon; it is made once."""
        if key not in self._made:
            self._made[key] = make()
        return cast(_Made, self._made[key])

    @cached_property
    def reach(self) -> float:
        """The time up to which the curve is identified: see `reach_of`."""
        return reach_of(self.times, self.survival)

    def at(self, t: float | np.ndarray) -> np.ndarray:
        """Return survival at each time of `t`. Raise HorizonError past the last follow-up."""
        return self._step(self.survival, 1.0, t)

    def se_at(self, t: float | np.ndarray) -> np.ndarray:
        """Return Greenwood's standard error at each time of `t`. Raise HorizonError past the last follow-up."""
        return self._step(self.se, 0.0, t)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per distinct time: time, at_risk, events, survival, se."""
        return pd.DataFrame(
            {
                "time": self.times,
                "at_risk": self.at_risk,
                "events": self.events,
                "survival": self.survival,
                "se": self.se,
            }
        )

    def _step(self, values: np.ndarray, before: float, t: float | np.ndarray) -> np.ndarray:
        check_horizon(float(np.max(t)), self.reach)
        return step(self.times, values, before, t)


@dataclass(frozen=True)
class IncidenceCurve:
    """An Aalen-Johansen curve: the probability of an event of one cause by each time.

    Attributes
    ----------
    times : array (k,)              distinct times at which follow-up ends, rising
    incidence, se : array (k,)      just after each time, natural scale
    at_risk, events : array (k,)    all patients still at risk, and events from this cause
    n_used, n_total : int           patients used, and patients in the data
    reach : float                   the time up to which the curve is identified
    """

    times: np.ndarray
    incidence: np.ndarray
    se: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    n_used: int
    n_total: int
    reach: float

    def at(self, t: float | np.ndarray) -> np.ndarray:
        """Return cumulative incidence at each time of `t`. Raise HorizonError past the last follow-up."""
        check_horizon(float(np.max(t)), self.reach)
        return step(self.times, self.incidence, 0.0, t)

    def se_at(self, t: float | np.ndarray) -> np.ndarray:
        """Return the standard error at each time of `t`. Raise HorizonError past the last follow-up."""
        check_horizon(float(np.max(t)), self.reach)
        return step(self.times, self.se, 0.0, t)


def reach_of(times: np.ndarray, survival: np.ndarray) -> float:
    """Return the time up to which a curve is identified.

    This is the last follow-up, or infinity if the last patients at risk had the event, because nobody is left. With
    delayed entry the curve may fall to 0 before other patients enter, for example if the only early patient dies. It
    then does not describe them, and is identified until just before that time (by more than `ties.slack`).
    """
    if survival[-1] > 0:
        return float(times[-1])
    fell = int(np.argmax(survival == 0))
    return math.inf if fell == len(times) - 1 else max(float(times[fell]) - 3 * _apart(times, fell), 0.0)


def _apart(times: np.ndarray, place: int) -> float:
    return max(slack(times), TOLERANCE * float(times[place]))


def step(times: np.ndarray, values: np.ndarray, before: float, t: float | np.ndarray) -> np.ndarray:
    """Return the right-continuous step function: `before` until times[0], then values[i] from times[i] on.

    A `t` that differs from times[i] only by rounding is treated as equal (`ties.slack`).
    """
    place = np.searchsorted(times, t + slack(times), side="right")
    return np.where(place > 0, values[place - 1], before)[()]


def check_horizon(horizon: float, reach: float) -> None:
    """Raise HorizonError for a time past the last follow-up. The fix names a rounded time that belongs to no patient.

    Raises
    ------
    HorizonError    also for a horizon that is not positive or not a number
    """
    if math.isnan(horizon) or horizon < 0:
        raise HorizonError("horizon", Problem("", "not a time from 0 up", "give a number in the cohort's unit"))
    if horizon > reach * (1 + TOLERANCE):
        raise HorizonError(
            "horizon",
            Problem(
                significant(horizon),
                "past the last follow-up, where the curve is not identified",
                f"choose at most {significant(rounded_below(reach))}",
            ),
        )


def rounded_below(time: float) -> float:
    """Return a time with two significant digits strictly below `time`, so that it reveals no patient's time."""
    unit = 10.0 ** (math.floor(math.log10(time)) - 1)
    return (math.ceil(time / unit) - 1) * unit
