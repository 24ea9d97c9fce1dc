"""Groups of rows within which a column has a law of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

ALL = ""
"""The group of a column whose law is the same for all rows."""


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
