"""Read repeated measurements of an ADaM BDS table into one column a visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import FileError, Problem
from heorsynth.data.sources.adam_tables import AdamTables
from heorsynth.data.sources.adtte import SUBJECT, as_dates, rows_of
from heorsynth.data.visits.units import TIME_UNITS

_NEEDED = (SUBJECT, "PARAMCD", "AVAL", "AVISITN")


@dataclass(frozen=True)
class AdamVisit:
    """A measure of the visits: its parameter, and the table that holds it (by default the first that does)."""

    param: str
    dataset: str | None = None


@dataclass(frozen=True)
class _WideVisits:
    """One measure as columns: rows by patient, the column of each visit time, and what was left out."""

    frame: pd.DataFrame
    columns: Mapping[float, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Deaths:
    """When patients died: the date, and the follow-up at death in days. NaT and NaN for those alive."""

    date: pd.Series
    day: pd.Series


def wide_visits(tables: AdamTables, measure: str, visit: AdamVisit, deaths: _Deaths) -> _WideVisits:
    """Return one measure of a BDS table with a column `<measure>_<AVISITN>` for each visit.

    Of several records of a visit, the one with ANL01FL = Y counts. Derived records (DTYPE, such as LOCF) are left out,
    because they are no observation, and so are records without AVISITN. Notes say how many.

    Raises
    ------
    FileError      no such parameter (the nearest is named); a column is missing; the same patient and visit twice; AVAL
                   is no number; several units; a visit after the patient's death
    """
    if visit.dataset is None:
        name, held = tables.having(visit.param, "ad", without="CNSR")
    else:
        name, held = visit.dataset.lower(), tables.table(visit.dataset)
    rows = rows_of(held, visit.param, _NEEDED, name.upper())
    _require_one_unit(rows, name, visit.param)
    rows, notes = _analysed(rows, f"{name.upper()} {visit.param}")
    _require_once(rows, name, visit.param)
    _require_alive(rows, name, visit.param, deaths)
    values = pd.to_numeric(rows["AVAL"], errors="coerce")
    if (values.isna() & rows["AVAL"].notna()).any():
        raise FileError(
            f"{name.upper()} table", Problem("AVAL", f"{visit.param} is no number", "give another parameter")
        )
    wide = rows.assign(AVAL=values).pivot(index=SUBJECT, columns="AVISITN", values="AVAL").sort_index(axis=1)
    columns = {float(time): f"{measure}_{time:g}" for time in wide.columns}
    return _WideVisits(wide.set_axis(list(columns.values()), axis=1), columns, notes)


def _analysed(rows: pd.DataFrame, what: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the records that are observed, flagged for analysis and at a planned visit, and how many are not."""
    notes: list[str] = []
    kept = rows
    derived = kept["DTYPE"].notna() if "DTYPE" in kept else pd.Series(False, index=kept.index)
    if derived.any():
        notes.append(f"{what}: {counted(int(derived.sum()), 'derived record')} left out (DTYPE).")
        kept = kept[~derived]
    if "ANL01FL" in kept and (kept["ANL01FL"] == "Y").any():
        others = int((kept["ANL01FL"] != "Y").sum())
        notes += [f"{what}: {counted(others, 'record')} left out that ANL01FL does not mark."] if others else []
        kept = kept[kept["ANL01FL"] == "Y"]
    unplanned = kept["AVISITN"].isna()
    if unplanned.any():
        notes.append(f"{what}: {counted(int(unplanned.sum()), 'record')} left out that {_are(unplanned)} of no visit.")
        kept = kept[~unplanned]
    return kept, tuple(notes)


def _are(marked: pd.Series) -> str:
    return "is" if marked.sum() == 1 else "are"


def _require_one_unit(rows: pd.DataFrame, name: str, parameter: str) -> None:
    """Raise FileError if the records of a parameter state several units, or descriptions with one."""
    for column in ("AVALU", "PARAM"):
        if column in rows and (n_units := rows[column].nunique()) > 1:
            found = f"{n_units} different values for {parameter}: the unit changes between visits"
            raise FileError(f"{name.upper()} table", Problem(column, found, "convert them to one unit"))


def _require_once(rows: pd.DataFrame, name: str, parameter: str) -> None:
    """Raise FileError if a patient has several records of one visit."""
    twice = rows.duplicated([SUBJECT, "AVISITN"], keep=False)
    if twice.any():
        found = f"{counted(int(rows.loc[twice, SUBJECT].nunique()), 'patient')} with several records of one visit"
        fix = "mark the record to analyse with ANL01FL = Y"
        raise FileError(f"{name.upper()} table", Problem(parameter, found, fix))


def _require_alive(rows: pd.DataFrame, name: str, parameter: str, deaths: _Deaths) -> None:
    """Raise FileError if a record lies after its patient's death, by dates (ADT) or by study days (ADY)."""
    late = np.zeros(len(rows), dtype=bool)
    measured = rows["AVAL"].notna().to_numpy()
    if "ADT" in rows:
        late |= (as_dates(rows["ADT"]) > rows[SUBJECT].map(deaths.date)).to_numpy(bool)
    elif "ADY" in rows:
        late |= (pd.to_numeric(rows["ADY"]) > rows[SUBJECT].map(deaths.day)).to_numpy(bool)
    if n_late := int((late & measured).sum()):
        found = f"{counted(n_late, 'record')} of {parameter} after the patient's death"
        raise FileError(f"{name.upper()} table", Problem("ADT" if "ADT" in rows else "ADY", found, "correct the dates"))


def deaths_of(adsl: pd.DataFrame, follow_up: pd.Series | None, unit: str) -> _Deaths:
    """Return when the patients of ADSL died: by DTHDT, and by the endpoint that is death.

    Parameters
    ----------
    follow_up : Series, optional     follow-up (by USUBJID) of those who died; NaN for the others
    """
    date = as_dates(adsl["DTHDT"]) if "DTHDT" in adsl else pd.Series(pd.NaT, index=adsl.index)
    subjects = pd.Index(adsl[SUBJECT])
    day = pd.Series(np.nan, index=subjects) if follow_up is None else follow_up * TIME_UNITS[unit]
    return _Deaths(pd.Series(pd.to_datetime(date).to_numpy(), index=subjects), day)
