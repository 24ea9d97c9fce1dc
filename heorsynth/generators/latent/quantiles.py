"""A smoothed quantile function: spikes at values that patients share, and pieces of several patients elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from heorsynth.core.ranks import mid_ranks, rising
from heorsynth.generators.protection.guard import Mover
from heorsynth.generators.sampling.formats import decimals_of

MIN_PATIENTS = 5
"""Smallest number of patients to a piece, by default: no knot is the value of one patient."""

PIECES = 2000
"""Largest number of pieces of one function: of more patients, more share a piece."""


_NEARLY = 1 - 1e-9
"""Weights are compared to rounding."""

_LEAST_POWER = 0.2
"""Least power of a piece that bends downwards."""

_End: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Makes the last piece (4,) from its sorted values (n,), their weights (n,) and the straight piece (4,)."""


@dataclass(frozen=True)
class Quantiles:
    """A quantile function in pieces: on (edges[k], edges[k+1]] it rises from left[k] by rise[k]·w^power[k].

    Attributes
    ----------
    edges : array (K + 1,)             from 0 to 1
    left, rise, power : array (K,)     no rise at a spike: a value enough patients share
    decimals : int or None             to which values are rounded; None for no rounding
    """

    edges: np.ndarray
    left: np.ndarray
    rise: np.ndarray
    power: np.ndarray
    decimals: int | None

    @classmethod
    def of(
        cls,
        values: np.ndarray,
        least: int = MIN_PATIENTS,
        weights: np.ndarray | None = None,
        *,
        open_top: bool = False,
        whole_end: bool = False,
        shared: np.ndarray | None = None,
        most: int = PIECES,
    ) -> Quantiles:
        """The quantile function of values (n,), n >= 1, none missing; weights (n,) are 1 unless given.

        Parameters
        ----------
        least : int         patients to a piece, and patients who must share a value to make it a spike
        open_top : bool     larger values than the largest are possible, as for costs: the last piece may exceed it
        whole_end : bool    the largest drawn value is as large as the largest on average, as for follow-up
        shared : array      values that are spikes even if few of these patients have them, because `least` patients
                            or more of the whole column do
        most : int          largest number of pieces beside the spikes

        Notes
        -----
        Each piece keeps the mean of its patients, so the mean of all is kept: it decides about costs and QALYs.
        Pieces are straight. With an open top the last piece keeps the variance of its patients too: a straight piece
        through a heavy tail would lose it, and intervals would be too narrow.
        """
        if weights is None or (weights == weights[0]).all():  # patients who count alike need no order of equal values
            held = np.sort(np.asarray(values, dtype=float)) + 0.0  # no -0.0, whose place among zeros would be chance
            weight = np.ones(len(held)) if weights is None else np.asarray(weights, dtype=float)
        else:
            order = rising(np.asarray(values, dtype=float))
            held, weight = np.asarray(values, dtype=float)[order], np.asarray(weights, dtype=float)[order]
        spike = _spikes(held, shared, least)
        distinct, first = np.unique(held[spike], return_index=True)
        totals = np.add.reduceat(weight[spike], first) if len(first) else np.zeros(0)
        pieces = np.array([distinct, np.zeros(len(distinct)), np.ones(len(distinct)), totals])
        loose = np.flatnonzero(~spike)
        if len(loose):
            last = loose[-1] == len(held) - 1
            end = _curved if open_top and last else _reaching if whole_end and last else None
            pieces = np.hstack([pieces, _pieces(held[loose], weight[loose], least, end, most)])
        left, rise, power, total = pieces[:, np.argsort(pieces[0] + pieces[1] / (pieces[2] + 1), kind="stable")]
        edges = np.concatenate([[0.0], np.cumsum(total)])
        return cls(edges / edges[-1], left, rise, power, decimals_of(held))

    @classmethod
    def of_pieces(cls, shares: np.ndarray, left: np.ndarray, right: np.ndarray, decimals: int | None) -> Quantiles:
        """The quantile function that rises evenly in each piece, where pieces (k,) have these shares, above 0."""
        edges = np.concatenate([[0.0], np.cumsum(shares)])
        return cls(edges / edges[-1], left, right - left, np.ones(len(left)), decimals)

    def __call__(self, shares: np.ndarray) -> np.ndarray:
        """The values at these shares (n,) in [0, 1]."""
        piece = np.clip(np.searchsorted(self.edges, shares, side="right") - 1, 0, len(self.left) - 1)
        return self._within(shares, lambda of_pieces: of_pieces[piece])

    def rising(self, shares: np.ndarray) -> np.ndarray:
        """The same for shares in ascending order: the few edges are looked up in them, and not they in the edges."""
        ends = np.concatenate([[0], shares.searchsorted(self.edges[1:-1]), [len(shares)]])
        counts = ends[1:] - ends[:-1]
        return self._within(shares, lambda of_pieces: of_pieces.repeat(counts))

    def _within(self, shares: np.ndarray, spread: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The values at these shares (n,), from a function that gives each of them what its piece has."""
        within = shares - spread(self.edges[:-1])
        within /= spread(self.edges[1:] - self.edges[:-1])
        np.minimum(np.maximum(within, 0.0, out=within), 1.0, out=within)
        if (bent := self.power != 1).any():
            some = np.flatnonzero(spread(bent))
            within[some] **= spread(self.power)[some]
        within *= spread(self.rise)
        within += spread(self.left)
        return within if self.decimals is None else np.round(within, self.decimals)

    def moved(self, mover: Mover, patients: float, spread: float, *, values: bool) -> Quantiles:
        """The same function of so many patients, with the shares of its pieces moved by chance; see `Mover`.

        With `values`, the middle and the length of each straight piece move too, within the range of the function.
        """
        shares = mover(np.diff(self.edges), patients, spread)
        moved = replace(self, edges=np.concatenate([[0.0], np.cumsum(shares)[:-1], [1.0]]))
        if not values or spread <= 0:
            return moved
        high = self.left + self.rise
        of_piece = spread / np.sqrt(np.maximum(np.diff(self.edges) * patients, 1.0))
        rise = self.rise * np.exp(np.clip(mover.normal(len(self.left)) * of_piece / 2, -1.0, 1.0))
        middle = self.left + self.rise / 2 + mover.normal(len(self.left)) * of_piece * self.rise / np.sqrt(12.0)
        left, right = (np.clip(middle + side * rise / 2, self.left.min(), high.max()) for side in (-1, 1))
        straight = self.power == 1
        return replace(
            moved, left=np.where(straight, left, self.left), rise=np.where(straight, right - left, self.rise)
        )

    def to_dict(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in ("edges", "left", "rise", "power")}
        return {**arrays, "decimals": self.decimals}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Quantiles:
        edges, left, rise, power = (np.array(facts[name]) for name in ("edges", "left", "rise", "power"))
        return cls(edges, left, rise, power, facts["decimals"])


def split(weight: np.ndarray, least: int, most: int = PIECES) -> list[slice]:
    """Successive pieces of ordered patients with these weights (n,): each has `least` patients or more, at most `most`
    pieces in all, and no patient weighs more than 1 / `least` of a piece that others can join.

    Patients who weigh the same are cut into pieces of sizes as equal as possible.
    """
    n = len(weight)
    count = max(1, min(n // least, most))
    if n == 0 or (weight == weight[0]).all():
        size, longer = divmod(n, count)
        ends = np.cumsum([0] + [size + (piece < longer) for piece in range(count)])
        return [slice(start, end) for start, end in pairwise(ends.tolist())]
    held, fewest = weight.tolist(), max(least, n // most)
    found: list[tuple[int, float, float]] = []
    end, total, largest = 0, 0.0, 0.0
    for place, one in enumerate(held, start=1):
        total, largest = total + one, max(largest, one)
        if place - end >= fewest and total >= least * largest * _NEARLY:
            found, end, total, largest = [*found, (place, total, largest)], place, 0.0, 0.0
    if end < n:
        found.append((n, total, largest))
    while len(found) > 1 and (found[-1][0] - found[-2][0] < fewest or found[-1][1] < least * found[-1][2] * _NEARLY):
        (_, before, heavy), (_, after, last) = found[-2:]
        found[-2:] = [(n, before + after, max(heavy, last))]
    return [slice(start, stop) for start, stop in pairwise([0, *(stop for stop, _, _ in found)])]


def shared_values(values: np.ndarray, least: int) -> np.ndarray:
    """The values that `least` patients or more have, among these (n,) with NaN for missing."""
    held = np.sort(values[~np.isnan(values)]) + 0.0
    first = np.flatnonzero(np.append(True, held[1:] != held[:-1])[: len(held)])
    return np.asarray(held[first[np.diff(first, append=len(held)) >= least]])


def _spikes(held: np.ndarray, shared: np.ndarray | None, least: int) -> np.ndarray:
    """Which of the sorted values (n,) are part of a spike.

    If fewer than `least` other values remain, members of the nearest spikes join them, so that no piece rests on fewer
    than `least` patients.
    """
    first = np.flatnonzero(np.append(True, held[1:] != held[:-1]))
    counts = np.diff(first, append=len(held))
    spike = np.repeat(counts >= least if shared is None else np.isin(held[first], shared), counts)
    lonely = np.flatnonzero(~spike)
    if 0 < len(lonely) < least <= len(held):
        distance = np.abs(held - held[lonely].mean())
        joined = np.argsort(np.where(spike, distance, -1.0), kind="stable")[:least]
        spike[joined] = False
        if shared is None:
            _, inverse = np.unique(held, return_inverse=True)
            spike &= np.asarray(np.bincount(inverse, spike) >= least)[inverse]
    return spike


def _pieces(values: np.ndarray, weight: np.ndarray, least: int, end: _End | None, most: int) -> np.ndarray:
    """Left, rise, power and weight (4, K) of pieces through sorted values (n,) that keep the mean of each.

    Pieces of one size are computed together. The last piece may be curved, as `end` makes it.
    """
    parts = split(weight, least, most)
    sizes = np.array([part.stop - part.start for part in parts])
    found = np.empty((4, len(parts)))
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        rows = np.array([parts[piece].start for piece in chosen])[:, None] + np.arange(size)
        found[:, chosen] = _straight(values[rows], weight[rows])
    if end is not None and sizes[-1] > 1:
        found[:, -1] = end(values[parts[-1]], weight[parts[-1]], found[:, -1])
    return found


def _straight(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Straight pieces (4, k), one for each row (k, n) of sorted values, in the layout of `_pieces`.

    A piece has the slope of the least-squares line. It ends between the mean of its two smallest values and the mean of
    its two largest.
    """
    count = values.shape[1]
    total = weight.sum(axis=1)
    mean = (values * weight).sum(axis=1) / total
    half = np.zeros(len(values))
    if count > 1:
        low, high = values[:, :2].mean(axis=1), values[:, -2:].mean(axis=1)
        middles = (np.arange(count) + 0.5) / count - 0.5
        slope = np.matmul(values[:, None, :], middles[:, None])[:, 0, 0] / (middles @ middles)
        half = np.maximum(0.0, np.minimum(slope / 2, np.minimum(mean - low, high - mean)))
    return np.array([mean - half, 2 * half, np.ones(len(values)), total])


def _curved(part: np.ndarray, weight: np.ndarray, straight: np.ndarray) -> np.ndarray:
    """The piece (4,) through sorted values (n,) that keeps their mean and variance; the straight one if there is none.

    Its left end is the mean of the two smallest values. Let d be the distance of the mean from it; then
    variance / d² = power² / (2·power + 1).
    """
    mean, low = float(np.average(part, weights=weight)), float(part[:2].mean())
    if mean <= low:
        return straight
    ratio = float(np.average((part - mean) ** 2, weights=weight)) / (mean - low) ** 2
    power = ratio + (ratio**2 + ratio) ** 0.5
    return np.array([low, (power + 1) * (mean - low), power, straight[3]])


def _reaching(part: np.ndarray, weight: np.ndarray, straight: np.ndarray) -> np.ndarray:
    """The piece (4,) through four or more sorted values (n,) that keeps their mean and ends beyond the largest.

    A draw of n rows comes within a part of a piece to its end, and not to it. The end is as far beyond the mean of the
    two largest values as half their distance from the next two, or as they are apart if that is less: for evenly
    spaced values the largest draw is then the largest value on average.
    """
    low, mean = float(part[:2].mean()), float(np.average(part, weights=weight))
    if len(part) < 4 or mean <= low:
        return straight
    end = part[-2:].mean() + min((part[-2:].mean() - part[-4:-2].mean()) / 2, part[-1] - part[-2])
    return np.array([low, end - low, max((end - low) / (mean - low) - 1, _LEAST_POWER), straight[3]])


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Standard normal scores of mid-ranks (n,); missing values score 0, the mean."""
    from scipy.special import ndtri

    missing = np.isnan(values)
    if missing.any() or not len(values):
        scores = np.zeros(len(values))
        if not missing.all():
            scores[~missing] = normal_scores(values[~missing])
        return scores
    order, ranks, counts = mid_ranks(values)
    found = np.empty(len(values))
    scores = ndtri((ranks - 0.5) / len(values))
    found[order] = scores if len(scores) == len(values) else scores.repeat(counts)
    return found
