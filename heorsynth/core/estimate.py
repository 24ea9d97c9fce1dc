"""`Estimate`: a number with its interval, unit, method, and the number of patients behind it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from statistics import NormalDist

_NEGLIGIBLE = 1e-12
"""Smaller numbers are rounding errors of zero and are shown as 0."""


DIGITS, FINEST = 9, 12
"""Numbers are written with at most 9 significant digits, and not finer than 1e-12 of the numbers they were computed
from, because the last digits of a float differ between processors."""


def stable(value: float, size: float = 0.0) -> float:
    """Return the number rounded so that every processor writes it alike.

    Parameters
    ----------
    value : float
    size : float      size of the numbers it was computed from: a difference of two means is as exact as the means

    Examples
    --------
    >>> stable(1 / 3), stable(0.1 + 0.2 - 0.3, size=0.3)
    (0.333333333, 0.0)
    """
    if not math.isfinite(value):
        return value
    if size > 0:
        value = round(value, FINEST - math.floor(math.log10(size)))
    return float(f"{value:.{DIGITS}g}") + 0.0


@lru_cache(maxsize=64)
def normal_quantile(level: float) -> float:
    """Return the two-sided standard normal quantile: 1.96 for a level of 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def significant(value: float, digits: int = 4) -> str:
    """Return the number as text with `digits` significant digits: 1,234 · 12.34 · 0.01234."""
    if not math.isfinite(value):
        return "not estimable" if math.isnan(value) else str(value)
    if abs(value) < _NEGLIGIBLE:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    value = float(f"{value:.12g}")  # otherwise float noise decides how a half is rounded
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
    n_used, n_total : int        patients the estimate uses, and patients in the data
    synthetic : bool             True if it was computed from synthetic rows made from those patients
    count : int                  of a share: the patients with the property; -1 for any other estimate

    See Also
    --------
    heorsynth.SyntheticCohorts.analyse : Pool the estimates of several synthetic cohorts into one.

    Examples
    --------
    >>> cost = Estimate.normal(1200.0, 50.0, unit="EUR 2024", n_used=200)
    >>> cost
    1,200 EUR 2024 (95% interval 1,102 to 1,298)
    >>> cost.at_level(0.9)
    1,200 EUR 2024 (90% interval 1,118 to 1,282)
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
    count: int = -1

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
        """Return an estimate with the symmetric normal interval value ± z·se."""
        half = normal_quantile(level) * se
        total = n_used if n_total is None else n_total
        return cls(value, value - half, value + half, se, level, unit, method, n_used, total)

    def at_level(self, level: float) -> Estimate:
        """Return the estimate with its normal interval at another level."""
        half = normal_quantile(level) * self.se
        return replace(self, low=self.value - half, high=self.value + half, level=level)

    def to_dict(self) -> dict[str, object]:
        """Return the estimate as JSON-ready data."""
        return asdict(self)

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        interval = f"{self.level:.0%} interval {significant(self.low)} to {significant(self.high)}"
        rows = f"; from synthetic rows of {self.n_used:,} patients" if self.synthetic else ""
        return f"{significant(self.value)}{unit} ({interval}{rows})"

    __repr__ = __str__
