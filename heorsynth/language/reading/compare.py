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
from heorsynth.language.reading.levels import flags_said, levels_said, names_a_sex, sexes_said
from heorsynth.language.reading.numbers import Number, numbers_in
from heorsynth.language.reading.plain import plain, sentences
from heorsynth.language.reading.states import states_said
from heorsynth.language.reading.terms import terms_of

OMITTED, CONTRADICTED, FABRICATED = "omitted", "contradicted", "fabricated"
KINDS = (OMITTED, CONTRADICTED, FABRICATED)

BEYOND = "other"
"""The slot of an invention that belongs to none."""

MOST_CHARACTERS = 100_000
"""Longest text that is read."""

_FEWEST_WORDS = 4
"""A part of a text with fewer words is a heading or a remark, and not a statement."""

_CODE = re.compile(r"(?<![\w.,])\d\s*=\s*(?=[a-z\"'])")
"""A number that is a code, with its meaning: "1 = died"."""

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
        parts = sentences(_CODE.sub(" ", _MARK.sub(" ", plain(text))))
        said = _Said({}, set())
        self._read_levels(parts, facts, said)
        invented = self._read_numbers(parts, facts, said)
        invented |= any(_is_sentence(part) for at, part in enumerate(parts) if at not in said.sentences)
        faults = {Fault(BEYOND, FABRICATED)} if invented else set()
        for slot in self.sheet.slots:
            faults |= self._of_slot(slot, facts, said.told.get(slot.key, set()))
        return sorted(faults)

    def _of_slot(self, slot: Slot, facts: Row, told: set[bool]) -> set[Fault]:
        if slot.key not in facts:
            return {Fault(slot.key, FABRICATED)} if told else set()
        if not told:
            return {Fault(slot.key, OMITTED)}
        return {Fault(slot.key, CONTRADICTED)} if False in told else set()

    def _read_levels(self, parts: list[str], facts: Row, said: _Said) -> None:
        """Note what the text says of sex, signs, levels and events; numbers of levels are blanked."""
        terms = self._terms
        if terms.sex is not None:
            own = terms.sex.levels.get(str(facts.get(terms.sex.key)), "")
            for sex in sexes_said(" ".join(parts), terms):
                said.note(terms.sex, sex == own)
            said.sentences |= {at for at, part in enumerate(parts) if names_a_sex(part, terms)}
        for at, one in flags_said(parts, terms):
            own = one.slot.levels.get(str(facts.get(one.slot.key)), "")
            said.note(one.slot, one.level == own, at)
        blanked: list[tuple[int, int, int]] = []
        for at, start, end, one in levels_said(parts, terms):
            right = (one.level == str(facts.get(one.slot.key))) is not one.denied
            if not (one.denied and right):
                said.note(one.slot, right, at)
            blanked.append((at, start, end))
        for at, one in states_said(parts, terms):
            own = str(facts.get(one.slot.key))
            right = one.level != own if one.denied else one.level == own
            said.sentences.add(at)
            if not (one.denied and right and own != "0"):
                said.note(one.slot, right, at)
        for at, start, end in blanked:
            parts[at] = parts[at][:start] + "_" * (end - start) + parts[at][end:]

    def _read_numbers(self, parts: list[str], facts: Row, said: _Said) -> bool:
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
            said.note(held.slot, held.right, held.sentence)
        invented |= any(_notable(one.number) for one in left)
        return self._read_dates(parts, dates, facts, said) or invented

    def _read_dates(self, parts: Sequence[str], dates: Sequence[tuple[int, Written]], facts: Row, said: _Said) -> bool:
        """Note the dates of the slots; return whether a date belongs to none."""
        terms = self._terms
        open_slots = [slot for slot in terms.dated if slot.key in facts]
        unknown = [slot for slot in terms.dated if slot.key not in facts]
        left = []
        for at, one in dates:
            right = next((slot for slot in open_slots if int(float(facts[slot.key])) in one.days), None)
            if right is not None:
                said.note(right, True, at)
                open_slots.remove(right)
            else:
                left.append(at)
        extra = False
        for at in left:
            named = {key for match in terms.keywords.finditer(parts[at]) for key in terms.slots_of[match.group()]}
            free = [slot for slot in terms.dated if slot in open_slots or slot in unknown]
            candidates = [slot for slot in free if slot.key in named] or open_slots or unknown
            if len(candidates) == 1:
                said.note(candidates[0], False, at)
            else:
                extra = True
        return extra


@dataclass
class _Said:
    """What a text says: key of a slot to whether each statement agrees with the fact; and the sentences that state."""

    told: dict[str, set[bool]]
    sentences: set[int]

    def note(self, slot: Slot, right: bool, sentence: int | None = None) -> None:
        """Add a statement."""
        self.told.setdefault(slot.key, set()).add(right)
        if sentence is not None:
            self.sentences.add(sentence)


def _is_sentence(part: str) -> bool:
    """Return whether a part of a text states something: four words or more, and no heading."""
    return len(part.split()) >= _FEWEST_WORDS and not part.rstrip().endswith(":")


def _notable(number: Number) -> bool:
    """Return whether a number without a slot is a statement: it has a unit, decimals, or two digits."""
    return bool(number.unit or number.decimals or number.value >= 10)
