"""A smoothed quantile function: spikes where patients share a value, pieces over several patients elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heorsynth.generators.formats import decimals_of

MIN_PATIENTS = 5
"""No piece rests on fewer patients unless told otherwise, so no knot is anybody's value."""

PIECES = 2000
"""Most pieces of one function: beyond that more patients share a piece, and the law stays small."""


@dataclass(frozen=True)
class Piece:
    """One piece of a quantile function: from left, rising by rise·w^power as w goes from 0 to 1."""

    left: float
    rise: float
    power: float
    weight: float

    @property
    def mean(self) -> float:
        return self.left + self.rise / (self.power + 1)


@dataclass(frozen=True)
class Quantiles:
    """A quantile function in pieces: on (edges[k], edges[k+1]] it rises from left[k] by rise[k]·w^power[k].

    Attributes
    ----------
    edges : array (K + 1,)             from 0 to 1
    left, rise, power : array (K,)     no rise at a spike: a value enough patients share
    decimals : int or None             what values are rounded to; None leaves them
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
        shared: np.ndarray | None = None,
    ) -> Quantiles:
        """The quantile function of some values (n,), n >= 1, none missing, each of weight 1 unless given (n,).

        Parameters
        ----------
        least : int         patients to a piece, and those who must share a value to make it a spike
        open_top : bool     values above the largest are possible, as of costs: the last piece may reach them
        shared : array      values that are spikes however few have them here: enough do in the whole column

        Notes
        -----
        Each piece keeps the mean of its patients, so the mean of the whole is kept: the decision quantity of
        costs and QALYs. Pieces are straight; the last one of an open top keeps the variance of its patients
        too, which a straight piece through a heavy tail would lose, and with it the width of every interval.
        """
        order = np.argsort(values, kind="stable")
        held = np.asarray(values, dtype=float)[order]
        weight = np.ones(len(held)) if weights is None else np.asarray(weights, dtype=float)[order]
        spike = _spikes(held, shared, least)
        distinct, first = np.unique(held[spike], return_index=True)
        totals = np.add.reduceat(weight[spike], first) if len(first) else np.zeros(0)
        pieces = [Piece(float(value), 0.0, 1.0, float(total)) for value, total in zip(distinct, totals, strict=True)]
        loose = np.flatnonzero(~spike)
        if len(loose):
            parts = split(loose, least)
            last = len(parts) - 1 if open_top and loose[-1] == len(held) - 1 else -1
            pieces += [_piece(held[part], weight[part], index == last) for index, part in enumerate(parts)]
        pieces.sort(key=lambda piece: piece.mean)
        edges = np.concatenate([[0.0], np.cumsum([piece.weight for piece in pieces])])
        left, rise, power = np.array([(piece.left, piece.rise, piece.power) for piece in pieces]).T
        return cls(edges / edges[-1], left, rise, power, decimals_of(held))

    def __call__(self, shares: np.ndarray) -> np.ndarray:
        """The values at these shares (n,) in [0, 1]."""
        piece = np.clip(np.searchsorted(self.edges, shares, side="right") - 1, 0, len(self.left) - 1)
        width = self.edges[piece + 1] - self.edges[piece]
        within = np.clip((shares - self.edges[piece]) / width, 0.0, 1.0)
        values = self.left[piece] + self.rise[piece] * within ** self.power[piece]
        return values if self.decimals is None else np.round(values, self.decimals)

    def to_dict(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in ("edges", "left", "rise", "power")}
        return {**arrays, "decimals": self.decimals}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Quantiles:
        edges, left, rise, power = (np.array(facts[name]) for name in ("edges", "left", "rise", "power"))
        return cls(edges, left, rise, power, facts["decimals"])


def split(order: np.ndarray, least: int) -> list[np.ndarray]:
    """An ordering of patients cut into pieces of at least so many of them, as even as can be; `PIECES` at most."""
    return np.array_split(order, max(1, min(PIECES, len(order) // least)))


def shared_values(values: np.ndarray, least: int) -> np.ndarray:
    """The values that at least so many of these (n,) are, missing ones aside."""
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return np.asarray(distinct[counts >= least])


def _spikes(held: np.ndarray, shared: np.ndarray | None, least: int) -> np.ndarray:
    """Which of the sorted values (n,) are part of a spike.

    Where fewer than `least` others are left, they are joined by members of the nearest spikes, so that no
    piece rests on them alone.
    """
    spike = np.isin(held, shared_values(held, least) if shared is None else shared)
    lonely = np.flatnonzero(~spike)
    if 0 < len(lonely) < least <= len(held):
        distance = np.abs(held - held[lonely].mean())
        joined = np.argsort(np.where(spike, distance, -1.0), kind="stable")[:least]
        spike[joined] = False
        if shared is None:
            _, inverse = np.unique(held, return_inverse=True)
            spike &= np.asarray(np.bincount(inverse, spike) >= least)[inverse]
    return spike


def _piece(part: np.ndarray, weight: np.ndarray, open_top: bool) -> Piece:
    """A piece through sorted values that keeps their mean.

    Straight with the slope of the least-squares line, ending within the means of the two smallest and of the two
    largest values; or, with an open top, curved so that the variance is kept too: with the mean of the two
    smallest as its left end and d the mean's distance from it, variance/d² = power²/(2·power + 1).
    """
    count, total = len(part), float(weight.sum())
    mean = float(np.average(part, weights=weight))
    if count < 2:
        return Piece(mean, 0.0, 1.0, total)
    low, high = float(part[:2].mean()), float(part[-2:].mean())
    if open_top and mean > low:
        ratio = float(np.average((part - mean) ** 2, weights=weight)) / (mean - low) ** 2
        power = ratio + (ratio**2 + ratio) ** 0.5
        return Piece(low, (power + 1) * (mean - low), power, total)
    middles = (np.arange(count) + 0.5) / count - 0.5
    half = max(0.0, min(float(middles @ part / (middles @ middles)) / 2, mean - low, high - mean))
    return Piece(mean - half, 2 * half, 1.0, total)


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Standard normal scores of mid-ranks (n,); missing values score 0, the mean."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    scores = np.zeros(len(values))
    if known.any():
        scores[known] = ndtri((rankdata(values[known]) - 0.5) / known.sum())
    return scores
