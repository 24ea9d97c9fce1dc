"""Rank correlation of two columns with its interval, and bootstrap correlations of many columns at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile
from heorsynth.core.random import resample_counts
from heorsynth.core.ranks import ranks

TINY = 1e-12
"""A product of variances (columns scaled to 1) at or below this counts as no variation."""

_ROWS = 2048
"""Rows processed at a time in `resampled_correlations`, so that their products stay in the processor's cache."""

WEIGHTS = 2**24
"""The largest number of bootstrap weights held in memory at a time."""

_GROUPS = 2048
"""Of more rows than twice this many, so many random groups are resampled in place of rows."""

LEAST_PAIRS = 10
"""The smallest number of pairs for an interval."""


def rank_correlation(x: np.ndarray, y: np.ndarray, *, level: float = 0.95) -> Estimate:
    """Return Spearman's rank correlation of two columns, over patients with both values known.

    Parameters
    ----------
    x, y : array (n,)      numbers; ties share their rank

    Raises
    ------
    NotEstimableError      fewer than ten pairs, or a column that does not vary

    Notes
    -----
    The interval is that of Fisher's z with variance (1 + r²/2) / (n - 3); `se` is its delta-method standard error.

    References
    ----------
    Bonett & Wright (2000) Psychometrika 65:23, doi:10.1007/BF02294183.

    Examples
    --------
    >>> round(rank_correlation(np.arange(12.0), np.arange(12.0) ** 2 - 40).value, 6)
    1.0
    """
    first, second = np.asarray(x, float), np.asarray(y, float)
    known = np.isfinite(first) & np.isfinite(second)
    n = int(known.sum())
    if n < LEAST_PAIRS:
        raise NotEstimableError(
            "rank correlation", Problem("values", f"{n} pairs", f"at least {LEAST_PAIRS} are needed")
        )
    return correlation_of_ranks(ranks(first[known]), ranks(second[known]), len(first), level=level)


def correlation_of_ranks(first: np.ndarray, second: np.ndarray, n_total: int, *, level: float = 0.95) -> Estimate:
    """Return `rank_correlation` from the ranks (n,) of the patients with both values known, at least ten of them."""
    n = len(first)
    one, other = (held - (n + 1) / 2 for held in (first, second))  # the mean rank is exactly this
    size = float(one @ one) * float(other @ other)
    if size == 0:
        raise NotEstimableError("rank correlation", Problem("values", "one column does not vary"))
    value = min(max(float(one @ other) / math.sqrt(size), -1.0), 1.0)
    spread = math.sqrt((1 + value**2 / 2) / (n - 3))
    z, half = math.atanh(np.clip(value, -1 + 1e-12, 1 - 1e-12)), normal_quantile(level) * spread
    return Estimate(
        value,
        math.tanh(z - half),
        math.tanh(z + half),
        max(1 - value**2, 1 / n) * spread,
        level,
        "",
        "Spearman's rank correlation",
        n,
        n_total,
    )


def resampled_correlations(
    columns: np.ndarray,
    pairs: tuple[np.ndarray, np.ndarray],
    draws: int,
    rng: np.random.Generator,
    parts: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Return Pearson correlations of pairs of columns in bootstrap samples of the rows.

    Parameters
    ----------
    columns : array (n, k)           NaN where missing; a pair uses the rows where both are known
    pairs : two arrays of int (J,)   the columns of each pair
    draws : int                      bootstrap samples B, of n rows each
    parts : sequence of int arrays   columns that are summed together, where both columns of each pair are in one of
                                     these; by default all columns. It bounds the memory for many columns

    Returns
    -------
    array (B, J)                     NaN without variation

    Notes
    -----
    A bootstrap sample is stored as the number of times it draws each row. The sums of all samples are then one matrix
    product of these counts with products of columns, and no rows are copied. Columns with the same known rows share
    their sums. Of many rows, the sums of `_GROUPS` random groups of equal size are resampled: their variance estimates
    that of the rows with a relative error of √(2/2048) = 3%, so standard errors are right to 1.6%, and the time no
    longer grows with rows times samples.

    Examples
    --------
    >>> columns = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [4.0, 8.0]])
    >>> resampled_correlations(columns, (np.array([0]), np.array([1])), 2, np.random.default_rng(1)).round(12).tolist()
    [[1.0], [1.0]]
    """
    several = _parts(columns.shape[1], pairs, [np.arange(columns.shape[1])] if parts is None else parts)
    n = len(columns)
    groups = np.arange(n + 1) if n <= 2 * _GROUPS else np.linspace(0, n, _GROUPS + 1).astype(int)
    order = rng.permutation(n) if len(groups) <= n else np.arange(n)
    grouped = len(groups) <= n and len(several) == 1 and bool(np.isfinite(columns.sum()))
    products = _grouped_products(columns, pairs, groups, order) if grouped else None
    if len(groups) <= n and not grouped:
        columns = columns[order]
    units, found = len(groups) - 1, []
    for begin in range(0, draws, step := max(1, WEIGHTS // units)):
        size = min(step, draws - begin)
        counts = resample_counts(units, size, rng)
        drawn = np.empty((size, len(pairs[0])))
        if products is not None:
            found.append(_correlations_of(counts @ products, pairs, np.zeros(columns.shape[1], int), columns.shape[1]))
            continue
        for held, part, inside in several:
            drawn[:, held] = _weighted(columns if parts is None else columns[:, part], inside, counts, groups)
        found.append(drawn)
    return np.concatenate(found)


def _parts(
    width: int, pairs: tuple[np.ndarray, np.ndarray], parts: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]]:
    """Return for each part which pairs are in it, its columns, and the places of the pairs among these."""
    number, place = np.zeros(width, dtype=int), np.zeros(width, dtype=int)
    for index, mine in enumerate(parts):
        number[mine], place[mine] = index, np.arange(len(mine))
    of = number[pairs[0]]
    held = [np.flatnonzero(of == index) for index in range(len(parts))]
    return [(one, part, (place[pairs[0][one]], place[pairs[1][one]])) for one, part in zip(held, parts, strict=True)]


def _weighted(
    columns: np.ndarray, pairs: tuple[np.ndarray, np.ndarray], counts: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Return the correlations (B, J) of pairs of columns (n, k) whose groups of rows are counted so often (B, G).

    `groups` (G + 1,) are the rows between which a group lies.
    """
    known = np.isfinite(columns)
    (held, pattern), standard = _patterns(known), _standardised(columns, known)
    alone = len(groups) > len(columns)
    step = _ROWS if alone else max(1, _ROWS * (len(groups) - 1) // len(columns))
    sums: np.ndarray | float = 0.0
    for begin in range(0, len(groups) - 1, step):
        edges = groups[begin : begin + step + 1]
        rows = slice(edges[0], edges[-1])
        products = _products(standard[rows], held[rows], pairs)
        if not alone:
            products = np.add.reduceat(products, edges[:-1] - edges[0], axis=0)
        sums = sums + counts[:, begin : begin + step] @ products
    return _correlations_of(np.asarray(sums), pairs, pattern, columns.shape[1])


def _grouped_products(
    columns: np.ndarray, pairs: tuple[np.ndarray, np.ndarray], groups: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """Return the sums of `_products` of complete columns (n, k) in each group of rows in this order (G, J + 2k + 1).

    The rows of a group are a matrix, with a row of 0 at the end if it has one fewer, and its sums are one product.
    """
    sizes, width = np.diff(groups), columns.shape[1]
    longest, (first, second) = int(sizes.max()), pairs
    middle = columns.mean(axis=0)
    found = np.empty((len(sizes), len(first) + 2 * width + 1))
    step = max(1, _ROWS // longest)
    part, by_column = np.empty((width + 1, step, longest)), columns.T
    for begin in range(0, len(sizes), step):
        own = found[begin : begin + step]
        rows = np.minimum(groups[begin : begin + len(own), None] + np.arange(longest), len(columns) - 1)
        held, places = part[:, : len(own)], order[rows]
        for place, column in enumerate(by_column):
            np.take(column, places, mode="clip", out=held[place])
            held[place] -= middle[place]
        held[-1] = 1.0
        held[:, sizes[begin : begin + step] < longest, -1] = 0.0
        sums = held.swapaxes(0, 1) @ held.transpose(1, 2, 0)
        own[:, : len(first)] = sums[:, first, second]
        own[:, len(first) : -width - 1] = sums[:, :-1, -1]
        own[:, -width - 1 : -1] = np.diagonal(sums, axis1=1, axis2=2)[:, :-1]
        own[:, -1] = sums[:, -1, -1]
    scale = np.sqrt(found[:, -width - 1 : -1].sum(axis=0) / len(columns))
    scale = np.where(scale > 0, scale, 1.0)
    found /= np.concatenate([scale[first] * scale[second], scale, scale**2, [1.0]])
    return found


def _patterns(known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct columns (n, q) as numbers, and the place (k,) of each column among them."""
    place: dict[bytes, int] = {}
    pattern = np.array([place.setdefault(column.tobytes(), len(place)) for column in known.T], dtype=int)
    _, first = np.unique(pattern, return_index=True)
    return known[:, first].astype(float), pattern


def _standardised(columns: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the columns with mean 0 and variance 1 over their known rows, and 0 if missing."""
    patients = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, columns, 0.0)
    centred = np.where(known, centred - centred.sum(axis=0) / patients, 0.0)
    scale = np.sqrt((centred**2).sum(axis=0) / patients)
    return np.asarray(centred / np.where(scale > 0, scale, 1.0))


def _products(values: np.ndarray, held: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the terms of all sums: products of pairs, values and squares by pattern, and pairs of patterns."""
    parts = [values[:, pairs[0]] * values[:, pairs[1]]]
    parts += [(one[:, :, None] * held[:, None, :]).reshape(len(values), -1) for one in (values, values**2, held)]
    return np.hstack(parts)


def _correlations_of(
    sums: np.ndarray, pairs: tuple[np.ndarray, np.ndarray], pattern: np.ndarray, width: int
) -> np.ndarray:
    """Return correlations (B, J) from the sums (B, J + 2kq + q²) of `_products`, with q patterns of known rows."""
    first, second = pairs
    q = int(pattern.max()) + 1
    ends = np.cumsum([len(first), width * q, width * q])
    product, linear, square, rows = np.split(sums, ends, axis=1)
    linear, square = (one.reshape(-1, width, q) for one in (linear, square))
    with np.errstate(invalid="ignore", divide="ignore"):
        n = rows.reshape(-1, q, q)[:, pattern[first], pattern[second]]
        means = [linear[:, one, pattern[other]] / n for one, other in ((first, second), (second, first))]
        spreads = [
            square[:, one, pattern[other]] / n - mean**2
            for one, other, mean in ((first, second, means[0]), (second, first, means[1]))
        ]
        both = spreads[0] * spreads[1]
        return np.asarray((product / n - means[0] * means[1]) / np.sqrt(np.where(both > TINY, both, np.nan)))
