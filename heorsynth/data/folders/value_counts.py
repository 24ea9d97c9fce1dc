"""Counts of patients by cell and value. They can be added up, and their size does not grow with the patients."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from heorsynth.core.ranks import coded, in_units, unique

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


_Coded = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Values (d,) and codes (c,), ascending, some perhaps without entry, and the spot (k,) of each entry among c × d."""


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
        return cls.of_coded(np.asarray(cell), *_distinct(np.asarray(value, float)), np.asarray(code), starts=starts)

    @classmethod
    def of_coded(
        cls, cell: np.ndarray, values: np.ndarray, place: np.ndarray, code: np.ndarray, *, starts: bool = False
    ) -> ValueCounts:
        """Return the counts of rows whose values are places (n,) among others (d,) in ascending order."""
        values = values + 0.0  # no negative zero
        coarse = len(values) > EXACT and int(np.count_nonzero(np.bincount(place))) > EXACT
        if coarse:
            values, again = _distinct((lowered if starts else rounded)(values))
            place = again[place]
        return cls._of_spots(*_grouped(cell, values, place, code, None), coarse, starts)

    @classmethod
    def _of_spots(cls, coded: _Coded, cell: np.ndarray, count: np.ndarray, coarse: bool, starts: bool) -> ValueCounts:
        """Return counts from the spots of their values and codes, which need no further sort."""
        values, codes, spot = coded
        column, place = np.divmod(spot, max(len(values), 1))
        made = cls(cell, values[place], codes[column], count, coarse, starts)
        made.__dict__["_coded"] = coded
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def coarsened(self) -> ValueCounts:
        """Return the counts with rounded values."""
        if self.coarse:
            return self
        values, place = _distinct((lowered if self.starts else rounded)(self.value))
        return self._of_spots(*_grouped(self.cell, values, place, self.code, self.count), True, self.starts)

    def __add__(self, other: ValueCounts) -> ValueCounts:
        """Return the sum of two counts with the same cells."""
        if self.coarse != other.coarse:
            return self.coarsened() + other.coarsened()
        cell, value, code, count = (
            np.concatenate([getattr(self, name), getattr(other, name)]) for name in ("cell", "value", "code", "count")
        )
        values, place = _distinct(value)
        total = self._of_spots(*_grouped(cell, values, place, code, count), self.coarse, self.starts)
        return total.coarsened() if len(values) > EXACT else total

    def renumbered(self, places: np.ndarray) -> ValueCounts:
        """Return the counts with cell i renumbered as places[i], which increases with i. A cell at -1 is left out."""
        kept, ends = np.flatnonzero(places >= 0), np.searchsorted(self.cell, np.arange(len(places) + 1))
        parts = [slice(ends[cell], ends[cell + 1]) for cell in kept.tolist()]

        def taken(whole: np.ndarray) -> np.ndarray:
            return np.concatenate([whole[:0], *(whole[part] for part in parts)])

        cell, (values, codes, spot) = np.repeat(places[kept], ends[kept + 1] - ends[kept]), self._coded
        counted = taken(self.value), taken(self.code), taken(self.count)
        made = ValueCounts(cell, *counted, self.coarse, self.starts)
        made.__dict__["_coded"] = values, codes, taken(spot)
        return made

    @cached_property
    def _coded(self) -> _Coded:
        values, place = np.unique(self.value, return_inverse=True)
        codes, column, _ = unique(self.code)
        return values, codes, column.astype(np.int64) * len(values) + place

    @cached_property
    def by_value(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Different values (k,) in ascending order, codes (c,), and counts (k, c), over all cells."""
        values, codes, spot = self._coded
        counts = np.bincount(spot, self.count, len(codes) * len(values)).reshape(len(codes), len(values))
        occur, used = counts.sum(axis=0) > 0, counts.any(axis=1)
        if not used.all():
            codes, counts = codes[used], counts[used]
        return (values, codes, counts.T) if occur.all() else (values[occur], codes, counts[:, occur].T)


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different values (d,), ascending, and each one's place (n,) among them."""
    held = in_units(values) if len(values) else None
    found = None if held is None else coded(held[0])
    if held is None or found is None:
        return np.unique(values, return_inverse=True)
    return found[0] / held[1], found[1]


def _grouped(
    cell: np.ndarray, values: np.ndarray, place: np.ndarray, code: np.ndarray, count: np.ndarray | None
) -> tuple[_Coded, np.ndarray, np.ndarray]:
    """Return the coding, cell and count of each combination, from rows or from repeated ones."""
    codes, column, _ = unique(code)
    width, height = max(len(codes), 1), max(len(values), 1)
    key = (cell.astype(np.int64) * height + place) * width + column
    keys, group, rows = unique(key)
    counts = rows if count is None else np.bincount(group, weights=count, minlength=len(keys))
    rest, column = np.divmod(keys, width)
    cells, place = np.divmod(rest, height)
    return (values, codes, column * height + place), cells, counts.astype(np.int64)
