"""Dominance among several options, and the ratios along the frontier, by hand."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.economics.frontier import DOMINATED, EXTENDEDLY, ON, frontier


def test_an_option_that_costs_as_much_and_does_less_is_dominated() -> None:
    status, ratio = frontier(np.array([0.0, 100, 100, 200]), np.array([0.0, 1.0, 0.5, 1.0]))
    assert status == [ON, ON, DOMINATED, DOMINATED]
    assert np.isnan(ratio[[0, 2, 3]]).all() and ratio[1] == 100.0


def test_an_option_with_a_larger_ratio_than_the_next_is_extendedly_dominated() -> None:
    """From 0 to B costs 300 a unit, from B to C 100: a mix of A and C does better than B."""
    status, ratio = frontier(np.array([0.0, 300, 400]), np.array([0.0, 1.0, 2.0]))
    assert status == [ON, EXTENDEDLY, ON]
    assert ratio[2] == 200.0


def test_options_may_come_in_any_order_and_harm_may_be_cheaper() -> None:
    status, ratio = frontier(np.array([500.0, 0.0, 200.0]), np.array([2.0, -1.0, 1.0]))
    assert status == [ON, ON, ON]
    assert ratio.tolist()[0] == 300.0 and ratio.tolist()[2] == 100.0


def test_rounding_makes_no_option_dominated() -> None:
    status, _ = frontier(np.array([0.3, 0.1 + 0.2]), np.array([1.0, 2.0]))
    assert status == [DOMINATED, ON]


@pytest.mark.parametrize("cost", [[1.0], [1.0, np.nan]])
def test_one_option_or_a_missing_mean_has_no_frontier(cost: list[float]) -> None:
    with pytest.raises(NotEstimableError):
        frontier(np.array(cost), np.zeros(len(cost)))
