"""Common factors of many columns: how many the patients show, and how far each column depends on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SHUFFLES = 19
"""Cohorts with shuffled columns: a factor is larger than the largest of all, by chance, in 1 of 20 cohorts."""

_FEWEST_SHUFFLES, _MOST_SHUFFLED = 3, 20_000_000
"""Of large cohorts fewer are shuffled, so many values in all: there the largest chance factor hardly varies."""

_PATIENTS_PER_FACTOR = 10
"""A sample gives one factor for so many patients at most: the largest."""

_LEAST_SHARE, _LEAST_REACH = 0.02, 0.1
"""A factor has this share of the variance of all columns, and reaches this share of the columns; smaller ones are left
to the blocks, since a factor of a few columns would give a little chance to all others."""

_MOST_COMMON = 0.95
"""Largest share of a column's variance that factors have."""


def factors_of(rest: np.ndarray, known: np.ndarray, owner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Loadings (k, p) of columns on the uncorrelated standard normal factors that these rows show.

    Parameters
    ----------
    rest : array (n, p)     standardised columns, 0 where not known
    known : array (n, p)
    owner : array (p,)      latents of one column are shuffled together: their tie is no factor

    Notes
    -----
    1. A factor is kept if its variance is larger than the largest one in cohorts whose columns are shuffled, each on
       its own (parallel analysis). So independent columns have none, however many they are.
    2. With more columns than patients, the variance of a sample's factor is far too large and its direction is off.
       Both are corrected as in the spiked model: with g = p / n and the variance v of the sample's factor, that of the
       population is l = (v + 1 - g + sqrt((v + 1 - g)² - 4 v)) / 2, and the squared cosine of both directions is
       c² = (1 - g / (l - 1)²) / (1 + g / (l - 1)). The loadings are the direction times sqrt((l - 1) c²).

    References
    ----------
    Horn (1965) Psychometrika 30:179, parallel analysis; Donoho, Gavish & Johnstone (2018) Ann Stat 46:1742, the
    spiked covariance whose shrinkage is best in Frobenius norm.
    """
    n, p = rest.shape
    if n < _PATIENTS_PER_FACTOR or p < 2:
        return np.zeros((0, p))
    columns = [np.flatnonzero(owner == name) for name in np.unique(owner)]
    shuffles = int(np.clip(_MOST_SHUFFLED // rest.size, _FEWEST_SHUFFLES, _SHUFFLES))
    edge = max(float(_variances(shuffled(rest, columns, rng))[-1]) for _ in range(shuffles))
    values, scores = _factors(rest)
    count = int(min((values > edge).sum(), n // _PATIENTS_PER_FACTOR))
    variance, directions = spikes(values[:count], p / n), scores[:, :count].T @ rest
    squares = (directions**2).sum(axis=1) ** 2
    reach = squares / np.maximum((directions**4).sum(axis=1), 1e-12) / p
    count = int(np.cumprod((variance >= _LEAST_SHARE * p) & (reach >= _LEAST_REACH)).sum())
    directions = directions[:count] / np.maximum(known.mean(axis=0), 1 / n)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    loadings = directions * np.sqrt(variance[:count])[:, None]
    common = np.maximum((loadings**2).sum(axis=0), 1e-12)
    return np.asarray(loadings * np.sqrt(np.minimum(1.0, _MOST_COMMON / common)))


def without_factors(rest: np.ndarray, known: np.ndarray, count: int) -> np.ndarray:
    """The standardised columns (n, p) less their first `count` factors; 0 where not known."""
    if not count:
        return rest
    scores = _factors(rest)[1][:, :count]
    return standardised(rest - scores @ (scores.T @ rest) / len(rest), known)


def standardised(columns: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Columns (n, p) with mean 0 and variance 1 over the rows that are known; 0 in all others."""
    counts = np.maximum(known.sum(axis=0), 1)
    held = np.where(known, columns - np.where(known, columns, 0.0).sum(axis=0) / counts, 0.0)
    scale = np.sqrt((held**2).sum(axis=0) / counts)
    return np.asarray(held / np.where(scale > 1e-9, scale, 1.0))


def shuffled(rest: np.ndarray, columns: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """The same columns (n, p), each group of places in an order of its own over the rows."""
    order = np.empty(rest.shape, dtype=np.intp)
    for places in columns:
        order[:, places] = rng.permutation(len(rest))[:, None]
    return np.take_along_axis(rest, order, axis=0)


def spikes(values: np.ndarray, ratio: float) -> np.ndarray:
    """The variance beyond that of noise that factors have in the population, given theirs in a sample.

    Parameters
    ----------
    values : array (k,)    variances of factors in a sample of standardised columns
    ratio : float          columns to patients

    Examples
    --------
    >>> spikes(np.array([3.0, 21.0]), 1.0).round(2)  # below (1 + 1)², a sample of pure noise has as much
    array([ 0.  , 17.95])
    """
    middle = values + 1 - ratio
    root = middle**2 - 4 * values
    spike = (middle + np.sqrt(np.maximum(root, 0.0))) / 2 - 1
    some = np.maximum(spike, 1e-12)
    cosine = (1 - ratio / some**2) / (1 + ratio / some)
    return np.where((root > 0) & (spike > np.sqrt(ratio)), spike * np.maximum(cosine, 0.0), 0.0)


def _factors(rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The variances of the factors of a sample, falling, and their scores (n, k) with mean square 1."""
    n, p = rest.shape
    if n <= p:
        values, vectors = np.linalg.eigh(rest @ rest.T / n)
        scores = vectors * np.sqrt(n)
    else:
        values, right = np.linalg.eigh(rest.T @ rest / n)
        scores = rest @ right / np.sqrt(np.maximum(values, 1e-12))
    return values[::-1], scores[:, ::-1]


def _variances(rest: np.ndarray) -> np.ndarray:
    """The variances of the factors of a sample, rising."""
    n, p = rest.shape
    return np.linalg.eigvalsh((rest @ rest.T if n <= p else rest.T @ rest) / n)
