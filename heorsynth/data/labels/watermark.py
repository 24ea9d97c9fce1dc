"""The keyed statistical mark in the rows themselves: its bins, its coins, and which columns can hold it."""

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
"""Known to everybody, so that anybody's `inspect` knows any cohort of heorsynth again: it guards against accident."""

PUBLIC, OWNER = 0, 1
"""Parity of the pairs of bins that follow the public key, and of those that follow an owner's where there is one."""

WIDTH = 0.04
"""Width of a bin in robust standard deviations of its column, before it is set to 1, 2 or 5 times a power of ten."""

STEPS = {1: 0.5, 2: 0.25, 5: 0.5}
"""Leading digit of a width to where, in widths, its bins begin: half-way between the numbers rounding leads to."""

NO_MARK = "none: "
"""How a label begins to say that no mark is found in the rows."""

PUBLIC_TOLD, OWNER_TOLD = "public key", "owner's key"
"""How a label names the keys that a mark follows."""

MIN_KEY = 16
"""Characters of an owner's key, at least."""

MIN_VALUES = 20
"""A column with fewer different values than this holds levels and takes no mark."""

MODE = 0.1
"""A value that more than this share of the rows hold has no part in a column's spread: zero costs, full health."""

SCANNED = 4000
"""Rows among which a column's resolution, levels and spread are looked for."""


@dataclass(frozen=True)
class Grid:
    """Bins of one width, taken two by two: bin 2j is the lower one of pair j, bin 2j + 1 the upper one.

    Attributes
    ----------
    digit, power : int    the width is digit · 10^power, digit 1, 2 or 5: adding it to a number keeps its decimals
    """

    digit: int
    power: int

    @property
    def width(self) -> float:
        return self.digit * 10.0**self.power

    def bins(self, values: np.ndarray) -> np.ndarray:
        """The bin of each value."""
        bins = np.floor(values / self.width - STEPS[self.digit] + 1e-9)
        return np.clip(bins, -(2.0**62), 2.0**62).astype(np.int64)

    @classmethod
    def near(cls, width: float, doubt: float = 0.0) -> tuple[Grid, ...]:
        """The grid whose width is nearest to this one by ratio, then any that may be, the width being in doubt.

        Examples
        --------
        >>> [grid.width for grid in Grid.near(0.33)], [grid.width for grid in Grid.near(0.33, doubt=0.1)]
        ([0.5], [0.5, 0.2])
        """
        power = int(np.floor(np.log10(width)))
        ladder = [cls(digit, power + shift) for shift in (-1, 0, 1) for digit in STEPS]
        away = np.array([abs(np.log(grid.width / width)) for grid in ladder])
        order = np.argsort(away, kind="stable")
        return tuple(ladder[at] for at in order if away[at] <= away[order[0]] + 2 * doubt)


def coins(key: bytes, digit: int, pairs: np.ndarray) -> np.ndarray:
    """For each pair of bins, +1 where its upper bin is the green one and -1 where its lower is.

    Notes
    -----
    Bit (j mod 256) of HMAC-SHA256(key, digit : j div 256). The power of ten and the column's name have no part in
    it: values in cents, or under another name, meet the same coins. Green and red bins are those of He et al.
    (2024), arXiv:2405.14018; in pairs, a value moves by one bin only, and as many can move up as down.
    """
    blocks, place = np.unique(pairs >> 8, return_inverse=True)
    digests = [hmac.new(key, f"{digit}:{block}".encode(), hashlib.sha256).digest() for block in blocks]
    bits = np.unpackbits(np.frombuffer(b"".join(digests), dtype=np.uint8)).reshape(len(blocks), 256)
    return 2 * bits[place, pairs & 255].astype(np.int64) - 1


def owner_key(path: str | Path) -> bytes:
    """The owner's key in a file: its text, without white space around it.

    Raises
    ------
    FileError     it cannot be read, or holds fewer than `MIN_KEY` characters
    """
    file = Path(path)
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        found = Problem("", f"cannot be read ({error.strerror})", "check the path")
        raise FileError(f"watermark key {file.name!r}", found) from error
    if len(key) < MIN_KEY:
        fix = "write one long random text: python -c 'import secrets; print(secrets.token_hex(32))'"
        raise FileError(f"watermark key {file.name!r}", Problem("", f"fewer than {MIN_KEY} characters", fix))
    return key


def told(owner: bytes | None) -> str:
    """The keys that a mark follows, as a label names them."""
    return PUBLIC_TOLD if owner is None else f"{PUBLIC_TOLD} and {OWNER_TOLD} {fingerprint(owner)}"


def names_owner(watermark: str, owner: bytes | None) -> bool:
    """True where a label's `watermark` names this owner's key, or none where there is none."""
    named = re.search(rf"{OWNER_TOLD} ([0-9a-f]{{8}})", watermark)
    return (None if named is None else named[1]) == (None if owner is None else fingerprint(owner))


def release_key(owner: bytes, release: str) -> bytes:
    """The key of one release, made from its owner's: what a registry keeps, so that it never holds the owner's."""
    return hmac.new(owner, f"release:{release}".encode(), hashlib.sha256).hexdigest().encode()


def fingerprint(owner: bytes) -> str:
    """Eight hex digits that name an owner's key and do not give it away."""
    return hmac.new(owner, b"fingerprint", hashlib.sha256).hexdigest()[:8]


def measurements(column: pd.Series) -> np.ndarray | None:
    """A column's values as numbers, missing as NaN; None if it holds levels, text or moments."""
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column) or types.is_complex_dtype(column):
        return None
    values = column.to_numpy(float, na_value=np.nan)
    finite = np.isfinite(values)
    some = scanned(values[finite])
    if len(np.unique(some)) < MIN_VALUES or not 1e-100 < np.abs(some).max() < 1e100:
        return None
    return values if finite.all() else np.where(finite, values, np.nan)


def scanned(values: np.ndarray) -> np.ndarray:
    """Every k-th of the values: few enough to look at closely."""
    return values[:: max(1, len(values) // SCANNED)]


def spread(values: np.ndarray) -> float:
    """Robust standard deviation, interquartile range over 1.349, of the known values that are not modes.

    Examples
    --------
    >>> round(spread(np.concatenate([np.zeros(900), np.arange(1000.0)])), 1)
    369.9
    """
    some = scanned(values[np.isfinite(values)])
    kept = some[~heaped(some, MODE)]
    kept = kept if len(kept) else some
    low, high = np.quantile(kept, [0.25, 0.75])
    return float(high - low) / 1.349 or float(kept.std()) or 1.0


def heaped(values: np.ndarray, share: float) -> np.ndarray:
    """True for each value that more than this share of the others, and more than five, are equal to."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts > max(5.0, share * len(values)))[place]
