"""The files of a Parquet folder: list them, check that they are complete and alike, and read one as rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heorsynth.core.display import agreeing
from heorsynth.core.errors import (
    CohortError,
    DamagedFileError,
    FileError,
    HeorsynthError,
    LabelError,
    Problem,
    nearest,
)
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.declared import as_declared
from heorsynth.data.columns.column_types import stored_columns
from heorsynth.data.columns.role_checks import refuse
from heorsynth.data.columns.schema import Schema
from heorsynth.data.files.io import read_frame
from heorsynth.data.files.limits import Excerpt
from heorsynth.data.labels.label import ID_COLUMN, KEY, PARTITION, Label, has_synthetic_id

PARTIAL = "PARTIAL"
"""A file of this name in a folder means that writing was not finished. It describes what was being written."""

_FEW_FILES = 3
"""A problem shared by more files than this is reported once, with the first file."""

Refusal = tuple[type[HeorsynthError], Problem]


@dataclass(frozen=True)
class Partitions:
    """The partitions of a folder, sorted by name, all with one schema.

    Attributes
    ----------
    folder : Path
    files : tuple of str     file names
    sizes : tuple of int     rows in each file
    n_bytes : tuple of int   bytes of each file, to detect changed files
    nullable : frozenset     integer and boolean columns with a missing value in some partition
    label : Label or None    label of the whole folder, if its partitions have one
    columns : tuple of str   column names, including `synthetic_id` if rows have one
    drop : frozenset         columns that are left out
    named : bool             True if rows have synthetic ids
    """

    folder: Path
    files: tuple[str, ...]
    sizes: tuple[int, ...]
    n_bytes: tuple[int, ...]
    nullable: frozenset[str]
    label: Label | None
    columns: tuple[str, ...]
    drop: frozenset[str] = frozenset()
    named: bool = False

    @property
    def n(self) -> int:
        """Number of rows in all partitions."""
        return sum(self.sizes)

    @classmethod
    def found(cls, path: str | Path, drop: Collection[str] = ()) -> Partitions:
        """Return the partitions of a folder, without the columns in `drop`. Only the files' footers are read.

        Raises
        ------
        FileError             the folder does not exist, has no Parquet file, or was not written completely
        DamagedFileError      a partition cannot be read, is empty, or has other columns than the first; lists all
        LabelError            partitions have different labels, or only some have one
        CohortError           a column in `drop` does not exist
        """
        folder = Path(path).absolute()  # a worker has another working directory
        _require_finished(folder)
        files = parquet_files(folder)
        if not files:
            raise FileError(f"folder {folder.name!r}", _no_files(folder))
        footers, wrong = _footers(files)
        wrong += _drift(footers)
        if wrong:
            problems = grouped_by_file([(file, (DamagedFileError, problem)) for file, problem in wrong])
            raise DamagedFileError(f"folder {folder.name!r}", [problem for _, problem in problems])
        sizes = tuple(footer.num_rows for footer in footers.values())
        label = _label(folder, footers)
        schema = next(iter(footers.values())).schema.to_arrow_schema()
        narrow = [one.name for one in schema if pa.types.is_integer(one.type) or pa.types.is_boolean(one.type)]
        nullable = frozenset(name for name in narrow if any(_misses(footer, name) for footer in footers.values()))
        names = list(stored_columns(schema))
        unknown = [name for name in drop if name not in names]
        if unknown:
            found = [Problem(f"drop {name!r}", "not in the data", nearest(name, names)) for name in unknown]
            raise CohortError(f"folder {folder.name!r}", found)
        kept = tuple(name for name in names if name not in drop)
        n_bytes = tuple(file.stat().st_size for file in files)
        return cls(folder, tuple(footers), sizes, n_bytes, nullable, label, kept, frozenset(drop), _named(footers))

    def read(self, part: int, excerpt: Excerpt | None = None) -> pd.DataFrame:
        """Return the rows of one partition, with column types that fit all partitions and categories as text.

        Raise FileError if the file was changed since the folder was opened.
        """
        self.require_unchanged(part)
        frame = read_frame(self.folder / self.files[part], excerpt=excerpt)
        frame = frame.drop(columns=list(self.drop), errors="ignore") if self.drop else frame
        for name in self.nullable & set(frame.columns):
            frame[name] = frame[name].astype(object if frame[name].dtype in (bool, object) else float)
        for name in frame.columns[[isinstance(kind, pd.CategoricalDtype) for kind in frame.dtypes]]:
            frame[name] = frame[name].astype(frame[name].cat.categories.dtype)
        return frame

    def require_unchanged(self, part: int) -> None:
        """Raise FileError if a partition's file was removed or has another size than when the folder was opened."""
        file = self.folder / self.files[part]
        if not file.is_file() or file.stat().st_size != self.n_bytes[part]:
            raise self.changed(part)

    def changed(self, part: int) -> FileError:
        """Return the error for a partition that was changed or removed."""
        there = (self.folder / self.files[part]).is_file()
        found = f"{'was changed' if there else 'was removed'} since the folder was opened"
        fix = "open the folder again, and leave it as it is until the work on it is done"
        return FileError(f"folder {self.folder.name!r}", Problem(self.files[part], found, fix))

    def cohort(
        self,
        part: int,
        schema: Schema,
        event_map: Mapping[object, object] | None,
        missing: Sequence[str] = (),
        excerpt: Excerpt | None = None,
    ) -> Cohort:
        """Return one partition as a cohort. Raise CohortError, with the file's name, if the roles do not fit."""
        name = self.files[part]
        declared = as_declared(self.read(part, excerpt), schema, event_map, name, missing=missing, part=True)
        refuse(name, declared.problems)
        return Cohort.derive(schema, declared.frame, label=declared.label, name=name, fresh=True)


def _require_finished(folder: Path) -> None:
    """Raise FileError if the folder does not exist or was not written completely."""
    if not folder.is_dir():
        raise FileError(f"folder {folder.name!r}", Problem("", "there is no such folder", "check the path"))
    if (folder / PARTIAL).exists():
        fix = "run the same write again to complete it, or delete the folder"
        raise FileError(f"folder {folder.name!r}", Problem(PARTIAL, "writing this folder was not finished", fix))


def parquet_files(folder: Path) -> list[Path]:
    """Return all visible entries of a folder that end in .parquet, in upper or lower case, sorted by name."""
    return sorted(file for file in folder.iterdir() if _is_parquet(file.name) and not file.name.startswith("."))


def _is_parquet(name: str) -> bool:
    return name.lower().endswith(".parquet")


def _no_files(folder: Path) -> Problem:
    """Return the problem of a folder without Parquet files, and which folders inside it have some."""
    within = [one for one in sorted(folder.iterdir()) if one.is_dir() and _n_within(one)]
    if not within:
        return Problem("", "holds no .parquet file", "give a folder of .parquet files")
    key, equals, _ = within[0].name.partition("=")
    found = f"holds no .parquet file itself; {len(within)} folders inside it do, the first is {key}{equals and '=…'}"
    fix = "put all files into one folder, with different names"
    if equals:
        fix += f"; add {key!r} to the files as a column, because only the folders' names state it"
    return Problem("", found, fix)


def _n_within(folder: Path) -> int:
    """Return the number of Parquet files in a folder, at any depth."""
    return sum(_is_parquet(one.name) and one.is_file() for one in folder.rglob("*"))


def grouped_by_file(refusals: Sequence[tuple[str, Refusal]]) -> list[Refusal]:
    """Return refusals with their files. A refusal shared by more than `_FEW_FILES` files is listed once."""
    alike: dict[Refusal, list[str]] = {}
    for file, refusal in refusals:
        alike.setdefault(refusal, []).append(file)
    grouped = []
    for (kind, problem), files in alike.items():
        named = files if len(files) <= _FEW_FILES else [f"{len(files)} files, the first {files[0]}"]
        grouped += [
            (kind, replace(problem, where=f"{one}, {problem.where}" if problem.where else one)) for one in named
        ]
    return grouped


def _footers(files: Sequence[Path]) -> tuple[dict[str, Any], list[tuple[str, Problem]]]:
    """Return the footer of each file, and the problems of files that cannot be read or have no rows."""
    footers, problems = {}, []
    for file in files:
        if file.is_dir():
            fix = f"move it away, or move its files ({_n_within(file)}) to the others: folders inside are not read"
            problems.append((file.name, Problem("", "is a folder, not a file", fix)))
            continue
        try:
            footer = pq.read_metadata(file)
        except (pa.ArrowInvalid, OSError):
            message = Problem("", "cannot be read: truncated or not Parquet", "copy or write it again")
            problems.append((file.name, message))
            continue
        if not footer.num_rows:
            problems.append((file.name, Problem("", "holds no rows", "delete it, or write it again")))
        footers[file.name] = footer
    return footers, problems


def _drift(footers: Mapping[str, Any]) -> list[tuple[str, Problem]]:
    """Return the columns that differ from those of the first partition, with the file."""
    kinds = {name: stored_columns(footer.schema.to_arrow_schema()) for name, footer in footers.items()}
    problems, fix = [], "write every partition with one schema"
    first, wanted = next(iter(kinds.items()), ("", {}))
    for file, columns in kinds.items():
        for name in wanted.keys() | columns.keys():
            one, other = wanted.get(name), columns.get(name)
            if one == other:
                continue
            if other is None:
                message = f"column {name!r} is absent, which {first} has"
            elif one is None:
                message = f"column {name!r} is not in {first}"
            else:
                message = f"column {name!r} is {other}, and {one} in {first}"
            problems.append((file, Problem("", message, fix)))
    return sorted(problems, key=lambda one: (one[0], one[1].found))


def _misses(footer: Any, name: str) -> bool:
    """Return True if a column has a missing value in a file, or if the file does not say so."""
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


def _named(footers: Mapping[str, Any]) -> bool:
    """Return True if the id column has synthetic ids, judged by the smallest and largest id of each row group."""
    for footer in footers.values():
        for group in range(footer.num_row_groups):
            columns = [footer.row_group(group).column(at) for at in range(footer.num_columns)]
            for column in columns:
                if column.path_in_schema == ID_COLUMN:
                    statistics = column.statistics
                    if statistics is None or not statistics.has_min_max:
                        return True
                    if has_synthetic_id(pd.Index([str(statistics.min), str(statistics.max)])).any():
                        return True
    return False


def _label(folder: Path, footers: Mapping[str, Any]) -> Label | None:
    """Return the label that all partitions share, or None if none has a label."""
    texts = {name: (footer.metadata or {}).get(KEY.encode()) for name, footer in footers.items()}
    labels = {name: Label.of_file(name, text) for name, text in texts.items() if text is not None}
    if not labels:
        return None
    bare = [file for file in footers if file not in labels]
    first = next(iter(labels.values()))
    others = [file for file, label in labels.items() if label.release != first.release]
    mixed = [file for file, label in labels.items() if label.release == first.release and label.part != first.part]
    problems = [Problem(file, "carries no label, but other files do", "keep patients and synthetic rows apart")
                for file in bare]  # fmt: skip
    problems += [Problem(file, "is of another release", "give each release its own folder") for file in others]
    problems += [
        Problem(file, "is of another cohort of this release", "give each cohort its own folder") for file in mixed
    ]
    if problems:
        raise LabelError(f"folder {folder.name!r}", problems)
    _require_whole(folder, labels)
    least = min(labels.values(), key=lambda label: label.agreement)  # claim only the watermark found in every file
    rows = sum(footer.num_rows for footer in footers.values())
    return replace(first, n_rows=rows, watermark=least.watermark, marked=least.marked, agreement=least.agreement)


def _require_whole(folder: Path, labels: Mapping[str, Label]) -> None:
    """Raise LabelError unless every written partition is present exactly once, by the numbers in the labels."""
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
        problems.append(
            Problem(
                "",
                f"{absent} of the {wanted} partitions that were written {agreeing(absent, 'is', 'are')} not here",
                fix,
            )
        )
    if problems:
        raise LabelError(f"folder {folder.name!r}", problems)


def mark_partial(folder: Path, facts: Mapping[str, object]) -> None:
    """Says in the folder that it is being written, and what."""
    (folder / PARTIAL).write_text(json.dumps(facts, sort_keys=True) + "\n", encoding="utf-8")
