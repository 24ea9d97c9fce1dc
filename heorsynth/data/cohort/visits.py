"""The visits of a cohort's rows: values and times as arrays, deaths, and the columns derived from them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import Problem, RoleError
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.role_checks import TypedProblem
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.data.visits.area import area_under, late, total_of
from heorsynth.data.visits.schedule import AREA
from heorsynth.data.visits.units import TIME_UNITS

_DEATH_WORDS = ("death", "dead", "died")

_RELATIVE = 1e-9
"""Numbers that differ by at most this share of their size are equal."""


def visit_arrays(table: Arrays, schema: Schema, measure: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the planned times (k,), the times (n, k) and the values (n, k) of a measure; NaN where unknown."""
    held = schema.visits[measure]
    values = np.column_stack([table.numbers(column) for _, column in held])
    plan = np.array([time for time, _ in held])
    actual = [schema.schedule.times.get(column) for _, column in held]
    times = np.column_stack([
        np.full(table.n, plan[place]) if name is None else table.numbers(name) for place, name in enumerate(actual)
    ])  # fmt: skip
    return plan, times, values


def ends(table: Arrays, schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    """Return the end of follow-up (n,) in the unit of visits, and whether it is death (n,).

    The event of the endpoint that is death is any cause above 0; or, if one of its causes is called death, that cause
    alone. Without such an endpoint nobody is known to have died, and follow-up ends with the last time of all.
    """
    share = TIME_UNITS[schema.unit] / TIME_UNITS[schema.visit_unit]
    death = schema.endpoints.get(schema.schedule.death or "")
    if death is None:
        latest = [table.numbers(name) for name in schema.times]
        return (np.max(latest, axis=0) * share if latest else np.full(table.n, np.inf)), np.zeros(table.n, dtype=bool)
    return table.numbers(death.time) * share, np.isin(table.numbers(death.event), _codes(death))


def deaths(table: Arrays, schema: Schema) -> np.ndarray:
    """Return the time of death (n,) in the unit of visits: infinite for those not known to have died."""
    end, dead = ends(table, schema)
    return np.where(dead, end, np.inf)


def _codes(endpoint: Endpoint) -> list[int]:
    """Return the codes of an endpoint's event that are death."""
    named = [code for code, name in endpoint.causes.items() if any(word in name.lower() for word in _DEATH_WORDS)]
    return named or list(range(1, 10))


def _late_visits(table: Arrays, schema: Schema, measure: str, death: np.ndarray) -> np.ndarray:
    """Return True (n, k) for visits after a time (n,); the amount of a period is after it if all of the period is."""
    plan, times, _ = visit_arrays(table, schema, measure)
    return late(plan, death, periods=measure in schema.schedule.periods, times=times)


def _derived_column(table: Arrays, schema: Schema, name: str) -> np.ndarray:
    """Return a derived column (n,), calculated from the visits of its measure; NaN where a visit is missing."""
    one = schema.derived[name]
    plan, times, values = visit_arrays(table, schema, one.measure)
    years, death = TIME_UNITS[schema.visit_unit] / TIME_UNITS["year"], deaths(table, schema)
    if one.kind == AREA:
        return area_under(times, values, plan, death, rate=one.rate, years=years)
    return total_of(values, plan, death, rate=one.rate, years=years)


def with_derived(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the rows with their derived columns calculated again from the visits."""
    if not schema.derived:
        return frame
    table = Arrays(frame)
    made = {name: _derived_column(table, schema, name) for name in schema.derived}
    return frame.assign(**{name: pd.Series(values, index=frame.index) for name, values in made.items()})


def _differs_from_visits(table: Arrays, schema: Schema, name: str) -> np.ndarray:
    """Return True (n,) where a stored derived column is not what its visits give, to the decimals that it has."""
    stored, wanted = table.numbers(name), _derived_column(table, schema, name)
    decimals = next((d for d in range(10) if np.allclose(stored, np.round(stored, d), atol=1e-11, equal_nan=True)), 15)
    with np.errstate(invalid="ignore"):
        near = np.abs(stored - wanted) <= np.maximum(0.501 * 10.0**-decimals, _RELATIVE * np.abs(wanted))
    return np.asarray(~(near | (np.isnan(stored) & np.isnan(wanted))))


def visit_breaks(table: Arrays, schema: Schema) -> dict[str, int]:
    """Return the rows with a value after death, with times that do not rise, or with another derived value."""
    death, found = deaths(table, schema), dict[str, int]()
    for measure in schema.visits:
        _, times, values = visit_arrays(table, schema, measure)
        known = ~np.isnan(values)
        after = (known & _late_visits(table, schema, measure, death)).any(axis=1)
        found[f"{measure}: a visit after death"] = int(after.sum())
        found[f"{measure}: times do not increase"] = int(_falling(np.where(known, times, np.nan)).sum())
    for name, one in schema.derived.items():
        if name in table.names:
            found[f"{name}: not {one.text}"] = int(_differs_from_visits(table, schema, name).sum())
    return {what: count for what, count in found.items() if count}


def _falling(times: np.ndarray) -> np.ndarray:
    """Return True (n,) where a known time is not above the known one before it."""
    wrong, last = np.zeros(len(times), dtype=bool), np.full(len(times), -np.inf)
    for column in times.T:
        known = ~np.isnan(column)
        wrong |= known & (np.where(known, column, np.inf) <= last)
        last = np.where(known, column, last)
    return wrong


_FIXES = {
    "a visit after death": "correct the date of the visit or of death; give the time of each visit, "
    'as in {6: ("e6", "e6_time")}, if visits are not at their planned time; or name the endpoint that is death',
    "times do not increase": "correct the times, or the visits that they belong to",
}


def bad_visits(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Values after death, times that do not increase, and derived columns that differ from the visits."""
    problems: list[TypedProblem] = []
    for what, count in visit_breaks(Arrays(frame), schema).items() if schema.visits else ():
        name, found = what.split(": ", 1)
        fix = _FIXES.get(found, "drop the column: it is calculated from the visits")
        problems.append((RoleError, Problem(name, f"{found} ({counted(count, 'patient')})", fix)))
    return problems


def no_numbers(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Columns of visits that hold something else than numbers."""
    names = [name for name in schema.schedule.columns if name in frame and not _numeric(frame[name])]
    fix = "give numbers; convert units such as '0.7 QALY' first"
    return [(RoleError, Problem(f"column {name!r}", "is a visit and holds no numbers", fix)) for name in names]


def _numeric(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def long_table(table: Arrays, schema: Schema, names: pd.Series) -> pd.DataFrame:
    """Return one row a patient, measure and visit with a known value: patient, measure, planned, time, value."""
    parts = []
    for measure in schema.visits:
        plan, times, values = visit_arrays(table, schema, measure)
        rows, visits = np.nonzero(~np.isnan(values))
        held = {"patient": names.to_numpy()[rows], "measure": measure, "planned": plan[visits]}
        parts.append(pd.DataFrame({**held, "time": times[rows, visits], "value": values[rows, visits]}))
    columns = ["patient", "measure", "planned", "time", "value"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def told(schema: Schema) -> list[tuple[str, str]]:
    """Return the visits and derived columns in words, for the card of a cohort."""
    rows = [
        (f"visits {measure}", f"{counted(len(held), 'visit')}, {held[0][0]:g} to {held[-1][0]:g} {schema.visit_unit}s")
        for measure, held in schema.visits.items()
    ]
    return rows + [(f"derived {name}", one.text) for name, one in schema.derived.items()]
