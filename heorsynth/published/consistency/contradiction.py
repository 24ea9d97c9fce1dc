"""A contradiction: facts that cannot all be true, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

from heorsynth.core.estimate import significant

COLUMNS = ("facts", "rule", "expected", "stated", "size", "unit", "severity")
"""Columns of `Paper.contradictions`, in order."""

IMPOSSIBLE, UNLIKELY = "impossible", "unlikely"
"""No patients have these facts; or a stated allowance is exceeded, which honest papers do rarely."""


@dataclass(frozen=True)
class Contradiction:
    """Facts that cannot all be true.

    Attributes
    ----------
    facts : tuple of str       names of the facts
    rule : str                 what they break
    expected, stated : str     what the other facts allow, and what is printed
    size : float               how far apart, beyond the rounding of printed numbers
    unit : str                 of the size
    severity : str             "impossible" or "unlikely"
    """

    facts: tuple[str, ...]
    rule: str
    expected: str
    stated: str
    size: float
    unit: str = ""
    severity: str = IMPOSSIBLE

    def row(self) -> tuple[object, ...]:
        """Return its row in `Paper.contradictions`."""
        return (" × ".join(self.facts), self.rule, self.expected, self.stated, self.size, self.unit, self.severity)


def between(low: float, high: float) -> str:
    """Return an interval in words."""
    return significant(low) if significant(low) == significant(high) else f"{significant(low)} to {significant(high)}"
