"""What the columns of a cohort may hold: numbers of a usable size, truth values, text that can be written, dates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types

from heorsynth.core.errors import CohortError, DurationError, MixedTypesError, Problem
from heorsynth.data.columns.role_checks import Found

LARGEST = 1e50
"""No time, amount or measurement is larger; the fourth power of one that is overflows."""

SMALLEST = 1e-50
"""None but 0 is smaller, for the same reason."""

TEXT = "make it text: {one} = {one}.astype(str)"
NUMBERS = "make it numbers: {one} = {one}.astype(float)"
REAL = "keep its real part: {one} = {one}.to_numpy().real"
DECODED = "make it text: {one} = {one}.map(lambda value: value.decode('utf-8'), na_action='ignore')"
DAYS = "make it days: {one} = {one}.dt.total_seconds() / 86400"
ARROW = (pa.types.is_integer, pa.types.is_float32, pa.types.is_float64, pa.types.is_boolean, pa.types.is_string,
         pa.types.is_large_string, pa.types.is_decimal, pa.types.is_timestamp, pa.types.is_date)  # fmt: skip
"""The types of Arrow that a column may have."""


def arrow_as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame with Arrow's numbers and truth values in the types that pandas has for them."""
    made = {}
    for name in frame.columns if frame.columns.is_unique else ():
        column = frame[name]
        if not isinstance(column.dtype, pd.ArrowDtype):
            continue
        kind = np.dtype(column.dtype.numpy_dtype)  # type: ignore[attr-defined]
        if kind.kind in "biuf" and not pa.types.is_float16(column.dtype.pyarrow_dtype):
            whole = {"b": "boolean", "f": "float64"}.get(kind.kind, "Int64")
            made[name] = column.astype(whole if column.isna().any() else kind)  # type: ignore[arg-type]
    return frame.assign(**made) if made else frame


def unholdable(frame: pd.DataFrame) -> list[Found]:
    """Columns whose values no check and no generator can compare or write, and how to make them ones that can be."""
    found: list[Found] = []
    for at, name in enumerate(frame.columns):
        told = _unreadable_name(str(name)) or _wrong_type(str(name), frame.iloc[:, at])
        found += [told] if told else _wrong_values(str(name), frame.iloc[:, at])
    return found


def _unreadable_name(name: str) -> Found | None:
    if _writable(name):
        return None
    told = Problem("columns", "a name holds characters that cannot be written", "name the column anew")
    return CohortError, told


def _wrong_type(name: str, column: pd.Series) -> Found | None:
    """What stands against the type of a column, before a value of it is looked at."""
    kind, where, one = column.dtype, f"column {name!r}", f"frame[{name!r}]"
    if isinstance(kind, pd.SparseDtype):
        return MixedTypesError, Problem(where, "is sparse", f"make it dense: {one} = {one}.sparse.to_dense()")
    if isinstance(kind, pd.ArrowDtype):
        if any(fits(kind.pyarrow_dtype) for fits in ARROW):
            return None
    elif isinstance(kind, pd.CategoricalDtype):
        return _wrong_type(name, pd.Series(kind.categories)) or _wrong_objects(name, pd.Series(kind.categories))
    elif types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype) or types.is_datetime64_any_dtype(kind):
        return None
    elif types.is_timedelta64_dtype(kind):
        return DurationError, Problem(where, "holds time spans, not numbers", DAYS.format(one=one))
    elif types.is_bool_dtype(kind) or types.is_integer_dtype(kind) or _usual_float(kind):
        return None
    binary = isinstance(kind, pd.ArrowDtype) and pa.types.is_binary(kind.pyarrow_dtype)
    fix = DECODED if binary else NUMBERS if types.is_float_dtype(kind) else TEXT
    fix = REAL if types.is_complex_dtype(kind) else fix
    return MixedTypesError, Problem(where, f"is of type {_named(kind)}, which no check compares", fix.format(one=one))


def _usual_float(kind: Any) -> bool:
    """Whether a type is a float of single or double precision."""
    return bool(types.is_float_dtype(kind)) and kind.itemsize in (4, 8)


def _named(kind: object) -> str:
    """The type's name without what it may say of values."""
    return str(kind).split("[")[0] if isinstance(kind, (pd.IntervalDtype, pd.PeriodDtype)) else str(kind)


def _wrong_values(name: str, column: pd.Series) -> list[Found]:
    """What stands against the values of a column whose type may be held."""
    if types.is_object_dtype(column.dtype) or isinstance(column.dtype, (pd.StringDtype, pd.ArrowDtype)):
        told = _wrong_objects(name, column)
        return [told] if told else []
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [] if not types.is_float_dtype(column.cat.categories.dtype) else _wrong_sizes(name, column.astype(float))
    return _wrong_sizes(name, column) if types.is_float_dtype(column.dtype) else []


def _wrong_sizes(name: str, column: pd.Series) -> list[Found]:
    """Numbers so large or so small that arithmetic with them is none."""
    size = np.abs(column.to_numpy(float, na_value=np.nan))
    beyond = int((np.isfinite(size) & ((size > LARGEST) | ((size > 0) & (size < SMALLEST)))).sum())
    if not beyond:
        return []
    told = f"{beyond} of {len(column)} values are larger than {LARGEST:g} or smaller than {SMALLEST:g} in size"
    return [(CohortError, Problem(f"column {name!r}", told, "use another unit; write missing as empty"))]


def _wrong_objects(name: str, column: pd.Series) -> Found | None:
    """What stands against the values of a column of objects, by their types: never by what they are."""
    where, kinds = f"column {name!r}", set[type]()
    for value in column.array:
        if isinstance(value, Decimal) and value.is_snan():
            return MixedTypesError, Problem(where, "holds decimals that signal an error", "write missing as empty")
        if not isinstance(value, str):
            kinds.add(type(value))
        elif not _writable(value):
            fix = "read the file in its own encoding, or drop the column"
            return CohortError, Problem(where, "holds text with characters that cannot be written", fix)
    if kinds & CONTAINERS or any(issubclass(kind, (pd.Series, pd.DataFrame, pd.Index)) for kind in kinds):
        fix = "give each value a column of its own"
        return MixedTypesError, Problem(where, "holds lists or other containers", fix)
    odd = {kind for kind in kinds if not _plain(kind)}
    other, one = sorted(kind.__name__ for kind in odd), f"frame[{name!r}]"
    if not other:
        return None
    if set(other) <= {"bytes", "bytes_"}:
        return MixedTypesError, Problem(where, "holds bytes, not text", DECODED.format(one=one))
    fix = NUMBERS if all(issubclass(kind, (Real, np.floating)) for kind in odd) else TEXT
    told = f"holds objects of type {', '.join(other[:3])}, which no check compares"
    return MixedTypesError, Problem(where, told, fix.format(one=one))


CONTAINERS = {list, tuple, dict, set, frozenset, np.ndarray}


def _plain(kind: type) -> bool:
    """Whether values of this type are text, numbers, truth values, dates or missing."""
    number = issubclass(kind, (Real, np.integer, np.floating, Decimal)) and not issubclass(kind, np.longdouble)
    known = (str, bool, np.bool_, date, type(None), type(pd.NA), type(pd.NaT))
    return (number and kind.__name__ != "Fraction") or issubclass(kind, known)


def _writable(text: str) -> bool:
    """Whether a text can be written to a file: half of a pair of surrogates cannot."""
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)
