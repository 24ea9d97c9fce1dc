"""Groups of rows within which a column has a law of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.rules.drawn import States
from heorsynth.generators.rules.plan import RULED

ALL = ""
"""The group of a column whose law is the same for all rows."""

STRATUM = "arm and subgroups"
"""The group of a column whose law differs by combination of arm and subgroup levels."""

CAUSE = "how the primary endpoint ended"
"""The group of a column whose law differs by the cause of the primary endpoint."""


@dataclass(frozen=True, eq=False)
class Groups:
    """The group of each row.

    Attributes
    ----------
    names : tuple of str       sorted; some may have no row
    codes : array (n,)         place of each row's group
    """

    names: tuple[str, ...]
    codes: np.ndarray

    @classmethod
    def of(cls, groups: np.ndarray | Groups) -> Groups:
        """The groups of rows whose names (n,) are these."""
        if isinstance(groups, Groups):
            return groups
        names, codes = np.unique(groups, return_inverse=True)
        return cls(tuple(map(str, names)), codes)

    @classmethod
    def named(cls, names: np.ndarray, place: np.ndarray) -> Groups:
        """The groups of rows (n,) that have these places among names (k,), which may repeat."""
        different, codes = np.unique(names.astype(str), return_inverse=True)
        return cls(tuple(map(str, different)), codes.astype(np.min_scalar_type(len(different)))[place])

    @classmethod
    def one(cls, n: int) -> Groups:
        """One group of n rows."""
        return cls((ALL,), np.zeros(n, dtype=np.uint8))

    @cached_property
    def parts(self) -> Mapping[str, np.ndarray]:
        """Each group that has rows, sorted by name, to its rows, ascending."""
        counts = np.bincount(self.codes, minlength=len(self.names))
        order = np.argsort(self.codes, kind="stable")
        rows = np.split(order, np.cumsum(counts)[:-1])
        return {name: held for name, held in zip(self.names, rows, strict=True) if len(held)}

    def take(self, rows: np.ndarray) -> Groups:
        """The groups of these rows."""
        return Groups(self.names, self.codes[rows])


@dataclass(frozen=True, eq=False)
class Grouping:
    """The groups of rows in the law of each column; what no drawn column decides is found once.

    Attributes
    ----------
    modelled : Mapping        column to the group that its law depends on
    states : Mapping          column to what rules say of it
    cells : Cells             of arm and subgroups
    cell, cause : array (n,)  the cell of each row, and how its follow-up ended
    before : Mapping          columns (n,) that are known before any is drawn
    """

    modelled: Mapping[str, str]
    states: Mapping[str, States]
    cells: Cells
    cell: np.ndarray
    cause: np.ndarray
    before: Mapping[str, np.ndarray]
    _shared: dict[str, Groups] = field(default_factory=dict)

    def of(self, name: str, values: Mapping[str, np.ndarray]) -> Groups:
        """The group of each row in a column's law, given the values (n,) of the columns that decide it."""
        group = self.modelled[name]
        if group == RULED:
            return Groups.named(*self.states[name].placed({**values, **self.before}))
        if group not in (ALL, CAUSE, STRATUM, *self.cells.names):
            return Groups.of(values[group])
        if group not in self._shared:
            self._shared[group] = self._found(group)
        return self._shared[group]

    def every(self, values: Mapping[str, np.ndarray]) -> dict[str, Groups]:
        """The groups in the law of each column."""
        return {name: self.of(name, values) for name in self.modelled}

    def _found(self, group: str) -> Groups:
        """The groups that no drawn column decides."""
        if group == ALL:
            return Groups.one(len(self.cell))
        if group == CAUSE:
            return Groups.named(np.arange(int(self.cause.max(initial=0)) + 1), self.cause)
        every = np.arange(len(self.cells.members))
        names = self.cells.strata(every) if group == STRATUM else self.cells.levels(group, every)
        return Groups.named(names, self.cell)
