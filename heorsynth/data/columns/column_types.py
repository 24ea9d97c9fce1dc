"""Convert the columns of a file or frame: decimals become floats, and a named index becomes a column."""

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
from heorsynth.data.columns.role_checks import TypedProblem, multi_level_names
from heorsynth.data.labels.label import has_synthetic_id

_TOO_LARGE = "holds decimals above 2^53 in size; as floats, two different ones may become equal"
_TOO_LARGE_FIX = "write it as text if it is an id, else use a larger unit"


_BROKEN_NOTES = (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError, pa.ArrowException)
"""The errors that pandas raises if its metadata in a Parquet file names missing columns or types, or is not JSON."""


LARGE, FEW_COLUMNS = 100_000_000, 50
"""A table with more bytes than `LARGE`, in few columns, is converted column by column, so memory holds one copy."""


def stored_columns(schema: pa.Schema) -> dict[str, pa.DataType]:
    """Return the columns that `stored_rows` makes of a file of this schema, with their types, decimals as floats."""
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
    """Return the rows of a Parquet file's table.

    A decimal becomes the nearest float, which keeps its first 15 digits. A named index that pandas stored becomes a
    column, except for synthetic ids, which stay the index.

    Raises
    ------
    FileError            decimals too large to stay distinct as floats, an index with the name of a column, or a
                         MultiIndex of rows or columns
    DamagedFileError     the metadata that pandas wrote about the columns is broken
    """
    table = _without_decimals(file, table)
    try:
        large = table.nbytes > LARGE and table.num_columns <= FEW_COLUMNS
        frame = table.to_pandas(split_blocks=large, self_destruct=large)
    except _BROKEN_NOTES as error:
        fix = "write it again; or read it with pyarrow.parquet and write it without the key 'pandas' in its metadata"
        problem = Problem("", "the metadata that pandas wrote about its columns is broken", fix)
        raise DamagedFileError(f"file {file.name!r}", problem) from error
    frame = _with_named_index(file, frame)
    if levels := multi_level_names(frame):
        raise FileError(f"file {file.name!r}", [problem for _, problem in levels])
    return frame


def decimals_as_numbers(frame: pd.DataFrame, id: str | None) -> tuple[pd.DataFrame, list[TypedProblem]]:
    """Return the frame with Decimal columns as floats, except the id, and the problems of too large decimals."""
    if not frame.columns.is_unique:
        return frame, []
    made, problems = {}, list[TypedProblem]()
    for name in frame.columns:
        if name == id or not _holds_decimals(frame[name]):
            continue
        made[name] = frame[name].astype(object).where(frame[name].notna(), np.nan).astype(float)
        if _too_large(made[name].to_numpy()):
            problems.append((CohortError, Problem(f"column {name!r}", _TOO_LARGE, _TOO_LARGE_FIX)))
    return (frame.assign(**made) if made else frame), problems


def _holds_decimals(column: pd.Series) -> bool:
    """Return True if every known value is a number and at least one is a Decimal."""
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
    """Return True if some finite value is too large for a float to represent whole numbers exactly."""
    return bool((np.abs(values[np.isfinite(values)]) > WHOLE_FLOATS).any())


def _without_decimals(file: Path, table: pa.Table) -> pa.Table:
    """Return the table with decimals as the nearest floats.

    They are converted through text, because Arrow's own cast often differs in the last bit.
    """
    for at, one in enumerate(table.schema):
        if not pa.types.is_decimal(one.type):
            continue
        numbers = table.column(at).cast(pa.string()).cast(pa.float64())
        if _too_large(numbers.to_numpy()):
            raise FileError(f"file {file.name!r}", Problem(f"column {one.name!r}", _TOO_LARGE, _TOO_LARGE_FIX))
        table = table.set_column(at, pa.field(one.name, pa.float64()), numbers)
    return table


def _with_named_index(file: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with named index levels as columns, unless the index holds synthetic ids."""
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
            problem = Problem(f"column {level.name!r}", "exists twice: as a column and as the index", "rename one")
            raise FileError(f"file {file.name!r}", problem)
    return frame


def _index_of(schema: pa.Schema) -> list[tuple[str | None, str | None]]:
    """Return (field, name) of each level of the index that pandas stored. Either may be None.

    A range index has no field, because only its start and end are stored.
    """
    try:
        facts = schema.pandas_metadata or {}
        names: Mapping[Any, Any] = {one.get("field_name"): one.get("name") for one in facts.get("columns", ())}
        return [
            (None, one.get("name")) if isinstance(one, Mapping) else (one, names.get(one))
            for one in facts.get("index_columns", ())
        ]
    except _BROKEN_NOTES:  # `stored_rows` reports this when it reads the rows
        return []
