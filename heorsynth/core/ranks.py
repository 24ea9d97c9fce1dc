"""Orders and ranks of numbers by the fast sort, and discoveries among p-values, without loading `scipy.stats`."""

from __future__ import annotations

import numpy as np


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks from 1 along the last axis (..., n); equal values have their mean rank, NaN has rank NaN.

    Examples
    --------
    >>> ranks(np.array([20.0, 10.0, np.nan, 20.0])).tolist()
    [2.5, 1.0, nan, 2.5]
    """
    if not values.size:
        return np.zeros(values.shape)
    rows = values.reshape(-1, values.shape[-1])
    order = np.argsort(rows, axis=-1)  # NaN comes last
    order += (np.arange(len(rows)) * rows.shape[1])[:, None]
    ordered = rows.ravel()[order]
    first = np.ones(rows.shape, dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=first[:, 1:])
    start = np.append(np.flatnonzero(first), values.size)
    size = start[1:] - start[:-1]
    found = np.empty(values.size)
    found[order.ravel()] = np.repeat(start[:-1] % rows.shape[1] + (size + 1) / 2, size)
    found[np.isnan(rows.ravel())] = np.nan
    return found.reshape(values.shape)


def discovery_rates(p: np.ndarray) -> np.ndarray:
    """Return the smallest false discovery rate at which each of J p-values is a discovery.

    References
    ----------
    Benjamini & Hochberg (1995) J R Stat Soc B 57:289.

    Examples
    --------
    >>> discovery_rates(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(p)
    scaled = p[order] * (len(p) / np.arange(1, len(p) + 1))
    found = np.empty(len(p))
    found[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.clip(found, 0.0, 1.0)


def rising(values: np.ndarray) -> np.ndarray:
    """The stable ascending order (n,) of floats, none missing.

    The fastest sort promises no order of equal values. So the places of equal values are sorted afterwards, as whole
    numbers, which is fast too.

    Examples
    --------
    >>> rising(np.array([2.0, 1.0, 2.0, 1.0])).tolist()
    [1, 3, 0, 2]
    """
    order = np.argsort(values)
    held = values[order]
    apart = held[1:] != held[:-1]
    if apart.all():
        return order
    run = np.concatenate([[0], np.cumsum(apart)]) * len(order)
    return np.sort(run + order) - run


def highest(values: np.ndarray, count: int) -> np.ndarray:
    """True (n,) for the `count` highest of values, none missing; of equal ones, for the first.

    Examples
    --------
    >>> highest(np.array([2.0, 3.0, 2.0, 1.0]), 2).tolist()
    [True, True, False, False]
    """
    taken = np.zeros(len(values), dtype=bool)
    if count >= len(values):
        return ~taken
    if count <= 0:
        return taken
    last = np.partition(values, len(values) - count)[len(values) - count]
    taken = values > last
    taken[np.flatnonzero(values == last)[: count - int(taken.sum())]] = True
    return taken


def mid_ranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An ascending order (n,) of values, none missing, the mean rank (k,) of each different one, and its number (k,).

    Examples
    --------
    >>> _, ranks, counts = mid_ranks(np.array([2.0, 1.0, 2.0]))
    >>> ranks.tolist(), counts.tolist()
    ([1.0, 2.5], [1, 2])
    """
    order = np.argsort(values)
    held = values[order]
    starts = np.concatenate([[0], np.flatnonzero(held[1:] != held[:-1]) + 1, [len(held)]])
    counts = starts[1:] - starts[:-1]
    return order, starts[1:] - (counts - 1) / 2, counts
