"""The files of a Parquet folder: which there are, whether they are whole and alike, and one of them as rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heorsynth.core.errors import (
    CohortError,
    DamagedFileError,
    FileError,
    HeorsynthError,
    LabelError,
    Problem,
    nearest,
)
from heorsynth.data.cohort import Cohort, as_declared
from heorsynth.data.inspection import refuse
from heorsynth.data.io import read_frame
from heorsynth.data.label import ID_COLUMN, KEY, PARTITION, Label
from heorsynth.data.schema import Schema

PARTIAL = "PARTIAL"
"""A file of this name in a folder says that writing it was not finished, and what was being written."""

Refusal = tuple[type[HeorsynthError], Problem]


@dataclass(frozen=True)
class Partitions:
    """The partitions of a folder, in the order of their names, all of one schema.

    Attributes
    ----------
    folder : Path
    files : tuple of str     their names
    sizes : tuple of int     rows in each
    nullable : frozenset     columns of whole numbers or of true and false that miss a value in some partition
    label : Label or None    of the whole folder, where its partitions carry one
    columns : tuple of str   names of the columns, `synthetic_id` among them where rows have one
    drop : frozenset         columns that are there and left out
    """

    folder: Path
    files: tuple[str, ...]
    sizes: tuple[int, ...]
    nullable: frozenset[str]
    label: Label | None
    columns: tuple[str, ...]
    drop: frozenset[str] = frozenset()

    @property
    def named(self) -> bool:
        """Whether rows have synthetic ids."""
        return ID_COLUMN in self.columns

    @property
    def n(self) -> int:
        """Rows in all partitions."""
        return sum(self.sizes)

    @classmethod
    def found(cls, path: str | Path, drop: Collection[str] = ()) -> Partitions:
        """The partitions of a folder without some columns, from their footers alone; no row is read.

        Raises
        ------
        FileError             no folder, no Parquet file in it, or writing it was not finished
        DamagedFileError      a partition that cannot be read or is empty, or whose columns are not those of the first:
                              all of them told together
        LabelError            partitions with different labels, or with one beside others without
        CohortError           a column to leave out that is not there
        """
        folder = Path(path).absolute()  # a worker starts elsewhere
        require_finished(folder)
        files = sorted(file for file in folder.glob("*.parquet") if not file.name.startswith("."))
        if not files:
            fix = "give a folder of .parquet files"
            raise FileError(f"folder {folder.name!r}", Problem("", "holds no .parquet file", fix))
        footers, problems = _footers(files)
        problems += _drift(footers)
        if problems:
            raise DamagedFileError(f"folder {folder.name!r}", problems)
        sizes = tuple(footer.num_rows for footer in footers.values())
        label = _label(folder, footers)
        schema = next(iter(footers.values())).schema.to_arrow_schema()
        narrow = [one.name for one in schema if pa.types.is_integer(one.type) or pa.types.is_boolean(one.type)]
        nullable = frozenset(name for name in narrow if any(_misses(footer, name) for footer in footers.values()))
        unknown = [name for name in drop if name not in schema.names]
        if unknown:
            found = [Problem(f"drop {name!r}", "not in the data", nearest(name, schema.names)) for name in unknown]
            raise CohortError(f"folder {folder.name!r}", found)
        kept = tuple(name for name in schema.names if name not in drop)
        return cls(folder, tuple(footers), sizes, nullable, label, kept, frozenset(drop))

    def read(self, part: int) -> pd.DataFrame:
        """The rows of one partition, its columns of the type that they have in all; categories as text."""
        frame = read_frame(self.folder / self.files[part]).drop(columns=list(self.drop))
        for name in self.nullable & set(frame.columns):
            frame[name] = frame[name].astype(object if frame[name].dtype in (bool, object) else float)
        for name in frame.columns[[isinstance(kind, pd.CategoricalDtype) for kind in frame.dtypes]]:
            frame[name] = frame[name].astype(frame[name].cat.categories.dtype)
        return frame

    def cohort(self, part: int, schema: Schema, event_map: Mapping[object, object] | None) -> Cohort:
        """One partition as a cohort; CohortError, naming the file, where roles do not fit its columns."""
        frame, label, found = as_declared(self.read(part), schema, event_map, self.files[part], part=True)
        refuse(self.files[part], found)
        return Cohort.derive(schema, frame, label=label, name=self.files[part])


def require_finished(folder: Path) -> None:
    """Nothing, if there is such a folder and writing it was finished; FileError otherwise."""
    if not folder.is_dir():
        raise FileError(f"folder {folder.name!r}", Problem("", "there is no such folder", "check the path"))
    if (folder / PARTIAL).exists():
        fix = "run the same write again, which goes on with what is missing; or delete the folder"
        raise FileError(f"folder {folder.name!r}", Problem(PARTIAL, "writing this folder was not finished", fix))


def _footers(files: Sequence[Path]) -> tuple[dict[str, Any], list[Problem]]:
    """What each file says of itself at its end, and those that say nothing or hold nothing."""
    footers, problems = {}, []
    for file in files:
        try:
            footer = pq.read_metadata(file)
        except (pa.ArrowInvalid, OSError):
            problems.append(Problem(file.name, "cannot be read: truncated or not Parquet", "copy or write it again"))
            continue
        if not footer.num_rows:
            problems.append(Problem(file.name, "holds no rows", "delete it, or write it again"))
        footers[file.name] = footer
    return footers, problems


def _drift(footers: Mapping[str, Any]) -> list[Problem]:
    """Columns that are not what they are in the first partition."""
    kinds = {name: {one.name: one.type for one in footer.schema.to_arrow_schema()} for name, footer in footers.items()}
    problems, fix = [], "write every partition with one schema"
    first, wanted = next(iter(kinds.items()), ("", {}))
    for file, held in kinds.items():
        for name in wanted.keys() | held.keys():
            one, other = wanted.get(name), held.get(name)
            if one == other:
                continue
            if other is None:
                told = f"column {name!r} is absent, which {first} has"
            elif one is None:
                told = f"column {name!r} is not in {first}"
            else:
                told = f"column {name!r} is {other}, and {one} in {first}"
            problems.append(Problem(file, told, fix))
    return sorted(problems, key=lambda problem: (problem.where, problem.found))


def _misses(footer: Any, name: str) -> bool:
    """Whether a column misses a value in a file, or does not say."""
    for group in range(footer.num_row_groups):
        row_group = footer.row_group(group)
        for at in range(row_group.num_columns):
            column = row_group.column(at)
            if column.path_in_schema != name:
                continue
            statistics = column.statistics
            if statistics is None or not statistics.has_null_count or statistics.null_count:
                return True
    return False


def _label(folder: Path, footers: Mapping[str, Any]) -> Label | None:
    """The label that all partitions share but for their rows; None where none carries one."""
    held = {name: (footer.metadata or {}).get(KEY.encode()) for name, footer in footers.items()}
    labels = {name: Label.of_file(name, text) for name, text in held.items() if text is not None}
    if not labels:
        return None
    bare = [file for file in footers if file not in labels]
    first = next(iter(labels.values()))
    others = [file for file, label in labels.items() if label.release != first.release]
    mixed = [file for file, label in labels.items() if label.release == first.release and label.part != first.part]
    problems = [Problem(file, "carries no label, and others do", "keep patients and synthetic rows apart")
                for file in bare]  # fmt: skip
    problems += [Problem(file, "is of another release", "one folder a release") for file in others]
    problems += [Problem(file, "is of another cohort of this release", "one folder a cohort") for file in mixed]
    if problems:
        raise LabelError(f"folder {folder.name!r}", problems)
    _require_whole(folder, labels)
    return first.for_rows(sum(footer.num_rows for footer in footers.values()))


def _require_whole(folder: Path, labels: Mapping[str, Label]) -> None:
    """Nothing, if every partition that was written is there once, as their labels number them; LabelError otherwise."""
    numbered = {file: label.settings.get(PARTITION) for file, label in labels.items()}
    if not any(numbered.values()):
        return
    wanted = next(iter(labels.values())).settings.get("partitions")
    first: dict[object, str] = {}
    problems = [
        Problem(file, f"holds the rows of {first[number]} again", "delete one of them")
        for file, number in numbered.items()
        if first.setdefault(number, file) != file
    ]
    absent = len(set(range(1, wanted + 1)) - set(first)) if isinstance(wanted, int) else 0
    if absent:
        fix = "write it again, which goes on with what is missing; or copy all of it"
        problems.append(Problem("", f"{absent} of the {wanted} partitions that were written are not here", fix))
    if problems:
        raise LabelError(f"folder {folder.name!r}", problems)


def mark_partial(folder: Path, facts: Mapping[str, object]) -> None:
    """Says in the folder that it is being written, and what."""
    (folder / PARTIAL).write_text(json.dumps(facts, sort_keys=True) + "\n", encoding="utf-8")
