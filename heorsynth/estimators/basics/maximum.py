"""The maximum of a likelihood of a few parameters by Newton's method, and the covariance there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEP = 5e-3
"""Step of the numerical derivatives. Parameters are logarithms or of order 1."""

STEPS = np.arange(-3.0, 4.0)
FIRST = np.array([-1.0, 9.0, -45.0, 0.0, 45.0, -9.0, 1.0]) / 60
SECOND = np.array([2.0, -27.0, 270.0, -490.0, 270.0, -27.0, 2.0]) / 180
"""Weights of the values at -3 to 3 steps in the first and second derivative (Fornberg 1988 Math Comp 51:699)."""

_MOST_STEPS, _CLOSE = 25, 1e-6
"""The limit of Newton's steps, of which most likelihoods need fewer than eight, and the step length at convergence."""

_DAMPING = (0.0, 0.0003, 0.003, 0.03, 0.3, 3.0, 30.0)
"""Added to the second derivatives, in turn, until they are positive definite."""

_MOST_HALVINGS = 40
"""A descent step is halved at most down to this share of its length."""

_FLAT = 1e-8
"""A second derivative counts as 0 if the others explain it to within this share of itself."""

_ROUNDING = 1e-13
"""Losses, which are of order 1, count as equal if they differ by less than this."""

_SHORT = 0.01
"""After a step that is shorter, the exact derivatives are used instead of the rough ones."""

_Loss = Callable[[np.ndarray], float]
"""Parameters (p,) -> minus the mean log-likelihood; infinite where it is not defined."""

Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Parameters (p,) -> the first (p,) and second (p, p) derivatives of the loss."""


def maximum(
    loss: _Loss, slopes: Slopes, start: np.ndarray, rough: Slopes | None = None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the minimum of the loss and the inverse of its second derivatives there, or None without convergence.

    Parameters
    ----------
    loss, slopes : callable    the loss, and its derivatives
    start : array (p,)         where the search starts
    rough : callable           derivatives that take less time and are accurate enough for a long step

    Notes
    -----
    Where the second derivatives are not positive definite, a constant is added to each of them, so that the step still
    descends. A likelihood without a maximum (a generalised gamma with growing Q) has steps that stay large, or second
    derivatives that vanish. This criterion does not depend on where a search stops.

    Examples
    --------
    >>> place, inverse = maximum(lambda x: float(x[0] ** 2), lambda x: (2 * x, np.array([[2.0]])), np.array([3.0]))
    >>> place.tolist(), inverse.tolist()
    ([0.0], [[0.5]])
    """
    theta, derivatives = start, slopes if rough is None else rough
    with np.errstate(all="ignore"):
        here = loss(theta)
        for _ in range(_MOST_STEPS):
            slope, curvature = derivatives(theta)
            inverses = (_inverse(curvature, extra) for extra in _DAMPING)
            inverse = next((one for one in inverses if one is not None), None)
            moved = None if inverse is None else _descending(loss, theta, (inverse * slope).sum(axis=1), here)
            if moved is None:
                return None
            step, here = moved
            theta = theta - step
            longest = np.abs(step).max()
            if longest < _CLOSE and derivatives is slopes:
                inverse = _inverse(slopes(theta)[1])
                return None if inverse is None else (theta, inverse)
            if longest < _SHORT:
                derivatives = slopes
    return None


def _descending(loss: _Loss, theta: np.ndarray, step: np.ndarray, here: float) -> tuple[np.ndarray, float] | None:
    """Return the step, halved until the loss does not increase from `here`, and the loss there; None if it never does.

    A step that is not finite gives None too.
    """
    if not np.isfinite(step).all():
        return None
    for _ in range(_MOST_HALVINGS):
        if (there := loss(theta - step)) <= here + _ROUNDING:
            return step, there
        step = step / 2
    return None


def gradient(values: Callable[[np.ndarray], np.ndarray], theta: np.ndarray) -> np.ndarray:
    """Return first derivatives by central differences of sixth order.

    `values` maps parameters (s, p) to values (s,): all are asked for at once.
    """
    used = FIRST != 0
    moves = STEP * STEPS[used, None] * np.eye(len(theta))[:, None, :]
    found = values((theta + moves).reshape(-1, len(theta))).reshape(len(theta), -1)
    return np.asarray((FIRST[used] * found).sum(axis=1) / STEP)


def _inverse(matrix: np.ndarray, extra: float = 0.0) -> np.ndarray | None:
    """Return the inverse of a small matrix by elimination, or None unless it is clearly positive definite.

    `extra` is added to the diagonal. A linear algebra library is not used, because its last digits differ between
    processors; and so few numbers take less time as plain floats.
    """
    count = len(matrix)
    rows = [
        [value + extra if i == j else value for j, value in enumerate(row)] for i, row in enumerate(matrix.tolist())
    ]
    work = [[*row, *(float(i == j) for j in range(count))] for i, row in enumerate(rows)]
    for place in range(count):
        pivot = work[place][place]
        if not pivot > max(_FLAT * rows[place][place], 0.0):
            return None
        work[place] = [value / pivot for value in work[place]]
        for other in set(range(count)) - {place}:
            share = work[other][place]
            work[other] = [value - share * own for value, own in zip(work[other], work[place], strict=True)]
    return np.array([row[count:] for row in work])
