"""Dates in a text, in the ways they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from heorsynth.language.reading.lexicon import lexicon

_FIRST = date(1970, 1, 1)


@dataclass(frozen=True)
class Written:
    """A date in a text.

    Attributes
    ----------
    days : tuple of int     days since 1970-01-01 it may mean; two if the order of day and month is open; none if it is
                            no date of the calendar
    start, end : int        place in the text
    """

    days: tuple[int, ...]
    start: int
    end: int


@cache
def _pattern(language: str) -> re.Pattern[str]:
    names = lexicon(language).words["months"]["names"]
    month = "(?:" + "|".join(f"{name}|{name[:4]}|{name[:3]}" for name in names) + r")(?![a-z])\.?"
    day = r"\d{1,2}(?:st|nd|rd|th)?"
    return re.compile(
        rf"(?<![\w-])(?:(?P<y1>\d{{4}})[-/.](?P<m1>\d{{1,2}})[-/.](?P<d1>\d{{1,2}})(?![\w-])"
        rf"|(?P<a2>\d{{1,2}})[-/.](?P<b2>\d{{1,2}})[-/.](?P<y2>\d{{4}})(?![\w-])"
        rf"|(?P<d3>{day})[\s-]*(?:day\s+)?(?:of\s+)?(?P<m3>{month})[\s,-]*(?:of\s+)?(?P<y3>\d{{4}})\b"
        rf"|(?P<m4>{month})\s+(?:the\s+)?(?P<d4>{day}),?\s+(?:of\s+)?(?P<y4>\d{{4}})\b"
        rf"|(?P<y5>\d{{4}}),?\s+(?P<m5>{month})\s+(?P<d5>{day})\b)"
    )


def dates_in(text: str, language: str = "en") -> list[Written]:
    """Return the dates of a plain text, in order.

    Examples
    --------
    >>> [one.days for one in dates_in("seen 2024-01-31, again on the 31st of january 2024 and jan. 31, 2024")]
    [(19753,), (19753,), (19753,)]
    >>> [len(one.days) for one in dates_in("03/04/2024, 31/01/2024, 2024-02-31")]
    [2, 1, 0]
    """
    months = [name[:3] for name in lexicon(language).words["months"]["names"]]
    found = []
    for match in _pattern(language).finditer(text):
        part = {name: value for name, value in match.groupdict().items() if value is not None}
        which = next(name for name in part if name[0] == "y")[1]
        year = int(part[f"y{which}"])
        if which == "2":
            first, second = int(part["a2"]), int(part["b2"])
            triples = {(year, second, first), (year, first, second)}
        else:
            named = part[f"m{which}"]
            month = int(named) if named.isdigit() else months.index(named[:3]) + 1
            triples = {(year, month, int(re.sub(r"\D", "", part[f"d{which}"])))}
        days = {_days(*one) for one in triples} - {None}
        found.append(Written(tuple(sorted(day for day in days if day is not None)), match.start(), match.end()))
    return found


def _days(year: int, month: int, day: int) -> int | None:
    try:
        return (date(year, month, day) - _FIRST) // timedelta(days=1)
    except ValueError:
        return None
