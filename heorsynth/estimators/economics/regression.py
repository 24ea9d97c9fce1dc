"""Regressions of cost and effect together, and imputation of missing outcomes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from heorsynth.core.display import counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.economics.arms import FEWEST, ArmMeans
from heorsynth.estimators.economics.increments import Increments

_BLOCK = 16_384
"""So many patients are multiplied at a time."""

_MANY = 5000
"""From so many patients on, regressions are solved from the sums of products of their columns."""

_CLEAR = 1e-6
"""They are if the smallest eigenvalue of a design's correlations, and the share of an outcome's sum of squares that is
left, are above this: the sums then keep ten digits. Otherwise columns are decomposed."""

IMPUTATIONS, CYCLES, DONORS = 20, 5, 5
"""Imputed data sets, rounds of the chained equations before each, and donors for predictive mean matching."""


def adjusted_means(
    cost: np.ndarray,
    effect: np.ndarray,
    arm: np.ndarray,
    arms: int,
    cost_covariates: np.ndarray | None = None,
    effect_covariates: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
) -> ArmMeans:
    """Return mean cost and effect of each arm at the mean covariates, by seemingly unrelated regressions.

    Parameters
    ----------
    cost, effect : array (n,)           per patient; patients with a missing value are left out
    arm : array of int (n,)             from 0 to arms - 1; negative for patients of other arms
    cost_covariates : array (n, k)      of the cost equation, such as age
    effect_covariates : array (n, l)    of the effect equation; including the baseline utility adjusts the QALY for its
                                        imbalance (Manca, Hawkins & Sculpher 2005 Health Econ 14:487)
    cluster (n,)                        cluster of each patient, "" where it is missing; for a cluster-robust covariance

    Returns
    -------
    ArmMeans        one part: the coefficients' covariance (residual covariance divided by √(d₁·d₂)) and the equations'
                    degrees of freedom. The mean covariates are treated as known; increments do not depend on them

    Raises
    ------
    NotEstimableError      fewer patients than coefficients, linearly dependent covariates, or an arm with one cluster

    Notes
    -----
    The cluster-robust covariance is A⁻¹ (Σ_g u_g u_gᵀ) A⁻¹, with A the matrix of the normal equations and u_g the sum
    of the scores of cluster g. Equation i is scaled by √(G/(G - 1) · (n - 1)/d_i), as statsmodels and Stata do for one
    equation. The degrees of freedom are G minus the number of arms (Donner & Klar 2000).

    References
    ----------
    Zellner (1962) J Am Stat Assoc 57:348; Willan, Briggs & Hoch (2004) Health Econ 13:461; Liang & Zeger (1986)
    Biometrika 73:13; Donner & Klar (2000) Cluster Randomization Trials.
    """
    n_total = int((arm >= 0).sum())
    outcomes = np.column_stack([np.asarray(cost, float), np.asarray(effect, float)])
    extras = [_columns(part, len(outcomes)) for part in (cost_covariates, effect_covariates)]
    rows = np.isfinite(np.column_stack([outcomes, *extras])).all(axis=1) & (arm >= 0)
    if cluster is not None:
        rows &= cluster != ""
    used, outcomes = np.equal.outer(np.arange(arms), arm[rows]).astype(float), outcomes[rows].T
    designs = [_design(used, part[rows]) for part in extras]
    if effect_covariates is cost_covariates:
        designs[1] = designs[0]
    freedom = [len(design) - design.shape[1] for design in designs]
    crossed = _crossed(designs, outcomes) if min(freedom) >= _MANY else None
    if min(freedom) < 1 or (
        crossed is None and any(np.linalg.matrix_rank(design) < design.shape[1] for design in designs)
    ):
        raise NotEstimableError(
            "seemingly unrelated regression",
            Problem("covariates", f"not identified from {counted(int(rows.sum()), 'patient')}"),
        )
    found, covariance, weight = _least_squares(designs, outcomes, freedom, crossed)
    degrees = float(min(freedom))
    if cluster is not None:
        groups = _clusters(cluster[rows], arm[rows], arms)
        covariance = covariance @ _meat(designs, outcomes, found, weight, groups, freedom) @ covariance
        degrees = float(groups.max() + 1 - arms)
    places = [equation * designs[0].shape[1] + place for place in range(arms) for equation in (0, 1)]
    part = covariance[np.ix_(places, places)]
    return ArmMeans(found[places].reshape(-1, 2), ((part, degrees),), int(rows.sum()), n_total)


def _design(dummies: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """Return the columns (n, a + k) of an equation: the arms (a, n), and centred covariates (n, k)."""
    return np.concatenate([dummies, (covariates - covariates.mean(axis=0)).T]).T


def _crossed(designs: list[np.ndarray], outcomes: np.ndarray) -> np.ndarray | None:
    """Return the sums of products of the columns of both designs and both outcomes; None if they lose too much."""
    both = np.concatenate([*(design.T for design in designs), outcomes])
    crossed = np.zeros((len(both), len(both)))
    for begin in range(0, both.shape[1], _BLOCK):
        part = both[:, begin : begin + _BLOCK]
        crossed += part @ part.T
    begin = 0
    for place, design in enumerate(designs):
        own = slice(begin, begin := begin + design.shape[1])
        scale = np.sqrt(np.diagonal(crossed)[own])
        if scale.min() == 0 or np.linalg.eigvalsh(crossed[own, own] / np.outer(scale, scale))[0] < _CLEAR:
            return None
        right, whole = crossed[own, place - 2], crossed[place - 2, place - 2]
        if whole - right @ np.linalg.solve(crossed[own, own], right) <= _CLEAR * whole:
            return None
    return crossed


def _clusters(cluster: np.ndarray, arm: np.ndarray, arms: int) -> np.ndarray:
    """Return the clusters as numbers from 0; NotEstimableError for an arm with fewer than two of them."""
    groups = np.unique(cluster, return_inverse=True)[1]
    fewest = min(len(set(groups[arm == place].tolist())) for place in range(arms))
    if fewest < FEWEST or groups.max() + 1 <= arms:
        found = Problem("cluster", f"{fewest} clusters in an arm", "two or more in each arm, and more than arms in all")
        raise NotEstimableError("cluster-robust covariance", found)
    return np.asarray(groups)


def _meat(
    designs: list[np.ndarray],
    outcomes: np.ndarray,
    found: np.ndarray,
    weight: np.ndarray,
    groups: np.ndarray,
    freedom: list[int],
) -> np.ndarray:
    """Return the sum over clusters of the outer products of their scores, scaled for few clusters."""
    n, count = len(groups), int(groups.max()) + 1
    first = designs[0].shape[1]
    left = [y - x @ b for x, y, b in zip(designs, outcomes, (found[:first], found[first:]), strict=True)]
    scores = [(weight[i, 0] * left[0] + weight[i, 1] * left[1])[:, None] * designs[i] for i in (0, 1)]
    scale = [math.sqrt(count / (count - 1) * (n - 1) / degrees) for degrees in freedom]
    each = np.column_stack([part * factor for part, factor in zip(scores, scale, strict=True)])
    sums = np.zeros((count, each.shape[1]))
    np.add.at(sums, groups, each)
    return np.asarray(sums.T @ sums)


def _least_squares(
    designs: list[np.ndarray], outcomes: np.ndarray, freedom: list[int], crossed: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the coefficients by feasible generalised least squares, their covariance, and the weight (2, 2)."""
    if crossed is None:
        left = np.array([y - x @ np.linalg.lstsq(x, y, rcond=None)[0] for x, y in zip(designs, outcomes, strict=True)])
        squares = left @ left.T
        products = [[designs[i].T @ designs[j] for j in (0, 1)] for i in (0, 1)]
        with_outcomes = [[designs[i].T @ outcomes[j] for j in (0, 1)] for i in (0, 1)]
    else:
        first = designs[0].shape[1]
        places = (slice(0, first), slice(first, first + designs[1].shape[1]))
        products = [[crossed[i, j] for j in places] for i in places]
        with_outcomes = [[crossed[places[i], j - 2] for j in (0, 1)] for i in (0, 1)]
        weights = [np.linalg.solve(products[i][i], with_outcomes[i][i]) for i in (0, 1)]
        squares = np.array(
            [
                [
                    crossed[i - 2, j - 2]
                    - weights[i] @ with_outcomes[i][j]
                    - weights[j] @ with_outcomes[j][i]
                    + weights[i] @ products[i][j] @ weights[j]
                    for j in (0, 1)
                ]
                for i in (0, 1)
            ]
        )
    sigma = np.array([[squares[i, j] / math.sqrt(freedom[i] * freedom[j]) for j in (0, 1)] for i in (0, 1)])
    weight = np.linalg.pinv(sigma)
    normal = np.block([[weight[i, j] * products[i][j] for j in (0, 1)] for i in (0, 1)])
    right = np.concatenate([sum(weight[i, j] * with_outcomes[i][j] for j in (0, 1)) for i in (0, 1)])
    inverse = np.linalg.inv(normal)
    return inverse @ right, inverse, weight


def seemingly_unrelated(
    cost: np.ndarray,
    effect: np.ndarray,
    treated: np.ndarray,
    cost_covariates: np.ndarray | None = None,
    effect_covariates: np.ndarray | None = None,
) -> Increments:
    """Return the adjusted incremental cost and effect of two arms, from `adjusted_means`.

    Parameters
    ----------
    treated : array of bool (n,)    the arm; the others as in `adjusted_means`
    """
    arm = np.asarray(treated, bool).astype(int)
    return adjusted_means(cost, effect, arm, 2, cost_covariates, effect_covariates).increments(1)


def _columns(covariates: np.ndarray | None, n: int) -> np.ndarray:
    if covariates is None:
        return np.empty((n, 0))
    found = np.asarray(covariates, float)
    return found[:, None] if found.ndim == 1 else found


def imputed_means(
    cost: np.ndarray,
    effect: np.ndarray,
    arm: np.ndarray,
    arms: int,
    covariates: np.ndarray | None,
    rng: np.random.Generator,
    *,
    baseline: np.ndarray | None = None,
    imputations: int = IMPUTATIONS,
    cluster: np.ndarray | None = None,
) -> ArmMeans:
    """Return mean cost and effect of each arm with missing outcomes imputed, adjusted for covariates.

    Values are assumed missing at random: missingness depends only on the arm, the given covariates and the other
    outcome if it is known, never on the missing value itself.

    Parameters
    ----------
    cost, effect, arm : array (n,)    as in `adjusted_means`
    covariates : array (n, k)         numbers, for both equations and the imputation
    baseline : array (n,)             for the effect equation and the imputation only
    imputations : int                 number of imputed data sets, by chained equations with predictive mean matching
    cluster (n,)                      for the covariance of each completed data set; the imputation does not use it

    Returns
    -------
    ArmMeans                          `adjusted_means` of each imputed data set, pooled by Rubin's rules
                                      W̄ + (1 + 1/M)·B, one part each; `n_used` counts patients with both outcomes known

    References
    ----------
    Rubin (1987) Multiple Imputation for Nonresponse in Surveys; White, Royston & Wood (2011) Stat Med 30:377;
    Barnard & Rubin (1999) Biometrika 86:948. The equations are statsmodels' (`statsmodels.imputation.mice.MICEData`).
    """
    from statsmodels.imputation.mice import MICEData

    if imputations < 2:
        raise NotEstimableError("imputation", Problem("imputations", f"{imputations}", "at least 2 are needed"))
    here = arm >= 0
    dummies = np.equal.outer(arm[here], np.arange(1, arms)).astype(float)
    shared, own = _columns(covariates, len(arm))[here], _columns(baseline, len(arm))[here]
    columns = np.column_stack([cost[here], effect[here], dummies, shared, own]).astype(float)
    _require_donors(columns, arm[here], arms)
    numbered = pd.DataFrame(columns, columns=[f"column_{i}" for i in range(columns.shape[1])])
    chained = MICEData(numbered, k_pmm=DONORS, rng=rng)
    first, last = 2 + dummies.shape[1], 2 + dummies.shape[1] + shared.shape[1]
    within_clusters = None if cluster is None else cluster[here]
    completed = []
    for _ in range(imputations):
        chained.update_all(CYCLES)
        done = chained.data[numbered.columns].to_numpy()
        outcomes = done[:, 0], done[:, 1], arm[here], arms
        completed.append(adjusted_means(*outcomes, done[:, first:last], done[:, first:], within_clusters))
    known = int(np.isfinite(columns[:, :2]).all(axis=1).sum())
    return pooled_imputations(completed, known, len(columns))


def pooled_imputations(completed: Sequence[ArmMeans], n_used: int, n_total: int) -> ArmMeans:
    """Return the means of imputed data sets pooled by Rubin's rules: W̄ + (1 + 1/M)·B, one part each.

    Parameters
    ----------
    completed : sequence (M,)    the means in each imputed data set
    n_used, n_total : int        patients with both outcomes known, and all patients

    References
    ----------
    Rubin (1987) Multiple Imputation for Nonresponse in Surveys; Barnard & Rubin (1999) Biometrika 86:948.

    Examples
    --------
    >>> one = adjusted_means(np.array([1, 3, 5, 7.0]), np.array([1, 1, 1, 2.0]), np.array([0, 0, 1, 1]), 2)
    >>> bool(np.allclose(pooled_imputations([one, one], 4, 4).covariance, one.covariance))
    True
    """
    within = np.mean([one.covariance for one in completed], axis=0)
    points = np.array([one.means.ravel() for one in completed])
    parts = [(within, completed[0].parts[0][1])]
    between = (1 + 1 / len(completed)) * np.cov(points.T, ddof=1)
    if between.any():
        parts.append((between, float(len(completed) - 1)))
    return ArmMeans(points.mean(axis=0).reshape(-1, 2), tuple(parts), n_used, n_total)


def _require_donors(columns: np.ndarray, arm: np.ndarray, arms: int) -> None:
    """Raise NotEstimableError for an arm with fewer than two known values, which would be imputed from other arms."""
    known = np.isfinite(columns[:, :2])
    fewest = min(int(known[arm == place].sum(axis=0).min()) for place in range(arms))
    if fewest < FEWEST:
        raise NotEstimableError(
            "imputation", Problem("cost, effect", f"known for {counted(fewest, 'patient')} of an arm")
        )


def imputed(
    frame: pd.DataFrame,
    cost: str,
    effect: str,
    treated: str,
    covariates: Sequence[str],
    rng: np.random.Generator,
    *,
    imputations: int = IMPUTATIONS,
) -> Increments:
    """Return incremental cost and effect of two arms with missing outcomes imputed, from `imputed_means`.

    Parameters
    ----------
    frame : DataFrame    one row per patient, numbers only: `cost`, `effect`, `treated` (0/1), `covariates`
    """
    held = {name: frame[name].to_numpy(float) for name in (cost, effect, treated, *covariates)}
    extra = np.column_stack([held[name] for name in covariates]) if covariates else None
    arm = (held[treated] > 0).astype(int)
    return imputed_means(held[cost], held[effect], arm, 2, extra, rng, imputations=imputations).increments(1)
