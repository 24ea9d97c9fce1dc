"""Can a model tell synthetic rows from real ones? The propensity score's mean squared error, and its null."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from heorsynth.core.errors import NotEstimableError, Problem

STEPS, RIDGE = 25, 1e-6
"""Newton steps of the logistic regression; and a ridge too small to see that lets it end where groups separate."""


@dataclass(frozen=True)
class Propensity:
    """How well a logistic regression tells synthetic from real rows.

    Attributes
    ----------
    pmse, null : float     mean of (p - c)^2 over all rows, and what rows of one law would give
    columns : int          columns of the regression, the intercept left out
    rows : int             real and synthetic rows together
    share : float          of them that are synthetic
    """

    pmse: float
    null: float
    columns: int
    rows: int
    share: float

    @property
    def ratio(self) -> float:
        """pMSE over its null expectation: near 1 where nothing tells the rows apart."""
        return self.pmse / self.null

    @property
    def explained(self) -> float:
        """The part of the variance of being synthetic that the scores explain, beyond chance; 0 to 1."""
        return (self.pmse - self.null) / (self.share * (1 - self.share))


def propensity(real: np.ndarray, synthetic: np.ndarray) -> Propensity:
    """The pMSE of synthetic rows among real ones, by logistic regression with main effects.

    Parameters
    ----------
    real, synthetic : array (n, p), (k, p)     numbers, with nothing missing

    Raises
    ------
    NotEstimableError      no column that varies

    Notes
    -----
    For N rows, a share c of them synthetic, and p columns with an intercept, rows of one law give in expectation
    pMSE = p (1 - c)^2 c / N where the generator was fitted to the real rows, and N pMSE / ((1 - c)^2 c) a chi-squared
    law with p degrees of freedom.  (Two samples drawn apart from one law would give p (1 - c) c / N, more.)

    References
    ----------
    Snoke, Raab, Nowok, Dibben & Slavkovic (2018) JRSS A 181:663, doi:10.1111/rssa.12358.
    """
    both = np.concatenate([real, synthetic])
    drawn = np.concatenate([np.zeros(len(real)), np.ones(len(synthetic))])
    varying = both.std(axis=0) > 0
    design = (both[:, varying] - both[:, varying].mean(axis=0)) / both[:, varying].std(axis=0)
    design = _independent(np.column_stack([np.ones(len(both)), design]))
    columns = design.shape[1] - 1
    if columns < 1:
        raise NotEstimableError("propensity score", Problem("columns", "none of them varies"))
    score = special.expit(design @ _logistic(design, drawn))
    share = float(drawn.mean())
    return Propensity(
        float(np.mean((score - share) ** 2)),
        columns * (1 - share) ** 2 * share / len(both),
        columns,
        len(both),
        share,
    )


def explained_interval(found: Propensity, level: float) -> tuple[float, float]:
    """The interval of `Propensity.explained`, by inverting the noncentral chi-squared law of the pMSE.

    Notes
    -----
    N pMSE / (c (1 - c)) is compared with the law of two samples drawn apart from laws that the regression tells
    apart by an explained share r: noncentral chi-squared with p degrees of freedom and noncentrality N r. Under
    a generator fitted to the real rows it varies less, so the interval is conservative. The upper limit is at least
    that of the expected null statistic: rows may repeat the patients, but not the population, more closely than that.
    """
    observed = found.rows * found.pmse / (found.share * (1 - found.share))

    def limit(tail: float, statistic: float) -> float:
        if stats.chi2.cdf(statistic, found.columns) <= tail:
            return 0.0
        top = 2 * statistic + 100.0
        while stats.ncx2.cdf(statistic, found.columns, top) > tail:
            top *= 2
        root = optimize.brentq(lambda size: stats.ncx2.cdf(statistic, found.columns, size) - tail, 1e-12, top)
        return float(root) / found.rows

    return limit(0.5 + level / 2, observed), limit(0.5 - level / 2, max(observed, float(found.columns)))


def _independent(design: np.ndarray) -> np.ndarray:
    """The columns that do not follow from those before them (a band beside its number stays; a total may go)."""
    upper = np.abs(np.diag(np.linalg.qr(design, mode="r")))
    return design[:, upper > 1e-8 * upper.max()]


def _logistic(design: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    coef = np.zeros(design.shape[1])
    for _ in range(STEPS):
        score = special.expit(design @ coef)
        information = design.T @ ((score * (1 - score))[:, None] * design) + RIDGE * np.eye(len(coef)) * len(design)
        step = np.linalg.solve(information, design.T @ (outcome - score) - RIDGE * len(design) * coef)
        coef = coef + step
        if np.abs(step).max() < 1e-10:
            break
    return coef
