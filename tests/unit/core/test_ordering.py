"""Orders by the fast sort are those of the stable one, however many values are equal."""

import numpy as np
import pytest
from scipy.stats import rankdata

from heorsynth.core.ranks import highest, mid_ranks, rising


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
        assert found.tolist() == rankdata(values).tolist()
