"""A toy generator in a package of its own: patients drawn with replacement within each arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.source import require_source, training_frame


@dataclass(frozen=True)
class ArmBootstrap:
    """Patients drawn with replacement within each arm. A toy: its rows are patients, so never release them."""

    @property
    def name(self) -> str:
        return "arm_bootstrap"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of this cohort's rows; CohortError if it cannot be a source."""
        require_source(cohort, allow_synthetic_source)
        frame = training_frame(cohort)
        arm = np.zeros(cohort.n) if cohort.schema.arm is None else cohort.levels(cohort.schema.arm)
        return Sampler.fitted(self.name, {}, cohort, RowsByArm(frame, arm), seed, copies=True)


@dataclass(frozen=True, repr=False)
class RowsByArm:
    """The training rows (n, columns), and the arm of each (n,)."""

    frame: pd.DataFrame
    arm: np.ndarray
    conditional = False

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        """n rows: an arm at its share, then a patient of it."""
        arms = self.arm[rng.integers(len(self.arm), size=n)]
        rows = [rng.choice(np.flatnonzero(self.arm == arm)) for arm in arms]
        return self.frame.iloc[rows].reset_index(drop=True)
