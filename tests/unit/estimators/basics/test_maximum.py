"""The maximum of a likelihood: by hand, by exact derivatives, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from heorsynth.estimators.survival import parametric
from heorsynth.estimators.survival.parametric import FAMILIES, fit_parametric
from heorsynth.estimators.survival.parametric_maximum import gradient, maximum, maximum_by_slopes, second_derivatives


def bowl(theta: np.ndarray) -> float:
    """(x - 1)² + 2 (y + 2)² + (x - 1)(y + 2): least at (1, -2)."""
    x, y = theta[0] - 1, theta[1] + 2
    return float(x**2 + 2 * y**2 + x * y)


def test_the_least_place_of_a_bowl_and_the_inverse_of_its_curvature():
    found = maximum(bowl, np.array([3.0, 3.0]))
    assert found is not None
    assert found[0] == pytest.approx([1.0, -2.0], abs=1e-8)
    assert found[1] == pytest.approx(np.linalg.inv([[2.0, 1.0], [1.0, 4.0]]), rel=1e-6)


def test_a_loss_that_falls_without_end_has_no_maximum():
    assert maximum(lambda theta: float(np.exp(-theta[0])), np.array([0.0])) is None


def test_derivatives_of_a_cubic_are_exact():
    def cubic(theta: np.ndarray) -> float:
        return float(theta[0] ** 3 + theta[0] * theta[1])

    at = np.array([0.5, 2.0])
    assert gradient(cubic, at) == pytest.approx([3 * 0.25 + 2.0, 0.5], abs=1e-9)
    assert second_derivatives(cubic, at) == pytest.approx(np.array([[3.0, 1.0], [1.0, 0.0]]), abs=1e-7)


def test_wrong_slopes_do_not_hide_the_maximum():
    """Where Newton's steps with the given derivatives fail, the search without them is used."""
    flat = maximum_by_slopes(bowl, lambda theta: (np.zeros(2), np.zeros((2, 2))), np.array([3.0, 3.0]))
    assert flat is not None
    assert flat[0] == pytest.approx([1.0, -2.0], abs=1e-8)


@pytest.mark.parametrize("family", ["Weibull", "log-normal", "log-logistic"])
@pytest.mark.parametrize("delayed", [False, True])
def test_exact_derivatives_are_those_by_differences(family, delayed, monkeypatch):
    rng = np.random.default_rng(11)
    death, left = rng.weibull(1.3, 120) * 4, rng.uniform(1, 8, 120)
    time, event = np.minimum(death, left), death <= left
    entry = time * rng.uniform(0, 0.8, 120) * (rng.random(120) < 0.5) if delayed else None
    compared = []

    def checking(loss, slopes, start):
        for theta in (start, start + 0.3):
            compared.append((slopes(theta), (gradient(loss, theta), second_derivatives(loss, theta))))
        return maximum_by_slopes(loss, slopes, start)

    monkeypatch.setattr(parametric, "maximum_by_slopes", checking)
    fit = fit_parametric(family, time, event, entry)
    assert len(compared) == 2 and FAMILIES[family].terms is not None
    for exact, by_differences in compared:
        assert exact[0] == pytest.approx(by_differences[0], abs=1e-9)
        assert exact[1] == pytest.approx(by_differences[1], abs=1e-7)
    assert fit.loglik == pytest.approx(fit.contributions(time, event, entry).sum(), rel=1e-12)
