"""The rows of a small synthetic cohort in few bytes: hundreds are held, and only the last ones used are unpacked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from heorsynth.data.columns.arrays import Arrays, Levels

_MOST_ROWS = 2000
"""Larger cohorts are not packed: to unpack them again would take longer than to check them."""

_MOST_CELLS = 500_000
"""Values (rows times columns) of the cohorts of one draw that are unpacked at a time."""

_FEW_LEVELS = 32
"""The levels of numbers with at most so many different values are looked up among those of other cohorts."""

_MOST_DECIMALS = 4
"""Numbers with at most so many decimals are held as whole numbers."""


class _Column(Protocol):
    """A column that is held in few bytes. One of numbers stands for a Series of them."""

    @property
    def dtype(self) -> Any:
        """The type of the column as it was drawn."""

    def to_numpy(self, dtype: Any = None) -> Any:
        """Return the column (n,) as it was drawn, or as another type of numbers."""


@dataclass(frozen=True, slots=True)
class _Plain:
    """A column that is held as it was drawn."""

    values: Any

    @property
    def dtype(self) -> Any:
        """The type of the column as it was drawn."""
        return self.values.dtype

    def to_numpy(self, dtype: Any = None) -> Any:
        """Return the column (n,) as it was drawn, or as another type of numbers."""
        return self.values if dtype is None else self.values.astype(dtype)


@dataclass(frozen=True, slots=True)
class _Decimals:
    """Numbers with few decimals, as whole numbers of a unit; one of them, if any, means missing."""

    whole: np.ndarray
    dtype: np.dtype
    unit: float = 1.0
    missing: int | None = None

    def to_numpy(self, dtype: Any = None) -> np.ndarray:
        """Return the column (n,) as it was drawn, or as another type of numbers."""
        if self.dtype.kind != "f":
            return self.whole.astype(self.dtype if dtype is None else dtype)
        found = self.whole / self.unit
        if self.missing is not None:
            found[self.whole == self.missing] = np.nan
        return found if dtype in (None, float) else found.astype(dtype)


@dataclass(frozen=True, slots=True)
class _Text:
    """Text as the codes of its levels; `texts` are the levels, then what the column holds where it is missing."""

    levels: Levels
    texts: np.ndarray

    @property
    def dtype(self) -> np.dtype:
        """The type of the column as it was drawn."""
        return self.texts.dtype

    def to_numpy(self, dtype: Any = None) -> np.ndarray:
        """Return the column (n,) as it was drawn."""
        return np.asarray(self.texts[self.levels.codes])


class Unpacked:
    """The cohorts of one draw that are unpacked, at most some at a time, and the levels that their columns share."""

    def __init__(self, n: int, n_columns: int) -> None:
        self._size = n, n_columns
        self._most = max(1, _MOST_CELLS // max(n * n_columns, 1))
        self._tables: WeakKeyDictionary[Packed, None] = WeakKeyDictionary()
        self._levels: dict[tuple[object, ...], tuple[np.ndarray, np.ndarray]] = {}
        self._numbers: dict[tuple[object, ...], Levels] = {}

    def add(self, table: Packed) -> None:
        """Note that a cohort is unpacked. If it is one too many, the one that was unpacked first is packed again."""
        while len(self._tables) >= self._most:
            oldest = next(iter(self._tables))
            del self._tables[oldest]
            oldest.pack()
        self._tables[table] = None

    def shared(self, names: np.ndarray, missing: object) -> tuple[np.ndarray, np.ndarray]:
        """Return the names of levels, and the texts with what stands for missing, held once for all cohorts."""
        key = (*names.tolist(), type(missing))
        if key not in self._levels:
            self._levels[key] = names, np.array([*map(str, names[:-1]), missing], dtype=object)
        return self._levels[key]

    def few_levels(self, column: _Decimals) -> Levels | None:
        """Return numbers as levels, which many cohorts have in common; None if there are many different ones."""
        different, place = np.unique(column.whole, return_inverse=True)
        if len(different) > _FEW_LEVELS:
            return None
        key = (different.tobytes(), different.dtype, column.dtype, column.unit, column.missing)
        if key not in self._numbers:
            self._numbers[key] = _levels(replace(column, whole=different))
        return Levels(self._numbers[key].names, self._numbers[key].codes[place])

    def __reduce__(self) -> tuple[type[Unpacked], tuple[int, int]]:
        return Unpacked, self._size  # another process unpacks for itself


def _levels(column: _Column) -> Levels:
    return Levels.of(pd.Series(column.to_numpy(), copy=False))


class Packed(Arrays):
    """A table whose columns are held in few bytes. Its frame and its arrays are made on use, and dropped later.

    The frame has the same bytes as the one that was packed.

    Parameters
    ----------
    columns : Mapping      the columns by name, from `packed`
    n : int                number of rows
    ids : callable         makes the index of the frame
    unpacked : Unpacked    the cohorts of the same draw that are unpacked
    """

    def __init__(self, columns: Mapping[str, _Column], n: int, ids: Callable[[], pd.Index], unpacked: Unpacked) -> None:
        super().__init__(None)
        self._columns, self._n, self._ids, self._unpacked, self._used = columns, n, ids, unpacked, False

    def pack(self) -> None:
        """Drop the frame and all arrays that were made."""
        super().__init__(None)
        self._used = False

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a frame."""
        if (frame := self._frame) is None:
            self._unpack()
            columns = {name: column.to_numpy() for name, column in self._columns.items()}
            frame = self._frame = pd.DataFrame(columns, index=self._ids())
        return frame

    @property
    def n(self) -> int:
        """Number of rows."""
        return self._n

    @property
    def columns(self) -> tuple[Any, ...]:
        """The names of the columns, in their order."""
        return tuple(self._columns)

    def levels(self, name: str) -> Levels:
        """Return a column of levels, coded."""
        column = self._columns[name]
        if isinstance(column, _Text):
            return column.levels
        if name not in self._levels:
            self._unpack()
            few = self._unpacked.few_levels(column) if isinstance(column, _Decimals) else None
            self._levels[name] = _levels(column) if few is None else few
        return self._levels[name]

    def _column(self, name: str) -> pd.Series:
        """A column of the frame; of numbers, what stands for one: to make a Series takes longer than to unpack it."""
        self._unpack()
        column = self._columns[name]
        numbers = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf"
        return cast(pd.Series, column if numbers else pd.Series(column.to_numpy(), copy=False))

    def _unpack(self) -> None:
        if not self._used:
            self._used = True
            self._unpacked.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Packed, (self._columns, self._n, self._ids, self._unpacked)


def packed(frame: pd.DataFrame, ids: Callable[[], pd.Index], unpacked: Unpacked) -> Arrays:
    """Return the rows of a frame with `ids` as their index: in few bytes, or, of many rows, the frame itself.

    A column is packed only where unpacking gives the same bytes.
    """
    if len(frame) > _MOST_ROWS:
        frame.index, frame.attrs = ids(), {}
        return Arrays(frame)
    columns = {str(name): _packed(column, unpacked) for name, column in frame.items()}
    return Packed(columns, len(frame), ids, unpacked)


def _packed(column: pd.Series, unpacked: Unpacked) -> _Column:
    if not isinstance(column.dtype, np.dtype):
        return _Plain(column.array)
    values, kind = column.to_numpy(), column.dtype.kind
    found: _Column | None = None
    if kind in "iu" and len(values):
        smallest = _smallest(int(values.min()), int(values.max()))
        found = None if smallest.kind == "O" else _Decimals(values.astype(smallest), values.dtype)
    elif kind == "f" and values.dtype.itemsize == 8:
        found = _decimals(values)
    elif kind == "O":
        found = _text(values, unpacked)
    return _Plain(values.copy()) if found is None else found


def _smallest(low: int, high: int) -> np.dtype:
    """Return the smallest type of whole numbers that holds these and a smaller one; object if there is none."""
    return np.result_type(np.min_scalar_type(min(low, 0) - 1), np.min_scalar_type(min(-high, 0) - 1))


def _decimals(values: np.ndarray) -> _Decimals | None:
    """Return floats as whole numbers; None if they have more decimals or digits."""
    missing = np.isnan(values)
    known = np.where(missing, 0.0, values)
    for power in range(_MOST_DECIMALS + 1):
        unit = 10.0**power
        whole = np.rint(known * unit)
        low, high = whole.min(initial=0.0), whole.max(initial=0.0)
        if not max(-low, high) < 2.0**31 - 1:
            return None
        if (whole / unit == known).all():
            held = whole.astype(_smallest(int(low), int(high)))
            least = int(np.iinfo(held.dtype).min)
            held[missing] = least
            found = _Decimals(held, values.dtype, unit, least if missing.any() else None)
            return found if found.to_numpy().tobytes() == values.tobytes() else None
    return None


def _text(values: np.ndarray, unpacked: Unpacked) -> _Text | None:
    """Return text as codes of its levels; None if the column holds something else, or two kinds of missing."""
    others = {type(one): one for one in values.tolist() if type(one) is not str}
    if len(others) > 1 or not all(one is None or (isinstance(one, float) and np.isnan(one)) for one in others.values()):
        return None
    coded = _levels(_Plain(values))
    names, texts = unpacked.shared(coded.names, next(iter(others.values()), None))
    return _Text(Levels(names, coded.codes), texts)
