"""Reads files of SAS, Stata and SPSS. Codes that all have labels are read as their labels, and it is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.core.errors import FEW_NAMES, DamagedFileError, EncodingError, Problem
from heorsynth.data.columns.reading_notes import with_notes
from heorsynth.data.files import limits
from heorsynth.data.labels.label import ID_COLUMN

XPORT_RECORD = 80
"""Bytes in each record of a SAS transport file: a file of another length was cut."""

SAS_LABEL = "SYNTHETIC DATA, not patients"
"""The file label of a SAS file of synthetic rows, by which it is known where its sidecar is lost."""


def read_statistical(file: Path) -> pd.DataFrame:
    """The rows of a .xpt, .sas7bdat, .sav, .zsav or .dta file.

    A column whose codes all have labels of their own holds the labels; where some codes have none it keeps the codes.
    Missing values of any kind (.a to .z in Stata and SAS, those declared missing in SPSS) are missing. Empty text is
    missing.

    Raises
    ------
    FileError            larger than the limits
    EncodingError        its text is not UTF-8
    DamagedFileError     truncated, or no such file as its ending says
    """
    import pyreadstat

    reader = _readers()[file.suffix.lower()]
    program = PROGRAMS[file.suffix.lower()]
    if program == "SAS transport" and file.stat().st_size % XPORT_RECORD:
        raise DamagedFileError(f"file {file.name!r}", Problem("", "ends within a record", "export it again"))
    try:
        _, held = reader(str(file), metadataonly=True)
        width = sum(held.variable_storage_width.values())
        rows = held.number_rows or file.stat().st_size // max(width, 1)  # transport files do not say; they are unpacked
        limits.require_table(file, rows, held.number_columns or 0, max(width, 8 * (held.number_columns or 0)) * rows)
        frame, held = reader(str(file))
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OverflowError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            told = Problem("", "its text is not UTF-8", "export it as UTF-8")
            raise EncodingError(f"file {file.name!r}", told) from None
        told = Problem("", f"truncated, or no file of {program}", "export it again")
        raise DamagedFileError(f"file {file.name!r}", told) from error
    for name in frame.select_dtypes(object).columns:
        frame[name] = frame[name].where(frame[name] != "", None)
    if held.file_label == SAS_LABEL and ID_COLUMN not in frame:
        frame = frame.rename_axis(ID_COLUMN)
    return _labelled(frame, held.variable_value_labels)


PROGRAMS: Mapping[str, str] = {
    ".xpt": "SAS transport", ".sas7bdat": "SAS", ".sav": "SPSS", ".zsav": "SPSS", ".dta": "Stata",
}  # fmt: skip
"""The program that writes files of each ending."""


def _readers() -> Mapping[str, Callable[..., tuple[pd.DataFrame, Any]]]:
    import pyreadstat

    return {".xpt": pyreadstat.read_xport, ".sas7bdat": pyreadstat.read_sas7bdat, ".sav": pyreadstat.read_sav,
            ".zsav": pyreadstat.read_sav, ".dta": pyreadstat.read_dta}  # fmt: skip


def _labelled(frame: pd.DataFrame, labels: Mapping[str, Mapping[Any, str]]) -> pd.DataFrame:
    """The frame with labels in place of codes where all codes of a column have one, and what was done."""
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
        _told(made, "Read as the labels of their codes"),
        _told(kept, "Some codes have a label and some have none, so the codes are kept"),
    ])  # fmt: skip


def _told(names: list[str], what: str) -> str:
    if not names:
        return ""
    more = f" and {len(names) - FEW_NAMES} more" if len(names) > FEW_NAMES else ""
    return f"{what}: {', '.join(names[:FEW_NAMES])}{more}."
