"""A number never travels alone: value, interval, unit, method and how many patients it rests on."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist

NEGLIGIBLE = 1e-12
"""Smaller numbers are rounding errors of zero, and shown as 0."""


def normal_quantile(level: float) -> float:
    """The two-sided standard normal quantile: 1.96 for a level of 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def significant(value: float, digits: int = 4) -> str:
    """The number at a readable precision: 1,234 · 12.34 · 0.01234."""
    if not math.isfinite(value):
        return "not estimable" if math.isnan(value) else str(value)
    if abs(value) < NEGLIGIBLE:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class Estimate:
    """An estimate with its standard error and confidence interval.

    Attributes
    ----------
    value, low, high : float     on the scale of `unit`
    se : float                   standard error on the same scale (of the log for ratios)
    level : float                confidence level of [low, high]
    unit : str                   such as "day", "EUR 2024" or "" for a proportion
    method : str                 how it was obtained, in a few words
    n_used, n_total : int        patients the estimate rests on, and patients there were
    synthetic : bool             True where it was computed from synthetic rows that were made from those patients
    """

    value: float
    low: float
    high: float
    se: float = math.nan
    level: float = 0.95
    unit: str = ""
    method: str = ""
    n_used: int = 0
    n_total: int = 0
    synthetic: bool = False

    @classmethod
    def normal(
        cls,
        value: float,
        se: float,
        *,
        level: float = 0.95,
        unit: str = "",
        method: str = "",
        n_used: int = 0,
        n_total: int | None = None,
    ) -> Estimate:
        """An estimate with the symmetric normal interval value ± z·se."""
        half = normal_quantile(level) * se
        total = n_used if n_total is None else n_total
        return cls(value, value - half, value + half, se, level, unit, method, n_used, total)

    def at_level(self, level: float) -> Estimate:
        """The same estimate with its normal interval at another level."""
        half = normal_quantile(level) * self.se
        return replace(self, low=self.value - half, high=self.value + half, level=level)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        interval = f"{self.level:.0%} interval {significant(self.low)} to {significant(self.high)}"
        rows = f"; from synthetic rows of {self.n_used:,} patients" if self.synthetic else ""
        return f"{significant(self.value)}{unit} ({interval}{rows})"

    __repr__ = __str__
