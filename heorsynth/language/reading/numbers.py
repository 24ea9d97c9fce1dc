"""Numbers in a sentence, with their units: digits and words, thousands, decimals, currencies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from heorsynth.data.visits.units import TIME_UNITS
from heorsynth.language.reading.lexicon import Lexicon, lexicon

_MASS = {"mg/dl": 1.0, "g/dl": 1000.0, "g/l": 100.0, "mg/l": 0.1}
"""Concentrations by mass, in mg/dl."""

_LARGEST_WORDS = 10**9
"""Larger numbers are not written in words."""

CURRENCIES = {"eur", "usd", "gbp", "chf"}


@dataclass(frozen=True)
class Number:
    """A number in a sentence.

    Attributes
    ----------
    value : float
    decimals : int          as written
    unit : str              name of the unit, "" if none follows
    start, end : int        place in the sentence, with its unit
    old : bool              written as "-year-old", "yo", "years of age" or "-day-old"
    """

    value: float
    decimals: int
    unit: str
    start: int
    end: int
    old: bool = False


@dataclass(frozen=True)
class _Patterns:
    digits: re.Pattern[str]
    word: re.Pattern[str]
    unit: re.Pattern[str]
    currency: re.Pattern[str]


_OLD = re.compile(r"[\s-]*(?:year|yr|y)s?[\s/.-]*(?:old|o\b|of age)|\s*(?:yo|y/o)\b|\s+years?,?\s+(?:old|of age)")

_YOUNG = re.compile(
    r"[\s-]*(day|week|month)s?[\s-]old\s+(?:male|female|man|woman|boy|girl|patient|person|infant|baby|newborn|child)\b"
)
"""An age in another unit, of a person: wounds and scans have ages too."""

_TIMES_TEN = re.compile(r"\s*[x×]\s*10\s*\^?\s*(\d)\s*/\s*l\b")


@cache
def _patterns(language: str) -> _Patterns:
    words = lexicon(language)
    units = sorted(words.units, key=lambda unit: (-len(unit), unit))
    symbols = "|".join(re.escape(unit) for unit in units if not unit[-1].isalnum())
    plain_units = "|".join(re.escape(unit) for unit in units if unit[-1].isalnum())
    number = "|".join(sorted(words.numbers, key=len, reverse=True))
    return _Patterns(
        re.compile(r"(?<![\w.])(?<!\w-)([+-]?)(\d{1,3}(?:[,' ]\d{3})+(?!\d)|\d+)(?:\.(\d+))?(?!\d|\.\d)"),
        re.compile(rf"(?<!\w)(?:(?:{number}|hundred|thousand)(?:[\s-]+(?:and\s+)?|(?!\w)))+(?<![\s-])|"
                   rf"(?<!\w)(?:{number})(?:[\s-]+(?:{number}))?(?!\w)"),
        re.compile(rf"[\s-]{{0,2}}(?:(?:{plain_units})(?!\w)|(?:{symbols}))"),
        re.compile(rf"(?:{symbols}|eur|usd|gbp|chf)\s?$"),
    )  # fmt: skip


def numbers_in(sentence: str, language: str = "en") -> list[Number]:
    """Return the numbers of a plain sentence, in order.

    Examples
    --------
    >>> [(one.value, one.unit, one.old) for one in numbers_in("a sixty-four-year-old, 1,200.50 eur, 4 weeks")]
    [(64.0, 'year', True), (1200.5, 'eur', False), (4.0, 'week', False)]
    >>> [(one.value, one.unit) for one in numbers_in("bilirubin 1.4 mg/dl; €300")]
    [(1.4, 'mg/dl'), (300.0, 'eur')]
    """
    words, patterns = lexicon(language), _patterns(language)
    found: list[Number] = []
    for match in patterns.digits.finditer(sentence):
        if found and match.start() < found[-1].end:
            continue
        sign, whole, fraction = match.groups()
        value = float(re.sub(r"[,' ]", "", whole) + (f".{fraction}" if fraction else ""))
        value = -value if sign == "-" else value
        found.append(_with_unit(sentence, match.start(), match.end(), value, len(fraction or ""), words, patterns))
    for match in patterns.word.finditer(sentence):
        text = match.group().strip(" -")
        said = _said(text, words)
        if said is not None:
            end = match.start() + len(match.group().rstrip(" -"))
            number = _with_unit(sentence, match.start(), end, said, 0, words, patterns)
            if number.unit or number.old or said >= 13:
                found.append(number)
    return sorted(found, key=lambda one: one.start)


def _with_unit(
    sentence: str, start: int, end: int, value: float, decimals: int, words: Lexicon, patterns: _Patterns
) -> Number:
    power = _TIMES_TEN.match(sentence, end)
    if power is not None:
        return Number(value, decimals, f"10^{power.group(1)}/l", start, power.end())
    old = _OLD.match(sentence, end)
    if old is not None:
        return Number(value, decimals, "year", start, old.end(), True)
    young = _YOUNG.match(sentence, end)
    if young is not None:
        return Number(value, decimals, young.group(1), start, young.end(1), True)
    unit = patterns.unit.match(sentence, end)
    if unit is not None:
        return Number(value, decimals, words.units[unit.group().strip(" -")], start, unit.end())
    before = patterns.currency.search(sentence, max(0, start - 5), start)
    if before is not None:
        return Number(value, decimals, words.units[before.group().strip()], before.start(), end)
    return Number(value, decimals, "", start, end)


def _said(text: str, words: Lexicon) -> float | None:
    """Return the value of number words: "one hundred and twelve" is 112; None for words that are no number."""
    total = part = 0
    last = 0
    for word in re.split(r"[\s-]+", text):
        if word == "and":
            continue
        if word == "hundred":
            part = max(part, 1) * 100
        elif word == "thousand":
            total, part = total + max(part, 1) * 1000, 0
        else:
            value = words.numbers[word]
            if part % 100 and not (part % 100 >= 20 and part % 10 == 0 and value < 10):
                return None
            part += value
        if part > _LARGEST_WORDS or total > _LARGEST_WORDS:
            return None
        last = part
    return float(total + part) if total + part or last else None


def canonical_unit(unit: str, language: str = "en") -> str:
    """Return the name of a unit, "EUR 2024" as "eur"; the text itself in lower case if it is not known.

    Examples
    --------
    >>> canonical_unit("mg/dL"), canonical_unit("EUR 2024"), canonical_unit("days"), canonical_unit("foo")
    ('mg/dl', 'eur', 'day', 'foo')
    """
    units = lexicon(language).units
    text = unit.strip().lower().replace("μ", "µ")
    first = text.split(" ")[0] if text else ""
    return units.get(text) or (units[first] if units.get(first) in CURRENCIES else text)


def factor(unit: str, other: str) -> float | None:
    """Return the factor from one unit to another of the same dimension, None if there is none.

    Examples
    --------
    >>> factor("week", "day"), factor("g/l", "g/dl"), factor("day", "eur")
    (7.0, 0.1, None)
    """
    if unit == other:
        return 1.0
    for table in (TIME_UNITS, _MASS):
        if unit in table and other in table:
            return table[unit] / table[other]
    return None
