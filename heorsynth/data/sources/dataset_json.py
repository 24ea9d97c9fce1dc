"""Read and write CDISC Dataset-JSON 1.1: one table with its metadata as JSON, or as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api import types

from heorsynth.core.errors import DamagedFileError, EncodingError, FileError, Problem
from heorsynth.core.reading import json_of
from heorsynth.data.files import limits

_VERSION = "1.1.0"

_NUMBERS = ("integer", "float", "double", "decimal")
_KINDS = (*_NUMBERS, "string", "date", "datetime", "time", "boolean", "URI")
"""The data types of Dataset-JSON 1.1. Decimals are stored as text, dates as ISO 8601."""


def read_dataset_json(file: Path) -> pd.DataFrame:
    """Return the rows of a .json or .ndjson file in CDISC Dataset-JSON 1.1. `attrs["label"]` is the table's label.

    Raises
    ------
    FileError            another version, a type that the format does not have, or more than the limits
    EncodingError        the file is not UTF-8
    DamagedFileError     not JSON, or rows that do not fit the columns

    References
    ----------
    CDISC (2024) Dataset-JSON 1.1, https://www.cdisc.org/standards/data-exchange/dataset-json.
    """
    limits.require_size(file)
    try:
        text = file.read_bytes().decode("utf-8")
        facts, rows = _lines(text) if file.suffix.lower() == ".ndjson" else _whole(text)
    except UnicodeDecodeError:
        raise EncodingError(f"file {file.name!r}", Problem("", "its text is not UTF-8", "export it as UTF-8")) from None
    except (ValueError, TypeError, AttributeError, IndexError):
        message = Problem("", "truncated, or not Dataset-JSON", "export it again")
        raise DamagedFileError(f"file {file.name!r}", message) from None
    kinds = _kinds(file, facts)
    limits.require_table(file, len(rows), len(kinds))
    if any(not isinstance(row, list) or len(row) != len(kinds) for row in rows):
        message = Problem("rows", "some have another number of values than there are columns", "export it again")
        raise DamagedFileError(f"file {file.name!r}", message)
    if facts.get("records", len(rows)) != len(rows):
        message = Problem("records", "the file holds another number of rows than it states", "export it again")
        raise DamagedFileError(f"file {file.name!r}", message)
    frame = pd.DataFrame(rows, columns=list(kinds), dtype=object)
    for name, kind in kinds.items():
        frame[name] = _column(file, frame[name], kind)
    limits.require_cells(file, frame)
    frame.attrs["label"] = str(facts.get("label", ""))
    return frame


def _whole(text: str) -> tuple[Mapping[str, Any], list[Any]]:
    facts = json_of(text)
    rows = facts.get("rows", [])
    if not isinstance(rows, list):
        raise TypeError
    return facts, rows


def _lines(text: str) -> tuple[Mapping[str, Any], list[Any]]:
    lines = [json_of(line) for line in text.splitlines() if line.strip()]
    return dict(lines[0]), lines[1:]


def _kinds(file: Path, facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the type of each column by its name. Raise FileError if the version or a type is another."""
    version = str(facts.get("datasetJSONVersion", ""))
    if not version.startswith("1.1"):
        found = f"Dataset-JSON {version or '1.0'}" if version or "clinicalData" in facts else "no Dataset-JSON"
        raise FileError(f"file {file.name!r}", Problem("", f"{found}; 1.1 is read", "export it as Dataset-JSON 1.1"))
    try:
        kinds = {str(one["name"]): str(one["dataType"]) for one in facts["columns"]}
        n_columns = len(facts["columns"])
    except (KeyError, TypeError):
        message = Problem("columns", "missing, or without a name and a type", "export it again")
        raise DamagedFileError(f"file {file.name!r}", message) from None
    if len(kinds) < n_columns:
        raise FileError(f"file {file.name!r}", Problem("columns", "a name is used twice", "name each once"))
    unknown = [name for name, kind in kinds.items() if kind not in _KINDS]
    if unknown:
        message = Problem(
            f"column {unknown[0]!r}", "has a type that Dataset-JSON 1.1 lacks", "use " + ", ".join(_KINDS)
        )
        raise FileError(f"file {file.name!r}", message)
    return kinds


def _column(file: Path, column: pd.Series, kind: str) -> pd.Series:
    """Return a column with the type that the file declares. Raise DamagedFileError if a value has another."""
    try:
        if kind in _NUMBERS:
            return pd.to_numeric(column)
        if kind == "boolean":
            return column if column.isna().any() else column.astype(bool)
    except (ValueError, TypeError):
        message = Problem(f"column {column.name!r}", f"declared as {kind}, and a value is none", "export it again")
        raise DamagedFileError(f"file {file.name!r}", message) from None
    return column.where(column != "", None)


def dataset_json_bytes(frame: pd.DataFrame, name: str, label: str, names: Mapping[str, str]) -> bytes:
    """Return a frame as Dataset-JSON 1.1, without the time of writing, so that equal rows give equal bytes.

    Parameters
    ----------
    name, label : str      of the table
    names : Mapping        label of each column
    """
    columns = [
        {"itemOID": f"IT.{name}.{one}", "name": one, "label": names.get(one, one), "dataType": _kind(frame[one])}
        for one in map(str, frame.columns)
    ]
    held = frame.astype(object).where(frame.notna(), None)
    rows = [list(map(_plain, row)) for row in held.itertuples(index=False, name=None)]
    facts = {
        "datasetJSONCreationDateTime": "1970-01-01T00:00:00", "datasetJSONVersion": _VERSION,
        "itemGroupOID": f"IG.{name}", "records": len(rows), "name": name, "label": label, "columns": columns,
        "rows": rows,
    }  # fmt: skip
    return (json.dumps(facts, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _kind(column: pd.Series) -> str:
    if types.is_bool_dtype(column):
        return "boolean"
    if types.is_integer_dtype(column):
        return "integer"
    return "double" if types.is_float_dtype(column) else "string"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
