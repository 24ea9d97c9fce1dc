"""Quantiles of a column, from rows or from counts by value, with a distribution-free interval."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from heorsynth.core.disclosure import RULES
from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.costs.costs import known

_FARTHEST = 12
"""Only ranks within this many standard deviations of the quantile's rank are considered for its limits."""


@dataclass(frozen=True)
class Ranked:
    """Values (k,) in ascending order, with the cumulative number of patients (k,) up to each."""

    values: np.ndarray
    up_to: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray) -> Ranked:
        """Return ranked values from sorted numbers (n,), one per patient."""
        return cls(numbers, np.arange(1, len(numbers) + 1))

    @property
    def n(self) -> int:
        return int(self.up_to[-1]) if len(self.up_to) else 0

    def at(self, ranks: np.ndarray) -> np.ndarray:
        """Return the values at these ranks, counted from 0."""
        found: np.ndarray = self.values[np.searchsorted(self.up_to, ranks, side="right")]
        return found

    def around(self, share: float) -> tuple[float, float]:
        """Return the mean of the five order statistics around a quantile, with its error; NaN for fewer than five."""
        return RULES.mean_around(self.at(RULES.places(round((self.n - 1) * share), self.n)))

    def above(self, bound: float) -> int:
        """Return the number of patients with a value above a bound."""
        below = int(np.searchsorted(self.values, bound, side="right"))
        return self.n - (int(self.up_to[below - 1]) if below else 0)

    def between(self, shares: np.ndarray) -> np.ndarray:
        """Return quantiles by linear interpolation (R's type 7), with exactly numpy's arithmetic."""
        place = (self.n - 1) * np.asarray(shares, float)
        below = np.floor(place).astype(np.int64)
        part = place - below
        low, high = self.at(below), self.at(np.minimum(below + 1, self.n - 1))
        step = high - low
        found: np.ndarray = np.where(part >= 0.5, high - step * (1 - part), low + step * part)
        return found


def quantile(values: np.ndarray, share: float, *, level: float = 0.95, unit: str = "") -> Estimate:
    """Return a quantile with the distribution-free interval of order statistics.

    Parameters
    ----------
    values : array (n,)    missing values are left out
    share : float          between 0 and 1; 0.95 is the 95th percentile

    Returns
    -------
    Estimate               value by linear interpolation (R's type 7). A limit is infinite if the sample is too small to
                           contain it. `se` is half the distance between the quantiles at the share plus and minus one
                           standard error (Woodruff)

    Raises
    ------
    NotEstimableError      too few patients: the share plus or minus one standard error is outside 0 to 1

    References
    ----------
    Woodruff (1952) JASA 47:635, doi:10.1080/01621459.1952.10483443.

    Examples
    --------
    >>> found = quantile(np.arange(1.0, 102.0), 0.5)
    >>> found.value, found.low, found.high
    (51.0, 41.0, 61.0)
    """
    numbers = np.sort(known(values))
    return quantile_of(Ranked.of(numbers), share, len(values), level=level, unit=unit)


def quantile_of(ranked: Ranked, share: float, n_total: int, *, level: float = 0.95, unit: str = "") -> Estimate:
    """Return the quantile of ranked values; see `quantile`."""
    if not 0 < share < 1:
        raise NotEstimableError("quantile", Problem("share", "must lie between 0 and 1", "0.95 is the 95th percentile"))
    n = ranked.n
    odds = max(share / (1 - share), (1 - share) / share)
    needed = math.floor(odds + 1e-9) + 1
    if n < needed:
        raise NotEstimableError(
            "quantile",
            Problem(
                f"share {share:g}",
                f"{counted(n, 'patient')} {agreeing(n, 'is', 'are')} too few",
                f"at least {needed} are needed",
            ),
        )
    error = math.sqrt(share * (1 - share) / n)
    ranks = _order_limits(n, share, level)
    # all that is read at once, and plain floats: so few numbers take less time than in arrays
    places = [(n - 1) * one for one in (share - error, share, share + error)]
    firsts = [math.floor(place) for place in places]
    limits = [min(max(rank - 1, 0), n - 1) for rank in ranks]
    read = ranked.at(np.array([*firsts, *(min(first + 1, n - 1) for first in firsts), *limits])).tolist()
    below, value, above = (
        _interpolated(read[one], read[one + 3], places[one] - firsts[one]) for one in range(len(places))
    )
    return Estimate(
        value,
        float(read[6]) if ranks[0] >= 1 else -math.inf,
        float(read[7]) if ranks[1] <= n else math.inf,
        (above - below) / 2,
        level,
        unit,
        f"quantile {share:g}, order statistics",
        n,
        n_total,
    )


def _interpolated(low: float, high: float, part: float) -> float:
    """Return a value between two neighbours, as `Ranked.between` does."""
    step = high - low
    return float(high - step * (1 - part) if part >= 0.5 else low + step * part)


@lru_cache(maxsize=4096)
def _order_limits(n: int, share: float, level: float) -> tuple[int, int]:
    """Return ranks l < u such that the quantile is between the l-th and u-th value with at least `level` probability.

    P(X_(l) <= quantile) >= 1 - tail is P(B >= l), B binomial (n, share); u likewise from P(B < u).
    """
    tail = (1 - level) / 2
    reach = _FARTHEST * (math.sqrt(n * share * (1 - share)) + 1)
    first = max(0, math.floor(n * share - reach))
    ranks = range(first, min(n, math.ceil(n * share + reach)))

    def cumulative(rank: int) -> float:
        return float(special.bdtr(rank, n, share))

    below, above = bisect_right(ranks, tail, key=cumulative), bisect_left(ranks, 1 - tail, key=cumulative)
    return first + below, first + above + 1
