"""Read SAS, Stata and SPSS files. If all codes of a column have labels, the labels are read, and a note says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.core.errors import FEW_NAMES, DamagedFileError, EncodingError, Problem
from heorsynth.data.columns.reading_notes import with_notes
from heorsynth.data.files import limits
from heorsynth.data.labels.label import ID_COLUMN

_XPORT_RECORD = 80
"""Bytes per record of a SAS transport file. If the file size is no multiple of it, the file was cut."""

SAS_LABEL = "SYNTHETIC DATA, not patients"
"""The file label of a SAS file of synthetic rows. It identifies the file if its sidecar is lost."""


def read_statistical(file: Path) -> pd.DataFrame:
    """Return the rows of a .xpt, .sas7bdat, .sav, .zsav or .dta file.

    A column holds labels if each of its codes has its own label; otherwise it keeps its codes. Special missing values
    (.a to .z in Stata and SAS, declared missing values in SPSS) and empty texts are read as missing.

    Raises
    ------
    FileError            the file exceeds the limits
    EncodingError        its text is not UTF-8
    DamagedFileError     the file is truncated, or not of the kind its ending says
    """
    import pyreadstat

    reader = _readers()[file.suffix.lower()]
    program = _PROGRAMS[file.suffix.lower()]
    if program == "SAS transport" and file.stat().st_size % _XPORT_RECORD:
        raise DamagedFileError(f"file {file.name!r}", Problem("", "ends within a record", "export it again"))
    try:
        _, meta = reader(str(file), metadataonly=True)
        width = sum(meta.variable_storage_width.values())
        rows = meta.number_rows or file.stat().st_size // max(width, 1)  # SAS transport files do not store this number
        limits.require_table(file, rows, meta.number_columns or 0, max(width, 8 * (meta.number_columns or 0)) * rows)
        frame, meta = reader(str(file))
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OverflowError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            message = Problem("", "its text is not UTF-8", "export it as UTF-8")
            raise EncodingError(f"file {file.name!r}", message) from None
        message = Problem("", f"truncated, or not a {program} file", "export it again")
        raise DamagedFileError(f"file {file.name!r}", message) from error
    for name in frame.select_dtypes(object).columns:
        frame[name] = frame[name].where(frame[name] != "", None)
    if meta.file_label == SAS_LABEL and ID_COLUMN not in frame:
        frame = frame.rename_axis(ID_COLUMN)
    return _labelled(frame, meta.variable_value_labels)


_PROGRAMS: Mapping[str, str] = {
    ".xpt": "SAS transport", ".sas7bdat": "SAS", ".sav": "SPSS", ".zsav": "SPSS", ".dta": "Stata",
}  # fmt: skip
"""The program that writes files of each ending."""


def _readers() -> Mapping[str, Callable[..., tuple[pd.DataFrame, Any]]]:
    import pyreadstat

    return {".xpt": pyreadstat.read_xport, ".sas7bdat": pyreadstat.read_sas7bdat, ".sav": pyreadstat.read_sav,
            ".zsav": pyreadstat.read_sav, ".dta": pyreadstat.read_dta}  # fmt: skip


def _labelled(frame: pd.DataFrame, labels: Mapping[str, Mapping[Any, str]]) -> pd.DataFrame:
    """Return the frame with labels instead of codes in columns where each code has a label, with notes."""
    made, kept = [], []
    for name, named in labels.items():
        if name not in frame:
            continue
        known = set(frame[name].dropna().unique())
        used = {code: str(named[code]).strip() for code in known & set(named)}
        if not used:
            continue
        if len(used) < len(known) or len(set(used.values())) < len(used) or not all(used.values()):
            kept.append(name)
            continue
        frame[name] = frame[name].map(used).astype(object).where(frame[name].notna(), None)
        made.append(name)
    return with_notes(frame, [
        _note(made, "Codes read as their labels"),
        _note(kept, "Codes kept, because only some of them have a label"),
    ])  # fmt: skip


def _note(names: list[str], what: str) -> str:
    if not names:
        return ""
    more = f" and {len(names) - FEW_NAMES} more" if len(names) > FEW_NAMES else ""
    return f"{what}: {', '.join(names[:FEW_NAMES])}{more}."
