"""Successive blocks of rows, small enough to stay in the cache while several operations pass over them."""

from __future__ import annotations

from collections.abc import Iterator

_ROWS = 2048
"""Rows of a block."""


def blocks(n: int) -> Iterator[slice]:
    """Yield the slices of n rows in blocks of `_ROWS`; the last has up to twice as many, and none is short.

    On one thread, a product of matrices in such blocks is that of the whole, to the last bit: only short ones are
    summed otherwise.

    Examples
    --------
    >>> [(block.start, block.stop) for block in blocks(5000)]
    [(0, 2048), (2048, 5000)]
    """
    count = max(1, n // _ROWS)
    for place in range(count):
        yield slice(place * _ROWS, n if place == count - 1 else (place + 1) * _ROWS)
