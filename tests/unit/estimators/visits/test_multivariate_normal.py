"""REML has its closed form without missing values; with them it is the maximum of the restricted likelihood."""

import numpy as np
import pytest
from scipy.stats import invwishart

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.visits.multivariate_normal import inverse_wishart, posterior, reml


def drawn(n: int = 80, missing: bool = True) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    design = np.column_stack([np.ones(n), np.arange(n) % 2])
    covariance = np.array([[1, 0.6, 0.4], [0.6, 2, 0.8], [0.4, 0.8, 1.5]])
    values = design @ np.array([[1, 2, 3], [0, 0.5, 1]]) + rng.multivariate_normal(np.zeros(3), covariance, n)
    if missing:
        values[rng.random((n, 3)) < [0, 0.2, 0.3]] = np.nan
    return values, design


def test_reml_of_complete_outcomes_is_least_squares_with_n_minus_q() -> None:
    values, design = drawn(missing=False)
    fit = reml(values, design)
    beta = np.linalg.lstsq(design, values, rcond=None)[0]
    left = values - design @ beta
    sigma = left.T @ left / (len(values) - 2)
    assert fit.coefficients == pytest.approx(beta, abs=1e-9)
    assert fit.sigma == pytest.approx(sigma, rel=1e-6)
    errors = np.einsum("jl,ab->jalb", sigma, np.linalg.inv(design.T @ design))
    assert fit.covariance == pytest.approx(errors, rel=1e-6, abs=1e-12)


def restricted(values: np.ndarray, design: np.ndarray, sigma: np.ndarray) -> float:
    """The restricted log-likelihood, patient by patient."""
    k, q = values.shape[1], design.shape[1]
    normal, right, total, residuals = np.zeros((k * q, k * q)), np.zeros(k * q), 0.0, []
    for y, x in zip(values, design, strict=True):
        known = np.isfinite(y)
        block, inverse = np.kron(np.eye(k), x)[known], np.linalg.inv(sigma[np.ix_(known, known)])
        normal += block.T @ inverse @ block
        right += block.T @ inverse @ y[known]
        total -= np.linalg.slogdet(sigma[np.ix_(known, known)])[1] / 2
        residuals.append((y[known], block, inverse))
    beta = np.linalg.solve(normal, right)
    total -= sum((y - b @ beta) @ v @ (y - b @ beta) for y, b, v in residuals) / 2
    return float(total - np.linalg.slogdet(normal)[1] / 2)


def test_reml_with_missing_values_is_a_maximum_in_every_direction() -> None:
    values, design = drawn()
    sigma = reml(values, design).sigma
    best = restricted(values, design, sigma)
    for i, j in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]:
        for step in (-1e-3, 1e-3):
            moved = sigma.copy()
            moved[i, j] += step
            moved[j, i] = moved[i, j]
            assert restricted(values, design, moved) < best


def test_units_change_nothing_but_the_scale() -> None:
    values, design = drawn()
    scale = np.array([1.0, 1000.0, 1e-3])
    one, other = reml(values, design), reml(values * scale, design)
    assert other.coefficients / scale == pytest.approx(one.coefficients, rel=1e-5)


def test_draws_have_the_mean_and_the_error_of_reml() -> None:
    """Of 400 draws the mean is exact to a twentieth of the error, and the error to 4%; draws are correlated."""
    values, design = drawn(200)
    fit = reml(values, design)
    draws = list(posterior(values, design, 400, np.random.default_rng(1), spacing=3))
    found = np.array([one.coefficients[1, 2] for one in draws])
    error = np.sqrt(fit.covariance[2, 1, 2, 1])
    assert found.mean() == pytest.approx(fit.coefficients[1, 2], abs=0.25 * error)
    assert found.std() == pytest.approx(error, rel=0.15)
    assert np.abs(draws[0].completed - values)[np.isfinite(values)].max() < 1e-12


def test_an_inverse_wishart_has_the_moments_of_scipys() -> None:
    """4,000 draws: means are exact to 2%, variances to 5% of their size; the tolerance is twice that."""
    squares, rng = np.array([[30.0, 10.0], [10.0, 20.0]]), np.random.default_rng(1)
    found = np.array([inverse_wishart(25, squares, rng) for _ in range(4000)])
    law = invwishart(25, squares)
    assert found.mean(axis=0) == pytest.approx(law.mean(), rel=0.04)
    assert found.var(axis=0) == pytest.approx(law.var(), rel=0.15)


def test_an_outcome_of_one_value_does_not_stop_the_fit() -> None:
    values, design = drawn()
    fit = reml(np.column_stack([values, np.ones(len(values))]), design)
    assert fit.coefficients[:, 3] == pytest.approx([1, 0], abs=1e-6)


def test_too_few_patients_and_dependent_covariates_are_refused() -> None:
    values, design = drawn()
    with pytest.raises(NotEstimableError, match="known in 2"):
        reml(np.where(np.arange(80)[:, None] < [80, 80, 2], values, np.nan), design)
    with pytest.raises(NotEstimableError, match="dependent"):
        reml(values, np.column_stack([design, design[:, 1]]))
