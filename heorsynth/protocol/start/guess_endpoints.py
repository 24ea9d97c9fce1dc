"""Guesses which columns are the follow-up time and the event of an endpoint, from what their names share."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.columns.identifiers import looks_like_dates, words_of
from heorsynth.data.columns.schema import Endpoint
from heorsynth.data.visits.units import TIME_UNITS
from heorsynth.protocol.start import vocabulary as words

_MAX_CODES = 6
SAME, BEGINS, TOPIC, NAMED, NONE = 4, 3, 2, 1, 0
"""How well the names of a time and an event match: the same stem; the event begins with the stem of the time; the same
topic; both only named like a time and an event; no match."""


def is_named(name: str, vocabulary: Iterable[str]) -> bool:
    """True if a word of the name, or the whole name, is in the vocabulary."""
    parts = words_of(name)
    return bool({*parts, "".join(parts), "_".join(parts)} & set(vocabulary))


def _time_stem(name: str) -> str | None:
    """The name without its words of time; None if it has no word of time.

    Examples
    --------
    >>> [_time_stem(name) for name in ("time", "os.time", "time_to_death", "rfstime", "dtime", "age", "pfs_months")]
    ['', 'os', 'death', 'rfs', 'd', None, 'pfs']
    """
    return _stem(name, words.TIME_WORDS, words.TIME_ENDS)


def _event_stem(name: str) -> str | None:
    """The name without its words of an event indicator; None if it has no such word.

    Examples
    --------
    >>> [_event_stem(name) for name in ("status", "os.event", "pstat", "pfs_status", "death", "age")]
    ['', 'os', 'p', 'pfs', None, None]
    """
    return _stem(name, words.INDICATOR_WORDS, words.INDICATOR_ENDS)


def _stem(name: str, whole: set[str], ends: tuple[str, ...]) -> str | None:
    parts = words_of(name)
    kept: list[str] = []
    matched = False
    for part in parts:
        end = next((one for one in ends if part.endswith(one) or part.startswith(one)), "")
        rest = part.removesuffix(end) if part.endswith(end) else part.removeprefix(end)
        if part in whole:
            matched = True
        elif end and 0 < len(rest) <= words.LONGEST_STEM:
            matched, kept = True, [*kept, rest]
        elif part not in words.BETWEEN:
            kept.append(part)
    return "_".join(kept) if matched else None


def may_be_time(name: str) -> bool:
    """True for a name like that of a follow-up time."""
    return _time_stem(name) is not None or is_named(name, words.TIME)


def may_be_event(name: str, stems: Iterable[str] = ()) -> bool:
    """True for a name like that of an event, or equal to the stem of a time (`mi` with `time_to_mi`)."""
    return is_named(name, words.EVENT) or _event_stem(name) is not None or "_".join(words_of(name)) in set(stems)


def endpoints(frame: pd.DataFrame) -> list[tuple[tuple[str, str], str]]:
    """Pairs of follow-up time and event, the best match first, each with its reason; no column is used twice.

    The pair with the best matching names comes first; of equal matches, the pair with the smallest distance between the
    columns. A second pair must match better than `NAMED`.
    """
    names = [str(name) for name in frame.columns]
    times = [name for name in names if may_be_time(name) and not why_no_time(frame[name])]
    stems = {stem for name in times if (stem := _time_stem(name))}
    events = [name for name in names if may_be_event(name, stems) and not why_no_event(frame[name])]
    places = {name: at for at, name in enumerate(names)}
    scored = [(_alike(time, event), time, event) for time in times for event in events if time != event]
    order = sorted(
        (one for one in scored if one[0]),
        key=lambda one: (-one[0], "last" in words_of(one[1]), _apart(places, *one[1:])),
    )
    pairs: list[tuple[tuple[str, str], str]] = []
    taken: set[str] = set()
    for score, time, event in order:
        if {time, event} & taken or (pairs and score == NAMED):
            continue
        taken |= {time, event}
        pairs.append(((time, event), _WHY[score]))
    return pairs


_WHY = {
    SAME: "a number named like a time, and a small code of the same name",
    BEGINS: "a number named like a time, and a small code that its name begins",
    TOPIC: "a number named like a time, and a small code of the same topic",
    NAMED: "a number named like a time, and a small code named like an event",
}


def _apart(places: dict[str, int], time: str, event: str) -> tuple[int, int]:
    """Distance between two columns; of two events at equal distance, the one after the time is preferred."""
    steps = places[event] - places[time]
    return abs(steps), int(steps < 0)


def _alike(time: str, event: str) -> int:
    """How well the names of a time and of an event match: `SAME`, `BEGINS`, `TOPIC`, `NAMED` or `NONE`.

    Examples
    --------
    >>> pairs = [("os.time", "os"), ("rtime", "recur"), ("days_to_death", "vital_status"), ("time", "status")]
    >>> [_alike(*pair) for pair in [*pairs, ("ptime", "death")]]
    [4, 3, 2, 1, 0]
    """
    stem, whole = _time_stem(time), "_".join(words_of(event))
    stem = "_".join(words_of(time)) if stem is None else stem
    indicated = _event_stem(event)
    other = whole if indicated is None else indicated
    if stem and stem in (other, whole):
        return SAME
    if set(words_of(time)) & set(words_of(event)) - words.BETWEEN - set(TIME_UNITS):
        return SAME
    if stem and len(stem) <= words.LONGEST_STEM and whole.startswith(stem) and is_named(event, words.EVENT):
        return BEGINS
    topics = [topic for topic in words.TOPICS if _of(topic, stem, time) and _of(topic, other, event)]
    if topics:
        return TOPIC
    general = not stem or stem in words.GENERAL or not other
    return NAMED if general and is_named(event, words.EVENT) | (indicated == "") else NONE


def _of(topic: set[str], stem: str, name: str) -> bool:
    return bool(topic & {stem, *stem.split("_"), *words_of(name)})


def why_no_time(column: pd.Series) -> str:
    """Why a column cannot be a follow-up time, without any value; "" if it can."""
    if set(words_of(str(column.name))) & words.NOT_TIME:
        return "named like an age or a date"
    if looks_like_dates(column):
        return "contains dates"
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return "is not a number"
    if (column < 0).any():
        return "has negative values"
    return "" if column.nunique() > 5 else "has few values"


def why_no_event(column: pd.Series) -> str:
    """Why a column cannot be an event, without any value; "" if it can."""
    known = column.dropna()
    if looks_like_dates(column):
        return "contains dates"
    if known.nunique() > _MAX_CODES:
        return f"has more than {_MAX_CODES} values"
    if types.is_bool_dtype(known) or not types.is_numeric_dtype(known):
        return "" if known.nunique() >= 2 else "has one value"
    whole = bool(np.all(known == np.floor(known))) and float(known.min()) >= 0 and float(known.max()) <= 9
    return "" if whole else "contains numbers that are not codes"


def _guess_endpoint_name(columns: tuple[str, ...]) -> str:
    """Name of an endpoint: os, or another name that its columns contain.

    Examples
    --------
    >>> [_guess_endpoint_name(pair) for pair in (("rfstime", "status"), ("futime", "death"), ("time_to_mi", "mi"))]
    ['rfs', 'os', 'mi']
    """
    stem = _time_stem(columns[0]) or ""
    parts = [stem, _event_stem(columns[1]) or "", *(word for name in columns for word in words_of(name))]
    named = [word for part in parts for word in part.split("_") if word in words.ENDPOINTS]
    if named:
        return named[0]
    own = next((name for name, topic in words.ENDPOINT_OF if any(_of(topic, part, "") for part in parts if part)), "")
    return own or (stem if re.fullmatch(r"[a-z]\w*", stem) and stem not in words.GENERAL else "os")


def guess_unit(columns: tuple[str, ...]) -> str:
    """The unit of time in the name of the first column; "" if there is none."""
    parts = set(words_of(columns[0])) if columns else set()
    return next((unit for unit in TIME_UNITS if parts & {unit, f"{unit}s"}), "")


def named_endpoints(pairs: Iterable[tuple[str, ...]]) -> list[Endpoint]:
    """The endpoints of pairs of columns, each with a unique name."""
    named: dict[str, Endpoint] = {}
    for pair in pairs:
        name = _guess_endpoint_name(pair)
        at = 2
        while name in named:
            name, at = f"{_guess_endpoint_name(pair)}_{at}", at + 1
        named[name] = Endpoint(name, pair[0], pair[1])
    return list(named.values())
