"""Determine the layout of a text file: separator, decimal mark, lines above the header, column names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from heorsynth.core.display import counted
from heorsynth.core.errors import FileError, Problem
from heorsynth.data.columns.identifiers import DATE
from heorsynth.data.columns.number_text import may_be_thousands

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""The separators that are recognised, in order of preference."""

HEAD_RECORDS, MOST_ABOVE = 1000, 20
"""Records from which the layout is determined, and the largest number of lines above the header."""

MISSING = ["", ".", "NA", "N/A", "n/a", "NaN", "nan", "<NA>", "NULL", "null"]
"""Texts that mean missing. "None" is not included: it is a level, such as no prior therapy."""

_SEP_LINE = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)
"""A first line that names the separator, as Excel writes and reads it."""

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_WITH_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_WHOLE = re.compile(r"[+-]?\d+")
_PERHAPS_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+,\d+")


@dataclass(frozen=True)
class Dialect:
    """The layout of a text file.

    Attributes
    ----------
    separator : str    between columns: one of `_SEPARATORS`
    decimal : str      decimal mark: "." or ","
    above : int        lines above the header that are skipped: a title, comments, `sep=;`
    """

    separator: str = ","
    decimal: str = "."
    above: int = 0

    @property
    def assumed(self) -> str:
        """How the file was interpreted, in a sentence; "" for a comma-separated file with decimal points."""
        if (self.separator, self.decimal) == (",", "."):
            return ""
        mark = "comma" if self.decimal == "," else "point"
        return f"Read with a {_SEPARATORS[self.separator]} between columns and a decimal {mark}."


def lines_above(n: int) -> str:
    """Return a note on skipped lines above the header; "" if there are none."""
    return f"{counted(n, 'line')} above the header not read." if n else ""


@dataclass(frozen=True)
class Layout:
    """The dialect of a file and its column names. There are no names if the file is empty."""

    dialect: Dialect
    names: tuple[str, ...]


def layout_of(name: str, head: str) -> Layout:
    """Return the layout of a file, determined from its first lines.

    The header may be preceded by a line such as `sep=;`, by lines that start with #, and by a title, which is a line
    with fewer parts than the header. The separator is the one that cuts every record into as many parts as the header.
    If several do, a comma is preferred, then the separator that gives most columns. The decimal mark is a comma if
    some column has decimal commas and none has decimal points.

    Raises
    ------
    FileError      decimal commas and points are mixed, or commas may be decimal or thousands marks
    """
    lines = list(io.StringIO(head, newline=""))
    sep_line = _SEP_LINE.fullmatch(lines[0]) if lines else None
    allowed = [sep_line[1]] if sep_line and sep_line[1] in _SEPARATORS else list(_SEPARATORS)
    first = 1 if sep_line else 0
    while first < len(lines) and (lines[first].startswith("#") or not lines[first].strip()):
        first += 1
    tables = {separator: _table(lines, first, separator) for separator in allowed}
    even = [one for one, (_, records) in tables.items() if len(records[:1] and records[0]) > 1 and _is_even(records)]
    even = [one for one in even if tables[one][0] <= first] or even  # a title is assumed only if nothing else fits
    named = [one for one, (_, records) in tables.items() if records and len(records[0]) > 1]
    separator = "," if "," in even else max(even, key=lambda one: len(tables[one][1][0]), default="")
    separator = separator or ("," if "," in named or not named else named[0])
    separator = separator if separator in tables else allowed[0]
    above, records = tables[separator]
    _require_separated(name, records)
    dialect = Dialect(separator, _decimal(name, records), above)
    return Layout(dialect, tuple(records[0]) if records else ())


def _table(lines: Sequence[str], first: int, separator: str) -> tuple[int, list[list[str]]]:
    """Return the number of lines above the header, and the records from the header on, for this separator."""
    numbered = _records(lines[first:], separator)
    records = [record for _, record in numbered]
    header = header_at(records)
    if header == 0 and (hashed := _hashed_header(lines, first, separator, records)):
        return first - 1, [hashed, *records]
    return (first + numbered[header][0] if numbered else 0), records[header:]


def _require_separated(name: str, records: Sequence[Sequence[str]]) -> None:
    """Raise FileError if the columns are separated by spaces."""
    if not records or any(len(record) > 1 for record in records):
        return
    parts = {len(record[0].split()) for record in records}
    if len(records) > 2 and len(parts) == 1 and max(parts) > 1:
        fix = "write commas between them; in R: write.csv(read.table('patients.txt', header = TRUE), 'patients.csv')"
        raise FileError(f"file {name!r}", Problem("", "columns separated by spaces, which values may contain too", fix))


def header_at(records: Sequence[Sequence[str]]) -> int:
    """Return the index of the header record: the first, unless titles stand above a record that clearly is a header."""
    width = max((len(record) for record in records[:MOST_ABOVE]), default=0)
    header = next((at for at, record in enumerate(records[:MOST_ABOVE]) if not _is_title(record, width)), 0)
    below = records[header:]
    sure = bool(below) and _may_be_header(below[0]) and _is_even(below) and len(below) > header + 1
    return header if sure else 0


def _hashed_header(
    lines: Sequence[str], first: int, separator: str, records: Sequence[Sequence[str]]
) -> list[str] | None:
    """Return the names in a line above the rows that starts with #, if the rows have no other header, else None."""
    if not records or first == 0 or not lines[first - 1].startswith("#") or _may_be_header(records[0]):
        return None
    named = _records([lines[first - 1]], separator)
    names = named[0][1] if named else []
    return names if len(names) == len(records[0]) > 1 and _may_be_header(names) else None


def _records(lines: Sequence[str], separator: str) -> list[tuple[int, list[str]]]:
    """Return the first records for this separator, each with the number of lines before it; [] for an open quote."""
    records: list[tuple[int, list[str]]] = []
    reader, before = csv.reader(lines, delimiter=separator), 0
    try:
        for record in reader:
            if record:
                records.append((before, record))
            before = reader.line_num
            if len(records) > HEAD_RECORDS:
                break
    except csv.Error:
        return []
    return records


def _is_title(record: Sequence[str], width: int) -> bool:
    """Return True for a line with fewer parts than the table, or with only its first part filled."""
    return len(record) < width or (width > 2 and not any(part.strip() for part in record[1:]))


def _may_be_header(record: Sequence[str]) -> bool:
    """Return True if every part is filled, occurs once, and is neither a number nor a date."""
    parts = [part.strip() for part in record]
    return all(parts) and len(set(parts)) == len(parts) and not any(is_value(part) for part in parts)


def is_value(name: str) -> bool:
    """Return True for a number or a date, which cannot be a column name."""
    return bool(_NUMBER.fullmatch(name) or DATE.fullmatch(name))


def _is_even(records: Sequence[Sequence[str]]) -> bool:
    return len({len(record) for record in records}) == 1


def _decimal(name: str, records: Sequence[Sequence[str]]) -> str:
    """Return the decimal mark of the numbers in these records."""
    columns = [[cell.strip() for cell in cells if cell.strip() not in MISSING]
               for cells in zip(*records[1:], strict=False)]  # fmt: skip
    columns = [cells for cells in columns if any("," in cell or "." in cell for cell in cells)]  # others say nothing
    commas = [cells for cells in columns if _all(cells, _WITH_COMMA, _WHOLE) or _all(cells, _PERHAPS_THOUSANDS, _WHOLE)]
    points = any(_all(cells, _WITH_POINT, _WHOLE) for cells in columns)
    if any(_all(cells, _GROUPED, _WITH_COMMA, _WHOLE) for cells in columns):
        raise FileError(
            f"file {name!r}",
            Problem("", "numbers with points between thousands and a decimal comma", "export it without thousands"),
        )
    if any(may_be_thousands([cell.lstrip("+-") for cell in cells]) for cells in columns):
        fix = "write every decimal with a point, and thousands without a mark"
        message = "numbers with a point before three digits: decimals or thousands?"
        raise FileError(f"file {name!r}", Problem("", message, fix))
    if not commas:
        return "."
    unsure = all(_all(cells, _PERHAPS_THOUSANDS, _WHOLE) for cells in commas)
    if points or unsure:
        message = (
            "decimal commas in some columns and decimal points in others"
            if points and not unsure
            else "numbers with a comma before three digits: decimals or thousands?"
        )
        fix = "write every decimal with a point, and thousands without a mark"
        raise FileError(f"file {name!r}", Problem("", message, fix))
    return ","


def _all(cells: Sequence[str], *shapes: re.Pattern[str]) -> bool:
    """Return True if every cell matches one of the patterns, and some cell the first."""
    return (
        bool(cells)
        and any(shapes[0].fullmatch(cell) for cell in cells)
        and all(any(shape.fullmatch(cell) for shape in shapes) for cell in cells)
    )
