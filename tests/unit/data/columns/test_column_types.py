"""Decimals are numbers and an index that has a name is a column, in a file, in a folder and in a frame."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.columns.column_types import stored_columns
from heorsynth.data.files.io import read_frame
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.labels.label import ID_COLUMN, has_synthetic_id, synthetic_ids
from heorsynth.protocol.start.init import init

N = 3000
ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost"], "subgroups": ["sex"]}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """A copay that 2% do not pay, so that 0.00 is the one level that many share; costs in cents."""
    held = hs.datasets.simulated_trial(N, seed=1)[0].frame[["time", "event", "arm", "sex", "age", "cost"]]
    rng = np.random.default_rng(1)
    paid = np.where(rng.random(N) < 0.02, 0.0, rng.gamma(2, 50, N))
    return held.assign(
        copay=[None if row % 50 == 7 else Decimal(f"{value:.2f}") for row, value in enumerate(paid)],
        cost=[Decimal(f"{value:.2f}") for value in held["cost"]],
    )


def put(frame: pd.DataFrame, folder: Path, **kind: bool) -> Path:
    folder.mkdir()
    for part, rows in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[rows].to_parquet(folder / f"{part}.parquet", **{"index": False, **kind})
    return folder


def test_decimals_are_the_floats_python_makes_of_them_wherever_they_are_from(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    before = frame.copy(deep=True)
    frame.to_parquet(tmp_path / "one.parquet", index=False)
    of_frame = hs.Cohort(frame, **ROLES).frame
    of_file = hs.read(tmp_path / "one.parquet")
    of_folder = pd.concat([part.frame for part in CohortFolder(put(frame, tmp_path / "three"), **ROLES)])
    pd.testing.assert_frame_equal(frame, before)
    assert isinstance(frame["copay"].iloc[0], Decimal)
    for name in ("copay", "cost"):
        wanted = [np.nan if value is None else float(value) for value in frame[name]]
        for held in (of_frame, of_file, of_folder):
            assert held[name].dtype == np.float64
            np.testing.assert_array_equal(held[name], wanted)


@pytest.mark.parametrize("place", ["frame", "folder"])
def test_synthetic_decimals_are_spread_as_the_patients_are(frame: pd.DataFrame, place: str, tmp_path: Path) -> None:
    patients = hs.Cohort(frame, **ROLES) if place == "frame" else CohortFolder(put(frame, tmp_path / "d"), **ROLES)
    drawn = hs.generators.create("heor", most_rows=N).fit(patients, seed=1).sample(n=N, m=1, seed=1)[0].frame
    assert 0.96 < (drawn["copay"].dropna() > 0).mean() < 1
    real = frame["copay"].dropna().astype(float)
    assert abs(drawn["copay"].median() - real.median()) < 0.1 * real.median()
    np.testing.assert_allclose(drawn["copay"], drawn["copay"].round(2), atol=1e-9)


@pytest.mark.parametrize("kind", [pa.decimal128(38, 0), pa.decimal256(60, 3)], ids=str)
def test_decimals_that_could_become_one_number_are_refused_without_their_value(
    kind: pa.DataType, tmp_path: Path
) -> None:
    large = [Decimal(2**53), Decimal(2**53 + 2), None]
    pq.write_table(pa.table({"claim": pa.array([*large[:1], Decimal(5), None], kind)}), tmp_path / "fits.parquet")
    assert read_frame(tmp_path / "fits.parquet")["claim"].tolist()[:2] == [float(2**53), 5.0]
    pq.write_table(pa.table({"claim": pa.array(large, kind)}), tmp_path / "large.parquet")
    with pytest.raises(errors.FileError, match="column 'claim': holds decimals above 2") as refused:
        read_frame(tmp_path / "large.parquet")
    assert str(2**53 + 2) not in str(refused.value)


def test_large_decimals_in_a_frame_are_refused_but_for_the_id(frame: pd.DataFrame) -> None:
    held = frame.assign(who=[Decimal(2**60 + row) for row in range(N)])
    with pytest.raises(errors.CohortError, match="column 'who': holds decimals above 2"):
        hs.Cohort(held, **ROLES)
    assert hs.Cohort(held, **ROLES, id="who").n == N


@pytest.mark.parametrize(
    "column",
    [
        lambda values: pd.Series([0 if value is None else value for value in values], dtype=object),
        lambda values: pd.Series(values, dtype=object).astype("category"),
        lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.decimal128(12, 2))),
    ],
    ids=["beside whole numbers", "as categories", "of Arrow"],
)
def test_decimals_in_other_dress_are_numbers(frame: pd.DataFrame, column: object) -> None:
    held = frame.assign(copay=column(frame["copay"].tolist()))  # type: ignore[operator]
    assert hs.Cohort(held, **ROLES).frame["copay"].dtype == np.float64


def test_a_named_index_is_a_column_of_a_file_and_of_a_folder(frame: pd.DataFrame, tmp_path: Path) -> None:
    site = np.tile(["north", "south", "east"], N // 3)
    indexed = frame.assign(site=site).set_index("site")
    indexed.to_parquet(tmp_path / "one.parquet")
    read = hs.read(tmp_path / "one.parquet")
    assert read["site"].tolist() == site.tolist() and isinstance(read.index, pd.RangeIndex)
    roles = {**ROLES, "subgroups": ["site"]}
    assert hs.read(tmp_path / "one.parquet", **roles).n == N
    folder = CohortFolder(put(indexed, tmp_path / "three", index=True), **roles)
    assert folder.columns == tuple(folder.part(0).frame.columns) == (*frame.columns, "site")
    drawn = hs.generators.create("heor", most_rows=N).fit(folder, seed=1).sample(n=300, m=1, seed=1)[0].frame
    assert set(drawn["site"]) == {"north", "south", "east"}
    dropped = CohortFolder(folder.path, **ROLES, drop=["site"])
    assert "site" not in dropped.part(0).frame and "site" not in dropped.columns


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(10, 40, 3, name="who"),
        pd.MultiIndex.from_arrays([range(10), list("ababababab")], names=["who", "site"]),
        pd.MultiIndex.from_arrays([range(10), list("ababababab")], names=["who", None]),
        pd.Index(range(5, 15)),
        pd.Index(list("abcdefghij"), name="age"),
        pd.date_range("2024-01-01", periods=10, tz="UTC", name="since"),
        pd.CategoricalIndex(list("ababababab"), name="site"),
    ],
    ids=["row numbers", "two", "one of two", "nameless", "named as a column", "dates", "categories"],
)
def test_a_footer_tells_the_columns_that_rows_have(index: pd.Index, tmp_path: Path) -> None:
    held = pd.DataFrame({"age": list("abcdefghij")}, index=index)
    held.to_parquet(tmp_path / "x.parquet")
    rows = read_frame(tmp_path / "x.parquet")
    assert list(stored_columns(pq.read_schema(tmp_path / "x.parquet"))) == list(rows.columns)
    for name in filter(None, index.names):
        assert rows[name].tolist() == index.get_level_values(name).tolist()
    assert list(rows.index.names) == [None]


def test_an_index_that_contradicts_a_column_of_its_name_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"age": [1, 2]}, index=pd.Index([3, 4], name="age")).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(errors.FileError, match="'age': exists twice"):
        read_frame(tmp_path / "x.parquet")


def test_names_of_synthetic_rows_stay_the_index(tmp_path: Path) -> None:
    for name in (ID_COLUMN, "row", None):
        ids = pd.Index(synthetic_ids("1a2b3c4d", 0, 4), name=name)
        held = pd.DataFrame({"time": [5.0, 8, 12, 20], "event": [1, 0, 1, 0]}, index=ids)
        held.to_parquet(tmp_path / "x.parquet")
        assert hs.read(tmp_path / "x.parquet", endpoints={"os": ("time", "event")}).synthetic


def test_row_labels_left_by_a_filter_make_no_partition_another(frame: pd.DataFrame, tmp_path: Path) -> None:
    folder = put(frame, tmp_path / "filtered")
    frame[frame["age"] > 50].to_parquet(folder / "1.parquet")
    assert set(CohortFolder(folder, **ROLES).columns) == set(frame.columns)


INDEXED = pd.DataFrame({"age": [1.5, 2.5], "sex": ["f", "m"]}, index=pd.Index([7, 8], name="site"))
NOTES = json.loads(pa.Table.from_pandas(INDEXED).schema.metadata[b"pandas"])


def with_notes(text: str, path: Path) -> Path:
    """A Parquet file whose notes of pandas are this text."""
    table = pa.table({"age": [1.5, 2.5], "sex": ["f", "m"], "site": [7, 8]})
    pq.write_table(table.replace_schema_metadata({b"pandas": text.encode()}), path)
    return path


@pytest.mark.parametrize("text", [
    "[" * 100_000, "{}", "[]", "5", "null", "{", json.dumps({**NOTES, "columns": None}),
    json.dumps({**NOTES, "columns": [5]}), json.dumps({**NOTES, "index_columns": [[]]}),
    json.dumps({**NOTES, "index_columns": 5}), json.dumps({**NOTES, "column_indexes": [{}]}),
    json.dumps({**NOTES, "columns": [{**one, "numpy_type": "none"} for one in NOTES["columns"]]}),
    json.dumps({**NOTES, "columns": [{**one, "field_name": [1]} for one in NOTES["columns"]]}),
    json.dumps({**NOTES, "columns": [{**one, "metadata": 5} for one in NOTES["columns"]]}),
    json.dumps({**NOTES, "columns": [{**one, "pandas_type": "datetimetz"} for one in NOTES["columns"]]}),
])  # fmt: skip
def test_broken_notes_of_pandas_are_refused_as_that_or_do_no_harm(text: str, tmp_path: Path) -> None:
    path = with_notes(text, tmp_path / "x.parquet")
    stored_columns(pq.read_schema(path))
    for read in (read_frame, hs.inspect, lambda file: init(file, tmp_path / "out")):
        try:
            read(path)
        except errors.DamagedFileError as error:
            assert "the metadata that pandas wrote about its columns is broken" in str(error)


def test_one_note_that_is_broken_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.DamagedFileError, match="the metadata that pandas wrote about its columns is broken"):
        read_frame(with_notes("[" * 100_000, tmp_path / "x.parquet"))


TWO = pd.MultiIndex.from_arrays([list("ab") * 5, range(10)])


@pytest.mark.parametrize("names", ["rows", "columns"])
def test_rows_or_columns_with_several_names_are_refused_with_the_line_that_joins_them(
    names: str, tmp_path: Path
) -> None:
    held = pd.DataFrame({"time": np.arange(1.0, 11), "event": np.arange(10) % 2})
    columns = pd.MultiIndex.from_tuples([("a", "time"), ("a", "event")])
    held = held.set_axis(TWO) if names == "rows" else held.set_axis(columns, axis=1)
    held.to_parquet(tmp_path / "x.parquet")
    told = f"{names}: have 2 names each"
    for read in (read_frame, hs.inspect, lambda file: init(file, tmp_path / "out")):
        with pytest.raises(errors.FileError, match=told):
            read(tmp_path / "x.parquet")
    with pytest.raises(errors.RoleError, match=told):
        hs.Cohort(held, endpoints={"os": ("time", "event")})


def test_a_row_is_synthetic_by_any_of_its_names() -> None:
    ids = pd.MultiIndex.from_arrays([list("abcd"), synthetic_ids("1a2b3c4d", 0, 4)])
    assert has_synthetic_id(ids).tolist() == [True] * 4
