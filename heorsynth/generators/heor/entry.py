"""The law of entry under delayed entry: its own values, of which a patient can only have one before follow-up ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heorsynth.generators.heor.quantiles import Quantiles

VALUES = 10_000
"""Equally likely values by which the smoothed law is read off."""

SMALLEST_MASS = 1e-9
"""No patient has less of the law than this share of the heaviest one: a product of many factors would underflow."""


@dataclass(frozen=True)
class EntryLaw:
    """The law of entry before truncation: that of all who could have entered, not only of those still followed then.

    Attributes
    ----------
    quantiles : Quantiles
    decimals : int or None      that entry times are written with

    Notes
    -----
    Given its follow-up t, a row's entry has the law of entry cut off at t. The law that gives the observed entries back
    under this rule, when follow-up and entry are independent where both can be seen, is the product-limit estimate of
    truncated data, taken in reversed time.

    References
    ----------
    Lynden-Bell (1971) Mon Not R Astron Soc 155:95. Woodroofe (1985) Ann Stat 13:163.
    """

    quantiles: Quantiles
    decimals: int | None

    @classmethod
    def of(cls, entry: np.ndarray, last: np.ndarray, least: int, decimals: int | None) -> EntryLaw:
        """The law behind entries (n,), each before its `last` (n,); `least` patients to a piece."""
        _, place, mass = _masses(entry, last)
        return cls(Quantiles.of(entry, least, (mass / np.bincount(place))[place]), decimals)

    def before(self, shares: np.ndarray, last: np.ndarray) -> np.ndarray:
        """The entry (n,) at these shares (n,) of the law cut off at `last` (n,): always below it, and from 0 up."""
        values = np.sort(self.quantiles((np.arange(VALUES) + 0.5) / VALUES))
        count = np.searchsorted(values, last, side="left")
        found = values[np.minimum(shares * count, np.maximum(count - 1, 0)).astype(int)]
        return np.where(count > 0, found, np.minimum(values[0], just_below(last, self.decimals)))

    def to_dict(self) -> dict[str, Any]:
        return {"quantiles": self.quantiles.to_dict(), "decimals": self.decimals}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> EntryLaw:
        return cls(Quantiles.from_dict(facts["quantiles"]), facts["decimals"])


def places(entry: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Where each entry (n,) stands among the entries that were possible for its row, as a share in (0, 1)."""
    values, place, mass = _masses(entry, last)
    upto = np.concatenate([[0.0], np.cumsum(mass)])
    return np.asarray((upto[place] + mass[place] / 2) / upto[np.searchsorted(values, last, side="left")])


def just_below(last: np.ndarray, decimals: int | None) -> np.ndarray:
    """The largest value below each of these positive ones (n,) that has so many decimals; 0 at the least."""
    if decimals is None:
        return np.asarray(last * (1 - 1e-6))
    step = 10.0**-decimals
    return np.asarray(np.maximum(np.ceil(last / step - 1e-6) - 1, 0.0) * step)


def _masses(entry: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct entries (k,), the place (n,) of each row's among them, and the law's mass (k,) at each.

    At each entry, those who enter then are compared with those under observation just after it. Where they are the
    same patients the estimate gives everything earlier no mass; half a patient more keeps a little.
    """
    values, place, entering = np.unique(entry, return_inverse=True, return_counts=True)
    at_risk = np.cumsum(entering) - np.searchsorted(np.sort(last), values, side="right")
    earlier = np.maximum(1 - entering / at_risk, 0.5 / at_risk)
    upto = np.concatenate([np.cumprod(earlier[:0:-1])[::-1], [1.0]])
    mass = np.diff(np.concatenate([[0.0], upto]))
    return values, place, np.maximum(mass, SMALLEST_MASS * mass.max())
