"""The interface of a generator before it is fitted: its settings, and `fit`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.generators.sampling.sampler import Sampler


@runtime_checkable
class Recipe(Protocol):
    """Settings of a generator: a frozen dataclass, one field a setting.

    `fit` checks the cohort with `require_source`, which refuses synthetic rows unless they are allowed. It returns a
    `Sampler` around a `Law`.
    """

    @property
    def name(self) -> str: ...

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler: ...
