"""Tells how a file of text is laid out: separator, decimal mark, lines above the header, names of the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from heorsynth.core.errors import FileError, Problem
from heorsynth.data.columns.identifiers import DATE
from heorsynth.data.columns.number_text import may_be_thousands

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What may stand between columns, the usual one first."""

HEAD_RECORDS, MOST_ABOVE = 1000, 20
"""Records that are looked at, and lines that may stand above the header."""

MISSING = ["", ".", "NA", "N/A", "n/a", "NaN", "nan", "<NA>", "NULL", "null"]
"""What stands for a missing value. "None" does not: it is a level, such as no prior therapy."""

SAID = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)
"""A first line that tells the separator, as Excel writes and reads it."""

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
WITH_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
WHOLE = re.compile(r"[+-]?\d+")
PERHAPS_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+,\d+")


@dataclass(frozen=True)
class Dialect:
    """How a file of text is laid out.

    Attributes
    ----------
    separator : str    between columns: one of `SEPARATORS`
    decimal : str      of numbers: "." or ","
    above : int        lines above the header that are not read: a title, comments, `sep=;`
    """

    separator: str = ","
    decimal: str = "."
    above: int = 0

    @property
    def assumed(self) -> str:
        """What was assumed, in a sentence; "" for commas between columns and decimal points."""
        if (self.separator, self.decimal) == (",", "."):
            return ""
        mark = "comma" if self.decimal == "," else "point"
        return f"Read with a {SEPARATORS[self.separator]} between columns and a decimal {mark}."


def lines_above(n: int) -> str:
    """What is said of lines that stand above the header; "" of none."""
    return f"{n} line{'s' if n > 1 else ''} above the header not read." if n else ""


@dataclass(frozen=True)
class Layout:
    """The dialect of a file and the names that its header gives; no names where it is empty."""

    dialect: Dialect
    names: tuple[str, ...]


def layout_of(name: str, head: str) -> Layout:
    """The layout of a file from its first lines: the same text gives the same answer.

    Above the header may stand a line such as `sep=;`, lines that begin with #, and a title: a line with fewer parts
    than the names below it. The separator is the one that cuts every record into as many parts as the header. A comma
    is preferred, then whichever makes most columns. Decimals have commas where a column has them, and no column has
    points.

    Raises
    ------
    FileError      decimal commas beside decimal points, or commas that may be decimal marks or thousands
    """
    lines = list(io.StringIO(head, newline=""))
    said = SAID.fullmatch(lines[0]) if lines else None
    allowed = [said[1]] if said and said[1] in SEPARATORS else list(SEPARATORS)
    first = 1 if said else 0
    while first < len(lines) and (lines[first].startswith("#") or not lines[first].strip()):
        first += 1
    found = {separator: _table(lines, first, separator) for separator in allowed}
    even = [one for one, (_, records) in found.items() if len(records[:1] and records[0]) > 1 and _is_even(records)]
    even = [one for one in even if found[one][0] <= first] or even  # a title is assumed only where nothing else fits
    named = [one for one, (_, records) in found.items() if records and len(records[0]) > 1]
    separator = "," if "," in even else max(even, key=lambda one: len(found[one][1][0]), default="")
    separator = separator or ("," if "," in named or not named else named[0])
    separator = separator if separator in found else allowed[0]
    above, records = found[separator]
    _require_separated(name, records)
    dialect = Dialect(separator, _decimal(name, records), above)
    return Layout(dialect, tuple(records[0]) if records else ())


def _table(lines: Sequence[str], first: int, separator: str) -> tuple[int, list[list[str]]]:
    """How many lines stand above the header, and the records from it on, as this separator cuts them."""
    numbered = _records(lines[first:], separator)
    records = [record for _, record in numbered]
    header = header_at(records)
    if header == 0 and (hashed := _hashed_header(lines, first, separator, records)):
        return first - 1, [hashed, *records]
    return (first + numbered[header][0] if numbered else 0), records[header:]


def _require_separated(name: str, records: Sequence[Sequence[str]]) -> None:
    """Refuses records of one part that spaces would cut into equally many, header and rows alike."""
    if not records or any(len(record) > 1 for record in records):
        return
    parts = {len(record[0].split()) for record in records}
    if len(records) > 2 and len(parts) == 1 and max(parts) > 1:
        fix = "write commas between them; in R: write.csv(read.table('patients.txt', header = TRUE), 'patients.csv')"
        raise FileError(f"file {name!r}", Problem("", "spaces between columns, which may stand in a value too", fix))


def header_at(records: Sequence[Sequence[str]]) -> int:
    """Which record is the header: the first, unless titles stand above one that is sure to be it."""
    width = max((len(record) for record in records[:MOST_ABOVE]), default=0)
    header = next((at for at, record in enumerate(records[:MOST_ABOVE]) if not _is_title(record, width)), 0)
    below = records[header:]
    sure = bool(below) and _may_be_header(below[0]) and _is_even(below) and len(below) > header + 1
    return header if sure else 0


def _hashed_header(
    lines: Sequence[str], first: int, separator: str, records: Sequence[Sequence[str]]
) -> list[str] | None:
    """The names in the line above the rows, where that line begins with # and the rows have no other header."""
    if not records or first == 0 or not lines[first - 1].startswith("#") or _may_be_header(records[0]):
        return None
    named = _records([lines[first - 1]], separator)
    names = named[0][1] if named else []
    return names if len(names) == len(records[0]) > 1 and _may_be_header(names) else None


def _records(lines: Sequence[str], separator: str) -> list[tuple[int, list[str]]]:
    """The first records as this separator cuts them, each with the lines before it; none where a quote stays open."""
    found: list[tuple[int, list[str]]] = []
    reader, before = csv.reader(lines, delimiter=separator), 0
    try:
        for record in reader:
            if record:
                found.append((before, record))
            before = reader.line_num
            if len(found) > HEAD_RECORDS:
                break
    except csv.Error:
        return []
    return found


def _is_title(record: Sequence[str], width: int) -> bool:
    """True for a line with fewer parts than the table, or with none filled but the first, as a spreadsheet writes."""
    return len(record) < width or (width > 2 and not any(part.strip() for part in record[1:]))


def _may_be_header(record: Sequence[str]) -> bool:
    """True where every part is a name: filled, no number, no date, each once."""
    parts = [part.strip() for part in record]
    return all(parts) and len(set(parts)) == len(parts) and not any(is_value(part) for part in parts)


def is_value(name: str) -> bool:
    """True for a number or a date, which no column is called."""
    return bool(NUMBER.fullmatch(name) or DATE.fullmatch(name))


def _is_even(records: Sequence[Sequence[str]]) -> bool:
    return len({len(record) for record in records}) == 1


def _decimal(name: str, records: Sequence[Sequence[str]]) -> str:
    """The decimal mark of the numbers in these records."""
    columns = [[cell.strip() for cell in cells if cell.strip() not in MISSING]
               for cells in zip(*records[1:], strict=False)]  # fmt: skip
    columns = [cells for cells in columns if any("," in cell or "." in cell for cell in cells)]  # others say nothing
    commas = [cells for cells in columns if _all(cells, WITH_COMMA, WHOLE) or _all(cells, PERHAPS_THOUSANDS, WHOLE)]
    points = any(_all(cells, WITH_POINT, WHOLE) for cells in columns)
    if any(_all(cells, GROUPED, WITH_COMMA, WHOLE) for cells in columns):
        raise FileError(
            f"file {name!r}",
            Problem("", "numbers with points between thousands and a decimal comma", "export it without thousands"),
        )
    if any(may_be_thousands([cell.lstrip("+-") for cell in cells]) for cells in columns):
        fix = "write every decimal with a point, and thousands without a mark"
        told = "numbers with a point before three digits: decimals, or thousands?"
        raise FileError(f"file {name!r}", Problem("", told, fix))
    if not commas:
        return "."
    unsure = all(_all(cells, PERHAPS_THOUSANDS, WHOLE) for cells in commas)
    if points or unsure:
        told = (
            "decimal commas in some columns and decimal points in others"
            if points and not unsure
            else "numbers with a comma before three digits: decimals, or thousands?"
        )
        fix = "write every decimal with a point, and thousands without a mark"
        raise FileError(f"file {name!r}", Problem("", told, fix))
    return ","


def _all(cells: Sequence[str], *shapes: re.Pattern[str]) -> bool:
    """True where every cell has one of the shapes, and some cell the first."""
    return (
        bool(cells)
        and any(shapes[0].fullmatch(cell) for cell in cells)
        and all(any(shape.fullmatch(cell) for shape in shapes) for cell in cells)
    )
