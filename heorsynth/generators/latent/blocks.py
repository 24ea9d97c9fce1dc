"""Blocks of columns that depend on one another: pairs that patients show beyond chance, joined up to a size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from heorsynth.generators.latent.factors import shuffled

_FALSE_SHARE = 0.05
"""Expected share of the kept pairs that a sample shows by chance (false discovery rate)."""

_SHUFFLES = 5
"""Cohorts with shuffled columns: they tell how many pairs chance shows."""

_TAILS = (4.0, 10.0)
"""Kurtosis at which columns are told apart: the correlation of two rare levels is large by chance far more often."""

_LEAST_WALD = 2.5
"""Squared standard errors below which no pair is looked at."""


def pairs_beyond_chance(
    rest: np.ndarray, known: np.ndarray, owner: np.ndarray, lost: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of columns that these rows show beyond chance: first and second places, and squared standard errors (t,).

    Parameters
    ----------
    rest : array (n, p)     standardised columns, 0 where not known
    owner : array (p,)      the column that each belongs to; pairs within a column are left out
    lost : int              degrees of freedom that were taken out of the rows

    Notes
    -----
    Of pairs whose columns have alike tails, those above a limit are kept: the lowest limit above which cohorts with
    shuffled columns have, on average, at most `_FALSE_SHARE` times as many pairs. The limit so rises with the number of
    pairs, and of independent columns hardly any pair is kept, however many they are.

    References
    ----------
    Benjamini & Hochberg (1995) J R Stat Soc B 57:289; with chance measured by permutation: Tusher, Tibshirani & Chu
    (2001) PNAS 98:5116.
    """
    columns = [np.flatnonzero(owner == name) for name in np.unique(owner)]
    tails = np.searchsorted(_TAILS, (rest**4).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    found = list(_strong(rest, known, owner, lost, tails))
    by_chance: dict[int, list[np.ndarray]] = {kind: [] for kind, *_ in found}
    for _ in range(_SHUFFLES):
        drawn = shuffled(np.where(known, rest, np.nan), columns, rng)
        seen = ~np.isnan(drawn)
        for kind, _i, _j, walds in _strong(np.where(seen, drawn, 0.0), seen, owner, lost, tails):
            by_chance.setdefault(kind, []).append(walds)
    kept = [np.zeros((3, 0))]
    for kind, first, second, walds in found:
        order = np.argsort(-walds, kind="stable")
        chance = np.sort(np.concatenate([np.zeros(0, dtype=np.float32), *by_chance[kind]]))
        false = (len(chance) - np.searchsorted(chance, walds[order])) / _SHUFFLES
        fits = np.flatnonzero(false <= _FALSE_SHARE * np.arange(1, len(order) + 1))
        chosen = np.sort(order[: fits[-1] + 1 if len(fits) else 0])
        kept.append(np.array([first[chosen], second[chosen], walds[chosen]]))
    one, other, strength = np.hstack(kept)
    return one.astype(int), other.astype(int), strength


def _strong(
    rest: np.ndarray, known: np.ndarray, owner: np.ndarray, lost: int, tails: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield, for each kind of pair by its tails, the pairs above `_LEAST_WALD` and their squared standard errors."""
    held, weights = rest.astype(np.float32), known.astype(np.float32)
    walds, rows = held.T @ held, np.full((1, 1), len(rest), dtype=np.float32)
    if known.all():
        walds /= rows
    else:
        rows = weights.T @ weights
        squares = (held**2).T @ weights
        walds /= np.sqrt(np.maximum(squares * squares.T, np.float32(1e-12)))
    np.square(walds, out=walds)
    walds *= np.maximum(rows - lost, 3) / np.maximum(1 - walds, np.float32(0.05))
    first, second = np.nonzero(walds > _LEAST_WALD)
    apart = (first < second) & (owner[first] != owner[second])
    first, second = first[apart], second[apart]
    kinds = len(_TAILS) * np.minimum(tails[first], tails[second]) + tails[first] + tails[second]
    for kind in np.unique(kinds):
        mine = kinds == kind
        yield int(kind), first[mine], second[mine], walds[first[mine], second[mine]]


def joined(
    size: int, first: np.ndarray, second: np.ndarray, strength: np.ndarray, most: int, start: np.ndarray
) -> list[np.ndarray]:
    """Blocks of places, of two or more, that pairs join: the strongest pairs first, and no block of more than `most`.

    Parameters
    ----------
    size : int             number of places
    first, second : array (t,)
    strength : array (t,)
    most : int             a pair that would join more places is left out
    start : array (size,)  places of one number belong together from the start, however many they are

    Examples
    --------
    >>> one, other = np.array([0, 1, 2]), np.array([1, 2, 3])
    >>> [block.tolist() for block in joined(4, one, other, np.array([9.0, 5.0, 7.0]), 3, np.arange(4))]
    [[0, 1], [2, 3]]
    """
    root = np.unique(start, return_index=True)[1][np.unique(start, return_inverse=True)[1]].tolist()
    counts = np.bincount(root, minlength=size).tolist()

    def top(place: int) -> int:
        while root[place] != place:
            root[place] = root[root[place]]
            place = root[place]
        return int(place)

    for pair in np.argsort(-strength, kind="stable").tolist():
        low, high = sorted((top(int(first[pair])), top(int(second[pair]))))
        if low != high and counts[low] + counts[high] <= most:
            root[high] = low
            counts[low] += counts[high]
    tops = np.array([top(place) for place in range(size)], dtype=int)
    order = np.argsort(tops, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(tops[order])) + 1)
    return [part for part in parts if len(part) > 1]
