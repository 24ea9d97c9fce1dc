"""Reads text with delimiters: which separator and decimal mark a file uses, and whether it names its columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from heorsynth.core.errors import DamagedFileError, EncodingError, FileError, Problem
from heorsynth.data import limits
from heorsynth.data.identity import DATE

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What may stand between columns, the usual one first."""

HEAD_BYTES, HEAD_RECORDS = 1_000_000, 1000
"""How much of a file is looked at to tell its separator and its decimal mark."""

MISSING = ["", ".", "NA", "N/A", "n/a", "NaN", "nan", "<NA>", "NULL", "null"]
"""What stands for a missing value. "None" does not: it is a level, such as no prior therapy."""

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
    """

    separator: str = ","
    decimal: str = "."

    @property
    def assumed(self) -> str:
        """What was assumed, in a sentence; "" for commas between columns and decimal points."""
        if self == Dialect():
            return ""
        mark = "comma" if self.decimal == "," else "point"
        return f"Read with a {SEPARATORS[self.separator]} between columns and a decimal {mark}."


def dialect_of(path: str | Path) -> Dialect:
    """The layout of a .csv file, from its first thousand records: the same file gives the same answer.

    The separator is the one that cuts every record into as many parts as the header. A comma is preferred, then
    whichever makes most columns. Decimals have commas where a column has them, and no column has points.

    Raises
    ------
    EncodingError      not UTF-8
    FileError          decimal commas beside decimal points, or commas that may be decimal marks or thousands
    """
    file = Path(path)
    return _dialect(file, _text(file, file.read_bytes()[:HEAD_BYTES], whole=file.stat().st_size <= HEAD_BYTES))


def read_delimited(file: Path) -> pd.DataFrame:
    """The rows of a .csv file, in whichever `Dialect` it has.

    Raises
    ------
    EncodingError        not UTF-8; the message names the line
    DamagedFileError     empty, ragged, or with more values than names
    FileError            too large; its first line is no header; its decimal marks cannot be told
    """
    _, found = _checked(file)
    try:
        frame = pd.read_csv(
            file, encoding="utf-8", float_precision="round_trip", low_memory=False, keep_default_na=False,
            na_values=MISSING, sep=found.separator, decimal=found.decimal,
        )  # fmt: skip
    except pd.errors.EmptyDataError as error:
        raise DamagedFileError(f"file {file.name!r}", Problem("", "is empty", "check the export")) from error
    except pd.errors.ParserError:
        raise DamagedFileError(
            f"file {file.name!r}", Problem("", "rows of different lengths", "check the separator and the quotes")
        ) from None
    if not isinstance(frame.index, pd.RangeIndex):
        told = "its rows hold more values than its header has names"
        raise DamagedFileError(
            f"file {file.name!r}", Problem("", told, "name every column, or cut commas at line ends")
        )
    require_header(file, frame)
    return frame


def scan_delimited(file: Path) -> pd.DataFrame:
    """The rows of a .csv file to look over only, by Arrow: several times as fast as `read_delimited`.

    Columns of mixed or late kinds may be text. By pandas where Arrow finds rows or values that do not fit its first
    look at them. Raises as `read_delimited` does.
    """
    raw, found = _checked(file)
    try:
        table = pacsv.read_csv(
            pa.BufferReader(raw),
            parse_options=pacsv.ParseOptions(delimiter=found.separator),
            convert_options=pacsv.ConvertOptions(
                null_values=MISSING, strings_can_be_null=True, decimal_point=found.decimal
            ),
        )
    except pa.ArrowException:
        return read_delimited(file)
    if len(set(table.column_names)) < table.num_columns:
        return read_delimited(file)
    return table.to_pandas()


def _checked(file: Path) -> tuple[bytes, Dialect]:
    """The bytes of a file, if they can be held and are UTF-8, and their layout."""
    raw = file.read_bytes()
    found = _dialect(file, _text(file, raw[:HEAD_BYTES], whole=len(raw) <= HEAD_BYTES))
    limits.require_delimited(file, raw, found.separator)
    _text(file, raw, whole=True)
    return raw, found


def require_header(file: Path, frame: pd.DataFrame) -> None:
    """Refuses a table whose column names are a patient's values, without quoting any.

    A name that is a number or a date is a value. Where at least half of the names stand among the values of their
    own column, the first line is a row like the others, or stands again further down.
    """
    if not len(frame.columns):
        return
    names = [str(name) for name in frame.columns]
    numbers = sum(bool(NUMBER.fullmatch(name) or DATE.fullmatch(name)) for name in names)
    again = sum(bool((frame[name].astype(str) == str(name)).any()) for name in frame.columns)
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


def _text(file: Path, raw: bytes, *, whole: bool) -> str:
    """The bytes as text; a part may end within a line, which is left off."""
    try:
        return (raw if whole else raw[: raw.rfind(b"\n") + 1]).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise EncodingError(
            f"file {file.name!r}", Problem(f"line {line}", "not UTF-8", "save it as CSV UTF-8")
        ) from None


def _dialect(file: Path, head: str) -> Dialect:
    cut = {separator: _records(head, separator) for separator in SEPARATORS}
    even = [separator for separator, records in cut.items() if _is_table(records)]
    named = [separator for separator, records in cut.items() if records and len(records[0]) > 1]
    separator = "," if "," in even else max(even, key=lambda one: len(cut[one][0]), default="")
    separator = separator or ("," if "," in named or not named else named[0])
    return Dialect(separator, _decimal(file, cut[separator]))


def _records(head: str, separator: str) -> list[list[str]]:
    """The first records as this separator cuts them; none where a quote is never closed."""
    lines = head.splitlines(keepends=True)
    found: list[list[str]] = []
    try:
        for record in csv.reader(lines, delimiter=separator):
            if record:
                found.append(record)
            if len(found) > HEAD_RECORDS:
                break
    except csv.Error:
        return []
    return found


def _is_table(records: Sequence[Sequence[str]]) -> bool:
    return bool(records) and len(records[0]) > 1 and len({len(record) for record in records}) == 1


def _decimal(file: Path, records: Sequence[Sequence[str]]) -> str:
    """The decimal mark of the numbers in these records."""
    columns = [[cell.strip() for cell in cells if cell.strip() not in MISSING]
               for cells in zip(*records[1:], strict=False)]  # fmt: skip
    commas = [cells for cells in columns if _all(cells, WITH_COMMA, WHOLE) or _all(cells, PERHAPS_THOUSANDS, WHOLE)]
    points = any(_all(cells, WITH_POINT, WHOLE) for cells in columns)
    if any(_all(cells, GROUPED, WITH_COMMA, WHOLE) for cells in columns):
        raise FileError(
            f"file {file.name!r}",
            Problem("", "numbers with points between thousands and a decimal comma", "export it without thousands"),
        )
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
        raise FileError(f"file {file.name!r}", Problem("", told, fix))
    return ","


def _all(cells: Sequence[str], *shapes: re.Pattern[str]) -> bool:
    """True where every cell has one of the shapes, and some cell the first."""
    return (
        bool(cells)
        and any(shapes[0].fullmatch(cell) for cell in cells)
        and all(any(shape.fullmatch(cell) for shape in shapes) for cell in cells)
    )
