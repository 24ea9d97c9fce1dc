"""How many patients of each cell have each value: what can be added up, and stays small however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

EXACT = 20_000
"""Values are kept as they are while there are at most this many different ones."""

STEPS = 2048
"""Beyond that, values are rounded to this many steps in every doubling."""

LARGEST_ERROR = 1 / (2 * STEPS)
"""No rounded value lies farther from its own than this share of it: 0.00024."""

FINE = 2**40
"""Before that, values are rounded to this many steps a doubling, so that noise in the last digits moves none."""


def rounded(values: np.ndarray) -> np.ndarray:
    """Values at `STEPS` steps in every doubling; 0, and numbers that are already there, stay.

    The steps depend on nothing but the value, so that partitions rounded apart can be added up, in any order.

    Examples
    --------
    >>> rounded(np.array([0.0, 1.0, 365.25, 1000.0])).tolist()
    [0.0, 1.0, 365.25, 1000.0]
    """
    part, power = np.frexp(values)
    part = np.rint(part * FINE) / FINE
    found: np.ndarray = np.ldexp(np.rint(part * 2 * STEPS) / (2 * STEPS), power)
    return found


def lowered(values: np.ndarray) -> np.ndarray:
    """The step below the last one that each value reaches: for entries, which must stay before the rounded end."""
    part, power = np.frexp(values)
    part = np.rint(part * FINE) / FINE
    reached = np.floor(part * 2 * STEPS)
    found: np.ndarray = np.ldexp((reached - np.where(reached == STEPS, 0.5, 1.0)) / (2 * STEPS), power)
    return np.where(values > 0, found, values)


@dataclass(frozen=True)
class ValueCounts:
    """Counts by cell, value and code, each combination that occurs once, sorted by them.

    Attributes
    ----------
    cell : array of int (k,)      place of the cell in its tally
    value : array (k,)            a follow-up time, a cost
    code : array of int (k,)      how follow-up ended; 0 where nothing ended
    count : array of int (k,)     patients
    coarse : bool                 True where values were rounded, as there were more than `EXACT` different ones
    starts : bool                 True for entries, which are `lowered` instead
    """

    cell: np.ndarray
    value: np.ndarray
    code: np.ndarray
    count: np.ndarray
    coarse: bool = False
    starts: bool = False

    @classmethod
    def of(cls, cell: np.ndarray, value: np.ndarray, code: np.ndarray, *, starts: bool = False) -> ValueCounts:
        """The counts of rows (n,): missing values are the caller's to leave out."""
        values = np.asarray(value, float) + 0.0
        coarse = _different(values) > EXACT
        values = (lowered if starts else rounded)(values) if coarse else values
        return cls(*_grouped(np.asarray(cell), values, np.asarray(code), None), coarse, starts)

    def coarsened(self) -> ValueCounts:
        """The same counts with their values rounded."""
        if self.coarse:
            return self
        values = (lowered if self.starts else rounded)(self.value)
        return ValueCounts(*_grouped(self.cell, values, self.code, self.count), True, self.starts)

    def __add__(self, other: ValueCounts) -> ValueCounts:
        """The counts of both, whose cells are numbered alike."""
        if self.coarse != other.coarse:
            return self.coarsened() + other.coarsened()
        parts = [
            np.concatenate([getattr(self, name), getattr(other, name)]) for name in ("cell", "value", "code", "count")
        ]
        found = ValueCounts(*_grouped(*parts), self.coarse, self.starts)
        return found.coarsened() if _different(found.value) > EXACT else found

    def renumbered(self, places: np.ndarray) -> ValueCounts:
        """The counts with cell i called places[i], places that rise with i; a cell at -1 is left out."""
        cell = places[self.cell]
        kept = cell >= 0
        parts = cell[kept], self.value[kept], self.code[kept], self.count[kept]
        return ValueCounts(*parts, self.coarse, self.starts)

    @cached_property
    def by_value(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The different values (k,) rising, the codes (c,) there are, and counts (k, c), over all cells."""
        values, place = np.unique(self.value, return_inverse=True)
        codes, column = np.unique(self.code, return_inverse=True)
        flat = np.bincount(place * len(codes) + column, weights=self.count, minlength=len(values) * len(codes))
        return values, codes, flat.reshape(len(values), len(codes))


def _different(values: np.ndarray) -> int:
    """How many different values there are, or fewer than `EXACT` without looking."""
    return len(np.unique(values)) if len(values) > EXACT else len(values)


def _grouped(
    cell: np.ndarray, value: np.ndarray, code: np.ndarray, count: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Counts by cell, value and code of rows, or of counts in which a combination may come more than once."""
    values, place = np.unique(value, return_inverse=True)
    codes, column = np.unique(code, return_inverse=True)
    key = (cell.astype(np.int64) * len(values) + place) * max(len(codes), 1) + column
    if count is None:
        keys, counts = np.unique(key, return_counts=True)
    else:
        keys, group = np.unique(key, return_inverse=True)
        counts = np.bincount(group, weights=count, minlength=len(keys)).astype(np.int64)
    rest, column = np.divmod(keys, max(len(codes), 1))
    cells, place = np.divmod(rest, max(len(values), 1))
    return cells, values[place], codes[column], counts.astype(np.int64)
