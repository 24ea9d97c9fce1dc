"""Ranks of numbers, and discoveries among p-values, without `scipy.stats`, whose import takes half a second."""

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
    order = np.argsort(values, axis=-1)  # NaN comes last
    ordered = np.take_along_axis(values, order, axis=-1)
    first = np.ones(values.shape, dtype=bool)
    first[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    start = np.flatnonzero(first)
    size = np.diff(start, append=values.size)
    found = np.empty(values.shape)
    tied = np.repeat(start % values.shape[-1] + (size + 1) / 2, size)
    np.put_along_axis(found, order, tied.reshape(values.shape), axis=-1)
    found[np.isnan(values)] = np.nan
    return found


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
