"""Keyed hashes of the patients of a cohort: who is in a source, for a reader with the key and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.core.secret import ReleaseKey
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.cohort_folder import CohortFolder


@dataclass(frozen=True, repr=False)
class _KeyedPatients:
    """The patients of a source as keyed hashes; the order of the rows plays no part.

    Attributes
    ----------
    rows : array of uint64 (n,)   each patient's row without the id
    ids : array of uint64 (n,)    each patient's id; empty without an id column
    columns : str                 keyed hash of the names of the columns
    content : bytes               keyed hash of all rows (32 bytes), for `noise_stream`
    """

    rows: np.ndarray
    ids: np.ndarray
    columns: str
    content: bytes


def keyed_patients(cohort: Cohort | CohortFolder, key: ReleaseKey) -> _KeyedPatients:
    """Return the keyed hashes of a cohort's patients.

    Notes
    -----
    A hash is HMAC-SHA256 with the key. Without the key, guessed rows cannot be tested against it. The ledger keeps 64
    bits of each: among 10^6 patients two are equal by chance with probability 3 · 10^-8.
    """
    digests, ids, names = list[bytes](), list[bytes](), tuple[str, ...]()
    for rows in _frames(cohort):
        if cohort.schema.id is not None and cohort.schema.id in rows:
            ids += [key.tag(b"id\0" + text.encode()) for text in _texts(rows[cohort.schema.id])]
        names = tuple(sorted(str(name) for name in rows.columns if name != cohort.schema.id))
        digests += [key.tag(b"row\0" + text.encode()) for text in _row_texts(rows, names)]
    columns = key.tag(b"columns\0" + "\x1f".join(names).encode())
    content = key.tag(b"content\0" + columns + b"".join(sorted(digests)))
    return _KeyedPatients(_short(digests), _short(ids), columns.hex()[:16], content)


def _frames(cohort: Cohort | CohortFolder) -> Iterator[pd.DataFrame]:
    if isinstance(cohort, Cohort):
        yield cohort.rows
        return
    for number in range(len(cohort.files)):
        yield cohort.part(number).rows


def _short(digests: list[bytes]) -> np.ndarray:
    """The first 64 bits of each digest."""
    return np.frombuffer(b"".join(one[:8] for one in digests), dtype=">u8").astype(np.uint64)


def _row_texts(rows: pd.DataFrame, names: tuple[str, ...]) -> Iterator[str]:
    """Each row as text, its columns by name, so that neither their order nor a number's type plays a part."""
    columns = [_texts(rows[name]) for name in names]
    return ("\x1f".join(row) for row in zip(*columns, strict=True))


def _texts(column: pd.Series) -> list[str]:
    """Each value as text; missing is "", and any value begins with a mark of its kind."""
    missing = column.isna().to_numpy()
    if types.is_bool_dtype(column) or not types.is_numeric_dtype(column):
        return ["" if gone else f"s{value}" for value, gone in zip(column, missing, strict=True)]
    numbers = column.to_numpy(float, na_value=np.nan)
    return ["" if gone else f"n{value!r}" for value, gone in zip(numbers.tolist(), missing, strict=True)]
