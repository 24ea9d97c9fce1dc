"""What a generator is before it has seen data: a recipe of settings that can be fitted."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.generators.sampling.sampler import Sampler


@runtime_checkable
class Recipe(Protocol):
    """Settings of a generator: a frozen dataclass, one field a setting.

    `fit` checks its cohort with `require_source`, which refuses synthetic rows unless told otherwise, and returns a
    `Sampler` around a `Law`.
    """

    @property
    def name(self) -> str: ...

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler: ...
