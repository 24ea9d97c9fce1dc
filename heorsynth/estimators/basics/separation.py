"""Whether a likelihood has a maximum. This depends on who is at risk with whom, and not on rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

ROUNDS, ROWS = 200, 100
"""Rounds of the search for a separating direction, and the number of constraints added in each."""

STRICT, BROKEN = 1e-7, 1e-8
"""For covariates scaled to 1: a gain below `STRICT` counts as 0, a difference below -`BROKEN` as a violation."""

_NO_INFORMATION = 1e-10
"""For several covariates scaled to 1: information per event along a direction, at zero effect, that counts as 0."""


@dataclass(frozen=True)
class RiskSets:
    """The patients at risk at each of k event times, and those with the event.

    Attributes
    ----------
    X : array (n, p)                 covariates
    rows, death : array of int (e,)  patient of each event, and index of its time
    lower, upper : array of int (n,) each patient is at risk at the event times lower, .., upper - 1
    """

    X: np.ndarray
    rows: np.ndarray
    death: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def leaders(self, values: np.ndarray) -> np.ndarray:
        """Return the patient (k,) with the largest value at risk at each event time, the first in case of ties.

        Notes
        -----
        Each patient's span of event times is covered by two spans of length 2^l. The largest value of each span is
        passed on to its halves. This takes (n + k) log k steps, with or without delayed entry.
        """
        k = int(self.death.max()) + 1
        order = np.lexsort((-np.arange(len(values)), values))
        rank = np.empty(len(values), int)
        rank[order] = np.arange(len(values))
        there = np.flatnonzero(self.upper > self.lower)
        level = np.frexp(self.upper[there] - self.lower[there])[1] - 1
        depth = int(level.max()) + 1
        best = np.full((depth, k), -1)
        np.maximum.at(best, (level, self.lower[there]), rank[there])
        np.maximum.at(best, (level, self.upper[there] - 2**level), rank[there])
        for step in range(depth - 1, 0, -1):
            half = 2 ** (step - 1)
            np.maximum(best[step - 1], best[step], out=best[step - 1])
            np.maximum(best[step - 1, half:], best[step, :-half], out=best[step - 1, half:])
        return np.asarray(order[best[0]])


def separated(sets: RiskSets) -> bool:
    """Return True if some direction of the covariates orders every event at or above all patients at risk with it.

    Returns
    -------
    bool      True: the partial likelihood increases without limit along that direction. False: along every direction it
              decreases or is constant (for a covariate that is constant within every risk set)

    Notes
    -----
    Along b = s·v with growing s, an event of patient i contributes s·v·x_i minus the logarithm of a positively weighted
    sum of exp(s·v·x_j) over those at risk, with Breslow's and with Efron's treatment of ties. This is bounded below
    only if v·x_i >= v·x_j for all j at risk, and it increases if one of them is smaller. One covariate is decided by
    comparing values, without rounding. For several covariates, linear programming maximises v·c, where c is the sum
    over events of x_i minus the mean at risk. v·c is above 0 exactly for a separating direction. Constraints are added
    where the current direction violates one.

    References
    ----------
    Albert & Anderson (1984) Biometrika 71:1; Bryson & Johnson (1981) Technometrics 23:381.
    """
    if sets.X.shape[1] == 1:
        return any(_orders(sets, side * sets.X[:, 0]) for side in (1.0, -1.0))
    gain = sets.X[sets.rows].sum(axis=0) - _means_at_risk(sets).sum(axis=0)
    return _exists(gain, lambda direction: _broken(sets, direction))


def separated_outcomes(design: np.ndarray, happened: np.ndarray) -> bool:
    """Return True if a combination of the columns (n, p) orders all with the outcome (n,) at or above all others.

    The design must include an intercept. If True, the likelihood of the logistic regression has no maximum, for example
    because everybody of one level has the outcome.

    References
    ----------
    Albert & Anderson (1984) Biometrika 71:1.
    """
    sided = np.where(happened[:, None] > 0, design, -design)

    def broken(direction: np.ndarray) -> np.ndarray:
        short = -(sided @ direction)
        worst = np.argsort(-short, kind="stable")[:ROWS]
        return np.asarray(sided[worst[short[worst] > BROKEN]])

    return _exists(sided.sum(axis=0), broken)


def _exists(gain: np.ndarray, broken: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Return True if a direction of positive `gain` (p,) violates no constraint; `broken` gives violated ones (r, p).

    If `ROUNDS` do not decide, the result is False. A fit without a maximum then reaches its own limit of steps.
    """
    if (largest := float(np.abs(gain).max())) <= BROKEN:
        return False
    constraints = np.zeros((0, len(gain)))
    for _ in range(ROUNDS):
        found = scipy.optimize.linprog(
            -gain / largest,
            A_ub=-constraints if len(constraints) else None,
            b_ub=np.zeros(len(constraints)) if len(constraints) else None,
            bounds=(-1, 1),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if -found.fun <= STRICT:
            return False
        if not len(more := broken(found.x)):
            return True
        constraints = np.concatenate([constraints, more])
    return False


def uninformative(sets: RiskSets, information: np.ndarray) -> bool:
    """Return True if a combination of covariates is constant within every risk set; `information` is that at 0."""
    if sets.X.shape[1] == 1:
        values = sets.X[:, 0]
        return bool((values[sets.leaders(values)] == values[sets.leaders(-values)]).all())
    return bool(np.linalg.eigvalsh(information)[0] <= _NO_INFORMATION * len(sets.rows))


def _orders(sets: RiskSets, values: np.ndarray) -> bool:
    """Return True if each event's value is the largest at risk, and some value at risk is smaller."""
    largest, smallest = (side * (side * values)[sets.leaders(side * values)] for side in (1.0, -1.0))
    return bool((values[sets.rows] >= largest[sets.death]).all() and (smallest < largest).any())


def _broken(sets: RiskSets, direction: np.ndarray) -> np.ndarray:
    """Return scaled differences (r, p) between an event and a patient at risk with it that the direction violates."""
    values = sets.X @ direction
    leaders = sets.leaders(values)[sets.death]
    short = values[leaders] - values[sets.rows]
    worst = np.argsort(-short, kind="stable")[:ROWS]
    worst = worst[short[worst] > BROKEN]
    found = sets.X[sets.rows[worst]] - sets.X[leaders[worst]]
    return np.asarray(found / np.abs(found).max(axis=1, keepdims=True))


def _means_at_risk(sets: RiskSets) -> np.ndarray:
    """Return the mean covariates of those at risk (e, p), for each event."""
    k = int(sets.death.max()) + 1
    change = np.zeros((k + 1, sets.X.shape[1] + 1))
    both = np.column_stack([np.ones(len(sets.X)), sets.X])
    np.add.at(change, sets.lower, both)
    np.subtract.at(change, sets.upper, both)
    sums = np.cumsum(change, axis=0)[:-1][sets.death]
    return np.asarray(sums[:, 1:] / sums[:, :1])
