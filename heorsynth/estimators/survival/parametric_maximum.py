"""The maximum of the likelihood of a parametric survival model, and the covariance there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from scipy import optimize

_STEP = 5e-3
"""Step of the numerical derivatives. Parameters are logarithms or of order 1."""

_FIRST = (-1 / 60, 9 / 60, -45 / 60, 0.0, 45 / 60, -9 / 60, 1 / 60)
_SECOND = (2 / 180, -27 / 180, 270 / 180, -490 / 180, 270 / 180, -27 / 180, 2 / 180)
"""Weights of the values at -3 to 3 steps in the first and second derivative (Fornberg 1988 Math Comp 51:699)."""

MOST_STEPS, CLOSE = 12, 1e-6
"""The limit of Newton's steps, and the step length at convergence: after a step of 1e-6 the error is about 1e-10."""

_MOST_HALVINGS = 40
"""A descent step is halved at most down to this share of its length."""

_FLAT = 1e-8
"""A second derivative counts as 0 if the others explain it to within this share of itself."""

_ROUNDING = 1e-13
"""Losses, which are of order 1, count as equal if they differ by less than this."""

_MOST_EXACT = 25
"""The limit of Newton's steps with exact derivatives. Most likelihoods need fewer than eight."""

_SHORT = 0.01
"""A step that is shorter, or does not descend, is taken by first derivatives of sixth order, which cost more."""

_Loss = Callable[[np.ndarray], float]
"""Parameters (p,) -> minus the mean log-likelihood; infinite where it is not defined."""

Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Parameters (p,) -> the first (p,) and second (p, p) derivatives of the loss."""


def maximum(loss: _Loss, start: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the minimum of the loss and the inverse of its second derivatives there, or None without convergence.

    A likelihood without a maximum (a generalised gamma with growing Q) has steps that stay large, or second
    derivatives that vanish. This criterion does not depend on where a search stops.
    """
    rough = {"xatol": 0.01, "fatol": 1e-5, "maxiter": 400}
    with np.errstate(all="ignore"):
        theta = optimize.minimize(loss, start, method="Nelder-Mead", options=rough).x
        for _ in range(MOST_STEPS):
            slope, curvature = _rough_derivatives(loss, theta)
            inverse = _inverse(curvature)
            if inverse is None:
                return None
            step = (inverse * slope).sum(axis=1)
            if not (np.abs(step).max() > _SHORT and loss(theta - step) <= loss(theta)):
                step = (inverse * gradient(loss, theta)).sum(axis=1)
            shortened = _descending(loss, theta, step)
            if shortened is None:
                return None
            theta = theta - shortened
            if np.abs(shortened).max() < CLOSE:
                inverse = _inverse(second_derivatives(loss, theta))
                return None if inverse is None else (theta, inverse)
    return None


def maximum_by_slopes(loss: _Loss, slopes: Slopes, start: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the same as `maximum`, by the exact derivatives of the loss; by `maximum` where Newton's steps fail."""
    theta = start
    with np.errstate(all="ignore"):
        for _ in range(_MOST_EXACT):
            slope, curvature = slopes(theta)
            inverse = _inverse(curvature)
            step = None if inverse is None else _descending(loss, theta, (inverse * slope).sum(axis=1))
            if step is None:
                break
            theta = theta - step
            if np.abs(step).max() < CLOSE:
                inverse = _inverse(slopes(theta)[1])
                return maximum(loss, start) if inverse is None else (theta, inverse)
    return maximum(loss, start)


def _descending(loss: _Loss, theta: np.ndarray, step: np.ndarray) -> np.ndarray | None:
    """Return the step, halved until the loss does not increase; None if it is not finite or never descends."""
    here = loss(theta)
    if not np.isfinite(step).all():
        return None
    for _ in range(_MOST_HALVINGS):
        if loss(theta - step) <= here + _ROUNDING:
            return step
        step = step / 2
    return None


def _along(loss: _Loss, theta: np.ndarray, step: np.ndarray) -> list[float]:
    """Return the loss at -3, -2, -1, 0, 1, 2 and 3 steps."""
    return [loss(theta + count * step) for count in range(-3, 4)]


def gradient(loss: _Loss, theta: np.ndarray) -> np.ndarray:
    """Return first derivatives by central differences of sixth order."""
    used = [(count, weight) for count, weight in zip(range(-3, 4), _FIRST, strict=True) if weight]
    return np.array([sum(weight * loss(theta + count * step) for count, weight in used) / _STEP
                     for step in _STEP * np.eye(len(theta))])  # fmt: skip


def _rough_derivatives(loss: _Loss, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return first and second derivatives by differences of second order, accurate enough for a long step."""
    steps, here = _STEP * np.eye(len(theta)), loss(theta)
    ahead, behind = ([loss(theta + sign * step) for step in steps] for sign in (1, -1))
    slope = np.array([(one - other) / (2 * _STEP) for one, other in zip(ahead, behind, strict=True)])
    found = np.diag([(one - 2 * here + other) / _STEP**2 for one, other in zip(ahead, behind, strict=True)])
    for i, j in combinations(range(len(theta)), 2):
        both = (loss(theta + steps[i] + steps[j]) - 2 * here + loss(theta - steps[i] - steps[j])) / _STEP**2
        found[i, j] = found[j, i] = (both - found[i, i] - found[j, j]) / 2
    return slope, found


def second_derivatives(loss: _Loss, theta: np.ndarray) -> np.ndarray:
    """Return second derivatives by central differences of sixth order, for each parameter and each pair."""
    steps = _STEP * np.eye(len(theta))
    found = np.diag([_product(_SECOND, _along(loss, theta, step)) / _STEP**2 for step in steps])
    for i, j in combinations(range(len(theta)), 2):
        both = _product(_SECOND, _along(loss, theta, steps[i] + steps[j])) / _STEP**2
        found[i, j] = found[j, i] = (both - found[i, i] - found[j, j]) / 2
    return found


def _product(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def _inverse(matrix: np.ndarray) -> np.ndarray | None:
    """Return the inverse of a small matrix by elimination, or None unless it is clearly positive definite.

    A linear algebra library is not used, because its last digits differ between processors.
    """
    count = len(matrix)
    work = np.hstack([matrix, np.eye(count)])
    for place in range(count):
        pivot = work[place, place]
        if not pivot > _FLAT * matrix[place, place]:
            return None
        work[place] /= pivot
        for other in set(range(count)) - {place}:
            work[other] -= work[other, place] * work[place]
    return work[:, count:]
