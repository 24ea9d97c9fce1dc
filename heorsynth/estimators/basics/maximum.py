"""The maxima of likelihoods of a few parameters by Newton's method, and the covariances there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

STEP = 5e-3
"""Step of the numerical derivatives. Parameters are logarithms or of order 1."""

STEPS = np.arange(-3.0, 4.0)
FIRST = np.array([-1.0, 9.0, -45.0, 0.0, 45.0, -9.0, 1.0]) / 60
SECOND = np.array([2.0, -27.0, 270.0, -490.0, 270.0, -27.0, 2.0]) / 180
"""Weights of the values at -3 to 3 steps in the first and second derivative (Fornberg 1988 Math Comp 51:699)."""

_MOST_STEPS, _CLOSE = 25, 1e-6
"""The limit of Newton's steps, of which most likelihoods need fewer than eight, and the step length at convergence."""

_DAMPING = (0.0003, 0.003, 0.03, 0.3, 3.0, 30.0)
"""Added to the second derivatives, in turn, until they are positive definite."""

_MOST_HALVINGS = 40
"""A descent step is halved at most down to this share of its length."""

_FLAT = 1e-8
"""A second derivative counts as 0 if the others explain it to within this share of itself."""

_ROUNDING = 1e-13
"""Losses, which are of order 1, count as equal if they differ by less than this."""

_SHORT = 0.01
"""After a step that is shorter, the exact derivatives are used instead of the rough ones."""


class Losses(Protocol):
    """The losses of c data sets, minus their mean log-likelihoods, with p parameters each."""

    @property
    def hasty(self) -> bool:
        """Whether there are rough derivatives, which take less time and are accurate enough for a long step."""

    def take(self, rows: np.ndarray) -> Losses:
        """Return the losses of some data sets."""

    def loss(self, thetas: np.ndarray) -> np.ndarray:
        """Return each loss (c,) at its parameters (c, p); infinite where it is not defined."""

    def slopes(self, thetas: np.ndarray, rough: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return first (c, p) and second (c, p, p) derivatives of each loss."""


def maxima(losses: Losses, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the minimum of each of several losses and the inverse of its second derivatives there.

    Parameters
    ----------
    losses : Losses
    start : array (c, p)         where each search starts

    Returns
    -------
    theta : array (c, p)         the minimum
    inverse : array (c, p, p)    of the second derivatives
    found : array of bool (c,)   False without convergence; the other two then have no meaning

    Notes
    -----
    The searches take their steps together, each as it would alone; what has ended is left out. Where the second
    derivatives are not positive definite, a constant is added to each of them, so that the step still descends. A
    likelihood without a maximum (a generalised gamma with growing Q) has steps that stay large, or second derivatives
    that vanish. This criterion does not depend on where a search stops.
    """
    theta, count = np.array(start, float), len(start)
    inverse = np.zeros((count, theta.shape[1], theta.shape[1]))
    searching, used = np.arange(count), np.zeros(count, int)
    with np.errstate(all="ignore"):
        here = losses.loss(theta)
        for rough in (True, False) if losses.hasty else (False,):
            searching = _searched(losses, theta, here, used, searching, rough)
        if len(searching):
            _, curvature = losses.take(searching).slopes(theta[searching], False)
            inverse[searching], ends = _inverses(curvature)
            searching = searching[ends]
    found = np.zeros(count, bool)
    found[searching] = True
    return theta, inverse, found


def _searched(
    losses: Losses, theta: np.ndarray, here: np.ndarray, used: np.ndarray, searching: np.ndarray, rough: bool
) -> np.ndarray:
    """Move the searched parameters, and their losses `here`, until steps are short; return the rows that got there.

    `used` counts the steps of each search.
    """
    enough, arrived = _SHORT if rough else _CLOSE, [searching[:0]]
    searching = searching[used[searching] < _MOST_STEPS]
    own = losses.take(searching)
    while len(searching):
        step = _directions(*own.slopes(theta[searching], rough))
        here[searching] = _descended(own, theta[searching], step, here[searching])
        theta[searching] -= step
        used[searching] += 1
        lost = np.isnan(here[searching])
        done = ~lost & (np.abs(step).max(axis=1) < enough)
        arrived.append(searching[done])
        left = ~(lost | done) & (used[searching] < _MOST_STEPS)
        if not left.all():
            searching, own = searching[left], own.take(np.flatnonzero(left))
    return np.concatenate(arrived)


def _directions(slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Return Newton's step of each search (c, p), damped where it must be; NaN where no damping is enough."""
    inverse, found = _inverses(curvature)
    for extra in _DAMPING:
        if found.all():
            break
        again = np.flatnonzero(~found)
        inverse[again], found[again] = _inverses(curvature[again] + extra * np.eye(slope.shape[1]))
    step: np.ndarray = (inverse * slope[:, None, :]).sum(axis=2)
    step[~found] = np.nan
    return step


def _descended(losses: Losses, theta: np.ndarray, step: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Halve each step until the loss does not increase from `here`; return the losses there, NaN if it always does.

    A step that is not finite gives NaN too.
    """
    there, trying = np.full(len(here), np.nan), np.flatnonzero(np.isfinite(step).all(axis=1))
    for _ in range(_MOST_HALVINGS):
        if not len(trying):
            break
        reached = losses.take(trying).loss(theta[trying] - step[trying])
        well = reached <= here[trying] + _ROUNDING
        there[trying[well]] = reached[well]
        trying = trying[~well]
        step[trying] /= 2
    return there


def gradient(values: Callable[[np.ndarray], np.ndarray], theta: np.ndarray) -> np.ndarray:
    """Return first derivatives by central differences of sixth order.

    `values` maps parameters (s, p) to values (s,): all are asked for at once.
    """
    used = FIRST != 0
    moves = STEP * STEPS[used, None] * np.eye(len(theta))[:, None, :]
    found = values((theta + moves).reshape(-1, len(theta))).reshape(len(theta), -1)
    return np.asarray((FIRST[used] * found).sum(axis=1) / STEP)


def _inverses(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the inverses of small matrices (c, p, p) by elimination, and which are clearly positive definite (c,).

    A linear algebra library is not used, because its last digits differ between processors.
    """
    count, size, _ = matrices.shape
    work = np.concatenate([matrices, np.broadcast_to(np.eye(size), (count, size, size))], axis=2)
    found = np.ones(count, bool)
    for place in range(size):
        found &= work[:, place, place] > np.maximum(_FLAT * matrices[:, place, place], 0.0)
        work[:, place] /= work[:, place, place, None].copy()
        share = work[:, :, place].copy()
        share[:, place] = 0.0
        work -= share[:, :, None] * work[:, None, place]
    return work[:, :, size:], found
