"""Reads text with delimiters, plain or gzipped: looked over in parts, so that a hostile file is refused unread."""

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
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
from pandas.api import types

from heorsynth.core.errors import DamagedFileError, EncodingError, FileError, Problem
from heorsynth.data.columns.number_text import spelt_as_codes
from heorsynth.data.columns.reading_notes import with_notes
from heorsynth.data.columns.role_checks import named_twice
from heorsynth.data.files import limits
from heorsynth.data.files.text_layout import MISSING, Dialect, Layout, is_value, layout_of, lines_above

HEAD_BYTES = 1_000_000
"""How much of a file is looked at to tell its layout."""

PART_BYTES = 4_000_000
"""How much of a file is held at a time while it is looked over."""

GZIP = ".gz"
MAY_BE_CODE = rb"(?<=%s) *(?:[+-]?0\d+|[+-]?\d{16,}|\+\d+|\d+[eE]\d+|0\d+[eE%s]\d+|\d+%s\d+0|\d+%s\d{18,}) *(?=%s|\Z)"
"""A cell for whose sake the columns of numbers are looked at as text; %s is the edge of a cell, or the decimal mark."""

MOST_NOTES = 100
"""Lines at the end of a table among which notes are looked for."""

FEWEST_SHORT, LEAST_SHORT = 5, 0.05
"""Short lines, and their share of all, from which on an exporter may have left out the empty cells at line ends."""

RAGGED_FIX = "check the separator and the quotes; a title or a note beside the table must go"
RAGGED = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


@dataclass(frozen=True)
class Survey:
    """What a look over a whole file showed, before any of it is read.

    Attributes
    ----------
    layout : Layout
    codes : bool       whether digits stand somewhere that may be a code (`number_text.spelt_as_codes`)
    """

    layout: Layout
    codes: bool


def dialect_of(path: str | Path) -> Dialect:
    """The layout of a file of text, from its first thousand records: the same file gives the same answer.

    Raises
    ------
    EncodingError      not UTF-8
    FileError          decimal commas beside decimal points, or commas that may be decimal marks or thousands
    """
    file = Path(path)
    with _opened(file) as stream:
        part = stream.read(HEAD_BYTES + 1)
    return layout_of(file.name, _head(file, part[:HEAD_BYTES], whole=len(part) <= HEAD_BYTES)).dialect


def assumed(file: Path) -> str:
    """What was assumed to read a file of text, in a sentence or two; "" of any other file."""
    return dialect_of(file).assumed if file.suffix.lower() in (".csv", ".tsv", ".txt", GZIP) else ""


def read_delimited(file: Path) -> pd.DataFrame:
    """The rows of a file of text, in whichever layout it has.

    Columns of numbers that are spelt as codes are (`number_text.spelt_as_codes`) stay text.

    Raises
    ------
    EncodingError        not UTF-8; the message names the line
    DamagedFileError     empty, ragged, with more values than names, or no gzip where its ending says so
    FileError            too large; two columns of one name; its first line is no header; its decimal marks cannot be
                         told
    """
    found = surveyed(file)
    frame = _by_pandas(file, found)
    if not isinstance(frame.index, pd.RangeIndex):
        told = "its rows hold more values than its header has names"
        raise DamagedFileError(
            f"file {file.name!r}", Problem("", told, "name every column, or cut commas at line ends")
        )
    require_header(file, frame)
    require_no_note(file, frame)
    return with_notes(frame, [lines_above(found.layout.dialect.above), _short_lines(file, frame, found.layout)])


def scan_delimited(file: Path) -> pd.DataFrame:
    """The rows of a file of text to look over only, by Arrow: several times as fast as `read_delimited`.

    Columns of mixed or late kinds may be text. By pandas where Arrow finds rows or values that do not fit its first
    look at them. Raises as `read_delimited` does.
    """
    found = surveyed(file)
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


def surveyed(file: Path) -> Survey:
    """The layout of a file, once it is known that it is text and makes a table that can be held.

    The file is looked over in parts of `PART_BYTES`, so that one that is refused never fills the memory.

    Raises
    ------
    As `read_delimited`, but for what only its rows can show.
    """
    with _opened(file) as stream:
        part = stream.read(PART_BYTES)
        layout = layout_of(file.name, _head(file, part[:HEAD_BYTES], whole=len(part) <= HEAD_BYTES))
        separator = layout.dialect.separator
        limits.require_columns(file, len(layout.names))
        marks = limits.TextMarks(file, separator.encode())
        edge = rb"[\n\r\"%s]" % re.escape(separator.encode())
        point = re.escape(layout.dialect.decimal.encode())
        maybe = re.compile(MAY_BE_CODE % (edge, point, point, point, edge))
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
    return Survey(layout, codes)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked where it is gzipped; DamagedFileError where it cannot be unpacked."""
    if file.suffix.lower() != GZIP:
        with file.open("rb") as plain:
            yield plain
        return
    try:
        with gzip.open(file, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        told = Problem("", "truncated or not gzipped", "pack it again")
        raise DamagedFileError(f"file {file.name!r}", told) from error


def _by_pandas(file: Path, found: Survey) -> pd.DataFrame:
    """The rows as pandas reads them, with codes as text."""
    frame = _parsed(file, found.layout)
    if not found.codes:
        return frame
    numbers = [at for at, kind in enumerate(frame.dtypes) if types.is_numeric_dtype(kind)]
    text = _parsed(file, found.layout, columns=numbers)
    for name in text.columns:
        cells = text[name].str.strip()
        if spelt_as_codes(cells.dropna().unique().tolist()):
            frame[name] = cells
    return frame


def _parsed(file: Path, layout: Layout, columns: list[int] | None = None) -> pd.DataFrame:
    """The rows, or some columns of them as text; DamagedFileError where they are ragged."""
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
        where = RAGGED.search(str(error))
        told = f": {where[3]} values here, {where[1]} above" if where else ""
        problem = Problem(f"line {where[2]}" if where else "", f"rows of different lengths{told}", RAGGED_FIX)
        raise DamagedFileError(f"file {file.name!r}", problem) from None
    return frame.rename(columns={name: name.lstrip("# ") for name in frame.columns[:1] if str(name).startswith("#")})


def require_header(file: Path, frame: pd.DataFrame) -> None:
    """Refuses a table whose column names are a patient's values, without quoting any.

    A name that is a number or a date is a value. Where at least half of the names stand among the values of their
    own column, the first line is a row like the others, or stands again further down.
    """
    if not len(frame.columns):
        return
    names = [str(name) for name in frame.columns]
    numbers = sum(is_value(name) for name in names)
    texts = [name for name, kind in zip(frame.columns, frame.dtypes, strict=True) if not types.is_numeric_dtype(kind)]
    again = sum(bool((frame[name].astype(str) == str(name)).any()) for name in texts)
    if not numbers and 2 * again < len(names):
        return
    told = f"{numbers} of its {len(names)} names are numbers or dates" if numbers else "it stands again among the rows"
    raise FileError(
        f"file {file.name!r}",
        Problem(
            "line 1",
            f"is a row of values and no header: {told}",
            "write a line of column names above the rows; if these are names, begin each with a letter (m1 for 1)",
        ),
    )


def require_no_note(file: Path, frame: pd.DataFrame) -> None:
    """Refuses a table whose last rows hold one text each and nothing else: notes, and no patients."""
    if len(frame) < 2 or len(frame.columns) < 3:
        return
    texts = [at for at, kind in enumerate(frame.dtypes) if not types.is_numeric_dtype(kind)]
    filled = frame.tail(MOST_NOTES + 1).notna().to_numpy()[::-1]
    alone = (filled.sum(axis=1) == 1) & filled[:, texts].any(axis=1)
    notes = int(np.logical_and.accumulate(alone).sum())
    if 0 < notes < len(alone):
        where = "last line" if notes == 1 else f"last {notes} lines"
        told = f"{'holds' if notes == 1 else 'hold'} one text and nothing else: a note below the table?"
        raise FileError(f"file {file.name!r}", Problem(where, told, "take it off: a row is a patient"))


def _short_lines(file: Path, frame: pd.DataFrame, layout: Layout) -> str:
    """What is said of lines with fewer values than names, whose empty cells an exporter left out; "" of none.

    Such an exporter leaves out the empty cells at the end of every line. So short lines are refused where few lines
    are short, or where another line ends in an empty cell: they are notes, or were cut.
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
        told = f"{short} line{'s have' if short > 1 else ' has'} fewer values than the header has names"
        fix = "complete it, or take it off; was the file cut short? Empty cells at line ends must be written, as commas"
        raise DamagedFileError(f"file {file.name!r}", Problem(f"line {first}", told, fix))
    return f"{short} lines end before the last column; the cells that they lack are read as missing."


def _head(file: Path, raw: bytes, *, whole: bool) -> str:
    """The first bytes as text; a part may end within a line, which is left off."""
    _require_text(file, codecs.getincrementaldecoder("utf-8")(), raw, 0)
    text = codecs.getincrementaldecoder("utf-8-sig")().decode(raw, final=False)
    return text if whole or "\n" not in text else text[: text.rindex("\n") + 1]


def _require_text(file: Path, utf8: codecs.IncrementalDecoder, part: bytes, lines: int, *, final: bool = False) -> None:
    """Nothing, if the next part of a file, with so many lines before it, is text in UTF-8; EncodingError otherwise."""
    at = part.find(b"\0")
    if at >= 0:
        fix = "save it as CSV UTF-8; UTF-16, which Excel calls Unicode text, is not read"
        told = Problem(f"line {lines + part.count(bytes([10]), 0, at) + 1}", "not UTF-8 text: holds bytes of 0", fix)
        raise EncodingError(f"file {file.name!r}", told)
    try:
        utf8.decode(part, final)
    except UnicodeDecodeError as error:
        line = lines + part.count(b"\n", 0, max(error.start, 0)) + 1
        raise EncodingError(
            f"file {file.name!r}", Problem(f"line {line}", "not UTF-8", "save it as CSV UTF-8")
        ) from None
