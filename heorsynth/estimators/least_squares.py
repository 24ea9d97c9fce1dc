"""Many small linear models at once: the first coefficient of each, with its robust standard error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

_CELLS = 100_000
"""Designs of about this many numbers are computed together: they stay in the processor's cache."""

_SINGULAR = 1e-8
"""Smallest eigenvalue of the correlations of a design that counts as full rank."""


@dataclass(frozen=True)
class Model:
    """A linear model on the columns of a matrix: intercept and terms.

    Attributes
    ----------
    outcome : int     column of the outcome
    terms : tuple     each a column or two columns to multiply; the coefficient of the first is estimated
    """

    outcome: int
    terms: tuple[tuple[int, ...], ...]


def first_coefficients(
    columns: np.ndarray, models: Sequence[Model], *, errors: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return the least-squares coefficient of the first term of each model, and its standard error.

    Parameters
    ----------
    columns : array (n, k)    NaN where missing; a model uses the rows in which all of its columns are known
    models : sequence of J    on these columns
    errors : bool             False leaves the standard errors out, which takes half of the time

    Returns
    -------
    two arrays (J,)           NaN if the rows cannot tell the coefficients apart

    Notes
    -----
    Standard errors are HC2: residuals eᵢ²/(1 - hᵢ), hᵢ the leverage. For a single indicator the coefficient is a
    difference of two means, and HC2 is Welch's standard error.

    References
    ----------
    MacKinnon & White (1985) J Econometrics 29:305.

    Examples
    --------
    >>> columns = np.array([[0, 1.0], [0, 3.0], [1, 4.0], [1, 8.0]])
    >>> estimate, error = first_coefficients(columns, [Model(1, ((0,),))])
    >>> estimate.round(9).tolist(), (error**2).round(9).tolist()  # 6 - 2, 2/2 + 8/2
    ([4.0], [5.0])
    """
    found = np.full((2, len(models)), np.nan)
    rows = np.vstack([np.asarray(columns, float).T, np.ones(len(columns))])
    known = np.isfinite(rows)
    rows = np.where(known, rows, 0.0)
    order = sorted(range(len(models)), key=lambda place: len(models[place].terms))
    for size, same in groupby(order, key=lambda place: len(models[place].terms)):
        places = list(same)
        step = max(1, _CELLS // ((size + 1) * max(len(columns), 1)))
        for begin in range(0, len(places), step):
            chosen = places[begin : begin + step]
            found[:, chosen] = _fitted(rows, known, [models[place] for place in chosen], errors)
    return found[0], found[1]


def _fitted(rows: np.ndarray, known: np.ndarray, models: Sequence[Model], errors: bool) -> np.ndarray:
    """Return coefficients and standard errors (2, J) of models with the same number of terms.

    Values that are not known are 0. A row that is not known in all columns of a model is 0 throughout its design.
    """
    one = len(rows) - 1
    places = np.array([[(*term, one)[:2] for term in (*model.terms, (one,))] for model in models])
    outcomes = [model.outcome for model in models]
    design, multiplied = rows[places[:, :, 0]], places[:, :, 1] != one
    design[multiplied] *= rows[places[multiplied, 1]]
    outcome, whole = rows[outcomes], known[outcomes]
    if not known.all():
        whole = whole & known[places].all(axis=(1, 2))
        design *= whole[:, None]
    normal = design @ design.transpose(0, 2, 1)
    usable = _full_rank(normal) & (whole.sum(axis=1) > design.shape[1])
    normal[~usable] = np.eye(design.shape[1])
    inverse = np.linalg.inv(normal)
    beta = inverse @ (design @ outcome[:, :, None])
    found = np.full((2, len(models)), np.nan)
    found[0, usable] = beta[usable, 0, 0]
    if errors:
        found[1, usable] = _standard_errors(design, outcome, inverse, beta)[usable]
    return found


def _full_rank(normal: np.ndarray) -> np.ndarray:
    """Return (J,) whether each matrix of cross-products has full rank, whatever the units of its columns."""
    scale = np.sqrt(np.diagonal(normal, axis1=1, axis2=2))
    filled = (scale > 0).all(axis=1)
    scale = np.where(scale > 0, scale, 1.0)
    return np.asarray(filled & (np.linalg.eigvalsh(normal / (scale[:, :, None] * scale[:, None]))[:, 0] > _SINGULAR))


def _standard_errors(design: np.ndarray, outcome: np.ndarray, inverse: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Return the HC2 standard error of each first coefficient (J,)."""
    residual = outcome - (beta.transpose(0, 2, 1) @ design)[:, 0]
    weighted = inverse @ design
    leverage = (weighted * design).sum(axis=1)
    share = np.divide(residual**2, 1 - leverage, out=np.zeros_like(residual), where=leverage < 1 - _SINGULAR)
    return np.asarray(np.sqrt((weighted[:, 0] ** 2 * share).sum(axis=1)))
