"""Places rows in clusters: whole clusters keep the levels that are theirs, and others lie in them as in the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from heorsynth.estimators.clusters.arms import is_constant_within
from heorsynth.estimators.clusters.variance import Grouping
from heorsynth.generators.clusters.effects import effects_by_arm
from heorsynth.generators.clusters.sizes import SizeLaw

_LARGEST = 0.95
"""Largest share of a latent that the patients of a cluster have in common."""

_EVEN = 0.5
"""Levels whose variance between clusters is below this share of chance are spread evenly, as blocks spread arms."""

Cell = tuple[str, ...]


@dataclass(frozen=True)
class Placed:
    """Rows in clusters.

    Attributes
    ----------
    cluster : array (n,) of int      the cluster of each row, from 0 up
    home : array (g,) of int         the levels that the whole cluster has, as a number
    arm : array (n,) of int          of each row, -1 if unknown; None if the effect of arms is the same in all clusters
    """

    cluster: np.ndarray
    home: np.ndarray
    arm: np.ndarray | None = None

    def effects(self, count: int, rng: np.random.Generator, factor: np.ndarray | None = None) -> np.ndarray:
        """Normal effects (g, count) of clusters, with the covariance of a Cholesky factor (count, count) if given.

        Each column has mean 0 over the rows of a home, and the variance 1 that an analysis of variance finds: so
        the clusters of one cohort do not differ more, or less, than the law says by chance.
        """
        drawn = rng.standard_normal((len(self.home), count))
        drawn = drawn if factor is None else drawn @ factor.T
        sizes = np.bincount(self.cluster, minlength=len(self.home)).astype(float)
        squares, apart = sizes.sum(), 0
        for home in np.unique(self.home):
            members = self.home == home
            rows = sizes[members].sum()
            drawn[members] -= sizes[members] @ drawn[members] / rows if rows else 0.0
            squares -= (sizes[members] ** 2).sum() / rows if rows else 0.0
            apart += 1
        if (sizes > 0).sum() <= apart:
            return np.zeros_like(drawn)
        found = (sizes[:, None] * drawn**2).sum(axis=0)
        scale = np.divide(squares, found, out=np.zeros(count), where=found > 0)
        return np.asarray(drawn * np.sqrt(scale))

    def arranged(
        self, cell: np.ndarray, score: np.ndarray, share: float, rng: np.random.Generator, effect: float = 0.0
    ) -> np.ndarray:
        """An order (n,) of drawn outcomes with these scores (n,) over rows in these cells (n,).

        The outcomes of a cell stay in it. Within the cell the rows whose latents are higher have the higher scores;
        `share` of a latent's variance is common to the rows of a cluster, and `effect` to those of one arm in it.
        """
        common = self.effects(1, rng)[:, 0]
        own = rng.standard_normal(len(cell))
        latent = np.sqrt(share) * common[self.cluster] + np.sqrt(1 - share - effect) * own
        if effect > 0 and self.arm is not None:
            latent += np.sqrt(effect) * effects_by_arm(self.cluster, self.arm, 1, rng)[:, 0]
        by_latent = np.lexsort((latent, cell))
        by_score = np.lexsort((rng.random(len(cell)), score, cell))
        order = np.empty(len(cell), dtype=int)
        order[by_latent] = by_score
        return order

    def mixed(
        self,
        residual: np.ndarray,
        shares: np.ndarray,
        factor: np.ndarray,
        rng: np.random.Generator,
        effects: np.ndarray | None = None,
    ) -> np.ndarray:
        """Residuals (n, p) of which clusters have `shares` (p,) of the variance in common.

        The rows of one arm in a cluster have `effects` (p,) of it in common beside that.
        """
        scale = residual.std(axis=0)
        common = self.effects(residual.shape[1], rng, factor)[self.cluster] * scale
        if effects is None or self.arm is None:
            return np.asarray(np.sqrt(1 - shares) * residual + np.sqrt(shares) * common)
        own = effects_by_arm(self.cluster, self.arm, residual.shape[1], rng, factor) * scale
        kept = np.sqrt(1 - shares - effects)
        return np.asarray(kept * residual + np.sqrt(shares) * common + np.sqrt(effects) * own)

    def one_row(self, rng: np.random.Generator) -> np.ndarray:
        """For each row (n,), a row of its cluster that is the same for all rows of the cluster."""
        order = rng.permutation(len(self.cluster))
        chosen = np.zeros(len(self.home), dtype=int)
        chosen[self.cluster[order]] = order
        return chosen[self.cluster]


@dataclass(frozen=True)
class Placing:
    """How rows lie in clusters.

    Attributes
    ----------
    names : tuple of str     the columns of the cells: arm and subgroups
    fixed : tuple of str     those of them that are the same within every cluster
    homes : tuple            levels of the fixed columns, with the number of clusters that have them
    sizes : SizeLaw          of clusters, relative to the mean of those with the same fixed levels
    mixing : Mapping         other column to the share of a latent that its clusters have in common; -1: spread evenly
    """

    names: tuple[str, ...]
    fixed: tuple[str, ...]
    homes: tuple[tuple[Cell, int], ...]
    sizes: SizeLaw
    mixing: Mapping[str, float]

    @classmethod
    def of(cls, names: Sequence[str], members: Sequence[Cell], cell: np.ndarray, cluster: np.ndarray) -> Placing:
        """How patients in these cells (n,) and clusters (n,) lie."""
        held = np.array(members, dtype=object).reshape(len(members), len(names))[cell]
        codes = np.unique(cluster, return_inverse=True)[1]
        fixed = tuple(name for place, name in enumerate(names) if is_constant_within(codes, held[:, place]))
        places = [names.index(name) for name in fixed]
        own = _levels_of(codes, held[:, places])
        counts = np.bincount(codes).astype(float)
        homes = {home: 0 for home in sorted(set(own))}
        relative = np.empty(len(own))
        for home in homes:
            mine = np.array([one == home for one in own])
            homes[home] = int(mine.sum())
            relative[mine] = counts[mine] / counts[mine].mean()
        arm = held[:, 0] if len(names) else np.zeros(len(cell), dtype=object)
        mixing = {
            name: _mixing(codes, held[:, place], arm if place else None)
            for place, name in enumerate(names)
            if name not in fixed
        }
        return cls(tuple(names), fixed, tuple(homes.items()), SizeLaw.of(relative), mixing)

    def placed(self, members: Sequence[Cell], counts: np.ndarray, rng: np.random.Generator) -> Placed:
        """Rows in the cells of `np.repeat(..., counts)`, in as many clusters as the source has."""
        cell = np.repeat(np.arange(len(members)), counts)
        levels = np.array(members, dtype=object).reshape(len(members), len(self.names))
        places = [self.names.index(name) for name in self.fixed]
        own = [tuple(one[places]) for one in levels]
        cluster, homes = np.full(len(cell), -1), list[int]()
        for number, (home, count) in enumerate(self.homes):
            cells = np.array([place for place, mine in enumerate(own) if mine == home], dtype=int)
            rows = int(counts[cells].sum())
            many = min(rows, count)
            if not rows:
                continue
            slots = np.repeat(np.arange(many), self.sizes.shared(rows, many, rng))
            given = self._given(slots, levels, cells, counts, rng)
            for one in cells:
                cluster[cell == one] = slots[given == one] + len(homes)
            homes += [number] * many
        loose = np.flatnonzero(cluster < 0)
        if len(loose) == len(cell):
            cluster, homes = np.zeros(len(cell), dtype=int), [0]
        else:
            cluster[loose] = rng.choice(cluster[cluster >= 0], len(loose))
        return Placed(cluster, np.array(homes))

    def _given(
        self, slots: np.ndarray, levels: np.ndarray, cells: np.ndarray, counts: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """The cell (k,) of each slot: column by column, so many slots of each level as the cells have."""
        loose = [place for place, name in enumerate(self.names) if name not in self.fixed]
        many, effects = int(slots.max()) + 1, dict[tuple[int, str], np.ndarray]()
        parts: list[tuple[np.ndarray, np.ndarray]] = [(np.arange(len(slots)), cells)]
        for place in loose:
            further = []
            for rows, held in parts:
                rest = rows
                different = sorted(set(levels[held, place]))
                for level in different:
                    mine = held[levels[held, place] == level]
                    wanted = int(counts[mine].sum())
                    effect = effects.setdefault((place, level), rng.standard_normal(many))
                    chosen = _chosen(slots[rest], wanted, effect, self.mixing[self.names[place]], rng)
                    further.append((rest[chosen], mine))
                    rest = rest[~chosen]
            parts = further
        found = np.empty(len(slots), dtype=int)
        for rows, held in parts:
            found[rows] = held[0]
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "fixed": list(self.fixed),
            "homes": [[list(home), count] for home, count in self.homes],
            "sizes": self.sizes.to_dict(),
            "mixing": dict(self.mixing),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Placing:
        homes = tuple((tuple(home), count) for home, count in facts["homes"])
        return cls(
            tuple(facts["names"]), tuple(facts["fixed"]), homes, SizeLaw.from_dict(facts["sizes"]), facts["mixing"]
        )


def _levels_of(codes: np.ndarray, held: np.ndarray) -> list[Cell]:
    """The levels of each cluster: those its patients have, '' only where none is known."""
    found = []
    for cluster in range(int(codes.max()) + 1):
        rows = held[codes == cluster]
        found.append(tuple(max(map(str, column)) for column in rows.T))
    return found


def _mixing(codes: np.ndarray, levels: np.ndarray, arm: np.ndarray | None) -> float:
    """The share of a latent of levels (n,) that clusters have in common, above what chance gives; -1: spread evenly."""
    names, counts = np.unique(levels.astype(str), return_counts=True)
    if len(names) < 2:
        return 0.0
    shares = counts[:-1] / counts.sum()
    indicators = (levels.astype(str)[:, None] == names[None, :-1]).astype(float)
    found = Grouping.of(codes, arm).one_way(indicators)
    spread = float(found.between.sum() / found.within.sum()) if found.within.sum() > 0 else 1.0
    if spread < _EVEN:
        return -1.0
    icc = float(np.average(shrunk(found.icc, found.chance, 1.0), weights=shares * (1 - shares)))
    weaker = np.exp(-(ndtri(shares) ** 2)) / (2 * np.pi) / (shares * (1 - shares))
    return float(min(_LARGEST, icc / np.average(weaker, weights=shares * (1 - shares))))


def _chosen(slots: np.ndarray, wanted: int, effect: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """So many of the slots, which have these clusters (k,), as wanted: those whose latents are highest."""
    chosen = np.zeros(len(slots), dtype=bool)
    if not wanted:
        return chosen
    if share < 0:
        order = np.lexsort((rng.random(len(slots)), slots))
        even = np.floor((np.arange(wanted) + rng.random()) * len(slots) / wanted).astype(int)
        chosen[order[even]] = True
        return chosen
    latent = np.sqrt(share) * effect[slots] + np.sqrt(1 - share) * rng.standard_normal(len(slots))
    chosen[np.argsort(-latent, kind="stable")[:wanted]] = True
    return chosen


def shrunk(icc: np.ndarray, chance: np.ndarray, threshold: float) -> np.ndarray:
    """Correlations (k,) times max(0, 1 - threshold / z²), where z is their distance from 0 in standard errors at 0.

    What is negative, or not known, is 0: clusters have nothing in common.
    """
    known = np.nan_to_num(np.asarray(icc, dtype=float))
    square = np.divide(known, chance, out=np.zeros_like(known), where=np.asarray(chance) > 0) ** 2
    kept = np.clip(1 - np.divide(threshold, square, out=np.full_like(square, np.inf), where=square > 0), 0.0, 1.0)
    return np.where(known > 0, known * kept, 0.0)
