"""Looks a frame over against its declared roles and says everything that is wrong, at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core import errors
from heorsynth.core.errors import FEW_NAMES, CohortError, Problem, as_yaml
from heorsynth.data.columns.event_words import coding_by_words, key_of, lookup, what_a_name_leaves_open
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.data.columns.schema import Endpoint, Schema

Found = tuple[type[CohortError], Problem]


def refuse(name: str, found: list[Found]) -> None:
    """Raises one error for all that was found, of its own type where there is only one kind."""
    if not found:
        return
    kinds = {kind for kind, _ in found}
    kind = kinds.pop() if len(kinds) == 1 else CohortError
    raise kind(f"cohort {name!r}", [problem for _, problem in found])


def unusable_names(frame: pd.DataFrame) -> list[Found]:
    """Columns whose names are not text."""
    odd = sum(not isinstance(column, str) for column in frame.columns)
    fix = "frame.columns = frame.columns.map(str)"
    told = Problem("columns", f"{odd} names are not text", fix, "name them in the file's first line")
    return [(errors.RoleError, told)] if odd else []


def several_levels(frame: pd.DataFrame) -> list[Found]:
    """Rows or columns that have several names each, where a cohort has one."""
    found: list[Found] = []
    if isinstance(frame.columns, pd.MultiIndex):
        told = f"have {frame.columns.nlevels} names each (a MultiIndex)"
        fix = "join them: frame.columns = ['_'.join(map(str, names)) for names in frame.columns]"
        found.append((errors.RoleError, Problem("columns", told, fix, "write one line of names")))
    if isinstance(frame.index, pd.MultiIndex):
        told = f"have {frame.index.nlevels} names each (a MultiIndex)"
        fix = "make them columns: frame = frame.reset_index(); with one row a patient"
        found.append((errors.RoleError, Problem("rows", told, fix, "write them as columns")))
    return found


def missing_columns(frame: pd.DataFrame, schema: Schema) -> list[Found]:
    """Roles that name a column the frame does not have, columns it has twice, and names that are not text."""
    if odd := unusable_names(frame):
        return odd
    present = {str(column) for column in frame.columns}
    wanted = [*schema.columns, *schema.bands, *(band.source for band in schema.bands.values())]
    wanted += [part for total, parts in schema.totals.items() for part in (total, *parts)]
    found: list[Found] = [
        (errors.MissingColumnError, Problem(f"column {name!r}", "not in the data", errors.nearest(name, present)))
        for name in dict.fromkeys(wanted)
        if name not in present
    ]
    if not frame.columns.is_unique:
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        found.append((errors.RoleError, named_twice(twice)))
    return found


def named_twice(names: Sequence[str]) -> Problem:
    """What is said of names that several columns have; of many names the first are told."""
    told = ", ".join(names[:FEW_NAMES]) + (f" and {len(names) - FEW_NAMES} more" if len(names) > FEW_NAMES else "")
    fix = (
        "give each column a name of its own, or leave one of them out; if two lines of names stand above the rows, "
        "join them into one"
    )
    return Problem("columns", f"named twice: {told}", fix)


def impossible_roles(schema: Schema) -> list[Found]:
    """Roles that contradict one another whatever the data say: see `ROLES` for which of them a column may share."""
    found: list[Found] = [(errors.RoleError, problem) for problem in _shared_columns(schema)]
    for pair in schema.order:
        for name in pair:
            if name not in schema.endpoints:
                found.append(
                    (
                        errors.RoleError,
                        Problem("order", f"no endpoint {name!r}", errors.nearest(name, schema.endpoints)),
                    )
                )
    return found


ROLES: Mapping[str, Callable[[Schema], Sequence[str | None]]] = {
    "id": lambda schema: [schema.id],
    "time": lambda schema: schema.times,
    "event": lambda schema: schema.events,
    "entry": lambda schema: [schema.entry],
    "arm or subgroup": lambda schema: [*schema.strata, *schema.bands],
    "cost": lambda schema: schema.costs,
    "utility": lambda schema: schema.utilities,
    "total or part of one": lambda schema: [one for total, parts in schema.totals.items() for one in (total, *parts)],
    "source of a band": lambda schema: [band.source for band in schema.bands.values()],
}
"""The kinds of role and the columns that have them. A column has one kind, but for `TOGETHER`.

Endpoints may share a time or an event, and the arm may be a subgroup too: those are one kind.
"""

TOGETHER = (
    {"cost", "total or part of one", "source of a band"},
    {"utility", "total or part of one", "source of a band"},
)
"""A cost or a utility may be a total or a part of one, and each of these may be cut into bands."""


def _shared_columns(schema: Schema) -> list[Problem]:
    """Columns with two kinds of role, columns that a list of roles names twice, and totals that are parts of theirs."""
    held: dict[str, list[str]] = {}
    for role, columns in ROLES.items():
        for name in dict.fromkeys(columns(schema)):
            if name is not None:
                held.setdefault(name, []).append(role)
    found = [
        Problem(f"column {name!r}", f"is declared {' and '.join(roles)}", "give each column one role")
        for name, roles in held.items()
        if len(roles) > 1 and not any(set(roles) <= allowed for allowed in TOGETHER)
    ]
    for role in ("costs", "utilities", "subgroups"):
        listed = getattr(schema, role)
        twice = sorted({name for name in listed if listed.count(name) > 1})
        found += [Problem(role, f"column {name!r} is named twice", "name it once") for name in twice]
    loops = (total for total, parts in schema.totals.items() if total in parts)
    return found + [Problem(f"total {name!r}", "is a part of itself", "name its other parts") for name in loops]


def bad_event_map(schema: Schema, event_map: Mapping[object, object] | None) -> list[Found]:
    """A declared event coding that names no endpoint, or codes other than whole numbers from 0 to 9."""
    if not event_map:
        return []
    by_endpoint = all(isinstance(value, Mapping) for value in event_map.values())
    maps = list(event_map.values()) if by_endpoint else [event_map]
    unknown = [str(name) for name in event_map if name not in schema.endpoints] if by_endpoint else []
    found: list[Found] = [
        (
            errors.EventCodingError,
            Problem("event_map", f"no endpoint {name!r}", errors.nearest(name, schema.endpoints)),
        )
        for name in unknown
    ]
    codes = [code for mapping in maps for code in mapping.values()]  # type: ignore[attr-defined]
    if not all(isinstance(code, (int, np.integer)) and 0 <= code <= 9 for code in codes):
        told = "codes must be whole numbers: 0 = censored, 1.. = causes, up to 9"
        problem = Problem(
            "event_map", told, "write event_map={'alive': 0, 'dead': 1}", "write event_map: {alive: 0, dead: 1}"
        )
        found.append((errors.EventCodingError, problem))
    return found


def coding_of(endpoint: Endpoint, event_map: Mapping[object, object] | None) -> Mapping[object, int] | None:
    """The declared coding of one endpoint's events, from a map for all or a map of maps; None where none is."""
    if event_map and all(isinstance(value, Mapping) for value in event_map.values()):
        return event_map.get(endpoint.name)  # type: ignore[return-value]
    return event_map  # type: ignore[return-value]


def unsaid_censoring(endpoint: Endpoint, mapping: Mapping[object, int] | None) -> Problem | None:
    """The problem with an event column whose name may mean the opposite, and whose coding nobody declared; else None.

    Names such as censored, alive or relapse_free. To read 1 as the event would be a guess, and where it is wrong every
    curve is upside down without a word. Naming the causes, {1: "death"}, declares the coding too.
    """
    spoken = what_a_name_leaves_open(endpoint.event)
    if mapping is not None or endpoint.causes or not spoken:
        return None
    what = "censored" if spoken == "censoring" else "no event"
    fix = f"if 1 means {what}, say event_map={{0: 1, 1: 0}}; if 1 means the event, event_map={{0: 0, 1: 1}}"
    return Problem(
        event_of(endpoint),
        f"its name speaks of {spoken}: 1 may mean {what}, or the event",
        fix,
        fix.replace("event_map=", "event_map: "),
    )


def event_codes(
    frame: pd.DataFrame, endpoint: Endpoint, event_map: Mapping[object, int] | None, *, part: bool = False
) -> np.ndarray | Problem:
    """The event column as 0 = censored, 1.. = causes; or the problem, if it holds anything else.

    In a part of a cohort nobody need be censored.
    """
    column = frame[endpoint.event]
    where = event_of(endpoint)
    if column.isna().any():
        return Problem(
            where,
            f"{int(column.isna().sum())} of {len(column)} are missing",
            "an event is known or the patient is censored (0): decide for each",
        )
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if types.is_bool_dtype(column) or types.infer_dtype(column, skipna=True) == "boolean":
        column = column.astype(bool)
    if event_map is not None:
        keys = column.map(key_of)
        codes = keys.map(lookup(event_map, keys.unique()))
        if codes.isna().any():
            return _undeclared(where, keys[codes.isna()], sorted(map(str, event_map)))
        return codes.to_numpy(dtype=np.int8)
    if types.is_bool_dtype(column):
        left_open = unsaid_censoring(endpoint, event_map)
        return column.to_numpy(dtype=np.int8) if left_open is None else left_open
    numbers = _as_numbers(column)
    if numbers.isna().any() or not np.all(numbers == np.floor(numbers)) or numbers.min() < 0 or numbers.max() > 9:
        return Problem(where, f"expected 0 = censored, 1.. = causes; found {_codes_seen(column)}", *_how_coded(column))
    if not part and 0 not in set(numbers) and numbers.max() > 1:
        return nobody_censored(endpoint, _codes_seen(column))
    return numbers.to_numpy(dtype=np.int8)


def _undeclared(where: str, keys: pd.Series, declared: list[str]) -> Problem:
    """What is said of event values that a coding lacks: the names of those that five patients share."""
    counts = keys.value_counts()
    shown = sorted(str(level) for level, count in counts.items() if count >= SMALL_COUNT)[:FEW_NAMES]
    found = f"not in event_map: {_and_others(shown, len(counts) - len(shown))}"
    folded = {key.casefold(): key for key in declared}
    near = {level: get_close_matches(level.casefold(), folded, n=1) for level in shown}
    told = [f"the key nearest to {level!r} is {folded[keys[0]]!r}" for level, keys in near.items() if keys]
    told = told or [f"its keys are {', '.join(declared[:FEW_NAMES])}"]
    return Problem(where, found, f"correct or complete event_map: {'; '.join(told)}")


def _and_others(shown: Sequence[str], hidden: int) -> str:
    """A list of values, and how many more there are that are not shown."""
    others = f"{hidden} other value{'' if hidden == 1 else 's'}"
    return " and ".join([part for part in (", ".join(shown), others if hidden else "") if part])


def _as_numbers(column: pd.Series) -> pd.Series:
    """A column without gaps as floats; missing where a value is no number, as all dates are."""
    moments = types.infer_dtype(column, skipna=True).startswith(("date", "time"))
    held = pd.Series(np.nan, index=column.index) if moments else pd.to_numeric(column.astype(object), errors="coerce")
    return held.astype(float)


def _how_coded(column: pd.Series) -> tuple[str, str]:
    """How to declare the coding of an event column, in Python and in a protocol: of its own words where all say it."""
    counts = column.value_counts()
    shown = len(counts) <= 10 and bool((counts >= 5).all())
    found = coding_by_words(str(column.name), counts.index) if shown else None
    example = {"censored": 0, "dead": 1} if found is None else dict(sorted(found.items(), key=lambda pair: pair[1]))
    told = ", ".join(f"{as_yaml(str(level))}: {code}" for level, code in example.items())
    return f"declare the coding, such as event_map={example}", f"declare the coding, such as event_map: {{{told}}}"


def event_of(endpoint: Endpoint) -> str:
    """How messages call the event column of an endpoint."""
    return f"{endpoint.event} (event of {endpoint.name!r})"


def nobody_censored(endpoint: Endpoint, seen: str) -> Problem:
    """What is said of causes of which none is 0: the coding is likely another."""
    nobody = "if nobody is censored, map every code to its cause"
    return Problem(
        event_of(endpoint),
        f"no 0 among the codes; found {seen}",
        f"if 1 is censored and 2 the event, say event_map={{1: 0, 2: 1}}; {nobody}",
        f"if 1 is censored and 2 the event, write event_map: {{1: 0, 2: 1}}; {nobody}",
    )


def _codes_seen(column: pd.Series) -> str:
    """The codes an event column holds, as far as they are codes: small whole numbers and shared words."""
    counts = column.value_counts()
    codes = [
        str(value)
        for value, count in counts.items()
        if (isinstance(value, (int, float, np.number)) and float(value).is_integer() and -9 <= float(value) <= 9)
        or (count >= 5 and len(counts) <= 10)
    ]
    return _and_others(sorted(codes), len(counts) - len(codes))
