"""Whether the rows of a file carry a mark: how uneven its pairs of bins are, and how well a key's coins foresee it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from heorsynth.data.labels.watermark import MIN_VALUES, STEPS, WIDTH, Grid, coins, measurements, scanned, spread

LOOKED_AT, MOST_SKIPPED = 125_000, 8
"""Of a longer table every k-th row is looked at, down to an eighth of them: a mark that stands 26 standard deviations
out in all of the rows stands 9 out in those."""

ALPHA = 1e-5
"""A mark is said to be seen at this p-value or below: one key and one generator may agree by luck in all that it draws,
so a tenth of the rate aimed at (`benchmarks/watermark.py` measures it)."""

UNITS = (
    7.0, 30.4375, 365.25, 30.0, 365.0, 12.0, 52.1775, 24.0, 60.0,
    2.54, 2.20462, 17.104, 88.42, 38.67, 88.57, 18.016, 1.8,
)  # fmt: skip
"""Factors between units a column may have been changed to or from: calendar, inch, pound, and the usual conversions of
bilirubin, creatinine, cholesterol, triglycerides and glucose to SI. Powers of ten need none."""

DOUBT = 1.2
"""Relative error of a robust spread, times the root of the number of values; within it, a column may lie on another
grid, and is counted on that on which it is least even."""

LEAST_ROUGH = 0.05
"""Share of chance itself that a column counts as rough at least: noise may have all but levelled a mark."""

FINEST = 0.2
"""Steps a file's numbers may come in, as a share of a bin, before they count as coarse: a bin then holds so few steps
that some hold one more than their neighbours, in every table of such numbers alike."""

MOST_DECIMALS = 6
"""Decimals up to which numbers are looked at for the step they come in."""

SAME = 0.25
"""Share of a step by which numbers may lie beside steps of another unit, and still be taken for those, rounded."""

FARTHEST = 100_000
"""Bins from the column's middle beyond which a value is not counted."""

EXACT = 2_000
"""Coins up to which the tail of their sum is computed exactly; of more the normal law's is used."""

FINENESS = 20_000
"""Steps the sum of all weights is divided into, to compute a tail exactly."""


@dataclass(frozen=True)
class Tally:
    """One column's count: the pairs of bins that hold values, and how much more lies in the upper bin of each.

    Attributes
    ----------
    digit : int               of the grid's width
    pairs : array (k,)        number of the pair
    held : array (k,)         values in it
    surplus : array (k,)      upper minus lower, less what the pair's two neighbours make one expect of a slope
    whole : bool              True where the file holds whole numbers only: they are not marked, but may be rounded
    """

    digit: int
    pairs: np.ndarray
    held: np.ndarray
    surplus: np.ndarray
    whole: bool

    @classmethod
    def of(cls, values: np.ndarray, grid: Grid, whole: bool) -> Tally:
        """The count of these values.

        Notes
        -----
        A density of constant slope over three pairs that hold N₋, N and N₊ values gives the upper bin (N₊ − N₋) / 8
        more than the lower. No coin is looked at, so none is favoured.
        """
        bins = grid.bins(values)
        bins = bins[np.abs(bins - int(np.median(bins))) <= FARTHEST]
        first = (int(bins.min()) >> 1) - 1
        counts = np.bincount(bins - 2 * first)
        counts = np.append(counts, np.zeros(4 - len(counts) % 2, dtype=counts.dtype))
        lower, upper = counts[::2], counts[1::2]
        held = lower + upper
        slope = np.zeros(len(held))
        slope[1:-1] = (held[2:] - held[:-2]) / 8
        there = held > 0
        surplus = (upper - lower - slope)[there]
        return cls(grid.digit, first + np.flatnonzero(there), held[there], surplus, whole)

    @property
    def unevenness(self) -> float:
        """How far the two bins of the pairs differ beyond chance, in standard deviations; blind to every key."""
        many = self.held >= 2
        excess = self.surplus[many] ** 2 / self.held[many] - 1
        return float(excess.sum() / np.sqrt(2 * max(1, many.sum())))

    @property
    def say(self) -> np.ndarray:
        """The weight of each pair's coin: the surplus, the more the rougher the column, by its variance there.

        With r² the mean squared surplus beyond chance, as a share of what a pair holds, that is r D / (1 + r² N):
        a smooth column has next to no say, and no single spike has more than the bins of a marked column.
        """
        held = self.held.astype(float)
        rough = max(LEAST_ROUGH / held.mean(), float((self.surplus**2 - held).sum() / (held**2).sum()))
        return np.asarray(np.sqrt(rough) * self.surplus / (1 + rough * held))


@dataclass(frozen=True)
class Mark:
    """What was found: `p` is None where no column can hold a mark.

    Attributes
    ----------
    p : float or None     chance that a key never used on these rows agrees with them as well
    """

    p: float | None

    @property
    def seen(self) -> bool:
        return self.p is not None and self.p <= ALPHA


@dataclass(frozen=True)
class Counted:
    """The counts of a file's columns: in the units they come in steps of, and in those in which they are least even."""

    native: Sequence[Tally]
    converted: Sequence[Tally]


def looked_at(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in which a mark is looked for: all, or of more than `LOOKED_AT` every second to eighth."""
    return frame.iloc[:: min(MOST_SKIPPED, max(1, len(frame) // LOOKED_AT))]


def tallies(frame: pd.DataFrame, units: bool = True) -> Counted:
    """The count of every column that may hold a mark: none for numbers so coarse that none can be in them.

    Parameters
    ----------
    units : bool      whether columns are counted in other units as well
    """
    held = [measurements(frame.iloc[:, place]) for place in range(frame.shape[1])]
    counts = [_counts(values[np.isfinite(values)], units) for values in held if values is not None]
    return Counted([one for one, _ in counts if one is not None], [one for _, one in counts if one is not None])


def _counts(values: np.ndarray, units: bool) -> tuple[Tally | None, Tally | None]:
    """The count of a column in the unit it comes in steps of, and in another one where it may have had that before.

    Notes
    -----
    Whole years given in days are whole numbers still: in bins of days they would lie alike in every table, and meet
    the same coins of the public key in each. So numbers that are steps of another unit are counted in that unit only.
    """
    few = scanned(values)
    unit, step = _lattice(few)
    if unit != 1.0:
        return _native(np.rint(values * unit / step) * step, step), None
    width = WIDTH * spread(values)
    if not units or step > FINEST * width or _gap(few) > FINEST * width:
        return _native(values, step), None
    return _native(values, step), _converted(values, width)


def _native(values: np.ndarray, step: float) -> Tally | None:
    """The count of a column in the unit in which it comes in steps; None if it is too coarse to hold a mark."""
    width, gap = WIDTH * spread(values), _gap(scanned(values))
    near = Grid.near(width, min(0.15, DOUBT / np.sqrt(len(values))))
    grids = [grid for grid in near if grid.width > 0.999 * step]
    if (step >= 1 and not grids) or (gap > FINEST * width and gap > 2.5 * step):
        return None
    grids = grids or [Grid.near(step)[0]]
    return max((Tally.of(values, grid, step >= 1) for grid in grids), key=lambda one: one.unevenness)


def _converted(values: np.ndarray, width: float) -> Tally:
    """The count of a column in the other unit in which it is least even."""
    few = scanned(values)
    scales = [(unit, Grid.near(width * unit)[0]) for unit in (*UNITS, *(1 / unit for unit in UNITS))]
    uneven = [Tally.of(few * unit, grid, False).unevenness for unit, grid in scales]
    unit, grid = scales[int(np.argmax(uneven))]
    return Tally.of(values * unit, grid, False)


def detect(counted: Counted, key: bytes, parity: int) -> Mark:
    """The mark of one key in columns counted by `tallies`.

    Parameters
    ----------
    counted : Counted
    key : bytes
    parity : int         tried are all pairs j, and those with j mod 2 of this value: either may follow the key

    Notes
    -----
    With c_j = ±1 the coin of pair j and w_j its `say`, summed over the columns that share a coin, the statistic is
    T = Σ c_j w_j. If the rows owe nothing to the key, its coins are fair and independent of every count, so given
    the counts T is a sum of known weights with random signs, and its tail is computed exactly. Heaping, ties,
    slopes, columns that go together, and the search for a unit are all conditioned on: the p-value needs no law of
    the data. It is the smallest of up to eight, times their number: all columns or those with fractions; also in
    other units or not; all pairs or those of one parity. A file of whole numbers only gets one where the mark is
    seen, since they may be rounded measurements, and none otherwise.
    """
    fractions = [one for one in counted.native if not one.whole]
    families = [counted.native] if len(fractions) in (0, len(counted.native)) else [counted.native, fractions]
    families += [[*family, *counted.converted] for family in families if counted.converted]
    tails = [_tail(family, key, which) for family in families for which in (None, parity)]
    p = min(1.0, len(tails) * min(tails))
    return Mark(p if fractions or p <= ALPHA else None)


def _tail(counted: Sequence[Tally], key: bytes, parity: int | None) -> float:
    signed = []
    for digit in STEPS:
        alike = [one for one in counted if one.digit == digit]
        if not alike:
            continue
        pairs, place = np.unique(np.concatenate([one.pairs for one in alike]), return_inverse=True)
        weights = np.bincount(place, np.concatenate([one.say for one in alike]))
        kept = np.ones(len(pairs), bool) if parity is None else (pairs & 1) == parity
        signed.append(weights[kept] * coins(key, digit, pairs[kept]))
    return tail_of_signs(np.concatenate(signed)) if signed else 1.0


def tail_of_signs(signed: np.ndarray) -> float:
    """P(Σ ±|w| ≥ Σ w) over fair independent signs.

    Up to `EXACT` weights are rounded to whole steps, and the tail is exact for those; the sum of more is normal.

    Examples
    --------
    >>> tail_of_signs(np.array([1.0, 1.0, 1.0]))
    0.125
    """
    size = np.abs(signed)
    if not size.sum():
        return 1.0
    if len(size) > EXACT:
        return float(norm.sf(signed.sum() / np.sqrt((size**2).sum())))
    whole = np.rint(signed / size.sum() * FINENESS).astype(np.int64)
    steps = np.sort(np.abs(whole[whole != 0]))
    least = int(whole[whole > 0].sum())
    chance = np.zeros(int(steps.sum()) + 1)
    chance[0], top = 1.0, 0
    for step in steps.tolist():
        chance[step : top + step + 1] += chance[: top + 1].copy()
        top += step
        chance[: top + 1] *= 0.5
    return float(min(1.0, chance[least:].sum()))


def _lattice(values: np.ndarray) -> tuple[float, float]:
    """The unit, as a factor, in which the numbers come in the largest steps, and that step: 1, 0.1, … of it.

    Examples
    --------
    >>> unit, step = _lattice(np.arange(40.0, 80.0) * 365.25)
    >>> round(1 / unit, 6), step
    (365.25, 1.0)
    """
    written = _step(values)
    factors = np.array([1.0, *UNITS, *(1 / unit for unit in UNITS)])[:, None] * 10.0 ** np.arange(MOST_DECIMALS + 1)
    off = 0.5 * written * factors + 1e-6
    possible = (off <= SAME) & _whole(values[:MIN_VALUES, None, None] * factors, off)
    best = (1.0, written)
    for at, decimals in np.argwhere(possible):
        unit, step = factors[at, 0], 10.0**-decimals
        if step / unit > 1.5 * best[1] / best[0] and _whole(values * factors[at, decimals], off[at, decimals]):
            best = (float(unit), float(step))
    return best


def _whole(values: np.ndarray, off: np.ndarray) -> np.ndarray:
    """True where no value (along the first axis) lies further than this from a whole number."""
    return np.asarray((np.abs(values - np.rint(values)) <= off).all(axis=0))


def _gap(values: np.ndarray) -> float:
    """The least distance between two different values, those that float noise parts taken for one."""
    gaps = np.diff(np.unique(values))
    return float(gaps[gaps > 1e-9 * np.abs(values).max()].min(initial=np.inf))


def _step(values: np.ndarray) -> float:
    """The power of ten that the numbers are written in steps of, from 1 down; 0 where it is below a millionth."""
    for decimals in range(MOST_DECIMALS + 1):
        if np.allclose(np.round(values, decimals), values, rtol=0, atol=1e-9):
            return 10.0**-decimals
    return 0.0
