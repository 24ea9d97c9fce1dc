"""Files: what is written comes back with its label; what is broken is refused by name and line, never content."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.sources.adtte import from_adtte

ENDINGS = ["csv", "parquet", "xpt"]


@pytest.fixture(scope="module")
def drawn() -> "hs.Cohort":
    return hs.generators.create("marginals").fit(hs.datasets.load("pbc"), seed=1).sample(n=60, m=2, seed=1)[1]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_synthetic_cohort_comes_back_with_its_rows_its_ids_and_its_label(drawn, tmp_path: Path, ending: str) -> None:
    path = hs.write(drawn, tmp_path / f"cohort.{ending}")
    read = hs.read(path)
    assert read.index.name == "synthetic_id"
    assert read.attrs["heorsynth"]["release"] == drawn.label.release
    wanted, found = (frame.astype(object).where(frame.notna(), None) for frame in (drawn.frame, read))
    pd.testing.assert_frame_equal(found, wanted, check_exact=False, rtol=1e-12)
    seen = hs.inspect(path)
    assert (seen.synthetic, seen.label) == (True, drawn.label)
    assert hs.Cohort(read, endpoints={"os": ("time", "event")}).synthetic is True


@pytest.mark.parametrize("ending", ENDINGS)
def test_writing_twice_gives_the_same_bytes_and_leaves_no_other_file(drawn, tmp_path: Path, ending: str) -> None:
    path = hs.write(drawn, tmp_path / f"cohort.{ending}")
    first = path.read_bytes()
    if ending == "xpt":  # the header holds the second of writing, were it not set
        time.sleep(1.1)
    assert hs.write(drawn, path).read_bytes() == first
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("ending", ENDINGS)
def test_real_patients_are_written_without_a_label_and_no_sign_is_not_proof(tmp_path: Path, ending: str) -> None:
    path = hs.write(hs.datasets.load("pbc"), tmp_path / f"pbc.{ending}")
    seen = hs.inspect(path)
    assert (seen.synthetic, seen.label) == (None, None)
    assert "not proof" in str(seen) and "not proof" in seen._repr_html_()


def test_rows_that_lost_their_label_are_known_by_their_ids_and_not_written_again(drawn, tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    drawn.frame.to_csv(path)
    assert hs.inspect(path).synthetic is True
    assert hs.inspect(path).label is None
    with pytest.raises(errors.LabelError, match="have no label"):
        hs.write(hs.Cohort(hs.read(path), endpoints={"os": ("time", "event")}), tmp_path / "again.csv")
    assert not (tmp_path / "again.csv").exists()


def test_a_sidecar_of_another_file_or_an_edited_file_is_refused(drawn, tmp_path: Path) -> None:
    path = hs.write(drawn, tmp_path / "cohort.csv")
    path.write_text(path.read_text(encoding="utf-8").replace("SYN-", "SYN-0", 1), encoding="utf-8")
    with pytest.raises(errors.LabelError, match="another file"):
        hs.read(path)
    (tmp_path / "cohort.csv.label.json").write_text("{}")
    with pytest.raises(errors.LabelError, match="not a heorsynth label"):
        hs.read(path)


def test_text_that_is_not_utf8_is_refused_with_its_line_and_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("name,cost\nMeier,1\nGrößl,2\n".encode("latin-1"))
    with pytest.raises(errors.EncodingError, match="line 3") as caught:
        hs.read(path)
    assert "Gr" not in str(caught.value)


def test_a_truncated_parquet_file_is_refused(drawn, tmp_path: Path) -> None:
    path = hs.write(drawn, tmp_path / "cohort.parquet")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(errors.DamagedFileError, match="truncated"):
        hs.read(path)


def test_a_truncated_sas_file_is_refused(drawn, tmp_path: Path) -> None:
    path = hs.write(drawn, tmp_path / "cohort.xpt")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(errors.DamagedFileError):
        hs.read(path)


@pytest.mark.parametrize(("name", "content", "kind", "told"), [
    ("none.csv", None, errors.FileError, "cannot be read: there is no such file"),
    ("notes.docx", b"x", errors.FileError, r"\.csv, \.tsv, \.txt"),
    ("empty.csv", b"", errors.DamagedFileError, "is empty"),
    ("unnamed.csv", b"a,b\n1,2,3\n4,5,6\n", errors.DamagedFileError, "more values than its header has names"),
    ("commas.csv", b"a,b\n1,2,\n4,5,\n", errors.DamagedFileError, "more values than its header has names"),
    ("ragged.csv", b"a,b\n1,2\n1,2,3,4\n", errors.DamagedFileError, "different lengths"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes | None, kind: type, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(kind, match=told):
        hs.read(tmp_path / name)


def test_a_folder_that_cannot_be_written_is_refused(drawn, tmp_path: Path) -> None:
    with pytest.raises(errors.OutputError, match="cannot be written"):
        hs.write(drawn, tmp_path / "none" / "cohort.csv")
    with pytest.raises(errors.FileError, match="cannot be written"):
        hs.write(drawn, tmp_path / "cohort.xlsx")


def small_cohort(**columns: object) -> "hs.Cohort":
    frame = pd.DataFrame({"time": np.arange(1.0, 41.0), "event": np.arange(40) % 2, **columns})
    return hs.Cohort(frame, endpoints={"os": ("time", "event")})


@pytest.mark.parametrize("blocked", ["cohort.csv", "cohort.csv.label.json"])
def test_neither_rows_nor_label_are_left_when_one_of_them_cannot_be_written(
    drawn, tmp_path: Path, blocked: str
) -> None:
    (tmp_path / blocked).mkdir()
    with pytest.raises(errors.OutputError, match="cannot be written"):
        hs.write(drawn, tmp_path / "cohort.csv")
    assert [path.name for path in tmp_path.iterdir()] == [blocked]


def test_a_write_that_fails_leaves_the_former_file_and_its_label(drawn, tmp_path: Path, monkeypatch) -> None:
    path = hs.write(drawn, tmp_path / "cohort.csv")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("heorsynth.data.files.io.os.fdopen", full)
    with pytest.raises(errors.OutputError, match="No space left"):
        hs.write(drawn.take(np.arange(30)), path)
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_real_patients_written_over_a_synthetic_file_lose_its_label(drawn, tmp_path: Path) -> None:
    path = hs.write(drawn, tmp_path / "cohort.csv")
    hs.write(hs.datasets.load("pbc"), path)
    assert hs.inspect(path).synthetic is None
    assert len(hs.read(path)) == 418


def test_synthetic_ids_are_known_under_another_name(drawn, tmp_path: Path) -> None:
    path = tmp_path / "renamed.csv"
    drawn.frame.reset_index().rename(columns={"synthetic_id": "patient"}).to_csv(path, index=False)
    assert hs.inspect(path).synthetic is True


def test_a_csv_keeps_every_digit_and_the_level_none(tmp_path: Path) -> None:
    numbers = np.random.default_rng(3).normal(size=40) * 1e3
    path = hs.write(small_cohort(number=numbers, therapy=np.tile(["None", "some"], 20)), tmp_path / "c.csv")
    back = hs.read(path)
    assert (back["number"] == numbers).all()
    assert back["therapy"].tolist() == ["None", "some"] * 20


def test_missing_values_written_by_r_and_sas_are_missing(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("age,cost,text\n61,NA,a\n.,3,NA\n,4,b\n")
    read = hs.read(tmp_path / "r.csv")
    assert read.isna().sum().tolist() == [2, 1, 1]
    assert read["age"].dtype == float


@pytest.mark.parametrize("ending", ENDINGS)
def test_whole_numbers_and_booleans_with_missing_values_come_back(tmp_path: Path, ending: str) -> None:
    cohort = small_cohort(
        whole=pd.array([1, 2, None, 4] * 10, dtype="Int64"),
        flag=pd.array([True, None, False, True] * 10, dtype="boolean"),
        text=["a", None, "b", "b"] * 10,
    )
    back = hs.read(hs.write(cohort, tmp_path / f"c.{ending}"))
    for name in ("whole", "flag", "text"):
        assert back[name].isna().tolist() == cohort.frame[name].isna().tolist()
        assert back[name].dropna().tolist() == cohort.frame[name].dropna().tolist()


def test_a_name_that_sas_cannot_hold_is_refused_by_name_and_nothing_is_left(tmp_path: Path) -> None:
    cohort = small_cohort(**{"ph.ecog": np.arange(40)})
    with pytest.raises(errors.FileError, match=r"'ph\.ecog'"):
        hs.write(cohort, tmp_path / "c.xpt")
    assert list(tmp_path.iterdir()) == []


def test_an_adtte_table_has_its_inverse_coding_turned_round() -> None:
    table = pd.DataFrame({
        "USUBJID": [f"01-{i}" for i in range(8)] * 2, "PARAMCD": ["OS"] * 8 + ["PFS"] * 8,
        "AVAL": np.arange(1.0, 17.0), "CNSR": [0, 1, 0, 2, 0, 0, 1, 0] * 2, "TRTP": ["A", "B"] * 8,
        "AGE": range(50, 66),
    })  # fmt: skip
    frame, roles = from_adtte(table, "OS")
    cohort = hs.Cohort(frame, **roles)
    assert cohort.n == 8
    assert cohort.outcome("os")[1].tolist() == [1, 0, 1, 0, 1, 1, 0, 1]
    assert cohort.arm_levels == ("A", "B")
    assert from_adtte(table.assign(AVALU="MONTHS"), "OS")[1]["unit"] == "month"
    assert "unit" not in from_adtte(table.assign(AVALU="CYCLES"), "OS")[1]
    with pytest.raises(errors.FileError, match="no parameter 'EFS'"):
        from_adtte(table, "EFS")
    with pytest.raises(errors.FileError, match="lacks CNSR"):
        from_adtte(table.drop(columns="CNSR"), "OS")


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_one_comma_in_each_row_of_a_text_column_does_not_make_a_title_of_the_header(
    tmp_path: Path, separator: str
) -> None:
    rows = [["time", "event", "name"], *([str(row + 1), str(row % 2), f"Doe, Ann{row % 3}"] for row in range(30))]
    file = tmp_path / "names.csv"
    file.write_text("\n".join(separator.join(row) for row in rows) + "\n", encoding="utf-8")
    found = hs.read(file)
    assert list(found.columns) == ["time", "event", "name"] and len(found) == 30
