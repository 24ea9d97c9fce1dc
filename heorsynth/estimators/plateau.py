"""The plateau of an error that falls with the number of rows or texts: error(n) = floor + c / n^a."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate

_Floats = NDArray[np.float64]

_STEPS = 8
"""Steps of the reweighted fit; the weights change little after the third."""

_LEAST = 1e-6
"""Errors below this share of the mean error weigh no more than it."""

_GRID = np.round(np.arange(0.3, 2.01, 0.1), 1)
"""Exponents that are tried where none is given."""


@dataclass(frozen=True)
class Plateau:
    """An error that falls to a floor.

    Attributes
    ----------
    floor, scale : Estimate     floor and c, in the error's unit, with their intervals
    exponent : float            a
    draws : tuple of arrays     floor, c and a of the bootstrap draws, for intervals of what follows from them
    """

    floor: Estimate
    scale: Estimate
    exponent: float
    draws: tuple[_Floats, _Floats, _Floats]

    def at(self, n: float) -> float:
        """Return the fitted error of n rows or texts."""
        return float(self.floor.value + self.scale.value * n**-self.exponent)


def plateau(
    sizes: ArrayLike, errors: ArrayLike, rng: np.random.Generator, exponent: float | None = 1.0, level: float = 0.95,
    draws: int = 1000,
) -> Plateau:  # fmt: skip
    """Return the fit of error(n) = floor + c / n^a to repeated errors, with floor and c not below 0.

    Parameters
    ----------
    sizes : array (k,)          numbers of rows or texts, at least three different ones
    errors : array (k, r)       r repeats of the error of each size; not below 0, such as squared errors
    rng : Generator             of the bootstrap
    exponent : float or None    a; 1 for squared errors of means, whose variance falls as 1 / n. None fits it
    level : float               of the intervals
    draws : int                 of the bootstrap

    Returns
    -------
    Plateau

    Raises
    ------
    NotEstimableError      fewer than three sizes or five repeats, or errors below 0

    Notes
    -----
    Least squares of the mean errors with weights 1 / fit², as the spread of a squared error is proportional to its
    mean (gamma quasi-likelihood; McCullagh & Nelder 1989, ch. 8). Intervals are percentiles of a bootstrap of the
    repeats within each size. A free exponent widens the interval of the floor several times: sizes over two powers of
    ten are then needed.

    Examples
    --------
    >>> sizes = np.array([10.0, 20.0, 40.0, 80.0])
    >>> errors = np.repeat(2.0 + 50 / sizes[:, None], 5, axis=1)
    >>> found = plateau(sizes, errors, np.random.default_rng(1))
    >>> round(found.floor.value, 6), round(found.scale.value, 6), round(found.at(100), 6)
    (2.0, 50.0, 2.5)
    """
    n, y = np.asarray(sizes, float), np.asarray(errors, float)
    if y.ndim != 2 or len(n) != len(y) or len(np.unique(n)) < 3 or y.shape[1] < 5 or (y < 0).any() or (n <= 0).any():
        found = "needs three sizes, five repeats of each, and errors not below 0"
        raise NotEstimableError("plateau", Problem("", found, "draw more sizes or repeats"))
    chosen = rng.integers(y.shape[1], size=(draws, *y.shape))
    means = np.vstack([y.mean(axis=1)[None, :], np.take_along_axis(y[None], chosen, axis=2).mean(axis=2)])
    floor, scale, powers = _fitted(n, means, exponent)
    tail = (1 - level) / 2
    parts = [_estimate(one, tail, y.size, level) for one in (floor, scale)]
    return Plateau(parts[0], parts[1], float(powers[0]), (floor[1:], scale[1:], powers[1:]))


def _estimate(values: _Floats, tail: float, n: int, level: float) -> Estimate:
    low, high = np.quantile(values[1:], [tail, 1 - tail])
    error = float(values[1:].std(ddof=1))
    return Estimate(float(values[0]), float(low), float(high), error, level, method="bootstrap", n_used=n, n_total=n)


def _fitted(n: _Floats, means: _Floats, exponent: float | None) -> tuple[_Floats, _Floats, _Floats]:
    """Floor, c and a of each row of mean errors."""
    if exponent is not None:
        floor, scale, _ = _line(n**-exponent, means)
        return floor, scale, np.full(len(means), float(exponent))
    tried = [_line(n**-power, means) for power in _GRID]
    best = np.argmin([loss for _, _, loss in tried], axis=0)
    pick = np.arange(len(means))
    return (np.array([one[0] for one in tried])[best, pick], np.array([one[1] for one in tried])[best, pick],
            _GRID[best].astype(float))  # fmt: skip


def _line(x: _Floats, y: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    """Floor, c and gamma deviance of y = floor + c x for each row of y, both not below 0."""
    unit = y.mean(axis=1, keepdims=True)
    unit = np.where(unit > 0, unit, 1.0)
    y = y / unit
    fit = np.maximum(y, _LEAST)
    floor = scale = np.zeros(len(y))
    for _ in range(_STEPS):
        w = fit**-2.0 / (fit**-2.0).sum(axis=1, keepdims=True)
        mx, my = (w * x).sum(axis=1), (w * y).sum(axis=1)
        spread = (w * (x - mx[:, None]) ** 2).sum(axis=1)
        scale = (w * (x - mx[:, None]) * (y - my[:, None])).sum(axis=1) / spread
        floor = my - scale * mx
        through_zero = (w * x * y).sum(axis=1) / (w * x**2).sum(axis=1)
        scale = np.where(floor < 0, through_zero, scale)
        floor, scale = np.where(scale < 0, my, np.maximum(floor, 0.0)), np.maximum(scale, 0.0)
        fit = np.maximum(floor[:, None] + scale[:, None] * x, _LEAST)
    deviance = (np.log(fit) + y / fit).sum(axis=1)
    return floor * unit[:, 0], scale * unit[:, 0], deviance
