"""The words of a language, compiled for reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from heorsynth.language.facts.vocabulary import read_words


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for whole words, the longest first; it never matches if there are none.

    The sign "…" stands for whose: "her", "the", "the patient's", "his long".

    Examples
    --------
    >>> any_of(["no", "not"]).findall("not known, no")
    ['not', 'no']
    >>> any_of(["took … life"]).findall("it took her young life")
    ['took her young life']
    """
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    if not ordered:
        return re.compile(r"(?!)")
    return re.compile(r"(?<![\w])(?:" + "|".join(map(_phrase, ordered)) + r")(?!\w)")


def _phrase(words: str) -> str:
    return re.escape(words).replace("…", r"(?:her|his|their|the|this|that)(?:\s[\w']+)?")


@dataclass(frozen=True)
class Lexicon:
    """Compiled words of a language.

    Attributes
    ----------
    words : Mapping             the data file
    units : Mapping             how a unit is written to its name
    numbers : Mapping           number words to their values
    before, after               words that deny what follows them; what stands before them
    seeming                     words that look so and deny nothing: "no more than"
    strong, weak                words of being alive or censored; the weak ones only where no event is told
    lives                       those of them whose denial says death
    outweighed                  words of an event that state none beside a strong word: "left us alive"
    """

    words: Mapping[str, Any]
    units: Mapping[str, str]
    numbers: Mapping[str, int]
    before: re.Pattern[str]
    after: re.Pattern[str]
    seeming: re.Pattern[str]
    relatives: re.Pattern[str]
    strong: re.Pattern[str]
    weak: re.Pattern[str]
    lives: re.Pattern[str]
    outweighed: re.Pattern[str]

    def names_of(self, name: str) -> list[str]:
        """Return the words for a printed name: the name itself, and those of the data file."""
        found = self.words["names"].get(name.lower(), [])
        return list(dict.fromkeys([name.lower(), *found]))

    def events_of(self, name: str) -> list[str]:
        """Return the words that say that an event happened."""
        key = name.lower()
        found: list[str] = list(self.words["events"].get(key, ()))
        for part in re.split(r"\s+(?:or|and)\s+|/", key):
            found += self.words["events"].get(part, [part] if len(part) > 2 else [])
        return list(dict.fromkeys([key, *found]))


@cache
def lexicon(language: str) -> Lexicon:
    """Return the compiled words of a language."""
    words = read_words("reading", language)
    units = {written: name for name, held in words["units"].items() for written in held}
    negation = words["negation"]
    return Lexicon(
        words, units, dict(words["numbers"]), any_of(negation["before"]), any_of(negation["after"]),
        any_of(negation["seeming"]),
        any_of(words["sex"]["relatives"]), any_of(words["alive"]["strong"]), any_of(words["alive"]["weak"]),
        any_of(words["alive"]["denied"]), any_of(words["alive"]["outweighed"]),
    )  # fmt: skip
