"""How much a file may unfold to: asked of what it declares, before any of it is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heorsynth.core.errors import FileError, Problem

MAX_CELLS = 200_000_000
"""Rows times columns of a file that is read: ten times the million rows of twenty columns that we work with."""

MAX_BYTES = 4_000_000_000
"""Bytes a file may have, or unfold to."""

MAX_COLUMNS = 10_000
MAX_CELL, WINDOW = 100_000, 10_000
"""Characters one cell may have, and the steps in which text is searched for the end of a cell."""

MOST_FOLDED, FREELY_FOLDED = 500, 200_000_000
"""A file may not unfold to more than so many times its size, beyond so many bytes: it holds repeats and no patients."""

VIEWS = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
"""Kinds of text that a dictionary cannot be unfolded to, and what is read instead."""

CELLS_VARIABLE = "HEORSYNTH_MAX_CELLS"
"""Names another limit on cells, for who has the memory and knows where the file is from."""


def require_size(file: Path) -> None:
    """Nothing, if a file is small enough to be read at all; FileError otherwise."""
    _require(file, "bytes", file.stat().st_size, MAX_BYTES)


class TextMarks:
    """Counts what text with delimiters unfolds to, part by part; FileError where it is more than can be held."""

    def __init__(self, file: Path, separator: bytes) -> None:
        self.file, self.marks = file, (separator, b"\n", b"\r")
        self.n_bytes, self.n_cells, self.bare = 0, 1, 0

    def count(self, part: bytes) -> None:
        """Adds the next part of the file.

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
    """Nothing, if a table may have so many columns; FileError otherwise."""
    _require(file, "columns", columns, MAX_COLUMNS)


def require_cells(file: Path, frame: pd.DataFrame) -> None:
    """Nothing, if no text of a frame is longer than `MAX_CELL`; FileError, with the column, otherwise."""
    for name in frame.select_dtypes(["object", "string"]).columns:
        column = frame[name]
        longest = max((len(text) for text in column.array if isinstance(text, (str, bytes))), default=0)
        if longest > MAX_CELL:
            raise FileError(f"file {file.name!r}", Problem(f"column {name!r}", *_long_cell(longest)))


def _long_cell(characters: int) -> tuple[str, str]:
    """What is said of a cell that is too long, and what to do."""
    found = f"one cell of {characters:,} characters or more: above {MAX_CELL:,} none is read"
    return found, "leave that column out: no generator copies free text; or look for a quote that is never closed"


def require_unpacked(file: Path, n_bytes: int, limit: int) -> None:
    """Nothing, if a packed file declares no more bytes than a limit; FileError otherwise."""
    _require(file, "bytes unfolded", n_bytes, limit)


def require_table(file: Path, rows: int, columns: int, n_bytes: int = 0) -> None:
    """Nothing, if a table of this shape and unfolded size can be held; FileError otherwise."""
    _require(file, "columns", columns, MAX_COLUMNS)
    _require(file, "cells", rows * columns, _max_cells())
    _require(file, "bytes unfolded", n_bytes, MAX_BYTES)
    size = file.stat().st_size
    if n_bytes > max(FREELY_FOLDED, MOST_FOLDED * size):
        found = f"{size:,} bytes that unfold to {n_bytes:,}: next to nothing but repeats"
        raise FileError(f"file {file.name!r}", Problem("", found, "leave out columns that are the same for everyone"))


def parquet_table(file: Path, raw: BinaryIO) -> pa.Table:
    """The table in a Parquet file that was opened: what it unfolds to is known before its rows are read.

    A column of text or bytes is first read as a dictionary, in which a long text that comes a million times stands
    once: how long it unfolds is then known before it is unfolded.

    Raises
    ------
    FileError              it declares, or unfolds to, more than the limits, or holds cells that hold cells
    pyarrow.ArrowInvalid   not Parquet
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
    table = pq.ParquetFile(raw, read_dictionary=long, page_checksum_verification=True).read()
    folded = {name: table.schema.get_field_index(name) for name in long}
    _require(file, "bytes unfolded", sum(_unfolded(table.column(at)) for at in folded.values()), MAX_BYTES)
    for name, at in folded.items():
        kind = schema.field(name).type
        if not pa.types.is_dictionary(kind):
            plain = VIEWS.get(kind, kind)
            table = table.set_column(at, pa.field(name, plain), table.column(at).cast(plain))
    return table.replace_schema_metadata(schema.metadata)


def require_flat(file: Path, schema: pa.Schema, rows: int) -> None:
    """Nothing, if each cell holds one value, and those of a stated width can be held; FileError otherwise."""
    for one in schema:
        if pa.types.is_nested(one.type):
            found = f"column {one.name!r} holds lists or records, as no cohort does"
            raise FileError(f"file {file.name!r}", Problem("", found, "give each value a column of its own"))
    widths = [one.type.byte_width for one in schema if pa.types.is_fixed_size_binary(one.type)]
    _require(file, "bytes unfolded", sum(widths) * rows, MAX_BYTES)


def _width(kind: pa.DataType) -> int:
    """Bytes that a value takes at least: of text and of folded values, those of its place in a list."""
    try:
        return max(1, kind.bit_width // 8)
    except ValueError:
        return 8


def _may_be_long(kind: pa.DataType) -> bool:
    """True for text and bytes of any length, folded or not."""
    asked = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary,
             pa.types.is_string_view, pa.types.is_binary_view, pa.types.is_dictionary)  # fmt: skip
    return any(is_kind(kind) for is_kind in asked)


def _unfolded(column: pa.ChunkedArray) -> int:
    """Bytes of a column of text written out, from its dictionaries and how often each entry is used."""
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
    given = os.environ.get(CELLS_VARIABLE, "")
    return int(given) if given.isdecimal() else MAX_CELLS


def _require(file: Path, what: str, found: int, limit: int) -> None:
    if found > limit:
        fix = (
            f"split the file; or, if you know where it is from, raise {CELLS_VARIABLE}"
            if what == "cells"
            else "split it"
        )
        raise FileError(f"file {file.name!r}", Problem("", f"{found:,} {what}: more than {limit:,} are not read", fix))
