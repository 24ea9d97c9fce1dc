"""Numbers as a paper prints them: a value, and how far rounding may have moved it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_NUMBER = re.compile(r"[+\-−–]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?")
_NOT_REACHED = {"not reached", "nr", "ne", "na", "not estimable", "not evaluable"}


@dataclass(frozen=True)
class Printed:
    """A number as printed.

    Attributes
    ----------
    value : float    inf where the paper says "not reached"
    half : float     half a unit of the last printed digit: the true number lies within value ± half
    text : str       as written
    percent : bool   True if it was printed with a percent sign

    Examples
    --------
    >>> printed("34%").low, printed("34%").high
    (33.5, 34.5)
    >>> printed("0.80").half
    0.005
    >>> printed("1,204").value
    1204.0
    """

    value: float
    half: float
    text: str
    percent: bool = False

    @property
    def low(self) -> float:
        """The smallest number that is printed so."""
        return self.value - self.half

    @property
    def high(self) -> float:
        """The largest number that is printed so."""
        return self.value + self.half

    @property
    def reached(self) -> bool:
        """False for "not reached"."""
        return math.isfinite(self.value)

    def misses(self, low: float, high: float) -> float:
        """How far the number, with its rounding, lies outside [low, high]; negative below, 0 if it may agree."""
        slack = 1e-9 * max(1.0, abs(low) if math.isfinite(low) else 0.0, abs(high) if math.isfinite(high) else 0.0)
        if self.high < low - slack:
            return self.high - low
        if self.low > high + slack:
            return self.low - high
        return 0.0


def printed(text: str) -> Printed:
    """Return a number as printed. Raise ValueError if the text is not a number.

    "not reached", "NR" and "NE" are an infinite value: a median or a limit that the curve never gives.
    """
    written = text.strip()
    if written.casefold() in _NOT_REACHED:
        return Printed(math.inf, 0.0, written)
    percent = written.endswith("%")
    digits = written.rstrip("%").strip().replace("·", ".")
    if not digits or not any(one.isdigit() for one in digits) or not _NUMBER.fullmatch(digits):
        raise ValueError("not a printed number")
    plain = digits.replace(",", "").replace("−", "-").replace("–", "-")
    decimals = len(plain.partition(".")[2])
    return Printed(float(plain), 0.5 * 10.0**-decimals, written, percent)
