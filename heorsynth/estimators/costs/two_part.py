"""The two-part model of cost: logistic regression of any cost, and gamma regression with log link of positive costs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.separation import separated_outcomes

_Slope = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Maps the linear predictor (n,) to the score residuals (n,) and the information weights (n,)."""

STEPS, TOLERANCE = 50, 1e-10
"""The limit of Newton steps, and the largest change of a coefficient at convergence."""


def any_cost(cost: np.ndarray, treated: np.ndarray, covariates: np.ndarray | None = None) -> Estimate:
    """Return the log odds ratio of any cost, treated against the others, adjusted for covariates.

    Parameters
    ----------
    cost : array (n,)                        missing values are left out
    treated : array of bool (n,)             the arm
    covariates : array (n, k), optional      numbers; linearly dependent columns are left out

    Raises
    ------
    NotEstimableError                        everybody or nobody in an arm has a cost

    References
    ----------
    Duan, Manning, Morris & Newhouse (1983) JBES 1:115. Against statsmodels' Logit:
    tests/unit/estimators/costs/test_two_part.py
    """
    outcome, design = _design(cost, treated, covariates)
    happened = (outcome > 0).astype(float)

    def slope(linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        score = special.expit(linear)
        return happened - score, score * (1 - score)

    what = "odds of any cost"
    coef = _newton(design, slope, start=0.0)
    if coef is None:
        if separated_outcomes(design, happened):
            found = "the likelihood has no maximum: all of a level, or none, have any"
            raise NotEstimableError(what, Problem("cost", found))
        raise _no_convergence(what)
    information = design.T @ (slope(design @ coef)[1][:, None] * design)
    return _of_arm(coef, np.linalg.inv(information), len(outcome), len(cost), "log odds ratio of any cost")


def positive_cost(cost: np.ndarray, treated: np.ndarray, covariates: np.ndarray | None = None) -> Estimate:
    """Return the log ratio of mean cost among patients with a cost, treated against others, by a gamma model.

    The link is logarithmic and the parameters are those of `any_cost`. The sandwich standard error is valid for any
    variance function.

    References
    ----------
    Blough, Madden & Hornbrook (1999) J Health Econ 18:153; Manning & Mullahy (2001) J Health Econ 20:461. Against
    statsmodels' GLM: tests/unit/estimators/costs/test_two_part.py
    """
    some = np.asarray(cost, float) > 0
    if not some.any():
        raise NotEstimableError("gamma model of cost", Problem("cost", "nobody has any"))
    outcome, design = _design(cost[some], treated[some], None if covariates is None else covariates[some])

    def slope(linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ratio = outcome * np.exp(-linear)
        return ratio - 1, ratio

    coef = _newton(design, slope, start=float(np.log(outcome.mean())))
    if coef is None:
        raise _no_convergence("gamma model of cost")
    residual, weight = slope(design @ coef)
    bread = np.linalg.inv(design.T @ (weight[:, None] * design))
    meat = design.T @ ((residual**2)[:, None] * design)
    return _of_arm(coef, bread @ meat @ bread, len(outcome), len(cost), "log ratio of mean positive cost")


def _design(cost: np.ndarray, treated: np.ndarray, covariates: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return known costs (n,), and intercept, arm and independent covariates (n, p), each scaled to at most 1."""
    values = np.asarray(cost, float)
    known = np.isfinite(values)
    columns = np.column_stack([np.ones(len(values)), np.asarray(treated, float)])
    if covariates is not None and covariates.shape[1]:
        columns = np.column_stack([columns, covariates])
    design = columns[known]
    if len(design) <= design.shape[1] or np.ptp(design[:, 1]) == 0:
        raise NotEstimableError("model of cost", Problem("cost", "too few patients with a known cost in an arm"))
    design = design / np.maximum(np.abs(design).max(axis=0), np.finfo(float).tiny)
    upper = np.abs(np.diag(np.linalg.qr(design, mode="r")))
    return values[known], design[:, upper > 1e-8 * upper.max()]


def _newton(design: np.ndarray, slope: _Slope, start: float) -> np.ndarray | None:
    """Return the coefficients with the largest likelihood, or None without convergence."""
    coef = np.zeros(design.shape[1])
    coef[0] = start
    for _ in range(STEPS):
        residual, weight = slope(design @ coef)
        information = design.T @ (weight[:, None] * design)
        if np.linalg.eigvalsh(information)[0] < 1e-10 * len(design):
            break
        step = np.linalg.solve(information, design.T @ residual)
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        coef = coef + step
        if np.abs(step).max() < TOLERANCE:
            return coef
    return None


def _no_convergence(what: str) -> NotEstimableError:
    return NotEstimableError(what, Problem("cost", f"no convergence in {STEPS} steps", "leave out rare levels"))


def _of_arm(coef: np.ndarray, covariance: np.ndarray, n: int, total: int, method: str) -> Estimate:
    return Estimate.normal(float(coef[1]), float(np.sqrt(covariance[1, 1])), method=method, n_used=n, n_total=total)
