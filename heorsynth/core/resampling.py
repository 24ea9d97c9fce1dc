"""Bootstrap samples as the number of times that each holds a unit."""

from __future__ import annotations

import numpy as np

_HELD = 2**18
"""About so many drawn places are counted at a time: they stay in the cache."""


def resample_counts(units: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each of `draws` samples, of as many units, holds each unit (draws, units), as floats.

    Examples
    --------
    >>> resample_counts(3, 2, np.random.default_rng(1)).sum(axis=1).tolist()
    [3.0, 3.0]
    """
    counts = np.empty((draws, units))
    step = max(1, _HELD // max(units, 1))
    for begin in range(0, draws, step):
        own = counts[begin : begin + step]
        places = rng.integers(units, size=own.shape)
        places += (np.arange(len(own)) * units)[:, None]
        own[:] = np.bincount(places.ravel(), minlength=own.size).reshape(own.shape)
    return counts
