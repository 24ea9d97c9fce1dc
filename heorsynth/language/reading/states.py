"""How a text says that follow-up ended: with an event, or with none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from heorsynth.language.facts.sheet import Slot
from heorsynth.language.reading.levels import Said, negated
from heorsynth.language.reading.terms import Terms

_FEARED = re.compile(r"\b(?:risk|fear|threat|danger|chance|odds|probability|hazard)s?\s+of\s+(?:\w+\s+)?$")
"""An event after these words is a possibility."""

_FIELD = re.compile(
    r"\s*(?P<noun>status|state|flag|indicator|code|variable|field|box)?\s*(?:\([^)]{0,20}\)\s*)?"
    r"(?P<sign>[:=]|\b(?:is|was|reads|says)\b|\bset to\b)\s*[\"'(]?(?P<value>[\w/-]+)"
)
"""An event that is the name of a field, and its value: "mortality status: alive"."""

_EVENT = re.compile(r"\b(?:event|dthfl)" + _FIELD.pattern)
"""A field that names no event, and its value: "event = none"."""

_NO = frozenset(
    ["no", "n", "0", "false", "none", "nil", "negative", "f", "n/a", "na", "unchecked", "unticked", "empty", "blank"]
)
_YES = frozenset(["yes", "y", "1", "true", "positive", "confirmed", "checked", "t", "filled", "ticked", "set"])

_FROM = re.compile(r"\bfrom\s+[\"']?$")
"""A state after this word is a former one: "from alive to dead"."""

_OR = re.compile(r"\s*(?:or|/|versus|vs)\s*(?:an?\s+)?")

_PREVENTED = re.compile(
    r"\b(?:keep|kept|keeps|save|saved|saves|prevent|prevented|stop|stopped|rescued?)\s+(?:\w+\s+){1,2}from\s+$"
)
"""What did not come to the event: "kept her from dying"."""

_NOT_PREVENTED = re.compile(
    r"(?:\b(?:not|never|nothing|no\s+\w+|not\s+even\s+\w+|nobody|failed\s+to)|n't)\s+(?:\w+\s+){0,2}?"
    r"(?:prevent|avert|stop|avoid|escape|spare|save|rescue|delay|keep)"
)
"""A denial of what would have prevented the event."""


def states_said(sentences: Sequence[str], terms: Terms) -> Iterator[tuple[int, Said]]:
    """Yield how a text says that follow-up ended: the code of an event, denied or not, or "0" for none.

    Notes
    -----
    Four rules. An event that is the name of a field, a possibility or one of two alternatives is no statement; the
    value of the field is. In one sentence an event that happened outweighs a word of life ("alive until he died").
    Words of being alive that are denied say death. Weak words of being alive count only where no event is told.
    """
    for slot, patterns in terms.states:
        found = [(at, said) for at, one in enumerate(sentences) for said in _events(slot, patterns, one, terms)]
        yield from found or [(at, said) for at, one in enumerate(sentences) for said in _weak(slot, one, terms)]


def _events(slot: Slot, patterns: Mapping[str, re.Pattern[str]], sentence: str, terms: Terms) -> list[Said]:
    words, said = terms.lexicon, []
    alive = list(words.strong.finditer(sentence))
    for code, pattern in patterns.items():
        matches = list(pattern.finditer(sentence))
        offered = _offered([*alive, *matches], sentence)
        alive = [one for one in alive if one.span() not in offered and not _FROM.search(sentence[: one.start()])]
        for match in matches:
            told = match.span() not in offered and not _FEARED.search(sentence[: match.start()])
            if told and not (alive and words.outweighed.fullmatch(match.group())):
                denied = _denied(sentence, match, terms)
                said += [] if denied is None else [Said(slot, code, denied)]
    if any(not one.denied for one in said):
        return said
    said += [Said(slot, next(iter(patterns)), one["value"] in _NO) for one in _EVENT.finditer(sentence)
             if len(patterns) == 1 and one["value"] in _NO | _YES]  # fmt: skip
    return said + [one for match in alive for one in _alive(slot, sentence, match, terms)]


def _denied(sentence: str, match: re.Match[str], terms: Terms) -> bool | None:
    """Return whether an event is denied; None if the word names a field whose value says it."""
    field = _FIELD.match(sentence, match.end())
    if field is not None:
        value = field["value"]
        if value in _NO or value in _YES:
            return value in _NO
        if field["noun"] or terms.lexicon.strong.fullmatch(value):
            return None
    if _NOT_PREVENTED.search(sentence[max(0, match.start() - 60) : match.start()]):
        return False
    if _PREVENTED.search(sentence[max(0, match.start() - 60) : match.start()]):
        return True
    return negated(sentence, match.start(), match.end(), terms.lexicon)


def _alive(slot: Slot, sentence: str, match: re.Match[str], terms: Terms) -> list[Said]:
    """Return what a word of being alive says: no event; death, where it is denied and can be."""
    field = _FIELD.match(sentence, match.end())
    denied = negated(sentence, match.start(), match.end(), terms.lexicon)
    if field is not None and field["value"] in _NO | _YES:
        denied = field["value"] in _NO
    if not denied:
        return [Said(slot, "0")]
    return [Said(slot, _death(slot, terms))] if terms.lexicon.lives.search(match.group()) else []


def _weak(slot: Slot, sentence: str, terms: Terms) -> Iterator[Said]:
    for match in terms.lexicon.weak.finditer(sentence):
        yield from _alive(slot, sentence, match, terms)


def _death(slot: Slot, terms: Terms) -> str:
    """Return the code of death, the first event if none is called so."""
    return next((code for code, name in slot.levels.items() if name and "died" in terms.lexicon.events_of(name)), "1")


def _offered(matches: Sequence[re.Match[str]], sentence: str) -> set[tuple[int, int]]:
    """Return the places of words that are alternatives: "dead or alive"."""
    held = sorted(match.span() for match in matches)
    pairs = [(one, two) for one, two in pairwise(held) if _OR.fullmatch(sentence[one[1] : two[0]])]
    return {place for pair in pairs for place in pair}
