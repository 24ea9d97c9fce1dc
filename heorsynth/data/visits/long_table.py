"""A table with one row a patient and visit, turned into one column a visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import Problem, RoleError, nearest
from heorsynth.core.numbers import is_number

_FORM = 'write visits={"eq5d": ("id", "month", "value")}, or {"id": …, "time": …, "value": …, "unit": …, "at": [0, 6]}'

_MOST_VISITS, _ENOUGH = 24, 5
"""Without a plan, the times in the table are the plan if they are at most so many and each has so many patients."""


@dataclass(frozen=True)
class _LongVisits:
    """Where a long table holds a measure.

    Attributes
    ----------
    id, time, value : str      columns of the patient, of the time of the visit, and of the value
    unit : str, optional       column of the value's unit, which must be one
    at : tuple                 the planned times; each visit belongs to the nearest
    """

    id: str
    time: str
    value: str
    unit: str | None = None
    at: tuple[float, ...] = ()


def is_long(visits: object) -> bool:
    """Return True if visits are declared as columns of a long table."""
    if not isinstance(visits, Mapping) or not visits:
        return False
    return any(
        _names(one) or (isinstance(one, Mapping) and {"id", "time", "value"} & set(one)) for one in visits.values()
    )


def _names(declared: object) -> bool:
    return isinstance(declared, (tuple, list)) and all(isinstance(part, str) for part in declared)


def _as_long(measure: str, declared: Any) -> _LongVisits:
    """Return a measure declared as columns of a long table. Raise RoleError for another form."""
    where = f"visits: {measure}"
    if _names(declared) and len(declared) == 3:
        return _LongVisits(*declared)
    known = ("id", "time", "value", "unit", "at")
    if not isinstance(declared, Mapping) or not {"id", "time", "value"} <= set(declared) <= set(known):
        raise RoleError("cohort", Problem(where, "is not of the form (id, time, value)", _FORM))
    at = declared.get("at", ())
    rising = isinstance(at, Sequence) and all(map(is_number, at))
    if not rising or any(before >= after for before, after in pairwise(at)):
        raise RoleError("cohort", Problem(where, "its times do not increase", "name planned times in order: at=[0, 6]"))
    return _LongVisits(**{**declared, "at": tuple(map(float, at))})


def widened(
    frame: pd.DataFrame, id: str | None, visits: Mapping[str, object], table: object
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the rows with a column for each visit of a long table, and the declaration of these columns.

    Parameters
    ----------
    frame : DataFrame         one row a patient
    id : str                  its column of the patient
    visits : Mapping          measure to `_LongVisits`, as declared
    table : DataFrame         one row a patient and visit

    Notes
    -----
    Columns are called `eq5d_6` for the visit planned at 6; where visits are not at their planned time, `eq5d_6_time`
    is when they were. Records without a value are no visits.

    Raises
    ------
    RoleError      a column is missing; a patient is not in the frame; the same patient and visit twice; several units;
                   a time is missing or no number; the times vary and no plan is given
    """
    if not isinstance(table, pd.DataFrame):
        raise RoleError("cohort", Problem("visit_table", "is not a DataFrame", "give the long table beside the frame"))
    if id is None or id not in frame:
        raise RoleError("cohort", Problem("id", "visits of a long table need it", 'declare id="patient"'))
    declared: dict[str, Any] = {}
    for measure, spec in visits.items():
        if isinstance(spec, Mapping) and not {"id", "time", "value"} & set(spec):
            declared[str(measure)] = spec
            continue
        columns, declared[str(measure)] = _wide(frame[id], str(measure), _as_long(str(measure), spec), table)
        if twice := [name for name in columns if name in frame]:
            problem = Problem(f"column {twice[0]!r}", "is in the frame already", "rename it, or leave it out")
            raise RoleError("cohort", problem)
        frame = pd.concat([frame, columns.set_axis(frame.index)], axis=1)
    return frame, declared


def _wide(
    patients: pd.Series, measure: str, spec: _LongVisits, table: pd.DataFrame
) -> tuple[pd.DataFrame, dict[float, str | tuple[str, str]]]:
    """Return the columns of one measure (n, k), and their declaration."""
    where, known = f"visits: {measure}", list(map(str, table.columns))
    wanted = [spec.id, spec.time, spec.value, *([] if spec.unit is None else [spec.unit])]
    if absent := [name for name in wanted if name not in known]:
        problems = [Problem(where, f"no column {name!r} in the long table", nearest(name, known)) for name in absent]
        raise RoleError("cohort", problems)
    rows = table[table[spec.value].notna()]
    place = pd.Index(patients.astype(str)).get_indexer(pd.Index(rows[spec.id].astype(str)))
    time, value = (pd.to_numeric(rows[name], errors="coerce").to_numpy(float) for name in (spec.time, spec.value))
    problems = _problems(where, rows, spec, place, time, value)
    if problems:
        raise RoleError("cohort", problems)
    plan = np.array(spec.at) if spec.at else _plan(where, time)
    visit = np.abs(time[:, None] - plan).argmin(axis=1)
    twice = pd.DataFrame({"place": place, "visit": visit}).duplicated(keep=False)
    if twice.any():
        found = f"{counted(int(pd.Series(place[twice]).nunique()), 'patient')} with the same visit twice"
        fix = "keep one record of each visit, or give more planned times with at=[…]"
        raise RoleError("cohort", Problem(where, found, fix))
    columns, declared = dict[str, np.ndarray](), dict[float, str | tuple[str, str]]()
    for index, moment in enumerate(plan.tolist()):
        here, name = visit == index, f"{measure}_{moment:g}"
        columns[name], times = np.full(len(patients), np.nan), np.full(len(patients), np.nan)
        columns[name][place[here]], times[place[here]] = value[here], time[here]
        declared[moment] = name
        if np.any(np.abs(time[here] - moment) > 1e-9):
            columns[f"{name}_time"], declared[moment] = times, (name, f"{name}_time")
    return pd.DataFrame(columns), declared


def _problems(
    where: str, rows: pd.DataFrame, spec: _LongVisits, place: np.ndarray, time: np.ndarray, value: np.ndarray
) -> list[Problem]:
    """Return what is wrong with the records of one measure."""
    found: list[Problem] = []
    if strangers := int((place < 0).sum()):
        found.append(Problem(where, f"{counted(strangers, 'record')} of patients not in the frame", "correct the ids"))
    for what, numbers in (("time", time), ("value", value)):
        if wrong := int((~np.isfinite(numbers)).sum()):
            found.append(
                Problem(where, f"{counted(wrong, 'record')} whose {what} is no number", f"correct the {what}s")
            )
    if spec.unit is not None and (n_units := rows[spec.unit].nunique(dropna=False)) > 1:
        found.append(
            Problem(where, f"has {n_units} units: it changes between visits", "convert the values to one unit")
        )
    if rows.empty:
        found.append(Problem(where, "has no record with a value", "name another column"))
    return found


def _plan(where: str, time: np.ndarray) -> np.ndarray:
    """Return the planned times: the times themselves, if many patients share each. Raise RoleError otherwise."""
    plan, counts = np.unique(time, return_counts=True)
    if len(plan) > _MOST_VISITS or counts.min() < _ENOUGH:
        fix = 'give the planned times: {"id": …, "time": …, "value": …, "at": [0, 6, 12]}'
        raise RoleError("cohort", Problem(where, "the times vary, so the planned visits are not known", fix))
    return plan
