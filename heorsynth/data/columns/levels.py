"""Categorical columns: their levels as text, and numbers cut into bands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.disclosure import RULES

POOLED = "other (pooled)"
"""The level that replaces all levels too rare to be shown by name."""


def as_text(column: pd.Series) -> pd.Series:
    """Return a column of levels as text, with None for missing. 1, 1.0 and "1" become the same level."""
    if types.is_float_dtype(column) and whole(column.dropna().to_numpy(float)):
        column = column.astype("Int64")
    if not (types.is_integer_dtype(column) or types.is_bool_dtype(column) or all_text(column)):
        return column.astype(str).astype(object).where(column.notna(), None)
    codes, different = pd.factorize(column)
    text = np.array([*map(str, different), None], dtype=object)
    return pd.Series(text[codes], index=column.index, name=column.name)


def whole(numbers: np.ndarray) -> bool:
    """Return True if all are whole numbers within the range of a 64-bit integer."""
    return bool(np.all(np.abs(numbers) < 2.0**63) and np.all(np.mod(numbers, 1) == 0))


def all_text(column: pd.Series) -> bool:
    """Return True if every known value is a `str`, so that equal values have equal text."""
    return isinstance(column.dtype, pd.StringDtype) or (
        column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "string"
    )


def band_texts(numbers: np.ndarray, edges: tuple[float, ...], labels: tuple[str, ...]) -> np.ndarray:
    """Return the label of each number's band (n,) (see `Band`), '' if the number is missing."""
    place = np.searchsorted(np.asarray(edges), numbers, side="right")
    return np.array([*labels, ""], dtype=object)[np.where(np.isnan(numbers), -1, place)]


def banded(numbers: pd.Series, edges: tuple[float, ...], labels: tuple[str, ...]) -> pd.Series:
    """Return the same as a column, with None if the number is missing."""
    texts = band_texts(numbers.to_numpy(float), edges, labels)
    return pd.Series(texts, index=numbers.index, name=numbers.name).where(numbers.notna(), None)


SMALL_COUNT = RULES.smallest
"""A level with fewer patients is shown without its name, because the name may be free text about one patient."""


def shown_names(counts: Mapping[str, int]) -> dict[str, str]:
    """Return the name under which each level may be shown. A rare level gets a number instead of its name.

    Levels without patients, and '' for missing, are shown as they are.

    Examples
    --------
    >>> shown_names({"f": 60, "m": 3, "": 2, "x": 4})
    {'f': 'f', 'm': 'rare level 1', '': '', 'x': 'rare level 2'}
    """
    rare = sorted(level for level, count in counts.items() if level and 0 < count < SMALL_COUNT)
    numbers = {level: f"rare level {place}" for place, level in enumerate(rare, start=1)}
    return {level: numbers.get(level, level) for level in counts}
