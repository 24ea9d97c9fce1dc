"""Read a sheet of an Excel workbook: the one that is named, or the first that holds a table."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import DamagedFileError, FileError, Problem, nearest
from heorsynth.data.columns.reading_notes import with_notes
from heorsynth.data.columns.role_checks import named_twice
from heorsynth.data.files import limits
from heorsynth.data.files.csv_dialect import require_header, require_no_note
from heorsynth.data.files.text_layout import MISSING, header_at, lines_above

MAX_SHEET_BYTES = 500_000_000
"""Bytes a workbook may unpack to. A table of 100,000 rows and 50 columns takes about 200 million."""

PART_BYTES = 1_000_000
"""Bytes of a sheet held in memory at a time during the search for merged cells."""

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]{0,100}?ref=[\"']([A-Z]{1,3})\d+:[A-Z]{1,3}(\d+)")

_INSTALL = "install openpyxl: pip install 'heorsynth[files]'; or save the sheet as CSV UTF-8"


def read_sheet(file: Path, name: str | None = None) -> pd.DataFrame:
    """Return the rows of one sheet of a .xlsx workbook, with the saved values of formulas.

    Lines above the header are skipped, as in text files. Notes say which sheet was read and what was skipped.

    Parameters
    ----------
    name : str, optional     the sheet's name, hidden or not; by default the first visible sheet that holds a table

    Raises
    ------
    FileError            openpyxl is not installed, the file is too large, it has no such sheet or no header, two
                         columns have the same name, or the table has merged cells
    DamagedFileError     the file is truncated, protected by a password, or not a workbook
    """
    try:
        import openpyxl
    except ImportError:
        raise FileError(
            f"file {file.name!r}", Problem("", "needs openpyxl, which is not installed", _INSTALL)
        ) from None
    _require_small(file)
    try:
        with file.open("rb") as raw:
            book = openpyxl.load_workbook(raw, read_only=True, data_only=True, keep_links=False)
            sheets = _sheets(file, book, name)
            sheet, rows, numbers = _first_table((sheet, *_rows(file, sheet)) for sheet in sheets)
            merged = _merged_cells(sheet) if rows else []
    except _DAMAGED as error:
        raise DamagedFileError(f"file {file.name!r}", _UNREADABLE) from error
    if not rows:
        raise DamagedFileError(f"file {file.name!r}", Problem("", "is empty", "check the export"))
    frame, above = _table(file, rows)
    _require_unmerged(file, frame, merged, numbers[above])
    among = f"Read from the sheet {sheet.title!r}, the first with a table of {len(sheets)}." if len(sheets) > 1 else ""
    return with_notes(frame, [among, lines_above(above)])


def _sheets(file: Path, book: Any, name: str | None) -> list[Any]:
    """Return the visible sheets of a workbook, or the one with this name. Raise FileError if there is none."""
    if name is None:
        return [one for one in book.worksheets if one.sheet_state == "visible"]
    titles = [one.title for one in book.worksheets]
    if name not in titles:
        raise FileError(f"file {file.name!r}", Problem("", f"has no sheet {name!r}", nearest(name, titles)))
    return [book.worksheets[titles.index(name)]]


_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, ParseError, KeyError, ValueError, TypeError, AttributeError,
           IndexError, EOFError, OverflowError, NotImplementedError, RuntimeError)  # fmt: skip
"""The errors that openpyxl and zipfile raise for damaged or locked workbooks."""

_UNREADABLE = Problem(
    "", "truncated, locked or not a workbook", "open it and save it again as .xlsx without a password"
)


Sheet = tuple[Any, list[list[Any]], list[int]]
"""A sheet, its non-empty rows, and their row numbers."""


def _first_table(sheets: Iterable[Sheet]) -> Sheet:
    """Return the first sheet with several rows and columns, or the first that is not empty if there is none."""
    first: Sheet = (None, [], [])
    for one in sheets:
        if len(one[1]) > 1 and max(map(len, one[1])) > 1:
            return one
        first = first if first[1] else one
    return first


def _merged_cells(sheet: Any) -> list[tuple[int, int]]:
    """Return the first column and the last row, both counted from 1, of each range of merged cells.

    openpyxl does not list merged cells when it reads row by row, so the sheet's XML is searched in parts.
    """
    found, before = [], b""
    with sheet.parent._archive.open(sheet._worksheet_path) as text:
        while part := text.read(PART_BYTES):
            seen = before + part
            ranges = list(_MERGED.finditer(seen))
            found += [(_column_number(one[1].decode()), int(one[2])) for one in ranges]
            before = seen[max(ranges[-1].end() if ranges else 0, len(seen) - 200) :]
    return found


def _column_number(letters: str) -> int:
    """Return the number of a column named by letters: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _require_unmerged(file: Path, frame: pd.DataFrame, merged: Sequence[tuple[int, int]], header: int) -> None:
    """Raise FileError if the table has merged cells. Only the first cell of a merged range holds its value."""
    within = sum(column <= len(frame.columns) and row >= header for column, row in merged)
    if within:
        message = f"{counted(within, 'range')} of merged cells in the table: all but the first cell are empty"
        fix = "unmerge them and fill each cell with its own value"
        raise FileError(f"file {file.name!r}", Problem("", message, fix))


def _require_small(file: Path) -> None:
    """Raise FileError if the workbook unpacks to more than the limit, DamagedFileError if it cannot be opened."""
    try:
        with zipfile.ZipFile(file) as packed:
            n_bytes = sum(part.file_size for part in packed.infolist())
    except _DAMAGED as error:
        raise DamagedFileError(f"file {file.name!r}", _UNREADABLE) from error
    limits.require_unpacked(file, n_bytes, MAX_SHEET_BYTES)


def _rows(file: Path, sheet: Any) -> tuple[list[list[Any]], list[int]]:
    """Return the non-empty rows of a sheet, each up to its last filled cell, and their row numbers from 1."""
    sheet.reset_dimensions()
    rows: list[list[Any]] = []
    numbers: list[int] = []
    cells = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        row = [None if isinstance(value, str) and value.strip() in MISSING else value for value in values]
        while row and row[-1] is None:
            row.pop()
        limits.require_columns(file, len(row))
        cells += len(row)
        limits.require_table(file, cells, 1)
        if row:
            rows.append(row)
            numbers.append(number)
    return rows, numbers


def _table(file: Path, rows: Sequence[list[Any]]) -> tuple[pd.DataFrame, int]:
    """Return the table in these rows of cells, and the number of lines above its header."""
    widest = max(map(len, rows))
    text = [["" if value is None else str(value) for value in row] + [""] * (widest - len(row)) for row in rows[:200]]
    above = header_at(text)
    width = max(map(len, rows[above:]))
    names = [str(name).strip() if name is not None else "" for name in rows[above]]
    names += [""] * (width - len(names))
    filled = [name for name in names if name]
    if len(set(filled)) < len(filled):
        twice = sorted({name for name in filled if filled.count(name) > 1})
        raise FileError(f"file {file.name!r}", named_twice(twice))
    named = [name or f"Unnamed: {at}" for at, name in enumerate(names)]
    body = [row + [None] * (width - len(row)) for row in rows[above + 1 :]]
    frame = pd.DataFrame(body, columns=named, dtype=object).infer_objects()
    empty = [name for name in named if name.startswith("Unnamed: ") and frame[name].isna().all()]
    frame = frame.drop(columns=empty)
    require_header(file, frame)
    require_no_note(file, frame)
    return frame, above
