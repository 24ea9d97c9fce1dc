"""The values a column may have: finite numbers of a usable size, booleans, text that can be written, and dates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types

from heorsynth.core.display import agreeing
from heorsynth.core.errors import CohortError, DurationError, MixedTypesError, Problem
from heorsynth.data.columns.role_checks import TypedProblem

_LARGEST = 1e50
"""The largest absolute value accepted: the fourth power of a larger one overflows."""

_SMALLEST = 1e-50
"""The smallest absolute value accepted besides 0: the fourth power of a smaller one underflows."""

_TEXT = "make it text: {one} = {one}.astype(str)"
NUMBERS = "make it numbers: {one} = {one}.astype(float)"
_REAL = "keep its real part: {one} = {one}.to_numpy().real"
_DECODED = "make it text: {one} = {one}.map(lambda value: value.decode('utf-8'), na_action='ignore')"
_DAYS = "make it days: {one} = {one}.dt.total_seconds() / 86400"
_ARROW = (pa.types.is_integer, pa.types.is_float32, pa.types.is_float64, pa.types.is_boolean, pa.types.is_string,
         pa.types.is_large_string, pa.types.is_decimal, pa.types.is_timestamp, pa.types.is_date)  # fmt: skip
"""The Arrow types that are accepted."""


def arrow_as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with Arrow numbers and booleans converted to the matching pandas types."""
    made = {}
    for name in frame.columns if frame.columns.is_unique else ():
        column = frame[name]
        if not isinstance(column.dtype, pd.ArrowDtype):
            continue
        arrow: Any = column.dtype  # the stubs of pandas lack `numpy_dtype`
        kind = np.dtype(arrow.numpy_dtype)
        if kind.kind in "biuf" and not pa.types.is_float16(arrow.pyarrow_dtype):
            nullable: Any = {"b": "boolean", "f": "float64"}.get(kind.kind, "Int64")
            made[name] = column.astype(nullable if column.isna().any() else kind)
    return frame.assign(**made) if made else frame


def unsupported_columns(frame: pd.DataFrame) -> list[TypedProblem]:
    """Return the columns whose values cannot be compared or written, each with a fix."""
    problems: list[TypedProblem] = []
    for at, name in enumerate(frame.columns):
        problem = _unwritable_name(str(name)) or _wrong_type(str(name), frame.iloc[:, at])
        problems += [problem] if problem else _wrong_values(str(name), frame.iloc[:, at])
    return problems


def _unwritable_name(name: str) -> TypedProblem | None:
    if _writable(name):
        return None
    return CohortError, Problem("columns", "a name has characters that cannot be written", "rename the column")


def _wrong_type(name: str, column: pd.Series) -> TypedProblem | None:
    """Return the problem with a column's type, or None. No value is looked at."""
    kind, where, one = column.dtype, f"column {name!r}", f"frame[{name!r}]"
    if isinstance(kind, pd.SparseDtype):
        return MixedTypesError, Problem(where, "is sparse", f"make it dense: {one} = {one}.sparse.to_dense()")
    if isinstance(kind, pd.ArrowDtype):
        if any(fits(kind.pyarrow_dtype) for fits in _ARROW):
            return None
    elif isinstance(kind, pd.CategoricalDtype):
        return _wrong_type(name, pd.Series(kind.categories)) or _wrong_objects(name, pd.Series(kind.categories))
    elif types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype) or types.is_datetime64_any_dtype(kind):
        return None
    elif types.is_timedelta64_dtype(kind):
        return DurationError, Problem(where, "holds time spans, not numbers", _DAYS.format(one=one))
    elif types.is_bool_dtype(kind) or types.is_integer_dtype(kind) or _usual_float(kind):
        return None
    binary = isinstance(kind, pd.ArrowDtype) and pa.types.is_binary(kind.pyarrow_dtype)
    fix = _DECODED if binary else NUMBERS if types.is_float_dtype(kind) else _TEXT
    fix = _REAL if types.is_complex_dtype(kind) else fix
    return MixedTypesError, Problem(where, f"is of type {_named(kind)}, which is not supported", fix.format(one=one))


def _usual_float(kind: Any) -> bool:
    """Return True for floats of single or double precision."""
    return bool(types.is_float_dtype(kind)) and kind.itemsize in (4, 8)


def _named(kind: object) -> str:
    """Return the type's name without the part that may reveal values."""
    return str(kind).split("[")[0] if isinstance(kind, (pd.IntervalDtype, pd.PeriodDtype)) else str(kind)


def _wrong_values(name: str, column: pd.Series) -> list[TypedProblem]:
    """Return the problems with the values of a column of an accepted type."""
    if types.is_object_dtype(column.dtype) or isinstance(column.dtype, (pd.StringDtype, pd.ArrowDtype)):
        message = _wrong_objects(name, column)
        return [message] if message else []
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [] if not types.is_float_dtype(column.cat.categories.dtype) else _wrong_sizes(name, column.astype(float))
    return _wrong_sizes(name, column) if types.is_float_dtype(column.dtype) else []


def _wrong_sizes(name: str, column: pd.Series) -> list[TypedProblem]:
    """Return the problem of numbers so large or so small that arithmetic with them fails."""
    size = np.abs(column.to_numpy(float, na_value=np.nan))
    beyond = int((np.isfinite(size) & ((size > _LARGEST) | ((size > 0) & (size < _SMALLEST)))).sum())
    if not beyond:
        return []
    are = agreeing(beyond, "is", "are")
    message = f"{beyond} of {len(column)} values {are} larger than {_LARGEST:g} or smaller than {_SMALLEST:g} in size"
    return [(CohortError, Problem(f"column {name!r}", message, "use another unit; write missing as empty"))]


def _wrong_objects(name: str, column: pd.Series) -> TypedProblem | None:
    """Return the problem with the values of an object column, judged by their types and not by their content."""
    where, kinds = f"column {name!r}", set[type]()
    for value in column.unique() if _is_text(column) else column.array:
        if isinstance(value, Decimal) and value.is_snan():
            return MixedTypesError, Problem(where, "holds decimals that signal an error", "write missing as empty")
        if not isinstance(value, str):
            kinds.add(type(value))
        elif not _writable(value):
            fix = "read the file in its own encoding, or drop the column"
            return CohortError, Problem(where, "holds text with characters that cannot be written", fix)
    if kinds & _CONTAINERS or any(issubclass(kind, (pd.Series, pd.DataFrame, pd.Index)) for kind in kinds):
        fix = "give each value a column of its own"
        return MixedTypesError, Problem(where, "holds lists or other containers", fix)
    odd = {kind for kind in kinds if not _plain(kind)}
    other, one = sorted(kind.__name__ for kind in odd), f"frame[{name!r}]"
    if not other:
        return None
    if set(other) <= {"bytes", "bytes_"}:
        return MixedTypesError, Problem(where, "holds bytes, not text", _DECODED.format(one=one))
    fix = NUMBERS if all(issubclass(kind, (Real, np.floating)) for kind in odd) else _TEXT
    message = f"holds objects of type {', '.join(other[:3])}, which is not supported"
    return MixedTypesError, Problem(where, message, fix.format(one=one))


def _is_text(column: pd.Series) -> bool:
    """Return True if every known value is text, so that one of equal values tells the type of all."""
    try:
        return isinstance(column.dtype, pd.StringDtype) or types.infer_dtype(column, skipna=True) == "string"
    except ArithmeticError:  # a decimal that signals an error, even when it is compared
        return False


_CONTAINERS = {list, tuple, dict, set, frozenset, np.ndarray}


def _plain(kind: type) -> bool:
    """Return True if values of this type are text, numbers, booleans, dates or missing."""
    number = issubclass(kind, (Real, np.integer, np.floating, Decimal)) and not issubclass(kind, np.longdouble)
    known = (str, bool, np.bool_, date, type(None), type(pd.NA), type(pd.NaT))
    return (number and kind.__name__ != "Fraction") or issubclass(kind, known)


def _writable(text: str) -> bool:
    """Return True if the text can be written to a file. A lone surrogate cannot."""
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)
