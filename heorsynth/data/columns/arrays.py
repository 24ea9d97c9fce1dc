"""The columns of a table as arrays: each is made once, on first use, and rows of the table take theirs from it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.ranks import coded, in_units
from heorsynth.data.columns.levels import all_text, as_text, whole

_MOST_PLACES = 2**40
"""Combinations of levels are counted as whole numbers up to this many."""

_FEW_CELLS = 64
"""Up to so many combinations are counted without a sort."""

_FEW_ROWS = 2000
"""With at most so many rows, arrays that other arrays give are not kept: hundreds of small cohorts would add up."""

_LONG_TEXT = 1000
"""Levels longer than this are kept as objects: every row of a text array is as wide as its longest value."""


@dataclass(frozen=True, eq=False)
class Levels:
    """A column of levels, coded.

    Attributes
    ----------
    names : array (L + 1,)     the levels as text, sorted, then '' for missing; some may have no row
    codes : array (n,)         place of each row's level; -1 where it is missing, so `names[codes]` is the text
    """

    names: np.ndarray
    codes: np.ndarray

    @classmethod
    def of(cls, column: pd.Series) -> Levels:
        """Return the coding of a column."""
        if (numbered := cls._of_whole_numbers(column)) is not None:
            return numbered
        text = column if all_text(column) else as_text(column)
        codes, names = pd.factorize(text.to_numpy(dtype=object), sort=True)
        names = np.array([*names, ""], dtype=object)
        if max(map(len, names)) <= _LONG_TEXT:
            names = names.astype(str)
        return cls(_unwritable(names), _unwritable(codes.astype(np.min_scalar_type(-len(names)))))

    @classmethod
    def _of_whole_numbers(cls, column: pd.Series) -> Levels | None:
        """Return the coding of whole numbers, without a text of each row; None for other columns."""
        if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "if":
            return None
        held = column.to_numpy()
        known = ~np.isnan(held)
        if not whole(held[known]):
            return None
        places, different = pd.factorize(held[known].astype(np.int64))
        texts = list(map(str, different.tolist()))
        order = sorted(range(len(texts)), key=texts.__getitem__)
        codes = np.full(len(held), -1, dtype=np.min_scalar_type(-len(texts) - 1))
        codes[known] = np.argsort(order)[places]
        return cls(_unwritable(np.array([*(texts[place] for place in order), ""])), _unwritable(codes))

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows with each level that some row has, sorted by level."""
        sizes = self._sizes[:-1].tolist()
        return {str(name): count for name, count in zip(self.names[:-1], sizes, strict=True) if count}

    @cached_property
    def _sizes(self) -> np.ndarray:
        """The number of rows with each level (L + 1,), then without one."""
        counts = np.bincount(self.codes + 1, minlength=len(self.names))
        return np.append(counts[1:], counts[0])

    def among(self, wanted: Sequence[str]) -> np.ndarray:
        """Return the place (n,) of each row's level in another list: its length if the list lacks it, -1 if missing."""
        place = {level: index for index, level in enumerate(wanted)}
        moved = np.array([*(place.get(str(name), len(wanted)) for name in self.names[:-1]), -1])
        return np.asarray(moved[self.codes])


@dataclass(frozen=True, eq=False)
class Distinct:
    """A column of numbers, coded: one sort answers every question about order.

    Attributes
    ----------
    values : array (d,)        the different values, ascending; some may have no row
    codes : array (n,)         place of each row's value; -1 where it is missing
    """

    values: np.ndarray
    codes: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray) -> Distinct:
        """Return the coding of numbers (n,), NaN for missing.

        Many numbers with few decimals are counted as whole numbers: a sort of floats takes five times as long.
        """
        if len(numbers) > _FEW_ROWS and (made := cls._of_decimals(numbers)) is not None:
            return made
        order = np.argsort(numbers)  # NaN last
        ordered = numbers[order]
        known = len(ordered) - int(np.isnan(ordered).sum())
        first = np.ones(known, dtype=bool)
        np.not_equal(ordered[1:known], ordered[: max(known - 1, 0)], out=first[1:])
        codes = np.full(len(numbers), -1, dtype=np.int32)
        codes[order[:known]] = np.cumsum(first, dtype=np.int32) - 1
        return cls(ordered[:known][first], codes)

    @classmethod
    def _of_decimals(cls, numbers: np.ndarray) -> Distinct | None:
        """Return the coding of numbers (n,) with at most four decimals; None for others."""
        known = ~np.isnan(numbers)
        complete = bool(known.all())
        units = in_units(numbers if complete else numbers[known])
        if units is None or (found := coded(units[0])) is None:
            return None
        whole, places, counts = found
        codes = places
        if not complete:
            codes = np.full(len(numbers), -1, dtype=np.int32)
            codes[known] = places
        made = cls(whole / units[1], codes)
        made.__dict__["counts"] = counts
        return made

    @cached_property
    def counts(self) -> np.ndarray:
        """The number of rows (d,) with each value."""
        counts = np.bincount(self.codes + 1, minlength=len(self.values) + 1)
        return counts[1:]

    @cached_property
    def ranked(self) -> tuple[np.ndarray, np.ndarray]:
        """The values that some row has (k,), and the number of rows up to each (k,)."""
        found = np.flatnonzero(self.counts)
        return self.values[found], np.cumsum(self.counts[found])

    @property
    def n_known(self) -> int:
        """The number of rows with a value."""
        return int(self.counts.sum())

    @property
    def rank_of_code(self) -> np.ndarray:
        """The rank of each different value (d + 1,), tied ones at their mean rank, then NaN for missing."""
        up_to = np.cumsum(self.counts)
        return np.append(up_to - (self.counts - 1) / 2, np.nan)

    @property
    def ranks(self) -> np.ndarray:
        """The rank of each row's value (n,), tied ones at their mean rank; NaN where it is missing."""
        return self.rank_of_code[self.codes]

    @property
    def ordered(self) -> np.ndarray:
        """The known values, ascending."""
        return np.repeat(self.values, self.counts)

    def at(self, places: np.ndarray) -> np.ndarray:
        """Return the values at these places, counted from 0, among the known values in ascending order."""
        return np.asarray(self.values[np.searchsorted(np.cumsum(self.counts), places, side="right")])


_FEW = 8
"""Rows taken from a table are coded anew if the table has over so many times more different values than they are."""


def combination_counts(columns: Sequence[Levels]) -> Counter[tuple[str, ...]]:
    """Return the number of rows with each combination of levels, in the order in which they first occur."""
    if len(columns) == 1 and len(columns[0].names) <= _FEW_CELLS:
        return _counted_alone(columns[0])
    sizes = tuple(len(column.names) for column in columns)
    texts = [column.names[column.codes] for column in columns] if math.prod(sizes) > _MOST_PLACES else []
    if texts or not columns or not len(columns[0].codes):
        return Counter(zip(*(text.tolist() for text in texts), strict=True))
    cell = np.ravel_multi_index(tuple(column.codes.astype(np.int64) % len(column.names) for column in columns), sizes)
    if math.prod(sizes) <= _FEW_CELLS:
        counts = np.bincount(cell)
        cells = np.flatnonzero(counts)
        counts, first = counts[cells], np.array([np.argmax(cell == one) for one in cells])
    else:
        cells, first, counts = np.unique(cell, return_index=True, return_counts=True)
    order = np.argsort(first)
    places = np.unravel_index(cells[order], sizes)
    levels = [column.names[place].tolist() for column, place in zip(columns, places, strict=True)]
    return Counter(dict(zip(zip(*levels, strict=True), counts[order].tolist(), strict=True)))


def _counted_alone(column: Levels) -> Counter[tuple[str, ...]]:
    """Return `combination_counts` of one column with few levels."""
    sizes = column._sizes
    held = np.flatnonzero(sizes).tolist()
    first = {int(np.argmax(column.codes == (place if place < len(sizes) - 1 else -1))): place for place in held}
    return Counter({(str(column.names[first[row]]),): int(sizes[first[row]]) for row in sorted(first)})


class Arrays:
    """A table with the arrays of its columns. It never changes, and its arrays cannot be written into.

    Rows taken from a table are only their places in it: their frame and their arrays are made when they are needed.
    Another process gets the frame alone: making the arrays again is faster than sending them.
    """

    def __init__(self, frame: pd.DataFrame | None, taken: tuple[Arrays, np.ndarray] | None = None) -> None:
        self._frame, self._taken = frame, taken
        self._made: dict[tuple[str, str], np.ndarray] = {}
        self._numeric: dict[str, bool] = {}
        self._levels: dict[str, Levels] = {}
        self._distinct: dict[str, Distinct] = {}
        self._several: dict[tuple[str, ...], np.ndarray] = {}

    def take(self, rows: np.ndarray) -> Arrays:
        """Return the table of these rows, given as an index array or a boolean mask."""
        return Arrays(None, (self, np.flatnonzero(rows) if rows.dtype == bool else rows))

    def own(self) -> Arrays:
        """Return this table if it is whole; of rows taken from one, a table of their own: each level has a row."""
        return self if self._taken is None else Arrays(self.frame)

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a frame."""
        if self._frame is None and self._taken is not None:
            whole, places = self._taken
            self._frame = whole.frame.iloc[places]
        return cast(pd.DataFrame, self._frame)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.frame) if self._taken is None else len(self._taken[1])

    @cached_property
    def columns(self) -> tuple[Any, ...]:
        """The names of the columns, in their order."""
        return tuple(self.frame.columns) if self._taken is None else self._taken[0].columns

    @cached_property
    def names(self) -> frozenset[object]:
        """The names of the columns, to look one up."""
        return frozenset(self.columns) if self._taken is None else self._taken[0].names

    def holds_numbers(self, name: str) -> bool:
        """Return whether a column is stored as numbers; truth values are none."""
        if self._taken is not None:
            return self._taken[0].holds_numbers(name)
        if name not in self._numeric:
            kind = self._column(name).dtype
            self._numeric[name] = types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind)
        return self._numeric[name]

    def held(self, name: str) -> np.ndarray:
        """Return a column (n,) as it is stored."""
        return self._array("held", name, lambda column: column.to_numpy())

    def numbers(self, name: str) -> np.ndarray:
        """Return a column as floats (n,), NaN where it is missing or no number."""
        return self._array("numbers", name, _numbers)

    def several_numbers(self, names: tuple[str, ...]) -> np.ndarray:
        """Return several columns as floats (k, n), NaN also in a column that does not exist."""
        if self._taken is not None:
            return self._taken[0].several_numbers(names)[:, self._taken[1]]
        if names in self._several:
            return self._several[names]
        found = [self.numbers(name) if name in self.names else np.full(self.n, np.nan) for name in names]
        made = _unwritable(np.array(found).reshape(len(names), self.n))
        if not self._few:
            self._several[names] = made
        return made

    def whole_numbers(self, name: str) -> np.ndarray:
        """Return a column of whole numbers (n,), without missing values."""
        return self._array("whole numbers", name, lambda column: column.to_numpy(int))

    def missing(self, name: str) -> np.ndarray:
        """Return True (n,) where a column is missing."""
        return self._array("missing", name, lambda column: np.asarray(pd.isna(column.to_numpy())))

    def levels(self, name: str) -> Levels:
        """Return a column of levels, coded."""
        if name not in self._levels:
            if self._taken is None:
                self._levels[name] = Levels.of(self._column(name))
            else:
                whole = self._taken[0].levels(name)
                self._levels[name] = Levels(whole.names, _unwritable(whole.codes[self._taken[1]]))
        return self._levels[name]

    def distinct(self, name: str) -> Distinct:
        """Return a column of numbers, coded."""
        if name not in self._distinct:
            whole = None if self._taken is None else self._taken[0].distinct(name)
            if whole is None or self._taken is None or len(whole.values) > _FEW * self.n:
                made = Distinct.of(self.numbers(name))
            else:
                made = Distinct(whole.values, whole.codes[self._taken[1]])
            self._distinct[name] = Distinct(_unwritable(made.values), _unwritable(made.codes))
        return self._distinct[name]

    def text(self, name: str) -> np.ndarray:
        """Return a column of levels as text (n,), '' where it is missing."""
        if ("text", name) in self._made:
            return self._made["text", name]
        levels = self.levels(name)
        made = _unwritable(levels.names[levels.codes])
        if not self._few:
            self._made["text", name] = made
        return made

    def _array(self, kind: str, name: str, make: Callable[[pd.Series], np.ndarray]) -> np.ndarray:
        if (kind, name) in self._made:
            return self._made[kind, name]
        if self._taken is None:
            made = _unwritable(make(self._column(name)))
        else:
            whole, places = self._taken
            made = _unwritable(whole._array(kind, name, make)[places])
        if self._taken is None or not self._few:
            self._made[kind, name] = made
        return made

    def _column(self, name: str) -> pd.Series:
        """A column of the frame. By name takes a third of the time, but the frame keeps it: only small ones may."""
        frame = self.frame
        return frame[name] if self._few else frame.iloc[:, cast(int, frame.columns.get_loc(name))]

    @property
    def _few(self) -> bool:
        """Whether arrays that are taken from other arrays are made again each time, as that takes microseconds."""
        return self.n <= _FEW_ROWS

    def __reduce__(self) -> tuple[type[Arrays], tuple[pd.DataFrame]]:
        return Arrays, (self.frame,)


def _unwritable(array: np.ndarray) -> np.ndarray:
    """Return a view that cannot be written into; the array itself may belong to the frame."""
    view = array.view()
    view.flags.writeable = False
    return view


def _numbers(column: pd.Series) -> np.ndarray:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        return column.to_numpy(float)
    return pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
