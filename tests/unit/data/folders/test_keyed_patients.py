"""Keyed hashes of patients: the same patient has the same hash, however he is stored, and only with the same key."""

from pathlib import Path

import numpy as np
import pandas as pd

import heorsynth as hs
from heorsynth.core.secret import ReleaseKey
from heorsynth.data.folders.keyed_patients import keyed_patients

KEY, OTHER = ReleaseKey(b"a" * 32), ReleaseKey(b"b" * 32)
ROLES = {"endpoints": {"os": ("time", "event")}, "id": "patient"}


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"patient": ["a", "b", "c", "d"], "time": [5.0, 8, 12, 20], "event": [1, 0, 1, 0], "sex": ["f", None, "m", "f"]}
    )


def cohort(rows: pd.DataFrame) -> "hs.Cohort":
    return hs.Cohort.derive(hs.Cohort(frame(), **ROLES).schema, rows, label=None)


def test_order_of_rows_and_columns_and_types_of_numbers_play_no_part() -> None:
    first = keyed_patients(cohort(frame()), KEY)
    moved = frame().iloc[::-1, ::-1].astype({"time": int, "event": float})
    again = keyed_patients(cohort(moved), KEY)
    assert first.content == again.content and first.columns == again.columns
    assert (first.rows == again.rows[::-1]).all() and (first.ids == again.ids[::-1]).all()


def test_one_value_one_patient_one_column_or_another_key_changes_the_content() -> None:
    first = keyed_patients(cohort(frame()), KEY)
    changed = frame().assign(time=[5.0, 8, 12, 20.5])
    variants = [changed, frame().head(3), frame().drop(columns="sex"), frame().fillna({"sex": ""})]
    contents = {keyed_patients(cohort(rows), KEY).content for rows in variants}
    assert len({first.content, keyed_patients(cohort(frame()), OTHER).content, *contents}) == 6
    one = keyed_patients(cohort(changed), KEY)
    assert (one.rows == first.rows).tolist() == [True, True, True, False] and (one.ids == first.ids).all()


def test_an_id_is_no_part_of_a_row_and_a_cohort_without_one_has_no_ids() -> None:
    named = keyed_patients(cohort(frame()), KEY)
    plain = keyed_patients(hs.Cohort(frame().drop(columns="patient"), endpoints=ROLES["endpoints"]), KEY)
    assert (named.rows == plain.rows).all() and named.content == plain.content and len(plain.ids) == 0


def test_a_folder_has_the_hashes_of_its_rows(tmp_path: Path) -> None:
    rows, _ = hs.datasets.simulated_trial(60, seed=1)
    table = rows.frame
    table.head(25).to_parquet(tmp_path / "a.parquet")
    table.tail(35).to_parquet(tmp_path / "b.parquet")
    folder = hs.CohortFolder(tmp_path, endpoints={"os": ("time", "event")})
    whole = hs.Cohort(table, endpoints={"os": ("time", "event")})
    assert keyed_patients(folder, KEY).content == keyed_patients(whole, KEY).content


def test_nothing_of_a_patient_is_in_the_repr() -> None:
    assert "array" not in repr(keyed_patients(cohort(frame()), KEY))
    assert keyed_patients(cohort(frame()), KEY).rows.dtype == np.uint64
