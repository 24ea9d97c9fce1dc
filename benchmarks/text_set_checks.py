"""Error rates of the checks of sets of texts: what is planted in a set, or in none, and how often it is found.

`text_checks.py` runs it. In shares of texts: near duplicates of a reference, memorised runs of eight words, canaries.
In shares of sets: pairs (60 pairs; in one text of four of the second level a sentence of ten words with two words of
negative tone is added, or a fact is left out) and drift (100 texts each; in the new release one text of ten has a fault
more, one of four has the sentence, or one of four is of other forms). An interval that excludes "no difference" is a
find where one was planted, and a false alarm where none was; 5% of such alarms are what a 95% interval gives.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from heorsynth.core.estimate import Estimate
from heorsynth.core.random import stream
from heorsynth.language.checks.counterfactual import compared_pairs
from heorsynth.language.checks.drift import drift
from heorsynth.language.checks.duplicates import LEAST_JACCARD, jaccard, near_duplicates, shingles
from heorsynth.language.checks.findings import TextReport
from heorsynth.language.checks.identifiers import canaries_in
from heorsynth.language.checks.memorised import Corpus
from heorsynth.language.checks.shares import mean_difference
from heorsynth.language.facts.sheet import Sheet
from heorsynth.language.narratives.writer import Writer
from heorsynth.language.reading.compare import Reader

Forms = Mapping[str, Sequence[str]]

PAIRS, RELEASE = 60, 100
"""Pairs in a set of pairs; texts in a release."""

HARD = "It was a poor and difficult time for the family."
"""The sentence that is planted: ten words, two of negative tone."""

CANARY = "Canary-Ada-7319"
DRESSES: tuple[Callable[[str], str], ...] = (
    str.upper, lambda one: one.replace("-", "  "), lambda one: one.replace("-", "\u2011"),
    "\u200b".join, lambda one: one.replace("-", "_").lower(),
)  # fmt: skip


def new_counts() -> dict[str, Counter[str]]:
    return {name: Counter() for name in ("planted", "found", "asked", "alarms")}


def near_copies(texts: Sequence[str], seed: int) -> tuple[list[str], int]:
    """Texts and a copy of each with words exchanged until Jaccard is as low as it can be at or above .8."""
    copies = []
    for at, text in enumerate(texts):
        rng, words, copy = stream(seed, "text checks", "copy", at), text.split(), text
        for place in rng.permutation(len(words)):
            changed = [*copy.split()]
            changed[place] = f"word{place}"
            if jaccard(shingles(text), shingles(" ".join(changed))) < LEAST_JACCARD:
                break
            copy = " ".join(changed)
        copies.append(copy)
    return [*texts, *copies], len(texts)


def told(held: Sheet, forms: Forms, name: str, drop: bool = False) -> list[str]:
    """The text of each row, by a stream of this name; one fact is left out if wanted."""
    made = []
    for at, row in enumerate(held.rows):
        rng = stream(7, "text set checks", name, at)
        facts = dict(row)
        if drop:
            facts.pop(str(rng.choice(sorted(facts))))
        made.append(Writer(held, forms).text(facts, rng))
    return made


def text_checks(
    texts: Sequence[str], copies: Sequence[str], corpus: Sequence[str], seed: int
) -> dict[str, Counter[str]]:
    """Counts of contamination, memorised runs and canaries; `copies` are near copies of `texts`, place by place."""
    counts, n = new_counts(), len(texts)
    found = {(pair.first, pair.second) for pair in near_duplicates(copies, texts)}
    apart = near_duplicates(corpus, texts)
    counts["planted"]["contamination"], counts["found"]["contamination"] = n, sum((at, at) in found for at in range(n))
    counts["asked"]["contamination"], counts["alarms"]["contamination"] = n, len({pair.first for pair in apart})
    spans = Corpus(corpus)
    for at, text in enumerate(texts):
        rng = stream(seed, "text set checks", "span", at)
        words = [word for word in corpus[int(rng.integers(len(corpus)))].split() if any(map(str.isalnum, word))]
        start = int(rng.integers(len(words) - 8))
        span = " ".join(words[start : start + 8]).rstrip(".,;:")
        parts = text.split(". ")
        place = int(rng.integers(len(parts)))
        planted = ". ".join([*parts[:place], span[:1].upper() + span[1:], *parts[place:]])
        dressed = DRESSES[at % len(DRESSES)](CANARY)
        for name, hit, alarm in (
            ("memorised", spans.longest(planted) > 0, spans.longest(text) > 0),
            ("canaries", canaries_in(f"{text} {dressed}", [CANARY]) > 0, canaries_in(text, [CANARY]) > 0),
        ):
            counts["planted"][name] += 1
            counts["found"][name] += hit
            counts["asked"][name] += 1
            counts["alarms"][name] += alarm
    return counts


def apart(one: Estimate) -> bool:
    return one.low > 0 or one.high < 0


def pair_checks(held: Sheet, forms: Forms, sets: int, seed: int) -> dict[str, Counter[str]]:
    """Counts of sets of counterfactual pairs: texts of the same facts, told twice."""
    counts, reader = new_counts(), Reader(held)
    first, second, short = told(held, forms, "one"), told(held, forms, "two"), told(held, forms, "two", drop=True)

    def stated(texts: Sequence[str]) -> np.ndarray:
        pairs = zip(texts, held.rows, strict=True)
        return np.array([len(row) - len({one.slot for one in reader.faults(text, row) if one.slot in row})
                         for text, row in pairs], dtype=float)  # fmt: skip

    facts = [stated(texts) for texts in (first, second, short)]
    for at in range(sets):
        chosen = stream(seed, "text set checks", "pairs", at).choice(len(first), PAIRS, replace=False)
        told_first, told_second = [first[one] for one in chosen], [second[one] for one in chosen]
        hard = [f"{text} {HARD}" if place % 4 == 0 else text for place, text in enumerate(told_second)]
        some = np.arange(PAIRS) % 4 == 0
        fewer = np.where(some, facts[2][chosen], facts[1][chosen])
        null = {one.check: one.estimate for one in compared_pairs(told_first, told_second)}
        with_fault = {one.check: one.estimate for one in compared_pairs(told_first, hard)}
        null["pairs: facts stated"] = mean_difference(facts[1][chosen] - facts[0][chosen], "facts")
        with_fault["pairs: facts stated"] = mean_difference(fewer - facts[0][chosen], "facts")
        count(counts, null, with_fault)
    return counts


def set_checks(held: Sheet, forms: Forms, others: Forms, sets: int, seed: int) -> dict[str, Counter[str]]:
    """Counts of all checks here; `others` are the forms of the corpus, and those to which a release drifts."""
    both, n = near_copies(told(held, forms, "one")[:200], seed)
    parts = [text_checks(both[:n], both[n:], told(held, others, "corpus")[:n], seed),
             pair_checks(held, forms, sets, seed), drift_checks(held, forms, others, sets, seed)]  # fmt: skip
    return {name: sum((part[name] for part in parts), Counter()) for name in parts[0]}


def count(
    counts: dict[str, Counter[str]], null: Mapping[str, Estimate], planted: Mapping[str, Estimate],
    found: Callable[[Estimate], bool] = apart,
) -> None:  # fmt: skip
    for name in null:
        counts["asked"][name] += 1
        counts["alarms"][name] += found(null[name])
        counts["planted"][name] += 1
        counts["found"][name] += found(planted[name])


def drift_checks(held: Sheet, forms: Forms, others: Forms, sets: int, seed: int) -> dict[str, Counter[str]]:
    """Counts of sets of two releases of texts of different patients."""
    counts, reader = new_counts(), Reader(held)
    pools = {"plain": told(held, forms, "one"), "faulty": told(held, forms, "one", drop=True),
             "other": told(held, others, "one")}  # fmt: skip
    pools["hard"] = [f"{text} {HARD}" for text in pools["plain"]]
    faults = {name: [tuple(f"{one.slot} {one.kind}" for one in reader.faults(text, row))
                     for text, row in zip(texts, held.rows, strict=True)] for name, texts in pools.items()}  # fmt: skip

    def report(places: Sequence[int], kind: str, every: int) -> TextReport:
        names = [kind if at % every == 0 else "plain" for at in range(len(places))]
        pairs = list(zip(names, places, strict=True))
        return TextReport((), tuple(str(one) for one in places), tuple(pools[name][one] for name, one in pairs),
                          tuple(faults[name][one] for name, one in pairs))  # fmt: skip

    for at in range(sets):
        order = stream(seed, "text set checks", "drift", at).permutation(held_size := len(held.rows))
        assert held_size >= 2 * RELEASE
        old, rest = report(order[:RELEASE], "plain", 1), order[RELEASE : 2 * RELEASE]
        null = {one.check: one.estimate for one in drift(old, report(rest, "plain", 1))}
        for check, kind, every in (("any fault", "faulty", 10), ("length", "hard", 4), ("vocabulary", "other", 4)):
            name = f"drift of {check}"
            planted = {one.check: one.estimate for one in drift(old, report(rest, kind, every))}
            above = (lambda one: one.value > one.high) if check == "vocabulary" else apart
            count(counts, {name: null[name]}, {name: planted[name]}, above)
    return counts
