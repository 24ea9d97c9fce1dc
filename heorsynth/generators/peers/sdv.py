"""The four synthesizers of SDV, with a seed for fit and for sample, which SDV does not offer.

SDV's licence (BUSL-1.1) permits research and production use, not offering it as a commercial service.
"""

from __future__ import annotations

import random
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

_TABLE = "table"

_PAC = 10
"""Rows that CTGAN's discriminator sees at once; the batch size must be a multiple of it."""

_PEERS = r"(sdv|rdt|ctgan|copulas|sklearn|scipy|torch)(\.|$)"
"""Modules whose warnings are silenced: they concern margins or mixtures that the user cannot change."""


@dataclass(frozen=True)
class GaussianCopula:
    """SDV's Gaussian copula: parametric margins, one correlation matrix; knows nothing of censoring or zeros."""

    default_distribution: str = "beta"

    @property
    def name(self) -> str:
        return "gaussian_copula"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of SDV's GaussianCopulaSynthesizer; CohortError if the cohort cannot be a source."""
        require_source(cohort, allow_synthetic_source)
        return _fitted(self.name, asdict(self), "GaussianCopulaSynthesizer", cohort, seed)


@dataclass(frozen=True)
class CopulaGan:
    """SDV's CopulaGAN: a GAN on copula-transformed columns; made for thousands of rows."""

    epochs: int = 300
    batch_size: int = 500

    def __post_init__(self) -> None:
        _check_training(self.name, self.epochs, self.batch_size, _PAC)

    @property
    def name(self) -> str:
        return "copula_gan"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of SDV's CopulaGANSynthesizer; CohortError if the cohort cannot be a source."""
        require_source(cohort, allow_synthetic_source)
        return _fitted(self.name, asdict(self), "CopulaGANSynthesizer", cohort, seed, _cpu_only())


@dataclass(frozen=True)
class Ctgan:
    """SDV's CTGAN: a conditional GAN; made for thousands of rows."""

    epochs: int = 300
    batch_size: int = 500

    def __post_init__(self) -> None:
        _check_training(self.name, self.epochs, self.batch_size, _PAC)

    @property
    def name(self) -> str:
        return "ctgan"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of SDV's CTGANSynthesizer; CohortError if the cohort cannot be a source."""
        require_source(cohort, allow_synthetic_source)
        return _fitted(self.name, asdict(self), "CTGANSynthesizer", cohort, seed, _cpu_only())


@dataclass(frozen=True)
class Tvae:
    """SDV's TVAE: a variational autoencoder; in small cohorts it loses rare levels."""

    epochs: int = 300
    batch_size: int = 500

    def __post_init__(self) -> None:
        _check_training(self.name, self.epochs, self.batch_size)

    @property
    def name(self) -> str:
        return "tvae"

    def fit(self, cohort: Cohort, seed: int = 1, *, allow_synthetic_source: bool = False) -> Sampler:
        """The sampler of SDV's TVAESynthesizer; CohortError if the cohort cannot be a source."""
        require_source(cohort, allow_synthetic_source)
        return _fitted(self.name, asdict(self), "TVAESynthesizer", cohort, seed, _cpu_only())


def _check_training(name: str, epochs: int, batch_size: int, multiple: int = 1) -> None:
    found = []
    for option, value, step in (("epochs", epochs, 1), ("batch_size", batch_size, multiple)):
        if not is_whole(value, 1) or value % step:
            kind = f"a multiple of {step}" if step > 1 else "a whole number"
            found.append(
                Problem(
                    f"option {option!r}",
                    f"{value!r} is not {kind} from {step} up",
                    f"SDV's is {300 if option == 'epochs' else 500}",
                )
            )
    if found:
        raise GeneratorError(f"generator {name!r}", found)


def _cpu_only() -> dict[str, object]:
    """Train networks on the CPU: sums on an accelerator differ from run to run."""
    return {"enable_gpu": False}


@dataclass(frozen=True, repr=False)
class _SdvLaw:
    """A fitted synthesizer. It is reset before each draw, so draws do not depend on one another."""

    synthesizer: Any
    formats: Mapping[str, Format] = field(default_factory=dict)

    @property
    def conditional(self) -> bool:
        return False

    def draw(self, n: int, rng: np.random.Generator, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        """n rows as SDV draws them, in the source's types."""
        seed = int(rng.integers(2**31 - 1))
        with _seeded(seed):
            self.synthesizer.reset_sampling()
            self.synthesizer._set_random_state(seed)
            for transformer in self._transformers():
                transformer.set_random_state(np.random.RandomState(int(rng.integers(2**31 - 1))), "reverse_transform")
            drawn = self.synthesizer.sample(n)[_TABLE]
        written = {name: form.column(_plain(drawn[name], form)) for name, form in self.formats.items()}
        return pd.DataFrame(written)

    def _transformers(self) -> list[Any]:
        """The transformers of columns: they draw which numbers are missing, and so need a seed too."""
        held = self.synthesizer.get_transformers().values()
        return [transformer for transformer in held if transformer is not None]


def _plain(column: pd.Series, form: Format) -> np.ndarray:
    """Text with '' for missing, or numbers with NaN."""
    if form.values:
        return as_text(column).fillna("").to_numpy(dtype=object)
    return pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan)


def _fitted(
    name: str,
    settings: dict[str, object],
    kind: str,
    cohort: Cohort,
    seed: int,
    extra: Mapping[str, object] | None = None,
) -> Sampler:
    from sdv import single_table

    frame = training_frame(cohort)
    formats = {str(name): Format.of(frame[name], levels=cohort.schema.holds_levels(name)) for name in frame.columns}
    ready = frame.copy()
    for column, form in formats.items():
        ready[column] = as_text(frame[column]) if form.values else pd.to_numeric(frame[column]).astype(float)
    with _seeded(derived_seed(seed, "sdv", name)):
        try:
            synthesizer = getattr(single_table, kind)(_metadata(formats), **settings, **(extra or {}))
        except (TypeError, ValueError) as error:
            known = ", ".join(settings)
            raise GeneratorError(
                f"generator {name!r}", Problem(known, "a value SDV does not accept", "see SDV's own documentation")
            ) from error
        synthesizer.fit({_TABLE: ready})
    return Sampler.fitted(name, settings, cohort, _SdvLaw(synthesizer, formats), seed)


def _metadata(formats: Mapping[str, Format]) -> Any:
    """Metadata from our formats: SDV's own detection takes a 0/1 event for an ordinal."""
    kinds = {name: {"sdtype": "categorical" if form.values else "numerical"} for name, form in formats.items()}
    from sdv.metadata import Metadata

    return Metadata.load_from_dict({"tables": {_TABLE: {"columns": kinds}}})


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global random states inside the block and restore them afterwards; silence the warnings of `_PEERS`.

    Networks are computed on one thread: the number of threads changes the last digits of torch's sums, and so the
    rows. Only the generator of the CPU is seeded: `torch.manual_seed` would also reseed accelerators.
    """
    import torch

    python, numpy, network, threads = (
        random.getstate(),
        np.random.get_state(),
        torch.get_rng_state(),
        torch.get_num_threads(),
    )
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=_PEERS)
            yield
    finally:
        torch.set_num_threads(threads)
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(network)
