"""The sizes of clusters: a quantile function in straight pieces, each of several clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heorsynth.generators.sampling.target_shares import allocate

_CLUSTERS_TO_A_PIECE = 5
"""Clusters to a piece, at least: the size of one site is no knot of the law."""


@dataclass(frozen=True)
class SizeLaw:
    """Sizes of clusters relative to their mean: on the k-th of equal parts they rise from left[k] by rise[k].

    Attributes
    ----------
    edges : array (k + 1,)      shares of clusters, from 0 to 1
    left, rise : array (k,)
    """

    edges: np.ndarray
    left: np.ndarray
    rise: np.ndarray

    @classmethod
    def of(cls, sizes: np.ndarray) -> SizeLaw:
        """The law of these relative sizes (g,). Each piece is the least-squares line of its clusters, and above 0."""
        parts = np.array_split(np.sort(sizes.astype(float)), max(1, len(sizes) // _CLUSTERS_TO_A_PIECE))
        lines = [_line(part) for part in parts]
        ends = np.cumsum([0, *map(len, parts)]) / len(sizes)
        return cls(ends, np.array([left for left, _ in lines]), np.array([rise for _, rise in lines]))

    def drawn(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Relative sizes (count,), one in each of `count` equal parts of the law, in random order."""
        shares = (np.arange(count) + rng.random(count)) / count
        piece = np.clip(np.searchsorted(self.edges, shares, side="right") - 1, 0, len(self.left) - 1)
        along = (shares - self.edges[piece]) / np.diff(self.edges)[piece]
        return rng.permutation(self.left[piece] + self.rise[piece] * along)

    def shared(self, rows: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """Rows (count,) of each cluster, `rows` in all and at least one each."""
        found = allocate(self.drawn(count, rng), rows)
        for empty in np.flatnonzero(found == 0):
            found[np.argmax(found)] -= 1
            found[empty] = 1
        return found

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in ("edges", "left", "rise")}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> SizeLaw:
        return cls(*(np.array(facts[name], dtype=float) for name in ("edges", "left", "rise")))


def _line(sizes: np.ndarray) -> tuple[float, float]:
    """The left end and the rise of a piece with the mean of these sizes, whose left end is above 0."""
    places = (np.arange(len(sizes)) + 0.5) / len(sizes) - 0.5
    spread, mean = float((places**2).sum()), float(sizes.mean())
    rise = float(places @ sizes) / spread if spread > 0 else 0.0
    rise = min(rise, 1.9 * mean)
    return mean - rise / 2, rise
