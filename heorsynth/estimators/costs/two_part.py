"""The two-part model of cost: logistic regression of any cost, and gamma regression with log link of positive costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.separation import separated_outcomes

_Slope = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Maps the linear predictor (c,) of cells to their score residuals (c,) and information weights (c,)."""

_MOST_INDICATORS = 30
"""Patients with the same values of at most so many indicators are counted together."""

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
    cells = _cells(cost, treated, covariates, lambda known: (known > 0).astype(float))
    design, happened = cells.design, cells.total

    def slope(linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        score = special.expit(linear)
        return happened - cells.count * score, cells.count * score * (1 - score)

    what = "odds of any cost"
    coef = _newton(cells, slope, start=0.0)
    if coef is None:
        both = [happened > 0, happened < cells.count]
        seen = np.concatenate([design[one] for one in both])
        if separated_outcomes(seen, np.repeat([1.0, 0.0], [one.sum() for one in both])):
            found = "the likelihood has no maximum: all of a level, or none, have any"
            raise NotEstimableError(what, Problem("cost", found))
        raise _no_convergence(what)
    information = design.T @ (slope(design @ coef)[1][:, None] * design)
    return _of_arm(coef, np.linalg.inv(information), cells.n, len(cost), "log odds ratio of any cost")


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
    cells = _cells(cost[some], treated[some], None if covariates is None else covariates[some], lambda known: known)
    design = cells.design

    def slope(linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ratio = cells.total * np.exp(-linear)
        return ratio - cells.count, ratio

    coef = _newton(cells, slope, start=float(np.log(cells.total.sum() / cells.n)))
    if coef is None:
        raise _no_convergence("gamma model of cost")
    linear = design @ coef
    _, weight = slope(linear)
    bread = np.linalg.inv(design.T @ (weight[:, None] * design))
    squares = cells.square * np.exp(-2 * linear) - 2 * weight + cells.count
    meat = design.T @ (squares[:, None] * design)
    return _of_arm(coef, bread @ meat @ bread, cells.n, len(cost), "log ratio of mean positive cost")


@dataclass(frozen=True, eq=False)
class _Cells:
    """Patients with the same row of the design: each patient, unless all columns are indicators.

    Attributes
    ----------
    design : array (c, p)                  intercept, arm and independent covariates, each scaled to at most 1
    count, total, square : array (c,)      patients, and the sums of their outcomes and of the squares
    """

    design: np.ndarray
    count: np.ndarray
    total: np.ndarray
    square: np.ndarray

    @property
    def n(self) -> int:
        """Number of patients."""
        return int(self.count.sum())


def _cells(
    cost: np.ndarray,
    treated: np.ndarray,
    covariates: np.ndarray | None,
    outcome: Callable[[np.ndarray], np.ndarray],
) -> _Cells:
    """Return the cells of the patients with known costs."""
    values = np.asarray(cost, float)
    known = np.isfinite(values)
    columns = [np.asarray(treated, float), *([] if covariates is None else np.asarray(covariates, float).T)]
    columns, values = [column[known] for column in columns], outcome(values[known])
    if len(values) <= len(columns) + 1 or np.ptp(columns[0]) == 0:
        raise NotEstimableError("model of cost", Problem("cost", "too few patients with a known cost in an arm"))
    rows, place = _distinct_rows(columns)
    design = np.column_stack([np.ones(len(rows)), rows])
    count, total, square = (np.bincount(place, part, len(rows)) for part in (None, values, values**2))
    design = design / np.maximum(np.abs(design).max(axis=0), np.finfo(float).tiny)
    padded = np.concatenate([np.sqrt(count)[:, None] * design, np.zeros((design.shape[1], design.shape[1]))])
    upper = np.abs(np.diag(np.linalg.qr(padded, mode="r")))
    return _Cells(design[:, upper > 1e-8 * upper.max()], count.astype(float), total, square)


def _distinct_rows(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the different rows (c, k) of indicators and each patient's among them (n,); of others, all rows."""
    indicators = len(columns) <= _MOST_INDICATORS and all(((one == 0) | (one == 1)).all() for one in columns)
    if not indicators:
        return np.column_stack(columns), np.arange(len(columns[0]))
    code = np.sum([column.astype(np.int64) << place for place, column in enumerate(columns)], axis=0)
    held, place = np.unique(code, return_inverse=True)
    return (held[:, None] >> np.arange(len(columns)) & 1).astype(float), place


def _newton(cells: _Cells, slope: _Slope, start: float) -> np.ndarray | None:
    """Return the coefficients with the largest likelihood, or None without convergence."""
    design = cells.design
    coef = np.zeros(design.shape[1])
    coef[0] = start
    for _ in range(STEPS):
        residual, weight = slope(design @ coef)
        information = design.T @ (weight[:, None] * design)
        if np.linalg.eigvalsh(information)[0] < 1e-10 * cells.n:
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
