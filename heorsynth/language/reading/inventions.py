"""Clinical words of a text that no fact supports: conditions, drugs, procedures and tests that were invented."""

from __future__ import annotations

import re
from functools import cache

from heorsynth.language.reading.lexicon import any_of, lexicon
from heorsynth.language.reading.terms import Terms

_WORD = re.compile(r"[a-z][a-z-]{2,}")


@cache
def _patterns(language: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], frozenset[str]]:
    held = lexicon(language).words["inventions"]
    kinds = ("conditions", "social", "drugs", "procedures", "tests")
    known = any_of(word for kind in kinds for word in held[kind])
    suffixes = "|".join(sorted(held["suffixes"], key=len, reverse=True))
    shaped = re.compile(rf"(?<![\w-])[a-z-]{{3,}}(?:{suffixes})s?(?!\w)")
    frames = "|".join(map(re.escape, held["frames"]))
    framed = re.compile(rf"(?<!\w)(?:{frames})\s+((?:[a-z-]+\s*){{1,4}})")
    return known, shaped, framed, frozenset(held["harmless"])


def inventions(sentence: str, terms: Terms) -> list[tuple[int, int]]:
    """Return the places of clinical words in a plain sentence that belong to no slot.

    Notes
    -----
    Three rules: a word of the lexicon; a word with the ending of a disease, procedure or drug; what follows "history
    of", "diagnosed with" and the like. A denied condition counts too: no fact says that it is absent.
    """
    known, shaped, framed, harmless = _patterns(terms.language)
    found = [match.span() for match in known.finditer(sentence) if not _owned(match.group(), terms)]
    found += [
        match.span()
        for match in shaped.finditer(sentence)
        if not {match.group(), match.group().rstrip("s")} & harmless and not _owned(match.group(), terms)
    ]
    for match in framed.finditer(sentence):
        if not any(_owned(word, terms) for word in _WORD.findall(match.group(1))):
            found.append(match.span(1))
    return found


def _owned(word: str, terms: Terms) -> bool:
    """Return whether a word, or each of its parts, belongs to a slot."""
    if word in terms.own or word.rstrip("s") in terms.own:
        return True
    parts = re.split(r"[^\w]+", word)
    return len(parts) > 1 and all(part in terms.own for part in parts)
