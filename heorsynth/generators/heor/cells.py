"""The cells of arm and subgroups: the patients in each, and the rows to draw of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.tally import Cell, cells_of
from heorsynth.generators.sampling.target_shares import allocate

MIN_STRATUM = 30
"""A cell of at least this many patients has its own laws of costs and utilities."""

_SIMILARITY_POWER = 4
"""Power of the similarity of cells: the higher, the more a small cell borrows from the cells most similar to it."""


_SCALINGS, _SETTLED = 5000, 1e-9
"""Largest number of rounds in which the weights that small cells share come to their sums and bounds, and how near."""

OTHERS = " / others"
"""Ends the name of a stratum that joins the small cells of an arm."""


@dataclass(frozen=True)
class Cells:
    """Every combination of arm and subgroup levels that a patient has; '' is a missing level.

    Attributes
    ----------
    names : tuple of str       the columns, the arm first
    members : tuple            the combinations, sorted
    counts : array (c,)        patients in each
    least : int                fewest patients of a level with an indicator: no column depends on a rarer one
    """

    names: tuple[str, ...]
    members: tuple[Cell, ...]
    counts: np.ndarray
    least: int = 1

    @classmethod
    def of(cls, cohort: Cohort, least: int = 1) -> tuple[Cells, np.ndarray]:
        """The cells of a cohort, and the cell (n,) each patient is in."""
        cell, members = cells_of(cohort)
        return cls(cohort.schema.strata, members, np.bincount(cell, minlength=len(members)), least), cell

    @property
    def sizes(self) -> dict[Cell, int]:
        """Each combination with its patients, without those that have none."""
        held = zip(self.members, self.counts.tolist(), strict=True)
        return {member: count for member, count in held if count}

    def allocated(self, n: int, where: Mapping[str, str] | None = None) -> np.ndarray:
        """Rows to draw of each cell (c,), n in all: in proportion to its patients, to rounding.

        Raises
        ------
        GeneratorError      no patient has this combination of levels
        """
        wanted = dict(where or {})
        fits = np.array(
            [all(cell[self.names.index(name)] == level for name, level in wanted.items()) for cell in self.members]
        )
        if not (self.counts[fits] > 0).any():
            raise GeneratorError(
                "where",
                Problem(
                    ", ".join(wanted),
                    "no patient has these levels together",
                    "give levels that some patients have together",
                ),
            )
        return allocate(np.where(fits, self.counts, 0), n)

    def levels(self, name: str, cell: np.ndarray) -> np.ndarray:
        """The level of one column (n,) for rows in these cells (n,)."""
        position = self.names.index(name)
        return np.array([member[position] for member in self.members], dtype=object)[cell]

    def texts(self, name: str, cell: np.ndarray) -> np.ndarray:
        """The same as an array of text: a level is converted once, not each row."""
        position = self.names.index(name)
        return np.array([member[position] for member in self.members])[cell]

    def strata(self, cell: np.ndarray) -> np.ndarray:
        """The stratum (n,) of rows in these cells (n,), as text: the cell itself, or all small cells of its arm."""
        names = [
            " / ".join(member) if count >= MIN_STRATUM else f"{member[0]}{OTHERS}"
            for member, count in zip(self.members, self.counts, strict=True)
        ]
        return np.array(names)[cell]

    def borrowed(self, at_least: int, arm: str | None = None) -> np.ndarray:
        """Weight (c, c) of each cell's patients, by column, in the law of each cell, by row; both sum to the counts.

        A cell of `at_least` patients or more has its own law. Smaller cells share patients, mostly with the cells
        that have their rarest levels in common: the few men of an age group borrow from other men before they
        borrow from women. They share within their level of the column `arm`, and with others only if the arm itself
        has fewer than `at_least` patients. Each cell lends as much as it borrows. So every patient counts once in
        all, and the law of the whole cohort is unchanged, as is that of each arm that shares with no other. No
        patient weighs more than 1 / `at_least` of a cell's law, if so many share.

        References
        ----------
        Sinkhorn & Knopp (1967) Pac J Math 21:343, scaling a matrix to given row and column sums.
        Benamou et al. (2015) SIAM J Sci Comput 37:A1111, the same under an upper bound of the entries.
        """
        plan, similarity = np.diag(self.counts.astype(float)), self._similarity()
        for sharing in self._sharing(similarity, at_least, arm):
            counts, kernel = self.counts[sharing].astype(float), similarity[np.ix_(sharing, sharing)]
            plan[np.ix_(sharing, sharing)] = _shared(kernel, counts, at_least)
        return plan

    def _sharing(self, similarity: np.ndarray, at_least: int, arm: str | None) -> list[list[int]]:
        """The cells that share patients with one another: those of an arm, and across arms where one is too small."""
        every = np.arange(len(self.members))
        arms = np.zeros(len(every)) if arm is None else self.levels(arm, every).astype(str)
        parts, wanting = list[list[int]](), list[int]()
        for one in np.unique(arms):
            own = every[arms == one]
            taken = self._joined([int(index) for index in own[self.counts[own] < at_least]], own, similarity, at_least)
            if taken:
                (parts.append if self.counts[taken].sum() >= at_least else wanting.extend)(taken)
        if not wanting:
            return parts
        across = self._joined(wanting, every, similarity, at_least)
        apart = [part for part in parts if not set(part) & set(across)]
        joined = {*across, *(index for part in parts if part not in apart for index in part)}
        return [*apart, sorted(joined)]

    def _joined(self, small: list[int], among: np.ndarray, similarity: np.ndarray, at_least: int) -> list[int]:
        """Small cells, and the cells most similar to them until they have `at_least` patients."""
        found = list(small)
        for other in among[
            np.argsort(-similarity[np.ix_(np.array(small, dtype=int), among)].sum(axis=0), kind="stable")
        ]:
            if not small or self.counts[found].sum() >= at_least:
                break
            if other not in found:
                found.append(int(other))
        return found

    def pooled(self, cell: np.ndarray, at_least: int) -> np.ndarray:
        """Weight (c, n) of each patient, in these cells (n,), in the law of each cell; each patient counts once in all.

        A cell of `at_least` patients or more has its own law. The smaller ones of an arm share one law, in which all
        of their patients count alike; larger cells of the arm join them, the smallest first, until it has enough. If
        the arm is too small, all cells that share a law do so across arms.
        """
        counts = np.bincount(cell, minlength=len(self.members))
        first = np.array([member[:1] for member in self.members], dtype=object).reshape(len(self.members), -1)
        group = np.arange(len(self.members))
        arms = first[:, 0] if first.shape[1] else np.zeros(len(self.members))
        wanting: list[int] = []
        for arm in dict.fromkeys(arms.tolist()):
            taken = _pooled(np.flatnonzero(arms == arm), counts, at_least)
            if len(taken) and counts[taken].sum() < at_least:
                wanting += taken.tolist()
            elif len(taken):
                group[taken] = taken[0]
        if wanting:
            rest = sorted(set(range(len(counts))) - set(wanting), key=lambda place: counts[place])
            while counts[wanting].sum() < at_least and rest:
                joined = group[rest[0]]
                wanting += [place for place in rest if group[place] == joined]
                rest = [place for place in rest if group[place] != joined]
            group[wanting] = wanting[0]
        together = np.bincount(group[cell], minlength=len(counts))
        share = np.divide(counts, together[group], out=np.zeros(len(counts)), where=together[group] > 0)
        return np.where(group[:, None] == group[cell][None, :], share[:, None], 0.0)

    def _similarity(self) -> np.ndarray:
        """Similarity (c, c) of cells: the sum, over the levels that two cells share, of 1 / (share of all patients),
        to the power `_SIMILARITY_POWER`.
        """
        found = np.full((len(self.members), len(self.members)), 1e-3)
        for position in range(len(self.names)):
            held = np.array([member[position] for member in self.members], dtype=object)
            sizes = np.array([self.counts[held == level].sum() for level in held], dtype=float)
            found += np.where(held[:, None] == held[None, :], self.counts.sum() / sizes[:, None], 0.0)
        return found**_SIMILARITY_POWER

    def indicators(self, cell: np.ndarray) -> np.ndarray:
        """Indicators (n, d) of 0 and 1: one for each level of a variable, except its most frequent and rare levels."""
        columns = []
        for name, level in self._indicated:
            position = self.names.index(name)
            columns.append(np.array([float(member[position] == level) for member in self.members])[cell])
        return np.column_stack(columns) if columns else np.zeros((len(cell), 0))

    def indicator_names(self) -> tuple[str, ...]:
        """The column of each indicator (d,), in their order."""
        return tuple(name for name, _ in self._indicated)

    @property
    def _indicated(self) -> list[tuple[str, str]]:
        """The columns and levels with an indicator."""
        found: list[tuple[str, str]] = []
        for position, name in enumerate(self.names):
            sizes: Counter[str] = Counter()
            for member, count in zip(self.members, self.counts, strict=True):
                sizes[member[position]] += int(count)
            found += [(name, level) for level, count in sizes.most_common()[1:] if count >= self.least]
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "members": [list(cell) for cell in self.members],
            "counts": self.counts.tolist(),
            "least": self.least,
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Cells:
        return cls(
            tuple(facts["names"]), tuple(map(tuple, facts["members"])), np.array(facts["counts"]), facts["least"]
        )


def _shared(kernel: np.ndarray, counts: np.ndarray, at_least: int) -> np.ndarray:
    """Weights (k, k) near a kernel (k, k) whose rows and columns sum to these counts (k,), within the bound."""
    shared = kernel * np.outer(counts, counts)
    bound = np.outer(counts, counts) / min(at_least, counts.sum())
    excess = np.ones_like(shared)
    for _ in range(_SCALINGS):
        shared *= (counts / shared.sum(axis=1))[:, None]
        shared *= counts / shared.sum(axis=0)
        within = np.minimum(shared * excess, bound)
        excess, shared = shared * excess / within, within
        if max(np.abs(shared.sum(axis=axis) / counts - 1).max() for axis in (0, 1)) < _SETTLED:
            break
    return np.asarray(shared)


def _pooled(cells: np.ndarray, counts: np.ndarray, at_least: int) -> np.ndarray:
    """Of some cells, those that share one law: all small ones, and the next until they have `at_least` patients."""
    ordered = cells[np.argsort(counts[cells], kind="stable")]
    small = int((counts[ordered] < at_least).sum())
    if not small:
        return ordered[:0]
    while small < len(ordered) and counts[ordered[:small]].sum() < at_least:
        small += 1
    return ordered[:small]
