"""Reads the first sheet of an Excel workbook that holds a table."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import pandas as pd

from heorsynth.core.errors import DamagedFileError, FileError, Problem
from heorsynth.data import limits
from heorsynth.data.delimited import require_header, require_no_note
from heorsynth.data.inspection import named_twice
from heorsynth.data.reading_notes import with_notes
from heorsynth.data.text_layout import MISSING, header_at, lines_above

MAX_SHEET_BYTES = 500_000_000
"""Bytes a workbook may unpack to; a hundred thousand rows of fifty columns take some 200 million."""

INSTALL = "install openpyxl: pip install 'heorsynth[files]'; or save the sheet as CSV UTF-8"


def read_sheet(file: Path) -> pd.DataFrame:
    """The rows of the first sheet of a .xlsx workbook that holds a table, by the values its formulas last had.

    Lines above the header are left out as in a file of text. Which sheet was read of several is said, and what was
    left out.

    Raises
    ------
    FileError            openpyxl is not installed; too large; no header; columns of one name
    DamagedFileError     truncated, locked with a password, or no workbook
    """
    try:
        import openpyxl
    except ImportError:
        raise FileError(f"file {file.name!r}", Problem("", "needs openpyxl, which is not here", INSTALL)) from None
    _require_small(file)
    try:
        with file.open("rb") as raw:
            book = openpyxl.load_workbook(raw, read_only=True, data_only=True, keep_links=False)
            sheets = [one for one in book.worksheets if one.sheet_state == "visible"]
            title, rows = _first_table((sheet.title, _rows(file, sheet)) for sheet in sheets)
    except DAMAGED as error:
        told = Problem("", "truncated, locked or no workbook", "open it and save it again as .xlsx without a password")
        raise DamagedFileError(f"file {file.name!r}", told) from error
    if not rows:
        raise DamagedFileError(f"file {file.name!r}", Problem("", "is empty", "check the export"))
    frame, above = _table(file, rows)
    among = f"Read from the sheet {title!r}, the first with a table of {len(sheets)}." if len(sheets) > 1 else ""
    return with_notes(frame, [among, lines_above(above)])


DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, ParseError, KeyError, ValueError, TypeError, AttributeError,
           IndexError, EOFError, OverflowError, NotImplementedError, RuntimeError)  # fmt: skip
"""What openpyxl and zipfile raise where the parts of a workbook are not what they name, or are locked."""


def _first_table(sheets: Iterable[tuple[str, list[list[Any]]]]) -> tuple[str, list[list[Any]]]:
    """The first sheet of several rows and columns; the first with anything where none is such: remarks are no table."""
    first: tuple[str, list[list[Any]]] = ("", [])
    for title, rows in sheets:
        if len(rows) > 1 and max(map(len, rows)) > 1:
            return title, rows
        first = first if first[1] else (title, rows)
    return first


def _require_small(file: Path) -> None:
    """Nothing, if the parts of a workbook unpack to what can be held; FileError otherwise."""
    try:
        with zipfile.ZipFile(file) as packed:
            n_bytes = sum(part.file_size for part in packed.infolist())
    except DAMAGED as error:
        told = Problem("", "truncated, locked or no workbook", "open it and save it again as .xlsx without a password")
        raise DamagedFileError(f"file {file.name!r}", told) from error
    limits.require_unpacked(file, n_bytes, MAX_SHEET_BYTES)


def _rows(file: Path, sheet: Any) -> list[list[Any]]:
    """The filled rows of a sheet, each up to its last filled cell."""
    sheet.reset_dimensions()
    rows: list[list[Any]] = []
    cells = 0
    for values in sheet.iter_rows(values_only=True):
        row = [None if isinstance(value, str) and value.strip() in MISSING else value for value in values]
        while row and row[-1] is None:
            row.pop()
        limits.require_columns(file, len(row))
        cells += len(row)
        limits.require_table(file, cells, 1)
        if row:
            rows.append(row)
    return rows


def _table(file: Path, rows: Sequence[list[Any]]) -> tuple[pd.DataFrame, int]:
    """The table that rows of cells make, and how many lines stand above its header."""
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
