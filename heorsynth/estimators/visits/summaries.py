"""Means at visits, the area under the mean profile, the dropout curve, and the shares of missing patterns."""

from __future__ import annotations

import math

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.estimators.costs.costs import mean
from heorsynth.estimators.costs.utilities import qaly
from heorsynth.estimators.visits.trajectories import Trajectories

MONOTONE, INTERMITTENT = "monotone", "intermittent"
PATTERNS = (MONOTONE, INTERMITTENT)
"""Values missing only after the last visit that a patient attended; or, also or only, before it."""

_FEWEST = 2


def mean_at(seen: Trajectories, visit: int, *, unit: str = "") -> Estimate:
    """Return the mean at a visit, over the living patients who were measured, with a t interval.

    Examples
    --------
    >>> values = np.array([[0.8, 0.7], [0.6, np.nan], [0.7, 0.5]])
    >>> mean_at(Trajectories(np.array([0, 1]), values, np.full(3, np.inf)), 1).value
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
    >>> attending_at(Trajectories(np.array([0, 1]), values, np.array([np.inf, np.inf, 0.5])), 1).value
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
    >>> seen = Trajectories(np.array([0, 1, 2]), values, np.full(3, np.inf))
    >>> [round(pattern_share(seen, name).value, 3) for name in PATTERNS]
    [0.333, 0.333]
    """
    if pattern not in PATTERNS:
        raise NotEstimableError("missing pattern", Problem("pattern", f"{pattern!r}", f"use {' or '.join(PATTERNS)}"))
    chosen = seen.intermittent if pattern == INTERMITTENT else seen.dropped_out & ~seen.intermittent
    return proportion(int(chosen.sum()), seen.n, method=f"share with a {pattern} pattern")


def areas(seen: Trajectories, *, rate: float = 0.0) -> np.ndarray:
    """Return the area under each patient's values (n,), 0 after death, discounted; NaN if a living value is missing.

    See Also
    --------
    heorsynth.estimators.costs.utilities.qaly : The area, and its formula.

    Examples
    --------
    >>> values = np.array([[0.8, 0.6], [0.8, np.nan]])
    >>> areas(Trajectories(np.array([0, 1]), values, np.array([np.inf, 0.5]))).round(3).tolist()
    [0.7, 0.4]
    """
    return qaly(seen.with_death, seen.times, rate=rate)


def area_weights(times: np.ndarray, rate: float = 0.0) -> np.ndarray:
    """Return the weights (k,) of the values in the area: the area is linear in the values.

    Examples
    --------
    >>> area_weights(np.array([0.0, 0.5, 1.0])).tolist()
    [0.25, 0.5, 0.25]
    """
    return qaly(np.eye(len(times)), times, rate=rate)


def mean_area(seen: Trajectories, *, rate: float = 0.0, unit: str = "") -> Estimate:
    """Return the area under the mean profile: each visit's mean over the known values, 0 after death, discounted.

    Returns
    -------
    Estimate      valid if values are missing completely at random at each visit. Without missing values it is the mean
                  of the patients' areas

    Raises
    ------
    NotEstimableError      fewer than two known values at a visit, or visits that do not start at 0

    Notes
    -----
    With weights w_j, known values R_ij and their number r_j, the estimate is Σ_j w_j ū_j, and its variance
    n/(n - 1) · Σ_i (Σ_j w_j R_ij (u_ij - ū_j)/r_j)², by the influence function.

    References
    ----------
    Manca, Hawkins & Sculpher (2005) Health Econ 14:487.

    Examples
    --------
    >>> values = np.array([[0.8, 0.7, 0.9], [0.6, np.nan, 0.5]])
    >>> round(mean_area(Trajectories(np.array([0, 0.5, 1]), np.vstack([values, values]), np.full(4, np.inf))).value, 3)
    0.7
    """
    weights, values = area_weights(seen.times, rate), seen.with_death
    known = np.isfinite(values)
    count = known.sum(axis=0)
    if seen.n < _FEWEST or count.min() < _FEWEST:
        raise NotEstimableError("area", Problem("visits", "a visit with fewer than two known values"))
    filled = np.where(known, values, 0.0)
    means = filled.sum(axis=0) / count
    influence = np.where(known, filled - means, 0.0) @ (weights / count)
    se = math.sqrt(float(influence @ influence) * seen.n / (seen.n - 1))
    return Estimate.normal(
        float(means @ weights),
        se,
        unit=unit,
        method="area under the mean profile",
        n_used=int(known.all(axis=1).sum()),
        n_total=seen.n,
    )
