"""Orders of many numbers, by the fast sort, with the results of the stable one."""

from __future__ import annotations

import numpy as np


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
