"""What three columns say together: products of two latents that a third one depends on.

A normal law has no third moments: under it, a marker that changes the effect of a treatment is erased. So the latent
of a column also depends on products of two things that come before it: scores of arm, subgroups and outcome, and the
columns drawn earlier. A product of two uncorrelated normals is uncorrelated with both, so products leave the
correlations as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heorsynth.core.blocks import blocks

_FALSE_SHARE = 0.05
"""Expected share of the other kept products that a sample shows by chance (false discovery rate)."""

_PATIENTS_PER_PRODUCT = 10
"""A sample gives one product for so many patients at most: those that it shows most clearly."""

_MOST_WORK = 30_000_000
"""With more candidates than this, only products of two scores are looked at."""

_LEAST_LEFT = 0.02
"""A column of whose variance less is left, given those before it, is not moved: what is left is rounding."""

_STEP = 0.6
"""Share of what drawn rows lack by which a weight is moved."""

_LARGEST = 1.0
"""Largest weight of a product."""


@dataclass(frozen=True)
class Products:
    """Products of a basis of uncorrelated variables, each of which moves the latent of one column.

    The basis (q + p) is: the scores, made uncorrelated in their order, then the noise of each column.

    Attributes
    ----------
    root : array (q, q)            Cholesky factor of the correlations of the scores
    first, second : array (t,)     places in the basis; the second may be the column's own noise, whose spread then
                                   follows the first
    column : array (t,)            the column that is moved
    center, spread : array (t,)    mean and standard deviation of each product in the source
    weights : array (t,)           of the standardised products
    moments : array (t,)           correlations of products and columns that the drawn rows are to have
    """

    root: np.ndarray
    first: np.ndarray
    second: np.ndarray
    column: np.ndarray
    center: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    moments: np.ndarray

    @classmethod
    def none(cls) -> Products:
        empty = np.zeros(0, dtype=int)
        return cls(np.zeros((0, 0)), empty, empty, empty, *[np.zeros(0)] * 4)

    @classmethod
    def of(
        cls,
        basis: Basis,
        scores: np.ndarray,
        columns: np.ndarray,
        known: np.ndarray,
        owner: np.ndarray,
        least: int,
        needed: float,
        shrunk: float,
    ) -> Products:
        """The products that patients with these standardised scores (n, q) and columns (n, p) show beyond chance.

        Parameters
        ----------
        owner : array (p,)     the column that each score of a column belongs to; below 0 for one that takes no part
        least : int            no patient has more than 1 / `least` of the absolute terms of a kept third moment
        needed : float         squared standard errors that a product of two scores needs
        shrunk : float         squared standard errors by which other third moments are shrunk
        """
        held = basis.of(scores, columns, known)
        n, q, p = len(held), scores.shape[1], columns.shape[1]
        diagonal = basis.factor.ndim == 1
        reach = q + p if not diagonal and p * (q + p) ** 2 <= _MOST_WORK else q
        coded = np.array([_two_values(column) for column in (*scores.T, *columns.T)], dtype=bool)
        told = np.append(np.zeros(q), owner)
        told[q:][basis.left <= _LEAST_LEFT] = -1
        found = [np.zeros((5, 0))]
        for place in np.flatnonzero(told[q:] >= 0):
            stop = min(q + place, reach)
            used = np.flatnonzero(told[:stop] >= 0)
            first, second = (used[part] for part in np.triu_indices(len(used)))
            square = first == second
            apart = np.where(square, (first < q) & ~coded[first], (first < q) | (told[first] != told[second]))
            first, second = first[apart], second[apart]
            own = used[:0] if coded[q + place] else used  # how far the column spreads may follow each of them
            first, second = np.append(first, own), np.append(second, np.full(len(own), stop))
            moments, walds = _thirds(held[:, [*range(stop), q + place]], held[:, q + place], known[:, place])
            sizes = moments[first, second], walds[first, second]
            found.append(np.array([first, np.where(second == stop, q + place, second), [place] * len(first), *sizes]))
        first, second, column, moments, walds = np.hstack(found)
        of_scores = second < q
        limits = np.where(of_scores, needed, shrunk)
        kept = walds > limits
        for kind in (~of_scores, of_scores & diagonal):
            kept[kind] &= _discovered(walds[kind])
        clearest = np.flatnonzero(kept)[np.argsort(-walds[kept], kind="stable")[: n // _PATIENTS_PER_PRODUCT]]
        chosen = np.sort(clearest)
        one, two, third = (part[chosen].astype(int) for part in (first, second, column))
        products, mine = held[:, one] * held[:, two], held[:, q + third]
        terms = np.abs(products * mine)
        spread = products.std(axis=0)
        fair = (terms.max(axis=0, initial=0.0) * least <= terms.sum(axis=0)) & (spread > 0)
        moments = moments[chosen] * (1 - limits[chosen] / walds[chosen]) / np.where(fair, spread, 1.0)
        parts = (one, two, third, products.mean(axis=0), spread, moments, moments)
        return cls(basis.root, *(part[fair] for part in parts))

    def __len__(self) -> int:
        return len(self.weights)

    def moved(self, standard: np.ndarray, noise: np.ndarray, apart: np.ndarray | None = None) -> np.ndarray:
        """The noise (n, p) of rows with these standardised scores (n, q), moved by the products; its variance stays.

        `apart` are the scores made uncorrelated, if they are known.
        """
        weights = np.zeros((len(self), noise.shape[1]))
        weights[np.arange(len(self)), self.column] = self.weights
        moved, scale = np.empty_like(noise), np.sqrt(1 + (weights**2).sum(axis=0))
        for some in blocks(len(noise)):
            before = uncorrelated(standard[some], self.root) if apart is None else apart[some]
            held = np.concatenate([before.T, noise[some].T])
            moved[some] = (noise[some] + self._standardised(held) @ weights) / scale
        return moved

    def corrected(
        self,
        basis: Basis,
        scores: np.ndarray,
        columns: np.ndarray,
        known: np.ndarray,
        apart: np.ndarray | None = None,
    ) -> Products:
        """The same products with weights moved towards the moments, by what drawn rows lack."""
        held = basis.of(scores, columns, known, apart)
        products = self._standardised(np.ascontiguousarray(held.T))
        reached = (products * held[:, scores.shape[1] + self.column]).sum(axis=0)
        lacking = self.moments - reached / np.maximum(known.sum(axis=0), 1)[self.column]
        return replace(self, weights=np.clip(self.weights + _STEP * lacking, -_LARGEST, _LARGEST))

    def jittered(self, size: int, rng: np.random.Generator) -> Products:
        """The same products with weights moved by chance, as far as another sample of this size would move them."""
        return replace(self, weights=self.weights + rng.standard_normal(len(self)) / np.sqrt(size))

    def _standardised(self, columns: np.ndarray) -> np.ndarray:
        """The products (n, t) of rows of the basis, as far from their mean as in the source.

        Its columns (q + p, n) lie one after another: whole ones are copied many times as fast as parts of rows.
        """
        found = columns[self.first]
        found *= columns[self.second]
        found -= self.center[:, None]
        found /= self.spread[:, None]
        return found.T

    def to_dict(self) -> dict[str, Any]:
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Products:
        size = len(facts["root"])
        whole = {name: np.array(facts[name], dtype=int) for name in ("first", "second", "column")}
        real = {name: np.array(facts[name], dtype=float) for name in ("center", "spread", "weights", "moments")}
        return cls(np.array(facts["root"], dtype=float).reshape(size, size), **whole, **real)


@dataclass(frozen=True)
class Basis:
    """Makes scores and columns uncorrelated, in their order: the scores first.

    Attributes
    ----------
    root : array (q, q)      Cholesky factor of the correlations of the scores
    ties : array (q, p)      correlations of the columns with the uncorrelated scores
    factor : array (p, p)    Cholesky factor of the columns' covariance, given the scores. Where columns are many, its
                             diagonal (p,): they are then left correlated, and only products of scores are looked at,
                             with a false discovery rate over all columns
    """

    root: np.ndarray
    ties: np.ndarray
    factor: np.ndarray

    @property
    def left(self) -> np.ndarray:
        """The variance (p,) that is left of each column, given those before it."""
        return np.asarray((self.factor if self.factor.ndim == 1 else np.diag(self.factor)) ** 2)

    @classmethod
    def under(cls, target: np.ndarray, count: int) -> Basis:
        """The basis under target correlations (q + p, q + p), of which the first `count` are of scores."""
        size = len(target) - count
        root = np.linalg.cholesky(target[:count, :count] + 1e-9 * np.eye(count))
        ties = np.linalg.solve(root, target[:count, count:])
        rest = target[count:, count:] - ties.T @ ties
        values, vectors = np.linalg.eigh((rest + rest.T) / 2)
        rest = (vectors * np.clip(values, 1e-3, None)) @ vectors.T if size else rest
        return cls(root, ties, np.linalg.cholesky(rest))

    def of(
        self, scores: np.ndarray, columns: np.ndarray, known: np.ndarray, apart: np.ndarray | None = None
    ) -> np.ndarray:
        """The basis (n, q + p) of rows; 0 where a column is not known. `apart` is its part of scores, if known."""
        counts = np.maximum(known.sum(axis=0), 1)
        held = np.where(known, columns - np.where(known, columns, 0.0).sum(axis=0) / counts, 0.0)
        scale = np.sqrt((held**2).sum(axis=0) / counts)
        held = held / np.where(scale > 0, scale, 1.0)
        standard = uncorrelated(scores, self.root) if apart is None else apart
        rest = held - standard @ self.ties
        if self.factor.ndim == 1:
            rest = rest / self.factor
        elif len(self.factor):
            rest = np.linalg.solve(self.factor, rest.T).T
        return np.column_stack([standard, np.where(known, rest, 0.0)])


def _thirds(before: np.ndarray, mine: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Third moments (k, k) of one basis variable (n,) with pairs of those before it (n, k), and their squared distance
    from 0 in standard errors.

    The standard error is the larger of the empirical one and that of independent variables: of rare levels the
    empirical one can be near 0.
    """
    centred, count = np.where(known, mine - mine.mean(), 0.0), max(1, int(known.sum()))
    sums, squares = (before * centred[:, None]).T @ before, (before**2 * centred[:, None] ** 2).T @ before**2
    by_chance = ((before**2).T @ (before**2 * known[:, None])) * (centred**2).sum() / count
    return sums / count, sums**2 / np.maximum(np.maximum(squares - sums**2 / count, by_chance), 1e-12)


def _two_values(column: np.ndarray) -> bool:
    """True for an indicator: its square says nothing that it does not."""
    return bool(((column == column.min()) | (column == column.max())).all())


def uncorrelated(scores: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Scores (n, q) made uncorrelated in their order, by the Cholesky factor of their correlations."""
    if not len(root):
        return scores
    found = np.empty_like(scores)
    for some in blocks(len(scores)):
        found[some] = np.linalg.solve(root, scores[some].T).T
    return found


def _discovered(walds: np.ndarray) -> np.ndarray:
    """Which of these squared standard errors (t,) are no chance.

    References
    ----------
    Benjamini & Hochberg (1995) J R Stat Soc B 57:289.
    """
    from scipy.special import ndtr

    if not len(walds):
        return np.zeros(0, dtype=bool)
    chance = 2 * ndtr(-np.sqrt(walds))
    order = np.argsort(chance)
    below = np.flatnonzero(chance[order] <= _FALSE_SHARE * np.arange(1, len(walds) + 1) / len(walds))
    found = np.zeros(len(walds), dtype=bool)
    found[order[: below[-1] + 1 if len(below) else 0]] = True
    return found
