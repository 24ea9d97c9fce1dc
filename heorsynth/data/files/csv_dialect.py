"""Read delimited text, plain or gzipped. It is checked in parts first, so that no refused file fills the memory."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
from pandas.api import types

from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import DamagedFileError, EncodingError, FileError, Problem
from heorsynth.data.columns.number_text import spelt_like_codes
from heorsynth.data.columns.reading_notes import with_notes
from heorsynth.data.columns.role_checks import named_twice
from heorsynth.data.files import limits
from heorsynth.data.files.text_layout import MISSING, Dialect, Layout, is_value, layout_of, lines_above

_HEAD_BYTES = 1_000_000
"""Bytes at the start of a file from which its layout is determined."""

PART_BYTES = 4_000_000
"""Bytes of a file held in memory at a time during the first check."""

_GZIP = ".gz"
_MAY_BE_CODE = rb"(?<=%s) *(?:[+-]?0\d+|[+-]?\d{16,}|\+\d+|\d+[eE]\d+|0\d+[eE%s]\d+|\d+%s\d+0|\d+%s\d{18,}) *(?=%s|\Z)"
"""A cell that may be a code, so that number columns are read as text too. %s is a cell's edge or the decimal mark."""

_MOST_NOTES = 100
"""The number of lines at the end of a table that are searched for notes."""

FEWEST_SHORT, LEAST_SHORT = 5, 0.05
"""The smallest number, and share, of short lines from which on an exporter is assumed to drop trailing empty cells."""

_RAGGED_FIX = "check the separator and the quotes; remove titles and notes next to the table"
_RAGGED = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


@dataclass(frozen=True)
class _Survey:
    """The result of the first check of a whole file, before its rows are read.

    Attributes
    ----------
    layout : Layout
    codes : bool       True if some cell may be a code (`number_text.spelt_like_codes`)
    """

    layout: Layout
    codes: bool


def dialect_of(path: str | Path) -> Dialect:
    """Return the layout of a text file, determined from its first thousand records.

    Raises
    ------
    EncodingError      the file is not UTF-8
    FileError          decimal commas and points are mixed, or commas may be decimal or thousands marks
    """
    file = Path(path)
    with _opened(file) as stream:
        part = stream.read(_HEAD_BYTES + 1)
    return layout_of(file.name, _head(file, part[:_HEAD_BYTES], whole=len(part) <= _HEAD_BYTES)).dialect


def assumed(file: Path) -> str:
    """Return how a text file's layout was interpreted, in words; "" for any other file."""
    return dialect_of(file).assumed if file.suffix.lower() in (".csv", ".tsv", ".txt", _GZIP) else ""


def read_delimited(file: Path) -> pd.DataFrame:
    """Return the rows of a delimited text file.

    Columns of numbers that are written like codes (`number_text.spelt_like_codes`) stay text.

    Raises
    ------
    EncodingError        the file is not UTF-8; the message names the line
    DamagedFileError     the file is empty, has lines of different lengths, or is not gzipped as its ending says
    FileError            the file is too large, two columns have the same name, the first line is not a header, or the
                         decimal mark is ambiguous
    """
    found = _surveyed(file)
    frame = _by_pandas(file, found)
    if not isinstance(frame.index, pd.RangeIndex):
        message = "its rows have more values than its header has names"
        raise DamagedFileError(
            f"file {file.name!r}", Problem("", message, "name every column, or remove commas at line ends")
        )
    require_header(file, frame)
    require_no_note(file, frame)
    return with_notes(frame, [lines_above(found.layout.dialect.above), _short_lines(file, frame, found.layout)])


def scan_delimited(file: Path) -> pd.DataFrame:
    """Return the rows of a text file for inspection, several times as fast as `read_delimited`.

    Arrow reads the file, and columns of mixed types may be text. If Arrow fails, pandas reads the file. The errors are
    those of `read_delimited`.
    """
    found = _surveyed(file)
    dialect = found.layout.dialect
    if found.codes or found.layout.names[0].startswith("#"):
        return read_delimited(file)
    try:
        with _opened(file) as stream:
            table = pacsv.read_csv(
                pa.PythonFile(stream, mode="r"),
                read_options=pacsv.ReadOptions(skip_rows=dialect.above),
                parse_options=pacsv.ParseOptions(delimiter=dialect.separator),
                convert_options=pacsv.ConvertOptions(
                    null_values=MISSING, strings_can_be_null=True, decimal_point=dialect.decimal
                ),
            )
    except pa.ArrowException:
        return read_delimited(file)
    if table.column_names != list(found.layout.names) or len(set(table.column_names)) < table.num_columns:
        return read_delimited(file)
    return table.to_pandas()


def _surveyed(file: Path) -> _Survey:
    """Check that a file is text and within the limits, and return its layout.

    The file is read in parts of `PART_BYTES`, so that a refused file never fills the memory.

    Raises
    ------
    The errors of `read_delimited`, except those that only the rows can show.
    """
    with _opened(file) as stream:
        part = stream.read(PART_BYTES)
        layout = layout_of(file.name, _head(file, part[:_HEAD_BYTES], whole=len(part) <= _HEAD_BYTES))
        separator = layout.dialect.separator
        limits.require_columns(file, len(layout.names))
        marks = limits.TextMarks(file, separator.encode())
        edge = rb"[\n\r\"%s]" % re.escape(separator.encode())
        point = re.escape(layout.dialect.decimal.encode())
        maybe = re.compile(_MAY_BE_CODE % (edge, point, point, point, edge))
        utf8, lines, codes, before = codecs.getincrementaldecoder("utf-8")(), 0, False, b""
        while part:
            _require_text(file, utf8, part, lines)
            marks.count(part)
            codes = codes or bool(maybe.search(before + part))
            before, lines = part[-100:], lines + part.count(b"\n")
            part = stream.read(PART_BYTES)
        _require_text(file, utf8, b"", lines, final=True)
    if not layout.names:
        raise DamagedFileError(f"file {file.name!r}", Problem("", "is empty", "check the export"))
    names = [name.strip() for name in layout.names if name.strip()]
    if twice := sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
        raise FileError(f"file {file.name!r}", named_twice(twice))
    return _Survey(layout, codes)


@contextmanager
def _opened(file: Path) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    """Open the file's bytes, unpacked if it is gzipped. Raise DamagedFileError if it cannot be unpacked."""
    if file.suffix.lower() != _GZIP:
        with file.open("rb") as plain:
            yield plain
        return
    try:
        with gzip.open(file, "rb") as unpacked:
            yield unpacked
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        message = Problem("", "truncated or not gzipped", "pack it again")
        raise DamagedFileError(f"file {file.name!r}", message) from error


def _by_pandas(file: Path, found: _Survey) -> pd.DataFrame:
    """Return the rows as pandas reads them, with codes as text."""
    frame = _parsed(file, found.layout)
    if not found.codes:
        return frame
    numbers = [at for at, kind in enumerate(frame.dtypes) if types.is_numeric_dtype(kind)]
    text = _parsed(file, found.layout, columns=numbers)
    for name in text.columns:
        cells = text[name].str.strip()
        if spelt_like_codes(cells.dropna().unique().tolist()):
            frame[name] = cells
    return frame


def _parsed(file: Path, layout: Layout, columns: list[int] | None = None) -> pd.DataFrame:
    """Return all rows, or some columns as text. Raise DamagedFileError if lines have different lengths."""
    dialect = layout.dialect
    try:
        with _opened(file) as stream:
            frame = pd.read_csv(
                stream, encoding="utf-8", float_precision="round_trip", low_memory=False, keep_default_na=False,
                na_values=MISSING, sep=dialect.separator, decimal=dialect.decimal, skiprows=dialect.above,
                usecols=columns, dtype=None if columns is None else str,
            )  # fmt: skip
    except pd.errors.EmptyDataError as error:
        raise DamagedFileError(f"file {file.name!r}", Problem("", "is empty", "check the export")) from error
    except pd.errors.ParserError as error:
        where = _RAGGED.search(str(error))
        message = f": {where[3]} values here, {where[1]} above" if where else ""
        problem = Problem(f"line {where[2]}" if where else "", f"rows of different lengths{message}", _RAGGED_FIX)
        raise DamagedFileError(f"file {file.name!r}", problem) from None
    return frame.rename(columns={name: name.lstrip("# ") for name in frame.columns[:1] if str(name).startswith("#")})


def require_header(file: Path, frame: pd.DataFrame) -> None:
    """Raise FileError, without quoting a value, if the column names of a table are values of a patient.

    A name that is a number or a date is a value. If at least half of the names also occur among the values of their
    column, the first line is an ordinary row, or the header is repeated further down.
    """
    if not len(frame.columns):
        return
    names = [str(name) for name in frame.columns]
    numbers = sum(is_value(name) for name in names)
    texts = [name for name, kind in zip(frame.columns, frame.dtypes, strict=True) if not types.is_numeric_dtype(kind)]
    again = sum(bool((frame[name].astype(str) == str(name)).any()) for name in texts)
    if not numbers and 2 * again < len(names):
        return
    as_values = (
        f"{numbers} of its {len(names)} names {agreeing(numbers, 'is a number or a date', 'are numbers or dates')}"
    )
    reason = as_values if numbers else "it occurs again among the rows"
    raise FileError(
        f"file {file.name!r}",
        Problem(
            "line 1",
            f"is a row of values and not a header: {reason}",
            "write a line of column names above the rows; if these are names, start each with a letter (m1 for 1)",
        ),
    )


def require_no_note(file: Path, frame: pd.DataFrame) -> None:
    """Raise FileError if the last rows hold a single text each: these are notes and not patients."""
    if len(frame) < 2 or len(frame.columns) < 3:
        return
    texts = [at for at, kind in enumerate(frame.dtypes) if not types.is_numeric_dtype(kind)]
    filled = frame.tail(_MOST_NOTES + 1).notna().to_numpy()[::-1]
    alone = (filled.sum(axis=1) == 1) & filled[:, texts].any(axis=1)
    notes = int(np.logical_and.accumulate(alone).sum())
    if 0 < notes < len(alone):
        where = "last line" if notes == 1 else f"last {notes} lines"
        message = f"{'holds' if notes == 1 else 'hold'} a single text and no other value: a note below the table?"
        raise FileError(f"file {file.name!r}", Problem(where, message, "remove it: each row must be a patient"))


def _short_lines(file: Path, frame: pd.DataFrame, layout: Layout) -> str:
    """Return a note on short lines whose trailing empty cells an exporter left out; "" if there are none.

    Such an exporter leaves out the trailing empty cells of every line. Therefore DamagedFileError is raised if only
    few lines are short, or if another line ends in an empty cell: the short lines are then notes, or were cut off.
    """
    width = len(layout.names)
    if width < 2 or not frame.iloc[:, -1].isna().any():
        return ""
    short = ended_empty = first = 0
    with _opened(file) as stream:
        lines = io.TextIOWrapper(stream, "utf-8-sig", newline="")
        reader = csv.reader(itertools.islice(lines, layout.dialect.above, None), delimiter=layout.dialect.separator)
        for record in reader:
            if len(record) >= width:
                ended_empty += not record[-1].strip()
            elif any(part.strip() for part in record):
                short, first = short + 1, first or layout.dialect.above + reader.line_num
    if not short:
        return ""
    if ended_empty or short < max(FEWEST_SHORT, LEAST_SHORT * len(frame)):
        message = f"{counted(short, 'line')} {agreeing(short, 'has', 'have')} fewer values than the header has names"
        fix = "complete or remove it; was the file cut short? Empty cells at line ends must be written, as commas"
        raise DamagedFileError(f"file {file.name!r}", Problem(f"line {first}", message, fix))
    end = agreeing(short, "ends", "end")
    return f"{counted(short, 'line')} {end} before the last column; the missing cells are read as missing values."


def _head(file: Path, raw: bytes, *, whole: bool) -> str:
    """Return the first bytes as text, without an incomplete last line."""
    _require_text(file, codecs.getincrementaldecoder("utf-8")(), raw, 0)
    text = codecs.getincrementaldecoder("utf-8-sig")().decode(raw, final=False)
    return text if whole or "\n" not in text else text[: text.rindex("\n") + 1]


def _require_text(file: Path, utf8: codecs.IncrementalDecoder, part: bytes, lines: int, *, final: bool = False) -> None:
    """Raise EncodingError unless the next part of a file is UTF-8 text. `lines` is the number of lines before it."""
    at = part.find(b"\0")
    if at >= 0:
        fix = "save it as CSV UTF-8; UTF-16, which Excel calls Unicode text, is not read"
        message = Problem(
            f"line {lines + part.count(bytes([10]), 0, at) + 1}", "not UTF-8 text: contains zero bytes", fix
        )
        raise EncodingError(f"file {file.name!r}", message)
    try:
        utf8.decode(part, final)
    except UnicodeDecodeError as error:
        line = lines + part.count(b"\n", 0, max(error.start, 0)) + 1
        raise EncodingError(
            f"file {file.name!r}", Problem(f"line {line}", "not UTF-8", "save it as CSV UTF-8")
        ) from None
