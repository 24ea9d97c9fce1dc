"""The cells of arm and subgroups: how many patients each holds, and how many rows of each to draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.data.cohort import Cohort
from heorsynth.generators.targets import allocate

Cell = tuple[str, ...]


@dataclass(frozen=True)
class Cells:
    """Every combination of arm and subgroup levels that has a patient; '' stands for missing.

    Attributes
    ----------
    names : tuple of str       the columns, the arm first
    members : tuple            the combinations, sorted
    counts : array (c,)        patients in each
    """

    names: tuple[str, ...]
    members: tuple[Cell, ...]
    counts: np.ndarray

    @classmethod
    def of(cls, cohort: Cohort) -> tuple[Cells, np.ndarray]:
        """The cells of a cohort, and the cell (n,) each patient is in."""
        arm = () if cohort.schema.arm is None else (cohort.schema.arm,)
        names = tuple(dict.fromkeys((*arm, *cohort.schema.subgroups)))
        rows: list[Cell] = [tuple(map(str, row)) for row in zip(*(cohort.levels(name) for name in names), strict=True)]
        rows = rows or [()] * cohort.n
        counts = Counter(rows)
        members = tuple(sorted(counts))
        index = {cell: i for i, cell in enumerate(members)}
        held = cls(names, members, np.array([counts[cell] for cell in members]))
        return held, np.array([index[cell] for cell in rows])

    def allocated(self, n: int, where: Mapping[str, str] | None = None) -> np.ndarray:
        """Rows to draw of each cell (c,), n in all: in proportion to its patients, to rounding.

        Raises
        ------
        GeneratorError      `where` names a column that is no arm or subgroup, or a combination nobody is in
        """
        wanted = dict(where or {})
        foreign = [name for name in wanted if name not in self.names]
        if foreign:
            raise GeneratorError(
                "where",
                [
                    Problem(
                        f"column {name!r}", "not a declared arm or subgroup", f"declare it: subgroups=[…, {name!r}]"
                    )
                    for name in foreign
                ],
            )
        fits = np.array(
            [all(cell[self.names.index(name)] == level for name, level in wanted.items()) for cell in self.members]
        )
        if not fits.any():
            raise GeneratorError(
                "where",
                Problem(
                    ", ".join(wanted), "no patient has these levels together", "a combination nobody has cannot be made"
                ),
            )
        return allocate(np.where(fits, self.counts, 0), n)

    def levels(self, name: str, cell: np.ndarray) -> np.ndarray:
        """The level of one column (n,) for rows in these cells (n,)."""
        position = self.names.index(name)
        return np.array([member[position] for member in self.members], dtype=object)[cell]

    def nearest(self, cell: int, at_least: int) -> list[int]:
        """This cell and those most like it, the arm counting double, until they hold enough patients."""
        likeness = [
            sum((2 if i == 0 else 1) * (a == b) for i, (a, b) in enumerate(zip(self.members[cell], other, strict=True)))
            for other in self.members
        ]
        likeness[cell] = len(self.names) + 2
        found: list[int] = []
        for score in sorted(set(likeness), reverse=True):
            found += [i for i, value in enumerate(likeness) if value == score]
            if self.counts[found].sum() >= at_least:
                break
        return found

    def indicators(self, cell: np.ndarray) -> np.ndarray:
        """Columns (n, d) of 0 and 1, one a level of each variable but its commonest."""
        columns = [np.zeros((len(cell), 0))]
        for position in range(len(self.names)):
            sizes: Counter[str] = Counter()
            for member, count in zip(self.members, self.counts, strict=True):
                sizes[member[position]] += int(count)
            held = np.array([member[position] for member in self.members], dtype=object)[cell]
            rest: Sequence[str] = [level for level, _ in sizes.most_common()[1:]]
            columns += [(held == level).astype(float)[:, None] for level in rest]
        return np.hstack(columns)
