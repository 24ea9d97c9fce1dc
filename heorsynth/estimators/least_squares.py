"""Many small linear models at once: the first coefficient of each, with its robust standard error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

_CELLS = 100_000
"""About this many numbers are multiplied at a time: they stay in the processor's cache."""

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
    for used, places in _by_missing(models, known):
        found[:, places] = _fitted(rows, used, [models[place] for place in places], errors)
    return found[0], found[1]


def _by_missing(models: Sequence[Model], known: np.ndarray) -> Iterator[tuple[np.ndarray, list[int]]]:
    """Yield the rows (n,) that models use, with the places of these models."""
    patterns: dict[bytes, int] = {known[-1].tobytes(): 0}
    pattern = [patterns.setdefault(column.tobytes(), len(patterns)) for column in known]
    same: dict[frozenset[int], list[int]] = {}
    for place, model in enumerate(models):
        used = {model.outcome, *(column for term in model.terms for column in term)}
        same.setdefault(frozenset(pattern[column] for column in used), []).append(place)
    for held, places in same.items():
        yield np.asarray(known[[pattern.index(one) for one in held]].all(axis=0)), places


def _fitted(rows: np.ndarray, used: np.ndarray, models: Sequence[Model], errors: bool) -> np.ndarray:
    """Return coefficients and standard errors (2, J) of models on the used rows of columns (k + 1, n), the last all 1.

    The products of all terms and outcomes are summed once, for all models.
    """
    one = (len(rows) - 1,)
    designs = [(*model.terms, one) for model in models]
    terms = list(dict.fromkeys(term for model in models for term in (*model.terms, one, (model.outcome,))))
    place = {term: index for index, term in enumerate(terms)}
    products = np.zeros((len(terms), len(terms)))
    for values in _values(rows, used, terms, len(terms)):
        products += values @ values.T
    found = np.full((2, len(models)), np.nan)
    order = sorted(range(len(models)), key=lambda index: len(designs[index]))
    for size, same in groupby(order, key=lambda index: len(designs[index])):
        chosen = np.array(list(same))
        design = np.array([[place[term] for term in designs[index]] for index in chosen])
        outcome = np.array([place[(models[index].outcome,)] for index in chosen])
        normal = products[design[:, :, None], design[:, None, :]]
        usable = _full_rank(normal) & (used.sum() > size)
        normal[~usable] = np.eye(size)
        inverse = np.linalg.inv(normal)
        beta = inverse @ products[design, outcome[:, None]][:, :, None]
        found[0, chosen] = np.where(usable, beta[:, 0, 0], np.nan)
        if errors:
            squares = np.zeros(len(chosen))
            for values in _values(rows, used, terms, max(len(terms), design.size)):
                squares += _squares(values[design], values[outcome], inverse, beta)
            found[1, chosen] = np.where(usable, np.sqrt(squares), np.nan)
    return found


def _values(rows: np.ndarray, used: np.ndarray, terms: Sequence[tuple[int, ...]], width: int) -> Iterator[np.ndarray]:
    """Yield the values (T, n) of terms in successive rows, 0 in rows that are not used; `width` numbers a row fit."""
    first, last = np.array([(term[0], term[-1]) for term in terms]).T
    multiplied = np.array([len(term) > 1 for term in terms])
    step = max(1, _CELLS // width)
    for begin in range(0, rows.shape[1], step):
        part = rows[:, begin : begin + step]
        values = part[first] * used[begin : begin + step]
        values[multiplied] *= part[last[multiplied]]
        yield values


def _full_rank(normal: np.ndarray) -> np.ndarray:
    """Return (J,) whether each matrix of cross-products has full rank, whatever the units of its columns."""
    scale = np.sqrt(np.diagonal(normal, axis1=1, axis2=2))
    filled = (scale > 0).all(axis=1)
    scale = np.where(scale > 0, scale, 1.0)
    return np.asarray(filled & (np.linalg.eigvalsh(normal / (scale[:, :, None] * scale[:, None]))[:, 0] > _SINGULAR))


def _squares(design: np.ndarray, outcome: np.ndarray, inverse: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Return the parts (J,) of some rows in the squared HC2 standard error of each first coefficient."""
    residual = outcome - (beta.transpose(0, 2, 1) @ design)[:, 0]
    weighted = inverse @ design
    leverage = (weighted * design).sum(axis=1)
    share = np.divide(residual**2, 1 - leverage, out=np.zeros_like(residual), where=leverage < 1 - _SINGULAR)
    return np.asarray((weighted[:, 0] ** 2 * share).sum(axis=1))
