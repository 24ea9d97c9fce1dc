"""Many small linear models at once: the first coefficient of each, with its robust standard error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

_Term = tuple[int, ...]
"""One column, or two columns to multiply; none for the intercept."""

_CELLS = 100_000
"""About this many numbers are multiplied at a time: they stay in the processor's cache."""

_MANY = 2000
"""From so many rows on, models share their sums of products: the sums of fewer cost less than their bookkeeping."""

_CLEAR = 1e-5
"""A sum of squares around a mean above this share of the sum of squares keeps ten digits."""

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
    columns: Sequence[np.ndarray], models: Sequence[Model], *, errors: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return the least-squares coefficient of the first term of each model, and its standard error.

    Parameters
    ----------
    columns : k arrays (n,)   NaN where missing; a model uses the rows in which all of its columns are known
    models : sequence of J    on these columns
    errors : bool             False leaves the standard errors out, which takes half of the time

    Returns
    -------
    two arrays (J,)           NaN if the rows cannot tell the coefficients apart

    Notes
    -----
    Standard errors are HC2: residuals eᵢ²/(1 - hᵢ), hᵢ the leverage. For a single indicator the coefficient is a
    difference of two means, and HC2 is Welch's standard error. Models of many rows that use the same rows take their
    cross-products from one matrix of all their terms, and models with the same terms share the leverages.

    References
    ----------
    MacKinnon & White (1985) J Econometrics 29:305.

    Examples
    --------
    >>> columns = [np.array([0.0, 0, 1, 1]), np.array([1.0, 3, 4, 8])]
    >>> estimate, error = first_coefficients(columns, [Model(1, ((0,),))])
    >>> estimate.round(9).tolist(), (error**2).round(9).tolist()  # 6 - 2, 2/2 + 8/2
    ([4.0], [5.0])
    """
    found = np.full((2, len(models)), np.nan)
    n = len(columns[0])
    if n >= _MANY:
        for own, places in _by_rows(columns, models):
            found[:, places] = _Shared(own, [models[place] for place in places], errors).fitted()
        return found[0], found[1]
    rows = np.array([*columns, np.ones(n)])
    known = np.isfinite(rows)
    rows = np.where(known, rows, 0.0)
    order = sorted(range(len(models)), key=lambda place: len(models[place].terms))
    for _, same in groupby(order, key=lambda place: len(models[place].terms)):
        places = list(same)
        found[:, places] = _fitted(rows, known, [models[place] for place in places], errors)
    return found[0], found[1]


def _by_rows(values: Sequence[np.ndarray], models: Sequence[Model]) -> Iterator[tuple[Sequence[np.ndarray], list[int]]]:
    """Yield columns (n',) with only the rows that some models use, and the places of these models."""
    gaps: dict[bytes, np.ndarray] = {}
    pattern: dict[int, bytes] = {}
    for place, column in enumerate(values):
        known = np.isfinite(column)
        if not known.all():
            pattern[place] = known.tobytes()
            gaps[pattern[place]] = known
    alike: dict[frozenset[bytes], list[int]] = {}
    for place, model in enumerate(models):
        used = {model.outcome, *(column for term in model.terms for column in term)}
        alike.setdefault(frozenset(pattern[column] for column in used if column in pattern), []).append(place)
    for patterns, places in alike.items():
        yield values if not patterns else _only(values, models, places, [gaps[one] for one in patterns]), places


def _only(
    values: Sequence[np.ndarray], models: Sequence[Model], places: list[int], known: list[np.ndarray]
) -> list[np.ndarray]:
    """Return the columns (n',) with only the rows known everywhere; columns that no model uses are left as they are."""
    rows, held = np.flatnonzero(np.logical_and.reduce(known)), list(values)
    for column in {
        one for place in places for term in ((models[place].outcome,), *models[place].terms) for one in term
    }:
        held[column] = values[column][rows]
    return held


class _Shared:
    """Models on the same complete rows: their cross-products are parts of one matrix, `gram` (q, q) of all terms."""

    def __init__(self, values: Sequence[np.ndarray], models: Sequence[Model], errors: bool) -> None:
        self.values, self.models, self.errors = values, models, errors
        self.n = len(values[models[0].outcome])
        self.designs: list[tuple[_Term, ...]] = [(*model.terms, ()) for model in models]
        terms = [*(term for design in self.designs for term in design), *((model.outcome,) for model in models)]
        self.place = {term: place for place, term in enumerate(dict.fromkeys(terms))}
        self.groups = self._groups() if errors else {}
        outcomes = {model.outcome for model, design in zip(models, self.designs, strict=True) if design in self.groups}
        self.squared = {outcome: place for place, outcome in enumerate(outcomes)}
        self.gram = np.zeros((len(self.place), len(self.place)))
        self.square_sums = np.zeros((len(self.squared), len(self.groups)))
        held = [self.place[(outcome,)] for outcome in self.squared]
        of_groups = [self.place[design[0]] for design in self.groups]
        for part in self.parts(tuple(self.place)):
            self.gram += part @ part.T
            if held:
                self.square_sums += np.square(part[held]) @ part[of_groups].T

    def _groups(self) -> dict[tuple[_Term, ...], int]:
        """Return the designs of one indicator and an intercept, with their places."""
        found: dict[tuple[_Term, ...], int] = {}
        for design in dict.fromkeys(self.designs):
            if len(design) == 2 and len(design[0]) == 1 and _is_indicator(self.values[design[0][0]]):
                found[design] = len(found)
        return found

    def parts(self, terms: Sequence[_Term]) -> Iterator[np.ndarray]:
        """Yield the values (s, b) of terms in successive rows."""
        step = max(1, _CELLS // len(terms))
        made = np.ones((len(terms), min(step, self.n)))
        for begin in range(0, self.n, step):
            rows = slice(begin, min(begin + step, self.n))
            held = made[:, : rows.stop - begin]
            for place, term in enumerate(terms):
                if len(term) == 2:
                    np.multiply(self.values[term[0]][rows], self.values[term[1]][rows], out=held[place])
                elif term:
                    held[place] = self.values[term[0]][rows]
            yield held

    def fitted(self) -> np.ndarray:
        """Return the first coefficients and their standard errors (2, J)."""
        found = np.full((2, len(self.models)), np.nan)
        alike: dict[tuple[_Term, ...], list[int]] = {}
        for place, design in enumerate(self.designs):
            alike.setdefault(design, []).append(place)
        for design, places in alike.items():
            held = [self.place[term] for term in design]
            normal = self.gram[np.ix_(held, held)]
            if self.n <= len(design) or not _full_rank(normal[None])[0]:
                continue
            inverse = np.linalg.inv(normal)
            outcomes = [self.models[place].outcome for place in places]
            beta = self.gram[np.ix_([self.place[(one,)] for one in outcomes], held)] @ inverse
            found[0, places] = beta[:, 0]
            if self.errors:
                squares = self.group_squares(design, outcomes) if design in self.groups else None
                if squares is None:
                    squares = self.squares(design, outcomes, inverse, beta)
                found[1, places] = np.sqrt(squares)
        return found

    def group_squares(self, design: tuple[_Term, ...], outcomes: list[int]) -> np.ndarray | None:
        """Return the squared HC2 standard errors (o,) of one indicator, which are Welch's, from sums in its two groups.

        None if an outcome hardly varies in a group: its sums would lose digits.
        """
        held, ones = [self.place[(one,)] for one in outcomes], self.place[()]
        group = self.place[design[0]]
        square = self.square_sums[[self.squared[one] for one in outcomes], self.groups[design]]
        variance = np.zeros(len(outcomes))
        size, total = self.gram[group, group], self.gram[held, group]
        whole_square, whole = self.gram[held, held], self.gram[held, ones]
        for n, summed, squared in ((size, total, square), (self.n - size, whole - total, whole_square - square)):
            around = squared - summed**2 / max(n, 1)
            if n < 2 or (around <= _CLEAR * squared).any() or (squared <= _CLEAR * whole_square).any():
                return None
            variance += around / (n * (n - 1))
        return variance

    def squares(
        self, design: tuple[_Term, ...], outcomes: list[int], inverse: np.ndarray, beta: np.ndarray
    ) -> np.ndarray:
        """Return the squared HC2 standard errors (o,) of the first coefficient of one design, for several outcomes.

        Let C be the Cholesky root of the inverse of the normal matrix, and z = Cᵀx for the terms x of a row. The
        leverage is the sum of z²; the last z is a constant, as the intercept is the last term. The weight of the row
        in the first coefficient is C₀₀ z₀.
        """
        root, p = np.linalg.cholesky(inverse), len(design)
        maps = np.zeros((p - 1 + len(outcomes), p + len(outcomes)))
        maps[: p - 1, :p], maps[p - 1 :, :p] = root.T[:-1], -beta
        maps[p - 1 :, p:] = np.eye(len(outcomes))
        found = np.zeros(len(outcomes))
        for part in self.parts((*design, *((outcome,) for outcome in outcomes))):
            made = maps @ part
            white, residual = made[: p - 1], made[p - 1 :]
            left = (1 - root[-1, -1] ** 2) - np.einsum("ij,ij->j", white, white)
            share = np.square(white[0], out=white[0])
            if left.min() > _SINGULAR:
                share /= left
            else:
                share[:] = np.where(left > _SINGULAR, share / np.where(left > _SINGULAR, left, 1.0), 0.0)
            found += np.square(residual, out=residual) @ share
        return found * root[0, 0] ** 2


def _is_indicator(values: np.ndarray) -> bool:
    """Return whether all values are 0 or 1."""
    return all(bool(((part == 0) | (part == 1)).all()) for part in (values[:_MANY], values[_MANY:]))


def _fitted(rows: np.ndarray, known: np.ndarray, models: Sequence[Model], errors: bool) -> np.ndarray:
    """Return coefficients and standard errors (2, J) of models with equally many terms on columns (k + 1, n).

    The last column is all 1, the intercept.
    """
    one = (len(rows) - 1,)
    terms = np.array([[(term[0], term[-1]) for term in (*model.terms, one)] for model in models])
    single = np.array([[len(term) == 1 for term in (*model.terms, one)] for model in models])
    outcome = np.array([model.outcome for model in models])
    size = terms.shape[1]
    normal, products, used = (
        np.zeros((len(models), size, size)),
        np.zeros((len(models), size, 1)),
        np.zeros(len(models)),
    )
    for design, response, held in _values(rows, known, terms, single, outcome):
        normal += design @ design.swapaxes(1, 2)
        products += design @ response[:, :, None]
        used += held.sum(axis=1)
    usable = _full_rank(normal) & (used > size)
    normal[~usable] = np.eye(size)
    inverse = np.linalg.inv(normal)
    beta = inverse @ products
    found = np.full((2, len(models)), np.nan)
    found[0] = np.where(usable, beta[:, 0, 0], np.nan)
    if errors:
        parts = _values(rows, known, terms, single, outcome)
        squares = sum(_squares(design, response, inverse, beta) for design, response, _ in parts)
        found[1] = np.where(usable, np.sqrt(squares), np.nan)
    return found


def _values(
    rows: np.ndarray, known: np.ndarray, terms: np.ndarray, single: np.ndarray, outcome: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield designs (J, s, n), outcomes (J, n) and whether a row is used (J, n), for successive rows.

    Terms are pairs of columns (J, s, 2) to multiply; `single` (J, s) marks those with one column. Rows that a model
    does not use are 0.
    """
    step = max(1, _CELLS // single.size)
    for begin in range(0, rows.shape[1], step):
        part, seen = rows[:, begin : begin + step], known[:, begin : begin + step]
        held = seen[terms].all(axis=(1, 2)) & seen[outcome]
        design, response = part[terms[..., 0]], part[outcome]
        if not single.all():
            design[~single] *= part[terms[..., 1][~single]]
        if not held.all():
            design *= held[:, None]
            response *= held
        yield design, response, held


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
