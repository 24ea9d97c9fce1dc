"""Named random streams: one seed determines all of them, and adding a stream changes no other. Bootstrap counts."""

from __future__ import annotations

import hashlib

import numpy as np

from heorsynth.core.errors import Problem, SeedError
from heorsynth.core.numbers import is_whole

_HELD = 2**18
"""About so many drawn places are counted at a time: they stay in the cache."""


def check_seed(seed: object) -> int:
    """Return the seed as an int. Raise SeedError unless it is a whole number from 0 up.

    Raises
    ------
    SeedError
        If the seed is missing, negative or not a whole number.
    """
    if not is_whole(seed, 0):
        raise SeedError("seed", Problem("", "expected a whole number from 0 up", "give for example seed=1"))
    return int(seed)


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random stream of this seed and these names.

    Streams with different names are independent, and a stream does not depend on which
    others were opened before it.

    Parameters
    ----------
    seed : int               the run's seed, >= 0
    *names : str or int      what the stream is for, such as ``"sample", 17``

    Returns
    -------
    numpy.random.Generator   PCG64, seeded from SHA-256 of the names

    Examples
    --------
    >>> a, b = stream(1, "sample", 17), stream(1, "sample", 17)
    >>> bool(a.integers(1_000_000) == b.integers(1_000_000))
    True
    """
    text = "\x1f".join(f"{type(name).__name__}:{name}" for name in names)
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u4")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([check_seed(seed), *words.tolist()])))


def derived_seed(seed: int, *names: str | int) -> int:
    """Return a 32-bit seed for libraries that accept only an integer."""
    return int(stream(seed, *names).integers(2**32 - 1))


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
