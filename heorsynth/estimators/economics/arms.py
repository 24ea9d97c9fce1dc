"""Mean cost and effect of every arm with their joint covariance, for patients or pooled over synthetic cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.economics.increments import Increments, Joint, Parts

FEWEST = 2
"""The smallest number of patients of an arm with both outcomes known, for a variance."""


@dataclass(frozen=True)
class ArmMeans:
    """Mean cost and effect of a number (a) of arms.

    Attributes
    ----------
    means : array (a, 2)     mean cost and mean effect of each arm
    parts : tuple            independent parts (covariance (2a, 2a), degrees of freedom) whose sum is the covariance of
                             the means, in the order cost and effect of the first arm, of the second arm, ...
    n_used, n_total : int    patients with both known, and patients in the data
    """

    means: np.ndarray
    parts: Parts
    n_used: int
    n_total: int

    @property
    def covariance(self) -> np.ndarray:
        """The covariance (2a, 2a) of the means."""
        return np.asarray(sum(part for part, _ in self.parts))

    def increments(self, place: int, against: int = 0) -> Increments:
        """Return the incremental cost and effect of the arm at `place` against the arm at `against`."""
        contrast = np.zeros((2, self.means.size))
        contrast[[0, 1], [2 * place, 2 * place + 1]] = 1.0
        contrast[[0, 1], [2 * against, 2 * against + 1]] = -1.0
        cost, effect = contrast @ self.means.ravel()
        parts = tuple((contrast @ part @ contrast.T, degrees) for part, degrees in self.parts)
        covariance = np.asarray(sum(part for part, _ in parts))
        return Increments(float(cost), float(effect), covariance, self.n_used, self.n_total, parts)


def arm_means(cost: np.ndarray, effect: np.ndarray, arm: np.ndarray, arms: int) -> ArmMeans:
    """Return the means over the patients of each arm with both known, each arm with its own covariance.

    Parameters
    ----------
    cost, effect : array (n,)    per patient; NaN where missing
    arm : array of int (n,)      from 0 to arms - 1; negative for patients of other arms

    Raises
    ------
    NotEstimableError            an arm with fewer than two patients whose cost and effect are known

    Examples
    --------
    >>> found = arm_means(np.array([1, 3, 5, 7.0]), np.array([1, 1, 1, 2.0]), np.array([0, 0, 1, 1]), 2)
    >>> found.means.tolist(), found.increments(1).cost
    ([[2.0, 1.0], [6.0, 1.5]], 4.0)
    """
    both = np.column_stack([np.asarray(cost, float), np.asarray(effect, float)])
    known = np.isfinite(both).all(axis=1)
    joints = []
    for place in range(arms):
        rows = both[known & (arm == place)]
        if len(rows) < FEWEST:
            raise NotEstimableError(
                "economic evaluation",
                Problem("cost, effect", f"{counted(len(rows), 'patient')} of an arm with both known"),
            )
        joints.append(Joint.of(rows))
    return arm_means_of(joints, int((arm >= 0).sum()))


def arm_means_of(joints: Sequence[Joint], n_total: int) -> ArmMeans:
    """Return the means of arms, from cost and effect of each; see `arm_means`."""
    arms, parts = len(joints), []
    for place, one in enumerate(joints):
        whole = np.zeros((2 * arms, 2 * arms))
        here = slice(2 * place, 2 * place + 2)
        whole[here, here] = one.covariance / one.n
        parts.append((whole, float(one.n - 1)))
    means = np.array([one.mean for one in joints])
    return ArmMeans(means, tuple(parts), sum(one.n for one in joints), n_total)


def pooled_arms(found: Sequence[ArmMeans], n_source: int, n_rows: int | Sequence[int]) -> ArmMeans:
    """Return the arms' means over m synthetic cohorts, with the information of the source and no more.

    Parameters
    ----------
    found : sequence (m,)     the means in each cohort, computed as if the rows were patients
    n_source : int            patients that an analysis of the rows rests on
    n_rows : int or (m,)      rows of each cohort; one number if all have equally many

    Returns
    -------
    ArmMeans    covariance: the mean of (n_rows/n_source)·covariance, each cohort by its own rows, + B/m, with B the
                covariance between cohorts; with one cohort (n_rows/n_source + 1)·covariance. `n_total` is n_source, and
                `n_used` its share with both known

    Notes
    -----
    This is the rule of `economics.pooling.pool`, with degrees of freedom for each part. A part with ν degrees in a
    cohort has (ν + 1)·n_source/n_rows - 1 in the source (the mean over cohorts), and B has m - 1. `Increments.freedom`
    combines them.

    References
    ----------
    Raab, Nowok & Dibben (2016) J Priv Confid 7(3):67; Reiter (2003) Surv Methodol 29:181.
    """
    if not found:
        raise NotEstimableError("pooling", Problem("rows", "no cohort"))
    m = len(found)
    ratio = np.broadcast_to(np.asarray(n_rows, float), (m,)) / n_source
    scale = ratio if m > 1 else ratio + 1
    parts: list[tuple[np.ndarray, float]] = []
    for same in zip(*(one.parts for one in found), strict=True):
        degrees = float(np.mean((np.array([one for _, one in same]) + 1) / ratio - 1))
        scaled = [times * part for times, (part, _) in zip(scale, same, strict=True)]
        parts.append((np.mean(scaled, axis=0), max(degrees, 1.0)))
    points = np.array([one.means.ravel() for one in found])
    if m > 1:
        parts.append((np.atleast_2d(np.cov(points.T, ddof=1)) / m, float(m - 1)))
    known = float(np.mean([one.n_used / one.n_total for one in found]))
    return ArmMeans(points.mean(axis=0).reshape(-1, 2), tuple(parts), round(known * n_source), n_source)


def resampled_means(
    cohorts: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    arms: int,
    draws: int,
    rng: np.random.Generator,
    n_source: int | None = None,
    clusters: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Return bootstrap draws of the arms' means, of patients or over both the m synthetic cohorts and the patients.

    Parameters
    ----------
    cohorts : sequence     (cost, effect, arm) of each cohort, as in `arm_means`
    n_source : int         patients that synthetic rows rest on; None if the only cohort holds patients
    clusters : sequence    the cluster of each row of each cohort; whole clusters are then resampled

    Returns
    -------
    array (draws, arms, 2)

    Notes
    -----
    Patients are resampled within arms. For synthetic cohorts, a draw is the mean of m resampled cohorts, with its
    deviation multiplied by √(m/(m - 1)), plus the deviation of one cohort's resample with as many rows per arm as the
    source has patients. Its variance is v̄·(n_rows/n_source) + b/m, as in `pooled_arms`. A single cohort has no b; a
    second resample of its own size replaces it.

    Clusters are resampled within arms if each has one arm, else all together. G of them vary less than clusters do by
    the factor (G - 1)/G, for which deviations are multiplied by √(G/(G - 1)).

    References
    ----------
    Briggs, Wonderling & Mooney (1997) Health Econ 6:327. Davison & Hinkley (1997) Bootstrap Methods and their
    Application, section 3.8, for clusters.
    """
    kept = [_by_arm(*cohort, arms) for cohort in cohorts]
    centres = np.array([[rows.mean(axis=0) for rows in cohort] for cohort in kept])
    m = len(kept)

    def deviations(part: int, count: int, share: float) -> np.ndarray:
        if clusters is None:
            return _deviations(kept[part], count, rng, share)
        return _deviations_of_clusters(*cohorts[part], clusters[part], arms, count, rng, share)

    if n_source is None:
        return np.asarray(centres[0] + deviations(0, draws, 1.0))
    around = centres[rng.integers(m, size=(draws, m))].mean(axis=1) - centres.mean(axis=0)
    found = centres.mean(axis=0) + around * np.sqrt(m / max(m - 1, 1))
    one_each = rng.integers(m, size=draws)
    for part in range(m):
        here = np.flatnonzero(one_each == part)
        found[here] += deviations(part, len(here), n_source / len(cohorts[part][2]))
    return np.asarray(found + deviations(0, draws, 1.0) if m == 1 else found)


def _by_arm(cost: np.ndarray, effect: np.ndarray, arm: np.ndarray, arms: int) -> list[np.ndarray]:
    both = np.column_stack([np.asarray(cost, float), np.asarray(effect, float)])
    known = np.isfinite(both).all(axis=1)
    return [both[known & (arm == place)] for place in range(arms)]


def _deviations(cohort: list[np.ndarray], draws: int, rng: np.random.Generator, share: float) -> np.ndarray:
    """Return deviations (draws, arms, 2) of resampled means from the cohort's, with `share` times its rows per arm."""
    found = np.empty((draws, len(cohort), 2))
    for place, rows in enumerate(cohort):
        centred, size = rows - rows.mean(axis=0), max(round(share * len(rows)), 1)
        for draw in range(draws):
            found[draw, place] = centred[rng.integers(len(rows), size=size)].mean(axis=0)
    return found


def _deviations_of_clusters(
    cost: np.ndarray,
    effect: np.ndarray,
    arm: np.ndarray,
    cluster: np.ndarray,
    arms: int,
    draws: int,
    rng: np.random.Generator,
    share: float,
) -> np.ndarray:
    """Return the same with whole clusters resampled, `share` times as many as the cohort has."""
    both = np.column_stack([np.asarray(cost, float), np.asarray(effect, float)])
    known = np.isfinite(both).all(axis=1) & (arm >= 0) & (cluster != "")
    codes = np.unique(cluster[known], return_inverse=True)[1]
    rows, sums = np.zeros((codes.max(initial=-1) + 1, arms)), np.zeros((codes.max(initial=-1) + 1, arms, 2))
    np.add.at(rows, (codes, arm[known]), 1.0)
    np.add.at(sums, (codes, arm[known]), both[known])
    means = sums.sum(axis=0) / rows.sum(axis=0)[:, None]
    sums -= rows[:, :, None] * means
    one_arm = bool(((rows > 0).sum(axis=1) == 1).all())
    strata = [np.flatnonzero(rows[:, place] > 0) for place in range(arms)] if one_arm else [np.arange(len(rows))]
    if min(map(len, strata)) < FEWEST:
        found = Problem("cluster", "one cluster in an arm", "a bootstrap of clusters needs two in each arm")
        raise NotEstimableError("bootstrap", found)
    total, size = np.zeros((draws, arms, 2)), np.zeros((draws, arms))
    for members in strata:
        picked = members[rng.integers(len(members), size=(draws, max(round(share * len(members)), 1)))]
        total += sums[picked].sum(axis=1) * np.sqrt(len(members) / (len(members) - 1))
        size += rows[picked].sum(axis=1)
    return np.asarray(total / np.maximum(size, 1.0)[:, :, None])
