"""The roles and names that ADaM tables cannot hold, kept in a file beside them, with the label of synthetic rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.errors import FileError, LabelError, Problem
from heorsynth.core.reading import json_of, typed
from heorsynth.data.columns.schema import Schema
from heorsynth.data.labels.label import ID_COLUMN, KEY, Label
from heorsynth.data.sources.adam_tables import ROLES_FILE, AdamTables
from heorsynth.data.sources.adtte import SUBJECT

_MOST_BYTES = 10_000_000
"""The largest size of the file of roles. That of 2,000 columns has about 200,000 bytes."""


@dataclass(frozen=True)
class AdamRoles:
    """What `to_adam` keeps beside the tables.

    Attributes
    ----------
    schema : dict         the roles, as `Schema.to_dict`
    endpoints : dict      endpoint to its parameter and causes, as `from_adam` takes them
    visits : dict         measure to its parameter
    columns : dict        of each table, variable to the cohort's column
    order : list          the cohort's columns in their order
    kinds : dict          column to its dtype
    sha256 : dict         file to its hash
    label : dict or None  the label of synthetic rows
    """

    schema: dict[str, Any]
    endpoints: dict[str, Any]
    visits: dict[str, Any]
    columns: dict[str, dict[str, str]]
    order: list[str]
    kinds: dict[str, str]
    sha256: dict[str, str]
    label: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def roles_in(tables: AdamTables) -> AdamRoles | None:
    """Return the roles that are kept beside the tables; None without them.

    Raises
    ------
    FileError       the file of roles is not one
    LabelError      the tables are of synthetic rows, and another file than the one that was written is beside them
    """
    path = tables.folder / ROLES_FILE
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("too large")
        held = typed(AdamRoles, json_of(path.read_bytes()))
        Schema.from_dict(held.schema)
        label = None if held.label is None else Label.from_dict(held.label)
    except (ValueError, KeyError, TypeError, AttributeError):
        problem = Problem(ROLES_FILE, "not written by to_adam", "remove it, and declare the roles; or restore it")
        raise FileError(f"ADaM folder {tables.folder.name!r}", problem) from None
    if label is not None:
        for path in tables.files.values():
            if held.sha256.get(path.name) != hashlib.sha256(path.read_bytes()).hexdigest():
                problem = Problem(path.name, "was changed since its label was written", "restore the original folder")
                raise LabelError(f"ADaM folder {tables.folder.name!r}", problem)
    return held


def restored(frame: pd.DataFrame, held: AdamRoles) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return joined rows with the cohort's own names, order and types, and its roles.

    Raises
    ------
    FileError      a column of the cohort is in no table, or does not hold its type
    """
    schema = Schema.from_dict(held.schema)
    names = {variable: column for table in held.columns.values() for variable, column in table.items()}
    for endpoint in schema.endpoints.values():
        names[f"{endpoint.name}_time"], names[f"{endpoint.name}_event"] = endpoint.time, endpoint.event
    subjects = frame[SUBJECT]
    rows = frame.rename(columns=names)
    rows = rows.loc[:, ~rows.columns.duplicated()]
    absent = [name for name in held.order if name not in rows]
    if absent:
        raise FileError("ADaM tables", Problem(ROLES_FILE, f"names columns that are in no table: {', '.join(absent)}"))
    rows = rows[held.order].copy()
    for name, kind in held.kinds.items():
        rows[name] = _typed(rows[name], name, kind)
    if held.label is not None:
        rows = rows.set_axis(pd.Index(subjects, name=ID_COLUMN))
        rows.attrs[KEY] = held.label
    return rows, schema.roles


def _typed(column: pd.Series, name: str, kind: str) -> pd.Series:
    try:
        if kind == "bool":
            return column.map({"Y": True, "N": False}).astype(bool)
        return column.astype(np.dtype(kind)) if column.dtype != kind else column
    except (ValueError, TypeError):
        problem = Problem(f"column {name!r}", f"does not hold {kind}", f"restore the folder, or remove {ROLES_FILE}")
        raise FileError("ADaM tables", problem) from None


def variables(names: Mapping[str, object] | list[str], taken: set[str]) -> dict[str, str]:
    """Return a SAS name of up to 8 letters, digits and _ for each column, none twice, and none of `taken`.

    Examples
    --------
    >>> variables(["age", "ph.ecog", "age_group_10", "age_group_5"], {"STUDYID"})
    {'age': 'AGE', 'ph.ecog': 'PHECOG', 'age_group_10': 'AGE_GROU', 'age_group_5': 'AGE_GRO2'}
    """
    made: dict[str, str] = {}
    used = set(taken)
    for name in names:
        letters = "".join(one for one in name.upper() if one.isascii() and (one.isalnum() or one == "_"))
        stem = letters if letters[:1].isalpha() or letters[:1] == "_" else f"V{letters}"
        short, number = stem[:8], 1
        while short in used:
            number += 1
            short = f"{stem[: 8 - len(str(number))]}{number}"
        used.add(short)
        made[name] = short
    return made
