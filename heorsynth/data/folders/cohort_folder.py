"""A Parquet folder as a cohort too big for memory: one partition at a time, and never all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.core.display import Card, facts_card
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.domain import Domain
from heorsynth.data.columns.role_checks import impossible_roles, missing_columns, refuse
from heorsynth.data.columns.schema import Schema, as_marks, schema_of
from heorsynth.data.folders.partitions import Partitions
from heorsynth.data.folders.tally import Cell, Tally
from heorsynth.data.folders.validation import Door, joined_cells, joined_domain, require_passed, seen
from heorsynth.data.labels.label import Label
from heorsynth.engine.engine import Engine, EngineSpec, open_engine


@dataclass(frozen=True, repr=False)
class Facts:
    """What partitions hold: the patients of each cell, partition by partition and in all, and what values there are."""

    by_part: tuple[Mapping[Cell, int], ...]
    cells: Mapping[Cell, int]
    domain: Domain


class CohortFolder:
    """The patients, or the synthetic rows, in the Parquet files of a folder. It never changes.

    Parameters
    ----------
    path : path               folder of .parquet files, one a partition, all of one schema; no folder within it is
                              looked at
    endpoints, arm, …         the roles, as `Cohort` takes them
    event_map : dict          as `Cohort` takes it
    drop : list of str        columns that are left out
    name : str, optional      how messages call it; the folder's name by default
    engine, workers           where partitions are looked over; see `core.engine.open_engine`

    Raises
    ------
    FileError            no such folder, no partition, or a folder whose writing was not finished
    DamagedFileError     partitions that cannot be read, are empty, or have other columns than the first
    CohortError          what `Cohort` refuses, in any partition or in all of them together; every problem at once,
                         with the partition's file, and never a value

    Notes
    -----
    Every partition is read once at the door, for what `Cohort` asks of rows; memory is that of the partitions in
    work at the same time. What only the whole can tell, such as an arm that is nowhere or an id that comes twice, is
    asked of what the partitions showed.

    Examples
    --------
    ``CohortFolder("claims/", endpoints={"os": ("time", "event")}, arm="arm", costs="cost")``
    """

    _facts: Facts | None
    _tally: Tally | None

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
        self._name = name or Path(path).name
        self._door = Door(Partitions.found(path, drop), schema, event_map, as_marks(missing))
        self._facts, self._tally = None, None
        names = pd.DataFrame(columns=list(self._door.partitions.columns))
        refuse(self._name, missing_columns(names, replace(schema, bands={})) + impossible_roles(schema))
        if not self.synthetic:
            with open_engine(engine, workers) as opened:
                self._facts = self._looked_over(opened)

    def __getstate__(self) -> dict[str, Any]:
        """What a worker is sent: all but the counts, which none needs."""
        return vars(self) | {"_tally": None}

    @classmethod
    def derive(cls, schema: Schema, path: str | Path) -> CohortFolder:
        """A folder of synthetic rows that follow a schema, as `Sampler.write` leaves it; nothing is asked of them.

        The patients' id is no role of theirs, as no generator is given it.
        """
        folder, partitions = cls.__new__(cls), Partitions.found(path)
        folder._name, folder._facts, folder._tally = Path(path).name, None, None
        held = schema if schema.id in partitions.columns else replace(schema, id=None)
        folder._door = Door(partitions, held, None)
        return folder

    def _looked_over(self, engine: Engine) -> Facts:
        """What the partitions hold together; CohortError where that is no cohort."""
        work = engine.map(
            seen, range(len(self.files)), self._door, what=f"looking over {self.name}", named=self.file_name
        )
        parts = list(work)
        require_passed(self.name, self.files, parts, self.schema, synthetic=self.synthetic)
        return Facts(tuple(part.cells for part in parts), joined_cells(parts), joined_domain(parts, self.schema))

    @property
    def facts(self) -> Facts:
        """What the partitions hold together: known from the door for patients, looked for when asked for rows."""
        if self._facts is None:
            with open_engine() as opened:
                self._facts = self._looked_over(opened)
        return self._facts

    @property
    def name(self) -> str:
        return self._name

    @property
    def schema(self) -> Schema:
        """The declared roles."""
        return self._door.schema

    @property
    def path(self) -> Path:
        return self._door.partitions.folder

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the partitions, in order."""
        return self._door.partitions.files

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows in each partition."""
        return self._door.partitions.sizes

    @property
    def n(self) -> int:
        """Number of patients, or of synthetic rows."""
        return self._door.partitions.n

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, and of the bands that are made from them."""
        return tuple(dict.fromkeys((*self._door.partitions.columns, *self.schema.bands)))

    @property
    def label(self) -> Label | None:
        """Where synthetic rows came from, as every partition says; None for patients."""
        return self._door.partitions.label

    @property
    def synthetic(self) -> bool:
        """True where the rows carry a label or synthetic ids."""
        return self.label is not None or self._door.partitions.named

    @property
    def cells(self) -> Mapping[Cell, int]:
        """Combinations of arm and subgroup levels to patients, of all rows."""
        return self.facts.cells

    @property
    def domain(self) -> Domain:
        """What values the columns hold, of all rows."""
        return self.facts.domain

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Cohort]:
        """The partitions, one after the other, each as a cohort."""
        return (self.part(part) for part in range(len(self.files)))

    def part(self, part: int) -> Cohort:
        """One partition as a cohort."""
        return self._door.cohort(part)

    def require_cells(self, part: int, cells: Mapping[Cell, int]) -> None:
        """Nothing, if a partition has these patients in its cells; FileError, since it was changed, otherwise."""
        if dict(cells) != dict(self.facts.by_part[part]):
            raise self._door.partitions.changed(part)

    def tally(self, engine: EngineSpec = "local", workers: int | None = None) -> Tally:
        """The counts and moments of all rows, added up partition by partition in their order."""
        with open_engine(engine, workers) as running:
            return self.tallied(running)

    def tallied(self, engine: Engine) -> Tally:
        """The same, on an engine that is open; counted once."""
        if self._tally is not None:
            return self._tally
        total: Tally | None = None
        for part in engine.map(
            tally_of_part, range(len(self.files)), self, what=f"counting {self.name}", named=self.file_name
        ):
            total = part if total is None else total + part
        assert total is not None, "a folder has a partition"
        self._tally = total
        return total

    def file_name(self, part: int) -> str:
        """The name of a partition's file: how messages call the work on it."""
        return self.files[part]

    def card(self) -> Card:
        """What the folder holds, in counts."""
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


def tally_of_part(folder: CohortFolder, part: int) -> Tally:
    """The tally of one partition."""
    return Tally.of(folder.part(part))
