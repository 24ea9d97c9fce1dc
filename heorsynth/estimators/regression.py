"""Cost and effect regressed together, and with missing outcomes imputed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.economics import Increments

IMPUTATIONS, CYCLES, DONORS = 20, 5, 5
"""Completed data sets, rounds of the chained equations before each is taken, and donors a value is drawn from."""


def seemingly_unrelated(
    cost: np.ndarray,
    effect: np.ndarray,
    treated: np.ndarray,
    cost_covariates: np.ndarray | None = None,
    effect_covariates: np.ndarray | None = None,
) -> Increments:
    """Adjusted incremental cost and effect by seemingly unrelated regressions (feasible generalised least squares).

    Parameters
    ----------
    cost, effect : array (n,)           per patient; patients with a missing value anywhere are left out
    treated : array of bool (n,)        the arm
    cost_covariates : array (n, k)      of the cost equation, such as age
    effect_covariates : array (n, l)    of the effect equation; with the utility at baseline this adjusts the QALY
                                        for its imbalance (Manca, Hawkins & Sculpher 2005 Health Econ 14:487)

    Returns
    -------
    Increments      coefficients of the arm with their covariance; residual covariance divided by √(d₁·d₂), the
                    equations' degrees of freedom

    Raises
    ------
    NotEstimableError      fewer patients than coefficients, or covariates that determine one another

    References
    ----------
    Zellner (1962) J Am Stat Assoc 57:348; Willan, Briggs & Hoch (2004) Health Econ 13:461.
    """
    n_total = len(cost)
    columns = [np.asarray(cost, float), np.asarray(effect, float), np.asarray(treated, float)]
    extras = [_columns(part, n_total) for part in (cost_covariates, effect_covariates)]
    rows = np.isfinite(np.column_stack([*columns, *extras])).all(axis=1)
    outcomes = [columns[0][rows], columns[1][rows]]
    designs = [np.column_stack([np.ones(rows.sum()), columns[2][rows], part[rows]]) for part in extras]
    freedom = [len(design) - design.shape[1] for design in designs]
    if min(freedom) < 1 or any(np.linalg.matrix_rank(design) < design.shape[1] for design in designs):
        raise NotEstimableError(
            "seemingly unrelated regression",
            Problem("covariates", f"{int(rows.sum())} patients cannot tell the coefficients apart"),
        )
    left = [y - x @ np.linalg.lstsq(x, y, rcond=None)[0] for x, y in zip(designs, outcomes, strict=True)]
    sigma = np.array([[left[i] @ left[j] / math.sqrt(freedom[i] * freedom[j]) for j in (0, 1)] for i in (0, 1)])
    weight = np.linalg.pinv(sigma)
    normal = np.block([[weight[i, j] * designs[i].T @ designs[j] for j in (0, 1)] for i in (0, 1)])
    right = np.concatenate([sum(weight[i, j] * designs[i].T @ outcomes[j] for j in (0, 1)) for i in (0, 1)])
    inverse = np.linalg.inv(normal)
    found = inverse @ right
    arm = [1, designs[0].shape[1] + 1]
    return Increments(float(found[arm[0]]), float(found[arm[1]]), inverse[np.ix_(arm, arm)], int(rows.sum()), n_total)


def _columns(covariates: np.ndarray | None, n: int) -> np.ndarray:
    if covariates is None:
        return np.empty((n, 0))
    found = np.asarray(covariates, float)
    return found[:, None] if found.ndim == 1 else found


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
    """Incremental cost and effect with missing outcomes imputed, adjusted for covariates.

    Assumes that values are missing at random: whether one is missing depends only on the arm and the named
    covariates (and on the other outcome where that is known), never on the value itself.

    Parameters
    ----------
    frame : DataFrame        one row a patient, numbers only: `cost`, `effect`, `treated` (0/1), `covariates`
    imputations : int        completed data sets, by chained equations with predictive mean matching

    Returns
    -------
    Increments               by `seemingly_unrelated` in each completed set, joined by Rubin's rules
                             W̄ + (1 + 1/M)·B; `n_used` counts the patients with both outcomes known

    References
    ----------
    Rubin (1987) Multiple Imputation for Nonresponse in Surveys; White, Royston & Wood (2011) Stat Med 30:377.
    The equations are statsmodels' (`statsmodels.imputation.mice.MICEData`).
    """
    from statsmodels.imputation.mice import MICEData

    if imputations < 2:
        raise NotEstimableError("imputation", Problem("imputations", f"{imputations}", "at least 2 are needed"))
    names = [cost, effect, treated, *covariates]
    rows = frame[names].astype(float).reset_index(drop=True)
    numbered = rows.set_axis([f"column_{i}" for i in range(len(names))], axis=1)
    known = int(rows[[cost, effect]].notna().all(axis=1).sum())
    chained = MICEData(numbered, k_pmm=DONORS, rng=rng)
    parts = []
    for _ in range(imputations):
        chained.update_all(CYCLES)
        done = chained.data[numbered.columns].to_numpy()
        extra = done[:, 3:]
        parts.append(seemingly_unrelated(done[:, 0], done[:, 1], done[:, 2] > 0, extra, extra))
    points = np.array([[part.cost, part.effect] for part in parts])
    within = np.mean([part.covariance for part in parts], axis=0)
    covariance = within + (1 + 1 / imputations) * np.cov(points.T, ddof=1)
    centre = points.mean(axis=0)
    return Increments(float(centre[0]), float(centre[1]), covariance, known, len(rows))
