"""Read patient data files and write cohorts. A synthetic cohort is never written without its label."""

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
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types

from heorsynth.core.errors import FileError, LabelError, OutputError, Problem
from heorsynth.core.reading import json_of
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.reading_notes import NOTES, notes_of
from heorsynth.data.files import limits
from heorsynth.data.files.arrow_files import RAW_LABEL, read_feather, read_parquet
from heorsynth.data.files.augmented import FLAG, counts_of, flagged, label_of_mixture
from heorsynth.data.files.csv_dialect import read_delimited, scan_delimited
from heorsynth.data.files.parquet_write import parquet_bytes
from heorsynth.data.files.sheets import read_sheet
from heorsynth.data.files.statistical import SAS_LABEL, read_statistical
from heorsynth.data.labels.claims import require_label_matches
from heorsynth.data.labels.label import ID_COLUMN, KEY, Label, has_synthetic_id, names_synthetic_rows

_SIDECAR = ".label.json"
"""Suffix of the file next to a CSV or SAS file that holds its label and its hash."""

_SIDECAR_BYTES = 1_000_000
"""A label is about one page of JSON. A larger sidecar file is not a label."""

_SAS_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
_SAS_MOMENT = re.compile(rb"\d{2}[A-Z]{3}\d{2}:\d{2}:\d{2}:\d{2}")


def read_frame(
    path: str | Path, *, scan: bool = False, sheet: str | None = None, excerpt: limits.Excerpt | None = None
) -> pd.DataFrame:
    """Return the rows of a file with one of the endings in `READERS`. Synthetic ids become the index.

    `attrs` holds the label, if there is one, and the notes on how the file was read (`notes_of`). `layout_of` describes
    which text layouts are recognised.

    Parameters
    ----------
    scan : bool      True to inspect the rows only. A CSV is then read several times as fast, but columns of mixed
                     types may be returned as text
    sheet : str      the sheet of a workbook; by default the first that holds a table
    excerpt : Excerpt  columns and rows of a Parquet file; by default all

    Raises
    ------
    FileError            the file cannot be read, has another ending, has no such sheet, or has values in its first line
    EncodingError        a CSV file is not UTF-8; the message names the line
    DamagedFileError     the file is truncated or corrupt
    LabelError           the sidecar belongs to another file
    """
    file = Path(path)
    if file.is_dir():
        fix = "give one of its files; for a whole folder of Parquet files, use hs.CohortFolder"
        raise FileError(f"folder {file.name!r}", Problem("", "is a folder; a single file is expected", fix))
    reader = _reader(file)
    if not file.is_file():
        raise FileError(f"file {file.name!r}", Problem("", "cannot be read: there is no such file", "check the path"))
    try:
        limits.require_size(file)
        if sheet is not None:
            _require_sheets(file, reader)
            frame = read_sheet(file, sheet)
        elif excerpt is not None:
            frame = read_parquet(file, excerpt)
        else:
            frame = scan_delimited(file) if scan and reader is read_delimited else reader(file)
        label = _label_in(frame, file) or _sidecar_label(file)
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise FileError(f"file {file.name!r}", Problem("", found, "check its permissions and the disk")) from error
    if reader is not read_parquet:
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
    """Return the reader for a file's ending. Raise FileError, with advice on conversion, if there is none."""
    name = file.name.lower()
    ending = next((one for one in sorted(READERS, key=len, reverse=True) if name.endswith(one)), None)
    if ending is not None:
        return READERS[ending]
    fix = CONVERTED.get(file.suffix.lower())
    known = "use one of: " + ", ".join(READERS)
    message = f"ending {file.suffix!r} is not known" if fix is None else f"{file.suffix} files are not read"
    message += ", because opening one runs code" if file.suffix.lower() in (".pkl", ".pickle") else ""
    raise FileError(f"file {file.name!r}", Problem("", message, known if fix is None else fix))


def _require_sheets(file: Path, reader: Callable[..., pd.DataFrame]) -> None:
    """Raise FileError if a sheet is named for a file that is no workbook."""
    if reader is not read_sheet:
        raise FileError(f"file {file.name!r}", Problem("sheet", "only a .xlsx file has sheets", "leave `sheet` out"))


def _label_in(frame: pd.DataFrame, file: Path) -> Label | None:
    """Return the label stored in the file itself, as in Parquet and Feather files."""
    raw = frame.attrs.get(RAW_LABEL)
    return None if raw is None else Label.of_file(file.name, raw)


def read(path: str | Path, *, sheet: str | None = None, **roles: Any) -> pd.DataFrame | Cohort:
    """Read a patient data file: the rows as a DataFrame or, if roles are given, as a cohort.

    Parameters
    ----------
    path : path
        A file with one of the endings in the page "What is read, and how": CSV, Parquet, Feather, Excel, SAS, SPSS
        or Stata.
    sheet : str, optional
        The sheet of an Excel workbook; by default the first that holds a table.
    **roles
        The roles of the columns, as in `heorsynth.Cohort`.

    Returns
    -------
    DataFrame or Cohort

    Warns
    -----
    UserWarning
        Reports how the file was read: skipped lines above the header, value labels, the sheet of a workbook.

    Raises
    ------
    FileError
        If the file cannot be read. Its subclasses are EncodingError, DamagedFileError and LabelError.
    CohortError
        If the roles do not fit the rows; see `heorsynth.Cohort`.

    See Also
    --------
    heorsynth.write : Write a cohort.
    heorsynth.inspect : Report whether a file is synthetic.
    heorsynth.CohortFolder : Read a folder of Parquet files.

    Examples
    --------
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "trial.csv"
    >>> _ = path.write_text("time,event\\n5,1\\n8,0\\n12,1\\n")
    >>> read(path).columns.tolist()
    ['time', 'event']
    >>> read(path, endpoints={"os": ("time", "event")}, unit="month").n
    3
    >>> folder.cleanup()
    """
    frame = read_frame(path, sheet=sheet)
    for note in notes_of(frame):
        warnings.warn(f"file {Path(path).name!r}: {note}", UserWarning, stacklevel=2)
    return Cohort(frame, name=Path(path).stem, **roles) if roles else frame


def label_of(frame: pd.DataFrame) -> Label | None:
    """Return the label in a frame's `attrs`, or None."""
    facts = frame.attrs.get(KEY)
    return Label.from_dict(facts) if isinstance(facts, Mapping) else None


def write(cohort: Cohort, path: str | Path) -> Path:
    """Write a cohort as .csv, .parquet or .xpt, and return the path. If writing fails, no file is changed.

    A synthetic cohort is written with its label: in the metadata of a Parquet file, or in a file next to a CSV or
    SAS file. Each synthetic row keeps its `synthetic_id`. If synthetic rows and patients are mixed, the label says so
    and the column `synthetic_row` marks the synthetic rows.

    Raises
    ------
    LabelError      synthetic rows have no label, or the label belongs to other rows
    FileError       the ending is not supported, or the format cannot store a column
    OutputError     the file cannot be written

    See Also
    --------
    heorsynth.read : Read the file again, with its label.
    heorsynth.inspect : Report whether a file is synthetic.

    Examples
    --------
    >>> frame = pd.DataFrame({"time": [5, 8, 12], "event": [1, 0, 1]})
    >>> cohort = Cohort(frame, endpoints={"os": ("time", "event")})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write(cohort, Path(folder) / "trial.csv")
    ...     path.read_text().split()
    ['time,event', '5,1', '8,0', '12,1']
    """
    file = Path(path)
    writer = _WRITERS.get(file.suffix.lower())
    if writer is None:
        raise FileError(
            f"file {file.name!r}",
            Problem("", f"ending {file.suffix!r} cannot be written", "use one of: " + ", ".join(_WRITERS)),
        )
    frame, label = _labelled(cohort, file)
    frame.attrs = {}
    raw = writer(frame, label)
    contents, beside = {file: raw}, _sidecar(file)
    if label is not None and file.suffix.lower() != ".parquet":
        facts = {"file_sha256": hashlib.sha256(raw).hexdigest(), "label": label.to_dict()}
        contents = {beside: (json.dumps(facts, indent=2, sort_keys=True) + "\n").encode(), file: raw}
    try:
        replace_files(contents)
        if beside not in contents:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(file, error) from error
    return file


def write_drawn(frame: pd.DataFrame, label: Label, ids: pa.Array, file: Path) -> None:
    """Write rows that were just drawn as Parquet, as `write` does a cohort of them with these ids (n,) as its index.

    Raises
    ------
    FileError       Parquet cannot store a column
    OutputError     the file cannot be written
    """
    try:
        replace_files({file: parquet_bytes(frame, label, ids)})
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> OutputError:
    found = f"cannot be written ({error.strerror})"
    return OutputError(f"file {file.name!r}", Problem("", found, "check the folder's permissions and space"))


def _labelled(cohort: Cohort, file: Path) -> tuple[pd.DataFrame, Label | None]:
    """Return the rows to write and their label. Raise LabelError if synthetic rows have no label or a wrong one."""
    label, named = cohort.label, has_synthetic_id(cohort.rows.index)
    if cohort.synthetic and named.any() and not named.all():
        return flagged(cohort).reset_index(), label if counts_of(label) else label_of_mixture(cohort)
    if cohort.synthetic and label is None:
        found, fix = "the rows are synthetic but have no label", "draw them again, or read the labelled file"
        raise LabelError(f"file {file.name!r}", Problem("", found, fix))
    if not named.any():
        require_label_matches(cohort.rows, label, f"file {file.name!r}")
    return cohort.rows.reset_index() if cohort.synthetic else cohort.rows.copy(deep=False), label


def replace_files(contents: Mapping[Path, bytes]) -> None:
    """Replace the files by these bytes, in this order. If staging fails, no file is changed."""
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
    return file.with_name(file.name + _SIDECAR)


def sha256_of_file(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in parts."""
    with file.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


def _sidecar_label(file: Path) -> Label | None:
    beside = _sidecar(file)
    if not beside.is_file():
        return None
    try:
        if beside.stat().st_size > _SIDECAR_BYTES:
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
                "belongs to another file, or the file was changed since it was written",
                "restore both files from the original folder",
            ),
        )
    return label


def _csv_bytes(frame: pd.DataFrame, label: Label | None) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def xpt_bytes(
    frame: pd.DataFrame,
    label: Label | None,
    table: str = "COHORT",
    version: Literal[5, 8] = 8,
    labels: Mapping[str, str] | None = None,
) -> bytes:
    """Return a frame as a SAS transport file, whose title says so if a label is given.

    Parameters
    ----------
    table : str        name of the table, 1 to 8 letters and digits
    version : int      8, or 5 for submissions: names of up to 8 letters, digits and _
    labels : dict      label of columns, up to 40 letters; by default their name

    Raises
    ------
    FileError          SAS cannot hold a name or a column
    """
    import pyreadstat

    narrow = frame.copy()
    for name in narrow.columns[[types.is_bool_dtype(kind) for kind in narrow.dtypes]]:
        narrow[name] = narrow[name].to_numpy(float, na_value=np.nan)
    title = "" if label is None else SAS_LABEL
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cohort.xpt"
        try:
            pyreadstat.write_xport(
                narrow, str(place), file_label=title, table_name=table, file_format_version=version,
                column_labels=None if labels is None else [labels.get(str(name), str(name)) for name in narrow.columns],
            )  # fmt: skip
        except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError):
            names = [repr(name) for name in map(str, narrow.columns) if not _SAS_NAME.fullmatch(name)]
            found = f"SAS cannot hold {'the names ' + ', '.join(names) if names else 'one of the columns'}"
            fix = "use 1 to 32 letters, digits and _, or write .parquet"
            raise FileError("SAS file", Problem("", found, fix)) from None
        raw = place.read_bytes()
    header = raw.index(b"NAMSTV8" if version == 8 else b"NAMESTR")
    return _SAS_MOMENT.sub(b"01JAN70:00:00:00", raw[:header]) + raw[header:]


READERS: Mapping[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": read_delimited, ".tsv": read_delimited, ".txt": read_delimited, ".csv.gz": read_delimited,
    ".tsv.gz": read_delimited, ".txt.gz": read_delimited, ".parquet": read_parquet, ".feather": read_feather,
    ".xlsx": read_sheet, ".xpt": read_statistical, ".sas7bdat": read_statistical, ".sav": read_statistical,
    ".zsav": read_statistical, ".dta": read_statistical,
}  # fmt: skip
"""The function that reads a file, by its ending."""

_R_ROWS = "in R: write.csv({}, 'patients.csv', row.names = FALSE)"
CONVERTED: Mapping[str, str] = {
    ".xls": "open it and save it as .xlsx or as CSV UTF-8",
    ".xlsb": "open it and save it as .xlsx or as CSV UTF-8",
    ".xlsm": "open it and save it as .xlsx or as CSV UTF-8",
    ".ods": "open it and save it as .xlsx or as CSV UTF-8",
    ".numbers": "open it and save it as .xlsx or as CSV UTF-8",
    ".rds": _R_ROWS.format("readRDS('patients.rds')"),
    ".rda": _R_ROWS.format("the table, after load('patients.rda')"),
    ".rdata": _R_ROWS.format("the table, after load('patients.rdata')"),
    ".por": "in SPSS: SAVE OUTFILE='patients.sav'",
    ".json": "in Python: pandas.read_json('patients.json').to_parquet('patients.parquet')",
    ".orc": "in Python: pandas.read_orc('patients.orc').to_parquet('patients.parquet')",
    ".pkl": "save it again with frame.to_parquet('patients.parquet')",
    ".pickle": "save it again with frame.to_parquet('patients.parquet')",
    ".gz": "only .csv.gz, .tsv.gz and .txt.gz are read packed: unpack it",
    ".zip": "unpack it",
    ".pdf": "ask for the table as CSV",
}
"""How to convert a file that is not read, by its ending."""

_WRITERS: Mapping[str, Callable[[pd.DataFrame, Label | None], bytes]] = {
    ".csv": _csv_bytes, ".parquet": parquet_bytes, ".xpt": xpt_bytes,
}  # fmt: skip
