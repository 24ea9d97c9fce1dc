"""The synthetic cohorts of a run: drawn into its folder, read from there, and small enough to be shown."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from heorsynth.core.errors import CohortError, GeneratorError, UnknownNameError
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
from heorsynth.protocol.file.error_lines import placed
from heorsynth.protocol.file.spec import Protocol

PLACE = "synthetic"
"""The folder within a run's that holds what was drawn: a file a cohort, or a folder where the source was one."""

Patients: TypeAlias = Cohort | CohortFolder
Drawn: TypeAlias = SyntheticCohorts | tuple[CohortFolder, ...]


@dataclass(frozen=True)
class Shown:
    """What tables and pictures are made from.

    Attributes
    ----------
    patients : Cohort
    copies : SyntheticCohorts or tuple of Cohort
    note : str                  says so where they are a sample of folders; "" where they are all there is
    """

    patients: Cohort
    copies: SyntheticCohorts | tuple[Cohort, ...]
    note: str = ""


def draw(
    plan: Protocol, sampler: Sampler, patients: Patients, owner: bytes | None, folder: Path, engine: Engine
) -> Drawn:
    """The m synthetic cohorts a protocol asks for, written to the run's folder as they come.

    Raises
    ------
    CohortError, GeneratorError     with the line of the protocol
    """
    wanted, place = plan.document.generator, folder / PLACE
    n = patients.n if wanted.n == "same" else wanted.n
    where, targets = wanted.where or None, wanted.targets or None
    place.mkdir()
    drawn = []
    try:
        if isinstance(patients, CohortFolder):
            options = WriteOptions(where=where, targets=targets, watermark_key=owner)
            return tuple(sampler.write_cohorts(place, n, wanted.m, wanted.seed, engine=engine, **options))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MoreRowsThanPatients)  # the evidence has a note of it
            cohorts = sampler.draws(n, wanted.m, wanted.seed, where, targets, owner, engine=engine)
            for part, (one, broken) in enumerate(cohorts):
                io.write(one, place / f"{part:03d}.parquet")
                drawn.append((one, broken))
    except CohortError as error:
        raise placed(error, plan) from error
    except (GeneratorError, UnknownNameError) as error:
        raise placed(error, plan, "generator") from error
    return SyntheticCohorts([one for one, _ in drawn], [broken for _, broken in drawn])


def read(folder: Path, patients: Patients) -> Drawn:
    """The m synthetic cohorts of a run's folder, in the roles of its patients."""
    place, schema = folder / PLACE, patients.schema
    if isinstance(patients, CohortFolder):
        return tuple(CohortFolder.derive(schema, one) for one in sorted(place.iterdir()))
    cohorts = [
        Cohort.derive(schema, frame, label=io.label_of(frame), name=file.stem)
        for file, frame in ((file, io.read_frame(file)) for file in sorted(place.glob("*.parquet")))
    ]
    domain = Domain.of(patients)
    return SyntheticCohorts(cohorts, [domain.breaks(cohort.frame) for cohort in cohorts])


def shown(plan: Protocol, patients: Patients, drawn: Drawn, engine: Engine) -> Shown:
    """What tables and pictures are made from: all rows, or of folders the random sample that is judged row by row."""
    if isinstance(patients, Cohort):
        assert isinstance(drawn, SyntheticCohorts), "a cohort in memory has copies in memory"
        return Shown(patients, drawn)
    folders = [one for one in drawn if isinstance(one, CohortFolder)]
    document = plan.document
    sample = Sample.drawn(patients, folders, document.most_rows, document.generator.seed, engine)
    note = "" if sample.whole else f"Tables and pictures of rows show {sample.told}."
    return Shown(sample.real, sample.synthetic, note)


def label_of(drawn: Drawn) -> Label:
    """What the labels of all cohorts have in common, with the first one's part."""
    label = drawn[0].label
    assert label is not None, "a draw is labelled"
    return replace(label, settings={name: value for name, value in label.settings.items() if name != PARTITION})


def first_file(drawn: Drawn) -> str:
    """The first file of the first cohort, as a path within `PLACE`."""
    first = drawn[0]
    return f"000/{first.files[0]}" if isinstance(first, CohortFolder) else "000.parquet"


def some_rows(drawn: Drawn) -> pd.DataFrame:
    """Rows of the first cohort, for the kinds of its columns."""
    first = drawn[0]
    return (first.part(0) if isinstance(first, CohortFolder) else first).frame
