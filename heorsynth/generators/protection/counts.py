"""What each patient adds to a sum, as whole numbers, with the largest change that one patient makes; and its repair."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from heorsynth.generators.protection.public import PublicColumn

ONE_PLACE = math.sqrt(2.0)
"""L2 sensitivity of a table of counts in which every patient is in one place or in none: he may move to another."""

_UNIT = 1000
"""Products of scores are counted in thousandths."""

_WHOLE_VALUES = 12
"""Whole numbers of so small a range are counted value by value."""

_FEWEST_BINS, _MOST_BINS = 4, 24

_RAREST = 0.05
"""Indicators of a rarer level are standardised as of this share: their largest value would be large."""

_SHOWN = 1.0
"""A sum of noised shares shows something if it exceeds its standard error so many times."""

_SKEW = 3
"""Ends of the intervals of an amount rise with this power, because few patients cost much."""


def in_places(places: np.ndarray, count: int) -> np.ndarray:
    """What each patient adds (n, count) to a table of counts; a place of -1 (n,) adds nothing."""
    return (places[:, None] == np.arange(count)[None, :]).astype(np.int64)


def in_pairs(scores: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, float]:
    """What each patient adds (n, k) to sums of products of scores (n, d), and its sensitivity.

    Parameters
    ----------
    pairs : array of bool (d, d)      which products are summed; only those above the diagonal are

    Notes
    -----
    A patient's scores u are shortened to the length R = sqrt(d). For two patients, the products above the diagonal
    differ by at most |uu' - vv'| / sqrt(2) <= sqrt((|u|⁴ + |v|⁴) / 2) <= R² in L2. Rounding to thousandths
    adds at most sqrt(k) thousandths.
    """
    longest = math.sqrt(max(1, scores.shape[1]))
    finite = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)
    length = np.sqrt((finite**2).sum(axis=1, keepdims=True))
    held = finite * np.minimum(1.0, longest / np.maximum(length, 1e-12))
    first, second = np.nonzero(np.triu(pairs, 1))
    products = held[:, first] * held[:, second]
    return np.rint(_UNIT * products).astype(np.int64), _UNIT * longest**2 * (1 + 1e-9) + math.sqrt(len(first))


def mean_products(told: np.ndarray, pairs: np.ndarray, n: int) -> np.ndarray:
    """The symmetric matrix (d, d) of mean products behind a sum (k,) of `in_pairs`; 0 elsewhere."""
    found = np.zeros(pairs.shape)
    found[np.nonzero(np.triu(pairs, 1))] = told / (_UNIT * n)
    return found + found.T


def product_error(scale: float, n: int) -> float:
    """The standard deviation of the noise in a mean product, for noise of this scale in its sum."""
    return scale / (_UNIT * n)


def onto_total(noised: np.ndarray, total: float) -> np.ndarray:
    """The nearest numbers (k,) that are not negative and have this sum.

    References
    ----------
    Held, Wolfe & Crowder (1974) Math Program 6:62, the projection on a simplex.
    """
    ordered = np.sort(noised)[::-1]
    excess = (np.cumsum(ordered) - total) / np.arange(1, len(ordered) + 1)
    return np.maximum(noised - excess[np.flatnonzero(ordered > excess)[-1]], 0.0)


def n_bins(n: int, scale: float) -> int:
    """How many intervals n patients are counted in under noise of this scale: enough, but with more than noise."""
    return int(np.clip(round(2 * (n / scale) ** 0.4), _FEWEST_BINS, _MOST_BINS))


@dataclass(frozen=True)
class Bins:
    """Intervals of a number, made without a look at patients.

    Attributes
    ----------
    left, right : array (k,)      equal for a single value
    """

    left: np.ndarray
    right: np.ndarray

    @classmethod
    def of(
        cls,
        column: PublicColumn,
        count: int,
        *,
        amount: bool = False,
        cuts: tuple[float, ...] = (),
        single: bool = True,
    ) -> Bins:
        """The intervals of a column: those that are stated, else about so many; an amount of 0 is a value of its own.

        Parameters
        ----------
        cuts : tuple       these are ends of intervals too
        single : bool      whole numbers of a small range may be single values
        """
        low, high = column.edges[0], column.edges[-1]
        if single and column.whole and high - low < _WHOLE_VALUES and len(column.edges) == 2 and not cuts:
            values = np.arange(low, high + 1)
            return cls(values, values)
        if len(column.edges) > 2:
            ends = np.array(column.edges)
        elif amount:
            ends = low + (high - low) * np.linspace(0.0, 1.0, count + 1) ** _SKEW
        else:
            ends = np.linspace(low, high, count + 1)
        inside = [cut for cut in cuts if low < cut < high]
        ends = np.unique(np.concatenate([ends, inside]))
        left, right = ends[:-1], ends[1:]
        if amount and low == 0:
            left, right = np.concatenate([[0.0], left]), np.concatenate([[0.0], right])
        return cls(left, right)

    def places(self, values: np.ndarray) -> np.ndarray:
        """The interval (n,) that each number (n,) within the range lies in; -1 for NaN."""
        found = np.clip(np.searchsorted(self.left, values, side="right") - 1, 0, len(self.left) - 1)
        single = np.flatnonzero(self.left == self.right)
        if 0 < len(single) < len(self.left):  # the first is the single value 0, and the second begins there
            found = np.where(values <= self.left[0], 0, np.maximum(found, 1))
        return np.where(np.isnan(values), -1, found)

    def written(self, decimals: int) -> tuple[np.ndarray, np.ndarray]:
        """Both ends (k,) of the numbers that round to one in each interval: its right end is none, but the last's."""
        step, wide = 10.0**-decimals, self.right > self.left
        left = np.where(wide, self.left - 0.499 * step, self.left)
        right = np.where(wide, self.right - 0.501 * step, self.right)
        right[-1] += step if wide[-1] else 0.0
        return left, np.maximum(left, right)

    def scores(self, values: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Normal scores (n,) of numbers (n,) where the intervals have these shares (k,); 0 for NaN."""
        place = self.places(values)
        before = np.concatenate([[0.0], np.cumsum(shares)[:-1]])
        width = np.maximum(self.right - self.left, 0.0)[place]
        along = np.divide(values - self.left[place], width, out=np.full(len(values), 0.5), where=width > 0)
        rank = before[place] + np.clip(np.nan_to_num(along, nan=0.5), 0.0, 1.0) * shares[place]
        return np.where(place < 0, 0.0, ndtri(np.clip(rank / max(shares.sum(), 1e-12), 0.01, 0.99)))


def pulled_together(shares: np.ndarray, patients: np.ndarray, variance: float) -> np.ndarray:
    """Shares (a, k) by arm, drawn towards those of all arms as far as noise of this variance may set them apart.

    References
    ----------
    Efron & Morris (1973) J Am Stat Assoc 68:117, the positive-part James-Stein rule, here for each arm.
    """
    whole = (shares * patients[:, None]).sum(axis=0) / patients.sum()
    apart = shares - whole
    noise = shares.shape[1] * variance / patients**2
    kept = np.clip(1 - noise / np.maximum((apart**2).sum(axis=1), 1e-12), 0.0, 1.0)
    return np.asarray(whole + apart * kept[:, None])


def without_tail(shares: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Shares (a, k) of intervals by arm, 0 in the upper intervals that together hold no more than their noise shows.

    The noise has these standard deviations (a,) in each share. A mean rests on the largest amounts, and noise in a
    few upper intervals would raise it.
    """
    upper = np.cumsum(shares[:, ::-1], axis=1)[:, ::-1]
    error = noise[:, None] * np.sqrt(np.arange(shares.shape[1], 0, -1))
    shown: np.ndarray = upper > _SHOWN * error
    last = shares.shape[1] - 1 - np.argmax(np.flip(shown, axis=1), axis=1)
    none = ~np.any(shown, axis=1, keepdims=True)
    kept = (np.arange(shares.shape[1])[None, :] <= last[:, None]) | none
    return np.where(kept, shares, 0.0)


def standard(indicator: np.ndarray, rate: float) -> np.ndarray:
    """An indicator (n,) with this mean, less its mean, in its standard deviations."""
    rate = min(max(rate, _RAREST), 1 - _RAREST)
    return (indicator - rate) / np.sqrt(rate * (1 - rate))


def nearest_correlation(found: np.ndarray) -> np.ndarray:
    """A correlation matrix (d, d) near a symmetric one: without its negative eigenvalues, scaled to a diagonal of 1."""
    values, vectors = np.linalg.eigh(found)
    near = (vectors * np.maximum(values, 1e-6)) @ vectors.T
    scale = np.sqrt(np.diag(near))
    return np.asarray(near / np.outer(scale, scale))
