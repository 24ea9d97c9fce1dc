"""Check a frame against its declared roles and report all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import cast

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core import errors
from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import FEW_NAMES, CohortError, Problem, as_yaml
from heorsynth.data.columns.event_words import coding_by_words, inverted_meaning, key_of, lookup
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.data.columns.schema import Endpoint, Schema

TypedProblem = tuple[type[CohortError], Problem]
"""A problem with the type of the error that reports it."""


def refuse(name: str, problems: list[TypedProblem]) -> None:
    """Raise one error for all problems. Its type is that of the problems if they share one, else CohortError."""
    if not problems:
        return
    kinds = {kind for kind, _ in problems}
    kind = kinds.pop() if len(kinds) == 1 else CohortError
    raise kind(f"cohort {name!r}", [problem for _, problem in problems])


def names_not_text(frame: pd.DataFrame) -> list[TypedProblem]:
    """Return the problem of column names that are not text."""
    odd = sum(not isinstance(column, str) for column in frame.columns)
    fix = "frame.columns = frame.columns.map(str)"
    problem = Problem(
        "columns",
        f"{counted(odd, 'name')} {agreeing(odd, 'is', 'are')} not text",
        fix,
        "name them in the file's first line",
    )
    return [(errors.RoleError, problem)] if odd else []


def multi_level_names(frame: pd.DataFrame) -> list[TypedProblem]:
    """Return the problems of rows or columns with a MultiIndex. A cohort needs one name for each."""
    problems: list[TypedProblem] = []
    if isinstance(frame.columns, pd.MultiIndex):
        message = f"have {frame.columns.nlevels} names each (a MultiIndex)"
        fix = "join them: frame.columns = ['_'.join(map(str, names)) for names in frame.columns]"
        problems.append((errors.RoleError, Problem("columns", message, fix, "write one line of names")))
    if isinstance(frame.index, pd.MultiIndex):
        message = f"have {frame.index.nlevels} names each (a MultiIndex)"
        fix = "make them columns: frame = frame.reset_index(); with one row a patient"
        problems.append((errors.RoleError, Problem("rows", message, fix, "write them as columns")))
    return problems


def missing_columns(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Return roles that name a missing column, duplicate column names, and names that are not text."""
    if odd := names_not_text(frame):
        return odd
    present = {str(column) for column in frame.columns}
    wanted = [*schema.columns, *schema.bands, *(band.source for band in schema.bands.values())]
    wanted += [part for total, parts in schema.totals.items() for part in (total, *parts)]
    problems: list[TypedProblem] = [
        (errors.MissingColumnError, Problem(f"column {name!r}", "not in the data", errors.nearest(name, present)))
        for name in dict.fromkeys(wanted)
        if name not in present and name not in schema.derived
    ]
    if not frame.columns.is_unique:
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        problems.append((errors.RoleError, named_twice(twice)))
    return problems


def named_twice(names: Sequence[str]) -> Problem:
    """Return the problem of column names that occur more than once. Only the first `FEW_NAMES` are listed."""
    message = ", ".join(names[:FEW_NAMES]) + (f" and {len(names) - FEW_NAMES} more" if len(names) > FEW_NAMES else "")
    fix = (
        "give each column its own name, or leave one of them out; if the file has two header lines, join them into one"
    )
    return Problem("columns", f"named twice: {message}", fix)


def conflicting_roles(schema: Schema) -> list[TypedProblem]:
    """Return roles that contradict one another, whatever the data. `_ROLES` and `_TOGETHER` define what is allowed."""
    problems: list[TypedProblem] = [(errors.RoleError, problem) for problem in _shared_columns(schema)]
    for pair in schema.order:
        for name in pair:
            if name not in schema.endpoints:
                problems.append(
                    (
                        errors.RoleError,
                        Problem("order", f"no endpoint {name!r}", errors.nearest(name, schema.endpoints)),
                    )
                )
    return problems


_ROLES: Mapping[str, Callable[[Schema], Sequence[str | None]]] = {
    "id": lambda schema: [schema.id],
    "cluster": lambda schema: [schema.cluster],
    "time": lambda schema: schema.times,
    "event": lambda schema: schema.events,
    "entry": lambda schema: [schema.entry],
    "arm or subgroup": lambda schema: [*schema.strata, *schema.bands],
    "cost": lambda schema: schema.costs,
    "utility": lambda schema: schema.utilities,
    "total or part of one": lambda schema: [one for total, parts in schema.totals.items() for one in (total, *parts)],
    "source of a band": lambda schema: [band.source for band in schema.bands.values()],
    "visit": lambda schema: [*schema.schedule.values, *schema.schedule.times.values()],
    "derived": lambda schema: list(schema.derived),
}
"""The kinds of role, each with its columns. A column has one kind of role, except for those in `_TOGETHER`.

Endpoints may share a time or an event column, and the arm may be a subgroup: these count as one kind.
"""

_TOGETHER = (
    {"cost", "total or part of one", "source of a band", "visit"},
    {"utility", "total or part of one", "source of a band", "visit"},
    {"cost", "derived"},
    {"utility", "derived"},
)
"""A cost or utility may be a total or a part of one, or of a visit, and each of them may be cut into bands. Others may
be derived from visits."""


def _shared_columns(schema: Schema) -> list[Problem]:
    """Return columns with two kinds of role, columns listed twice for a role, and totals that are their own parts."""
    held: dict[str, list[str]] = {}
    for role, columns in _ROLES.items():
        for name in dict.fromkeys(columns(schema)):
            if name is not None:
                held.setdefault(name, []).append(role)
    problems = [
        Problem(f"column {name!r}", f"is declared {' and '.join(roles)}", "give each column one role")
        for name, roles in held.items()
        if len(roles) > 1 and not any(set(roles) <= allowed for allowed in _TOGETHER)
    ]
    for role in ("costs", "utilities", "subgroups"):
        listed = getattr(schema, role)
        twice = sorted({name for name in listed if listed.count(name) > 1})
        problems += [Problem(role, f"column {name!r} is named twice", "name it once") for name in twice]
    held_twice = sorted({name for name in schema.schedule.values if schema.schedule.values.count(name) > 1})
    problems += [Problem("visits", f"column {name!r} is named twice", "name it once") for name in held_twice]
    circular = (total for total, parts in schema.totals.items() if total in parts)
    return problems + [Problem(f"total {name!r}", "is a part of itself", "name its other parts") for name in circular]


def bad_event_map(schema: Schema, event_map: Mapping[object, object] | None) -> list[TypedProblem]:
    """Return the problems of `event_map`: unknown endpoints, or codes that are not whole numbers from 0 to 9."""
    if not event_map:
        return []
    by_endpoint = all(isinstance(value, Mapping) for value in event_map.values())
    maps = list(event_map.values()) if by_endpoint else [event_map]
    unknown = [str(name) for name in event_map if name not in schema.endpoints] if by_endpoint else []
    problems: list[TypedProblem] = [
        (
            errors.EventCodingError,
            Problem("event_map", f"no endpoint {name!r}", errors.nearest(name, schema.endpoints)),
        )
        for name in unknown
    ]
    codes = [code for mapping in maps if isinstance(mapping, Mapping) for code in mapping.values()]
    if not all(isinstance(code, (int, np.integer)) and 0 <= code <= 9 for code in codes):
        message = "codes must be whole numbers: 0 = censored, 1.. = causes, up to 9"
        problem = Problem(
            "event_map", message, "write event_map={'alive': 0, 'dead': 1}", "write event_map: {alive: 0, dead: 1}"
        )
        problems.append((errors.EventCodingError, problem))
    return problems


def coding_of(endpoint: Endpoint, event_map: Mapping[object, object] | None) -> Mapping[object, int] | None:
    """Return the declared coding of one endpoint, from a map for all endpoints or from a map per endpoint, or None."""
    if event_map and all(isinstance(value, Mapping) for value in event_map.values()):
        return cast("Mapping[object, int] | None", event_map.get(endpoint.name))
    return cast("Mapping[object, int] | None", event_map)  # `bad_event_map` has checked the codes


def ambiguous_coding(endpoint: Endpoint, mapping: Mapping[object, int] | None) -> Problem | None:
    """Return the problem of an event column whose name may mean the opposite and whose coding is not declared.

    Examples of such names are censored, alive and relapse_free. Reading 1 as the event would be a guess, and a wrong
    guess inverts every survival curve without a warning. Named causes, {1: "death"}, declare the coding too.
    """
    opposite = inverted_meaning(endpoint.event)
    if mapping is not None or endpoint.causes or not opposite:
        return None
    what = "censored" if opposite == "censoring" else "no event"
    fix = f"if 1 means {what}, say event_map={{0: 1, 1: 0}}; if 1 means the event, event_map={{0: 0, 1: 1}}"
    return Problem(
        event_of(endpoint),
        f"its name suggests {opposite}: 1 may mean {what}, or the event",
        fix,
        fix.replace("event_map=", "event_map: "),
    )


def event_codes(
    frame: pd.DataFrame, endpoint: Endpoint, event_map: Mapping[object, int] | None, *, part: bool = False
) -> np.ndarray | Problem:
    """Return the event column as 0 = censored, 1.. = causes, or the problem if it holds anything else.

    If `part` is true, the frame is a part of a cohort, and no patient needs to be censored.
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
        left_open = ambiguous_coding(endpoint, event_map)
        return column.to_numpy(dtype=np.int8) if left_open is None else left_open
    numbers = _as_numbers(column)
    if numbers.isna().any() or not np.all(numbers == np.floor(numbers)) or numbers.min() < 0 or numbers.max() > 9:
        return Problem(where, f"expected 0 = censored, 1.. = causes; found {_codes_seen(column)}", *_how_coded(column))
    if not part and 0 not in set(numbers) and numbers.max() > 1:
        return nobody_censored(endpoint, _codes_seen(column))
    return numbers.to_numpy(dtype=np.int8)


def _undeclared(where: str, keys: pd.Series, declared: list[str]) -> Problem:
    """Return the problem of event values without a code. Only values of at least five patients are named."""
    counts = keys.value_counts()
    shown = sorted(str(level) for level, count in counts.items() if count >= SMALL_COUNT)[:FEW_NAMES]
    problems = f"not in event_map: {_and_others(shown, len(counts) - len(shown))}"
    folded = {key.casefold(): key for key in declared}
    near = {level: get_close_matches(level.casefold(), folded, n=1) for level in shown}
    message = [f"the key nearest to {level!r} is {folded[keys[0]]!r}" for level, keys in near.items() if keys]
    message = message or [f"its keys are {', '.join(declared[:FEW_NAMES])}"]
    return Problem(where, problems, f"correct or complete event_map: {'; '.join(message)}")


def _and_others(shown: Sequence[str], hidden: int) -> str:
    """Return a list of values in words, with the number of values that are not shown."""
    others = f"{hidden} other value{'' if hidden == 1 else 's'}"
    return " and ".join([part for part in (", ".join(shown), others if hidden else "") if part])


def _as_numbers(column: pd.Series) -> pd.Series:
    """Return a column without gaps as floats. Values that are not numbers are missing, and so are all dates."""
    moments = types.infer_dtype(column, skipna=True).startswith(("date", "time"))
    held = pd.Series(np.nan, index=column.index) if moments else pd.to_numeric(column.astype(object), errors="coerce")
    return held.astype(float)


def _how_coded(column: pd.Series) -> tuple[str, str]:
    """Return how to declare the coding, in Python and in a protocol, with the column's own levels if they are clear."""
    counts = column.value_counts()
    shown = len(counts) <= 10 and bool((counts >= 5).all())
    coding = coding_by_words(str(column.name), counts.index) if shown else None
    example = {"censored": 0, "dead": 1} if coding is None else dict(sorted(coding.items(), key=lambda pair: pair[1]))
    in_yaml = ", ".join(f"{as_yaml(str(level))}: {code}" for level, code in example.items())
    return f"declare the coding, such as event_map={example}", f"declare the coding, such as event_map: {{{in_yaml}}}"


def event_of(endpoint: Endpoint) -> str:
    """Return the name of an endpoint's event column in messages."""
    return f"{endpoint.event} (event of {endpoint.name!r})"


def nobody_censored(endpoint: Endpoint, seen: str) -> Problem:
    """Return the problem of several causes without any censored patient: the coding is probably a different one."""
    nobody = "if nobody is censored, map every code to its cause"
    return Problem(
        event_of(endpoint),
        f"no 0 among the codes; found {seen}",
        f"if 1 is censored and 2 the event, say event_map={{1: 0, 2: 1}}; {nobody}",
        f"if 1 is censored and 2 the event, write event_map: {{1: 0, 2: 1}}; {nobody}",
    )


def _codes_seen(column: pd.Series) -> str:
    """Return the codes of an event column in words. Only small whole numbers and common words are named."""
    counts = column.value_counts()
    codes = [
        str(value)
        for value, count in counts.items()
        if (isinstance(value, (int, float, np.number)) and float(value).is_integer() and -9 <= float(value) <= 9)
        or (count >= 5 and len(counts) <= 10)
    ]
    return _and_others(sorted(codes), len(counts) - len(codes))
