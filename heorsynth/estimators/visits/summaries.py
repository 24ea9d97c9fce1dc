"""Means at visits and of outcomes, the dropout curve, and the shares of missing patterns."""

from __future__ import annotations

import math

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.estimators.costs.costs import mean
from heorsynth.estimators.visits.trajectories import Outcome, Trajectories

MONOTONE, INTERMITTENT = "monotone", "intermittent"
PATTERNS = (MONOTONE, INTERMITTENT)
"""Values missing only after the last visit that a patient attended; or, also or only, before it."""

_FEWEST = 2


def mean_at(seen: Trajectories, visit: int, *, unit: str = "") -> Estimate:
    """Return the mean at a visit, over the living patients who were measured, with a t interval.

    Examples
    --------
    >>> values = np.array([[0.8, 0.7], [0.6, np.nan], [0.7, 0.5]])
    >>> mean_at(Trajectories(np.array([0, 1]), values, np.zeros((3, 2), dtype=bool)), 1).value
    0.6
    """
    return mean(seen.living_values[:, visit], unit=unit)


def attending_at(seen: Trajectories, visit: int) -> Estimate:
    """Return the share of the living patients who attend a visit or a later one.

    Notes
    -----
    A patient who is lost to follow-up, or whose follow-up ends before the visit, has left, whatever the cause.

    Examples
    --------
    >>> values = np.array([[0.8, 0.7], [0.6, np.nan], [0.7, np.nan]])
    >>> late = np.array([[False, False], [False, False], [False, True]])
    >>> attending_at(Trajectories(np.array([0, 1]), values, late), 1).value
    0.5
    """
    alive = seen.alive[:, visit]
    method = "share still attending"
    return proportion(int(seen.attending[alive, visit].sum()), int(alive.sum()), n_total=seen.n, method=method)


def pattern_share(seen: Trajectories, pattern: str) -> Estimate:
    """Return the share of patients with a missing pattern: "monotone" or "intermittent" (`PATTERNS`).

    Examples
    --------
    >>> values = np.array([[0.8, 0.7, 0.9], [0.6, np.nan, 0.4], [0.7, np.nan, np.nan]])
    >>> seen = Trajectories(np.array([0, 1, 2]), values, np.zeros((3, 3), dtype=bool))
    >>> [round(pattern_share(seen, name).value, 3) for name in PATTERNS]
    [0.333, 0.333]
    """
    if pattern not in PATTERNS:
        raise NotEstimableError("missing pattern", Problem("pattern", f"{pattern!r}", f"use {' or '.join(PATTERNS)}"))
    chosen = seen.intermittent if pattern == INTERMITTENT else seen.dropped_out & ~seen.intermittent
    return proportion(int(chosen.sum()), seen.n, method=f"share with a {pattern} pattern")


def mean_outcome(outcome: Outcome, *, unit: str = "") -> Estimate:
    """Return the mean of an outcome over all patients, from all known values: such as the area under the mean profile.

    Returns
    -------
    Estimate      valid if values are missing completely at random at each visit. Without missing values it is the mean
                  of the patients' areas or totals

    Raises
    ------
    NotEstimableError      no known value at a visit, or fewer than two patients

    Notes
    -----
    With weights w_ij, 0 after death, and R_ij for known values, the estimate is Σ_j w̄_j ū_j, with
    ū_j = Σ_i R w u / Σ_i R w. Its variance is that of the mean of the influence
    Σ_j w̄_j R_ij w_ij (u_ij - ū_j) / mean(R w_j) + ū_j (w_ij - w̄_j), a ratio estimator at each visit.

    References
    ----------
    Manca, Hawkins & Sculpher (2005) Health Econ 14:487; Cochran (1977) Sampling Techniques, chapter 6.

    Examples
    --------
    >>> from heorsynth.estimators.visits.trajectories import area_weights
    >>> times, values = np.array([0, 0.5, 1]), np.array([[0.8, 0.7, 0.9], [0.6, np.nan, 0.5]])
    >>> seen = Trajectories(times, values, np.zeros((2, 3), dtype=bool))
    >>> round(mean_outcome(Outcome(seen, area_weights(times, np.full(2, np.inf)))).value, 3)
    0.7
    """
    seen = outcome.seen
    weights = np.where(seen.late, 0.0, outcome.weights)
    used = weights * seen.known
    share = used.mean(axis=0)
    if seen.n < _FEWEST or not (share > 0).all():
        raise NotEstimableError("mean of visits", Problem("visits", "a visit without known values"))
    values = np.where(seen.known, seen.values, 0.0)
    means, whole = (used * values).mean(axis=0) / share, weights.mean(axis=0)
    influence = (used * (values - means) * (whole / share) + means * (weights - whole)).sum(axis=1)
    return Estimate.normal(
        float(means @ whole),
        float(influence.std(ddof=1)) / math.sqrt(seen.n),
        unit=unit,
        method="from the means at visits",
        n_used=int(outcome.known.sum()),
        n_total=seen.n,
    )
