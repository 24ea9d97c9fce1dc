"""Columns of levels: as text, and cut from a number into bands."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api import types


def as_text(column: pd.Series) -> pd.Series:
    """A column of levels as text, so that 1, 1.0 and "1" are one level; missing as None."""
    if types.is_float_dtype(column) and np.all(np.mod(column.dropna(), 1) == 0):
        column = column.astype("Int64")
    return column.astype(str).astype(object).where(column.notna(), None)


def banded(numbers: pd.Series, edges: tuple[float, ...], labels: tuple[str, ...]) -> pd.Series:
    """The label of the band each number falls in (see `Band`); missing where the number is missing."""
    index = np.searchsorted(np.asarray(edges), numbers.to_numpy(float), side="right")
    found = pd.Series(np.asarray(labels, dtype=object)[index], index=numbers.index, name=numbers.name)
    return found.where(numbers.notna(), None)
