"""Writes the text of one synthetic patient from the forms of a language: the template baseline."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heorsynth.language.facts.sheet import AGE, DATE, FLAG, SEX, STATUS, TIME, Row, Sheet, Slot
from heorsynth.language.facts.vocabulary import read_words

Forms = Mapping[str, Sequence[str]]
"""Kind of slot to the forms of its sentence."""

_ARTICLE = re.compile(r"\b([Aa]) (?=[aeioAEIO])")

_START = re.compile(r"(^|[.?!] )([a-zé])")


def forms_of(kind: str, language: str) -> Forms:
    """Return the forms of a kind of text: "vignette", "summary" or "questionnaire"."""
    return dict(read_words("narratives", language)[kind])


def kinds_of(language: str) -> tuple[str, ...]:
    """Return the kinds of text that a language has forms for."""
    return tuple(read_words("narratives", language))


@dataclass(frozen=True)
class Writer:
    """Writes texts of the facts of a sheet.

    Attributes
    ----------
    sheet : Sheet
    forms : Forms
    """

    sheet: Sheet
    forms: Forms

    def text(self, facts: Row, rng: np.random.Generator, shuffle: bool = True) -> str:
        """Return the text of these facts.

        Parameters
        ----------
        facts : Row       key of a slot to its value; a slot without a fact is not mentioned
        rng : Generator   chooses forms and the order of the middle sentences
        shuffle : bool    False keeps the order of the slots
        """
        stated = [slot for slot in self.sheet.slots if slot.key in facts]
        sex = next((str(slot.levels[str(facts[slot.key])]) for slot in stated if slot.kind == SEX), "none")
        words = dict(read_words("facts", self.sheet.language)["sex_words"][sex])
        first, middle, last = self._arranged(stated)
        if shuffle and len(middle) > 1:
            middle = [middle[at] for at in rng.permutation(len(middle))]
        sentences = [self._sentence(group, facts, words, rng) for group in (*first, *middle, *last)]
        text = _ARTICLE.sub(r"\1n ", " ".join(sentences))
        return _START.sub(lambda found: found.group(1) + found.group(2).upper(), text)

    def _arranged(self, stated: Sequence[Slot]) -> tuple[list[list[Slot]], list[list[Slot]], list[list[Slot]]]:
        """Return the groups of slots that share a sentence: of the person, of the middle, of the outcome."""
        person = [slot for slot in stated if slot.kind in (AGE, SEX)]
        outcome = [slot for slot in stated if slot.kind in (STATUS, TIME)]
        middle = [[slot] for slot in stated if slot not in person and slot not in outcome]
        joint = "opening" in self.forms and [slot.kind for slot in person] == [AGE, SEX]
        first = [person] if joint else [[slot] for slot in person]
        last: list[list[Slot]] = []
        for slot in outcome:
            before = last[-1][-1] if last else None
            pair = before is not None and before.kind == STATUS and slot.key == f"{before.key[:-7]}.time"
            if pair and "outcome_event" in self.forms:
                last[-1].append(slot)
            else:
                last.append([slot])
        return first, middle, last

    def _sentence(self, group: Sequence[Slot], facts: Row, words: dict[str, str], rng: np.random.Generator) -> str:
        filled: dict[str, Any] = dict(words)
        for slot in group:
            filled |= self._filled(slot, facts[slot.key])
        forms = self.forms[self._form(group, facts)]
        return forms[int(rng.integers(len(forms)))].format(**filled)

    def _form(self, group: Sequence[Slot], facts: Row) -> str:
        slot = group[0]
        if len(group) == 2 and slot.kind == AGE:
            return "opening"
        if slot.kind == STATUS:
            happened = facts[slot.key] != "0"
            joint = "outcome" if len(group) == 2 else "status"
            return f"{joint}_{'event' if happened else 'none'}"
        if slot.kind == FLAG:
            return f"flag_{slot.levels[str(facts[slot.key])]}"
        return slot.kind

    def _filled(self, slot: Slot, value: float | str) -> dict[str, str]:
        """Return what the braces of a form mean for this fact."""
        written = slot.written(value)
        if slot.kind == AGE:
            return {"age": written, "an": "an" if written[:1] == "8" or written in ("11", "18") else "a"}
        if slot.kind == STATUS:
            return self._event(slot, str(value))
        if slot.kind == TIME:
            one, many = read_words("facts", self.sheet.language)["units"][slot.unit]
            return {"time": f"{written} {one if written == '1' else many}"}
        if slot.kind == DATE:
            return {"name": slot.name, "date": written}
        amount = f"{written} {slot.unit}".rstrip()
        return {"name": slot.name, "value": written, "amount": amount}

    def _event(self, slot: Slot, code: str) -> dict[str, str]:
        name = slot.levels[code] or slot.levels.get("1", "event")
        known = read_words("facts", self.sheet.language)["events"].get(name)
        if known is None:
            known = {"noun": name, "past": f"had {name}", "without": f"was free of {name}", "base": f"have {name}"}
        return {"event": known["noun"], "past": known["past"], "without": known["without"], "base": known["base"]}
