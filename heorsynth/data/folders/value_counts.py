"""Counts of patients by cell and value. They can be added up, and their size does not grow with the patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from heorsynth.core.ranks import coded, in_units

EXACT = 20_000
"""Values are exact up to this many different ones."""

_STEPS = 2048
"""With more values, each is rounded to this many steps per doubling."""

LARGEST_ERROR = 1 / (2 * _STEPS)
"""The largest relative rounding error: 0.00024."""

_FINE = 2**40
"""Values are first rounded to this many steps per doubling, so that noise in the last digits changes no result."""


def rounded(values: np.ndarray) -> np.ndarray:
    """Return values rounded to `_STEPS` steps per doubling. 0 and values on a step are unchanged.

    The steps depend only on the value, so partitions that were rounded separately can be added up in any order.

    Examples
    --------
    >>> rounded(np.array([0.0, 1.0, 365.25, 1000.0])).tolist()
    [0.0, 1.0, 365.25, 1000.0]
    """
    part, power = np.frexp(values)
    part = np.rint(part * _FINE) / _FINE
    result: np.ndarray = np.ldexp(np.rint(part * 2 * _STEPS) / (2 * _STEPS), power)
    return result


def lowered(values: np.ndarray) -> np.ndarray:
    """Return one step below the last step each value reaches. For entry times, which must precede the rounded end."""
    part, power = np.frexp(values)
    part = np.rint(part * _FINE) / _FINE
    reached = np.floor(part * 2 * _STEPS)
    result: np.ndarray = np.ldexp((reached - np.where(reached == _STEPS, 0.5, 1.0)) / (2 * _STEPS), power)
    return np.where(values > 0, result, values)


@dataclass(frozen=True)
class ValueCounts:
    """Counts by cell, value and event code, one entry for each combination that occurs, sorted.

    Attributes
    ----------
    cell : array of int (k,)      index of the cell in its tally
    value : array (k,)            a follow-up time or an amount
    code : array of int (k,)      event code; 0 for values other than follow-up
    count : array of int (k,)     patients
    coarse : bool                 True if values were rounded because there were more than `EXACT` different ones
    starts : bool                 True for entry times, which are rounded by `lowered`
    """

    cell: np.ndarray
    value: np.ndarray
    code: np.ndarray
    count: np.ndarray
    coarse: bool = False
    starts: bool = False

    @classmethod
    def of(cls, cell: np.ndarray, value: np.ndarray, code: np.ndarray, *, starts: bool = False) -> ValueCounts:
        """Return the counts of rows (n,). The caller leaves out missing values."""
        values, place = _distinct(np.asarray(value, float) + 0.0)
        coarse = len(values) > EXACT
        if coarse:
            values, again = _distinct((lowered if starts else rounded)(values))
            place = again[place]
        return cls(*_grouped(np.asarray(cell), values, place, np.asarray(code), None), coarse, starts)

    def coarsened(self) -> ValueCounts:
        """Return the counts with rounded values."""
        if self.coarse:
            return self
        values, place = _distinct((lowered if self.starts else rounded)(self.value))
        return ValueCounts(*_grouped(self.cell, values, place, self.code, self.count), True, self.starts)

    def __add__(self, other: ValueCounts) -> ValueCounts:
        """Return the sum of two counts with the same cells."""
        if self.coarse != other.coarse:
            return self.coarsened() + other.coarsened()
        cell, value, code, count = (
            np.concatenate([getattr(self, name), getattr(other, name)]) for name in ("cell", "value", "code", "count")
        )
        values, place = _distinct(value)
        total = ValueCounts(*_grouped(cell, values, place, code, count), self.coarse, self.starts)
        return total.coarsened() if len(values) > EXACT else total

    def renumbered(self, places: np.ndarray) -> ValueCounts:
        """Return the counts with cell i renumbered as places[i], which increases with i. A cell at -1 is left out."""
        cell = places[self.cell]
        kept = cell >= 0
        parts = cell[kept], self.value[kept], self.code[kept], self.count[kept]
        return ValueCounts(*parts, self.coarse, self.starts)

    @cached_property
    def by_value(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Different values (k,) in ascending order, codes (c,), and counts (k, c), over all cells."""
        values, place = np.unique(self.value, return_inverse=True)
        codes, column = np.unique(self.code, return_inverse=True)
        flat = np.bincount(place * len(codes) + column, weights=self.count, minlength=len(values) * len(codes))
        return values, codes, flat.reshape(len(values), len(codes))


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different values (d,), ascending, and each one's place (n,) among them."""
    held = in_units(values) if len(values) else None
    found = None if held is None else coded(held[0])
    if held is None or found is None:
        return np.unique(values, return_inverse=True)
    return found[0] / held[1], found[1]


def _grouped(
    cell: np.ndarray, values: np.ndarray, place: np.ndarray, code: np.ndarray, count: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return counts by cell, value and code, from rows or from counts with repeated combinations."""
    codes, column = np.unique(code, return_inverse=True)
    width, height = max(len(codes), 1), max(len(values), 1)
    key = (cell.astype(np.int64) * height + place) * width + column
    keys, group, rows = (coded(key) if len(key) else None) or np.unique(key, return_inverse=True, return_counts=True)
    counts = rows if count is None else np.bincount(group, weights=count, minlength=len(keys))
    rest, column = np.divmod(keys, width)
    cells, place = np.divmod(rest, height)
    return cells, values[place], codes[column], counts.astype(np.int64)
