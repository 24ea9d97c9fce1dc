"""`CohortFolder`: a cohort larger than memory, as a folder of Parquet files that are read one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import Problem, RoleError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.columns.role_checks import conflicting_roles, missing_columns, refuse
from heorsynth.data.columns.schema import Schema, as_marks, schema_of
from heorsynth.data.folders.partitions import Partitions
from heorsynth.data.folders.tally import Cell, Tally
from heorsynth.data.folders.total import Total
from heorsynth.data.folders.validation import (
    PartitionReader,
    joined_cells,
    joined_domain,
    partition_facts,
    require_passed,
)
from heorsynth.data.labels.label import Label
from heorsynth.engine.engine import Engine, EngineSpec, open_engine


@dataclass(frozen=True, repr=False)
class _Facts:
    """Summary of all partitions: patients per cell, by partition and in total, and the values of each column."""

    by_part: tuple[Mapping[Cell, int], ...]
    cells: Mapping[Cell, int]
    domain: Domain


class CohortFolder:
    """The patients, or the synthetic rows, in a folder of Parquet files. It never changes.

    Parameters
    ----------
    path : path               folder of .parquet files, one per partition, all with the same schema; folders inside
                              it are ignored
    endpoints, arm, …         the roles, as in `heorsynth.Cohort`
    event_map : dict          as in `heorsynth.Cohort`
    drop : list of str        columns to leave out
    name : str, optional      the cohort's name in messages; by default the folder's name
    engine, workers           where partitions are checked; see `heorsynth.open_engine`

    Raises
    ------
    FileError            the folder does not exist, has no partition, or was not written completely
    DamagedFileError     a partition cannot be read, is empty, or has other columns than the first
    CohortError          a partition, or all of them together, would be refused by `heorsynth.Cohort`; lists every
                         problem with its file and without any value

    See Also
    --------
    heorsynth.Cohort : The same roles for rows in memory.
    heorsynth.open_engine : Open an engine that checks partitions in parallel.

    Notes
    -----
    Every partition is read once when the folder is opened, to check its rows as `Cohort` does and to count them. Memory
    holds only the partitions being read. Conditions on all rows, such as a missing arm or a duplicate id, are checked
    on summaries of the partitions.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> frame = pd.DataFrame({"time": [5, 8, 12, 20], "event": [1, 0, 1, 0]})
    >>> with TemporaryDirectory() as path:
    ...     frame.head(2).to_parquet(f"{path}/first.parquet")
    ...     frame.tail(2).to_parquet(f"{path}/second.parquet")
    ...     folder = CohortFolder(path, endpoints={"os": ("time", "event")}, unit="month")
    ...     folder.n, folder.sizes
    (4, (2, 2))
    """

    _facts: _Facts | None
    _tally: Tally | None
    _broken: tuple[Domain, Counter[str]] | None

    def __init__(
        self,
        path: str | Path,
        *,
        event_map: Mapping[object, object] | None = None,
        drop: Sequence[str] = (),
        missing: object = (),
        name: str | None = None,
        engine: EngineSpec = "local",
        workers: int | None = None,
        **roles: Any,
    ) -> None:
        schema = schema_of(**roles)
        if schema.cluster is not None:
            message, fix = "a folder has no clusters", "read the patients as one file, or leave cluster out"
            raise RoleError(f"cohort folder {Path(path).name!r}", Problem("cluster", message, fix))
        self._name = name or Path(path).name
        self._reader = PartitionReader(Partitions.found(path, drop), schema, event_map, as_marks(missing))
        self._facts, self._tally, self._broken = None, None, None
        names = pd.DataFrame(columns=list(self._reader.partitions.columns))
        refuse(self._name, missing_columns(names, replace(schema, bands={})) + conflicting_roles(schema))
        if not self.synthetic:
            with open_engine(engine, workers) as opened:
                self._facts = self._looked_over(opened)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state sent to a worker: everything except the counts, which workers do not need."""
        return vars(self) | {"_tally": None}

    @classmethod
    def derive(cls, schema: Schema, path: str | Path) -> CohortFolder:
        """Return a folder of synthetic rows written by `Sampler.write`, without checks.

        The schema's id column is dropped if the rows lack it, as generators never receive it.
        """
        folder, partitions = cls.__new__(cls), Partitions.found(path)
        folder._name, folder._facts, folder._tally, folder._broken = Path(path).name, None, None, None
        held = schema if schema.id in partitions.columns else replace(schema, id=None)
        folder._reader = PartitionReader(partitions, held, None)
        return folder

    def _looked_over(self, engine: Engine) -> _Facts:
        """Return the summary of all partitions. Raise CohortError if they are not a cohort."""
        work = engine.map(
            partition_facts,
            range(len(self.files)),
            self._reader,
            what=f"looking over {self.name}",
            named=self.file_name,
        )
        parts, total = list[Any](), Total()
        for facts, tally in work:
            parts.append(facts)
            if tally is not None:
                total.add(tally)
        require_passed(self.name, self.files, parts, self.schema, synthetic=self.synthetic)
        self.keep(total.tally)
        return _Facts(tuple(part.cells for part in parts), joined_cells(parts), joined_domain(parts, self.schema))

    @property
    def facts(self) -> _Facts:
        """The summary of all partitions. For synthetic rows it is computed at the first request."""
        if self._facts is None:
            with open_engine() as opened:
                self._facts = self._looked_over(opened)
        return self._facts

    @property
    def name(self) -> str:
        """The cohort's name in messages."""
        return self._name

    @property
    def schema(self) -> Schema:
        """The declared roles."""
        return self._reader.schema

    @property
    def path(self) -> Path:
        """The folder."""
        return self._reader.partitions.folder

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the partitions, in order."""
        return self._reader.partitions.files

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows in each partition."""
        return self._reader.partitions.sizes

    @property
    def n(self) -> int:
        """Number of patients, or of synthetic rows."""
        return self._reader.partitions.n

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, including bands."""
        return tuple(dict.fromkeys((*self._reader.partitions.columns, *self.schema.bands)))

    @property
    def label(self) -> Label | None:
        """The common label of the partitions of synthetic rows; None for patients."""
        return self._reader.partitions.label

    @property
    def synthetic(self) -> bool:
        """True if the rows have a label or synthetic ids."""
        return self.label is not None or self._reader.partitions.named

    @property
    def cells(self) -> Mapping[Cell, int]:
        """Number of patients for each combination of arm and subgroup levels."""
        return self.facts.cells

    @property
    def domain(self) -> Domain:
        """The values that each column may have, over all rows."""
        return self.facts.domain

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Cohort]:
        """Iterate over the partitions, each as a cohort."""
        return (self.part(part) for part in range(len(self.files)))

    def part(self, part: int) -> Cohort:
        """Return one partition as a cohort."""
        return self._reader.cohort(part)

    def part_rows(self, part: int, rows: np.ndarray) -> Cohort:
        """Return some rows of one partition, ascending: as `part(part).take(rows)`, but no others become a frame."""
        return self._reader.rows(part, rows)

    def part_strata(self, part: int) -> Cohort:
        """Return the arm and the subgroups of one partition; no other column is read."""
        return self._reader.strata(part)

    def require_cells(self, part: int, cells: Mapping[Cell, int]) -> None:
        """Raise FileError if a partition no longer has these patients in its cells, because it was changed."""
        if dict(cells) != dict(self.facts.by_part[part]):
            raise self._reader.partitions.changed(part)

    def tally(self, engine: EngineSpec = "local", workers: int | None = None) -> Tally:
        """Return the counts and moments of all rows, added up in the order of the partitions."""
        with open_engine(engine, workers) as running:
            return self.tallied(running)

    def tallied(self, engine: Engine) -> Tally:
        """Return the same as `tally`, on an engine that is open. What was counted already is not counted again.

        Raise FileError if a file was changed since it was counted.
        """
        if self._tally is not None:
            for part in range(len(self.files)):
                self._reader.partitions.require_unchanged(part)
            return self._tally
        total = Total()
        for part in engine.map(
            _tally_of_part, range(len(self.files)), self, what=f"counting {self.name}", named=self.file_name
        ):
            total.add(part)
        self._tally = total.tally
        return self._tally

    def keep(self, tally: Tally, domain: Domain | None = None, broken: Counter[str] | None = None) -> None:
        """Keep what was counted of all rows beside something else: their tally, and how many break a domain's rules."""
        self._tally = tally
        if domain is not None and broken is not None:
            self._broken = domain, broken

    def broken(self, domain: Domain) -> Counter[str] | None:
        """Return how many rows break each post-condition of a domain, if that was counted; None if it was not."""
        return None if self._broken is None or self._broken[0] != domain else self._broken[1]

    @property
    def is_counted(self) -> bool:
        """True if the tally of all rows is known."""
        return self._tally is not None

    def file_name(self, part: int) -> str:
        """Return the name of a partition's file, for messages."""
        return self.files[part]

    def card(self) -> Card:
        """Return a summary of the folder in counts."""
        kind = "synthetic" if self.synthetic else "real"
        schema = self.schema
        rows = [
            ("synthetic rows" if self.synthetic else "patients", f"{self.n:,}"),
            ("partitions", f"{len(self.files):,}, of {min(self.sizes):,} to {max(self.sizes):,} rows"),
            ("endpoints", ", ".join(schema.endpoints) or "none"),
            ("arm and subgroups", ", ".join(schema.strata) or "none"),
        ]
        if self.label is not None:
            rows.append(("label", f"{self.label.generator}, made from {self.label.n_source:,} patients"))
        return facts_card(f"Cohort folder {self.name!r} ({kind})", rows)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def _tally_of_part(folder: CohortFolder, part: int) -> Tally:
    """Return the tally of one partition."""
    return Tally.of(folder.part(part))
