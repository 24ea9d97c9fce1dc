"""What the columns of a file or a frame are as rows: decimals are numbers, and an index that has a name is a column."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types

from heorsynth.core.errors import CohortError, DamagedFileError, FileError, Problem
from heorsynth.core.numbers import WHOLE_FLOATS
from heorsynth.data.columns.role_checks import Found, several_levels
from heorsynth.data.labels.label import has_synthetic_id

TOO_LARGE = "holds decimals above 2^53 in size, of which two may become one number"
TOO_LARGE_FIX = "write it as text if it tells patients apart, else in a larger unit"


BROKEN_NOTES = (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError, pa.ArrowException)
"""What pandas raises where its notes in a Parquet file name columns or types that are not there, or are no JSON."""


LARGE, FEW_COLUMNS = 100_000_000, 50
"""A table of so many bytes in so few columns is given up column by column, so that it is not held twice."""


def stored_columns(schema: pa.Schema) -> dict[str, pa.DataType]:
    """The columns that `stored_rows` makes of a file of this schema, with their types: decimals are floats there."""
    held = {one.name: pa.float64() if pa.types.is_decimal(one.type) else one.type for one in schema}
    for field, name in _index_of(schema):
        if field is None and name is not None:
            held.setdefault(name, pa.int64())
        elif field is not None and field != name:
            kind = held.pop(field, None)
            if name is not None and kind is not None:
                held.setdefault(name, kind)
    return held


def stored_rows(file: Path, table: pa.Table) -> pd.DataFrame:
    """The rows of a Parquet file's table.

    A decimal is the float nearest to it, which keeps its first 15 digits. An index that pandas stored is a column where
    it has a name; names of synthetic rows stay the index.

    Raises
    ------
    FileError            decimals of which two could become one number, an index named as another column, or
                         columns or rows with several names each
    DamagedFileError     what pandas noted in the file about its columns cannot be understood
    """
    table = _without_decimals(file, table)
    try:
        large = table.nbytes > LARGE and table.num_columns <= FEW_COLUMNS
        frame = table.to_pandas(split_blocks=large, self_destruct=large)
    except BROKEN_NOTES as error:
        fix = "write it again; or read it with pyarrow.parquet and write it without the key 'pandas' in its metadata"
        told = Problem("", "what pandas noted in it about its columns is broken", fix)
        raise DamagedFileError(f"file {file.name!r}", told) from error
    frame = _with_named_index(file, frame)
    if levels := several_levels(frame):
        raise FileError(f"file {file.name!r}", [problem for _, problem in levels])
    return frame


def decimals_as_numbers(frame: pd.DataFrame, id: str | None) -> tuple[pd.DataFrame, list[Found]]:
    """The same frame with columns of Decimal objects as floats, but for the id, and those that cannot be."""
    if not frame.columns.is_unique:
        return frame, []
    made, found = {}, list[Found]()
    for name in frame.columns:
        if name == id or not _holds_decimals(frame[name]):
            continue
        made[name] = frame[name].astype(object).where(frame[name].notna(), np.nan).astype(float)
        if _too_large(made[name].to_numpy()):
            found.append((CohortError, Problem(f"column {name!r}", TOO_LARGE, TOO_LARGE_FIX)))
    return (frame.assign(**made) if made else frame), found


def _holds_decimals(column: pd.Series) -> bool:
    """True where every known value is a number, and a Decimal among them: no other kind of number is an object."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _holds_decimals(pd.Series(column.cat.categories))
    if isinstance(column.dtype, pd.ArrowDtype):
        return bool(pa.types.is_decimal(column.dtype.pyarrow_dtype))
    if not types.is_object_dtype(column):
        return False
    kind = types.infer_dtype(column, skipna=True)
    if not kind.startswith("mixed"):
        return bool(kind == "decimal")
    known = set(map(type, column.dropna()))
    return Decimal in known and all(issubclass(one, (Decimal, int, float, np.number)) for one in known - {bool})


def _too_large(values: np.ndarray) -> bool:
    """Whether some finite value is larger than the largest whole number that has a float of its own."""
    return bool((np.abs(values[np.isfinite(values)]) > WHOLE_FLOATS).any())


def _without_decimals(file: Path, table: pa.Table) -> pa.Table:
    """The table with its decimals as the nearest floats: by their text, since Arrow's own cast is often an ulp off."""
    for at, one in enumerate(table.schema):
        if not pa.types.is_decimal(one.type):
            continue
        numbers = table.column(at).cast(pa.string()).cast(pa.float64())
        if _too_large(numbers.to_numpy()):
            raise FileError(f"file {file.name!r}", Problem(f"column {one.name!r}", TOO_LARGE, TOO_LARGE_FIX))
        table = table.set_column(at, pa.field(one.name, pa.float64()), numbers)
    return table


def _with_named_index(file: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with each level of its index that has a name as a column, unless they name synthetic rows."""
    index = frame.index
    levels = [index.get_level_values(at) for at in range(index.nlevels)]
    named = [at for at, level in enumerate(levels) if level.name is not None]
    if not named or any(has_synthetic_id(level).any() for level in levels):
        return frame
    rest = [level for at, level in enumerate(levels) if at not in named]
    frame = frame.set_axis(pd.MultiIndex.from_arrays(rest) if len(rest) > 1 else rest[0] if rest else range(len(frame)))
    for level in (levels[at] for at in named):
        if level.name not in frame.columns:
            frame[level.name] = level.array
        elif not level.equals(pd.Index(frame[level.name])):
            told = Problem(f"column {level.name!r}", "is there twice: as a column, and as the index", "rename one")
            raise FileError(f"file {file.name!r}", told)
    return frame


def _index_of(schema: pa.Schema) -> list[tuple[str | None, str | None]]:
    """The field, if it has one, and the name, if it has one, of each level of the index that pandas stored.

    Row numbers have no field: only where they begin and end is stored.
    """
    try:
        facts = schema.pandas_metadata or {}
        names: Mapping[Any, Any] = {one.get("field_name"): one.get("name") for one in facts.get("columns", ())}
        return [
            (None, one.get("name")) if isinstance(one, Mapping) else (one, names.get(one))
            for one in facts.get("index_columns", ())
        ]
    except BROKEN_NOTES:  # told when the rows are read
        return []
