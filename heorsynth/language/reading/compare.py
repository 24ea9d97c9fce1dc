"""Compares one text with the facts of its patient: what it omits, contradicts or invents, by slot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from heorsynth.core.errors import Problem, TextError
from heorsynth.language.facts.sheet import Row, Sheet, Slot
from heorsynth.language.reading.assign import Placed, assigned
from heorsynth.language.reading.dates import Written, dates_in
from heorsynth.language.reading.inventions import inventions
from heorsynth.language.reading.levels import flags_said, levels_said, sexes_said, states_said
from heorsynth.language.reading.numbers import Number, numbers_in
from heorsynth.language.reading.plain import plain, sentences
from heorsynth.language.reading.terms import terms_of

OMITTED, CONTRADICTED, FABRICATED = "omitted", "contradicted", "fabricated"
KINDS = (OMITTED, CONTRADICTED, FABRICATED)

BEYOND = "other"
"""The slot of an invention that belongs to none."""

MOST_CHARACTERS = 100_000
"""Longest text that is read."""

_MARK = re.compile(r"syn-[0-9a-f]{8}-\d{6,}")


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of a text: the slot, and whether it is omitted, contradicted or fabricated."""

    slot: str
    kind: str


class Reader:
    """Reads texts of the patients of one sheet.

    Parameters
    ----------
    sheet : Sheet
    """

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._terms = terms_of(sheet)

    def faults(self, text: str, facts: Row) -> list[Fault]:
        """Return the faults of a text, sorted, each once.

        Raises
        ------
        TextError      the text has more than `MOST_CHARACTERS` characters
        """
        if len(text) > MOST_CHARACTERS:
            found = f"{len(text):,} characters; at most {MOST_CHARACTERS:,}"
            raise TextError("text", Problem("", found, "split it, or check whether it is a text of one patient"))
        parts = sentences(_MARK.sub(" ", plain(text)))
        told: dict[str, set[bool]] = {}
        self._read_levels(parts, facts, told)
        invented = self._read_numbers(parts, facts, told)
        faults = {Fault(BEYOND, FABRICATED)} if invented else set()
        for slot in self.sheet.slots:
            faults |= self._of_slot(slot, facts, told.get(slot.key, set()))
        return sorted(faults)

    def _of_slot(self, slot: Slot, facts: Row, told: set[bool]) -> set[Fault]:
        if slot.key not in facts:
            return {Fault(slot.key, FABRICATED)} if told else set()
        if not told:
            return {Fault(slot.key, OMITTED)}
        return {Fault(slot.key, CONTRADICTED)} if False in told else set()

    def _read_levels(self, parts: list[str], facts: Row, told: dict[str, set[bool]]) -> None:
        """Note what the text says of sex, signs, levels and events; numbers of levels are blanked."""
        terms = self._terms
        if terms.sex is not None:
            own = terms.sex.levels.get(str(facts.get(terms.sex.key)), "")
            for sex in sexes_said(" ".join(parts), terms):
                told.setdefault(terms.sex.key, set()).add(sex == own)
        for said in flags_said(parts, terms):
            own = said.slot.levels.get(str(facts.get(said.slot.key)), "")
            told.setdefault(said.slot.key, set()).add(said.level == own)
        blanked: list[tuple[int, int, int]] = []
        for at, start, end, one in levels_said(parts, terms):
            right = (one.level == str(facts.get(one.slot.key))) is not one.denied
            if not (one.denied and right):
                told.setdefault(one.slot.key, set()).add(right)
            blanked.append((at, start, end))
        for said in states_said(parts, terms):
            own = str(facts[said.slot.key])
            right = said.level != own if said.denied else said.level == own
            if not (said.denied and right and own != "0"):
                told.setdefault(said.slot.key, set()).add(right)
        for at, start, end in blanked:
            parts[at] = parts[at][:start] + "_" * (end - start) + parts[at][end:]

    def _read_numbers(self, parts: list[str], facts: Row, told: dict[str, set[bool]]) -> bool:
        """Note what the text says in numbers and dates; return whether it says something that no slot holds."""
        terms, invented = self._terms, False
        numbers: list[Placed] = []
        foreign: dict[int, bool] = {}
        dates: list[tuple[int, Written]] = []
        for at, part in enumerate(parts):
            here = dates_in(part, terms.language)
            dates += [(at, one) for one in here]
            for one in here:
                parts[at] = parts[at][: one.start] + "_" * (one.end - one.start) + parts[at][one.end :]
            foreign[at] = bool(inventions(part, terms))
            invented |= foreign[at]
            numbers += [Placed(at, number) for number in numbers_in(parts[at], terms.language)]
        given, left = assigned(parts, numbers, facts, terms, foreign)
        for held in given:
            told.setdefault(held.slot.key, set()).add(held.right)
        invented |= any(_notable(one.number) for one in left)
        return self._read_dates(parts, dates, facts, told) or invented

    def _read_dates(
        self, parts: Sequence[str], dates: Sequence[tuple[int, Written]], facts: Row, told: dict[str, set[bool]]
    ) -> bool:
        """Note the dates of the slots; return whether a date belongs to none."""
        terms = self._terms
        open_slots = [slot for slot in terms.dated if slot.key in facts]
        left = []
        for at, one in dates:
            right = next((slot for slot in open_slots if int(float(facts[slot.key])) in one.days), None)
            if right is not None:
                told.setdefault(right.key, set()).add(True)
                open_slots.remove(right)
            else:
                left.append((at, one))
        extra = False
        unknown = [slot for slot in terms.dated if slot.key not in facts]
        for at, _ in left:
            named = {key for match in terms.keywords.finditer(parts[at]) for key in terms.slots_of[match.group()]}
            candidates = [slot for slot in terms.dated if slot.key in named] or open_slots or unknown
            if len(candidates) == 1 or (candidates and not open_slots):
                told.setdefault(candidates[0].key, set()).add(False)
            else:
                extra = True
        return extra


def _notable(number: Number) -> bool:
    """Return whether a number without a slot is a statement: it has a unit, decimals, or two digits."""
    return bool(number.unit or number.decimals or number.value >= 10)
