"""Comparison of several options: the best one, and its probability, from draws of mean costs and effects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem

_NONE = 1e-9
"""A difference of net benefits below this share of the largest plus 1 counts as 0, as a rounding error."""

_Wtps = Sequence[float] | np.ndarray


def net_benefits(means: np.ndarray, wtp: float) -> np.ndarray:
    """Return the net monetary benefit (..., a), wtp·effect - cost, of options with (cost, effect) (..., a, 2)."""
    return np.asarray(wtp * means[..., 1] - means[..., 0])


def first_of_best(benefits: np.ndarray) -> np.ndarray:
    """Return the index (...) of the largest of net benefits (..., a). Of options equal up to rounding, the first.

    Examples
    --------
    >>> int(first_of_best(np.array([0.3, 0.1 + 0.2, 0.0])))
    0
    """
    top = benefits.max(axis=-1, keepdims=True)
    return np.asarray((benefits >= top - _NONE * (1 + np.abs(top))).argmax(axis=-1))


def best(means: np.ndarray, wtps: _Wtps) -> np.ndarray:
    """Return the index (w,) of the option with the largest expected net benefit at each threshold.

    Parameters
    ----------
    means : array (a, 2)    mean cost and effect of each option; of equal options the first is chosen

    Examples
    --------
    >>> best(np.array([[0.0, 0.0], [100.0, 0.5], [400.0, 1.0]]), [100.0, 400.0, 1000.0]).tolist()
    [0, 1, 2]
    """
    return np.array([int(first_of_best(net_benefits(means, wtp))) for wtp in wtps], dtype=int)


def probability_best(draws: np.ndarray, wtps: _Wtps) -> np.ndarray:
    """Return the share (w, a) of draws in which each option has the largest net benefit: the acceptability curves.

    Parameters
    ----------
    draws : array (d, a, 2)    draws of mean cost and effect

    References
    ----------
    Fenwick, Claxton & Sculpher (2001) Health Econ 10:779.

    Examples
    --------
    >>> two = np.array([[[0.0, 0.0], [10.0, 1.0]], [[0.0, 0.0], [10.0, -1.0]]])
    >>> probability_best(two, [100.0]).tolist()
    [[0.5, 0.5]]
    """
    _require(draws)
    options = draws.shape[1]
    winners = (first_of_best(net_benefits(draws, wtp)) for wtp in wtps)
    return np.array([np.bincount(won, minlength=options) / len(draws) for won in winners])


def acceptability_frontier(draws: np.ndarray, wtps: _Wtps) -> tuple[np.ndarray, np.ndarray]:
    """Return the option (w,) of largest expected net benefit at each threshold, and its probability of being best.

    References
    ----------
    Barton, Briggs & Fenwick (2008) Value Health 11:886.

    Examples
    --------
    >>> skew = np.array([[[0.0, 0.0], [0.0, 9.0]], [[0.0, 0.0], [0.0, -1.0]], [[0.0, 0.0], [0.0, -1.0]]])
    >>> place, probability = acceptability_frontier(skew, [1.0])
    >>> place.tolist(), probability.round(3).tolist()
    ([1], [0.333])
    """
    place = best(draws.mean(axis=0), wtps)
    return place, probability_best(draws, wtps)[np.arange(len(place)), place]


def perfect_information(draws: np.ndarray, wtps: _Wtps) -> np.ndarray:
    """Return the expected value (w,) of perfect information per patient, in money: E max NB - max E NB over the draws.

    References
    ----------
    Claxton (1999) J Health Econ 18:341.

    Examples
    --------
    >>> two = np.array([[[0.0, 0.0], [10.0, 1.0]], [[0.0, 0.0], [10.0, -1.0]]])
    >>> perfect_information(two, [30.0]).tolist()
    [10.0]
    """
    _require(draws)
    benefits = (net_benefits(draws, wtp) for wtp in wtps)
    return np.array([found.max(axis=1).mean() - found.mean(axis=0).max() for found in benefits])


def _require(draws: np.ndarray) -> None:
    if draws.ndim != 3 or draws.shape[2] != 2 or not len(draws):
        raise NotEstimableError("options", Problem("draws", "expected an array (draws, options, 2), one draw or more"))
