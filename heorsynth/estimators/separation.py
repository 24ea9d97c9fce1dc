"""Whether a likelihood has a maximum: a question of which patients stand beside which, not of digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

ROUNDS, ROWS = 200, 100
"""Rounds of the search for a direction of separation, and constraints that each adds at most."""

STRICT, BROKEN = 1e-7, 1e-8
"""For covariates scaled to 1: a gain below `STRICT` is none, a difference below -`BROKEN` breaks the order."""

NO_INFORMATION = 1e-10
"""For several covariates scaled to 1: information an event, along some direction at no effect, that is none."""


@dataclass(frozen=True)
class RiskSets:
    """Who is at risk at each of k event times, and who has the event.

    Attributes
    ----------
    X : array (n, p)                 covariates
    rows, death : array of int (e,)  the patient of each event, and the place of its time
    lower, upper : array of int (n,) each patient is at risk at the event times lower, .., upper - 1
    """

    X: np.ndarray
    rows: np.ndarray
    death: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def leaders(self, values: np.ndarray) -> np.ndarray:
        """The patient (k,) with the largest value at risk at each event time; the first of equals.

        Notes
        -----
        Each patient's span of event times is covered by two of length 2^l, and the largest of each span is handed
        down to its halves: (n + k) log k steps, whatever the entries.
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
    """Whether some direction of the covariates orders every event at or above all who are at risk with it.

    Returns
    -------
    bool      True: the partial likelihood rises for ever along that direction. False: along every direction it falls,
              or stays as it is (a covariate that is constant within every risk set)

    Notes
    -----
    Along b = s·v with s growing, an event of patient i contributes s·v·x_i less the logarithm of a positively weighted
    sum of exp(s·v·x_j) over those at risk, under Breslow's and Efron's treatment of ties alike. It stays bounded below
    only if v·x_i >= v·x_j for all j at risk, and rises for ever if one of them is smaller. One covariate is decided by
    comparing values, with no rounding. For several, v is sought by linear programming: it maximises v·c, c the sum
    over events of x_i less the mean at risk, which is above 0 exactly for a direction that separates. Constraints are
    added where the direction found breaks one.

    References
    ----------
    Albert & Anderson (1984) Biometrika 71:1; Bryson & Johnson (1981) Technometrics 23:381.
    """
    if sets.X.shape[1] == 1:
        return any(_orders(sets, side * sets.X[:, 0]) for side in (1.0, -1.0))
    gain = sets.X[sets.rows].sum(axis=0) - _means_at_risk(sets).sum(axis=0)
    return _exists(gain, lambda direction: _broken(sets, direction))


def separated_outcomes(design: np.ndarray, happened: np.ndarray) -> bool:
    """Whether some combination of the columns (n, p) orders all who had the outcome (n,) at or above all others.

    The same question for a logistic regression whose design holds an intercept: True where its likelihood rises for
    ever, as where everybody of a level has the outcome.

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
    """Whether a direction of positive `gain` (p,) breaks no constraint: `broken` gives those (r, p) that one breaks.

    If `ROUNDS` do not decide it the answer is no: a fit without a maximum then reaches its own limit of steps.
    """
    if (largest := float(np.abs(gain).max())) <= BROKEN:
        return False
    constraints = np.zeros((0, len(gain)))
    for _ in range(ROUNDS):
        found = optimize.linprog(
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
    """Whether covariates, or a combination of them, are constant within every risk set: `information` is that at 0."""
    if sets.X.shape[1] == 1:
        values = sets.X[:, 0]
        return bool((values[sets.leaders(values)] == values[sets.leaders(-values)]).all())
    return bool(np.linalg.eigvalsh(information)[0] <= NO_INFORMATION * len(sets.rows))


def _orders(sets: RiskSets, values: np.ndarray) -> bool:
    """Whether each event's value is the largest at risk, and some value at risk is smaller."""
    largest, smallest = (side * (side * values)[sets.leaders(side * values)] for side in (1.0, -1.0))
    return bool((values[sets.rows] >= largest[sets.death]).all() and (smallest < largest).any())


def _broken(sets: RiskSets, direction: np.ndarray) -> np.ndarray:
    """Differences (r, p) of an event and somebody at risk with it that the direction orders the wrong way, scaled."""
    values = sets.X @ direction
    leaders = sets.leaders(values)[sets.death]
    short = values[leaders] - values[sets.rows]
    worst = np.argsort(-short, kind="stable")[:ROWS]
    worst = worst[short[worst] > BROKEN]
    found = sets.X[sets.rows[worst]] - sets.X[leaders[worst]]
    return np.asarray(found / np.abs(found).max(axis=1, keepdims=True))


def _means_at_risk(sets: RiskSets) -> np.ndarray:
    """The mean of the covariates of those at risk (e, p), for each event."""
    k = int(sets.death.max()) + 1
    change = np.zeros((k + 1, sets.X.shape[1] + 1))
    both = np.column_stack([np.ones(len(sets.X)), sets.X])
    np.add.at(change, sets.lower, both)
    np.subtract.at(change, sets.upper, both)
    sums = np.cumsum(change, axis=0)[:-1][sets.death]
    return np.asarray(sums[:, 1:] / sums[:, :1])
