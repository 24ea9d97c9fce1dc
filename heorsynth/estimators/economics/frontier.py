"""The cost-effectiveness frontier of several options: dominance, and the ratios along the frontier."""

from __future__ import annotations

import itertools

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.basics.ties import TOLERANCE, as_one_time

ON, DOMINATED, EXTENDEDLY = "on the frontier", "dominated", "extendedly dominated"


def frontier(cost: np.ndarray, effect: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return the status of each option, and its ratio to the next cheaper option on the frontier.

    Parameters
    ----------
    cost, effect : array (k,)    mean cost and mean effect of each option

    Returns
    -------
    list (k,), array (k,)        "on the frontier", "dominated" (another option costs no more and is no less effective)
                                 or "extendedly dominated" (by a mix of two others); cost per unit of effect gained,
                                 NaN off the frontier and for its cheapest option

    References
    ----------
    Weinstein (1990) Int J Technol Assess Health Care 6:467; Paulden (2020) Pharmacoeconomics 38:785.

    Examples
    --------
    >>> status, ratio = frontier(np.array([0.0, 100, 400, 350]), np.array([0.0, 0.5, 1.0, 0.6]))
    >>> status[3], ratio.tolist()
    ('extendedly dominated', [nan, 200.0, 600.0, nan])
    """
    costs, effects = np.asarray(cost, float), np.asarray(effect, float)
    if len(costs) < 2 or not (np.isfinite(costs).all() and np.isfinite(effects).all()):
        raise NotEstimableError("frontier", Problem("cost, effect", "fewer than two options, or a mean is missing"))
    status = [ON] * len(costs)
    compared = _without_noise(costs), _without_noise(effects)
    order = [int(i) for i in np.lexsort((-compared[1], compared[0]))]
    best = -np.inf
    for option in order:
        if compared[1][option] <= best:
            status[option] = DOMINATED
        best = max(best, float(compared[1][option]))
    left = [option for option in order if status[option] == ON]
    while (weak := _weak_link(left, costs, effects)) is not None:
        status[left.pop(weak)] = EXTENDEDLY
    ratio = np.full(len(costs), np.nan)
    for before, option in itertools.pairwise(left):
        ratio[option] = (costs[option] - costs[before]) / (effects[option] - effects[before])
    return status, ratio


def _weak_link(left: list[int], costs: np.ndarray, effects: np.ndarray) -> int | None:
    """Return the index of an option whose ratio is larger than that of the next one, or None."""
    steps = np.diff(costs[left]) / np.diff(effects[left])
    falls = np.flatnonzero(np.diff(steps) < -TOLERANCE * np.abs(steps[:-1]))
    return int(falls[0]) + 1 if len(falls) else None


def _without_noise(values: np.ndarray) -> np.ndarray:
    """Return the values with those that differ only by rounding made equal."""
    (joined,) = as_one_time(values)
    return joined
