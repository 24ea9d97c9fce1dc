"""Orders, ranks and discovery rates against a stable sort and `scipy.stats`, to the last bit."""

import numpy as np
import pytest
from scipy import stats

from heorsynth.core.ranks import coded, discovery_rates, highest, in_units, mid_ranks, ranks, rising


@pytest.mark.parametrize("n", [1, 2, 7, 400])
def test_ranks_equal_scipy_with_ties_and_missing_values(n):
    rng = np.random.default_rng(n)
    for values in (rng.normal(size=n), rng.integers(5, size=n).astype(float)):
        assert np.array_equal(ranks(values), stats.rankdata(values))
        values[rng.random(n) < 0.3] = np.nan
        known = ~np.isnan(values)
        expected = np.full(n, np.nan)
        expected[known] = stats.rankdata(values[known])
        assert np.array_equal(ranks(values), expected, equal_nan=True)


def test_no_value_has_no_rank():
    assert ranks(np.zeros(0)).tolist() == []
    assert np.isnan(ranks(np.full(3, np.nan))).all()


def test_discovery_rates_equal_scipy():
    p = np.random.default_rng(1).random(50) ** 3
    assert np.array_equal(discovery_rates(p), stats.false_discovery_control(p))


@pytest.mark.parametrize("n", [0, 1, 2, 3000])
@pytest.mark.parametrize("decimals", [0, 1, 15])
def test_the_order_the_highest_and_the_ranks_are_those_of_a_stable_sort(n: int, decimals: int) -> None:
    values = np.round(np.random.default_rng(n).normal(size=n), decimals)
    assert rising(values).tolist() == np.argsort(values, kind="stable").tolist()
    for count in (0, 1, n // 3, n, n + 1):
        wanted = np.zeros(n, dtype=bool)
        wanted[np.argsort(-values, kind="stable")[: max(count, 0)]] = True
        assert highest(values, count).tolist() == wanted.tolist()
    if n:
        order, ranks, counts = mid_ranks(values)
        found = np.empty(n)
        found[order] = np.repeat(ranks, counts)
        assert found.tolist() == stats.rankdata(values).tolist()


@pytest.mark.parametrize("decimals", [0, 1, 2, 3, 4])
def test_numbers_with_few_decimals_are_whole_numbers_of_a_unit_to_the_last_bit(decimals: int) -> None:
    numbers = np.round(np.random.default_rng(decimals).normal(size=5000) * 1000, decimals)
    found = in_units(numbers)
    assert found is not None and found[1] <= 10**decimals
    assert np.array_equal(found[0] / found[1], numbers)


@pytest.mark.parametrize(
    "last",
    [1 / 3, np.inf, 1e18, 2.0**53, 1e-9, np.nan],
    ids=["third", "infinite", "large", "no decimals", "small", "gap"],
)
def test_one_number_without_that_unit_is_enough_to_refuse(last: float) -> None:
    with np.errstate(invalid="ignore"):
        assert in_units(np.append(np.arange(4000.0), last)) is None


@pytest.mark.parametrize("spread", [10, 10**9, 10**15])
def test_places_and_counts_are_those_of_a_sort_however_far_the_numbers_lie_apart(spread: int) -> None:
    whole = np.random.default_rng(1).integers(-spread, spread, 3000)
    found = coded(whole)
    assert found is not None
    values, places, counts = np.unique(whole, return_inverse=True, return_counts=True)
    for part, expected in zip(found, (values, places, counts), strict=True):
        assert part.tolist() == expected.tolist()


def test_numbers_too_far_apart_to_be_packed_with_their_places_are_refused() -> None:
    assert coded(np.array([0, 2**53, *range(5000)]) * 1) is None
