"""What a text says of sex, levels, and signs that are present or absent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from heorsynth.language.facts.sheet import Slot
from heorsynth.language.reading.lexicon import Lexicon, any_of, lexicon
from heorsynth.language.reading.terms import LevelTerms, Terms

_CLAUSE = re.compile(
    r"[,;:()]|\b(?:but|and|while|although|though|whereas|however|which|who|when|before|after|because|since|until|then)\b"
)

_APPOSED = re.compile(r"\(\s*$")
"""A bracket before a word ends no clause: "no event (death)"."""

_LETTER = re.compile(r"\b\d{1,3}\s*-?\s*(?:yo|y/o|yr|yrs|years?)?\s*-?(?:old)?\s*,?\s*(?P<a>[mf])\b(?!\.\w)"
                     r"|(?:\bsex|\bgender)\W{1,3}(?:is\s+|was\s+)?(?P<b>[mf])\b"
                     r"|(?<![\w.])(?P<c>[mf])[\s/]?\d{2}\b|\b\d{2}(?P<d>[mf])\b")  # fmt: skip


_OR = re.compile(r"\s*(?:or|/)\s*(?:an?\s+)?")

_REACH = re.compile(r"[,;]|\b(?:but|and(?!\s+(?:not|never|was not))|while|although|whereas|however|which|with)\b")
"""Where a denial after a word ends."""

_DID_NOT = re.compile(r"[\s,;]{0,3}(?:which\s|that\s)?(?:did|has|had|was|were|is|could|would)(?:\s+not|n't|\s+never)\b")
"""A denial that follows a word, also after a comma."""

_SIGN = re.compile(r"\s*[:=]?\s*\(?\s*(?:-|−|minus\b|neg\b|0\b)\s*(?:\)|[.,;]|$)")
"""A sign that stands for no: "(-)"."""

_NOT_ABSENT = re.compile(r"\bnot\s+(?:absent|without|free|lacking)")


@dataclass(frozen=True)
class Said:
    """A level that a text gives for a slot.

    Attributes
    ----------
    slot : Slot
    level : str        as in the rows; "?" for a level that the cohort does not have
    denied : bool      the text says that it is not this level
    """

    slot: Slot
    level: str
    denied: bool = False


@cache
def _sex_words(language: str) -> tuple[re.Pattern[str], dict[str, str]]:
    held = lexicon(language).words["sex"]
    sex = {word: name for name in ("f", "m") for word in held[name]}
    return any_of(sex), sex


def sexes_said(text: str, terms: Terms) -> set[str]:
    """Return the sexes that a text gives the patient: "f", "m", both or none. A choice of both gives none.

    Examples
    --------
    ``sexes_said("are you a woman or a man? a woman", terms)`` gives {"f"}
    """
    pattern, sex = _sex_words(terms.language)
    places = [(match.start(), match.end(), sex[match.group()]) for match in pattern.finditer(text)]
    offered = {
        one
        for one in range(len(places) - 1)
        if places[one][2] != places[one + 1][2] and _OR.fullmatch(text[places[one][1] : places[one + 1][0]])
    }
    found = {place[2] for at, place in enumerate(places) if at not in offered and at - 1 not in offered}
    found |= {letter for match in _LETTER.finditer(text) for letter in match.groups() if letter}
    return found


def negated(sentence: str, start: int, end: int, words: Lexicon) -> bool:
    """Return whether a word in a sentence is denied: in its clause, by a word before it or after it.

    Examples
    --------
    >>> words = lexicon("en")
    >>> [negated(text, text.index("ascites"), text.index("ascites") + 7, words)
    ...  for text in ("there was no ascites", "ascites was absent", "ascites? no.", "not ill, with ascites")]
    [True, True, True, False]
    """
    head, tail = _APPOSED.sub(" ", sentence[max(0, start - 60) : start]), sentence[end : end + 50]
    clause = words.seeming.sub("", _CLAUSE.split(head)[-1] if not _listed(head) else head)
    if words.before.search(clause):
        return not _double(clause, words)
    answer = re.match(r"[^?]*\?\s*(?P<said>\w+)", sentence[end:])
    if answer is not None:
        return answer.group("said") in ("no", "never", "not", "none", "negative", "nope", "nothing")
    if _DID_NOT.match(tail):
        return True
    after = words.seeming.sub("", _REACH.split(tail)[0])
    return bool(words.after.search(after)) or _SIGN.match(tail) is not None


def _listed(head: str) -> bool:
    """Return whether a denial may reach over a list: "no oedema, jaundice or ascites"."""
    return bool(re.search(r"\b(?:or|nor)\s+(?:\w+\s+)?$", head))


def _double(clause: str, words: Lexicon) -> bool:
    return len(words.before.findall(clause)) == 2 and _NOT_ABSENT.search(clause) is not None


def flags_said(sentences: Sequence[str], terms: Terms) -> Iterator[tuple[int, Said]]:
    """Yield each sign that a text says is present ("yes") or absent ("no"), with its sentence."""
    for slot, pattern in terms.flags:
        for at, sentence in enumerate(sentences):
            for match in pattern.finditer(sentence):
                denied = negated(sentence, match.start(), match.end(), terms.lexicon)
                yield at, Said(slot, "no" if denied else "yes")


def levels_said(sentences: Sequence[str], terms: Terms) -> Iterator[tuple[int, int, int, Said]]:
    """Yield each level that a text gives: sentence, start, end and level."""
    for held in terms.levels:
        for at, sentence in enumerate(sentences):
            yield from _numbered(at, sentence, held, terms) if held.numbered else _worded(at, sentence, held, terms)


def _numbered(at: int, sentence: str, held: LevelTerms, terms: Terms) -> Iterator[tuple[int, int, int, Said]]:
    for match in held.near.finditer(sentence):
        text = match.group("after") or match.group("before")
        value = terms.numbers.get(text) or re.sub(r"\D", "", text)
        roman = next((one for one, number in terms.numbers.items() if number == value and one in held.level), value)
        level = held.level.get(value) or held.level.get(roman) or "?"
        place = "after" if match.group("after") else "before"
        yield at, match.start(place), match.end(place), Said(held.slot, level)


def _worded(at: int, sentence: str, held: LevelTerms, terms: Terms) -> Iterator[tuple[int, int, int, Said]]:
    found = list(held.words.finditer(sentence))
    named = bool(found) and held.keyword.search(sentence) is not None
    found = [match for match in found if named or match.group() not in held.vague]
    levels = {held.level[match.group()] for match in found}
    choice = len(levels) > 1 and any_of(terms.lexicon.words["levels"]["choice"]).search(sentence) is not None
    for match in found:
        if choice and match is not found[-1]:
            continue
        denied = terms.lexicon.before.search(sentence[max(0, match.start() - 25) : match.start()]) is not None
        yield at, match.start(), match.end(), Said(held.slot, held.level[match.group()], denied)


def names_a_sex(sentence: str, terms: Terms) -> bool:
    """Return whether a sentence states a sex by a noun, an adjective or a letter, and not by a pronoun alone."""
    pattern, _ = _sex_words(terms.language)
    pronouns = terms.lexicon.words["sex"]["pronouns"]
    return any(word not in pronouns for word in pattern.findall(sentence)) or _LETTER.search(sentence) is not None
