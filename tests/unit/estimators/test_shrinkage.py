"""Partial pooling of four groups, by hand; fewer keep their own estimates."""

import numpy as np
import pytest
from scipy import optimize

from heorsynth.estimators.shrinkage import partially_pooled

Z90 = 1.6448536269514722


def test_four_groups_are_drawn_to_their_mean_as_far_as_chance_explains_them() -> None:
    """Squares of 1 sum to 4 / (1 + A) = 3 at A = 1/3, so B = 1/3 · 1 / (4/3) = 1/4."""
    found = partially_pooled(np.array([0.0, 2.0, 0.0, 2.0]), np.ones(4))
    assert found.mean == pytest.approx(1.0) and found.spread == pytest.approx(np.sqrt(1 / 3))
    assert found.value == pytest.approx([0.25, 1.75, 0.25, 1.75])
    half = Z90 * np.sqrt(1 - 3 / 4 / 4 + 2 / 16)
    assert found.upper - found.value == pytest.approx([half] * 4)
    assert found.value - found.lower == pytest.approx([half] * 4)


def test_groups_that_differ_less_than_chance_have_no_spread() -> None:
    found = partially_pooled(np.array([0.0, 0.1, 0.0, 0.1, 0.05]), np.ones(5))
    assert found.spread == 0.0
    assert found.value == pytest.approx([0.025, 0.075, 0.025, 0.075, 0.05])


def test_three_groups_keep_their_own_estimates_and_intervals() -> None:
    found = partially_pooled(np.array([1.0, 2.0, 6.0]), np.array([1.0, 1.0, 0.5]))
    assert found.value.tolist() == [1.0, 2.0, 6.0]
    assert found.upper == pytest.approx(np.array([1.0, 2.0, 6.0]) + Z90 * np.array([1.0, 1.0, 0.5]))
    assert found.mean == pytest.approx((1 + 2 + 4 * 6) / 6)


def test_a_group_without_error_is_the_mean_and_nothing_is_drawn() -> None:
    found = partially_pooled(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, 1.0, 1.0]))
    assert found.value.tolist() == [1.0, 2.0, 3.0, 4.0] and found.mean == 2.0


def test_the_spread_solves_its_equation_as_a_root_finder_does() -> None:
    draw = np.random.default_rng(1)
    for k in range(4, 40):
        se, scale = np.exp(draw.normal(0, 2, k)), 10 ** draw.uniform(-6, 6)
        effect = draw.normal(0, 20, k) + se * draw.normal(size=k)

        def excess(variance: float, effect: np.ndarray = effect, se: np.ndarray = se) -> float:
            weight = 1 / (se**2 + variance)
            return weight @ (effect - np.average(effect, weights=weight)) ** 2 - (len(se) - 1)

        root = 0.0 if excess(0) <= 0 else optimize.brentq(excess, 0, 1e6, xtol=1e-12)
        assert partially_pooled(effect * scale, se * scale).spread == pytest.approx(np.sqrt(root) * scale, rel=1e-8)
