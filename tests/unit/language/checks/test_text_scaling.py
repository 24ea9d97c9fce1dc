"""Texts against their number: laws by hand, and intervals against known truths."""

import itertools
import math

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.errors import LabelError, RoleError
from heorsynth.language.checks.text_scaling import (
    blocks_of,
    divergence,
    duplicates_at,
    floor_of,
    pairs_alike,
    text_scaling,
)

SLOTS = ["age", "sex", "stage", "bili"]


@pytest.fixture(scope="module")
def drawn(real: "hs.Cohort") -> "hs.Cohort":
    with pytest.warns(UserWarning, match="rows rest on"):
        return hs.generators.create("marginals").fit(real, seed=1).sample(n=200, m=1, seed=2)[0]


def test_planted_faults_and_copies_are_the_plateaus(drawn: "hs.Cohort") -> None:
    texts = hs.narrate(drawn, slots=SLOTS, seed=1)
    spoilt = [f"{text} A biopsy was done." if at % 4 == 0 else text for at, text in enumerate(texts.texts)]
    copies = {"texts": tuple(spoilt)}
    changed = hs.narrate(drawn, slots=SLOTS, seed=1).__class__(**{**vars(texts), **copies})
    reference = [*hs.narrate(drawn, "summary", slots=SLOTS).texts, *spoilt[:20]]
    found = text_scaling(changed, drawn, reference=reference, slots=SLOTS)
    frame = found.to_frame().set_index("measure")
    assert frame.loc["texts with a fault", "plateau"] == frame.loc["facts fabricated", "plateau"] == 0.25
    assert frame.loc["facts omitted", ["plateau", "enough"]].tolist() == [0.0, math.inf]
    assert frame.loc["texts with a fault", "enough"] == pytest.approx(0.75 / (0.25 * 0.1025))
    assert frame.loc["near duplicates of the reference", "plateau"] == pytest.approx(0.1, abs=0.03)
    assert frame.loc["divergence from the reference", "low"] > 0.1
    assert found.measured["texts"].unique().tolist() == [5, 10, 20, 40]
    distinct = found.measured.query("measure == 'distinct 3-grams'")["value"].to_numpy()
    assert (np.diff(distinct) < 0).all() and "biopsy" not in repr(found)
    assert text_scaling(changed, drawn, reference=reference, slots=SLOTS).measured.equals(found.measured)


def test_blocks_share_no_text_and_duplicates_count_within_blocks() -> None:
    blocks = blocks_of(100, 20, 1)
    assert len(blocks) == 5 and len(set(np.concatenate(blocks).tolist())) == 100
    found = duplicates_at([(0, 1), (1, 2), (3, 9)], [np.arange(5), np.arange(5, 10)])
    assert found.count == 3 and found.n_total == 8, "0, 1 and 2 are one cluster; 3 and 9 are in two blocks"


def test_two_equal_vocabularies_do_not_diverge_and_two_strange_ones_do_wholly() -> None:
    assert divergence([["a", "b"]], [["b", "a"], ["a", "b"]]) == 0
    assert divergence([["a"]], [["b"]]) == pytest.approx(1)


def drawn_pairs(rng: np.random.Generator, n: int, law: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of n texts whose kinds are drawn from a law; each kind from the tenth on is a text of its own."""
    kind = rng.choice(len(law), n, p=law)
    same = [np.flatnonzero(kind == this).tolist() for this in range(len(law) - 1)]
    return [pair for places in same for pair in itertools.combinations(places, 2)]


@pytest.mark.parametrize("common, kinds", [(0.3, 10), (0.3, 60), (0.05, 2)])
def test_intervals_of_duplicates_cover_a_known_law(common: float, kinds: int) -> None:
    # a share `common` of texts falls on `kinds` texts that are told again and again, the rest on texts told once
    law = np.append(np.full(kinds, common / kinds), 1 - common)
    n, size, rng = 400, 40, np.random.default_rng(1)
    share = common * (1 - (1 - common / kinds) ** (size - 1))
    alike = kinds * (common / kinds) ** 2
    hits = np.zeros(2)
    for trial in range(200):
        pairs = drawn_pairs(rng, n, law)
        one, two = duplicates_at(pairs, blocks_of(n, size, trial)), pairs_alike(pairs, n)
        hits += [one.low <= share <= one.high, two.low <= alike <= two.high]
    assert hits[0] >= 0.9 * 200 and hits[1] >= 0.9 * 200, hits / 200


def test_the_interval_of_the_divergence_covers_its_floor() -> None:
    rng, kinds, n, sizes = np.random.default_rng(2), 60, 400, (10, 20, 40, 80)
    law = np.arange(1, kinds + 1) ** -0.7
    law, other = law / law.sum(), law[::-1] ** 0.3 / (law[::-1] ** 0.3).sum()
    names = np.array([f"w{at:02d}" for at in range(kinds)])
    reference = rng.choice(names, (300, 30), p=other).tolist()
    counts = np.array([sum(text.count(name) for text in reference) for name in names])
    middle = (law + counts / counts.sum()) / 2
    parts = [0.5 * np.sum(one * np.log2(one / middle)) for one in (law, counts / counts.sum())]
    hits = 0
    for trial in range(60):
        words = rng.choice(names, (n, 30), p=law).tolist()
        errors = [[divergence([words[at] for at in block], reference) for block in blocks_of(n, size, trial)[:5]]
                  for size in sizes]  # fmt: skip
        floor = floor_of(sizes, errors, rng).floor
        hits += floor.low <= sum(parts) <= floor.high
    assert hits >= 54, hits


def test_too_few_texts_patients_and_odd_numbers_are_refused(real: "hs.Cohort", drawn: "hs.Cohort") -> None:
    texts = hs.narrate(drawn, slots=SLOTS)
    with pytest.raises(RoleError, match="a fifth of the 200 texts"):
        text_scaling(texts, drawn, numbers=[5, 10, 50], slots=SLOTS)
    with pytest.raises(RoleError, match="share above 0"):
        text_scaling(texts, drawn, tolerance=0, slots=SLOTS)
    with pytest.raises(LabelError):
        text_scaling(texts, real, slots=SLOTS)
