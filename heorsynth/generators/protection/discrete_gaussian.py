"""Exact noise from a secret: whole numbers of the discrete Gaussian distribution, made from whole numbers only."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from math import isqrt

_CHUNK = 512
"""Bytes of the stream that are made at a time."""


class SecretBits:
    """A stream of random bits that nobody without its seed can repeat or foresee.

    Parameters
    ----------
    seed : bytes      32 secret bytes, such as an HMAC of the release key

    Notes
    -----
    The bytes are SHAKE-256 of the seed and a counter.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed, self._chunks, self._held, self._bits = seed, 0, 0, 0

    def bits(self, count: int) -> int:
        """A whole number of so many random bits."""
        while self._bits < count:
            made = hashlib.shake_256(self._seed + self._chunks.to_bytes(8, "big")).digest(_CHUNK)
            self._held |= int.from_bytes(made, "big") << self._bits
            self._bits, self._chunks = self._bits + 8 * _CHUNK, self._chunks + 1
        found = self._held & ((1 << count) - 1)
        self._held, self._bits = self._held >> count, self._bits - count
        return found

    def below(self, bound: int) -> int:
        """A whole number from 0 to bound - 1, each equally likely."""
        while True:
            found = self.bits((bound - 1).bit_length())
            if found < bound:
                return found

    def happens(self, chance: int, of: int) -> bool:
        """True with probability chance / of."""
        return self.below(of) < chance

    def decays(self, over: int, of: int) -> bool:
        """True with probability exp(-over / of), for over >= 0 and of > 0."""
        while over > of:
            if not self._decays_once(1, 1):
                return False
            over -= of
        return self._decays_once(over, of)

    def _decays_once(self, over: int, of: int) -> bool:
        """The same for over <= of, by von Neumann's alternating series."""
        k = 1
        while self.happens(over, of * k):
            k += 1
        return k % 2 == 1


def _discrete_laplace(bits: SecretBits, scale: int) -> int:
    """A whole number x with probability proportional to exp(-|x| / scale)."""
    while True:
        start = bits.below(scale)
        if not bits.decays(start, scale):
            continue
        steps = 0
        while bits.decays(1, 1):
            steps += 1
        size, negative = start + scale * steps, bits.bits(1)
        if size or not negative:
            return -size if negative else size


def discrete_gaussian(bits: SecretBits, variance: Fraction) -> int:
    """A whole number x with probability proportional to exp(-x² / (2 variance)).

    Parameters
    ----------
    bits : SecretBits
    variance : Fraction      above 0

    References
    ----------
    Canonne, Kamath & Steinke (2020) arXiv:2004.00010, algorithms 1 to 3. Floating-point noise would not do: its gaps
    tell the number under it (Mironov 2012, doi:10.1145/2382196.2382264).

    Examples
    --------
    >>> bits = SecretBits(b"for the example only")
    >>> [discrete_gaussian(bits, Fraction(100)) for _ in range(6)]
    [8, 6, -1, -4, -4, -4]
    """
    top, of = variance.numerator, variance.denominator
    scale = isqrt(top // of) + 1
    while True:
        found = _discrete_laplace(bits, scale)
        if bits.decays((abs(found) * scale * of - top) ** 2, 2 * scale * scale * of * top):
            return found
