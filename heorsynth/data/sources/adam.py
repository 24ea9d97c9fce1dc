"""Join CDISC ADaM data sets into one row a patient: ADSL, parameters of ADTTE, and visits of BDS tables."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.display import counted
from heorsynth.core.errors import FileError, Problem, nearest
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.reading_notes import notes_of, with_notes
from heorsynth.data.sources.adam_roles import restored, roles_in
from heorsynth.data.sources.adam_tables import AdamTables
from heorsynth.data.sources.adam_visits import AdamVisit, deaths_of, wide_visits
from heorsynth.data.sources.adtte import SUBJECT, event_codes, rows_of, time_unit
from heorsynth.data.visits.schedule import with_visits

_DEATH = ("OS", "_DEATH", "DTH", "TTDEATH", "TTDTH")
"""Parameters whose event is death: no visit may follow it."""

_ADMINISTRATIVE = re.compile(
    r"STUDYID|SUBJID|SITEID|SITEGR\d|INVID|INVNAM|ARM|ARMCD|ACTARM|ACTARMCD|AGEU|TR\d\d\w*|TRT\w*|\w*(DT|DTM|TM|DTC|DTF|TMF)"
    r"|(SAF|ITT|MITT|FAS|PPROT|COMPLT|RAND|ENRL|EFF|DISCON|DSRAE|DTH|SCRN|COMP\d*)FL"
    r"|DC\w+|DTH\w+|LST\w+|EO[ST]\w+|CUMDOSE|AVGDD|VISNUMEN"
)
"""Variables of ADSL that are no covariate at baseline: identifiers, dates, treatments, populations, what came later."""


@dataclass(frozen=True)
class _AdamEndpoint:
    """An endpoint: its parameter of ADTTE, and the values of CNSR from 2 that are competing causes, with names."""

    param: str
    causes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Joined:
    """Rows of several tables joined into one a patient.

    Attributes
    ----------
    frame : DataFrame     one row a patient; `attrs` holds the notes, and the label of synthetic rows
    roles : dict          the roles that the tables declare themselves, for `Cohort`
    visits : dict         measure to {visit time: column}
    """

    frame: pd.DataFrame
    roles: dict[str, Any]
    visits: Mapping[str, Mapping[float, str]]


def from_adam(
    folder: str | Path,
    endpoints: Mapping[str, object] | None = None,
    *,
    visits: Mapping[str, object] | None = None,
    covariates: Sequence[str] | None = None,
    population: str | None = None,
    name: str | None = None,
    **roles: Any,
) -> Cohort:
    """Join a folder of CDISC ADaM data sets into a cohort.

    Parameters
    ----------
    folder : path
        Holds adsl, adtte and tables of visits: SAS transport (.xpt), Dataset-JSON 1.1 (.json) or Parquet, one a file.
    endpoints : Mapping
        Name of an endpoint to a parameter of ADTTE: {"os": "OS"}, or {"os": {"param": "OS", "causes": {2: "other"}}},
        where CNSR = 2 is a competing cause. Columns are named `os_time` and `os_event`. A folder that `to_adam` wrote
        holds its roles, so nothing need be given.
    visits : Mapping, optional
        Measure to a parameter of a BDS table: {"adas": "ACTOT"}, or {"adas": {"param": "ACTOT", "dataset": "adqs"}}. A
        column `adas_8` is the value at AVISITN 8. With `visit_unit` (of AVISITN) or `derived` among the roles, the
        cohort has them as its visits.
    covariates : list of str, optional
        Variables of ADSL; by default all that vary, without identifiers, dates, populations and what came later.
    population : str, optional
        A flag of ADSL, such as ITTFL: patients with Y are read.
    **roles
        Further roles, as in `heorsynth.Cohort`; they replace those of the tables.

    Returns
    -------
    Cohort      its `notes` say what was left out

    Raises
    ------
    FileError
        A table, variable or parameter is missing (the nearest is named); a patient has several records of a parameter
        or visit, or none of an endpoint; units contradict each other; a visit lies after death.
    CohortError
        The rows and roles are no cohort.

    See Also
    --------
    heorsynth.to_adam : Write a cohort as ADaM data sets.

    References
    ----------
    CDISC (2021) Analysis Data Model Implementation Guide 1.3; CDISC (2012) ADaM Basic Data Structure for Time-to-Event
    Analyses 1.0: CNSR is 0 for an event.

    Examples
    --------
    >>> import tempfile
    >>> from heorsynth.data.sources.adam_write import to_adam
    >>> frame = pd.DataFrame({"time": [5, 8, 12, 20], "event": [1, 0, 1, 0], "trt": list("abab")})
    >>> cohort = Cohort(frame, endpoints={"os": ("time", "event")}, arm="trt", unit="month")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = from_adam(to_adam(cohort, folder))
    >>> again.frame.equals(cohort.frame), again.schema == cohort.schema
    (True, True)
    """
    joined = join_adam(Path(folder), endpoints, visits=visits, covariates=covariates, population=population)
    held = {**joined.roles, **with_visits(joined.visits, roles), **roles}
    return Cohort(joined.frame, name=name or Path(folder).name, **held)


def join_adam(
    folder: Path,
    endpoints: Mapping[str, object] | None = None,
    *,
    visits: Mapping[str, object] | None = None,
    covariates: Sequence[str] | None = None,
    population: str | None = None,
) -> _Joined:
    """Return the rows and roles that `from_adam` makes a cohort of."""
    tables = AdamTables.found(folder)
    held = roles_in(tables)
    if held is not None and endpoints and held.label is not None:
        problem = Problem("endpoints", "the rows are synthetic, and their label states their roles", "leave it out")
        raise FileError(f"ADaM folder {folder.name!r}", problem)
    held = None if endpoints else held
    if held is not None:
        endpoints, visits = held.endpoints, held.visits
    elif not endpoints:
        raise FileError(f"ADaM folder {folder.name!r}", Problem("endpoints", "are not given", 'write {"os": "OS"}'))
    asked = {str(one): _as_endpoint(one, spec) for one, spec in (endpoints or {}).items()}
    adsl = _patients(tables, population)
    subjects = pd.Index(adsl[SUBJECT])
    columns, unit, follow_up = _outcomes(tables, asked, subjects, population)
    arm = None if held is not None else _arm(adsl)
    if held is None:
        chosen, notes = _covariates(adsl, covariates, arm)
    else:
        chosen, notes = [one for one in adsl if one in held.columns.get("ADSL", {})], []
    frame = pd.concat([adsl[[SUBJECT, *chosen]].set_axis(subjects), columns], axis=1)
    times: dict[str, Mapping[float, str]] = {}
    deaths = deaths_of(adsl, follow_up, unit)
    for measure, spec in (visits or {}).items():
        wide = wide_visits(tables, str(measure), _as_visit(str(measure), spec), deaths)
        frame = frame.join(wide.frame)
        times[str(measure)] = wide.columns
        notes += wide.notes
    frame = _whole_numbers(frame.reset_index(drop=True))
    roles = {"endpoints": {one: (f"{one}_time", f"{one}_event", dict(spec.causes)) for one, spec in asked.items()},
             "id": SUBJECT, "arm": arm, "unit": unit}  # fmt: skip
    if held is not None:
        return _Joined(*restored(frame, held), times)
    return _Joined(with_notes(frame, [*notes_of(adsl), *notes]), roles, times)


def _as_endpoint(name: str, spec: Any) -> _AdamEndpoint:
    if isinstance(spec, str):
        return _AdamEndpoint(spec)
    if isinstance(spec, Mapping) and isinstance(spec.get("param"), str) and set(spec) <= {"param", "causes"}:
        return _AdamEndpoint(
            spec["param"], {int(code): str(cause) for code, cause in (spec.get("causes") or {}).items()}
        )
    problem = Problem(f"endpoints.{name}", "is no parameter", 'write "OS", or {"param": "OS", "causes": {2: "other"}}')
    raise FileError("ADaM source", problem)


def _as_visit(name: str, spec: Any) -> AdamVisit:
    if isinstance(spec, str):
        return AdamVisit(spec)
    if isinstance(spec, Mapping) and isinstance(spec.get("param"), str) and set(spec) <= {"param", "dataset"}:
        return AdamVisit(spec["param"], spec.get("dataset"))
    problem = Problem(f"visits.{name}", "is no parameter", 'write "EQ5D", or {"param": "EQ5D", "dataset": "adqs"}')
    raise FileError("ADaM source", problem)


def _patients(tables: AdamTables, population: str | None) -> pd.DataFrame:
    """Return the rows of ADSL, of those in a population. Raise FileError if a patient has several rows."""
    adsl = tables.table("adsl")
    for needed in (SUBJECT, *([population] if population else [])):
        if needed not in adsl:
            raise FileError("ADSL table", Problem(needed, "no such variable", nearest(needed, map(str, adsl.columns))))
    twice = int(adsl[SUBJECT].duplicated().sum())
    if twice or adsl[SUBJECT].isna().any():
        found = f"{counted(twice, 'patient')} with several rows" if twice else "missing in some rows"
        raise FileError("ADSL table", Problem(SUBJECT, found, "give one row a patient"))
    chosen = adsl if population is None else adsl[adsl[population] == "Y"].reset_index(drop=True)
    if chosen.empty:
        raise FileError("ADSL table", Problem(str(population), "marks no patient with Y", "choose another population"))
    return chosen


def _outcomes(
    tables: AdamTables, endpoints: Mapping[str, _AdamEndpoint], subjects: pd.Index, population: str | None
) -> tuple[pd.DataFrame, str, pd.Series | None]:
    """Return follow-up and event of each endpoint by patient, their unit, and the follow-up of those who died."""
    columns: dict[str, pd.Series] = {}
    units: dict[str, str] = {}
    follow_up = None
    for name, endpoint in endpoints.items():
        _, held = tables.having(endpoint.param, "adtte")
        rows = rows_of(held, endpoint.param)
        _require_once_each(rows, endpoint.param, subjects, population)
        rows = rows.set_index(SUBJECT).reindex(subjects)
        unit = time_unit(rows, endpoint.param)
        if unit is None:
            found = f"the unit of {endpoint.param} is stated neither in AVALU nor in PARAM, nor by ADT and STARTDT"
            raise FileError("ADTTE table", Problem("AVALU", found, "add AVALU, such as DAYS or MONTHS"))
        units[endpoint.param] = unit
        columns[f"{name}_time"] = pd.to_numeric(rows["AVAL"])
        columns[f"{name}_event"] = event_codes(rows, endpoint.causes)
        if endpoint.param.upper() in _DEATH:
            follow_up = columns[f"{name}_time"].where(columns[f"{name}_event"] == 1)
    if len(set(units.values())) > 1:
        stated = ", ".join(f"{one} in {unit}s" for one, unit in units.items())
        raise FileError(
            "ADTTE table", Problem("AVALU", f"endpoints in different units: {stated}", "convert them to one")
        )
    return pd.DataFrame(columns, index=subjects), next(iter(units.values()), "day"), follow_up


def _require_once_each(rows: pd.DataFrame, parameter: str, subjects: pd.Index, population: str | None) -> None:
    """Raise FileError unless each patient of ADSL has one record of a parameter, and only they have one."""
    known = pd.Index(rows[SUBJECT])
    problems = []
    if twice := int(known[known.duplicated()].nunique()):
        found = f"{counted(twice, 'patient')} with several records"
        problems.append(Problem(parameter, found, "keep one record for each patient and parameter"))
    if absent := int((~subjects.isin(known)).sum()):
        found = f"{absent} of {len(subjects)} patients of ADSL have no record"
        problems.append(Problem(parameter, found, "give the population that has one, such as population: ITTFL"))
    if population is None and (strange := int((~known.isin(subjects)).sum())):
        found = f"{counted(strange, 'record')} of patients that ADSL lacks"
        problems.append(Problem(parameter, found, "give the ADSL of the same study"))
    if problems:
        raise FileError("ADTTE table", problems)


def _arm(adsl: pd.DataFrame) -> str | None:
    """Return the variable of the planned treatment, or else the actual one; None if all patients have the same."""
    return next((name for name in ("TRT01P", "TRT01A", "ARM") if name in adsl and adsl[name].nunique() > 1), None)


def _covariates(adsl: pd.DataFrame, wanted: Sequence[str] | None, arm: str | None) -> tuple[list[str], list[str]]:
    """Return the variables of ADSL to read, with the arm, and a note on those left out."""
    names = [str(name) for name in adsl.columns]
    first = [arm] if arm else []
    if wanted is not None:
        unknown = [name for name in wanted if name not in names]
        if unknown:
            raise FileError("ADSL table", [Problem(name, "no such variable", nearest(name, names)) for name in unknown])
        return [*first, *(name for name in wanted if name not in (SUBJECT, arm))], []
    kept = [name for name in names if name not in (SUBJECT, arm) and adsl[name].nunique() > 1
            and not _ADMINISTRATIVE.fullmatch(name) and not _is_twin(name, names)]  # fmt: skip
    out = [name for name in names if name not in (*kept, SUBJECT, arm)]
    return [*first, *kept], [
        f"Left out of ADSL, because they are no baseline covariate: {', '.join(out)}."
    ] if out else []


def _is_twin(name: str, names: Collection[str]) -> bool:
    """Return True for a variable that repeats another one as a number, such as RACEN for RACE."""
    return name.endswith("N") and name[:-1] in names


def _whole_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with columns of whole numbers as integers: SAS and Dataset-JSON know one kind of number."""
    for name in frame.columns:
        column = frame[name]
        if types.is_float_dtype(column.dtype) and column.notna().all() and (column == np.round(column)).all():
            frame[name] = column.astype(np.int64)
    return frame
