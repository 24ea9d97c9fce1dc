"""Draws synthetic cohorts into folders of Parquet files: in bounded memory, and resumed where it was stopped."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

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
from heorsynth.data.folders.tally import Tally
from heorsynth.data.folders.total import Total
from heorsynth.data.labels.claims import Claim
from heorsynth.data.labels.label import KEY, PARTITION, Label, arrow_ids
from heorsynth.data.labels.watermark import fingerprint
from heorsynth.engine.engine import Engine
from heorsynth.engine.task import memory_given_back
from heorsynth.generators.sampling.law import CellLaw, Law
from heorsynth.generators.sampling.request import DrawRequest, Targets, Where
from heorsynth.generators.sampling.row_maker import RowMaker

ROWS_PER_PARTITION = 250_000
"""Rows of a partition by default: about 40 MB for twenty columns, and four times that while they are drawn."""


class WriteOptions(TypedDict, total=False):
    """What `Sampler.write` and `Sampler.write_cohorts` may be asked beside the number of rows and the seed.

    where, targets            as in `Sampler.sample`
    rows_per_partition : int  rows of one file, `ROWS_PER_PARTITION` unless given
    watermark_key : bytes     an owner's key, which half of the mark follows beside the public one
    """

    where: Where | None
    targets: Targets | None
    rows_per_partition: int
    watermark_key: bytes | None


@dataclass(frozen=True, repr=False)
class WriteOrder:
    """One cohort to be written: all that its partitions depend on, and so all that a worker needs.

    Attributes
    ----------
    maker : RowMaker             makes the rows
    template : Label             of the cohort; each partition fills in its own rows and mark
    n, seed : int                rows in all, and the seed they are drawn with
    partitions : int             number of files; their sizes differ by one row at most
    counts : array (c,) or None  rows of each cell in all; None where the law has no cells
    owner : bytes or None        the owner's key for half of the watermark
    release : str                eight hex digits, from the rows of the first partition of the first cohort
    number : int                 of this cohort among the m of the release, from 0
    """

    maker: RowMaker
    template: Label
    n: int
    seed: int
    partitions: int
    counts: np.ndarray | None
    owner: bytes | None = None
    release: str = ""
    number: int = 0

    @classmethod
    def for_cohorts(
        cls, maker: RowMaker, template: Label, request: DrawRequest, m: int, rows_per_partition: int
    ) -> list[WriteOrder]:
        """The orders for m cohorts. The rows of a cohort do not depend on m.

        Raises
        ------
        TooFewPatientsError    fewer than two rows a partition
        GeneratorError         `where` or targets of a generator that cannot say how many rows of each level to draw
        """
        if not is_whole(rows_per_partition, 2):
            problem = Problem("rows_per_partition", "not a whole number from 2 up", "leave it out, or 250_000, say")
            raise TooFewPatientsError("write", problem)
        partitions = min(-(-request.rows // int(rows_per_partition)), request.rows // 2)
        counts = _counts(maker.law, request)
        first = cls(maker, template, request.rows, request.seed, partitions, counts, request.owner)
        release = release_of(maker.name, first.drawn(0), request.owner)
        memory_given_back()  # before workers need theirs
        return [replace(first, release=release, number=number) for number in range(m)]

    def size(self, part: int) -> int:
        """Rows of a partition."""
        return int(_every(np.array([0, self.n]), self.partitions, part)[0])

    def start(self, part: int) -> int:
        """Rows before this partition, in earlier cohorts too: its own are numbered from here."""
        whole, more = divmod(self.n, self.partitions)
        return self.number * self.n + part * whole + min(part, more)

    def cells(self, part: int) -> np.ndarray | None:
        """Rows of each cell (c,) in a partition; None where the law has no cells.

        All rows, sorted by cell, are dealt to the partitions in turn. So each cell is spread as evenly as possible,
        and a cell with fewer rows than there are partitions loses none.
        """
        if self.counts is None:
            return None
        return _every(np.concatenate([[0], np.cumsum(self.counts)]), self.partitions, part)

    def drawn(self, part: int) -> pd.DataFrame:
        """The rows of a partition before they are marked and named."""
        rng, law, counts = self.stream("write", part), self.maker.law, self.cells(part)
        if counts is not None and isinstance(law, CellLaw):
            return self.maker.completed(law.draw_cells(counts, rng))
        return self.maker.completed(law.draw(self.size(part), rng))

    def stream(self, what: str, part: int) -> np.random.Generator:
        """The random stream of a partition's rows, or of their mark."""
        return stream(self.seed, what, *((f"cohort {self.number}",) if self.number else ()), part)

    def file(self, part: int) -> str:
        """The name of a partition's file."""
        return f"{part:05d}.parquet"

    @property
    def facts(self) -> Mapping[str, object]:
        """What tells this order from another: written into the folder while it is partial."""
        return {"release": self.release, "cohort": self.number, "n": self.n, "seed": self.seed,
                "partitions": self.partitions, "generator": self.maker.name,
                "heorsynth": version("heorsynth")}  # fmt: skip

    def label(self, part: int, mark: Claim) -> Label:
        """The label of a partition: that of its cohort, with which part of it this is."""
        here = {PARTITION: part + 1, "partitions": self.partitions, "rows_in_all": self.n}
        settings = {**self.template.settings, **here}
        own = {"release": self.release, "n_rows": self.size(part), "part": self.number, **vars(mark)}
        return replace(self.template, settings=settings, **own)


def _counts(law: Law, request: DrawRequest) -> np.ndarray | None:
    """Rows of each cell (c,) of the law; None where it has no cells."""
    if isinstance(law, CellLaw):
        wanted = request.cells or [(request.where, request.rows)]
        found: np.ndarray = np.sum([law.allocated(count, cell) for cell, count in wanted if count], axis=0)
        return found
    if request.where or request.targets:
        told = "this generator cannot say how many rows of each level to draw"
        raise GeneratorError("write", Problem("where, targets", told, "use 'heor', or sample(…)"))
    return None


def _every(ends: np.ndarray, step: int, first: int) -> np.ndarray:
    """How many of the numbers first, first + step, … lie in each interval [ends[i], ends[i + 1])."""
    found: np.ndarray = np.diff((ends - first + step - 1) // step)
    return found


def release_of(name: str, frame: pd.DataFrame, owner: bytes | None) -> str:
    """Eight hex digits that name a release: other rows or another owner's key, another name."""
    rows = pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()
    by = b"" if owner is None else fingerprint(owner).encode()
    return hashlib.sha256(name.encode() + by + rows).hexdigest()[:8]


def write(order: WriteOrder, folder: Path, engine: Engine) -> CohortFolder:
    """Writes one cohort, and returns its folder: the same bytes on any engine and with any number of workers.

    The file `PARTIAL` stands in the folder until all partitions are there. Each partition is written under another
    name and then renamed. So an interrupted folder holds whole partitions only, and the same call again writes the
    missing ones.

    Raises
    ------
    OutputError      the folder cannot be written, the disk is full, the folder holds another draw, or the workers
                     see another folder under this path
    """
    missing = _begun(order, folder)
    total, broken = Total(), Counter[str]()
    for tally, breaks in engine.map(
        write_partition, missing, (order, folder), what=f"writing {folder.name}", named=order.file
    ):
        total.add(tally)
        broken.update(breaks)
    if not _whole(order, folder):
        fix = "give a folder that this process and every worker see under one path"
        found = Problem("", "what workers wrote is not in it", fix)
        raise OutputError(f"folder {folder.name!r}", found)
    try:
        (folder / PARTIAL).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    written = CohortFolder.derive(order.maker.domain.schema, folder)
    if len(missing) == order.partitions:
        written.keep(total.tally, order.maker.domain, broken)
    return written


def write_partition(task: tuple[WriteOrder, Path], part: int) -> tuple[Tally, dict[str, int]]:
    """Draws, marks and writes one partition.

    Returns what judging it asks of all rows: its tally, and how many rows break each post-condition. So what was just
    drawn is not read again.
    """
    order, folder = task
    maker, drawn = order.maker, order.drawn(part)
    frame, mark = maker.marked(drawn, order.stream("write mark", part), order.release, order.owner)
    del drawn  # a partition may be large: free it before the marked rows are written
    memory_given_back()
    ids, label = arrow_ids(order.release, order.start(part), len(frame)), order.label(part, mark)
    io.write_drawn(frame, label, ids, folder / order.file(part))
    memory_given_back()
    schema = maker.domain.schema
    held = schema if schema.id in frame.columns else replace(schema, id=None)
    cohort = Cohort.derive(held, frame, label=label, name=order.file(part), fresh=True)
    return Tally.of(cohort), maker.domain.breaks(cohort.arrays)


def _begun(order: WriteOrder, folder: Path) -> list[int]:
    """Makes the folder, declares it partial, and returns the partitions still to be written."""
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


def _require_same(order: WriteOrder, folder: Path) -> None:
    """Raise OutputError if the folder was begun for another order."""
    try:
        facts = json.loads((folder / PARTIAL).read_text(encoding="utf-8"))
    except ValueError:
        facts = None
    names = {order.file(part) for part in range(order.partitions)}
    strange = [file.name for file in parquet_files(folder) if file.name not in names]
    if strange or (facts is not None and facts != dict(order.facts)):
        raise _another(folder)


def _whole(order: WriteOrder, folder: Path) -> bool:
    """Whether the folder holds this draw, complete."""
    names = [order.file(part) for part in range(order.partitions)]
    held = [file.name for file in parquet_files(folder)]
    return held == names and all(_written(order, folder / name, part) for part, name in enumerate(names))


def _written(order: WriteOrder, file: Path, part: int) -> bool:
    """Whether a partition is written: the file has its rows, its release and its cohort's number.

    A partition is renamed when it is complete, so a file of this name is never half written.
    """
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
