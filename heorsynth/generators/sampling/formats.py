"""The format of a column: its type, the value behind each level, its decimals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.numbers import WHOLE_FLOATS
from heorsynth.data.columns.levels import POOLED, as_text

_MAX_DECIMALS = 6

_FIRST = 50
"""The first rows of a column, which mostly show already that it has more than two values."""


_MANY = 1000
"""The first rows of a column, which mostly show already that its values have more decimals."""


@dataclass(frozen=True)
class Format:
    """The format of a column: its type, and the value behind each level or the decimals of its numbers."""

    dtype: Any = field(repr=False)
    values: Mapping[str, object] = field(repr=False)
    decimals: int | None = None

    @classmethod
    def of(
        cls, column: pd.Series, *, levels: bool = False, numbers: bool = False, least: int = 0, pool_all: bool = False
    ) -> Format:
        """The format of a column.

        Parameters
        ----------
        levels : bool      it holds levels by its role or kind, even if they are numbers
        numbers : bool     it holds numbers by its role or kind, even if only two of them differ
        pool_all : bool    where no level has `least` patients, all are pooled; else the format then has no level
        least : int        a level that fewer patients have is pooled into the level `POOLED`, and all levels are
                           then text; it is neither a value nor a category of the format
        """
        if levels or (not numbers and is_levels(column, least)):
            codes, different = pd.factorize(as_text(column), sort=True)
            counts, last = np.bincount(codes + 1, minlength=len(different) + 1)[1:], np.zeros(len(different) + 1, int)
            last[codes] = np.arange(len(codes))  # of equal text, the last value; missing ones have the spare place
            held = dict(zip(different, column.iloc[last[:-1]].tolist(), strict=True))
            pairs = {level: value for count, (level, value) in zip(counts, held.items(), strict=True) if count >= least}
            if (pairs or (pool_all and held)) and len(pairs) < len(held):
                pairs = {level: level for level in (*pairs, POOLED)}
                return cls(_pooled_dtype(column, pairs), pairs)
            return cls(_dtype(column, set(pairs.values()), least), pairs)
        return cls(column.dtype, {}, decimals_of(column.dropna().to_numpy(float)))

    def column(self, values: np.ndarray, index: pd.Index | None = None) -> pd.Series:
        """The column in the source's type, from text ('' for missing) or numbers (NaN for missing)."""
        if self.values:
            missing = None if self.dtype == object else np.nan
            codes, different = pd.factorize(values, use_na_sentinel=False)
            known = np.empty(len(different), dtype=object)
            known[:] = [self.values.get(str(value), missing) for value in different]
            return _in_type(pd.Series(known[codes], index, dtype=object), self.dtype)
        numbers = values if self.decimals is None else np.round(values.astype(float), self.decimals)
        return _in_type(pd.Series(numbers, index), self.dtype)


def _in_type(column: pd.Series, dtype: Any) -> pd.Series:
    """The column in this type; itself if it is."""
    return column if column.dtype == dtype else column.astype(dtype)


def is_levels(column: pd.Series, least: int = 0) -> bool:
    """True for text or categories, and for two numbers or truth values that `least` patients or more have each."""
    if not types.is_bool_dtype(column) and not types.is_numeric_dtype(column):
        return True
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    if len(column.iloc[:_FIRST].dropna().unique()) > 2:
        return False
    counts = column.value_counts()
    return bool(len(counts) <= 2 and (counts >= least).all())


def decimals_of(values: np.ndarray) -> int | None:
    """The fewest decimals that write all values to the precision of a float; None if more than `_MAX_DECIMALS`."""
    largest = float(np.max(np.abs(values), initial=0.0))
    error = 1e-9 * min(1.0, largest)
    for decimals in range(_MAX_DECIMALS + 1):
        if largest * 10.0**decimals >= WHOLE_FLOATS:
            return None
        if all((np.abs(np.round(some, decimals) - some) <= error).all() for some in (values[:_MANY], values)):
            return decimals
    return None


def _dtype(column: pd.Series, kept: set[object], least: int) -> object:
    """The column's type. A categorical type keeps the kept levels: others would be named without a row."""
    if not isinstance(column.dtype, pd.CategoricalDtype) or not least:
        return column.dtype
    held = [level for level in column.dtype.categories if level in kept]
    return pd.CategoricalDtype(held, ordered=column.dtype.ordered)


def _pooled_dtype(column: pd.Series, levels: Mapping[str, object]) -> object:
    """The type of a column of pooled levels: categories with `POOLED` last, the column's type of text, or object."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        kept = [str(level) for level in column.dtype.categories if str(level) in levels]
        return pd.CategoricalDtype([*kept, POOLED], ordered=False)
    return column.dtype if isinstance(column.dtype, pd.StringDtype) else np.dtype(object)


def formats_to_dict(formats: Mapping[str, Format]) -> dict[str, Any]:
    """Formats as JSON: a level is a number, a truth value or text."""
    return {
        name: {
            "dtype": str(form.dtype),
            "values": dict(form.values),
            "decimals": form.decimals,
            "categories": _categories(form.dtype),
        }
        for name, form in formats.items()
    }


def formats_from_dict(facts: Mapping[str, Any]) -> dict[str, Format]:
    """The formats that `formats_to_dict` wrote."""
    found = {}
    for name, form in facts.items():
        dtype: object = (
            np.dtype(form["dtype"]) if form["categories"] is None and _is_numpy(form["dtype"]) else form["dtype"]
        )
        if form["categories"] is not None:
            dtype = pd.CategoricalDtype(form["categories"]["levels"], ordered=form["categories"]["ordered"])
        found[name] = Format(dtype, form["values"], form["decimals"])
    return found


def _categories(dtype: object) -> dict[str, Any] | None:
    if not isinstance(dtype, pd.CategoricalDtype):
        return None
    return {"levels": list(dtype.categories), "ordered": bool(dtype.ordered)}


def _is_numpy(name: str) -> bool:
    return name in np.sctypeDict or name == "object"
