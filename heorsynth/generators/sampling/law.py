"""What a generator is once it has seen data: a law that can be drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd


class Law(Protocol):
    """What a fitted generator knows: how to draw n rows. It never changes, and repeats itself exactly.

    A law that can draw a subgroup or a target mix directly accepts `where` (column: level, as text) in
    `draw` and says so by ``conditional = True``; from any other the sampler draws and keeps.
    """

    @property
    def conditional(self) -> bool: ...

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame: ...


@runtime_checkable
class CellLaw(Law, Protocol):
    """A law that knows how many rows of each of its cells to draw, and so can be drawn in parts that add up."""

    def allocated(self, n: int, where: Mapping[str, str] | None = None) -> np.ndarray: ...

    def draw_cells(self, counts: np.ndarray, rng: np.random.Generator) -> pd.DataFrame: ...


@runtime_checkable
class SavedLaw(Law, Protocol):
    """A law that can be written without a patient's row, nor the name of a level that fewer than `least` have."""

    @property
    def least(self) -> int: ...

    def to_dict(self) -> dict[str, Any]: ...
