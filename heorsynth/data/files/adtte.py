"""Convert a CDISC ADaM time-to-event table to the rows and roles of a cohort."""

from __future__ import annotations

from typing import Any

import pandas as pd

from heorsynth.core.errors import FileError, Problem, nearest
from heorsynth.data.columns.schema import TIME_UNITS

NEEDED = ("USUBJID", "PARAMCD", "AVAL", "CNSR")
"""The columns that identify a table as ADTTE."""


def from_adtte(frame: pd.DataFrame, parameter: str, endpoint: str = "os") -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the rows of one parameter of a CDISC ADaM time-to-event table (ADTTE), and their roles for `Cohort`.

    CNSR is 0 for an event and positive for a reason of censoring, the inverse of the coding used here. Rows with a
    missing CNSR are kept, so that `Cohort` reports them. The unit is that of AVALU if all rows share it.

    Raises
    ------
    FileError      a column of ADTTE is missing, or no row has this parameter
    """
    absent = [name for name in NEEDED if name not in frame.columns]
    rows = frame if absent else frame[frame["PARAMCD"] == parameter].reset_index(drop=True)
    if absent or rows.empty:
        if absent:
            problem = Problem("", f"lacks {', '.join(absent)}", "give an ADaM BDS time-to-event table")
        else:
            known = sorted(set(frame["PARAMCD"].dropna().astype(str)))
            problem = Problem("", f"has no parameter {parameter!r}", nearest(parameter, known))
        raise FileError("ADTTE table", problem)
    reasons = {code: 0 for code in rows["CNSR"].dropna().unique() if code != 0}
    named = [name for name in ("TRT01P", "TRTP", "TRTA") if name in rows.columns]
    arm = next((name for name in named if rows[name].nunique() > 1), None)
    roles: dict[str, Any] = {
        "endpoints": {endpoint: ("AVAL", "CNSR")},
        "id": "USUBJID",
        "arm": arm,
        "event_map": {0: 1, **reasons},
    }
    units = {
        str(unit).strip().lower().removesuffix("s") for unit in rows.get("AVALU", pd.Series(dtype=object)).dropna()
    }
    if len(units) == 1 and units <= set(TIME_UNITS):
        roles["unit"] = units.pop()
    varying = [name for name in rows.columns if rows[name].nunique(dropna=True) > 1]
    kept = [name for name in rows.columns if name in varying or name in ("AVAL", "CNSR", "USUBJID", arm)]
    return rows[kept].copy(), roles
