"""Columns of levels: as text, and cut from a number into bands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.api import types

POOLED = "other (pooled)"
"""The level that stands for all levels too rare to be written by name."""


def as_text(column: pd.Series) -> pd.Series:
    """A column of levels as text, so that 1, 1.0 and "1" are one level; missing as None."""
    if types.is_float_dtype(column) and _whole(column.dropna().to_numpy(float)):
        column = column.astype("Int64")
    if not (types.is_integer_dtype(column) or types.is_bool_dtype(column) or _all_text(column)):
        return column.astype(str).astype(object).where(column.notna(), None)
    codes, different = pd.factorize(column)
    text = np.array([*map(str, different), None], dtype=object)
    return pd.Series(text[codes], index=column.index, name=column.name)


def _whole(numbers: np.ndarray) -> bool:
    """True where these are whole numbers that an integer can hold."""
    return bool(np.all(np.abs(numbers) < 2.0**63) and np.all(np.mod(numbers, 1) == 0))


def _all_text(column: pd.Series) -> bool:
    """True where every known value is a `str`, so that equal values are one text."""
    return isinstance(column.dtype, pd.StringDtype) or (
        column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "string"
    )


def banded(numbers: pd.Series, edges: tuple[float, ...], labels: tuple[str, ...]) -> pd.Series:
    """The label of the band each number falls in (see `Band`); missing where the number is missing."""
    index = np.searchsorted(np.asarray(edges), numbers.to_numpy(float), side="right")
    found = pd.Series(np.asarray(labels, dtype=object)[index], index=numbers.index, name=numbers.name)
    return found.where(numbers.notna(), None)


SMALL_COUNT = 5
"""A level that fewer patients have is shown without its name, which may be words that one of them wrote."""


def shown_names(counts: Mapping[str, int]) -> dict[str, str]:
    """Each level as it may be shown, by how many patients have it: a rare one by a number instead of its name.

    A level that no patient has, and '' for missing, name nobody.

    Examples
    --------
    >>> shown_names({"f": 60, "m": 3, "": 2, "x": 4})
    {'f': 'f', 'm': 'rare level 1', '': '', 'x': 'rare level 2'}
    """
    rare = sorted(level for level, count in counts.items() if level and 0 < count < SMALL_COUNT)
    numbers = {level: f"rare level {place}" for place, level in enumerate(rare, start=1)}
    return {level: numbers.get(level, level) for level in counts}
