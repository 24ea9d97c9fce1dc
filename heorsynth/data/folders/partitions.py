"""The files of a Parquet folder: which there are, whether they are whole and alike, and one of them as rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
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
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.declared import as_declared
from heorsynth.data.columns.column_types import stored_columns
from heorsynth.data.columns.role_checks import refuse
from heorsynth.data.columns.schema import Schema
from heorsynth.data.files.io import read_frame
from heorsynth.data.labels.label import ID_COLUMN, KEY, PARTITION, Label, has_synthetic_id

PARTIAL = "PARTIAL"
"""A file of this name in a folder says that writing it was not finished, and what was being written."""

FEW_FILES = 3
"""What is wrong alike with more files than this is told once, with the first of them."""

Refusal = tuple[type[HeorsynthError], Problem]


@dataclass(frozen=True)
class Partitions:
    """The partitions of a folder, in the order of their names, all of one schema.

    Attributes
    ----------
    folder : Path
    files : tuple of str     their names
    sizes : tuple of int     rows in each
    n_bytes : tuple of int   bytes of each, by which it is seen that a file is another than it was
    nullable : frozenset     columns of whole numbers or of true and false that miss a value in some partition
    label : Label or None    of the whole folder, where its partitions carry one
    columns : tuple of str   names of the columns, `synthetic_id` among them where rows have one
    drop : frozenset         columns that are there and left out
    named : bool             whether rows have synthetic ids
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
        files = parquet_files(folder)
        if not files:
            raise FileError(f"folder {folder.name!r}", _no_files(folder))
        footers, wrong = _footers(files)
        wrong += _drift(footers)
        if wrong:
            told = told_by_file([(file, (DamagedFileError, problem)) for file, problem in wrong])
            raise DamagedFileError(f"folder {folder.name!r}", [problem for _, problem in told])
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

    def read(self, part: int) -> pd.DataFrame:
        """The rows of one partition, its columns of the type that they have in all; categories as text.

        FileError where the file is not the one it was when the folder was opened.
        """
        file = self.folder / self.files[part]
        if not file.is_file() or file.stat().st_size != self.n_bytes[part]:
            raise self.changed(part)
        frame = read_frame(file).drop(columns=list(self.drop), errors="ignore")
        for name in self.nullable & set(frame.columns):
            frame[name] = frame[name].astype(object if frame[name].dtype in (bool, object) else float)
        for name in frame.columns[[isinstance(kind, pd.CategoricalDtype) for kind in frame.dtypes]]:
            frame[name] = frame[name].astype(frame[name].cat.categories.dtype)
        return frame

    def changed(self, part: int) -> FileError:
        """What is said of a partition that is not what it was."""
        there = (self.folder / self.files[part]).is_file()
        found = f"{'was changed' if there else 'was taken away'} since the folder was opened"
        fix = "open the folder again, and leave it as it is until the work on it is done"
        return FileError(f"folder {self.folder.name!r}", Problem(self.files[part], found, fix))

    def cohort(
        self, part: int, schema: Schema, event_map: Mapping[object, object] | None, missing: Sequence[str] = ()
    ) -> Cohort:
        """One partition as a cohort; CohortError, naming the file, where roles do not fit its columns."""
        name = self.files[part]
        declared = as_declared(self.read(part), schema, event_map, name, missing=missing, part=True)
        refuse(name, declared.found)
        return Cohort.derive(schema, declared.frame, label=declared.label, name=name)


def require_finished(folder: Path) -> None:
    """Nothing, if there is such a folder and writing it was finished; FileError otherwise."""
    if not folder.is_dir():
        raise FileError(f"folder {folder.name!r}", Problem("", "there is no such folder", "check the path"))
    if (folder / PARTIAL).exists():
        fix = "run the same write again, which goes on with what is missing; or delete the folder"
        raise FileError(f"folder {folder.name!r}", Problem(PARTIAL, "writing this folder was not finished", fix))


def parquet_files(folder: Path) -> list[Path]:
    """What has the ending .parquet, in any case, in a folder itself and is not hidden, sorted by name."""
    return sorted(file for file in folder.iterdir() if _is_parquet(file.name) and not file.name.startswith("."))


def _is_parquet(name: str) -> bool:
    return name.lower().endswith(".parquet")


def _no_files(folder: Path) -> Problem:
    """What is said of a folder without a file: which folders in it hold some, without the value a name may carry."""
    within = [one for one in sorted(folder.iterdir()) if one.is_dir() and _n_within(one)]
    if not within:
        return Problem("", "holds no .parquet file", "give a folder of .parquet files")
    key, equals, _ = within[0].name.partition("=")
    found = f"holds no .parquet file itself; {len(within)} of the folders in it do, the first {key}{equals and '=…'}"
    fix = "put the files into one folder, each under a name of its own"
    if equals:
        fix += f"; {key!r}, which only the folders' names tell, must be a column of the files"
    return Problem("", found, fix)


def _n_within(folder: Path) -> int:
    """How many Parquet files are in a folder, at any depth."""
    return sum(_is_parquet(one.name) and one.is_file() for one in folder.rglob("*"))


def told_by_file(refusals: Sequence[tuple[str, Refusal]]) -> list[Refusal]:
    """Refusals with the files they are of; what is wrong alike with more than `FEW_FILES` is told once."""
    alike: dict[Refusal, list[str]] = {}
    for file, refusal in refusals:
        alike.setdefault(refusal, []).append(file)
    told = []
    for (kind, problem), files in alike.items():
        named = files if len(files) <= FEW_FILES else [f"{len(files)} files, the first {files[0]}"]
        told += [(kind, replace(problem, where=f"{one}, {problem.where}" if problem.where else one)) for one in named]
    return told


def _footers(files: Sequence[Path]) -> tuple[dict[str, Any], list[tuple[str, Problem]]]:
    """What each file says of itself at its end, and those that say nothing or hold nothing."""
    footers, problems = {}, []
    for file in files:
        if file.is_dir():
            fix = f"move it away, or put its files ({_n_within(file)}) beside the others: no folder within is looked at"
            problems.append((file.name, Problem("", "is a folder, not a file", fix)))
            continue
        try:
            footer = pq.read_metadata(file)
        except (pa.ArrowInvalid, OSError):
            told = Problem("", "cannot be read: truncated or not Parquet", "copy or write it again")
            problems.append((file.name, told))
            continue
        if not footer.num_rows:
            problems.append((file.name, Problem("", "holds no rows", "delete it, or write it again")))
        footers[file.name] = footer
    return footers, problems


def _drift(footers: Mapping[str, Any]) -> list[tuple[str, Problem]]:
    """Columns that are not what they are in the first partition, with the file."""
    kinds = {name: stored_columns(footer.schema.to_arrow_schema()) for name, footer in footers.items()}
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
            problems.append((file, Problem("", told, fix)))
    return sorted(problems, key=lambda one: (one[0], one[1].found))


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


def _named(footers: Mapping[str, Any]) -> bool:
    """Whether a column of ids holds those of synthetic rows, by the first and last of each stretch of rows."""
    for footer in footers.values():
        for group in range(footer.num_row_groups):
            columns = [footer.row_group(group).column(at) for at in range(footer.num_columns)]
            for column in columns:
                if column.path_in_schema == ID_COLUMN:
                    held = column.statistics
                    if held is None or not held.has_min_max:
                        return True
                    if has_synthetic_id(pd.Index([str(held.min), str(held.max)])).any():
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
    least = min(labels.values(), key=lambda label: label.agreement)  # of the mark no more than is found in each file
    rows = sum(footer.num_rows for footer in footers.values())
    return replace(first, n_rows=rows, watermark=least.watermark, marked=least.marked, agreement=least.agreement)


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
