"""Limits on the size of files, checked against what a file declares before its rows are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heorsynth.core.errors import FileError, Problem

MAX_CELLS = 200_000_000
"""The largest number of rows times columns that is read."""

MAX_BYTES = 4_000_000_000
"""The largest number of bytes of a file, packed or unpacked."""

MAX_COLUMNS = 10_000
MAX_CELL, WINDOW = 100_000, 10_000
"""The largest number of characters in a cell, and the steps in which text is searched for the end of a cell."""

MAX_RATIO, ALWAYS_ALLOWED = 500, 200_000_000
"""A packed file may unpack to `ALWAYS_ALLOWED` bytes, or to `MAX_RATIO` times its size if that is more."""

_VIEWS = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
"""Text types that a dictionary cannot be cast to, each with the type that is read instead."""

CELLS_VARIABLE = "HEORSYNTH_MAX_CELLS"
"""The environment variable that sets another limit on cells, for trusted files and enough memory."""


@dataclass(frozen=True)
class Excerpt:
    """A part of a file: these columns and these rows (counted from 0, ascending); all of them where it is None."""

    columns: tuple[str, ...] | None = None
    rows: np.ndarray | None = None


def require_size(file: Path) -> None:
    """Raise FileError if a file has more than `MAX_BYTES` bytes."""
    _require(file, "bytes", file.stat().st_size, MAX_BYTES)


class TextMarks:
    """Counts the bytes and cells of delimited text part by part. Raises FileError above the limits."""

    def __init__(self, file: Path, separator: bytes) -> None:
        self.file, self.marks = file, (separator, b"\n", b"\r")
        self.n_bytes, self.n_cells, self.bare = 0, 1, 0

    def count(self, part: bytes) -> None:
        """Add the next part of the file.

        Raises
        ------
        FileError      too many bytes or cells, or one cell longer than `MAX_CELL`
        """
        self.n_bytes += len(part)
        _require(self.file, "bytes", self.n_bytes, MAX_BYTES)
        self.n_cells += sum(part.count(mark) for mark in self.marks) - part.count(b"\r\n")
        _require(self.file, "cells", self.n_cells, _max_cells())
        for start in range(0, len(part), WINDOW):
            end = min(start + WINDOW, len(part))
            marked = any(part.find(mark, start, end) >= 0 for mark in self.marks)
            self.bare = 0 if marked else self.bare + end - start
            if self.bare > MAX_CELL:
                raise FileError(f"file {self.file.name!r}", Problem("", *_long_cell(self.bare)))


def require_columns(file: Path, columns: int) -> None:
    """Raise FileError if a table has too many columns."""
    _require(file, "columns", columns, MAX_COLUMNS)


def require_cells(file: Path, frame: pd.DataFrame) -> None:
    """Raise FileError, with the column, if a text in the frame is longer than `MAX_CELL`.

    Parquet files are checked while text is still in dictionaries (`parquet_table`).
    """
    for name in frame.select_dtypes(["object", "string"]).columns:
        longest = _longest(frame[name])
        if longest > MAX_CELL:
            raise FileError(f"file {file.name!r}", Problem(f"column {name!r}", *_long_cell(longest)))


def _require_short(file: Path, name: str, column: pa.ChunkedArray) -> None:
    """Raise FileError, with the column, if a text of it is longer than `MAX_CELL`; each different text is looked at."""
    for chunk in column.chunks:
        held = chunk.dictionary if isinstance(chunk, pa.DictionaryArray) else chunk
        if (found := _most_characters(held)) > MAX_CELL:
            raise FileError(f"file {file.name!r}", Problem(f"column {name!r}", *_long_cell(found)))


def _most_characters(values: pa.Array) -> int:
    """Return the length of the longest text or bytes; 0 for values of other kinds."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return int(pc.max(pc.utf8_length(values)).as_py() or 0)
    return int(pc.max(pc.binary_length(values)).as_py() or 0) if pa.types.is_binary(values.type) else 0


def _longest(column: pd.Series) -> int:
    """Return the length of the longest text in a column, 0 if it has none."""
    try:
        values = pa.array(column.array, from_pandas=True)
    except (pa.ArrowException, UnicodeError, ArithmeticError):  # values of several kinds, or no proper text
        return max((len(text) for text in column.array if isinstance(text, (str, bytes))), default=0)
    return _most_characters(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)


def _long_cell(characters: int) -> tuple[str, str]:
    """Return the problem of a cell that is too long, and its fix."""
    found = f"a cell has {characters:,} characters or more; the limit is {MAX_CELL:,}"
    return found, "leave that column out, as no generator copies free text; or look for a quote that is never closed"


def require_unpacked(file: Path, n_bytes: int, limit: int) -> None:
    """Raise FileError if a packed file declares more unpacked bytes than the limit."""
    _require(file, "bytes unfolded", n_bytes, limit)


def require_table(file: Path, rows: int, columns: int, n_bytes: int = 0) -> None:
    """Raise FileError if a table of this shape and unpacked size exceeds the limits."""
    _require(file, "columns", columns, MAX_COLUMNS)
    _require(file, "cells", rows * columns, _max_cells())
    _require(file, "bytes unfolded", n_bytes, MAX_BYTES)
    size = file.stat().st_size
    if n_bytes > max(ALWAYS_ALLOWED, MAX_RATIO * size):
        found = f"{size:,} bytes that unfold to {n_bytes:,}: almost all of it is repetition"
        raise FileError(f"file {file.name!r}", Problem("", found, "leave out columns that are the same for everyone"))


def parquet_table(file: Path, raw: BinaryIO, excerpt: Excerpt | None = None) -> pa.Table:
    """Return the table in an opened Parquet file, or an excerpt. The file's unpacked size is checked before.

    Text and bytes columns are first read as dictionaries, which store each distinct value once. So the unpacked size
    is known before the column is unpacked.

    Raises
    ------
    FileError              the file declares or unpacks to more than the limits, has nested columns, or a text is longer
                           than `MAX_CELL`
    pyarrow.ArrowInvalid   the file is not Parquet
    OSError                a page does not match its checksum
    OSError                a page is not what its checksum says, where it has one
    """
    held = pq.ParquetFile(raw, page_checksum_verification=True)
    declared = held.metadata
    groups = [declared.row_group(at) for at in range(declared.num_row_groups)]
    require_table(file, declared.num_rows, declared.num_columns, sum(group.total_byte_size for group in groups))
    values = sum(group.column(at).num_values for group in groups for at in range(group.num_columns))
    _require(file, "cells", values, _max_cells())
    schema = declared.schema.to_arrow_schema()
    require_flat(file, schema, declared.num_rows)
    require_table(file, declared.num_rows, declared.num_columns, declared.num_rows * sum(map(_width, schema.types)))
    long = [one.name for one in schema if _may_be_long(one.type)]
    columns, rows = (None, None) if excerpt is None else (excerpt.columns, excerpt.rows)
    named = None if columns is None else list(columns)
    table = pq.ParquetFile(raw, read_dictionary=long, page_checksum_verification=True).read(named)
    table = table if rows is None else table.take(pa.array(rows))
    folded = {name: at for name in long if (at := table.schema.get_field_index(name)) >= 0}
    _require(file, "bytes unfolded", sum(_unfolded(table.column(at)) for at in folded.values()), MAX_BYTES)
    for name, at in folded.items():
        kind = schema.field(name).type
        if not pa.types.is_dictionary(kind):
            _require_short(file, name, table.column(at))
            plain = _VIEWS.get(kind, kind)
            table = table.set_column(at, pa.field(name, plain), table.column(at).cast(plain))
    return table.replace_schema_metadata(schema.metadata)


def require_flat(file: Path, schema: pa.Schema, rows: int) -> None:
    """Raise FileError if a column is nested, or if columns of fixed width exceed the limits."""
    for one in schema:
        if pa.types.is_nested(one.type):
            found = f"column {one.name!r} holds lists or records, which a cohort cannot have"
            raise FileError(f"file {file.name!r}", Problem("", found, "give each value a column of its own"))
    widths = [one.type.byte_width for one in schema if pa.types.is_fixed_size_binary(one.type)]
    _require(file, "bytes unfolded", sum(widths) * rows, MAX_BYTES)


def _width(kind: pa.DataType) -> int:
    """Return the minimum number of bytes per value. For text and dictionary values this is the size of their offset."""
    try:
        return max(1, kind.bit_width // 8)
    except ValueError:
        return 8


def _may_be_long(kind: pa.DataType) -> bool:
    """Return True for text and bytes of any length, also in dictionaries."""
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary,
             pa.types.is_string_view, pa.types.is_binary_view, pa.types.is_dictionary)  # fmt: skip
    return any(is_kind(kind) for is_kind in kinds)


def _unfolded(column: pa.ChunkedArray) -> int:
    """Return the number of bytes of a text column without its dictionaries."""
    total = 0
    for chunk in column.chunks:
        if not isinstance(chunk, pa.DictionaryArray):
            total += chunk.nbytes
        elif _may_be_long(chunk.dictionary.type):
            lengths = pc.fill_null(pc.binary_length(chunk.dictionary), 0)
            used = pc.sum(pc.take(lengths.cast(pa.int64()), chunk.indices)).as_py()
            total += used or 0
    return total


def _max_cells() -> int:
    value = os.environ.get(CELLS_VARIABLE, "")
    return int(value) if value.isdecimal() else MAX_CELLS


def _require(file: Path, what: str, found: int, limit: int) -> None:
    if found > limit:
        fix = f"split the file; or, if you trust its origin, raise {CELLS_VARIABLE}" if what == "cells" else "split it"
        raise FileError(f"file {file.name!r}", Problem("", f"{found:,} {what}: the limit is {limit:,}", fix))
