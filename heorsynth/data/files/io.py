"""Reads files of patients, and writes cohorts: a synthetic one never without its label."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api import types

from heorsynth.core.errors import FileError, LabelError, OutputError, Problem
from heorsynth.core.reading import json_of
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.reading_notes import NOTES, notes_of
from heorsynth.data.files import limits
from heorsynth.data.files.arrow_files import HELD_LABEL, read_feather, read_parquet
from heorsynth.data.files.augmented import FLAG, counts_of, flagged, label_of_mixture
from heorsynth.data.files.csv_dialect import read_delimited, scan_delimited
from heorsynth.data.files.sheets import read_sheet
from heorsynth.data.files.statistical import SAS_LABEL, read_statistical
from heorsynth.data.labels.claims import require_borne_out
from heorsynth.data.labels.label import ID_COLUMN, KEY, Label, has_synthetic_id, names_synthetic_rows

SIDECAR = ".label.json"
"""Added to a CSV's or SAS file's name: the label, and the hash of the file it belongs to."""

SIDECAR_BYTES = 1_000_000
"""A label is a page of JSON; a larger sidecar is none."""

SAS_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
SAS_MOMENT = re.compile(rb"\d{2}[A-Z]{3}\d{2}:\d{2}:\d{2}:\d{2}")


def read_frame(path: str | Path, *, scan: bool = False) -> pd.DataFrame:
    """The rows of a file that has one of the endings in `READERS`; synthetic ids are the index.

    In `attrs` are the label, if there is one, and what was decided to read the file (`notes_of`). Text may have commas,
    semicolons, tabs or bars between columns, and decimal points or commas: see `layout_of`.

    Parameters
    ----------
    scan : bool      to look the rows over only: a CSV is then read several times as fast, its columns of mixed or late
                     kinds maybe as text

    Raises
    ------
    FileError            it cannot be read, has another ending, or its first line is a row of values
    EncodingError        a CSV that is not UTF-8; the message names the line
    DamagedFileError     truncated or corrupt
    LabelError           the sidecar belongs to another file
    """
    file = Path(path)
    if file.is_dir():
        fix = "give one of its files; as a whole, a folder of Parquet files is a hs.CohortFolder"
        raise FileError(f"folder {file.name!r}", Problem("", "is a folder, where one file is read", fix))
    reader = _reader(file)
    if not file.is_file():
        raise FileError(f"file {file.name!r}", Problem("", "cannot be read: there is no such file", "check the path"))
    try:
        limits.require_size(file)
        frame = scan_delimited(file) if scan and reader is read_delimited else reader(file)
        label = _label_in(frame, file) or _sidecar_label(file)
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise FileError(f"file {file.name!r}", Problem("", found, "check its rights and the disk")) from error
    limits.require_cells(file, frame)
    notes = frame.attrs.get(NOTES, ())
    frame.attrs = {NOTES: notes} if notes else {}
    if names_synthetic_rows(frame):
        frame = frame.set_index(ID_COLUMN)
    if counts_of(label):
        frame = frame.drop(columns=FLAG, errors="ignore")
    if label is not None:
        frame.attrs[KEY] = label.for_rows(len(frame)).to_dict()
    return frame


def _reader(file: Path) -> Callable[[Path], pd.DataFrame]:
    """How this file is read, by its ending; FileError, with how to convert it, where it is not."""
    name = file.name.lower()
    ending = next((one for one in sorted(READERS, key=len, reverse=True) if name.endswith(one)), None)
    if ending is not None:
        return READERS[ending]
    fix = CONVERTED.get(file.suffix.lower())
    known = "use one of: " + ", ".join(READERS)
    told = f"ending {file.suffix!r} is not known" if fix is None else f"{file.suffix} files are not read"
    told += ", because opening one runs code" if file.suffix.lower() in (".pkl", ".pickle") else ""
    raise FileError(f"file {file.name!r}", Problem("", told, known if fix is None else fix))


def _label_in(frame: pd.DataFrame, file: Path) -> Label | None:
    """The label that the file itself holds, as a Parquet or Feather file may."""
    held = frame.attrs.get(HELD_LABEL)
    return None if held is None else Label.of_file(file.name, held)


def read(path: str | Path, **roles: Any) -> pd.DataFrame | Cohort:
    """The rows of a file; with roles (`endpoints=…`, as `Cohort` takes them) the cohort they make.

    Warns of what was decided to read it: lines above the header, value labels, the sheet of a workbook.
    """
    frame = read_frame(path)
    for note in notes_of(frame):
        warnings.warn(f"file {Path(path).name!r}: {note}", UserWarning, stacklevel=2)
    return Cohort(frame, name=Path(path).stem, **roles) if roles else frame


def label_of(frame: pd.DataFrame) -> Label | None:
    """The label a frame carries in its `attrs`, if any."""
    facts = frame.attrs.get(KEY)
    return Label.from_dict(facts) if isinstance(facts, Mapping) else None


def write(cohort: Cohort, path: str | Path) -> Path:
    """Writes a cohort as .csv, .parquet or .xpt, whole or not at all, and returns the path.

    A synthetic cohort has its label written with it: in the metadata of a Parquet file, in a sidecar beside a
    CSV or SAS file; each row keeps its `synthetic_id`. Synthetic rows beside patients are written with a label that
    says so and a column, `synthetic_row`, that tells which are which.

    Raises
    ------
    LabelError      synthetic rows without a label, or rows that are not those their label speaks of
    FileError       another ending, or columns that this kind of file cannot hold
    OutputError     the file cannot be written
    """
    file = Path(path)
    writer = WRITERS.get(file.suffix.lower())
    if writer is None:
        raise FileError(
            f"file {file.name!r}",
            Problem("", f"ending {file.suffix!r} cannot be written", "use one of: " + ", ".join(WRITERS)),
        )
    frame, label = _labelled(cohort, file)
    frame.attrs = {}
    raw = writer(frame, label)
    contents, beside = {file: raw}, _sidecar(file)
    if label is not None and file.suffix.lower() != ".parquet":
        facts = {"file_sha256": hashlib.sha256(raw).hexdigest(), "label": label.to_dict()}
        contents = {beside: (json.dumps(facts, indent=2, sort_keys=True) + "\n").encode(), file: raw}
    try:
        _replace(contents)
        if beside not in contents:
            beside.unlink(missing_ok=True)
    except OSError as error:
        found = f"cannot be written ({error.strerror})"
        raise OutputError(f"file {file.name!r}", Problem("", found, "check the folder's rights and space")) from error
    return file


def _labelled(cohort: Cohort, file: Path) -> tuple[pd.DataFrame, Label | None]:
    """The rows as they are written, and the label they carry; LabelError where they have none, or one not theirs."""
    label = cohort.label
    if cohort.augmented and has_synthetic_id(cohort.rows.index).any():
        return flagged(cohort).reset_index(), label if counts_of(label) else label_of_mixture(cohort)
    if cohort.synthetic and label is None:
        found, fix = "the rows are synthetic and their label is lost", "draw them again, or read the labelled file"
        raise LabelError(f"file {file.name!r}", Problem("", found, fix))
    if not has_synthetic_id(cohort.rows.index).any():
        require_borne_out(cohort.rows, label, f"file {file.name!r}")
    return cohort.frame.reset_index() if cohort.synthetic else cohort.frame, label


def _replace(contents: Mapping[Path, bytes]) -> None:
    """Puts these bytes in place of the files, in this order, or leaves every file as it was."""
    staged: dict[Path, Path] = {}
    try:
        for file, raw in contents.items():
            if file.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
            staged[file] = Path(temporary)
            with os.fdopen(handle, "wb") as out:
                out.write(raw)
            staged[file].chmod(0o644)
        for file, temporary_file in staged.items():
            temporary_file.replace(file)
    finally:
        for temporary_file in staged.values():
            temporary_file.unlink(missing_ok=True)


def _sidecar(file: Path) -> Path:
    return file.with_name(file.name + SIDECAR)


def sha256_of_file(file: Path) -> str:
    """The SHA-256 of a file's bytes, read in parts."""
    with file.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


def _sidecar_label(file: Path) -> Label | None:
    beside = _sidecar(file)
    if not beside.is_file():
        return None
    try:
        if beside.stat().st_size > SIDECAR_BYTES:
            raise ValueError("too large")
        facts = json_of(beside.read_bytes())
        wanted, label = facts["file_sha256"], Label.from_dict(facts["label"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabelError(
            f"sidecar {beside.name!r}", Problem("", "not a heorsynth label", "restore the original")
        ) from error
    if sha256_of_file(file) != wanted:
        raise LabelError(
            f"sidecar {beside.name!r}",
            Problem(
                "",
                "belongs to another file, or the file was changed since",
                "restore both from where they were written",
            ),
        )
    return label


def _csv_bytes(frame: pd.DataFrame, label: Label | None) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _parquet_bytes(frame: pd.DataFrame, label: Label | None) -> bytes:
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException:
        found = "a column mixes types, which Parquet cannot hold"
        raise FileError("Parquet file", Problem("", found, "give each column one type")) from None
    if label is not None:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY.encode(): label.to_json().encode()})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def _xpt_bytes(frame: pd.DataFrame, label: Label | None) -> bytes:
    import pyreadstat

    narrow = frame.copy()
    for name in narrow.columns[[types.is_bool_dtype(kind) for kind in narrow.dtypes]]:
        narrow[name] = narrow[name].to_numpy(float, na_value=np.nan)
    title = "" if label is None else SAS_LABEL
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cohort.xpt"
        try:
            pyreadstat.write_xport(narrow, str(place), file_label=title, table_name="COHORT", file_format_version=8)
        except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError):
            names = [repr(name) for name in map(str, narrow.columns) if not SAS_NAME.fullmatch(name)]
            found = f"SAS cannot hold {'the names ' + ', '.join(names) if names else 'one of the columns'}"
            fix = "use 1 to 32 letters, digits and _, or write .parquet"
            raise FileError("SAS file", Problem("", found, fix)) from None
        raw = place.read_bytes()
    header = raw.index(b"NAMST")
    return SAS_MOMENT.sub(b"01JAN70:00:00:00", raw[:header]) + raw[header:]


READERS: Mapping[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": read_delimited, ".tsv": read_delimited, ".txt": read_delimited, ".csv.gz": read_delimited,
    ".tsv.gz": read_delimited, ".txt.gz": read_delimited, ".parquet": read_parquet, ".feather": read_feather,
    ".xlsx": read_sheet, ".xpt": read_statistical, ".sas7bdat": read_statistical, ".sav": read_statistical,
    ".zsav": read_statistical, ".dta": read_statistical,
}  # fmt: skip
"""How a file is read, by its ending."""

R_ROWS = "in R: write.csv({}, 'patients.csv', row.names = FALSE)"
CONVERTED: Mapping[str, str] = {
    ".xls": "open it and save it as .xlsx or as CSV UTF-8",
    ".xlsb": "open it and save it as .xlsx or as CSV UTF-8",
    ".xlsm": "open it and save it as .xlsx or as CSV UTF-8",
    ".ods": "open it and save it as .xlsx or as CSV UTF-8",
    ".numbers": "open it and save it as .xlsx or as CSV UTF-8",
    ".rds": R_ROWS.format("readRDS('patients.rds')"),
    ".rda": R_ROWS.format("the table, after load('patients.rda')"),
    ".rdata": R_ROWS.format("the table, after load('patients.rdata')"),
    ".por": "in SPSS: SAVE OUTFILE='patients.sav'",
    ".json": "in Python: pandas.read_json('patients.json').to_parquet('patients.parquet')",
    ".orc": "in Python: pandas.read_orc('patients.orc').to_parquet('patients.parquet')",
    ".pkl": "save it again with frame.to_parquet('patients.parquet')",
    ".pickle": "save it again with frame.to_parquet('patients.parquet')",
    ".gz": "only .csv.gz, .tsv.gz and .txt.gz are read packed: unpack it",
    ".zip": "unpack it",
    ".pdf": "ask for the table as CSV",
}
"""What to do with a file that is not read, by its ending."""

WRITERS: Mapping[str, Callable[[pd.DataFrame, Label | None], bytes]] = {
    ".csv": _csv_bytes, ".parquet": _parquet_bytes, ".xpt": _xpt_bytes,
}  # fmt: skip
