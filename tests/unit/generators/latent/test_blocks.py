"""Pairs of columns are kept if patients show them beyond chance over all pairs, and join columns to blocks."""

import numpy as np
import pytest

from heorsynth.generators.latent.blocks import joined, pairs_beyond_chance
from heorsynth.generators.latent.factors import standardised


def pairs(columns, known=None, owner=None, seed=1):
    known = np.ones(columns.shape, dtype=bool) if known is None else known
    owner = np.arange(columns.shape[1]) if owner is None else owner
    one, other, walds = pairs_beyond_chance(standardised(columns, known), known, owner, 1, np.random.default_rng(seed))
    assert (one < other).all() and len(walds) == len(one)
    return set(zip(one.tolist(), other.tolist(), strict=True))


@pytest.mark.parametrize("share", [None, 0.5, 0.06])
def test_of_independent_columns_hardly_a_pair_is_kept(share):
    """Numbers, common and rare levels: a rare one is in few patients, and chance then shows large correlations."""
    kept = []
    for seed in range(5):
        columns = np.random.default_rng(seed).normal(size=(100, 400))
        columns = columns if share is None else columns > np.quantile(columns, 1 - share, axis=0)
        kept.append(len(pairs(columns, seed=seed)))
    assert np.mean(kept) <= 2  # of 79,800


def test_planted_pairs_are_found_and_few_others():
    rng = np.random.default_rng(2)
    columns = rng.normal(size=(100, 400))
    columns[:, 200:] = 0.7 * columns[:, :200] + np.sqrt(1 - 0.49) * columns[:, 200:]
    found = pairs(columns)
    true = {(place, place + 200) for place in range(200)}
    assert len(found & true) >= 190 and len(found - true) <= 0.1 * len(found)


def test_a_pair_rests_on_the_rows_in_which_both_are_known():
    rng = np.random.default_rng(3)
    columns = rng.normal(size=(120, 60))
    columns[:, 1] = columns[:, 0]
    known = rng.random(columns.shape) < 0.6
    assert (0, 1) in pairs(columns, known)


def test_columns_of_one_owner_are_no_pair():
    columns = np.random.default_rng(4).normal(size=(100, 50))
    columns[:, 1] = columns[:, 0]
    assert (0, 1) in pairs(columns)
    assert (0, 1) not in pairs(columns, owner=np.maximum(np.arange(50), 1))


def test_no_block_is_larger_than_the_most_and_strong_pairs_come_first():
    first, second = np.arange(9), np.arange(1, 10)
    strength = np.array([1.0, 9, 9, 9, 2, 9, 9, 9, 9])
    found = joined(10, first, second, strength, 5, np.arange(10))
    assert [block.tolist() for block in found] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_places_of_one_owner_are_one_block_however_many():
    nothing = np.zeros(0, dtype=int)
    found = joined(8, nothing, nothing, np.zeros(0), 2, np.array([0, 0, 0, 1, 2, 3, 3, 4]))
    assert [block.tolist() for block in found] == [[0, 1, 2], [5, 6]]
    assert joined(0, nothing, nothing, np.zeros(0), 2, nothing) == []
