"""A multivariate normal regression of k outcomes with missing values: by REML, and by draws from its posterior."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError, Problem

_TOLERANCE, _MOST = 1e-8, 5000
"""Iterations end when no element of the covariance moves by more than this share of the variances."""

_START = 1e-3
"""The same for the start of a chain."""

_RIDGE = 1e-10
"""Added to the variances, in their own units: an outcome may have one value only."""


@dataclass(frozen=True, eq=False)
class _Fit:
    """The regression Y = XB + E, the rows of E normal with covariance Σ.

    Attributes
    ----------
    coefficients : array (q, k)               B
    sigma : array (k, k)                      Σ
    covariance : array (k, q, k, q)           of the coefficients: [j, a, l, b] is that of B[a, j] and B[b, l]
    """

    coefficients: np.ndarray
    sigma: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, eq=False)
class Rows:
    """Outcomes (n, k) with NaN where missing, their design (n, q), and the rows by pattern of known outcomes."""

    outcomes: np.ndarray
    design: np.ndarray
    patterns: tuple[tuple[np.ndarray, np.ndarray], ...]

    @classmethod
    def of(cls, outcomes: np.ndarray, design: np.ndarray) -> Rows:
        """Return the rows by pattern.

        Raises
        ------
        NotEstimableError      an outcome known in too few patients, or a design of less than full rank
        """
        known = np.isfinite(outcomes)
        fewest, q = int(known.sum(axis=0).min(initial=len(outcomes))), design.shape[1]
        if fewest < q + 2 or len(outcomes) < q + outcomes.shape[1] + 1:
            found = f"an outcome known in {counted(fewest, 'patient')}"
            raise NotEstimableError("multivariate normal", Problem("visits", found, "ask fewer visits or pool arms"))
        for column in known.T:
            if np.linalg.matrix_rank(design[column]) < q:
                raise NotEstimableError("multivariate normal", Problem("covariates", "are linearly dependent"))
        same, number = np.unique(known, axis=0, return_inverse=True)
        number = number.ravel()
        return cls(outcomes, design, tuple((one, np.flatnonzero(number == i)) for i, one in enumerate(same)))

    def known(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the patterns with a known outcome, each with its rows."""
        return ((known, rows) for known, rows in self.patterns if known.any())


def reml(outcomes: np.ndarray, design: np.ndarray, tolerance: float = _TOLERANCE) -> _Fit:
    """Return the regression by restricted maximum likelihood, with an unstructured covariance.

    Parameters
    ----------
    outcomes : array (n, k)     NaN where missing; valid if missing at random given the known outcomes and the design
    design : array (n, q)       the same covariates for each outcome, each with its own coefficients
    tolerance : float           largest change of the covariance in the last step, in units of the variances

    Raises
    ------
    NotEstimableError           too few patients, a design of less than full rank, or no convergence

    Notes
    -----
    EM with the coefficients as missing data under a flat prior. With the known outcomes o of patient i,
    G = Σ[:, o] Σ[o, o]⁻¹, residual e = y - XB̂ and C the covariance of B̂, the new Σ is the mean over patients of
    G e eᵀ Gᵀ + G X C Xᵀ Gᵀ + Σ - G Σ[o, :]. With complete data its fixed point is the residual sum of squares/(n - q).

    References
    ----------
    Dempster, Laird & Rubin (1977) JRSS B 39:1; Laird & Ware (1982) Biometrics 38:963.

    Examples
    --------
    >>> y = np.array([[1.0, 2.0], [2.0, 2.5], [3.0, 4.0], [4.0, np.nan]])
    >>> fit = reml(y, np.ones((4, 1)))
    >>> fit.coefficients.round(3).tolist()
    [[2.5, 3.333]]
    """
    scale = _scale(outcomes)
    rows = Rows.of(np.asarray(outcomes, float) / scale, np.asarray(design, float))
    sigma = np.eye(rows.outcomes.shape[1])
    for _ in range(_MOST):
        coefficients, covariance = _generalised_least_squares(rows, sigma)
        moved = _next(rows, sigma, coefficients, covariance)
        done = float(np.abs(moved - sigma).max()) < tolerance
        sigma = moved
        if done:
            coefficients, covariance = _generalised_least_squares(rows, sigma)
            return _Fit(
                coefficients * scale,
                sigma * np.outer(scale, scale),
                covariance * scale[:, None, None, None] * scale[None, None, :, None],
            )
    raise NotEstimableError("multivariate normal", Problem("visits", "no convergence", "ask fewer visits"))


def _scale(outcomes: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each outcome (k,); 1 for one that does not vary."""
    known = np.isfinite(outcomes)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, outcomes, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, outcomes - mean, 0.0) ** 2).sum(axis=0) / count)
    return np.where(spread > 0, spread, 1.0)


def _generalised_least_squares(rows: Rows, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients (q, k) given Σ and their covariance (k, q, k, q)."""
    k, q = len(sigma), rows.design.shape[1]
    normal, right = np.zeros((k, q, k, q)), np.zeros((k, q))
    for known, chosen in rows.known():
        design, inverse = rows.design[chosen], np.zeros((k, k))
        inverse[np.ix_(known, known)] = np.linalg.inv(sigma[np.ix_(known, known)])
        normal += inverse[:, None, :, None] * (design.T @ design)[None, :, None, :]
        right += inverse @ np.where(known, rows.outcomes[chosen], 0.0).T @ design
    covariance = np.linalg.inv(normal.reshape(k * q, k * q))
    coefficients = (covariance @ right.ravel()).reshape(k, q).T
    return coefficients, covariance.reshape(k, q, k, q)


def _next(rows: Rows, sigma: np.ndarray, coefficients: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the next Σ of EM: see `reml`."""
    total = np.zeros_like(sigma)
    for known, chosen in rows.patterns:
        if not known.any():
            total += len(chosen) * sigma
            continue
        gain = sigma[:, known] @ np.linalg.inv(sigma[np.ix_(known, known)])
        design = rows.design[chosen]
        residual = rows.outcomes[np.ix_(chosen, known)] - design @ coefficients[:, known]
        fixed = np.einsum("jalb,ab->jl", covariance, design.T @ design)[np.ix_(known, known)]
        total += gain @ (residual.T @ residual + fixed) @ gain.T
        total += len(chosen) * (sigma - gain @ sigma[known])
    return np.asarray(total / len(rows.outcomes) + _RIDGE * np.eye(len(sigma)))


@dataclass(frozen=True, eq=False)
class Drawn:
    """One draw from the posterior: completed outcomes (n, k), coefficients (q, k) and Σ (k, k)."""

    completed: np.ndarray
    coefficients: np.ndarray
    sigma: np.ndarray


def posterior(
    outcomes: np.ndarray,
    design: np.ndarray,
    draws: int,
    rng: np.random.Generator,
    *,
    burn_in: int = 50,
    spacing: int = 20,
) -> Iterator[Drawn]:
    """Yield draws of the missing outcomes and the parameters, by data augmentation under Jeffreys' prior.

    Parameters
    ----------
    outcomes, design            as in `reml`, whose estimate, to three digits, starts the chain
    draws : int                 number of draws
    burn_in, spacing : int      steps before the first draw, and between two draws

    Notes
    -----
    Σ given the completed outcomes is inverse Wishart with n - q degrees of freedom and the residual sum of squares; the
    coefficients given Σ are normal around the least-squares estimate with covariance Σ ⊗ (XᵀX)⁻¹.

    References
    ----------
    Schafer (1997) Analysis of Incomplete Multivariate Data, section 5.4; Tanner & Wong (1987) J Am Stat Assoc 82:528.
    """
    start, scale = reml(outcomes, design, _START), _scale(outcomes)
    rows = Rows.of(np.asarray(outcomes, float) / scale, np.asarray(design, float))
    coefficients, sigma = start.coefficients / scale, start.sigma / np.outer(scale, scale)
    inverse = np.linalg.inv(rows.design.T @ rows.design)
    root = np.linalg.cholesky(inverse)
    for step in range(burn_in + spacing * (draws - 1) + 1):
        completed = _filled(rows, coefficients, sigma, rng)
        least_squares = inverse @ rows.design.T @ completed
        left = completed - rows.design @ least_squares
        sigma = inverse_wishart(len(left) - rows.design.shape[1], left.T @ left, rng)
        noise = rng.standard_normal(least_squares.shape)
        coefficients = least_squares + root @ noise @ np.linalg.cholesky(sigma).T
        if step >= burn_in and (step - burn_in) % spacing == 0:
            yield Drawn(completed * scale, coefficients * scale, sigma * np.outer(scale, scale))


def inverse_wishart(freedom: int, squares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a draw of the inverse Wishart distribution, by Bartlett's decomposition.

    Examples
    --------
    >>> draws = [inverse_wishart(50, 47 * np.eye(2), np.random.default_rng(i)) for i in range(400)]
    >>> bool(np.abs(np.mean(draws, axis=0) - np.eye(2)).max() < 0.1)  # the mean is squares/(freedom - k - 1)
    True
    """
    k = len(squares)
    root = np.linalg.cholesky(np.linalg.inv(squares + freedom * _RIDGE * np.eye(k)))
    lower = np.tril(rng.standard_normal((k, k)), -1)
    lower[np.diag_indices(k)] = np.sqrt(rng.chisquare(freedom - np.arange(k)))
    half = np.linalg.inv(root @ lower)
    return np.asarray(half.T @ half)


def _filled(rows: Rows, coefficients: np.ndarray, sigma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the outcomes (n, k) with missing ones drawn given the known ones and the parameters."""
    completed = rows.outcomes.copy()
    for known, chosen in rows.patterns:
        if known.all():
            continue
        expected = rows.design[chosen] @ coefficients
        completed[np.ix_(chosen, ~known)] = conditional(
            expected[:, ~known], rows.outcomes[np.ix_(chosen, known)] - expected[:, known], sigma, known, rng
        )
    return completed


def conditional(
    expected: np.ndarray, residual: np.ndarray, sigma: np.ndarray, known: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return draws of the unknown outcomes of patients given their known ones.

    Parameters
    ----------
    expected : array (n, u)      marginal means of the unknown outcomes
    residual : array (n, k - u)  known outcomes minus their marginal means
    sigma, known                 the covariance (k, k), and the mask (k,) of the known outcomes
    """
    spread = sigma[np.ix_(~known, ~known)]
    if known.any():
        gain = np.linalg.solve(sigma[np.ix_(known, known)], sigma[np.ix_(known, ~known)])
        expected = expected + residual @ gain
        spread = spread - sigma[np.ix_(~known, known)] @ gain
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(expected + rng.standard_normal(expected.shape) @ root.T)
