"""Rows of the source drawn with replacement: a control that is faithful and must fail every privacy check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.source import require_source, training_frame


@dataclass(frozen=True)
class Bootstrap:
    """Patients drawn with replacement: the noise floor of fidelity. A control, never to be released."""

    @property
    def name(self) -> str:
        return "bootstrap"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of this cohort's own rows; CohortError if it cannot be a source."""
        require_source(cohort, allow_synthetic_source)
        return Sampler.fitted(self.name, {}, cohort, Rows(training_frame(cohort)), seed, copies=True)


@dataclass(frozen=True, repr=False)
class Rows:
    """The training rows."""

    frame: pd.DataFrame

    @property
    def conditional(self) -> bool:
        return False

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        """n rows with replacement."""
        return self.frame.iloc[rng.integers(len(self.frame), size=n)].reset_index(drop=True)
