"""Read parameters of a CDISC ADaM time-to-event table (ADTTE): follow-up, event and unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.errors import FileError, Problem, nearest
from heorsynth.data.visits.units import TIME_UNITS

NEEDED = ("USUBJID", "PARAMCD", "AVAL", "CNSR")
"""The columns that identify a table as ADTTE."""

SUBJECT = "USUBJID"

_IN_BRACKETS = re.compile(r"\((\w+)\)\s*$")
"""The unit at the end of a parameter's description: "Overall Survival (months)"."""


def rows_of(
    frame: pd.DataFrame, parameter: str, needed: tuple[str, ...] = NEEDED, table: str = "ADTTE"
) -> pd.DataFrame:
    """Return the rows of one parameter.

    Raises
    ------
    FileError      a needed column is missing, or no row has this parameter; the nearest one is named
    """
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        problem = Problem("", f"lacks {', '.join(absent)}", "give an ADaM table of the BDS structure")
        raise FileError(f"{table} table", problem)
    rows = frame[frame["PARAMCD"] == parameter].reset_index(drop=True)
    if rows.empty:
        known = sorted(set(frame["PARAMCD"].dropna().astype(str)))
        raise FileError(f"{table} table", Problem("", f"has no parameter {parameter!r}", nearest(parameter, known)))
    return rows


def from_adtte(frame: pd.DataFrame, parameter: str, endpoint: str = "os") -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the rows of one parameter of a CDISC ADaM time-to-event table (ADTTE), and their roles for `Cohort`.

    CNSR is 0 for an event and positive for a reason of censoring, the inverse of the coding used here. Rows with a
    missing CNSR are kept, so that `Cohort` reports them. The unit is that of AVALU if all rows share it.

    Raises
    ------
    FileError      a column of ADTTE is missing, or no row has this parameter
    """
    rows = rows_of(frame, parameter)
    reasons = {code: 0 for code in rows["CNSR"].dropna().unique() if code != 0}
    named = [name for name in ("TRT01P", "TRTP", "TRTA") if name in rows.columns]
    arm = next((name for name in named if rows[name].nunique() > 1), None)
    roles: dict[str, Any] = {
        "endpoints": {endpoint: ("AVAL", "CNSR")},
        "id": SUBJECT,
        "arm": arm,
        "event_map": {0: 1, **reasons},
    }
    units = _units(rows, "AVALU")
    if len(units) == 1 and units <= set(TIME_UNITS):
        roles["unit"] = units.pop()
    varying = [name for name in rows.columns if rows[name].nunique(dropna=True) > 1]
    kept = [name for name in rows.columns if name in varying or name in ("AVAL", "CNSR", SUBJECT, arm)]
    return rows[kept].copy(), roles


def event_codes(rows: pd.DataFrame, causes: Mapping[int, str]) -> pd.Series:
    """Return the event codes of rows of ADTTE: 1 where CNSR is 0, k where it is a competing cause k, else 0.

    Parameters
    ----------
    causes : Mapping     code to name; codes from 2 are values of CNSR that are competing events, not censoring

    Examples
    --------
    >>> event_codes(pd.DataFrame({"CNSR": [0, 1, 2, 3]}), {2: "transplant"}).astype(int).tolist()
    [1, 0, 2, 0]
    """
    reason = pd.to_numeric(rows["CNSR"])
    competing = reason.isin([code for code in causes if code > 1])
    return reason.where(competing, (reason == 0).astype(float)).where(reason.notna(), np.nan)


def time_unit(rows: pd.DataFrame, parameter: str) -> str | None:
    """Return the unit of AVAL in the rows of one parameter; None if the table does not state it.

    It is that of AVALU, or in brackets at the end of PARAM. Without both it is days if AVAL is ADT - STARTDT, or
    that plus 1, in every row.

    Raises
    ------
    FileError      several units, a unit that is no time, or AVALU and PARAM contradict each other
    """
    stated = _units(rows, "AVALU") | _units(rows, "PARAM")
    if len(stated) > 1:
        found = f"parameter {parameter!r} states {len(stated)} units of time: {', '.join(sorted(stated))}"
        raise FileError("ADTTE table", Problem("AVALU", found, "give each parameter one unit"))
    unknown = stated - set(TIME_UNITS)
    if unknown:
        found = f"parameter {parameter!r} is in {unknown.pop()!r}, which is no unit of time used here"
        raise FileError("ADTTE table", Problem("AVALU", found, "use one of: " + ", ".join(TIME_UNITS)))
    if stated:
        return stated.pop()
    if not {"ADT", "STARTDT"} <= set(rows.columns):
        return None
    days = (as_dates(rows["ADT"]) - as_dates(rows["STARTDT"])).dt.days
    gap = (pd.to_numeric(rows["AVAL"]) - days).dropna().unique()
    return "day" if len(gap) == 1 and gap[0] in (0, 1) and days.notna().all() else None


def as_dates(column: pd.Series) -> pd.Series:
    """Return dates of any storage (dates, ISO text, or SAS days since 1960-01-01) as datetimes; NaT elsewhere."""
    if pd.api.types.is_numeric_dtype(column):
        return pd.to_datetime(column, unit="D", origin="1960-01-01", errors="coerce")
    return pd.to_datetime(column, errors="coerce", format="ISO8601")


def _units(rows: pd.DataFrame, name: str) -> set[str]:
    """Return the units that AVALU states, or PARAM in brackets, in lower case and singular."""
    texts = {str(text).strip() for text in rows.get(name, pd.Series(dtype=object)).dropna()} - {""}
    if name == "PARAM":
        found = [match[1] for text in texts if (match := _IN_BRACKETS.search(text))]
        return {unit for text in found if (unit := text.lower().removesuffix("s")) in TIME_UNITS}
    return {text.lower().removesuffix("s") for text in texts}
