"""The interface of a fitted generator: a law that rows are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from heorsynth.data.rules.mending import Mending


class Law(Protocol):
    """Draws n rows. A law never changes: the same `rng` gives the same rows.

    A law with ``conditional = True`` can draw rows of given levels, `where` (column: level as text). From any other
    law the sampler draws rows until enough of them have the levels.
    """

    @property
    def conditional(self) -> bool: ...

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame: ...


@runtime_checkable
class CellLaw(Law, Protocol):
    """A law of cells: the rows of each cell can be divided over parts, which are drawn one by one."""

    def allocated(self, n: int, where: Mapping[str, str] | None = None) -> np.ndarray: ...

    def draw_cells(self, counts: np.ndarray, rng: np.random.Generator) -> pd.DataFrame: ...


@runtime_checkable
class ClusteredLaw(Law, Protocol):
    """A law whose rows share clusters, if `column_of_clusters` names a column: a cohort is then drawn as a whole."""

    @property
    def column_of_clusters(self) -> str | None: ...

    @property
    def whole(self) -> tuple[str, ...]: ...

    def draw_together(
        self, cells: Sequence[tuple[Mapping[str, str], int]], rng: np.random.Generator
    ) -> pd.DataFrame: ...


@runtime_checkable
class SavedLaw(Law, Protocol):
    """A law that can be saved: it holds no patient's row, and no level that fewer than `least` patients have."""

    @property
    def least(self) -> int: ...

    def to_dict(self) -> dict[str, Any]: ...


@runtime_checkable
class RuledLaw(Law, Protocol):
    """A law that knows rules which every row is to keep."""

    @property
    def mending(self) -> Mending: ...
