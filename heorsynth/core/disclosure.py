"""Statistical disclosure control: how results on few patients are shown. Knows nothing of health."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heorsynth.core.estimate import stable

_LADDER = (5.0, 2.0, 1.0)
"""Steps of rounding in each decade, the largest first."""

_RUNGS = 12
"""Standard errors are shown on a scale of so many equal steps a decade, so within 10%."""


@dataclass(frozen=True)
class Rules:
    """The rules of a table that leaves the custodian.

    Attributes
    ----------
    smallest : int       smallest count that is shown
    around : int         an order statistic is shown as the mean of so many of them around it
    part : int           an estimate is rounded to at most this part of its standard error, and at least 1/10 of it
    one, two : float     a sum is dominated if the largest contribution, or the two largest, are more than this share

    Notes
    -----
    Let x be the value of one of n patients, and let the mean have the standard error sd/√n. It is rounded to a step of
    at least se/10, so the sum is known within ±n·se/20 = ±√n·sd/20. As √n·sd is at least the distance of x from the
    mean, anybody who knows the other n - 1 values still knows x only within 5% of that distance (the p% rule with
    p = 5). Rounding adds at most 1/192 to the variance of the estimate. A count of 1 to 4 among others with a known
    total would be the total less the rest, so a second one is hidden with it.

    References
    ----------
    Hundepool, Domingo-Ferrer, Franconi, Giessing, Schulte Nordholt, Spicer & de Wolf (2012) Statistical Disclosure
    Control, Wiley, chapter 4: p% rule, dominance rule, secondary suppression, rounding.

    Examples
    --------
    >>> RULES.rounded(1234.56, error=90.0), RULES.spread(98.7), RULES.floor(199)
    (1240.0, 100.0, 195)
    """

    smallest: int = 5
    around: int = 5
    part: int = 4
    one: float = 0.70
    two: float = 0.85

    def step(self, error: float) -> float:
        """Return the step of rounding: the largest of 1, 2, 5 times a power of ten up to a quarter of the error."""
        if not (math.isfinite(error) and error > 0):
            return 0.0
        most = stable(error / self.part)
        power = 10.0 ** math.floor(math.log10(most))
        return next(rung * power for rung in _LADDER if rung * power <= most * (1 + 1e-9))

    def rounded(self, value: float, error: float) -> float:
        """Return a value rounded to the precision that its standard error justifies; to four digits without an error.

        `error` should be a published one (`spread`), so that the step says nothing that the error does not.
        """
        return self.to_step(value, self.step(error))

    def signed(self, value: float, error: float) -> float:
        """Return a rounded value that keeps its sign: half a step instead of 0."""
        shown = self.rounded(value, error)
        return shown if shown or value == 0 else math.copysign(self.step(error) / 2, value)

    def to_step(self, value: float, step: float) -> float:
        """Return the nearest multiple of a step; the value with four digits if the step is 0."""
        if not math.isfinite(value):
            return value
        if step == 0:
            return tidy(value, 4)
        return tidy(round(stable(value / step)) * step, 9)

    def spread(self, value: float) -> float:
        """Return a standard error or standard deviation within 10%: one dominant patient makes most of it."""
        if not (math.isfinite(value) and value > 0):
            return value
        return tidy(10.0 ** (round(_RUNGS * math.log10(stable(value))) / _RUNGS), 2)

    def mean_around(self, five: np.ndarray) -> tuple[float, float]:
        """Return the mean of five order statistics with its standard error sd/√5; NaN for fewer than five.

        A step of rounding that the error justifies keeps an outlier among them from being worked out (see `Rules`).
        """
        if len(five) < self.around:
            return math.nan, math.nan
        values, n = [float(one) for one in five.tolist()], len(five)  # so few take less time as plain floats
        mean = sum(values) / n
        return mean, math.sqrt(sum([(one - mean) * (one - mean) for one in values]) / (n - 1)) / math.sqrt(n)

    def interpolated(self, ordered: np.ndarray, share: float) -> tuple[float, float]:
        """Return the mean of the five order statistics around a quantile, with its error; NaN for fewer values.

        Parameters
        ----------
        ordered : array (n,)     in ascending order, without missing values
        share : float            0.5 is the median
        """
        return self.mean_around(ordered[self.places(round((len(ordered) - 1) * share), len(ordered))])

    def places(self, place: int, n: int) -> np.ndarray:
        """Return the places (5,) around a place among n, counted from 0; none (0,) if there are fewer than five."""
        if n < self.around:
            return np.arange(0)
        return np.arange(self.around) + min(max(place - self.around // 2, 0), n - self.around)

    def quantile(self, values: np.ndarray, share: float) -> float:
        """Return a quantile as it is shown: interpolated and rounded; NaN for fewer than five values.

        Its standard error is half the distance between the quantiles at the share plus and minus one standard error
        (Woodruff 1952 JASA 47:635).
        """
        ordered = np.sort(values)
        if len(ordered) < self.around:
            return math.nan
        away = math.sqrt(share * (1 - share) / len(ordered))
        low, high = np.quantile(ordered, np.clip([share - away, share + away], 0, 1))
        value, error = self.interpolated(ordered, share)
        return self.rounded(value, self.spread(max(float(high - low) / 2, error)))

    def moments(self, values: np.ndarray) -> tuple[float, float]:
        """Return mean and standard deviation as they are shown; NaN for fewer than five values or a dominated sum."""
        if len(values) < self.smallest or self.dominated(values):
            return math.nan, math.nan
        spread = self.spread(float(values.std(ddof=1)))
        return self.rounded(float(values.mean()), spread / math.sqrt(len(values))), spread

    def floor(self, count: int) -> int:
        """Return a count rounded down to a multiple of five: its complement is then known within five."""
        return count // self.smallest * self.smallest

    def is_small(self, count: float) -> bool:
        """Return whether a count is too small to be shown: 1 to 4."""
        return 0 < count < self.smallest

    def of_class(self, count: float, n: float) -> float:
        """Return a count as a share may show it: every count of 1 to 4, and every complement, as their middle."""
        middle = self.smallest / 2
        return middle if self.is_small(count) else n - middle if self.is_small(n - count) else count

    def dominated(self, values: np.ndarray) -> bool:
        """Return whether one patient makes more than 70% of a sum, or two more than 85%; values (n,) not missing."""
        sizes = np.sort(np.abs(values))[::-1]
        total = float(sizes.sum())
        return total > 0 and (sizes[0] > self.one * total or float(sizes[:2].sum()) > self.two * total)


RULES = Rules()
"""The rules of this library."""


def tidy(value: float, digits: int) -> float:
    """Return a number with so many significant digits, without a negative zero."""
    return float(f"{value:.{digits}g}") + 0.0 if math.isfinite(value) else value


def small(count: int | None) -> str:
    """Return a count as text. Counts of 1 to 4, and None in their place, are shown as "<5"."""
    return f"<{RULES.smallest}" if count is None or RULES.is_small(count) else f"{count:,}"


_HIDDEN = f"≥{RULES.smallest}"


def shown_counts(counts: Sequence[int], keep: int | None = None) -> list[str]:
    """Return counts that add up to a known total, as text.

    One small count among the others would be the total less the rest, and two of 1 each follow from their sum of 2.
    Where hidden counts follow from the rest, the smallest of the others that is at least 5 is shown as "≥5" (or, if
    there is none, a 0 as "<5").

    Parameters
    ----------
    counts : sequence of int     of patients, one a level, all levels of the column
    keep : int, optional         index of a count that is not to be hidden for another's sake

    Examples
    --------
    >>> shown_counts([200, 12, 3])
    ['200', '≥5', '<5']
    >>> shown_counts([200, 2, 3])
    ['200', '<5', '<5']
    >>> shown_counts([42, 0, 2], keep=0)
    ['42', '<5', '<5']
    """
    shown = [small(count) for count in counts]
    hidden = [index for index, count in enumerate(counts) if RULES.is_small(count)]
    if hidden and determined([counts[index] for index in hidden]):
        others = [(count == 0, count, index) for index, count in enumerate(counts) if index not in (*hidden, keep)]
        if others:
            empty, _, index = min(others)
            shown[index] = f"<{RULES.smallest}" if empty else _HIDDEN
    return shown


def determined(hidden: Sequence[int]) -> bool:
    """Return whether small counts follow from their sum: one alone, or all as small or as large as they can be."""
    return len(hidden) == 1 or sum(hidden) in (len(hidden), (RULES.smallest - 1) * len(hidden))


def is_exact(text: str) -> bool:
    """Return whether a shown count is the count itself."""
    return text != _HIDDEN and not text.startswith("<")
