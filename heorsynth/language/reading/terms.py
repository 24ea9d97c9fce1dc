"""The words of the slots of a sheet, compiled once for all its texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from heorsynth.language.facts.sheet import DATE, FLAG, LEVEL, NUMERIC, SEX, STATUS, TREATMENT, Sheet, Slot
from heorsynth.language.facts.vocabulary import plain_level
from heorsynth.language.reading.lexicon import Lexicon, any_of, lexicon
from heorsynth.language.reading.numbers import canonical_unit

_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")

_NOUNS = {
    "count",
    "level",
    "levels",
    "time",
    "status",
    "value",
    "rate",
    "score",
    "serum",
    "plasma",
    "total",
    "date",
    "life",
    "quality",
    "adjusted",
    "first",
    "last",
}
"""Words of a name that do not tell it from another: no keyword alone."""


@dataclass(frozen=True)
class LevelTerms:
    """The words of a slot of levels.

    Attributes
    ----------
    keyword : Pattern      the slot's own name
    numbered : bool        whether its levels are numbers, which are read beside the keyword only
    near : Pattern         keyword with a number after it, or before it
    words : Pattern        the printed names of its levels
    level : Mapping        word to level
    vague : frozenset      words that count only in a sentence with the keyword
    """

    slot: Slot
    keyword: re.Pattern[str]
    numbered: bool
    near: re.Pattern[str]
    words: re.Pattern[str]
    level: Mapping[str, str]
    vague: frozenset[str]


@dataclass(frozen=True)
class Terms:
    """All words of a sheet.

    Attributes
    ----------
    numeric, dated : tuple of Slot
    keywords : Pattern               of all numeric and dated slots
    slots_of : Mapping               keyword to the keys of its slots
    units : Mapping                  key of a numeric slot to the name of its unit
    levels, flags, states            of each slot of these kinds
    sex : Slot or None
    own : frozenset                  every word of a slot: none of them is an invention
    """

    language: str
    lexicon: Lexicon
    numeric: tuple[Slot, ...]
    dated: tuple[Slot, ...]
    keywords: re.Pattern[str]
    slots_of: Mapping[str, tuple[str, ...]]
    units: Mapping[str, str]
    levels: tuple[LevelTerms, ...]
    flags: tuple[tuple[Slot, re.Pattern[str]], ...]
    states: tuple[tuple[Slot, Mapping[str, re.Pattern[str]]], ...]
    sex: Slot | None
    own: frozenset[str]
    numbers: Mapping[str, str] = field(default_factory=dict)


def terms_of(sheet: Sheet) -> Terms:
    """Return the compiled words of a sheet."""
    words = lexicon(sheet.language)
    numeric = tuple(slot for slot in sheet.slots if slot.kind in NUMERIC)
    dated = tuple(slot for slot in sheet.slots if slot.kind == DATE)
    slots_of: dict[str, list[str]] = {}
    for slot in (*numeric, *dated):
        for word in _keywords(slot, words):
            slots_of.setdefault(word, []).append(slot.key)
    levels = tuple(_level_terms(slot, words) for slot in sheet.slots if slot.kind in (LEVEL, TREATMENT))
    flags = tuple((slot, any_of(words.names_of(slot.name))) for slot in sheet.slots if slot.kind == FLAG)
    states = tuple(
        (slot, {code: any_of(words.events_of(name)) for code, name in slot.levels.items() if name})
        for slot in sheet.slots
        if slot.kind == STATUS
    )
    sex = next((slot for slot in sheet.slots if slot.kind == SEX), None)
    units = {slot.key: canonical_unit(slot.unit, sheet.language) if slot.unit else "" for slot in numeric}
    return Terms(
        sheet.language, words, numeric, dated, any_of(slots_of), {word: tuple(keys) for word, keys in slots_of.items()},
        units, levels, flags, states, sex, _own_words(sheet, words), _number_words(words),
    )  # fmt: skip


def _keywords(slot: Slot, words: Lexicon) -> list[str]:
    """Return the words by which a text may name a slot of numbers."""
    names = words.names_of(slot.name)
    parts = [part for part in re.split(r"[\s_/.-]+", slot.name.lower()) if len(part) > 2]
    parts = [part for part in parts if part not in _NOUNS and part not in words.units]
    column = [slot.key.lower()] if slot.key.replace("_", "").isalnum() else []
    return list(dict.fromkeys([*names, *parts, *column, *words.words["slots"].get(slot.kind, [])]))


def _level_terms(slot: Slot, words: Lexicon) -> LevelTerms:
    names = words.names_of("treatment" if slot.kind == TREATMENT else slot.name)
    if slot.kind == TREATMENT:
        names = list(dict.fromkeys([*names, *words.names_of(slot.name)]))
    printed = {plain_level(text): level for level, text in slot.levels.items()}
    numbered = all(text.isdigit() or text in _ROMAN for text in printed)
    for text, level in list(printed.items()):
        for other in words.words["levels"].get(text, []):
            printed.setdefault(other, level)
    value = "|".join(sorted(_number_words(words), key=len, reverse=True))
    keyword = any_of(names)
    near = re.compile(
        rf"{keyword.pattern}[^\d.;]{{0,48}}?(?<![\w.])(?P<after>\d{{1,2}}(?![\d.,]*\d)|{value})(?!\w)(?!\s*(?:years|days|months|weeks))"
        rf"|(?<![\w.])(?P<before>\d{{1,2}}(?:st|nd|rd|th)?|{value})[\s-]+(?:of\s+)?{keyword.pattern}"
    )
    held = [text for text in printed if text not in words.words["levels"]["vague"] and len(text) > 2]
    vague = frozenset(set(printed) - set(held))
    return LevelTerms(slot, keyword, numbered, near, any_of(printed), printed, vague)


def _number_words(words: Lexicon) -> dict[str, str]:
    """Return the words for the whole numbers of levels: "iii", "three" and "third" are "3"."""
    found = {roman: str(at) for at, roman in enumerate(_ROMAN, start=1)}
    found |= {word: str(value) for word, value in words.numbers.items() if value <= 12}
    return found | {word: str(value) for word, value in words.words["ordinals"].items()}


def _own_words(sheet: Sheet, words: Lexicon) -> frozenset[str]:
    found: set[str] = set()
    for slot in sheet.slots:
        found |= {*words.names_of(slot.name), slot.key.lower()}
        for text in slot.levels.values():
            found |= {text.lower(), *(words.events_of(text) if slot.kind == STATUS and text else ())}
    parts = {part for text in found for part in re.split(r"[^\w]+", text)}
    return frozenset((found | parts) - {""})
