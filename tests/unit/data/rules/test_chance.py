"""The bounds against the share of all orders of a column that obey the rule, counted one by one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from heorsynth.data.rules import chance


def share(values: np.ndarray, obeys: Callable[[np.ndarray], bool]) -> float:
    """The share of the orders of these values that obey a rule."""
    return float(np.mean([obeys(np.array(order)) for order in permutations(values.tolist())]))


@pytest.mark.parametrize("seed", range(8))
def test_the_chance_of_an_order_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    low, high = rng.integers(0, 6, 6), rng.integers(2, 9, 6)
    expected = share(low, lambda order: bool((order <= high).all()))
    found = chance.never_above(low, high)
    assert 10**found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_the_chance_of_equal_values_is_exact_and_with_rounding_a_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, 6).astype(float)
    assert 10 ** chance.equal_values(values, values) == pytest.approx(
        share(values, lambda o: bool((o == values).all()))
    )
    near = share(values, lambda order: bool((np.abs(order - values) <= 1).all()))
    assert 10 ** chance.equal_values(values, values, within=1) >= near - 1e-12


@pytest.mark.parametrize("seed", range(8))
def test_the_chance_of_an_implication_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    when, then = rng.integers(0, 2, 6), rng.integers(0, 2, 6)
    expected = share(when, lambda order: bool((then[order == 1] == 1).all()))
    found = chance.implied(np.array(when.sum()), np.array(then.sum()), 6)
    assert expected == 0 if when.sum() > then.sum() else 10**found == pytest.approx(expected)


@pytest.mark.parametrize("labels", ["aabbcc", "aaabbc", "abcdef"])
def test_bands_and_codes_are_bounded(labels: str) -> None:
    codes = np.unique(list(labels), return_inverse=True)[1]
    counts = np.bincount(codes).astype(float)
    bands = share(codes, lambda order: bool((np.diff(order) != 0).sum() == len(counts) - 1))
    assert 10 ** chance.contiguous(counts) == pytest.approx(bands)
    groups = np.array([0, 0, 1, 1, 2, 2])
    decided = share(codes, lambda order: all(len(set(order[groups == group])) == 1 for group in range(3)))
    assert 10 ** chance.decided(3, counts) >= decided - 1e-12
