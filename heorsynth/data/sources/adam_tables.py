"""Find and read the tables of a folder of ADaM data sets: SAS transport, Dataset-JSON or Parquet, one file a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from heorsynth.core.errors import FileError, Problem, nearest
from heorsynth.data.files.io import read_frame
from heorsynth.data.labels.label import ID_COLUMN
from heorsynth.data.sources.dataset_json import read_dataset_json

_READ_AS: Mapping[str, Callable[[Path], pd.DataFrame]] = {
    ".xpt": read_frame, ".json": read_dataset_json, ".ndjson": read_dataset_json, ".parquet": read_frame,
    ".sas7bdat": read_frame,
}  # fmt: skip
"""The function that reads a table, by its ending."""

ROLES_FILE = "heorsynth-adam.json"
"""The roles of the columns, and the label of synthetic rows, beside the tables that `to_adam` writes."""


@dataclass(frozen=True)
class AdamTables:
    """The tables of a folder, each read once, when it is asked for.

    Attributes
    ----------
    folder : Path
    files : dict      name of a table in lower case ("adsl", "adtte"): its file
    """

    folder: Path
    files: Mapping[str, Path]
    _held: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def found(cls, folder: Path) -> AdamTables:
        """List the tables of a folder. Raise FileError if it is no folder, holds no ADSL, or a table in two files."""
        if not folder.is_dir():
            found = "is a file; a folder is expected" if folder.is_file() else "there is no such folder"
            raise FileError(f"ADaM folder {folder.name!r}", Problem("", found, "give the folder that holds adsl.xpt"))
        files: dict[str, Path] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() not in _READ_AS or path.name == ROLES_FILE or path.name.endswith(".label.json"):
                continue
            name = path.stem.lower()
            if name in files:
                problem = Problem(name.upper(), f"in two files: {files[name].name} and {path.name}", "keep one of them")
                raise FileError(f"ADaM folder {folder.name!r}", problem)
            files[name] = path
        if "adsl" not in files:
            fix = "add the subject-level table; read are " + ", ".join(_READ_AS)
            raise FileError(f"ADaM folder {folder.name!r}", Problem("ADSL", "is not in it", fix))
        return cls(folder, files)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table; its column names are in upper case. Raise FileError, with the nearest name, without it."""
        key = name.lower()
        if key not in self.files:
            raise FileError(
                f"ADaM folder {self.folder.name!r}", Problem(name.upper(), "is not in it", nearest(key, self.files))
            )
        if key not in self._held:
            path = self.files[key]
            frame = _READ_AS[path.suffix.lower()](path)
            if frame.index.name == ID_COLUMN:
                frame = frame.reset_index(drop=frame.index.equals(pd.RangeIndex(len(frame))))
            self._held[key] = frame.rename(columns=lambda one: str(one).upper())
        return self._held[key]

    def having(self, parameter: str, first: str, without: str = "") -> tuple[str, pd.DataFrame]:
        """Return the name and rows of the first table with PARAMCD that holds a parameter.

        Parameters
        ----------
        first : str       tables whose name begins so are looked at first
        without : str     a column that the table must not have: CNSR marks a time-to-event table

        Raises
        ------
        FileError         no table has it; the nearest parameter is named
        """
        known: set[str] = set()
        for name, frame in self._in_order(first):
            if "PARAMCD" not in frame or (without and without in frame):
                continue
            if (frame["PARAMCD"] == parameter).any():
                return name, frame
            known |= set(frame["PARAMCD"].dropna().astype(str))
        fix = nearest(parameter, known) if known else f"add the table, such as {first}.xpt"
        raise FileError(f"ADaM folder {self.folder.name!r}", Problem(parameter, "no table has this parameter", fix))

    def _in_order(self, first: str) -> Iterator[tuple[str, pd.DataFrame]]:
        for name in sorted(self.files, key=lambda one: (not one.startswith(first), one)):
            if name != "adsl" and (name.startswith(first) or not first.startswith("adtte")):
                yield name, self.table(name)
