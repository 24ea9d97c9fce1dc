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
