"""Guesses what the columns of a new file are for, from their names and kinds. A guess is shown, never hidden."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.identity import ROW_NAMES, looks_like_dates, names_a_person, why_identifying, words_of
from heorsynth.data.levels import as_text
from heorsynth.data.schema import TIME_UNITS, Endpoint, Schema
from heorsynth.generators.source import MIN_LEVEL, unfit_columns
from heorsynth.protocol import vocabulary as words

MAX_ARMS = 6
MAX_GROUP_LEVELS = 8
MAX_CODES = 6


@dataclass(frozen=True)
class Guess:
    """One guessed role: which column or columns, and the reason, in words without any value."""

    role: str
    columns: tuple[str, ...]
    reason: str


def is_named(name: str, vocabulary: Iterable[str]) -> bool:
    """True where a word of the name, or the name as a whole, is in the vocabulary."""
    parts = words_of(name)
    return bool({*parts, "".join(parts), "_".join(parts)} & set(vocabulary))


def names_in(frame: pd.DataFrame) -> list[str]:
    """The names of a frame's columns, which a file has as text."""
    return [str(name) for name in frame.columns]


def guess_roles(frame: pd.DataFrame, taken: Iterable[str] = ()) -> list[Guess]:
    """The guessed roles of a frame's columns, but for those `taken`; each column in at most one.

    Only names, types and numbers of levels are looked at and told, never a value. What no generator can make anew
    (dates, free text, further ids, what is the same for everyone) is guessed to be dropped.
    """
    left = frame.drop(columns=list(taken))
    found: list[Guess] = []

    def take(role: str, columns: list[str], reason: str) -> None:
        if columns:
            found.append(Guess(role, tuple(columns), reason))
            left.drop(columns=columns, inplace=True)

    take("drop", [name for name in names_in(left) if left[name].nunique() < 2], "the same for everyone, or empty")
    if "USUBJID" not in set(taken):
        take("id", *_id(left))
    for pair, reason in _endpoints(left):
        take("endpoint", list(pair), reason)
    take(
        "arm",
        [name for name in names_in(left) if _is_arm(left[name])][:1],
        f"named like an arm, at most {MAX_ARMS} levels",
    )
    numbers = [name for name in names_in(left) if types.is_numeric_dtype(left[name])]
    take("costs", [name for name in numbers if is_named(name, words.COST)], "a number named like a cost")
    numbers = [name for name in numbers if name in left]
    take("utilities", [name for name in numbers if is_named(name, words.UTILITY)], "a number named like a utility")
    take("subgroups", [name for name in names_in(left) if is_named(name, words.GROUP) and _is_group(left[name])],
         f"named like a subgroup, 2 to {MAX_GROUP_LEVELS} levels of at least 2 patients")  # fmt: skip
    held = next((guess.columns[0] for guess in found if guess.role == "id"), None)
    for _, problem in unfit_columns(left, Schema({}, id=held)):
        take("drop", [name for name in names_in(left) if problem.where == f"column {name!r}"], problem.found)
    return found


def _id(frame: pd.DataFrame) -> tuple[list[str], str]:
    """The column that tells patients apart, if any: by name, else by values that could do nothing else."""
    for name in names_in(frame):
        if names_a_person(name) and why_identifying(frame[name]):
            return [name], "named like an id, all different"
    for name in names_in(frame):
        column = frame[name]
        if why_identifying(column) and not ROW_NAMES.fullmatch(name):
            return [name], "whole numbers one apart, all different"
        if _is_key(column):
            return [name], "short text, all different"
    return [], ""


def _is_key(column: pd.Series) -> bool:
    if types.is_numeric_dtype(column):
        return False
    known = column.dropna()
    if known.empty or known.duplicated().any() or looks_like_dates(known):
        return False
    return len(known) == len(column) and not known.astype(str).str.contains(r"\s").any()


def _is_group(column: pd.Series) -> bool:
    counts = column.value_counts()
    return 2 <= len(counts) <= MAX_GROUP_LEVELS and int(counts.min()) >= 2


def _is_arm(column: pd.Series) -> bool:
    """True for a few levels under an arm's name; "group" names an arm only alone or beside such a word."""
    name = str(column.name)
    parts = set(words_of(name))
    named = is_named(name, words.ARM) or bool("group" in parts and parts <= words.ARM | words.BESIDE_ARM)
    if not named:
        return False
    counts = column.value_counts()
    return 2 <= len(counts) <= MAX_ARMS and int(counts.min()) >= 2


def _endpoints(frame: pd.DataFrame) -> list[tuple[tuple[str, str], str]]:
    """Pairs of follow-up and event: the best one, and others whose two names share a word such as pfs."""
    times = [name for name in names_in(frame) if is_named(name, words.TIME) and not why_no_time(frame[name])]
    events = [name for name in names_in(frame) if is_named(name, words.EVENT) and not why_no_event(frame[name])]
    found: list[tuple[tuple[str, str], str]] = []
    while times and events:
        shared = {(time, event): len(set(words_of(time)) & set(words_of(event)))
                  for time in times for event in events if time != event}  # fmt: skip
        best = max(shared, key=lambda pair: shared[pair], default=None)
        if best is None or (found and not shared[best]):
            break
        found.append((best, "a number named like a time, and a small code named like an event"))
        times = [name for name in times if name not in best]
        events = [name for name in events if name not in best]
    return found


def why_no_time(column: pd.Series) -> str:
    """Why a column cannot be a follow-up, in words without a value; "" where it can."""
    if set(words_of(str(column.name))) & words.NOT_TIME:
        return "named like an age or a date"
    if looks_like_dates(column):
        return "holds dates"
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return "is not a number"
    if (column < 0).any():
        return "has negative values"
    return "" if column.nunique() > 5 else "has few values"


def why_no_event(column: pd.Series) -> str:
    """Why a column cannot be an event, in words without a value; "" where it can."""
    known = column.dropna()
    if looks_like_dates(column):
        return "holds dates"
    if known.nunique() > MAX_CODES:
        return f"has more than {MAX_CODES} values"
    if types.is_bool_dtype(known) or not types.is_numeric_dtype(known):
        return "" if known.nunique() >= 2 else "has one value"
    whole = bool(np.all(known == np.floor(known))) and float(known.min()) >= 0 and float(known.max()) <= 9
    return "" if whole else "holds numbers that are no codes"


def guess_endpoint_name(columns: tuple[str, ...]) -> str:
    """What an endpoint is called: os, or another that its columns name."""
    named = set().union(*(words_of(name) for name in columns)) & words.ENDPOINTS
    return sorted(named)[0] if named else "os"


def guess_unit(columns: tuple[str, ...]) -> str:
    """The unit of time that the first of these columns names; "" if none does."""
    found = set(words_of(columns[0])) if columns else set()
    return next((unit for unit in TIME_UNITS if found & {unit, f"{unit}s"}), "")


def guess_currency(columns: tuple[str, ...]) -> str:
    """The currency that one of these columns names, or "" if none does."""
    found = set().union(*(words_of(name) for name in columns))
    return next((code for code in ("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "JPY") if code.lower() in found), "")


def shared_levels(column: pd.Series) -> tuple[str, ...]:
    """The levels of a column, if each is shared by enough patients to be told; else none."""
    counts = as_text(column).value_counts()
    shown = len(counts) <= MAX_GROUP_LEVELS and bool((counts >= MIN_LEVEL).all())
    return tuple(sorted(map(str, counts.index))) if shown else ()


def guess_reference(column: pd.Series) -> str:
    """The one level of an arm that is called as controls are, such as placebo; "" if none or several are."""
    called = [level for level in shared_levels(column) if set(words_of(level)) & words.CONTROL]
    return called[0] if len(called) == 1 else ""


def endpoint_of(columns: tuple[str, ...]) -> Endpoint:
    """The endpoint that two guessed columns make."""
    return Endpoint(guess_endpoint_name(columns), columns[0], columns[1])
