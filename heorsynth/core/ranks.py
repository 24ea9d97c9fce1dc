"""Orders, ranks and codes of numbers, and discoveries among p-values, without loading `scipy.stats`."""

from __future__ import annotations

import numpy as np

from heorsynth.core.blocks import blocks
from heorsynth.core.numbers import WHOLE_FLOATS

_UNITS = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
"""Numbers are tried as whole multiples of 1 / unit."""

_HEAD = 1000
"""So many numbers are tried first."""

_FEW = 8
"""Whole numbers within so many times their count are counted, which takes a place each."""


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


def in_units(numbers: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Return whole numbers k (n,) and a unit u with k / u equal to the numbers to the last bit; None without any.

    Examples
    --------
    >>> whole, unit = in_units(np.array([1.5, -2.0]))
    >>> whole.tolist(), unit
    ([15, -20], 10.0)
    >>> in_units(np.array([1 / 3])) is None
    True
    """
    for unit in _UNITS:
        if (np.rint(numbers[:_HEAD] * unit) / unit == numbers[:_HEAD]).all():
            whole = np.empty(len(numbers), dtype=np.int64)
            if all(_filled(numbers[rows], unit, whole[rows]) for rows in blocks(len(numbers))):
                return whole, unit
    return None


def _filled(numbers: np.ndarray, unit: float, whole: np.ndarray) -> bool:
    """Fill in the whole numbers; return whether they are exact."""
    times = np.rint(numbers * unit)
    exact = (times / unit == numbers).all() and np.abs(times).max(initial=0.0) < WHOLE_FLOATS
    if exact:
        whole[:] = times
    return bool(exact)


def coded(whole: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return the different whole numbers (d,), ascending, each one's place (n,) among them, and their counts (d,).

    None if they lie so far apart that a number and its place do not fit into 63 bits.

    Examples
    --------
    >>> [part.tolist() for part in coded(np.array([7, 5, 7]))]
    [[5, 7], [1, 0, 1], [1, 2]]
    """
    n, least = len(whole), int(whole.min())
    span, bits = int(whole.max()) - least + 1, n.bit_length()
    if span <= _FEW * n:
        moved = whole - least
        counts = np.bincount(moved)
        held = np.flatnonzero(counts)
        place = np.zeros(span, dtype=np.int32)
        place[held] = np.arange(len(held), dtype=np.int32)
        return held + least, place[moved], counts[held]
    if span.bit_length() + bits > 63:
        return None
    packed = whole - least
    packed <<= bits
    packed |= np.arange(n)
    packed.sort()
    first = np.ones(n, dtype=bool)
    np.greater((packed[1:] ^ packed[:-1]) >> bits, 0, out=first[1:])
    starts = np.flatnonzero(first)
    values = (packed[starts] >> bits) + least
    packed &= (1 << bits) - 1
    codes = np.empty(n, dtype=np.int32)
    counts = np.diff(starts, append=n)
    codes[packed] = np.repeat(np.arange(len(starts), dtype=np.int32), counts)
    return values, codes, counts


def unique(whole: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different whole numbers (d,), ascending, each one's place (n,) and their counts (d,): `coded` of any.

    Examples
    --------
    >>> [part.tolist() for part in unique(np.array([2**62, 5, 2**62]))]
    [[5, 4611686018427387904], [1, 0, 1], [1, 2]]
    """
    return (coded(whole) if len(whole) else None) or np.unique(whole, return_inverse=True, return_counts=True)
