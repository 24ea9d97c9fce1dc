"""What a paper prints beside its curves: hazard ratio and medians with their rounding, and what contradicts a curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np

from heorsynth.core.errors import Problem
from heorsynth.published.reconstruction.arm import Arm

_SEEN = 5.0
"""A fall of so many clicking errors is a step for certain."""

_BEYOND = 4.0
"""Clicking errors by which numbers may differ from what the curve implies."""


@dataclass(frozen=True)
class Printed:
    """A printed number, and half a unit of its last digit.

    Examples
    --------
    >>> Printed.of("0.80"), Printed.of(12.5)
    (Printed(value=0.8, half=0.005), Printed(value=12.5, half=0.05))
    """

    value: float
    half: float

    @classmethod
    def of(cls, number: str | float) -> Printed:
        """Return a number above 0 as printed, or raise ValueError; a text keeps the zeros at its end."""
        try:
            exact = Decimal(str(number).strip())
        except InvalidOperation:
            raise ValueError("not a number") from None
        if not exact.is_finite() or exact <= 0:
            raise ValueError("not a number above 0")
        exponent = int(exact.as_tuple().exponent)
        return cls(float(exact), 0.5 * 10.0**exponent)

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Return True where a value is printed as this number."""
        return np.asarray(np.abs(values - self.value) <= self.half * (1 + 1e-9))


def contradictions(arm: Arm) -> Iterator[Problem]:
    """Yield what of an arm's totals and numbers at risk its curve excludes, with the size of the contradiction."""
    curve = arm.curve
    yield from _events(arm)
    for place in range(1, len(arm.at_risk)):
        before, after = _height(arm, arm.at_risk_time[place - 1], late=True), _height(arm, arm.at_risk_time[place])
        most = arm.at_risk[place - 1] * min(after / max(before, 1e-9), 1.0)
        slack = 1.5 + 2 * _BEYOND * arm.at_risk[place - 1] * curve.height_error / max(before, curve.height_error)
        if arm.at_risk[place] > most + slack:
            found = f"{arm.at_risk[place]} at time {arm.at_risk_time[place]:g}, but the curve leaves at most {most:.1f}"
            fix = "check the number and the axes of the figure"
            yield Problem(f"at_risk, arm {arm.name!r}", found, fix)


def _height(arm: Arm, time: float, *, late: bool = False) -> float:
    """The curve near a time, allowing for the error of the clicked times: the highest value; the lowest if `late`."""
    allowed = 4 * arm.curve.time_error
    place = int(np.searchsorted(arm.curve.time, time + (allowed if late else -allowed), side="right")) - 1
    return float(arm.curve.level[max(place, 0)])


def _events(arm: Arm) -> Iterator[Problem]:
    if arm.events is None:
        return
    where, curve = f"totals, arm {arm.name!r}", arm.curve
    if arm.events > arm.n:
        yield Problem(where, f"{arm.events} events among {arm.n} patients", "correct the totals")
        return
    fewest = int(0.9 * steps_seen(curve.level, _SEEN * curve.height_error)) - 1
    slack = _BEYOND * arm.n * curve.height_error
    most = arm.n * (1 - float(curve.level[-1])) + 1.0 + slack
    fix = "check which events and which patients the total counts"
    if arm.events < fewest:
        yield Problem(where, f"{arm.events} events, but the curve has at least {fewest} steps", fix)
    elif arm.events > most:
        yield Problem(
            where, f"{arm.events} events, but a curve that ends at {curve.level[-1]:.3f} has at most {most:.0f}", fix
        )


def steps_seen(level: np.ndarray, least: float) -> int:
    """Return the number of falls of at least this size that a curve certainly has.

    Examples
    --------
    >>> steps_seen(np.array([1.0, 0.9, 0.895, 0.7]), 0.05)
    2
    """
    found, height = 0, float(level[0])
    for value in level:
        if height - value >= least:
            found, height = found + 1, float(value)
    return found
