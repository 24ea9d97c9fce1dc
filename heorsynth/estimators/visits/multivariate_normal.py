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
class _Patterns:
    """The patients by pattern of known outcomes, and sums over the patients of each of P patterns.

    Attributes
    ----------
    known : array (P, k)                       1 where the outcome is known, else 0
    place : array (n,)                         the pattern of each patient
    count : array (P,)                         patients
    squares, products, design : array          sums of y yᵀ (P, k, k), x yᵀ (P, q, k) and x xᵀ (P, q, q), y = 0 where
                                               unknown
    """

    known: np.ndarray
    place: np.ndarray
    count: np.ndarray
    squares: np.ndarray
    products: np.ndarray
    design: np.ndarray

    @classmethod
    def of(cls, outcomes: np.ndarray, design: np.ndarray) -> _Patterns:
        """Return the patterns.

        Raises
        ------
        NotEstimableError      an outcome known in too few patients, or a design of less than full rank
        """
        known, q = np.isfinite(outcomes), design.shape[1]
        fewest = int(known.sum(axis=0).min(initial=len(outcomes)))
        if fewest < q + 2 or len(outcomes) < q + outcomes.shape[1] + 1:
            found = f"an outcome known in {counted(fewest, 'patient')}"
            raise NotEstimableError("multivariate normal", Problem("visits", found, "ask fewer visits or pool arms"))
        if any(np.linalg.matrix_rank(design[column]) < q for column in known.T):
            raise NotEstimableError("multivariate normal", Problem("covariates", "are linearly dependent"))
        same, place = np.unique(known, axis=0, return_inverse=True)
        place, y = place.ravel(), np.where(known, outcomes, 0.0)
        held = [(y[rows], design[rows]) for rows in (place == one for one in range(len(same)))]
        sums = [(len(y), y.T @ y, x.T @ y, x.T @ x) for y, x in held]
        return cls(same.astype(float), place, *(np.array(part) for part in zip(*sums, strict=True)))


def _inverses(sigma: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the inverse of the covariance of the known outcomes of each pattern (P, k, k), 0 elsewhere."""
    both = known[:, :, None] * known[:, None, :]
    return np.asarray(np.linalg.inv(sigma * both + np.eye(len(sigma)) * (1 - known)[:, :, None]) * both)


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
    held = _Patterns.of(np.asarray(outcomes, float) / scale, np.asarray(design, float))
    sigma = np.eye(len(scale))
    for _ in range(_MOST):
        coefficients, covariance = _generalised_least_squares(held, sigma)
        moved = _next(held, sigma, coefficients, covariance)
        done = float(np.abs(moved - sigma).max()) < tolerance
        sigma = moved
        if done:
            coefficients, covariance = _generalised_least_squares(held, sigma)
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


def _generalised_least_squares(held: _Patterns, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients (q, k) given Σ and their covariance (k, q, k, q)."""
    inverse, k, q = _inverses(sigma, held.known), len(sigma), held.design.shape[1]
    normal = np.einsum("pjl,pab->jalb", inverse, held.design).reshape(k * q, k * q)
    right = np.einsum("pjl,pal->ja", inverse, held.products).ravel()
    covariance = np.linalg.inv(normal)
    return (covariance @ right).reshape(k, q).T, covariance.reshape(k, q, k, q)


def _next(held: _Patterns, sigma: np.ndarray, coefficients: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the next Σ of EM: see `reml`."""
    both = held.known[:, :, None] * held.known[:, None, :]
    cross = coefficients.T @ held.products
    residual = held.squares - cross - cross.transpose(0, 2, 1) + coefficients.T @ held.design @ coefficients
    fixed = np.einsum("jalb,pab->pjl", covariance, held.design)
    gain = sigma @ _inverses(sigma, held.known)
    spread = gain @ ((residual + fixed) * both) @ gain.transpose(0, 2, 1)
    left = held.count[:, None, None] * (sigma - gain @ sigma)
    return np.asarray((spread + left).sum(axis=0) / held.count.sum() + _RIDGE * np.eye(len(sigma)))


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
    values, x = np.asarray(outcomes, float) / scale, np.asarray(design, float)
    known, place = np.unique(np.isfinite(values), axis=0, return_inverse=True)
    coefficients, sigma = start.coefficients / scale, start.sigma / np.outer(scale, scale)
    inverse = np.linalg.inv(x.T @ x)
    root = np.linalg.cholesky(inverse)
    for step in range(burn_in + spacing * (draws - 1) + 1):
        completed = drawn_given(values, x @ coefficients, sigma, known, place.ravel(), rng)
        least_squares = inverse @ x.T @ completed
        left = completed - x @ least_squares
        sigma = inverse_wishart(len(left) - x.shape[1], left.T @ left, rng)
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


def drawn_given(
    values: np.ndarray,
    expected: np.ndarray,
    sigma: np.ndarray,
    known: np.ndarray,
    place: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return values (n, k) with the unknown ones drawn given the known ones.

    Parameters
    ----------
    values, expected : array (n, k)    values, ignored where unknown, and their marginal means
    sigma : array (k, k)               their covariance
    known : array of bool (P, k)       patterns of known values
    place : array (n,)                 the pattern of each row

    Notes
    -----
    A row e is drawn from N(0, Σ), and the residual of the known values about it is carried over: with o known and u
    unknown, μ_u + e_u + Σ_uo Σ_oo⁻¹ (y_o - μ_o - e_o) has the conditional mean and covariance.

    References
    ----------
    Hoffman & Ribak (1991) Astrophys J 380:L5.
    """
    gain = _inverses(sigma, known.astype(float)) @ sigma
    noise = rng.standard_normal(values.shape) @ np.linalg.cholesky(sigma + _RIDGE * np.eye(len(sigma))).T
    here = known[place]
    residual = np.where(here, values - expected - noise, 0.0)
    carried = (residual[:, None, :] @ gain[place])[:, 0]
    return np.where(here, values, expected + noise + carried)
