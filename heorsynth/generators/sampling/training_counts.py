"""Counts the training patients in each combination of arm and subgroup levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from heorsynth.data.cohort.domain import Domain


@dataclass(frozen=True, repr=False)
class TrainingCounts:
    """How many patients a generator was fitted to, in all and in each cell of arm and subgroup levels.

    Attributes
    ----------
    domain : Domain       of the source; its roles order the levels of a cell
    cells : Mapping       cell to the patients of the source in it
    learnt : Mapping      cell to the training patients in it, where these are a sample; empty where all were used
    """

    domain: Domain
    cells: Mapping[tuple[str, ...], int]
    learnt: Mapping[tuple[str, ...], int]

    @property
    def n_source(self) -> int:
        """Patients of the source."""
        return self.domain.n_source

    @property
    def n_learnt(self) -> int:
        """Training patients: fewer than the source has where a sample of it was used."""
        return sum(self.learnt.values()) or self.n_source

    @property
    def shares(self) -> dict[tuple[str, ...], float]:
        """Combinations of subgroup levels with their share of the source, over all arms."""
        places = [self.domain.schema.strata.index(name) for name in self.domain.schema.subgroups]
        found: Counter[tuple[str, ...]] = Counter()
        for cell, count in self.cells.items():
            found[tuple(cell[place] for place in places)] += count
        return {cell: count / self.n_source for cell, count in sorted(found.items())}

    def n_with(self, levels: Mapping[str, str]) -> int:
        """Training patients who have these levels (column: level); all of them where no level is named."""
        if not levels:
            return self.n_learnt
        names = self.domain.schema.strata
        places = {names.index(name): level for name, level in levels.items()}
        return sum(
            count
            for cell, count in (self.learnt or self.cells).items()
            if all(cell[place] == level for place, level in places.items())
        )
