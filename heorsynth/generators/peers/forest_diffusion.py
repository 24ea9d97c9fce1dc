"""Forest Diffusion: boosted trees learn the path from noise to patients; the authors' package, behind a seed.

The package needs the extra `forest`. It takes one seed for fit and none for drawing, and leaves numpy's global state
moved; both are mended here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.core.numbers import is_whole
from heorsynth.core.random import derived_seed
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text
from heorsynth.generators.sampling.formats import Format
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.source import require_source, training_frame

_HALF = 0.5
"""A 0/1 column above this is 1; the first level of a column is drawn where no other exceeds it."""

_PEERS = r"(ForestDiffusion|xgboost|sklearn|catboost|lightgbm)(\.|$)"
"""Modules whose warnings are silenced: they concern settings that the user cannot change."""


@dataclass(frozen=True)
class ForestDiffusion:
    """Forest Diffusion: boosted trees move noise to rows; knows nothing of censoring. Needs heorsynth[forest].

    Attributes
    ----------
    noise_levels : int    steps from noise to rows (`n_t` of the package)
    noise_draws : int     noised copies of each patient in training (`duplicate_K`)
    trees : int           boosting rounds, for each step and column (`n_estimators`)
    depth : int           of a tree, at most (`max_depth`)

    Notes
    -----
    The defaults are the authors', and slow: with 10 copies instead of 100, 137 patients took minutes. 20 steps, 10
    copies, 20 trees and a depth of 5 take seconds for them. Flow matching, XGBoost on one thread. Numbers end at the
    smallest and the largest of the patients.

    Levels are 0/1 columns, as in the package, whose own coding confuses columns 1 and 11. A missing number is the
    column's median in training, and a 0/1 column beside it says in which drawn rows it is missing; the package takes
    missing numbers too, but draws none, and trains each column apart for them. A missing level is a level.

    References
    ----------
    Jolicoeur-Martineau, Fatras & Kachman (2024) AISTATS, PMLR 238:1288. ForestDiffusion 1.0.6 (MIT).
    """

    noise_levels: int = 50
    noise_draws: int = 100
    trees: int = 100
    depth: int = 7

    def __post_init__(self) -> None:
        lowest = {"noise_levels": 2, "noise_draws": 1, "trees": 1, "depth": 1}
        found = [
            Problem(f"option {name!r}", f"{value!r} is not a whole number from {lowest[name]} up", "see its docstring")
            for name, value in asdict(self).items()
            if not is_whole(value, lowest[name])
        ]
        if found:
            raise GeneratorError(f"generator {self.name!r}", found)

    @property
    def name(self) -> str:
        return "forest_diffusion"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of the package's model; CohortError if the cohort cannot be a source.

        Raises
        ------
        GeneratorError      the package is not installed
        """
        model = _package().ForestDiffusionModel
        require_source(cohort, allow_synthetic_source)
        frame = training_frame(cohort)
        formats = {str(name): Format.of(frame[name], levels=cohort.schema.holds_levels(name)) for name in frame.columns}
        coded = [_coded(frame[name], form) for name, form in formats.items()]
        asked = {
            "n_t": self.noise_levels,
            "duplicate_K": self.noise_draws,
            "n_estimators": self.trees,
            "max_depth": self.depth,
            "n_jobs": 1,
            "seed": derived_seed(seed, "forest_diffusion") % 2**31,
        }
        with _seeded(asked["seed"]):
            fitted = model(np.column_stack(coded), **asked)
        fitted.X1 = None  # the scaled training rows, which drawing does not use
        widths = tuple(part.shape[1] for part in coded)
        return Sampler.fitted(self.name, asdict(self), cohort, _ForestLaw(fitted, widths, formats), seed)


@dataclass(frozen=True, repr=False)
class _ForestLaw:
    """A fitted model of the package, and the number of its columns for each column of the frame."""

    model: Any
    widths: tuple[int, ...]
    formats: Mapping[str, Format] = field(default_factory=dict)

    @property
    def conditional(self) -> bool:
        return False

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        """n rows as the package draws them, in the source's types."""
        with _seeded(int(rng.integers(2**31 - 1))):
            drawn = self.model.generate(batch_size=n)
        parts = np.split(drawn, np.cumsum(self.widths)[:-1], axis=1)
        pairs = zip(self.formats.items(), parts, strict=True)
        return pd.DataFrame({name: form.column(_decoded(part, form)) for (name, form), part in pairs})


def _package() -> Any:
    """The module of the authors' package.

    Raises
    ------
    GeneratorError      it is not installed
    """
    try:
        import ForestDiffusion
    except ImportError:
        problem = Problem("", "the package ForestDiffusion is not installed", "pip install 'heorsynth[forest]'")
        raise GeneratorError("generator 'forest_diffusion'", problem) from None
    return ForestDiffusion


def _coded(column: pd.Series, form: Format) -> np.ndarray:
    """The column as numbers (n, k): with a 0/1 column of missing ones, or a 0/1 column for each level but the first."""
    if not form.values:
        numbers = pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan)
        lost = np.isnan(numbers)
        return (
            np.column_stack([np.where(lost, np.nanmedian(numbers), numbers), lost]) if lost.any() else numbers[:, None]
        )
    text = as_text(column).fillna("").to_numpy(dtype=object)
    return (text[:, None] == np.array(_levels(form, bool((text == "").any())), dtype=object)[1:]).astype(float)


def _decoded(part: np.ndarray, form: Format) -> np.ndarray:
    """What `_coded` wrote, from drawn numbers: numbers with NaN, or text with '' for missing."""
    if not form.values:
        return np.where(part[:, 1] > _HALF, np.nan, part[:, 0]) if part.shape[1] > 1 else part[:, 0]
    levels = np.array(_levels(form, part.shape[1] == len(form.values)), dtype=object)
    return levels[np.column_stack([np.full(len(part), _HALF), part]).argmax(axis=1)]


def _levels(form: Format, missing: bool) -> list[str]:
    return [*form.values, *([""] if missing else [])]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed numpy's global state inside the block and restore it; XGBoost on one thread; no warnings of `_PEERS`.

    Several threads are slower on tables of this size, and take cores that the run's engine counts on.
    """
    import xgboost

    held = np.random.get_state()
    np.random.seed(seed)
    try:
        with warnings.catch_warnings(), xgboost.config_context(nthread=1):
            warnings.filterwarnings("ignore", module=_PEERS)
            yield
    finally:
        np.random.set_state(held)
