"""A smoothed quantile function: spikes where patients share a value, straight pieces over several elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heorsynth.generators.formats import decimals_of

MIN_PATIENTS = 5
"""No piece rests on fewer patients, so no knot is anybody's value."""

WINDOW = 5
"""Patients to a straight piece."""


@dataclass(frozen=True)
class Quantiles:
    """A quantile function in pieces: on (edges[k], edges[k+1]] it runs straight from left[k] to right[k].

    Attributes
    ----------
    edges : array (K + 1,)          from 0 to 1
    left, right : array (K,)        equal for a spike: a value at least `MIN_PATIENTS` patients share
    decimals : int or None          what values are rounded to; None leaves them
    """

    edges: np.ndarray
    left: np.ndarray
    right: np.ndarray
    decimals: int | None

    @classmethod
    def of(cls, values: np.ndarray, window: int = WINDOW, weights: np.ndarray | None = None) -> Quantiles:
        """The quantile function of some values (n,), n >= 1, none missing, each of weight 1 unless given (n,).

        Notes
        -----
        Each piece keeps the mean of its patients, so the mean of the whole is kept: the decision quantity of
        costs and QALYs. Its slope is that of the least-squares line through them.
        """
        order = np.argsort(values, kind="stable")
        held = np.asarray(values, dtype=float)[order]
        weight = np.ones(len(held)) if weights is None else np.asarray(weights, dtype=float)[order]
        distinct, counts = np.unique(held, return_counts=True)
        spiked = counts >= MIN_PATIENTS
        shared = np.repeat(spiked, counts)
        sizes = np.bincount(np.repeat(np.arange(len(distinct)), counts), weight)
        pieces = [
            (float(value), float(value), float(size))
            for value, size in zip(distinct[spiked], sizes[spiked], strict=True)
        ]
        if not shared.all():
            loose = np.flatnonzero(~shared)
            parts = np.array_split(loose, max(1, len(loose) // window))
            pieces += [_line(held[part], weight[part]) for part in parts]
        pieces.sort(key=lambda piece: piece[0] + piece[1])
        left, right, widths = (np.array(column, dtype=float) for column in zip(*pieces, strict=True))
        edges = np.concatenate([[0.0], np.cumsum(widths)]) / widths.sum()
        return cls(edges, left, right, decimals_of(held))

    def __call__(self, shares: np.ndarray) -> np.ndarray:
        """The values at these shares (n,) in [0, 1]."""
        piece = np.clip(np.searchsorted(self.edges, shares, side="right") - 1, 0, len(self.left) - 1)
        width = self.edges[piece + 1] - self.edges[piece]
        within = np.clip((shares - self.edges[piece]) / width, 0.0, 1.0)
        values = self.left[piece] + within * (self.right[piece] - self.left[piece])
        return values if self.decimals is None else np.round(values, self.decimals)

    def to_dict(self) -> dict[str, Any]:
        return {
            "edges": self.edges.tolist(),
            "left": self.left.tolist(),
            "right": self.right.tolist(),
            "decimals": self.decimals,
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Quantiles:
        return cls(np.array(facts["edges"]), np.array(facts["left"]), np.array(facts["right"]), facts["decimals"])


def _line(part: np.ndarray, weight: np.ndarray) -> tuple[float, float, float]:
    """Both ends of a straight piece through sorted values, and its weight.

    It keeps the mean, has the slope of the least-squares line, and ends within the means of the two smallest
    and of the two largest values: never outside what patients have.
    """
    count = len(part)
    mean = float(np.average(part, weights=weight))
    if count < 2:
        return mean, mean, float(weight.sum())
    middles = (np.arange(count) + 0.5) / count - 0.5
    rise = float(middles @ part / (middles @ middles))
    half = max(0.0, min(rise / 2, mean - float(part[:2].mean()), float(part[-2:].mean()) - mean))
    return mean - half, mean + half, float(weight.sum())


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Standard normal scores of mid-ranks (n,); missing values score 0, the mean."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    scores = np.zeros(len(values))
    if known.any():
        scores[known] = ndtri((rankdata(values[known]) - 0.5) / known.sum())
    return scores
