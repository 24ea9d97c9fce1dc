"""Draws synthetic cohorts into folders of Parquet files: in bounded memory, and resumed where it was stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heorsynth.core.errors import GeneratorError, OutputError, Problem, TooFewPatientsError
from heorsynth.core.numbers import is_whole
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.files import io
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.folders.partitions import PARTIAL, mark_partial, parquet_files
from heorsynth.data.labels.claims import Claim
from heorsynth.data.labels.label import ID_COLUMN, KEY, PARTITION, Label, synthetic_ids
from heorsynth.data.labels.watermark import fingerprint
from heorsynth.engine.engine import Engine
from heorsynth.generators.sampling.law import CellLaw
from heorsynth.generators.sampling.request import Asked

if TYPE_CHECKING:
    from heorsynth.generators.sampling.sampler import Sampler

ROWS_PER_PARTITION = 250_000
"""Rows of a partition unless another number is given: some 40 MB of twenty columns, and four times that while drawn."""


@dataclass(frozen=True, repr=False)
class Order:
    """What is to be written: everything that a partition depends on, and so everything that a worker needs.

    Attributes
    ----------
    sampler : Sampler
    n, seed : int                rows in all, and the seed they are drawn with
    rests_on : int               patients an analysis of them rests on
    settings : Mapping           what the label says of how they were drawn
    partitions : int             files, whose sizes differ by one row at most
    counts : array (c,) or None  rows of each cell in all; None where the law has no cells
    watermark_key : bytes        the owner's, if any
    release : str                eight hex digits, of the first cohort's first partition's rows
    number, m : int              this is cohort `number` (from 0) of m
    """

    sampler: Sampler
    n: int
    seed: int
    rests_on: int
    settings: Mapping[str, object]
    partitions: int
    counts: np.ndarray | None
    watermark_key: bytes | None = None
    release: str = ""
    number: int = 0
    m: int = 1

    @classmethod
    def of(cls, sampler: Sampler, asked: Asked, m: int, rows_per_partition: int) -> list[Order]:
        """The orders for m cohorts: a cohort's rows do not depend on how many are written beside it.

        Raises
        ------
        TooFewPatientsError    fewer than two rows a partition
        GeneratorError         a calibrated sampler, whose aims are met by whole cohorts; levels or a mix of them of a
                               generator that cannot say how many rows of each to draw
        """
        if not is_whole(rows_per_partition, 2):
            problem = Problem("rows_per_partition", "not a whole number from 2 up", "leave it out, or 250_000, say")
            raise TooFewPatientsError("write", problem)
        if sampler.aims:
            problem = Problem("calibrate", "a calibrated sampler draws whole cohorts", "fit without calibrate")
            raise GeneratorError("write", problem)
        first = cls(
            sampler,
            asked.rows,
            asked.seed,
            asked.rests_on,
            sampler.settings_drawn(asked.where, asked.targets),
            min(-(-asked.rows // int(rows_per_partition)), asked.rows // 2),
            _counts(sampler, asked),
            asked.owner,
            m=m,
        )
        release = release_of(sampler.name, first.drawn(0), asked.owner)
        return [replace(first, release=release, number=number) for number in range(m)]

    def size(self, part: int) -> int:
        """Rows of a partition."""
        return int(_every(np.array([0, self.n]), self.partitions, part)[0])

    def start(self, part: int) -> int:
        """Rows of the cohorts and partitions before it: where the numbers of its rows begin."""
        whole, more = divmod(self.n, self.partitions)
        return self.number * self.n + part * whole + min(part, more)

    def cells(self, part: int) -> np.ndarray | None:
        """Rows of each cell (c,) in a partition.

        All rows, sorted by cell, are dealt out to the partitions in turn. So every cell is spread over them as evenly
        as can be, and a cell with fewer rows than there are partitions is in as many as it has rows: none is lost.
        """
        if self.counts is None:
            return None
        return _every(np.concatenate([[0], np.cumsum(self.counts)]), self.partitions, part)

    def drawn(self, part: int) -> pd.DataFrame:
        """The rows of a partition before they are marked and named."""
        rng, law, counts = self.chance("write", part), self.sampler.law, self.cells(part)
        if counts is not None and isinstance(law, CellLaw):
            return self.sampler.finished(law.draw_cells(counts, rng))
        return self.sampler.finished(law.draw(self.size(part), rng))

    def chance(self, what: str, part: int) -> np.random.Generator:
        """The stream that one partition's rows, or their mark, follow."""
        return stream(self.seed, what, *((f"cohort {self.number}",) if self.number else ()), part)

    def file(self, part: int) -> str:
        """The name of a partition's file."""
        return f"{part:05d}.parquet"

    @property
    def facts(self) -> Mapping[str, object]:
        """What tells this order from another."""
        return {"release": self.release, "cohort": self.number, "n": self.n, "seed": self.seed,
                "partitions": self.partitions, "generator": self.sampler.name,
                "heorsynth": version("heorsynth")}  # fmt: skip

    def label(self, part: int, mark: Claim) -> Label:
        """The label of a partition: the folder's, with which part of it this is."""
        sampler = self.sampler
        here = {PARTITION: part + 1, "partitions": self.partitions, "rows_in_all": self.n}
        return Label(
            self.release,
            sampler.name,
            sampler.n_source,
            self.rests_on,
            self.size(part),
            self.number,
            self.m,
            self.seed,
            version("heorsynth"),
            {**self.settings, **here},
            sampler.depth,
            sampler.calibrated,
            **vars(mark),
        )


def _counts(sampler: Sampler, asked: Asked) -> np.ndarray | None:
    """Rows of each cell (c,) of the law; None where it has no cells."""
    law = sampler.law
    if isinstance(law, CellLaw):
        parts = [law.allocated(count, cell) for cell, count in asked.cells or [(asked.where, asked.rows)] if count]
        found: np.ndarray = np.sum(parts, axis=0)
        return found
    if asked.where or asked.targets:
        found_not = "this generator cannot say how many rows of each level to draw"
        raise GeneratorError("write", Problem("where, targets", found_not, "use 'heor', or sample(…)"))
    return None


def _every(ends: np.ndarray, step: int, first: int) -> np.ndarray:
    """How many of first, first + step, … lie in each of the stretches [ends[i], ends[i + 1])."""
    found: np.ndarray = np.diff((ends - first + step - 1) // step)
    return found


def release_of(name: str, frame: pd.DataFrame, owner: bytes | None) -> str:
    """Eight hex digits that name a release: other rows or another owner's key, another name."""
    rows = pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()
    by = b"" if owner is None else fingerprint(owner).encode()
    return hashlib.sha256(name.encode() + by + rows).hexdigest()[:8]


def write(order: Order, folder: Path, engine: Engine) -> CohortFolder:
    """Writes what was ordered, and returns the folder; the same bytes on any engine and with any number of workers.

    A file `PARTIAL` stands in the folder until every partition does. Whatever stops the writing leaves it there, and
    with it whole partitions only: each is written under another name and renamed. The same call again goes on with
    the partitions that are missing.

    Raises
    ------
    OutputError      the folder cannot be written or is full, holds another draw, begun or finished, or is another one
                     where the workers are
    """
    missing = _begun(order, folder)
    for _ in engine.map(write_partition, missing, (order, folder), what=f"writing {folder.name}", named=order.file):
        pass
    if not _whole(order, folder):
        fix = "give a folder that this process and every worker see under one path"
        found = Problem("", "what workers wrote is not in it", fix)
        raise OutputError(f"folder {folder.name!r}", found)
    try:
        (folder / PARTIAL).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return CohortFolder.derive(order.sampler.domain.schema, folder)


def write_partition(task: tuple[Order, Path], part: int) -> int:
    """Draws, marks and writes one partition; returns its rows."""
    order, folder = task
    sampler, drawn = order.sampler, order.drawn(part)
    frame, mark = sampler.marked(drawn, order.chance("write mark", part), order.release, order.watermark_key)
    del drawn
    frame.index = pd.Index(synthetic_ids(order.release, order.start(part), len(frame)), name=ID_COLUMN)
    cohort = Cohort.derive(sampler.domain.schema, frame, label=order.label(part, mark), name=order.file(part))
    io.write(cohort, folder / order.file(part))
    return len(frame)


def _begun(order: Order, folder: Path) -> list[int]:
    """The partitions still to be written, with the folder made and said to be partial."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = parquet_files(folder)
        if (folder / PARTIAL).exists():
            _require_same(order, folder)
        elif held and not _whole(order, folder):
            raise _another(folder)
        for left in folder.glob(".*.parquet.*"):
            left.unlink()
        missing = [part for part in range(order.partitions) if not _written(order, folder / order.file(part), part)]
        if missing:
            mark_partial(folder, order.facts)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return missing


def _require_same(order: Order, folder: Path) -> None:
    """Nothing, if the folder was begun for this very order; OutputError otherwise."""
    try:
        facts = json.loads((folder / PARTIAL).read_text(encoding="utf-8"))
    except ValueError:
        facts = None
    names = {order.file(part) for part in range(order.partitions)}
    strange = [file.name for file in parquet_files(folder) if file.name not in names]
    if strange or (facts is not None and facts != dict(order.facts)):
        raise _another(folder)


def _whole(order: Order, folder: Path) -> bool:
    """Whether the folder holds this very draw, finished."""
    names = [order.file(part) for part in range(order.partitions)]
    held = [file.name for file in parquet_files(folder)]
    return held == names and all(_written(order, folder / name, part) for part, name in enumerate(names))


def _written(order: Order, file: Path, part: int) -> bool:
    """Whether a partition is there: a file of that name is whole, for it was renamed, if it is of this release."""
    if not file.exists():
        return False
    try:
        footer = pq.read_metadata(file)
    except pa.ArrowInvalid:
        return False
    held = (footer.metadata or {}).get(KEY.encode())
    if held is None or footer.num_rows != order.size(part):
        return False
    label = Label.from_json(held)
    return (label.release, label.part) == (order.release, order.number)


def _another(folder: Path) -> OutputError:
    fix = "choose another folder, or delete this one"
    return OutputError(f"folder {folder.name!r}", Problem("", "holds another draw, or files of another kind", fix))


def _unwritable(folder: Path, error: OSError) -> OutputError:
    found = f"cannot be written ({error.strerror})"
    return OutputError(f"folder {folder.name!r}", Problem("", found, "check the folder's rights and space"))
