"""The maximum of a likelihood by Newton's method: by hand, and where there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from heorsynth.estimators.basics.maximum import FIRST, SECOND, STEP, STEPS, gradient, maxima

Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Written:
    """Losses given by functions of one set of parameters."""

    loss_of: Sequence[Callable[[np.ndarray], float]]
    slopes_of: Sequence[Slopes]
    rough: Slopes | None = None

    @property
    def hasty(self) -> bool:
        return self.rough is not None

    def take(self, rows: np.ndarray) -> Written:
        return Written([self.loss_of[row] for row in rows], [self.slopes_of[row] for row in rows], self.rough)

    def loss(self, thetas: np.ndarray) -> np.ndarray:
        return np.array([loss(theta) for loss, theta in zip(self.loss_of, thetas, strict=True)])

    def slopes(self, thetas: np.ndarray, rough: bool) -> tuple[np.ndarray, np.ndarray]:
        chosen = [self.rough] * len(thetas) if rough and self.rough else self.slopes_of
        found = [slopes(theta) for slopes, theta in zip(chosen, thetas, strict=True)]
        return np.stack([one[0] for one in found]), np.stack([one[1] for one in found])


def maximum(
    loss: Callable[[np.ndarray], float], slopes: Slopes, start: np.ndarray, rough: Slopes | None = None
) -> tuple[np.ndarray, np.ndarray] | None:
    """The search of one loss alone."""
    theta, inverse, found = maxima(Written([loss], [slopes], rough), start[None])
    return (theta[0], inverse[0]) if found[0] else None


def bowl(theta: np.ndarray) -> float:
    """(x - 1)² + 2 (y + 2)² + (x - 1)(y + 2): least at (1, -2)."""
    x, y = theta[0] - 1, theta[1] + 2
    return float(x**2 + 2 * y**2 + x * y)


CURVATURE = np.array([[2.0, 1.0], [1.0, 4.0]])


def slopes_of_bowl(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return CURVATURE @ (theta - [1.0, -2.0]), CURVATURE


def funnel(theta: np.ndarray) -> float:
    """log(1 + x²) + log(1 + y²) / 2: least at (0, 0), and bent downwards beyond 1."""
    return float(np.log1p(theta[0] ** 2) + np.log1p(theta[1] ** 2) / 2)


def slopes_of_funnel(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale, square = np.array([2.0, 1.0]), theta**2
    return scale * theta / (1 + square), np.diag(scale * (1 - square) / (1 + square) ** 2)


def test_the_least_place_of_a_bowl_and_the_inverse_of_its_curvature() -> None:
    found = maximum(bowl, slopes_of_bowl, np.array([3.0, 3.0]))
    assert found is not None
    assert found[0] == pytest.approx([1.0, -2.0], abs=1e-12)
    assert found[1] == pytest.approx(np.linalg.inv(CURVATURE), rel=1e-12)


def test_a_search_that_starts_where_the_loss_bends_downwards_descends_all_the_same() -> None:
    found = maximum(funnel, slopes_of_funnel, np.array([2.5, -2.0]))
    assert found is not None
    assert found[0] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert found[1] == pytest.approx(np.diag([0.5, 1.0]), rel=1e-9)


def test_a_loss_that_falls_without_end_has_no_maximum() -> None:
    assert maximum(lambda x: float(np.exp(-x[0])), lambda x: (-np.exp(-x), np.exp(-x)[:, None]), np.zeros(1)) is None


def test_a_flat_loss_and_slopes_without_a_value_have_no_maximum() -> None:
    for value in (0.0, np.nan):
        assert maximum(bowl, lambda theta, v=value: (np.full(2, v), np.full((2, 2), v)), np.array([3.0, 3.0])) is None


def test_searches_taken_together_end_where_each_ends_alone() -> None:
    """One has no maximum, one bends downwards at first, and two end after unlike numbers of steps."""
    falling = (lambda x: float(np.exp(-x[0])), lambda x: (-np.exp(-x), np.diag(np.exp(-x))), np.zeros(2))
    cases = [
        (bowl, slopes_of_bowl, np.array([3.0, 3.0])),
        (funnel, slopes_of_funnel, np.array([2.5, -2.0])),
        falling,
        (funnel, slopes_of_funnel, np.array([0.1, 0.4])),
    ]
    loss, slopes, start = zip(*cases, strict=True)
    theta, inverse, found = maxima(Written(loss, slopes), np.array(start))
    assert found.tolist() == [True, True, False, True]
    for row, case in enumerate(cases):
        alone = maximum(*case)
        assert (alone is not None) == found[row]
        if alone is not None:
            np.testing.assert_array_equal(theta[row], alone[0])
            np.testing.assert_array_equal(inverse[row], alone[1])


def test_rough_derivatives_only_lead_the_way() -> None:
    """Slopes off by a percent would stop a percent away; the last steps and the covariance are by the exact ones."""
    asked = []

    def rough(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(theta)
        slope, curvature = slopes_of_bowl(theta)
        return slope + 0.01, 1.01 * curvature

    found = maximum(bowl, slopes_of_bowl, np.array([3.0, 3.0]), rough)
    assert found is not None and len(asked) >= 2
    assert found[0] == pytest.approx([1.0, -2.0], abs=1e-12)
    assert found[1] == pytest.approx(np.linalg.inv(CURVATURE), rel=1e-12)


def test_derivatives_by_differences_are_exact_for_a_polynomial_of_sixth_degree() -> None:
    def cubic(thetas: np.ndarray) -> np.ndarray:
        return thetas[:, 0] ** 3 + thetas[:, 0] * thetas[:, 1]

    assert gradient(cubic, np.array([0.5, 2.0])) == pytest.approx([3 * 0.25 + 2.0, 0.5], abs=1e-9)
    values = (1.0 + STEP * STEPS) ** 6
    assert (FIRST @ values / STEP, SECOND @ values / STEP**2) == pytest.approx((6.0, 30.0), rel=1e-9)
