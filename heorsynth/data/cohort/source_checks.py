"""What a frame of real patients must pass to be a cohort, once its columns were found and its events coded."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core import errors
from heorsynth.core.errors import Problem
from heorsynth.data.cohort.follow_up import how_to_combine, known_for_events_only, zero_advice
from heorsynth.data.cohort.level_checks import ENOUGH, counts_of, rare_levels, words_not_levels
from heorsynth.data.columns.identifiers import looks_like_dates, n_persons
from heorsynth.data.columns.levels import SMALL_COUNT, banded
from heorsynth.data.columns.role_checks import Found, event_of
from heorsynth.data.columns.schema import Endpoint, Schema

COUNT_DAYS = "count the days from start to end in a column of its own: in pandas (end - start).dt.days"
ONE_ROW = "one row a patient: keep one visit of each (or one parameter), or combine the rows of a patient first"


def bad_events(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Endpoints, already in the house coding, in which nobody has the event of interest."""
    found: list[Found] = []
    for endpoint in schema.endpoints.values():
        if not (frame[endpoint.event].to_numpy() == 1).any():
            found.append(no_events(endpoint, len(frame)))
    return found


def no_events(endpoint: Endpoint, n: int) -> Found:
    """What is said of an endpoint in which nobody has the event of interest."""
    problem = Problem(
        event_of(endpoint),
        f"nobody among {n} patients has the event",
        "check the coding (0 = censored, 1 = event), or follow up for longer",
    )
    return errors.NoEventsError, problem


def bad_durations(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Follow-up times that are missing, infinite, not positive, or not after entry."""
    found: list[Found] = []
    entry = None
    if schema.entry is not None:
        entry = _numbers(frame[schema.entry])
        if np.isnan(entry).any() or (entry < 0).any():
            found.append(
                (
                    errors.DurationError,
                    Problem(
                        schema.entry, "entry times must be numbers from 0 up", "0 for those followed from the start"
                    ),
                )
            )
    for name in schema.times:
        if (told := _no_count(frame[name])) is not None:
            found.append((errors.DurationError, Problem(name, *told)))
            continue
        time = _numbers(frame[name])
        found += _gaps(frame, schema, name, time) + _not_positive(frame, schema, name, time)
        if entry is not None and (late := int((time <= entry).sum())):
            found.append(
                (
                    errors.DurationError,
                    Problem(
                        name,
                        f"{late} of {len(time)} follow-ups end before their entry",
                        "time and entry must count from the same origin",
                    ),
                )
            )
    return found


def _gaps(frame: pd.DataFrame, schema: Schema, name: str, time: np.ndarray) -> list[Found]:
    """What is said of durations that are missing or infinite."""
    unknown = int((~np.isfinite(time)).sum())
    if not unknown:
        return []
    event = _ends(frame, schema, name)
    told, fix = "missing or not numbers", "drop those rows, or find their last known follow-up"
    if known_for_events_only(time, event):
        told, fix = "missing, mostly of patients without the event", how_to_combine(frame, name, event, schema.columns)
    return [(errors.DurationError, Problem(name, f"{unknown} of {len(time)} durations are {told}", fix))]


def _not_positive(frame: pd.DataFrame, schema: Schema, name: str, time: np.ndarray) -> list[Found]:
    """What is said of durations that are 0 or negative."""
    low, negative = int((time <= 0).sum()), int((time < 0).sum())
    if not low:
        return []
    told = f"{low} of {len(time)} durations are not positive"
    fix = "drop those rows, or give entry='…' if follow-up starts later"
    paste = fix.replace("entry='…'", "entry: …")
    if not negative and schema.entry is None and low < len(time):
        fix = paste = zero_advice(time, _ends(frame, schema, name), schema.unit)
    return [(errors.DurationError, Problem(name, told, fix, paste))]


def _ends(frame: pd.DataFrame, schema: Schema, time: str) -> np.ndarray:
    """How the follow-ups of a time ended (n,): 0 where it is not known."""
    event = next(one.event for one in schema.endpoints.values() if one.time == time)
    return np.nan_to_num(_numbers(frame[event]))


def _numbers(column: pd.Series) -> np.ndarray:
    """A column as floats (n,), with whatever is no number missing."""
    return np.asarray(pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan))


def _no_count(column: pd.Series) -> tuple[str, ...] | None:
    """What is wrong with, and the fixes for, a column of times that are not counted in the cohort's unit."""
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


def bad_arm(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """An arm that compares nothing, or more than two arms with no reference named."""
    return [] if schema.arm is None else arm_problems(counts_of(frame[schema.arm]), schema)


def arm_problems(levels: Mapping[str, int], schema: Schema) -> list[Found]:
    """What is said of arms of these levels, each with so many patients."""
    where, rare = f"arm {schema.arm!r}", sum(count < SMALL_COUNT for count in levels.values())
    if unlike := words_not_levels(where, levels):
        return unlike
    if rare and sum(levels.values()) >= ENOUGH:
        told = f"{rare} of its {len(levels)} levels {'has' if rare == 1 else 'have'} fewer than {SMALL_COUNT} patients"
        fix = "leave the arm of those patients empty, merge levels, or leave those patients out"
        return [(errors.ArmError, Problem(where, told, fix))]
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
                    f"{len(levels)} levels, expected 2",
                    "name a comparator with arm_reference='…'",
                    "name a comparator with arm_reference: …",
                ),
            )
        ]
    return []


def bad_ids(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Ids that are missing or stand for more than one row."""
    if schema.id is None:
        return []
    column = frame[schema.id]
    twice, unknown = int(column.duplicated(keep=False).sum()), int(column.isna().sum())
    return id_problems(schema.id, twice, unknown, len(column))


def id_problems(name: str, twice: int, unknown: int, n: int) -> list[Found]:
    """What is said of ids that `twice` rows share and `unknown` rows lack."""
    if not (unknown or twice):
        return []
    told = f"{twice} of {n} rows share an id, {unknown} have none"
    return [(errors.DuplicateIdError, Problem(f"id {name!r}", told, ONE_ROW))]


def repeated_patients(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """A column that is no declared id, named like one, whose values repeat: rows are then visits or parameters.

    Where an id is declared and unique, a row is a patient by the user's own word, and other ids may repeat.
    """
    if schema.id is not None and frame[schema.id].notna().all() and frame[schema.id].is_unique:
        return []
    return [
        visits(str(name), found, len(frame))
        for name in frame.columns
        if name != schema.id and name not in schema.columns and (found := n_persons(frame[name]))
    ]


def visits(name: str, persons: int, n: int) -> Found:
    """What is said of a column named like an id whose values repeat: so many persons in n rows."""
    told = (
        f"named like a patient's id, but {n} rows share {persons} of them: these are visits or parameters, not patients"
    )
    fix = ONE_ROW + "; if it is no patient's id, give it another name"
    return errors.DuplicateIdError, Problem(f"column {name!r}", told, fix)


def order_breaks(frame: pd.DataFrame, schema: Schema) -> dict[tuple[str, str], int]:
    """For each ordered pair of endpoints (first, last), in how many rows the first comes after the last."""
    breaks: dict[tuple[str, str], int] = {}
    for first, last in schema.order:
        before, after = (_numbers(frame[schema.endpoints[name].time]) for name in (first, last))
        breaks[first, last] = int((before > after).sum())
    return breaks


def bad_order(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Endpoints declared in an order that some rows break, such as PFS after OS."""
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


def _dropped(name: str, schema: Schema) -> str:
    """What to do about a column that is the same for every patient."""
    if name in schema.utilities:
        return "take it out of utilities and of the data: where the effect is the same, compare costs alone"
    if name in schema.costs:
        return "take it out of costs and of the data: a cost that all have cannot differ between arms"
    return "drop it: it tells nothing"


def bad_columns(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Columns that are empty, constant, of mixed type, or hold numbers where money is text."""
    found: list[Found] = []
    for name in frame.columns:
        column = frame[name]
        known = column.dropna()
        found += tells_nothing(str(name), len(known), known.nunique() == 1, schema)
        found += mixed_column(str(name), known)
    return found + bad_money(frame, schema)


def tells_nothing(name: str, known: int, constant: bool, schema: Schema) -> list[Found]:
    """What is said of a column that is known of nobody, or the same for everybody and has no role that may be."""
    if not known:
        return [(errors.EmptyColumnError, Problem(f"column {name!r}", "entirely missing", "drop it"))]
    role = name in (*schema.times, *schema.events, schema.id, schema.arm, *schema.subgroups, schema.entry)
    if constant and not role:
        problem = Problem(f"column {name!r}", "the same for every patient", _dropped(name, schema))
        return [(errors.EmptyColumnError, problem)]
    return []


def mixed_column(name: str, known: pd.Series) -> list[Found]:
    """What is said of a column whose known values are of several types."""
    if not is_mixed(known):
        return []
    fix = "make it one or the other; write missing as empty"
    return [(errors.MixedTypesError, Problem(f"column {name!r}", "mixes numbers and text", fix))]


def bad_money(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Numbers without a time's role that are infinite; costs and utilities that are no numbers."""
    found: list[Found] = []
    for name in map(str, frame.columns):
        numeric = name not in schema.times and types.is_float_dtype(frame[name].dtype)
        if numeric and (endless := int(np.isinf(_numbers(frame[name])).sum())):
            told = f"{endless} of {len(frame)} values are infinite"
            found.append((errors.CohortError, Problem(f"column {name!r}", told, "write missing as empty")))
    for name in itertools.chain(schema.costs, schema.utilities):
        number = types.is_numeric_dtype(frame[name]) and not types.is_bool_dtype(frame[name])
        if not number and not is_mixed(frame[name].dropna()):
            found.append(
                (
                    errors.MixedTypesError,
                    Problem(f"column {name!r}", "is not numeric", "remove currency signs and thousands separators"),
                )
            )
    return found


def is_mixed(known: pd.Series) -> bool:
    """True where a column of objects holds more than one of number, text, date."""
    if not types.is_object_dtype(known):
        return False
    kind = types.infer_dtype(known, skipna=True)
    return kind.startswith("mixed")


def bad_subgroups(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Subgroup levels that are one patient: a level name would single them out."""
    found: list[Found] = []
    for name in schema.subgroups:
        found += rare_levels(name, counts_of(frame[name]))
    return found


def bad_bands(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Banded columns that disagree with the number they are cut from."""
    found: list[Found] = []
    for name, band in schema.bands.items():
        if not types.is_numeric_dtype(frame[band.source]):
            found.append(
                (
                    errors.RoleError,
                    Problem(f"band {name!r}", f"column {band.source!r} is not numeric", "cut bands from a number"),
                )
            )
            continue
        expected = banded(frame[band.source], band.edges, band.labels)
        wrong = int((frame[name].astype(object).fillna("") != expected.fillna("")).sum())
        if wrong:
            found.append(
                (
                    errors.RoleError,
                    Problem(
                        f"band {name!r}",
                        f"disagrees with {band.source!r} in {_rows(wrong)}",
                        "recompute the band from the number",
                    ),
                )
            )
    return found


def bad_totals(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Cost totals that are not the sum of their declared parts, to a cent."""
    found: list[Found] = []
    for total, parts in schema.totals.items():
        if wrong := int(unlike_its_parts(frame, total, parts).sum()):
            found.append(
                (
                    errors.RoleError,
                    Problem(
                        f"total {total!r}",
                        f"is not the sum of its parts in {_rows(wrong)}",
                        "recompute the total, or do not declare it",
                    ),
                )
            )
    return found


def _rows(n: int) -> str:
    """A count of rows in words."""
    return f"{n} row{'' if n == 1 else 's'}"


def unlike_its_parts(frame: pd.DataFrame, total: str, parts: Sequence[str]) -> np.ndarray:
    """True (n,) where a total is not the sum of its parts, to a cent or to 12 digits; or one of the two is missing."""
    held, summed = _numbers(frame[total]), np.sum([_numbers(frame[part]) for part in parts], axis=0)
    with np.errstate(invalid="ignore"):  # of infinite amounts, which are refused as such
        near = np.abs(held - summed) <= np.maximum(0.005, 1e-12 * np.abs(held))
    return np.asarray(~(near | (np.isnan(held) & np.isnan(summed))))


ROW_CHECKS = (bad_durations, bad_order, bad_money, bad_bands, bad_totals)
"""Those of them that look at one row at a time, and so can be asked of a part of a cohort."""

SOURCE_CHECKS = (
    bad_events,
    bad_durations,
    bad_arm,
    bad_ids,
    repeated_patients,
    bad_order,
    bad_columns,
    bad_subgroups,
    bad_bands,
    bad_totals,
)
"""What a frame of real patients must pass, after its columns were found and its events coded."""
