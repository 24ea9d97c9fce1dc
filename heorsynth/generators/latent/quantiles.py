"""A smoothed quantile function: spikes where patients share a value, straight pieces over several elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MIN_PATIENTS = 5
"""No piece rests on fewer patients, so no knot is anybody's value."""

WINDOW = 8
"""Patients to a straight piece."""

MAX_DECIMALS = 6


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
    def of(cls, values: np.ndarray, window: int = WINDOW) -> Quantiles:
        """The quantile function of some values (n,), n >= 1, none missing.

        Notes
        -----
        Each piece keeps the mean of its patients, so the mean of the whole is kept: the decision quantity of
        costs and QALYs. Its slope is that of the least-squares line through them.
        """
        held = np.sort(np.asarray(values, dtype=float))
        distinct, counts = np.unique(held, return_counts=True)
        spiked = counts >= MIN_PATIENTS
        pieces = [
            (float(value), float(value), int(count))
            for value, count in zip(distinct[spiked], counts[spiked], strict=True)
        ]
        loose = held[~np.repeat(spiked, counts)]
        if len(loose):
            parts = np.array_split(loose, max(1, len(loose) // window))
            pieces += _straightened([_line(part) for part in parts])
        pieces.sort(key=lambda piece: piece[0] + piece[1])
        left, right, sizes = (np.array(column, dtype=float) for column in zip(*pieces, strict=True))
        edges = np.concatenate([[0.0], np.cumsum(sizes)]) / len(held)
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


def _line(part: np.ndarray) -> tuple[float, float, int]:
    """Both ends of the least-squares line through sorted values at the middles of equal steps."""
    count = len(part)
    middles = (np.arange(count) + 0.5) / count - 0.5
    rise = float(middles @ part / (middles @ middles)) if count > 1 else 0.0
    mean = float(part.mean())
    return mean - rise / 2, mean + rise / 2, count


def _straightened(lines: list[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    """The same pieces, each keeping its mean, none starting below the end of the one before it.

    A first piece of values that average above 0 does not start below 0: the straight line through a few
    skewed costs would.
    """
    kept: list[tuple[float, float, int]] = []
    floor = 0.0 if lines[0][0] < 0 <= lines[0][0] + lines[0][1] else lines[0][0]
    for left, right, count in lines:
        mean = (left + right) / 2
        start = min(max(left, floor), mean)
        kept.append((start, 2 * mean - start, count))
        floor = 2 * mean - start
    return kept


def decimals_of(values: np.ndarray) -> int | None:
    """The fewest decimals that write every value exactly; None if more than `MAX_DECIMALS`."""
    for decimals in range(MAX_DECIMALS + 1):
        if np.allclose(np.round(values, decimals), values, rtol=0, atol=1e-9):
            return decimals
    return None


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Standard normal scores of mid-ranks (n,); missing values score 0, the mean."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    scores = np.zeros(len(values))
    if known.any():
        scores[known] = ndtri((rankdata(values[known]) - 0.5) / known.sum())
    return scores
