"""Sums, squares and products of costs and utilities by cell, with a numerically stable addition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heorsynth.core.ranks import unique

SPIKES = ("zero", "one", "negative")
"""Values that are also counted: zero (no cost), one (full health), negative (worse than dead)."""


@dataclass(frozen=True)
class MomentBlocks:
    """Moments of p columns in blocks. A block has the patients of one cell in whom the same columns are known.

    There is a block for each pattern of known columns. A mean cost uses patients with known cost; an incremental
    analysis uses patients with known cost and known effect.

    Attributes
    ----------
    cell : array of int (b,)         index of the cell in its tally
    known : array of bool (b, p)     which columns are known
    n : array of int (b,)            patients
    mean : array (b, p)              0 if the column is not known
    comoment : array (b, p, p)       sums of products of deviations from the block's means
    spikes : array of int (b, p, 3)  number of values equal to 0, equal to 1, and below 0
    infinite : array of int (b, p)   number of infinite values, which are in no mean
    """

    cell: np.ndarray
    known: np.ndarray
    n: np.ndarray
    mean: np.ndarray
    comoment: np.ndarray
    spikes: np.ndarray
    infinite: np.ndarray

    @classmethod
    def of(cls, cell: np.ndarray, columns: np.ndarray) -> MomentBlocks:
        """Return the blocks of rows with these cells (n,) and values (n, p), with NaN for missing."""
        known = np.isfinite(columns)
        complete = bool(known.all())
        values = columns if complete else np.where(known, columns, 0.0)
        held, place, sizes = unique(_keys(cell, known))
        blocks, p = len(held), columns.shape[1]
        order = np.argsort(place.astype(np.min_scalar_type(blocks)), kind="stable")  # small whole numbers sort fast
        ends = np.cumsum(sizes)
        ordered = values[order]
        made = [_block(ordered[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
        patterns = known[order[ends - sizes]]

        def counted(found: np.ndarray) -> np.ndarray:
            """The number of rows of each block (b, p) in which this holds of a column."""
            per_column = [np.bincount(place[np.flatnonzero(one)], minlength=blocks) for one in found.T]
            return np.array(per_column, dtype=np.int64).reshape(p, blocks).T

        spikes = np.stack([counted(values == 0), counted(values == 1), counted(values < 0)], axis=2)
        return cls(
            held >> p,
            patterns,
            sizes.astype(np.int64),
            np.array([block[0] for block in made]).reshape(blocks, p),
            np.array([block[1] for block in made]).reshape(blocks, p, p),
            spikes * patterns[:, :, None],
            np.zeros((blocks, p), dtype=np.int64) if complete else counted(np.isinf(columns)),
        )

    def __add__(self, other: MomentBlocks) -> MomentBlocks:
        """Return the sum of two sets of blocks with the same cells.

        References
        ----------
        Chan, Golub & LeVeque (1979) Stanford STAN-CS-79-773: n = a + b, δ = mean_b - mean_a,
        mean = mean_a + δ·b/n, M = M_a + M_b + δδᵀ·a·b/n.
        """
        return _merged({name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in vars(self)})

    def renumbered(self, places: np.ndarray) -> MomentBlocks:
        """Return the blocks with cell i renumbered as places[i], which increases with i. A cell at -1 is left out."""
        cell = places[self.cell]
        kept = np.flatnonzero(cell >= 0)
        return MomentBlocks(**{name: value[kept] for name, value in {**vars(self), "cell": cell}.items()})

    def over(self, columns: list[int]) -> tuple[int, np.ndarray, np.ndarray]:
        """Return patients with all these columns known, their means (q,) and co-moments (q, q), over all cells."""
        rows = np.flatnonzero(self.known[:, columns].all(axis=1)) if len(self.n) else np.zeros(0, int)
        places = np.array(columns, dtype=np.int64)
        if not len(rows):
            return 0, np.zeros(len(columns)), np.zeros((len(columns), len(columns)))
        size, n = self.n[rows], int(self.n[rows].sum())
        delta = self.mean[np.ix_(rows, places)] - self.mean[rows[0], columns]  # 0 for a constant column
        moved = size @ delta / n
        within = self.comoment[np.ix_(rows, places, places)].sum(axis=0)
        return n, self.mean[rows[0], columns] + moved, within + (delta.T * size) @ delta - n * np.outer(moved, moved)


def _keys(cell: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return one number (n,) for each cell and pattern of known columns."""
    width = known.shape[1]
    keys: np.ndarray = cell.astype(np.int64) << width
    for column in range(width):
        keys += known[:, column].astype(np.int64) << column
    return keys


def _block(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shifted = values - values[0]  # makes the co-moment of a constant column exactly 0
    centre = shifted.mean(axis=0)
    away = shifted - centre
    return values[0] + centre, away.T @ away


def _merged(parts: dict[str, np.ndarray]) -> MomentBlocks:
    """Return one block per cell and pattern, from blocks with repeated pairs, merged in their order."""
    keys = _keys(parts["cell"], parts["known"])
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    found = {name: value[first].copy() for name, value in parts.items()}
    for row in range(len(place)):
        at = place[row]
        if row == first[at]:
            continue
        a, b = int(found["n"][at]), int(parts["n"][row])
        delta = parts["mean"][row] - found["mean"][at]
        found["comoment"][at] += parts["comoment"][row] + np.outer(delta, delta) * (a * b / (a + b))
        found["mean"][at] += delta * (b / (a + b))
        for name in ("n", "spikes", "infinite"):
            found[name][at] += parts[name][row]
    return MomentBlocks(**found)
