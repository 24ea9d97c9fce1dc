"""The synthetic cohorts of a run: draws them into the run folder, reads them, and samples large ones for display."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from heorsynth.core.errors import (
    CohortError,
    CurveError,
    GeneratorError,
    PaperError,
    Problem,
    ProtocolError,
    UnknownNameError,
)
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.files import io
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.labels.label import PARTITION, Label
from heorsynth.engine.engine import Engine
from heorsynth.evidence.folders import Sample
from heorsynth.generators.sampling.cohorts import MoreRowsThanPatients, SyntheticCohorts
from heorsynth.generators.sampling.sampler import Sampler
from heorsynth.generators.sampling.write_folder import WriteOptions
from heorsynth.protocol.file.error_lines import with_lines
from heorsynth.protocol.file.spec import Protocol
from heorsynth.published.trial.trial import PublishedTrial

SYNTHETIC = "synthetic"
"""Subfolder of a run that holds its synthetic cohorts: one file per cohort, or one folder if the source is a folder."""

Patients: TypeAlias = Cohort | CohortFolder | PublishedTrial
Synthetic: TypeAlias = SyntheticCohorts | tuple[CohortFolder, ...]


@dataclass(frozen=True)
class Displayed:
    """The rows that tables and figures are made from.

    Attributes
    ----------
    patients : Cohort or PublishedTrial
    copies : SyntheticCohorts or tuple of Cohort
    sample : Sample or None     the random sample, if the source is a folder; None for cohorts in memory
    """

    patients: Cohort | PublishedTrial
    copies: SyntheticCohorts | tuple[Cohort, ...]
    sample: Sample | None = None

    @property
    def note(self) -> str:
        """A sentence with the size of the sample; "" if all rows are displayed."""
        if self.sample is None or self.sample.whole:
            return ""
        return f"Tables and pictures of rows show {self.sample.told}."


def draw(
    protocol: Protocol,
    sampler: Sampler | None,
    patients: Patients,
    owner: bytes | None,
    folder: Path,
    engine: Engine,
    m: int | None = None,
) -> Synthetic:
    """Draw the synthetic cohorts of a protocol, and write each to the run folder as soon as it is drawn.

    Cohorts that were drawn before are replaced: with a larger m the same rows come first, and only their label, which
    names m, differs.

    Parameters
    ----------
    m : int                   number of cohorts; by default the protocol's
    owner : bytes or None     the owner's watermark key
    folder : Path             the run folder

    Raises
    ------
    CohortError, CurveError, GeneratorError     with the line of the protocol
    ProtocolError                               an owner's key for the cohorts of a paper
    """
    settings, place = protocol.document.generator, folder / SYNTHETIC
    n = patients.n if settings.n == "same" else settings.n
    where, targets = settings.where or None, settings.targets or None
    count = settings.m if m is None else m
    if place.exists():
        shutil.rmtree(place)
    place.mkdir()
    if isinstance(patients, PublishedTrial):
        return _reconstructed(protocol, patients, count, owner, place)
    assert sampler is not None, "patients have a fitted generator"
    cohorts, broken_rows = [], []
    try:
        if isinstance(patients, CohortFolder):
            options = WriteOptions(where=where, targets=targets, watermark_key=owner)
            return tuple(sampler.write_cohorts(place, n, count, settings.seed, engine=engine, **options))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MoreRowsThanPatients)  # the evidence has a note on it
            draws = sampler.draws(n, count, settings.seed, where, targets, owner, engine=engine)
            for part, (cohort, broken) in enumerate(draws):
                io.write(cohort, place / f"{part:03d}.parquet")
                cohorts.append(cohort)
                broken_rows.append(broken)
    except CohortError as error:
        raise with_lines(error, protocol) from error
    except (GeneratorError, UnknownNameError) as error:
        raise with_lines(error, protocol, "generator") from error
    return SyntheticCohorts(cohorts, broken_rows)


def _reconstructed(
    protocol: Protocol, trial: PublishedTrial, m: int, owner: bytes | None, place: Path
) -> SyntheticCohorts:
    """The cohorts of a paper, each written to `place`."""
    if owner is not None:
        found, fix = "cohorts of a paper carry no watermark", "leave out the key: label and ids say what they are"
        where = protocol.where("cohort", "source", "published")
        raise ProtocolError(f"protocol {protocol.path.name!r}", Problem(where, found, fix))
    try:
        cohorts = trial.cohorts(m, protocol.document.generator.seed)
    except (CurveError, PaperError) as error:
        raise with_lines(error, protocol, default=("source", "published")) from None
    for part, cohort in enumerate(cohorts):
        io.write(cohort, place / f"{part:03d}.parquet")
    return cohorts


def read_synthetic(folder: Path, patients: Patients) -> Synthetic:
    """The m synthetic cohorts of a run folder, with the roles of its patients."""
    place, schema = folder / SYNTHETIC, patients.schema
    if isinstance(patients, CohortFolder):
        return tuple(CohortFolder.derive(schema, path) for path in sorted(place.iterdir()))
    cohorts = [
        Cohort.derive(schema, frame, label=io.label_of(frame), name=file.stem)
        for file, frame in ((file, io.read_frame(file)) for file in sorted(place.glob("*.parquet")))
    ]
    if isinstance(patients, PublishedTrial):
        return patients.ensemble(cohorts)
    domain = Domain.of(patients)
    return SyntheticCohorts(cohorts, [domain.breaks(cohort.arrays) for cohort in cohorts])


def displayed(protocol: Protocol, patients: Patients, synthetic: Synthetic, engine: Engine) -> Displayed:
    """The rows for tables and figures: all rows, or a random sample of each folder.

    The checks that compare rows side by side use the same sample of the folders.
    """
    if not isinstance(patients, CohortFolder):
        assert isinstance(synthetic, SyntheticCohorts), "a cohort in memory has synthetic cohorts in memory"
        return Displayed(patients, synthetic)
    folders = [one for one in synthetic if isinstance(one, CohortFolder)]
    document = protocol.document
    sample = Sample.drawn(patients, folders, document.most_rows, document.generator.seed, engine)
    return Displayed(sample.real, sample.synthetic, sample)


def shared_label(synthetic: Synthetic) -> Label:
    """The first cohort's label, without the settings that differ between partitions."""
    label = synthetic[0].label
    assert label is not None, "every synthetic cohort has a label"
    return replace(label, settings={name: value for name, value in label.settings.items() if name != PARTITION})


def first_file(synthetic: Synthetic) -> str:
    """Path of the first cohort's first file within the folder `SYNTHETIC`."""
    first = synthetic[0]
    return f"000/{first.files[0]}" if isinstance(first, CohortFolder) else "000.parquet"


def first_cohort(synthetic: Synthetic) -> Cohort:
    """The first cohort, or its first partition."""
    first = synthetic[0]
    return first.part(0) if isinstance(first, CohortFolder) else first


def columns_of(patients: Patients) -> list[str] | None:
    """The names of the patients' columns; None for a paper, whose cohorts show them."""
    if isinstance(patients, PublishedTrial):
        return None
    return [*patients.columns] if isinstance(patients, CohortFolder) else [str(name) for name in patients.rows.columns]
