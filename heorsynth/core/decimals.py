"""Numbers with few decimals as whole numbers: they are counted or packed instead of sorted as floats."""

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
