"""Propensity score mean squared error (pMSE): whether a model can distinguish synthetic rows from real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from heorsynth.core.blocks import blocks
from heorsynth.core.errors import NotEstimableError, Problem

STEPS, RIDGE = 25, 1e-6
"""Newton steps of the logistic regression, and a negligible ridge that lets it converge if the groups separate."""

_CLEAR = 1e-6
"""A share of a column's variance above this, beyond the columns before it, is told from their sums of products."""

_DEPENDENT = 1e-8
"""A column with less than this share of its spread beyond the columns before it depends on them."""


@dataclass(frozen=True)
class _Propensity:
    """The result of a logistic regression that distinguishes synthetic from real rows.

    Attributes
    ----------
    pmse, null : float     mean of (p - c)^2 over all rows, and its expectation for rows of the same distribution
    columns : int          columns of the regression, without the intercept
    rows : int             number of real and synthetic rows together
    share : float          share of synthetic rows
    """

    pmse: float
    null: float
    columns: int
    rows: int
    share: float

    @property
    def ratio(self) -> float:
        """pMSE divided by its null expectation: near 1 if the rows cannot be distinguished."""
        return self.pmse / self.null

    @property
    def explained(self) -> float:
        """Share of the variance of the synthetic indicator that the scores explain, beyond chance; 0 to 1."""
        return (self.pmse - self.null) / (self.share * (1 - self.share))


def propensity(real: np.ndarray, synthetic: np.ndarray) -> _Propensity:
    """Return the pMSE of synthetic rows among real ones, by logistic regression with main effects.

    Parameters
    ----------
    real, synthetic : array (n, p), (k, p)     numbers, with nothing missing

    Raises
    ------
    NotEstimableError      no column varies

    Notes
    -----
    For N rows, a share c of them synthetic, and p columns besides an intercept, rows of the same distribution have
    expected pMSE p (1 - c)^2 c / N if the generator was fitted to the real rows, and N pMSE / ((1 - c)^2 c) is
    chi-squared with p degrees of freedom. Two independent samples of one distribution would have the larger
    expectation p (1 - c) c / N.

    References
    ----------
    Snoke, Raab, Nowok, Dibben & Slavkovic (2018) JRSS A 181:663, doi:10.1111/rssa.12358.
    """
    n = len(real) + len(synthetic)
    drawn = np.repeat([0.0, 1.0], [len(real), len(synthetic)])
    design = np.empty((real.shape[1] + 1, n))
    design[0] = 1.0
    varying = np.ones(len(design), dtype=bool)
    for place in range(1, len(design)):
        row, parts = design[place], (real[:, place - 1], synthetic[:, place - 1])
        row[: len(real)], row[len(real) :] = parts
        first = float(row[0])
        row -= row.mean()
        spread = float(np.sqrt(row @ row / n))
        varying[place] = spread > 0 and any(bool((part != first).any()) for part in parts)
        row /= spread if varying[place] else 1.0
    design = _first_rows(design, np.flatnonzero(varying))
    design = _first_rows(design, _independent(design))
    columns = len(design) - 1
    if columns < 1:
        raise NotEstimableError("propensity score", Problem("columns", "none of them varies"))
    score = special.expit(_logistic(design, drawn) @ design)
    share = float(drawn.mean())
    return _Propensity(
        float(np.mean((score - share) ** 2)),
        columns * (1 - share) ** 2 * share / n,
        columns,
        n,
        share,
    )


def _first_rows(design: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Move some rows of a design (p, n) to its beginning, and return them: a copy takes longer than the regression."""
    for place, row in enumerate(kept.tolist()):
        if row > place:
            design[place] = design[row]
    return design[: len(kept)]


def _independent(design: np.ndarray) -> np.ndarray:
    """Return the places of the rows (p, n) that are linearly independent of those before them: not a total's."""
    n = design.shape[1]
    gram, kept = design @ design.T / n, list[int]()
    for place in range(len(design)):
        coef = np.linalg.solve(gram[np.ix_(kept, kept)], gram[kept, place])
        left = gram[place, place] - gram[kept, place] @ coef
        if left > _CLEAR:
            kept.append(place)
            continue
        weights = np.zeros(len(design))
        weights[place], weights[kept] = 1.0, -coef
        rest = weights @ design  # too little for sums of products
        if rest @ rest > n * _DEPENDENT**2:
            upper = np.abs(np.diag(np.linalg.qr(design.T, mode="r")))
            return np.flatnonzero(upper > _DEPENDENT * upper.max())
    return np.array(kept)


def _logistic(design: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Return the coefficients (p,) of the rows of a design (p, n), in blocks that stay in the cache."""
    p, n = design.shape
    coef = np.zeros(p)
    for _ in range(STEPS):
        information, slope = RIDGE * np.eye(p) * n, -RIDGE * n * coef
        for rows in blocks(n):
            part = design[:, rows]
            score = special.expit(coef @ part)
            slope += part @ (outcome[rows] - score)
            information += (score * (1 - score) * part) @ part.T
        step = np.linalg.solve(information, slope)
        coef = coef + step
        if np.abs(step).max() < 1e-10:
            break
    return coef
