"""Read Parquet and Feather files. Their unpacked size is checked before they are unpacked."""

from __future__ import annotations

import struct
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heorsynth.core.errors import DamagedFileError, FileError, Problem
from heorsynth.data.columns.column_types import stored_columns, stored_rows
from heorsynth.data.files import limits
from heorsynth.data.labels.label import KEY

RAW_LABEL = "heorsynth_held_label"
"""The key of `attrs` under which a frame keeps the label of its file as bytes, until the label is read."""

_FEATHER_1 = b"FEA1"
DICTIONARY, RECORDS = 2, 3
"""The kinds of message in an Arrow file that hold values."""


def read_parquet(file: Path, excerpt: limits.Excerpt | None = None) -> pd.DataFrame:
    """Return the rows of a Parquet file, or an excerpt of them, with its label.

    An index that pandas stored under another name than its column is read whole: Arrow does not know its values.

    Raises
    ------
    FileError            the file unpacks to more than the limits, or has nested columns
    DamagedFileError     the file is truncated, altered or not Parquet, or its pandas metadata is broken
    """
    with file.open("rb") as raw:
        try:
            known = excerpt is not None and _are_fields(pq.read_schema(file))
            table = limits.parquet_table(file, raw, excerpt if known else None)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(file, "Parquet") from error
    frame = _rows(file, table)
    return frame if known or excerpt is None else _of(frame, excerpt)


def _are_fields(schema: pa.Schema) -> bool:
    """Return True if every column that `stored_rows` makes is a field of the file."""
    return set(stored_columns(schema)) <= set(schema.names)


def _of(frame: pd.DataFrame, excerpt: limits.Excerpt) -> pd.DataFrame:
    """Return an excerpt of a frame."""
    frame = frame if excerpt.columns is None else frame[list(excerpt.columns)]
    return frame if excerpt.rows is None else frame.take(excerpt.rows)


def read_feather(file: Path) -> pd.DataFrame:
    """Return the rows of a Feather file of version 2 (an Arrow file), with its label. Errors as for Parquet."""
    with file.open("rb") as raw:
        if raw.read(len(_FEATHER_1)) == _FEATHER_1:
            fix = "write it as Parquet on the system where it was made"
            raise FileError(f"file {file.name!r}", Problem("", "Feather version 1, which is not supported", fix))
        try:
            with pa.memory_map(str(file)) as source:
                _require_small(file, source)
                table = pa.ipc.open_file(source).read_all()
                table.validate(full=True)
        except (pa.ArrowException, OSError, ValueError, struct.error) as error:
            raise _damaged(file, "Feather") from error
    limits.require_flat(file, table.schema, table.num_rows)
    return _rows(file, table)


def _rows(file: Path, table: pa.Table) -> pd.DataFrame:
    raw = (table.schema.metadata or {}).get(KEY.encode())
    frame = stored_rows(file, table)
    frame.attrs = {} if raw is None else {RAW_LABEL: raw}
    return frame


def _damaged(file: Path, kind: str) -> DamagedFileError:
    return DamagedFileError(f"file {file.name!r}", Problem("", f"truncated, altered or not {kind}", "copy it again"))


def _require_small(file: Path, source: pa.NativeFile) -> None:
    """Raise FileError if the messages of an Arrow file declare more than the limits.

    Each message gives its number of rows and the positions of its buffers. A packed buffer starts with its unpacked
    length. The first message starts at byte 8.
    """
    schema = pa.ipc.open_file(source).schema
    rows = n_bytes = 0
    source.seek(8)
    while (message := _next(source)) is not None:
        head = _Table(message.metadata.to_pybytes())
        kind = head.number(1, "<B")
        if kind not in (DICTIONARY, RECORDS):
            continue
        batch = head.table(2) if kind == RECORDS else head.table(2).table(1)
        rows += batch.number(0, "<q") if kind == RECORDS else 0
        n_bytes += batch.unpacked(message.body)
        limits.require_table(file, rows, len(schema), n_bytes)


def _next(source: pa.NativeFile) -> pa.ipc.Message | None:
    try:
        return pa.ipc.read_message(source)
    except EOFError:
        return None


class _Table:
    """A table of a flatbuffer, the format of Arrow's messages. Its fields are accessed by number.

    References
    ----------
    https://arrow.apache.org/docs/format/Columnar.html  https://flatbuffers.dev/internals
    """

    def __init__(self, raw: bytes, at: int | None = None) -> None:
        self.raw = raw
        self.at = struct.unpack_from("<I", raw)[0] if at is None else at

    def _place(self, field: int) -> int:
        """Return the position of a field, or 0 if it is absent."""
        fields = self.at - struct.unpack_from("<i", self.raw, self.at)[0]
        there = 4 + 2 * field < struct.unpack_from("<H", self.raw, fields)[0]
        offset = struct.unpack_from("<H", self.raw, fields + 4 + 2 * field)[0] if there else 0
        return self.at + offset if offset else 0

    def number(self, field: int, kind: str) -> int:
        """Return a field as a number of the struct format `kind`, or 0 if it is absent."""
        place = self._place(field)
        return int(struct.unpack_from(kind, self.raw, place)[0]) if place else 0

    def table(self, field: int) -> _Table:
        """Return a field that is a table. Raise ValueError if it is absent."""
        place = self._place(field)
        if not place:
            raise ValueError("a field of the message is absent")
        return _Table(self.raw, place + struct.unpack_from("<I", self.raw, place)[0])

    def unpacked(self, body: pa.Buffer) -> int:
        """Return the number of bytes of a record batch's buffers after unpacking."""
        place, packed = self._place(2), bool(self._place(3))
        if not place:
            return 0
        vector = place + struct.unpack_from("<I", self.raw, place)[0]
        total = 0
        for at in range(struct.unpack_from("<I", self.raw, vector)[0]):
            start, length = struct.unpack_from("<qq", self.raw, vector + 4 + 16 * at)
            declared = struct.unpack_from("<q", body, start)[0] if packed and length >= 8 else length
            total += length if declared < 0 else declared
        return total
