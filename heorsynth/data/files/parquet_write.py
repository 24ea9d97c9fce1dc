"""Rows as Parquet: with their label and their synthetic ids, and with dictionaries only where values repeat."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heorsynth.core.errors import FileError, Problem
from heorsynth.data.labels.label import ID_COLUMN, KEY, Label

_MANY_ROWS, _SOME_ROWS = 50_000, 5000
"""A table of `_MANY_ROWS` or more is judged by about `_SOME_ROWS` of them: which columns repeat their values."""

_REPEATED = 0.9
"""A column of which more than this share of some rows are different values repeats too few of them."""

_PANDAS = b"pandas"
"""The key of a schema's metadata under which pandas describes its columns."""


def parquet_bytes(frame: pd.DataFrame, label: Label | None, ids: pa.Array | None = None) -> bytes:
    """Return a frame as Parquet, with the label in its metadata. Raise FileError if a column mixes types.

    `ids` are the rows' synthetic ids (n,), as text. They become the first column, as if the frame had them.
    """
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException:
        found = "a column mixes types, which Parquet cannot hold"
        raise FileError("Parquet file", Problem("", found, "give each column one type")) from None
    table = table if ids is None else _with_ids(table, ids)
    if label is not None:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY.encode(): label.to_json().encode()})
    sink = pa.BufferOutputStream()
    kept = _dictionary_columns(table)
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True, use_dictionary=kept)
    del table
    return sink.getvalue().to_pybytes()


def _with_ids(table: pa.Table, ids: pa.Array) -> pa.Table:
    """Return the table with ids as its first column, which what pandas says of the columns names too."""
    metadata = table.schema.metadata
    facts = json.loads(metadata[_PANDAS])
    own = {"name": ID_COLUMN, "field_name": ID_COLUMN}
    kind = {"pandas_type": "unicode", "numpy_type": "object", "metadata": None}
    facts["columns"].insert(0, own | kind)
    named = table.add_column(0, ID_COLUMN, ids)
    return named.replace_schema_metadata({**metadata, _PANDAS: json.dumps(facts).encode()})


def _dictionary_columns(table: pa.Table) -> bool | list[str]:
    """Return the columns to be stored as a dictionary of their values; True for all, as in small tables.

    A dictionary of values that hardly repeat is made in vain: Arrow drops it when it has become too large. That takes a
    third of the time of writing 250,000 rows of twenty columns.
    """
    if table.num_rows < _MANY_ROWS:
        return True
    some = table.take(pa.array(np.arange(0, table.num_rows, table.num_rows // _SOME_ROWS)))
    most = _REPEATED * some.num_rows
    return [name for name in some.column_names if len(some.column(name).unique()) <= most]
