"""The keyed statistical watermark in the rows: its bins, its coins, and the columns that can hold it."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.errors import FileError, Problem

PUBLIC_KEY = b"heorsynth: every synthetic cohort, whoever drew it"
"""A known key, so that every `inspect` recognises every cohort. It protects against accidents, not against intent."""

PUBLIC, OWNER = 0, 1
"""Parity of the bin pairs that follow the public key, and of those that follow an owner's key if there is one."""

WIDTH = 0.04
"""Width of a bin in robust standard deviations of its column. It is then rounded to 1, 2 or 5 times a power of ten."""

STEPS = {1: 0.5, 2: 0.25, 5: 0.5}
"""Offset of the bins in widths, by the width's first digit. It puts bin edges halfway between rounded numbers."""

NO_MARK = "none: "
"""Prefix of a label's watermark field if no watermark is detected."""

PUBLIC_NAME, OWNER_NAME = "public key", "owner's key"
"""Names of the keys in a label."""

_MIN_KEY = 16
"""The smallest number of characters of an owner's key."""

MIN_VALUES = 20
"""A column with fewer different values is categorical and holds no watermark."""

_MODE = 0.1
"""A value with a larger share of the rows, such as zero costs or full health, is ignored in a column's spread."""

_SCANNED = 4000
"""The number of rows from which a column's resolution, levels and spread are determined."""


@dataclass(frozen=True)
class Grid:
    """Bins of equal width, in pairs: bin 2j is the lower bin of pair j, bin 2j + 1 the upper one.

    Attributes
    ----------
    digit, power : int    the width is digit · 10^power with digit 1, 2 or 5, so that adding it keeps the decimals
    """

    digit: int
    power: int

    @property
    def width(self) -> float:
        """The width of a bin."""
        return self.digit * 10.0**self.power

    def bins(self, values: np.ndarray) -> np.ndarray:
        """Return the bin of each value."""
        bins = np.floor(values / self.width - STEPS[self.digit] + 1e-9)
        return np.clip(bins, -(2.0**62), 2.0**62).astype(np.int64)

    @classmethod
    def near(cls, width: float, doubt: float = 0.0) -> tuple[Grid, ...]:
        """Return the grid of the nearest width by ratio, then any other grid that `doubt` about the width allows.

        Examples
        --------
        >>> [grid.width for grid in Grid.near(0.33)], [grid.width for grid in Grid.near(0.33, doubt=0.1)]
        ([0.5], [0.5, 0.2])
        """
        power = int(np.floor(np.log10(width)))
        ladder = [cls(digit, power + shift) for shift in (-1, 0, 1) for digit in STEPS]
        away = np.abs(np.log(np.array([grid.width for grid in ladder]) / width))
        order = np.argsort(away, kind="stable")
        return tuple(ladder[at] for at in order if away[at] <= away[order[0]] + 2 * doubt)


def coins(key: bytes, digit: int, pairs: np.ndarray) -> np.ndarray:
    """Return +1 for each pair whose upper bin is green, and -1 for each pair whose lower bin is green.

    Notes
    -----
    The coin of pair j is bit (j mod 256) of HMAC-SHA256(key, digit : j div 256). It does not depend on the power of ten
    or on the column's name, so values in cents or under another name have the same coins. Green and red bins are those
    of He et al. (2024), arXiv:2405.14018. With pairs, a value moves by one bin only, and equally many move up and down.
    """
    blocks, place = np.unique(pairs >> 8, return_inverse=True)
    digests = [hmac.digest(key, f"{digit}:{block}".encode(), "sha256") for block in blocks.tolist()]
    bits = np.unpackbits(np.frombuffer(b"".join(digests), dtype=np.uint8)).reshape(len(blocks), 256)
    return 2 * bits[place, pairs & 255].astype(np.int64) - 1


def owner_key(path: str | Path) -> bytes:
    """Return the owner's key in a file: its text without surrounding white space.

    Raises
    ------
    FileError     the file cannot be read, or has fewer than `_MIN_KEY` characters
    """
    file = Path(path)
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        found = Problem("", f"cannot be read ({error.strerror})", "check the path")
        raise FileError(f"watermark key {file.name!r}", found) from error
    if len(key) < _MIN_KEY:
        fix = "write one long random text: python -c 'import secrets; print(secrets.token_hex(32))'"
        raise FileError(f"watermark key {file.name!r}", Problem("", f"fewer than {_MIN_KEY} characters", fix))
    return key


def keys_in_words(owner: bytes | None) -> str:
    """Return the names of the watermark's keys for a label."""
    return PUBLIC_NAME if owner is None else f"{PUBLIC_NAME} and {OWNER_NAME} {fingerprint(owner)}"


def names_owner(watermark: str, owner: bytes | None) -> bool:
    """Return True if a label's `watermark` names this owner's key, or no owner's key if `owner` is None."""
    named = re.search(rf"{OWNER_NAME} ([0-9a-f]{{8}})", watermark)
    return (None if named is None else named[1]) == (None if owner is None else fingerprint(owner))


def release_key(owner: bytes, release: str) -> bytes:
    """Return the key of one release, derived from the owner's key. A registry stores it instead of the owner's key."""
    return hmac.new(owner, f"release:{release}".encode(), hashlib.sha256).hexdigest().encode()


def fingerprint(owner: bytes) -> str:
    """Return eight hex digits that identify an owner's key without revealing it."""
    return hmac.new(owner, b"fingerprint", hashlib.sha256).hexdigest()[:8]


def measurements(column: pd.Series) -> np.ndarray | None:
    """Return a column's values as numbers, with NaN for missing. None for levels, text and dates."""
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column) or types.is_complex_dtype(column):
        return None
    values = column.to_numpy(float, na_value=np.nan)
    finite = np.isfinite(values)
    some = scanned(values[finite])
    if len(np.unique(some)) < MIN_VALUES or not 1e-100 < np.abs(some).max() < 1e100:
        return None
    return values if finite.all() else np.where(finite, values, np.nan)


def scanned(values: np.ndarray) -> np.ndarray:
    """Return every k-th value, at most about `_SCANNED` of them."""
    return values[:: max(1, len(values) // _SCANNED)]


def spread(values: np.ndarray) -> float:
    """Return the robust standard deviation (interquartile range / 1.349) of the known values without modes.

    Examples
    --------
    >>> round(spread(np.concatenate([np.zeros(900), np.arange(1000.0)])), 1)
    369.9
    """
    some = np.sort(scanned(values[np.isfinite(values)]))
    kept = some[~heaped(some, _MODE)]
    kept = kept if len(kept) else some
    low, high = quartiles(kept)
    return (high - low) / 1.349 or float(kept.std()) or 1.0


def heaped(ordered: np.ndarray, share: float) -> np.ndarray:
    """Return True for each of ascending values that more than this share of them, and more than five, are equal to."""
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    counts = np.append(starts[1:], len(ordered))[: len(starts)] - starts
    return np.repeat(counts > max(5.0, share * len(ordered)), counts)


def quartiles(ordered: np.ndarray) -> tuple[float, float]:
    """Return the lower and the upper quartile of ascending values, as `numpy.quantile` does in twenty times the time.

    Examples
    --------
    >>> quartiles(np.array([1.0, 2.0, 4.0]))
    (1.5, 3.0)
    """
    found = []
    for share in (0.25, 0.75):
        place, part = divmod(share * (len(ordered) - 1), 1.0)
        low, high = ordered[int(place) : int(place) + 2][[0, -1]].tolist()
        found.append(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))
    return found[0], found[1]
