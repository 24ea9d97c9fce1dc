"""The maximum of a likelihood by Newton's method: by hand, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from heorsynth.estimators.basics.maximum import FIRST, SECOND, STEP, STEPS, gradient, maximum


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
