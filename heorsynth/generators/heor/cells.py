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


_SCALINGS = 500
"""Rounds in which the weights that small cells share come to their sums and bounds."""

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

    def strata(self, cell: np.ndarray) -> np.ndarray:
        """The stratum (n,) of rows in these cells (n,), as text: the cell itself, or all small cells of its arm."""
        names = [
            " / ".join(member) if count >= MIN_STRATUM else f"{member[0]}{OTHERS}"
            for member, count in zip(self.members, self.counts, strict=True)
        ]
        return np.array(names)[cell]

    def borrowed(self, at_least: int) -> np.ndarray:
        """Weight (c, c) of each cell's patients, by column, in the law of each cell, by row; both sum to the counts.

        A cell of `at_least` patients or more has its own law. Smaller cells share patients, mostly with the cells
        that have their rarest levels in common: the few men of an age group borrow from other men before they
        borrow from women. Each cell lends as much as it borrows. So every patient counts once in all, and the law of
        the whole cohort is unchanged, as is that of each level whose cells share only with one another. No patient
        weighs more than 1 / `at_least` of a cell's law, if so many share.

        References
        ----------
        Sinkhorn & Knopp (1967) Pac J Math 21:343, scaling a matrix to given row and column sums.
        Benamou et al. (2015) SIAM J Sci Comput 37:A1111, the same under an upper bound of the entries.
        """
        plan = np.diag(self.counts.astype(float))
        small = [int(index) for index in np.flatnonzero(self.counts < at_least)]
        if not small:
            return plan
        similarity = self._similarity()
        for other in np.argsort(-similarity[small].sum(axis=0), kind="stable"):
            if self.counts[small].sum() >= at_least:
                break
            if other not in small:
                small.append(int(other))
        counts, kernel = self.counts[small].astype(float), similarity[np.ix_(small, small)]
        shared = kernel * np.outer(counts, counts)
        bound = np.outer(counts, counts) / min(at_least, counts.sum())
        excess = np.ones_like(shared)
        for _ in range(_SCALINGS):
            shared *= (counts / shared.sum(axis=1))[:, None]
            shared *= counts / shared.sum(axis=0)
            within = np.minimum(shared * excess, bound)
            excess, shared = shared * excess / within, within
        plan[np.ix_(small, small)] = shared
        return plan

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
            taken = _joined(np.flatnonzero(arms == arm), counts, at_least)
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
        columns = [(self.levels(name, cell) == level).astype(float) for name, level in self._indicated]
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


def _joined(cells: np.ndarray, counts: np.ndarray, at_least: int) -> np.ndarray:
    """Of some cells, those that share one law: all small ones, and the next until they have `at_least` patients."""
    ordered = cells[np.argsort(counts[cells], kind="stable")]
    small = int((counts[ordered] < at_least).sum())
    if not small:
        return ordered[:0]
    while small < len(ordered) and counts[ordered[:small]].sum() < at_least:
        small += 1
    return ordered[:small]
