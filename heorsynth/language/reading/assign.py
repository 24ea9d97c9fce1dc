"""Which number of a text belongs to which slot: by the words beside it, its unit, and what is left over."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heorsynth.data.visits.units import TIME_UNITS
from heorsynth.language.facts.sheet import AGE, COST, MEASURE, TIME, Row, Slot
from heorsynth.language.reading.numbers import CURRENCIES, Number, factor
from heorsynth.language.reading.terms import Terms

_FARTHEST = 60.0
"""Largest cost of a pair of a number and a slot: about the characters between the number and the slot's word."""

_DIRECT = -60.0
_LINK = re.compile(r"[\s:=(-]{0,3}(?:was|is|of|at|level|value)?[\s:=(-]{0,3}")

_WINDOW, _NEAR = 200, 20
"""Characters on either side of a number, and numbers before and after it, that are looked at."""

_OLDEST = 120


@dataclass(frozen=True)
class _Given:
    """A number that a text gives for a slot.

    Attributes
    ----------
    slot : Slot
    number : Number
    right : bool      whether it agrees with the fact, unit included; False for a slot without a fact
    sentence : int    the sentence it stands in
    """

    slot: Slot
    number: Number
    right: bool
    sentence: int = 0


@dataclass(frozen=True)
class Placed:
    """A number of a text with the sentence it stands in."""

    sentence: int
    number: Number


def assigned(
    sentences: Sequence[str], numbers: Sequence[Placed], facts: Row, terms: Terms, foreign: Mapping[int, bool]
) -> tuple[list[_Given], list[Placed]]:
    """Return the numbers that belong to slots, and those that belong to none.

    Parameters
    ----------
    sentences : sequence of str
    numbers : sequence of Placed
    facts : Row                    of the patient
    foreign : Mapping              sentence to whether it speaks of what no slot holds

    Notes
    -----
    Every pair of a number and a word of a slot in its sentence has a cost: the characters between them, more if other
    numbers or commas stand between, if the unit is another, or if the word follows; less if unit or value agree. Pairs
    are accepted from the lowest cost on; a number and a place of a word are used once. Then a number that equals the
    fact of a slot not yet told is that fact. Then a number whose unit is that of one slot not yet told is a wrong value
    of it.
    """
    by_key = {slot.key: slot for slot in terms.numeric}
    pairs = sorted(_pairs(sentences, numbers, facts, terms, by_key))
    told: dict[int, _Given] = {}
    used: set[tuple[int, int]] = set()
    for cost, at, key, word in pairs:
        if cost <= _FARTHEST and at not in told and (word == (-1, -1) or word not in used):
            told[at] = _given(by_key[key], numbers[at], facts, terms)
            used.add(word)
    left = [at for at in range(len(numbers)) if at not in told]
    known = {slot.key for slot in terms.numeric if slot.key in facts}
    open_slots = known - {one.slot.key for one in told.values()}
    for rule in (_equal, _eliminated, _supposed):
        for at in list(left):
            found = rule(numbers[at], open_slots, by_key, facts, terms, foreign)
            if found is not None:
                told[at] = _given(by_key[found], numbers[at], facts, terms)
                left.remove(at)
                open_slots.discard(found)
    return list(told.values()), [numbers[at] for at in left]


def _pairs(
    sentences: Sequence[str], numbers: Sequence[Placed], facts: Row, terms: Terms, by_key: Mapping[str, Slot]
) -> list[tuple[float, int, str, tuple[int, int]]]:
    words = {
        at: [(found.start(), found.end(), terms.slots_of[found.group()]) for found in terms.keywords.finditer(sentence)]
        for at, sentence in enumerate(sentences)
    }
    ages = [slot.key for slot in terms.numeric if slot.kind == AGE]
    pairs: list[tuple[float, int, str, tuple[int, int]]] = []
    for at, placed in enumerate(numbers):
        number, sentence = placed.number, sentences[placed.sentence]
        if number.old and ages:
            pairs.append((-99.0, at, ages[0], (-1, -1)))
            continue
        near = numbers[max(0, at - _NEAR) : at + _NEAR]
        beside = [one.number for one in near if one.sentence == placed.sentence]
        held = words[placed.sentence]
        first = bisect_left(held, (number.start - _WINDOW,))
        last = bisect_left(held, (number.end + _WINDOW,))
        for start, end, keys in held[first:last]:
            gap, direct = _gap(sentence, number, start, end, beside), _directly(sentence, number, end)
            for key in keys:
                cost = gap + direct + _misfit(number, by_key.get(key), facts, terms) if key in by_key else math.inf
                if direct and key in ages and number.unit in TIME_UNITS and not _is_within(start, beside):
                    cost = gap + direct  # "an age of 442 days" is said of the age, whatever else lasts 442 days
                if cost <= _FARTHEST:
                    pairs.append((cost, at, key, (placed.sentence, start)))
    return pairs


def _is_within(place: int, numbers: Sequence[Number]) -> bool:
    """Return whether a place is part of a number, as the "age" of "62 years of age" is."""
    return any(number.start <= place < number.end for number in numbers)


def _directly(sentence: str, number: Number, end: int) -> float:
    """Return a discount for a number that directly follows a word: "bilirubin was 1.4". It outweighs an equal value."""
    between = sentence[end : number.start] if end <= number.start else "far apart"
    return _DIRECT if _LINK.fullmatch(between) else 0.0


def _gap(sentence: str, number: Number, start: int, end: int, beside: Sequence[Number]) -> float:
    """Return the distance of a number and a word: characters, and more for what stands between them."""
    first, last = (end, number.start) if end <= number.start else (number.end, start)
    if last < first:
        return 0.0
    between = sentence[first:last]
    others = sum(first <= one.start < last for one in beside)
    commas = between.count(",") + between.count(";") + between.count(" and ") + between.count(" with ")
    return len(between) + 25.0 * others + 10.0 * commas + (6.0 if start >= number.end else 0.0)


def _misfit(number: Number, slot: Slot | None, facts: Row, terms: Terms) -> float:
    """Return how badly a number fits a slot by unit and value; infinite where it cannot."""
    if slot is None or not _possible(number, slot, terms.units[slot.key]):
        return math.inf
    unit = terms.units[slot.key]
    cost = 0.0
    if number.unit:
        if unit:
            cost += -30.0 if number.unit == unit else -20.0 if factor(number.unit, unit) is not None else 15.0
    elif slot.kind == TIME:
        cost += 40.0
    elif slot.kind == COST:
        cost += 8.0
    if slot.key in facts and agrees(number, slot, float(facts[slot.key]), unit):
        return cost - 30.0
    return cost + 30.0 if _is_of_another(number, slot, facts, terms) else cost


def _is_of_another(number: Number, slot: Slot, facts: Row, terms: Terms) -> bool:
    """Return whether a number with a unit is the fact of another slot."""
    others = (one for one in terms.numeric if one is not slot and one.key in facts and number.unit)
    return any(_possible(number, one, unit := terms.units[one.key]) and agrees(number, one, float(facts[one.key]), unit)
               for one in others)  # fmt: skip


def _possible(number: Number, slot: Slot, unit: str) -> bool:
    """Return whether the dimension of a number's unit is that of the slot, or may be."""
    if slot.kind == AGE:
        return number.unit in ("", "year") and number.value <= _OLDEST and not number.decimals
    if slot.kind == TIME:
        return number.unit in TIME_UNITS or number.unit == ""
    if number.unit in TIME_UNITS:
        return unit in TIME_UNITS
    if number.unit in CURRENCIES:
        return slot.kind == COST
    return slot.kind != COST or number.unit == ""


def _given(slot: Slot, placed: Placed, facts: Row, terms: Terms) -> _Given:
    number = placed.number
    right = slot.key in facts and agrees(number, slot, float(facts[slot.key]), terms.units[slot.key])
    return _Given(slot, number, right, placed.sentence)


def agrees(number: Number, slot: Slot, fact: float, unit: str) -> bool:
    """Return whether a number is the fact, rounded as the text rounds it, in the unit it is given in.

    Examples
    --------
    >>> survival = Slot("os.time", TIME, "follow-up", "day")
    >>> [agrees(Number(value, 1, "year", 0, 0), survival, 1540.0, "day") for value in (4.2, 4.3)]
    [True, False]
    """
    scale = 1.0
    if number.unit and unit:
        found = factor(unit, number.unit)
        if found is None:
            return False
        scale = found
    elif number.unit and slot.kind not in (MEASURE,) and number.unit != unit:
        return number.unit == "qaly"
    value = fact * scale
    if slot.kind == AGE and number.value == math.floor(value):
        return True
    half = 0.5 * 10.0**-number.decimals
    return abs(number.value - value) <= half * (1 + 1e-9) + 1e-9


def _equal(
    placed: Placed,
    open_slots: set[str],
    by_key: Mapping[str, Slot],
    facts: Row,
    terms: Terms,
    foreign: Mapping[int, bool],
) -> str | None:
    """Return the one slot not yet told whose fact a number equals."""
    number = placed.number
    fits = [
        key
        for key in sorted(open_slots)
        if _possible(number, by_key[key], terms.units[key])
        and agrees(number, by_key[key], float(facts[key]), terms.units[key])
    ]
    telling = number.unit or number.decimals or number.value >= 20
    return fits[0] if len(fits) == 1 and telling else None


def _eliminated(
    placed: Placed,
    open_slots: set[str],
    by_key: Mapping[str, Slot],
    facts: Row,
    terms: Terms,
    foreign: Mapping[int, bool],
) -> str | None:
    """Return the one slot not yet told to which a number can belong by its unit."""
    number = placed.number
    if foreign.get(placed.sentence, False):
        return None
    if not number.unit:
        ages = [key for key in open_slots if by_key[key].kind == AGE]
        return ages[0] if len(ages) == 1 and _may_be_age(number) else None
    fits = [key for key in open_slots if terms.units[key] and factor(number.unit, terms.units[key]) is not None]
    fits = [key for key in fits if _possible(number, by_key[key], terms.units[key])]
    return fits[0] if len(fits) == 1 else None


def _supposed(
    placed: Placed,
    open_slots: set[str],
    by_key: Mapping[str, Slot],
    facts: Row,
    terms: Terms,
    foreign: Mapping[int, bool],
) -> str | None:
    """Return the one slot without a fact whose unit a number has: an amount of money is a cost, though unknown."""
    number = placed.number
    if foreign.get(placed.sentence, False):
        return None
    fits = [key for key, slot in by_key.items() if key not in facts and _possible(number, slot, terms.units[key])]
    if number.unit:
        fits = [key for key in fits if terms.units[key] and factor(number.unit, terms.units[key]) is not None]
    else:
        fits = [key for key in fits if by_key[key].kind == AGE and _may_be_age(number)]
    return fits[0] if len(fits) == 1 else None


def _may_be_age(number: Number) -> bool:
    return not number.decimals and 16 <= number.value <= 105
