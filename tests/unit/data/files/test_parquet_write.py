"""Rows as Parquet: ids as a column of their own, and dictionaries only where values repeat."""

import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

import heorsynth as hs
from heorsynth.data.files.parquet_write import parquet_bytes
from heorsynth.data.labels.label import arrow_ids, synthetic_ids


def stored(raw: bytes) -> dict[str, bool]:
    """Column to whether it has a dictionary."""
    group = pq.ParquetFile(io.BytesIO(raw)).metadata.row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    return {one.path_in_schema: "RLE_DICTIONARY" in one.encodings for one in columns}


def test_ids_apart_give_the_bytes_that_a_column_of_them_gives() -> None:
    frame = pd.DataFrame({"arm": ["new", None, "usual"], "age": [50.5, np.nan, 61.0], "event": [1, 0, 1]})
    label = (
        hs.generators.create("marginals").fit(hs.datasets.simulated_trial(60)[0], seed=1).sample(m=1, seed=1)[0].label
    )
    ids = synthetic_ids("1a2b3c4d", 999_998, 3)
    assert ids.tolist() == ["SYN-1a2b3c4d-999998", "SYN-1a2b3c4d-999999", "SYN-1a2b3c4d-1000000"]
    beside = parquet_bytes(frame, label, arrow_ids("1a2b3c4d", 999_998, 3))
    assert beside == parquet_bytes(frame.set_index(pd.Index(ids, name="synthetic_id")).reset_index(), label)


def test_in_many_rows_only_columns_whose_values_repeat_have_a_dictionary() -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({
        "level": pd.Categorical(rng.choice(["a", "b"], 60_000)), "days": rng.integers(0, 3000, 60_000),
        "cost": np.round(rng.gamma(2, 500, 60_000), 6), "gone": np.nan, "id": [f"p{row}" for row in range(60_000)],
    })  # fmt: skip
    raw = parquet_bytes(rows, None)
    assert stored(raw) == {"level": True, "days": True, "cost": False, "gone": True, "id": False}
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(raw)), rows)
    assert all(stored(parquet_bytes(rows.head(1000), None)).values())
