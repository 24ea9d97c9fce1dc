"""Detect a watermark in the rows of a file: how uneven the pairs of bins are, and whether a key's coins predict it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtr

from heorsynth.data.labels.watermark import MIN_VALUES, STEPS, WIDTH, Grid, coins, measurements, scanned, spread

MOST_SCANNED, MOST_SKIPPED = 125_000, 8
"""In longer tables every k-th row is tested, with k at most 8. A watermark of 26 standard deviations in all rows then
still has 9."""

ALPHA = 1e-5
"""A watermark is detected at this p-value or below. It is a tenth of the intended false positive rate, because one key
may agree by chance with everything one generator draws (`benchmarks/watermark.py` measures the rate)."""

_UNITS = (
    7.0, 30.4375, 365.25, 30.0, 365.0, 12.0, 52.1775, 24.0, 60.0,
    2.54, 2.20462, 17.104, 88.42, 38.67, 88.57, 18.016, 1.8,
)  # fmt: skip
"""Conversion factors that may have been applied to a column: calendar units, inch, pound, and the SI conversions of
bilirubin, creatinine, cholesterol, triglycerides and glucose. Powers of ten need no factor."""

_DOUBT = 1.2
"""Relative error of a robust spread, times the square root of the number of values. Within this error a column may
belong to another grid; the grid on which it is most uneven is used."""

_LEAST_ROUGH = 0.05
"""The smallest roughness of a column, as a share of chance variation, because noise may have almost removed a mark."""

_FINEST = 0.2
"""The largest step between numbers, as a share of a bin, that does not count as coarse. With larger steps, some bins
contain one step more than their neighbours, in every table of such numbers."""

_MOST_DECIMALS = 6
"""The largest number of decimals tried when the step between numbers is determined."""

_FACTORS = np.array([1.0, *_UNITS, *(1 / unit for unit in _UNITS)])[:, None] * 10.0 ** np.arange(_MOST_DECIMALS + 1)
"""Factors by unit and decimals: numbers with these decimals in this unit become whole numbers."""

_SAME = 0.25
"""Numbers may deviate from steps of another unit by this share of a step and still count as rounded conversions."""

_FARTHEST = 100_000
"""Values more bins away from the column's median are not counted."""

_EXACT = 2_000
"""With at most this many coins the tail of their sum is computed exactly; with more, by the normal distribution."""

_HALVINGS = 500
"""After so many coins, counts of outcomes become shares of them: more would not fit in a float."""

_FINENESS = 20_000
"""The number of steps into which the sum of all weights is divided for the exact tail."""


@dataclass(frozen=True)
class _Tally:
    """The counts of one column: its pairs of bins with values, and the surplus in the upper bin of each.

    Attributes
    ----------
    digit : int               first digit of the grid's width
    pairs : array (k,)        number of the pair
    total : array (k,)        values in the pair
    surplus : array (k,)      upper minus lower count, minus the difference expected from the density's slope
    whole : bool              True if the column has whole numbers only: these are not marked, but may be rounded
    """

    digit: int
    pairs: np.ndarray
    total: np.ndarray
    surplus: np.ndarray
    whole: bool

    @classmethod
    def of(cls, values: np.ndarray, grid: Grid, whole: bool) -> _Tally:
        """Return the counts of these values.

        Notes
        -----
        If the density has constant slope over three pairs with N₋, N and N₊ values, the upper bin of the middle pair
        has (N₊ − N₋) / 8 values more than the lower one. The coins are not used, so no key is favoured.
        """
        bins = grid.bins(values)
        if int(bins.max()) - int(bins.min()) > _FARTHEST:
            bins = bins[np.abs(bins - int(np.median(bins))) <= _FARTHEST]
        first = (int(bins.min()) >> 1) - 1
        counts = np.bincount(bins - 2 * first)
        counts = np.append(counts, np.zeros(4 - len(counts) % 2, dtype=counts.dtype))
        lower, upper = counts[::2], counts[1::2]
        total = lower + upper
        slope = np.zeros(len(total))
        slope[1:-1] = (total[2:] - total[:-2]) / 8
        there = total > 0
        surplus = (upper - lower - slope)[there]
        return cls(grid.digit, first + np.flatnonzero(there), total[there], surplus, whole)

    @property
    def unevenness(self) -> float:
        """The difference between the two bins of the pairs beyond chance, in standard deviations, for any key."""
        many = self.total >= 2
        excess = self.surplus[many] ** 2 / self.total[many] - 1
        return float(excess.sum() / np.sqrt(2 * max(1, many.sum())))

    @cached_property
    def weight(self) -> np.ndarray:
        """The weight of each pair's coin: its surplus, scaled by the column's roughness and the variance of the pair.

        With r² the mean squared surplus beyond chance as a share of the pair's total N, and D the surplus, the weight
        is r D / (1 + r² N). A smooth column has almost no weight, and no single spike dominates a marked column.
        """
        total = self.total.astype(float)
        rough = max(_LEAST_ROUGH / total.mean(), float((self.surplus**2 - total).sum() / (total**2).sum()))
        return np.asarray(np.sqrt(rough) * self.surplus / (1 + rough * total))


@dataclass(frozen=True)
class _Mark:
    """The result of a test for a watermark. `p` is None if no column can hold one.

    Attributes
    ----------
    p : float or None     probability that a key never used on these rows agrees with them at least as well
    """

    p: float | None

    @property
    def seen(self) -> bool:
        """True if the watermark is detected."""
        return self.p is not None and self.p <= ALPHA


@dataclass(frozen=True)
class Counted:
    """The counts of a file's columns, in their own units and in the other units in which they are most uneven."""

    native: Sequence[_Tally]
    converted: Sequence[_Tally]


def scanned_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are tested for a watermark: all, or every second to eighth of more than `MOST_SCANNED`."""
    return frame.iloc[:: min(MOST_SKIPPED, max(1, len(frame) // MOST_SCANNED))]


def tallies(frame: pd.DataFrame, units: bool = True) -> Counted:
    """Return the counts of every column that may hold a watermark. Columns that are too coarse are left out.

    Parameters
    ----------
    units : bool      whether columns are also counted in other units
    """
    numbers = [measurements(column) for _, column in frame.items()]
    counts = [_counts(values[np.isfinite(values)], units) for values in numbers if values is not None]
    return Counted([one for one, _ in counts if one is not None], [one for _, one in counts if one is not None])


def _counts(values: np.ndarray, units: bool) -> tuple[_Tally | None, _Tally | None]:
    """Return the counts of a column in its own unit, and in another unit that it may have been converted from.

    Notes
    -----
    Whole years converted to days still are whole numbers. In bins of days they have the same pattern in every table,
    and so meet the same coins of the public key. Numbers that are steps of another unit are therefore counted in that
    unit only.
    """
    few = scanned(values)
    unit, step = _lattice(few)
    if unit != 1.0:
        return _native(np.rint(values * unit / step) * step, step), None
    native = _native(values, step)
    if not units:
        return native, None
    width = WIDTH * spread(values)
    if step > _FINEST * width or _gap(few) > _FINEST * width:
        return native, None
    return native, _converted(values, width)


def _native(values: np.ndarray, step: float) -> _Tally | None:
    """Return the counts of a column in its own unit, or None if it is too coarse to hold a watermark."""
    width, gap = WIDTH * spread(values), _gap(scanned(values))
    near = Grid.near(width, min(0.15, _DOUBT / np.sqrt(len(values))))
    grids = [grid for grid in near if grid.width > 0.999 * step]
    if (step >= 1 and not grids) or (gap > _FINEST * width and gap > 2.5 * step):
        return None
    grids = grids or [Grid.near(step)[0]]
    return max((_Tally.of(values, grid, step >= 1) for grid in grids), key=lambda one: one.unevenness)


def _converted(values: np.ndarray, width: float) -> _Tally:
    """Return the counts of a column in the other unit in which it is most uneven."""
    few = scanned(values)
    scales = [(unit, Grid.near(width * unit)[0]) for unit in (*_UNITS, *(1 / unit for unit in _UNITS))]
    uneven = [_Tally.of(few * unit, grid, False).unevenness for unit, grid in scales]
    unit, grid = scales[int(np.argmax(uneven))]
    return _Tally.of(values * unit, grid, False)


def detect(counted: Counted, key: bytes, parity: int) -> _Mark:
    """Test columns counted by `tallies` for the watermark of one key.

    Parameters
    ----------
    counted : Counted
    key : bytes
    parity : int         both all pairs j and the pairs with j mod 2 of this value are tested

    Notes
    -----
    With c_j = ±1 the coin of pair j and w_j its `weight`, summed over the columns that share a coin, the statistic is
    T = Σ c_j w_j. If the rows are independent of the key, its coins are fair and independent of all counts. Given the
    counts, T is then a sum of known weights with random signs, and its tail is computed exactly. Because the p-value
    is conditional on the counts, it needs no assumption on the distribution of the data, ties, slopes, correlated
    columns, or the search for a unit. It is the smallest of up to eight p-values times their number: all columns or
    those with decimals; with or without other units; all pairs or those of one parity. A file with whole numbers only
    has a p-value only if the watermark is detected, since its numbers may be rounded measurements.
    """
    fractions = [one for one in counted.native if not one.whole]
    families = [counted.native] if len(fractions) in (0, len(counted.native)) else [counted.native, fractions]
    families += [[*family, *counted.converted] for family in families if counted.converted]
    tails = [tail for family in families for tail in _tails(family, key, parity)]
    p = min(1.0, len(tails) * min(tails))
    return _Mark(p if fractions or p <= ALPHA else None)


def _tails(counted: Sequence[_Tally], key: bytes, parity: int) -> tuple[float, float]:
    """Return the tails of all pairs, and of the pairs of this parity."""
    signed, kept = [np.zeros(0)], [np.zeros(0, dtype=bool)]
    for digit in STEPS:
        alike = [one for one in counted if one.digit == digit]
        if not alike:
            continue
        pairs, place = np.unique(np.concatenate([one.pairs for one in alike]), return_inverse=True)
        weights = np.bincount(place, np.concatenate([one.weight for one in alike]))
        signed.append(weights * coins(key, digit, pairs))
        kept.append((pairs & 1) == parity)
    every = np.concatenate(signed)
    return tail_of_signs(every), tail_of_signs(every[np.concatenate(kept)])


def tail_of_signs(signed: np.ndarray) -> float:
    """Return P(Σ ±|w| ≥ Σ w) for fair independent signs.

    Up to `_EXACT` weights are rounded to whole steps, and their tail is exact. More use the normal distribution.

    Examples
    --------
    >>> tail_of_signs(np.array([1.0, 1.0, 1.0]))
    0.125
    """
    size = np.abs(signed)
    if not size.sum():
        return 1.0
    if len(size) > _EXACT:
        return float(ndtr(-signed.sum() / np.sqrt((size**2).sum())))
    whole = np.rint(signed / size.sum() * _FINENESS).astype(np.int64)
    steps = np.sort(np.abs(whole[whole != 0]))
    most = int(-whole[whole < 0].sum())  # by symmetry, as likely as a sum of the positive ones or more
    ways, more = np.zeros(most + 1), np.zeros(most + 1)  # two, as numpy copies what overlaps
    ways[0], top = 1.0, 0
    for place, step in enumerate(steps.tolist()):
        top = min(top + step, most)
        if step <= top:
            more[:step] = ways[:step]
            np.add(ways[step : top + 1], ways[: top + 1 - step], more[step : top + 1])
            ways, more = more, ways
        if place % _HALVINGS == _HALVINGS - 1:
            ways *= 2.0**-_HALVINGS
    return float(min(1.0, ways.sum() * 2.0 ** -(len(steps) % _HALVINGS)))


def _lattice(values: np.ndarray) -> tuple[float, float]:
    """Return the unit, as a factor, in which the numbers have the largest step, and that step: 1, 0.1, … of it.

    Examples
    --------
    >>> unit, step = _lattice(np.arange(40.0, 80.0) * 365.25)
    >>> round(1 / unit, 6), step
    (365.25, 1.0)
    """
    written = _step(values)
    factors, off = _FACTORS, 0.5 * written * _FACTORS + 1e-6
    possible = (off <= _SAME) & _whole(values[:MIN_VALUES, None, None] * factors, off)
    best = (1.0, written)
    for at, decimals in np.argwhere(possible):
        unit, step = factors[at, 0], 10.0**-decimals
        if step / unit > 1.5 * best[1] / best[0] and _whole(values * factors[at, decimals], off[at, decimals]):
            best = (float(unit), float(step))
    return best


def _whole(values: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Return True if all values (along the first axis) are within this distance of a whole number."""
    return np.asarray((np.abs(values - np.rint(values)) <= off).all(axis=0))


def _gap(values: np.ndarray) -> float:
    """Return the smallest distance between two different values, ignoring differences by float noise."""
    different = np.unique(values)
    gaps = different[1:] - different[:-1]
    return float(gaps[gaps > 1e-9 * np.abs(values).max()].min(initial=np.inf))


def _step(values: np.ndarray) -> float:
    """Return the power of ten, at most 1, in steps of which the numbers are written; 0 if it is below 1e-6."""
    for decimals in range(_MOST_DECIMALS + 1):
        if (np.abs(np.round(values, decimals) - values) <= 1e-9).all():
            return 10.0**-decimals
    return 0.0
