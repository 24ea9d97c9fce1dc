"""Each column drawn independently: a control that keeps every distribution and no association."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.source import require_source, training_frame


@dataclass(frozen=True)
class Marginals:
    """Each column drawn on its own: what distributions alone can do. A control; values are patients' own."""

    @property
    def name(self) -> str:
        return "marginals"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of this cohort's columns; CohortError if it cannot be a source."""
        require_source(cohort, allow_synthetic_source)
        return Sampler.fitted(self.name, {}, cohort, Columns(training_frame(cohort)), seed)


@dataclass(frozen=True, repr=False)
class Columns:
    """The training rows, whose columns are drawn one by one."""

    frame: pd.DataFrame

    @property
    def conditional(self) -> bool:
        return False

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        """n rows, each value drawn from its column with replacement, missing ones too."""
        drawn = {
            name: self.frame[name].iloc[rng.integers(len(self.frame), size=n)].reset_index(drop=True)
            for name in self.frame.columns
        }
        return pd.DataFrame(drawn)
