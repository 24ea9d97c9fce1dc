"""The law of entry times under delayed entry, where entry always comes before the end of follow-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heorsynth.generators.latent.quantiles import Quantiles

_VALUES = 10_000
"""Number of equally likely values that represent the law when it is cut off."""

_SMALLEST_MASS = 1e-9
"""Smallest mass of an entry time, as a share of the largest mass: a product of many factors would underflow."""


@dataclass(frozen=True)
class EntryLaw:
    """The law of entry before truncation: of all who could have entered, also those whose follow-up ended earlier.

    Attributes
    ----------
    quantiles : Quantiles
    decimals : int or None      of entry times

    Notes
    -----
    The entry of a row with follow-up t is drawn from this law, cut off at t. If entry and follow-up are independent
    where both can be observed, the law under which this gives the observed entries is the product-limit estimate for
    truncated data in reversed time.

    References
    ----------
    Lynden-Bell (1971) Mon Not R Astron Soc 155:95. Woodroofe (1985) Ann Stat 13:163.
    """

    quantiles: Quantiles
    decimals: int | None

    @classmethod
    def of(cls, entry: np.ndarray, last: np.ndarray, least: int, decimals: int | None) -> EntryLaw:
        """The law estimated from entries (n,), each before its `last` (n,), with `least` patients to a piece."""
        _, place, mass = _masses(entry, last)
        return cls(Quantiles.of(entry, least, (mass / np.bincount(place))[place]), decimals)

    def before(self, shares: np.ndarray, last: np.ndarray) -> np.ndarray:
        """The entry (n,) at these shares (n,) of the law cut off at `last` (n,): at least 0 and below `last`."""
        values = np.sort(self.quantiles((np.arange(_VALUES) + 0.5) / _VALUES))
        count = np.searchsorted(values, last, side="left")
        found = values[np.minimum(shares * count, np.maximum(count - 1, 0)).astype(int)]
        return np.where(count > 0, found, np.minimum(values[0], just_below(last, self.decimals)))

    def to_dict(self) -> dict[str, Any]:
        return {"quantiles": self.quantiles.to_dict(), "decimals": self.decimals}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> EntryLaw:
        return cls(Quantiles.from_dict(facts["quantiles"]), facts["decimals"])


def places(entry: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The share in (0, 1) of each entry (n,) in the law of entries that were possible for its row."""
    values, place, mass = _masses(entry, last)
    upto = np.concatenate([[0.0], np.cumsum(mass)])
    return np.asarray((upto[place] + mass[place] / 2) / upto[np.searchsorted(values, last, side="left")])


def just_below(last: np.ndarray, decimals: int | None) -> np.ndarray:
    """The largest number of so many decimals below each of these positive values (n,), and at least 0."""
    if decimals is None:
        return np.asarray(last * (1 - 1e-6))
    step = 10.0**-decimals
    return np.asarray(np.maximum(np.ceil(last / step - 1e-6) - 1, 0.0) * step)


def _masses(entry: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct entries (k,), the index (n,) of each row's entry among them, and the law's mass (k,) at each.

    At each entry time, the number who enter is divided by the number under observation just after it. If all of these
    enter then, the estimate leaves no mass for earlier entries; half a patient is kept for them.
    """
    values, place, entering = np.unique(entry, return_inverse=True, return_counts=True)
    at_risk = np.cumsum(entering) - np.searchsorted(np.sort(last), values, side="right")
    earlier = np.maximum(1 - entering / at_risk, 0.5 / at_risk)
    upto = np.concatenate([np.cumprod(earlier[:0:-1])[::-1], [1.0]])
    mass = np.diff(np.concatenate([[0.0], upto]))
    return values, place, np.maximum(mass, _SMALLEST_MASS * mass.max())
