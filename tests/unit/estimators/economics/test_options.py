"""Which option is worth most, from four draws of three options, by hand."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.economics.options import (
    acceptability_frontier,
    best,
    first_of_best,
    net_benefits,
    perfect_information,
    probability_best,
)

DRAWS = np.array([[[0.0, 0.0], [10.0, e1], [20.0, e2]] for e1, e2 in [(1.0, 1.0), (1.0, 3.0), (0.0, 1.0), (0.0, 3.0)]])
"""At a threshold of 10 the net benefits are (0, 0, -10), (0, 0, 10), (0, -10, -10) and (0, -10, 10)."""


def test_net_benefit_is_threshold_times_effect_less_cost() -> None:
    assert net_benefits(DRAWS, 10.0).tolist() == [[0, 0, -10], [0, 0, 10], [0, -10, -10], [0, -10, 10]]


def test_of_equals_the_first_is_best_whatever_their_last_digits() -> None:
    assert first_of_best(np.array([[0.3, 0.1 + 0.2], [1.0, 2.0]])).tolist() == [0, 1]
    assert best(DRAWS.mean(axis=0), [10.0, 100.0]).tolist() == [0, 2]


def test_acceptability_counts_the_draws_in_which_each_option_is_best() -> None:
    assert probability_best(DRAWS, [10.0]).tolist() == [[0.5, 0.0, 0.5]]


def test_the_frontier_follows_the_best_expected_option_and_tells_its_probability() -> None:
    place, probability = acceptability_frontier(DRAWS, [10.0, 100.0])
    assert place.tolist() == [0, 2] and probability.tolist() == [0.5, 0.75]


def test_perfect_information_is_worth_what_the_best_of_each_draw_gains() -> None:
    """E max = (0 + 10 + 0 + 10)/4 = 5, max E = 0."""
    assert perfect_information(DRAWS, [10.0]).tolist() == [5.0]


@pytest.mark.parametrize("draws", [DRAWS[0], DRAWS[:0], DRAWS[:, :, :1]])
def test_draws_of_another_shape_are_refused(draws: np.ndarray) -> None:
    with pytest.raises(NotEstimableError, match="draws, options, 2"):
        probability_best(draws, [1.0])
