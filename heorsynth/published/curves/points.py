"""Reads clicked coordinates: the exports of WebPlotDigitizer and DigitizeIt, and plain CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from heorsynth.core.errors import PaperError, Problem
from heorsynth.published.curves.figure_file import text_of
from heorsynth.published.curves.frame import COLUMNS, curve_frame

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)? ?%?")
_ARM = {"arm", "group", "treatment", "curve", "dataset", "series", "strata", "trt"}
_TIME = {"time", "t", "x", "months", "month", "days", "day", "weeks", "week", "years", "year"}
_SURVIVAL = {"survival", "s", "y", "surv", "probability", "km", "percent", "proportion"}
_MOST_RECORDS = 200_000
_LAYOUT_FIX = "write the columns arm, time, survival; or export from WebPlotDigitizer with 'Export all data'"


def read_points(path: Path) -> pd.DataFrame:
    """Return clicked coordinates as a frame.

    Four layouts are read, each with comma, semicolon, tab or bar between columns, and with decimal points or commas:
    columns arm, time and survival in any order; time and survival of one arm, with or without a header; pairs of
    columns side by side with the names of the arms above them (WebPlotDigitizer); time and a column for each arm
    (DigitizeIt).

    Parameters
    ----------
    path : Path        a text file in UTF-8

    Returns
    -------
    DataFrame          arm, time, survival; the arm is "" where the file does not name it. Survival is a share: percent
                       are divided by 100

    Raises
    ------
    PaperError         the layout is not one of these, or the points are no survival curve (`curve_frame`)
    FileError          the file cannot be read, or is too large
    """
    records = _records(path, text_of(path))
    heads = next((at for at, record in enumerate(records) if any(map(_is_number, record))), len(records))
    names, rows = records[:heads], records[heads:]
    if not rows:
        raise _refused(path, "no coordinates")
    numbers = _decimal_points(path, rows)
    width = max(map(len, records))
    if _alternates(names, width):
        points = _pairs(names[0] if len(names) > 1 else [], numbers, width)
    elif len(names) == 1 and _column(names[0], _ARM) is not None:
        points = _long(path, names[0], numbers)
    elif width == 2 and len(names) <= 1:
        points = _wide(["", _arm_of(names[0][-1]) if names and len(names[0]) == 2 else ""], numbers)
    elif len(names) == 1 and _column(names[0][:1], _TIME) == 0:
        points = _wide(names[0], numbers)
    else:
        raise _refused(path, f"{width} columns in a layout that is not known")
    frame = pd.DataFrame(points, columns=list(COLUMNS))
    return curve_frame(frame, f"file {path.name!r}")


def _refused(path: Path, found: str) -> PaperError:
    return PaperError(f"file {path.name!r}", Problem("", found, _LAYOUT_FIX))


def _records(path: Path, text: str) -> list[list[str]]:
    """The records of the file without empty ones; lines that begin with # are comments."""
    lines = [line for line in text.splitlines() if line.strip(" ,;\t|") and not line.startswith("#")]
    if len(lines) > _MOST_RECORDS:
        raise _refused(path, f"{len(lines):,} lines: more than {_MOST_RECORDS:,}")
    head = "\n".join(lines[:50])
    separator = next((one for one in ";\t|" if one in head), ",")
    try:
        read = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator))
    except csv.Error:
        raise _refused(path, "a quote that is not closed") from None
    return [[cell.strip() for cell in record] for record in read]


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell))


def _decimal_points(path: Path, rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows with decimal points. Raise PaperError if points and commas are mixed."""
    cells = [cell for row in rows for cell in row if _is_number(cell)]
    commas, points = any("," in cell for cell in cells), any("." in cell for cell in cells)
    if commas and points:
        raise _refused(path, "decimal commas and decimal points in one file")
    return [[cell.replace(",", ".") if commas and _is_number(cell) else cell for cell in row] for row in rows]


def _alternates(names: Sequence[Sequence[str]], width: int) -> bool:
    """True for pairs of columns: X, Y, X, Y below the names, or names above every second column only."""
    if not names or width % 2:
        return False
    last = [cell.casefold() for cell in [*names[-1], *[""] * width][:width]]
    if len(names) == 2:
        return all(one in _TIME for one in last[::2]) and all(one in _SURVIVAL for one in last[1::2])
    return False


def _pairs(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[tuple[str, str, str]]:
    named = [*names, *[""] * width]
    return [
        (named[at], row[at], row[at + 1])
        for at in range(0, width, 2)
        for row in rows
        if len(row) > at + 1 and row[at] and row[at + 1]
    ]


def _wide(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    return [(names[at], row[0], row[at]) for at in range(1, len(names)) for row in rows if len(row) > at and row[at]]


def _arm_of(name: str) -> str:
    """The name of an arm above a column of survival; "" if it only says that it is survival."""
    return "" if name.casefold() in _SURVIVAL else name


def _column(names: Sequence[str], known: set[str]) -> int | None:
    return next((at for at, name in enumerate(names) if re.split(r"[ (\[]", name.casefold())[0] in known), None)


def _long(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    places = [_column(names, known) for known in (_ARM, _TIME, _SURVIVAL)]
    if None in places:
        raise _refused(path, "no column for time or for survival")
    chosen = [place for place in places if place is not None]
    short = sum(len(row) <= max(chosen) for row in rows)
    if short:
        raise _refused(path, f"{short} of {len(rows)} lines are shorter than the header")
    return [(row[chosen[0]], row[chosen[1]], row[chosen[2]]) for row in rows]


def read_at_risk(path: Path) -> pd.DataFrame:
    """Return numbers at risk from a CSV file with the columns arm, time and at_risk.

    Raises
    ------
    PaperError         a column is missing, or a value is not a number
    """
    records = _records(path, text_of(path))
    names = [name.casefold() for name in records[0]] if records else []
    missing = [name for name in ("arm", "time", "at_risk") if name not in names]
    if missing:
        problem = Problem("", f"no column {', '.join(missing)}", "write the columns arm, time, at_risk")
        raise PaperError(f"file {path.name!r}", problem)
    rows = _decimal_points(path, records[1:])
    places = [names.index(name) for name in ("arm", "time", "at_risk")]
    if any(len(row) <= max(places) for row in rows):
        raise _refused(path, "lines shorter than the header")
    frame = pd.DataFrame([[row[at] for at in places] for row in rows], columns=["arm", "time", "at_risk"])
    for name in ("time", "at_risk"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    if not np.isfinite(frame[["time", "at_risk"]].to_numpy(float)).all():
        raise PaperError(f"file {path.name!r}", Problem("", "a time or a count that is not a number", "correct it"))
    return frame
