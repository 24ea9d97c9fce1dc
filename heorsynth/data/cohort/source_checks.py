"""The checks that a frame of real patients must pass to be a cohort, after its columns and event codes were checked."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core import errors
from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import Problem
from heorsynth.data.cohort.follow_up import combine_advice, known_for_events_only, zero_advice
from heorsynth.data.cohort.level_checks import ENOUGH, counts_of, free_text_problem, rare_levels
from heorsynth.data.columns.clusters import bad_clusters
from heorsynth.data.columns.identifiers import looks_like_dates, n_persons
from heorsynth.data.columns.levels import SMALL_COUNT, banded
from heorsynth.data.columns.role_checks import TypedProblem, event_of
from heorsynth.data.columns.schema import Endpoint, Schema

COUNT_DAYS = "make a column with the number of days from start to end: in pandas (end - start).dt.days"
ONE_ROW = "give one row per patient: keep one visit (or one parameter) of each, or combine the rows of a patient first"


def bad_events(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Endpoints without a single event of interest. Events are already coded as 0 = censored, 1.. = causes."""
    problems: list[TypedProblem] = []
    for endpoint in schema.endpoints.values():
        if not (frame[endpoint.event].to_numpy() == 1).any():
            problems.append(no_events_problem(endpoint, len(frame)))
    return problems


def no_events_problem(endpoint: Endpoint, n: int) -> TypedProblem:
    """Return the problem of an endpoint without a single event of interest."""
    problem = Problem(
        event_of(endpoint),
        f"nobody among {n} patients has the event",
        "check the coding (0 = censored, 1 = event), or follow up for longer",
    )
    return errors.NoEventsError, problem


def _bad_durations(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Follow-up times that are missing, infinite, not positive, or not after entry."""
    problems: list[TypedProblem] = []
    entry = None
    if schema.entry is not None:
        entry = _numbers(frame[schema.entry])
        if np.isnan(entry).any() or (entry < 0).any():
            problems.append(
                (
                    errors.DurationError,
                    Problem(
                        schema.entry, "entry times must be numbers from 0 up", "0 for those followed from the start"
                    ),
                )
            )
    for name in schema.times:
        if (message := _no_count(frame[name])) is not None:
            problems.append((errors.DurationError, Problem(name, *message)))
            continue
        time = _numbers(frame[name])
        problems += _gaps(frame, schema, name, time) + _not_positive(frame, schema, name, time)
        if entry is not None and (late := int((time <= entry).sum())):
            problems.append(
                (
                    errors.DurationError,
                    Problem(
                        name,
                        f"{late} of {len(time)} follow-ups end before their entry",
                        "time and entry must count from the same origin",
                    ),
                )
            )
    return problems


def _gaps(frame: pd.DataFrame, schema: Schema, name: str, time: np.ndarray) -> list[TypedProblem]:
    """Return the problem of durations that are missing or infinite."""
    unknown = int((~np.isfinite(time)).sum())
    if not unknown:
        return []
    event = _ends(frame, schema, name)
    message, fix = "missing or not numbers", "drop those rows, or find their last known follow-up"
    if known_for_events_only(time, event):
        message = "missing, mostly of patients without the event"
        fix = combine_advice(frame, name, event, schema.columns)
    return [(errors.DurationError, Problem(name, f"{unknown} of {len(time)} durations are {message}", fix))]


def _not_positive(frame: pd.DataFrame, schema: Schema, name: str, time: np.ndarray) -> list[TypedProblem]:
    """Return the problem of durations that are 0 or negative."""
    low, negative = int((time <= 0).sum()), int((time < 0).sum())
    if not low:
        return []
    message = f"{low} of {len(time)} durations are not positive"
    fix = "drop those rows, or give entry='…' if follow-up starts later"
    paste = fix.replace("entry='…'", "entry: …")
    if not negative and schema.entry is None and low < len(time):
        fix = paste = zero_advice(time, _ends(frame, schema, name), schema.unit)
    return [(errors.DurationError, Problem(name, message, fix, paste))]


def _ends(frame: pd.DataFrame, schema: Schema, time: str) -> np.ndarray:
    """Return the event codes (n,) that belong to a time column, with 0 if unknown."""
    event = next(one.event for one in schema.endpoints.values() if one.time == time)
    return np.nan_to_num(_numbers(frame[event]))


def _numbers(column: pd.Series) -> np.ndarray:
    """Return a column as floats (n,), with NaN for everything that is not a number."""
    return np.asarray(pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan))


def _no_count(column: pd.Series) -> tuple[str, ...] | None:
    """Return the problem and its fixes for a time column that does not hold numbers in the cohort's unit, or None."""
    if types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column):
        return "holds dates or time spans, not numbers", COUNT_DAYS
    if types.is_bool_dtype(column) or types.is_complex_dtype(column):
        return "holds no numbers of time", "give the follow-up as a number, in the cohort's unit"
    if not types.is_numeric_dtype(column) and np.isfinite(_numbers(column)).all():
        fix = f"frame[{column.name!r}] = pandas.to_numeric(frame[{column.name!r}])"
        return "numbers written as text", fix, "write them in the file as numbers, without quotes or signs"
    if not types.is_numeric_dtype(column) and looks_like_dates(column):
        return "holds dates written as text, not numbers", COUNT_DAYS
    return None


def _bad_arm(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """An arm column without a comparison, or with more than two arms and no reference."""
    return [] if schema.arm is None else arm_problems(counts_of(frame[schema.arm]), schema)


def arm_problems(levels: Mapping[str, int], schema: Schema) -> list[TypedProblem]:
    """Return the problems of arms with these levels and patient counts."""
    where, rare = f"arm {schema.arm!r}", sum(count < SMALL_COUNT for count in levels.values())
    if free_text := free_text_problem(where, levels):
        return free_text
    if rare and sum(levels.values()) >= ENOUGH:
        message = (
            f"{rare} of its {len(levels)} levels {agreeing(rare, 'has', 'have')} fewer than {SMALL_COUNT} patients"
        )
        fix = "leave the arm of those patients empty, merge levels, or leave those patients out"
        return [(errors.ArmError, Problem(where, message, fix))]
    if len(levels) < 2:
        return [
            (
                errors.ArmError,
                Problem(
                    where,
                    f"{len(levels)} level, expected 2",
                    "leave arm=None for a single-arm cohort; an economic evaluation needs two",
                    "leave arm: out for a single-arm cohort; an economic evaluation needs two",
                ),
            )
        ]
    if schema.arm_reference is not None and schema.arm_reference not in levels:
        return [
            (
                errors.ArmError,
                Problem("arm_reference", "not a level of the arm", f"name one of its {len(levels)} levels"),
            )
        ]
    if len(levels) > 2 and schema.arm_reference is None:
        return [
            (
                errors.ArmError,
                Problem(
                    where,
                    f"{counted(len(levels), 'level')}, expected 2",
                    "name a comparator with arm_reference='…'",
                    "name a comparator with arm_reference: …",
                ),
            )
        ]
    return []


def _bad_ids(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Ids that are missing or stand for more than one row."""
    if schema.id is None:
        return []
    column = frame[schema.id]
    twice, unknown = int(column.duplicated(keep=False).sum()), int(column.isna().sum())
    return id_problems(schema.id, twice, unknown, len(column))


def id_problems(name: str, twice: int, unknown: int, n: int) -> list[TypedProblem]:
    """Return the problem of ids if `twice` rows share an id or `unknown` rows have none."""
    if not (unknown or twice):
        return []
    message = f"{twice} of {n} rows share an id, {unknown} {agreeing(unknown, 'has', 'have')} none"
    return [(errors.DuplicateIdError, Problem(f"id {name!r}", message, ONE_ROW))]


def _repeated_patients(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Columns that are named like a patient id and repeat values: their rows are visits or parameters, not patients.

    If a declared id is unique, each row is one patient by declaration, and other id columns may repeat.
    """
    if schema.id is not None and frame[schema.id].notna().all() and frame[schema.id].is_unique:
        return []
    return [
        repeated_ids_problem(str(name), persons, len(frame))
        for name in frame.columns
        if name != schema.id and name not in schema.columns and (persons := n_persons(frame[name]))
    ]


def repeated_ids_problem(name: str, persons: int, n: int) -> TypedProblem:
    """Return the problem of a column that is named like an id and has only `persons` different values in n rows."""
    message = f"named like a patient id, but its {n} rows hold only {persons} ids: rows are visits, not patients"
    fix = ONE_ROW + "; if the column is not a patient id, rename it"
    return errors.DuplicateIdError, Problem(f"column {name!r}", message, fix)


def order_breaks(frame: pd.DataFrame, schema: Schema) -> dict[tuple[str, str], int]:
    """Return, for each ordered pair of endpoints (first, last), the number of rows with the first after the last."""
    breaks: dict[tuple[str, str], int] = {}
    for first, last in schema.order:
        before, after = (_numbers(frame[schema.endpoints[name].time]) for name in (first, last))
        breaks[first, last] = int((before > after).sum())
    return breaks


def _bad_order(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Declared orders of endpoints that some rows break, such as PFS after OS."""
    return [
        (
            errors.DurationError,
            Problem(
                f"order {first} ≤ {last}",
                f"broken in {count} of {len(frame)} rows",
                "correct those rows, or do not declare the order",
            ),
        )
        for (first, last), count in order_breaks(frame, schema).items()
        if count
    ]


def _constant_fix(name: str, schema: Schema) -> str:
    """Return the fix for a column that has the same value for every patient."""
    if name in schema.utilities:
        return "remove it from utilities and from the data; with equal effects, compare costs alone"
    if name in schema.costs:
        return "remove it from costs and from the data: an equal cost for all cannot differ between arms"
    return "drop it: a constant column carries no information"


def _bad_columns(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Columns that are empty, constant or of mixed type, and costs or utilities that are not finite numbers."""
    problems: list[TypedProblem] = []
    for name in frame.columns:
        column = frame[name]
        known = column.dropna()
        problems += uninformative_column(str(name), len(known), known.nunique() == 1, schema)
        problems += mixed_column(str(name), known)
    return problems + _bad_money(frame, schema)


def uninformative_column(name: str, known: int, constant: bool, schema: Schema) -> list[TypedProblem]:
    """Return the problem of a column that is entirely missing, or constant without a role that may be constant."""
    if not known:
        return [(errors.EmptyColumnError, Problem(f"column {name!r}", "entirely missing", "drop it"))]
    role = name in (*schema.times, *schema.events, *schema.identifiers, schema.arm, *schema.subgroups, schema.entry)
    if constant and not role:
        problem = Problem(f"column {name!r}", "the same for every patient", _constant_fix(name, schema))
        return [(errors.EmptyColumnError, problem)]
    return []


def mixed_column(name: str, known: pd.Series) -> list[TypedProblem]:
    """Return the problem of a column whose known values mix types."""
    if not _is_mixed(known):
        return []
    fix = "make it one or the other; write missing as empty"
    return [(errors.MixedTypesError, Problem(f"column {name!r}", "mixes numbers and text", fix))]


def _bad_money(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Infinite numbers in columns other than times, and costs and utilities that are not numeric."""
    problems: list[TypedProblem] = []
    for name in map(str, frame.columns):
        numeric = name not in schema.times and types.is_float_dtype(frame[name].dtype)
        if numeric and (endless := int(np.isinf(_numbers(frame[name])).sum())):
            message = f"{endless} of {len(frame)} values {agreeing(endless, 'is', 'are')} infinite"
            problems.append((errors.CohortError, Problem(f"column {name!r}", message, "write missing as empty")))
    for name in itertools.chain(schema.costs, schema.utilities):
        number = types.is_numeric_dtype(frame[name]) and not types.is_bool_dtype(frame[name])
        if not number and not _is_mixed(frame[name].dropna()):
            problems.append(
                (
                    errors.MixedTypesError,
                    Problem(f"column {name!r}", "is not numeric", "remove currency signs and thousands separators"),
                )
            )
    return problems


def _is_mixed(known: pd.Series) -> bool:
    """Return True if an object column mixes numbers, text or dates."""
    if not types.is_object_dtype(known):
        return False
    kind = types.infer_dtype(known, skipna=True)
    return kind.startswith("mixed")


def _bad_subgroups(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Subgroup levels with a single patient: the level's name would identify that patient."""
    problems: list[TypedProblem] = []
    for name in schema.subgroups:
        problems += rare_levels(name, counts_of(frame[name]))
    return problems


def _bad_bands(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Band columns that disagree with the number they are cut from."""
    problems: list[TypedProblem] = []
    for name, band in schema.bands.items():
        if not types.is_numeric_dtype(frame[band.source]):
            problems.append(
                (
                    errors.RoleError,
                    Problem(f"band {name!r}", f"column {band.source!r} is not numeric", "cut bands from a number"),
                )
            )
            continue
        expected = banded(frame[band.source], band.edges, band.labels)
        wrong = int((frame[name].astype(object).fillna("") != expected.fillna("")).sum())
        if wrong:
            problems.append(
                (
                    errors.RoleError,
                    Problem(
                        f"band {name!r}",
                        f"disagrees with {band.source!r} in {_rows(wrong)}",
                        "recompute the band from the number",
                    ),
                )
            )
    return problems


def _bad_totals(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Cost totals that differ from the sum of their declared parts by more than a cent."""
    problems: list[TypedProblem] = []
    for total, parts in schema.totals.items():
        if wrong := int(differs_from_parts(frame, total, parts).sum()):
            problems.append(
                (
                    errors.RoleError,
                    Problem(
                        f"total {total!r}",
                        f"is not the sum of its parts in {_rows(wrong)}",
                        "recompute the total, or do not declare it",
                    ),
                )
            )
    return problems


def _rows(n: int) -> str:
    """Return a number of rows in words."""
    return f"{n} row{'' if n == 1 else 's'}"


def differs_from_parts(frame: pd.DataFrame, total: str, parts: Sequence[str]) -> np.ndarray:
    """Return True (n,) where a total differs from the sum of its parts by more than a cent and in its first 12 digits.

    A row in which only the total or only the sum is missing also counts as different.
    """
    totals, sums = _numbers(frame[total]), np.sum([_numbers(frame[part]) for part in parts], axis=0)
    with np.errstate(invalid="ignore"):  # infinite amounts are reported by `_bad_money`
        near = np.abs(totals - sums) <= np.maximum(0.005, 1e-12 * np.abs(totals))
    return np.asarray(~(near | (np.isnan(totals) & np.isnan(sums))))


ROW_CHECKS = (_bad_durations, _bad_order, _bad_money, _bad_bands, _bad_totals)
"""The checks that look at one row at a time, and so also apply to a part of a cohort."""

SOURCE_CHECKS = (
    bad_events,
    _bad_durations,
    _bad_arm,
    bad_clusters,
    _bad_ids,
    _repeated_patients,
    _bad_order,
    _bad_columns,
    _bad_subgroups,
    _bad_bands,
    _bad_totals,
)
"""All checks of a frame of real patients. They run after the columns were found and the events coded."""
