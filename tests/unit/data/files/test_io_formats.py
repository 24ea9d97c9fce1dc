"""Files of other programs and of other layouts: the same rows come back, what was decided is said, what is broken is
refused as its own error and without a patient's value."""

import gzip
import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyreadstat
import pytest

import heorsynth as hs
from heorsynth.cli import BAD_INPUT, main
from heorsynth.core import errors
from heorsynth.data.columns.number_text import content_of, parsed
from heorsynth.data.columns.reading_notes import notes_of
from heorsynth.data.files import csv_dialect as delimited
from heorsynth.data.files import limits, sheets
from heorsynth.data.files.io import CONVERTED, READERS, read_frame
from heorsynth.data.files.text_layout import MISSING
from heorsynth.protocol.file.source import read_origin
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.start.init import init

CANARY = "Canary-8842"
N = 30
PAGE = (Path(__file__).resolve().parents[4] / "docs" / "reading-files.md").read_text(encoding="utf-8")


def patients() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame({
        "pid": [f"{CANARY}{i}" for i in range(N)], "days": rng.integers(1, 900, N), "status": np.arange(N) % 2,
        "sex": np.tile(["f", "m", "m"], N // 3), "age": rng.normal(60, 9, N).round(1),
    })  # fmt: skip


TEXT = patients().to_csv(index=False)


@pytest.mark.parametrize(("text", "above"), [
    ("sep=;\n" + patients().to_csv(index=False, sep=";"), 1),
    ('"sep=;"\r\n' + patients().to_csv(index=False, sep=";", lineterminator="\r\n"), 1),
    ("# exported, by us\n# at noon\n" + TEXT, 2),
    ("#" + TEXT, 0),
    ("A cohort of 2024\n\n" + TEXT, 2),
    ("A cohort, of 2024\n" + TEXT, 1),
    ("A cohort of 2024,,,,\n,,,,\n" + TEXT, 2),
])  # fmt: skip
def test_lines_above_the_header_are_left_out_and_said(tmp_path: Path, text: str, above: int) -> None:
    (tmp_path / "p.csv").write_text(text, encoding="utf-8", newline="")
    frame = read_frame(tmp_path / "p.csv")
    assert list(notes_of(frame)) == (
        [f"{above} line{'s' if above > 1 else ''} above the header not read."] if above else []
    )
    frame.attrs = {}
    pd.testing.assert_frame_equal(frame, patients())
    scanned = read_frame(tmp_path / "p.csv", scan=True)
    assert list(scanned.columns) == list(frame.columns) and len(scanned) == N
    if above:
        with pytest.warns(UserWarning, match="above the header not read"):
            hs.read(tmp_path / "p.csv")
        assert "above the header not read" in init(tmp_path / "p.csv", tmp_path / "out").layout


@pytest.mark.parametrize("text", ["a,b\nx,y\nu,v,w\n", ",a,b\nMazda,x,y\nFiat,x,z\nOpel,u,v\n", "note\nx\ny\n"])
def test_a_header_is_never_taken_for_a_title(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    try:
        assert len(read_frame(tmp_path / "p.csv")) == text.count("\n") - 1
    except errors.DamagedFileError as error:
        assert "line 3: rows of different lengths: 3 values here, 2 above" in str(error)


@pytest.mark.parametrize(("text", "told"), [
    (TEXT.replace("age", "days", 1), "columns: named twice: days"),
    (TEXT + "Source: the registry\n", "last line: holds a single text and no other value"),
    (TEXT + "Source: the registry,,,,\n", "last line: holds a single text and no other value"),
    (TEXT + "Source: the registry\nKey: f female\n", "last 2 lines: hold a single text and no other value"),
    (TEXT + ",,Source: the registry,,\n", "last line: holds a single text and no other value"),
    (patients().to_csv(index=False, sep=" "), "columns separated by spaces"),
])  # fmt: skip
def test_text_that_would_be_read_wrong_is_refused_without_a_value(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "p.txt").write_text(text, encoding="utf-8")
    for read in (hs.read, lambda file: init(file, tmp_path / "out")):
        with pytest.raises(errors.FileError, match=told) as caught:
            read(tmp_path / "p.txt")
        assert CANARY not in str(caught.value)


ROWS = [f"{i + 1},{i % 2},{'ab'[i % 2]},{i}.5" for i in range(60)]


@pytest.mark.parametrize(("rows", "n_short"), [
    ([*ROWS, "61,1", "62,0"], 2), ([*ROWS, "650,0,b"], 1), ([*ROWS[:9], "61,1,a", *ROWS], 1),
    ([*ROWS, "61,1,a,", *["62,0,b"] * 30], 30),
])  # fmt: skip
def test_lines_that_are_cut_short_are_refused(tmp_path: Path, rows: list[str], n_short: int) -> None:
    (tmp_path / "p.csv").write_text("\n".join(["time,event,arm,cost", *rows]), encoding="utf-8")
    for scan in (False, True):
        with pytest.raises(errors.DamagedFileError, match=rf"line \d+: {n_short} lines? ha.* fewer values than"):
            read_frame(tmp_path / "p.csv", scan=scan)


def test_empty_cells_that_an_exporter_left_out_at_line_ends_are_missing_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("\n".join(["time,event,arm,cost", *ROWS, *["62,0,b"] * 9]), encoding="utf-8")
    with pytest.warns(UserWarning, match="9 lines end before the last column"):
        assert hs.read(tmp_path / "p.csv")["cost"].isna().sum() == 9
    (tmp_path / "q.csv").write_text("\n".join(["time,event,arm,cost", *ROWS, "62,0,b,", ""]), encoding="utf-8")
    assert read_frame(tmp_path / "q.csv")["cost"].isna().sum() == 1


def test_leading_zeros_and_digits_too_long_for_a_number_stay_text(tmp_path: Path) -> None:
    frame = patients().assign(
        site=[f"{i % 7:02}" for i in range(N)], card=[f"{10**16 + i}" for i in range(N)], dose=np.tile([0, 0.5, 1], 10),
        zero=0,
    )  # fmt: skip
    frame.loc[3, ["site", "card"]] = None
    frame.to_csv(tmp_path / "p.csv", index=False)
    for scan in (False, True):
        read = read_frame(tmp_path / "p.csv", scan=scan)
        assert read["site"].dropna().tolist() == frame["site"].dropna().tolist()
        assert read["card"].dropna().tolist() == frame["card"].dropna().tolist()
        assert read["dose"].tolist() == frame["dose"].tolist() and read["zero"].dtype == np.int64


CODES = [
    ["250.00", "250.0", "250.01", "272.40"], ["01", "02", "-9"], ["01", " 02"], ["001E5", "002E5"], ["1E5", "100000"],
    ["+49000001", "+49000002"], ["001.1", "250.1"], [f"1.{i:018}" for i in range(60)],
]  # fmt: skip
NUMBERS = [["1.50", "2.25", "3.00"], ["1.5", "2.25"], ["7.0", "7.25"], ["1e+05", "3"], ["1.50", "12.0"], ["+1", "-2"]]


@pytest.mark.parametrize("cells", CODES + NUMBERS)
def test_spellings_that_tell_codes_are_kept_and_measurements_are_numbers(tmp_path: Path, cells: list[str]) -> None:
    column = np.resize(np.array(cells, dtype=object), 120)
    pd.DataFrame({"code": column, "days": range(1, 121)}).to_csv(tmp_path / "p.csv", index=False)
    for scan in (False, True):
        read = read_frame(tmp_path / "p.csv", scan=scan)["code"]
        if cells in CODES:
            assert read.tolist() == [cell.strip() for cell in column]
        else:
            assert read.tolist() == [float(cell) for cell in column]
    holds = content_of(*parsed(pd.Series(column)))
    assert holds == ("codes" if cells in CODES else "numbers")


def test_a_code_that_comes_late_in_a_long_file_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "\n".join(["1,2"] * 5000)
    (tmp_path / "p.csv").write_text(f"a,b\n{rows}\n007,3\n", encoding="utf-8")
    for part in (1001, 20_004, 20_005, 20_006, 4_000_000):  # a part may end within the code
        monkeypatch.setattr(delimited, "PART_BYTES", part)
        assert read_frame(tmp_path / "p.csv")["a"].iloc[-1] == "007"


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".txt", ".csv.gz", ".parquet", ".feather", ".xlsx", ".sav", ".dta"])
def test_every_kind_of_file_gives_the_same_rows_and_the_same_ids(tmp_path: Path, ending: str) -> None:
    frame, path = patients(), tmp_path / f"p{ending}"
    if ending in (".csv", ".tsv", ".txt"):
        frame.to_csv(path, index=False, sep="\t" if ending != ".csv" else ",")
    elif ending == ".csv.gz":
        path.write_bytes(gzip.compress(TEXT.encode()))
    elif ending == ".xlsx":
        frame.to_excel(path, index=False)
    elif ending in (".sav", ".dta"):
        (pyreadstat.write_sav if ending == ".sav" else pyreadstat.write_dta)(frame, str(path))
    else:
        (frame.to_feather if ending == ".feather" else frame.to_parquet)(path)
    read = read_frame(path)
    pd.testing.assert_frame_equal(read, frame, check_dtype=False)
    assert hs.inspect(path).synthetic is None
    assert init(path, tmp_path / "out").protocol.name == "p.yaml"
    drawn = hs.generators.create("marginals").fit(hs.datasets.load("pbc"), seed=1).sample(n=60, m=1, seed=1)[0].frame
    if ending == ".feather":
        drawn.reset_index().to_feather(path)
        assert hs.inspect(path).synthetic is True


def test_labels_of_codes_are_read_where_every_code_has_its_own_and_it_is_said(tmp_path: Path) -> None:
    frame = patients().assign(grade=np.tile([1, 2, 99], 10), same=np.tile([1, 2], 15))
    labels = {"status": {0: "alive", 1: "dead"}, "grade": {99: "unknown"}, "same": {1: "yes", 2: "yes"}}
    for name, write in (("p.sav", pyreadstat.write_sav), ("p.dta", pyreadstat.write_dta)):
        write(frame, str(tmp_path / name), variable_value_labels=labels)
        with pytest.warns(UserWarning) as warned:
            read = hs.read(tmp_path / name)
        assert read["status"].tolist() == ["alive", "dead"] * (N // 2)
        assert read["grade"].tolist() == frame["grade"].tolist() and read["same"].tolist() == frame["same"].tolist()
        told = " ".join(str(one.message) for one in warned)
        assert "Codes read as their labels: status." in told
        assert "Codes kept, because only some of them have a label: grade, same." in told
        start = init(tmp_path / name, tmp_path / name.replace(".", "_"))
        assert "Codes read as their labels: status" in start.layout
        assert 'event_map: {"alive": 0, "dead": 1}' in start.protocol.read_text(encoding="utf-8")


def test_the_first_sheet_with_a_table_is_read_and_named(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "p.xlsx") as book:
        pd.DataFrame().to_excel(book, sheet_name="empty", index=False)
        patients().assign(sex="NA").to_excel(book, sheet_name="data", index=False, startrow=2)
        book.sheets["data"]["A1"] = "A cohort of 2024"
    read = read_frame(tmp_path / "p.xlsx")
    assert read["days"].tolist() == patients()["days"].tolist() and read["sex"].isna().all()
    assert list(notes_of(read)) == [
        "Read from the sheet 'data', the first with a table of 2.", "1 line above the header not read.",
    ]  # fmt: skip


def test_a_named_sheet_is_read_by_a_protocol_too_and_a_wrong_name_gets_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "p.xlsx"
    with pd.ExcelWriter(path) as book:
        patients().assign(days=1).to_excel(book, sheet_name="data", index=False)
        patients().to_excel(book, sheet_name="hidden", index=False)
        book.sheets["hidden"].sheet_state = "hidden"
    assert hs.read(path, sheet="hidden")["days"].tolist() == patients()["days"].tolist()
    start = init(path, tmp_path / "out", "hidden")
    protocol = read_protocol(start.protocol)
    assert protocol.document.cohort.source.sheet == "hidden"
    assert read_origin(protocol).cohort.frame["days"].tolist() == patients()["days"].tolist()
    with pytest.raises(errors.FileError, match=r"no sheet 'hiden'\n +fix: did you mean 'hidden'"):
        hs.read(path, sheet="hiden")
    (tmp_path / "p.csv").write_text(TEXT, encoding="utf-8")
    with pytest.raises(errors.FileError, match=r"only a .xlsx file has sheets"):
        hs.read(tmp_path / "p.csv", sheet="data")
    text = start.protocol.read_text(encoding="utf-8")
    start.protocol.write_text(re.sub(r"source: .*", "source: {dataset: pbc, sheet: data}", text), encoding="utf-8")
    with pytest.raises(errors.ProtocolError, match="sheet: belongs to another source"):
        read_origin(read_protocol(start.protocol))


def test_dates_and_declared_missing_codes_of_spss_stata_and_excel_are_kept_apart(tmp_path: Path) -> None:
    frame = patients().assign(
        seen=pd.date_range("2020-01-05", periods=N, freq="11D"), dose=np.tile([1.0, 2.0, -9.0], 10)
    )
    frame.loc[3, "seen"] = pd.NaT
    expected = (frame["seen"] - pd.Timestamp("1970-01-01")).dt.days
    pyreadstat.write_sav(frame, str(tmp_path / "p.sav"), missing_ranges={"dose": [-9.0]})
    frame.assign(dose=frame["dose"].where(frame["dose"] > 0)).to_stata(
        tmp_path / "p.dta", write_index=False, convert_dates={"seen": "td"}
    )
    frame.to_excel(tmp_path / "p.xlsx", index=False)
    for ending, mark in ((".sav", ()), (".dta", ()), (".xlsx", [-9])):
        cohort = hs.read(
            tmp_path / f"p{ending}", endpoints={"os": ("days", "status")}, id="pid", kind={"seen": "date"}, missing=mark
        )
        pd.testing.assert_series_equal(cohort.frame["seen"], expected, check_dtype=False)
        assert cohort.frame["dose"].isna().tolist() == (frame["dose"] < 0).tolist()


def test_a_workbook_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["time", "time", "x"], [1, 2, 3], [4, 5, 6]):
        book.active.append(row)
    book.save(tmp_path / "p.xlsx")
    with pytest.raises(errors.FileError, match="named twice: time"):
        hs.read(tmp_path / "p.xlsx")


@pytest.mark.parametrize(("merged", "n_within"), [
    (["C5:C8"], 1), (["C5:C8", "C9:C12"], 2), (["A3:B3"], 1), (["A1:E1"], 0), (["J5:K8"], 0), ([], 0),
])  # fmt: skip
def test_merged_cells_in_a_table_are_refused_and_those_of_a_title_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merged: list[str], n_within: int
) -> None:
    book = openpyxl.Workbook()
    patient_rows = ([i + 1, i % 2, "ab"[i % 2], i * 2] for i in range(60))
    for row in (["Patients of 2021"], [], ["time", "event", "arm", "cost"], *patient_rows):
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    book.save(tmp_path / "p.xlsx")
    for part in (211, 1_000_000):  # a part may end within a range
        monkeypatch.setattr(sheets, "PART_BYTES", part)
        if n_within:
            with pytest.raises(errors.FileError, match=rf"{n_within} ranges? of merged cells in the table"):
                read_frame(tmp_path / "p.xlsx")
        else:
            assert read_frame(tmp_path / "p.xlsx").shape == (60, 4)


def test_a_workbook_needs_openpyxl_and_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patients().to_excel(tmp_path / "p.xlsx", index=False)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(errors.FileError, match=r"pip install 'heorsynth\[files\]'"):
        hs.read(tmp_path / "p.xlsx")


@pytest.mark.parametrize("ending", [".xlsx", ".feather", ".csv.gz", ".sav", ".dta", ".parquet"])
@pytest.mark.parametrize("spoil", [lambda raw: raw[: len(raw) // 2], lambda raw: b"no such file", lambda raw: b""])
def test_a_damaged_file_is_refused_as_one_by_every_command(
    tmp_path: Path, ending: str, spoil, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    test_every_kind_of_file_gives_the_same_rows_and_the_same_ids(tmp_path, ending)
    path = tmp_path / f"p{ending}"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(errors.FileError) as caught:
        hs.read(path)
    assert CANARY not in str(caught.value)
    for command in (["inspect", str(path)], ["init", str(path), "--out", str(tmp_path / "again")]):
        monkeypatch.setattr(sys, "argv", ["heorsynth", *command])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == BAD_INPUT and CANARY not in "".join(capsys.readouterr())


@pytest.mark.parametrize("ending", [".xlsx", ".feather", ".csv.gz", ".sav", ".dta", ".parquet"])
def test_bytes_changed_anywhere_give_rows_or_an_error_of_ours(tmp_path: Path, ending: str) -> None:
    test_every_kind_of_file_gives_the_same_rows_and_the_same_ids(tmp_path, ending)
    path, rng = tmp_path / f"p{ending}", np.random.default_rng(5)
    whole = path.read_bytes()
    for _ in range(60):
        raw = bytearray(whole)
        at = int(rng.integers(0, len(raw) - 8))
        raw[at : at + 8] = rng.bytes(8)
        path.write_bytes(bytes(raw))
        try:
            read_frame(path)
        except errors.HeorsynthError as error:
            assert CANARY not in str(error)


def test_a_label_beside_a_file_of_any_kind_is_read_and_must_be_its_own(tmp_path: Path) -> None:
    drawn = hs.generators.create("marginals").fit(hs.datasets.load("pbc"), seed=1).sample(n=60, m=1, seed=1)[0]
    rows, path = drawn.frame.reset_index(), tmp_path / "p.xlsx"
    rows.attrs = {}
    rows.to_excel(path, index=False)
    facts = {"file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "label": drawn.label.to_dict()}
    (tmp_path / "p.xlsx.label.json").write_text(json.dumps(facts), encoding="utf-8")
    assert hs.inspect(path).label == drawn.label
    rows.head(50).to_excel(path, index=False)
    with pytest.raises(errors.LabelError, match="belongs to another file"):
        hs.read(path)


@pytest.mark.parametrize("ending", sorted(CONVERTED))
def test_a_file_that_is_not_read_is_refused_with_how_to_convert_it(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"p{ending}").write_bytes(b"x")
    with pytest.raises(errors.FileError) as caught:
        hs.inspect(tmp_path / f"p{ending}")
    assert caught.value.problems[0].fix == CONVERTED[ending]
    assert ("because opening one runs code" in str(caught.value)) == (ending in (".pkl", ".pickle"))


def test_the_page_lists_the_endings_and_the_missing_marks_that_the_code_reads() -> None:
    endings = PAGE.split("## Endings")[1].split("Other files")[0]
    first = "\n".join(line.split("|")[1] for line in endings.splitlines() if "|" in line)
    assert set(re.findall(r"`(\.[a-z0-9.]+)`", first)) == set(READERS)
    marks = PAGE.split("## Missing values")[1].split('"None"')[0]
    assert re.findall(r"^\| `(.+)` \|$", marks, flags=re.MULTILINE) == MISSING[1:] and "(empty)" in marks
    shown = {int(one.replace(",", "")) for one in re.findall(r"\| ([\d,]+) \|$", PAGE, flags=re.MULTILINE)}
    asked = (limits.MAX_BYTES, limits.MAX_CELLS, limits.MAX_COLUMNS, limits.MAX_CELL, limits.MAX_RATIO)
    assert shown == {*asked, sheets.MAX_SHEET_BYTES}


def test_an_arrow_file_of_zeros_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    zeros = pa.table({"a": np.zeros(60_000_000, dtype=np.int64)})
    pyarrow.feather.write_feather(zeros, tmp_path / "z.feather", compression="zstd")
    assert (tmp_path / "z.feather").stat().st_size < 960_000
    with pytest.raises(errors.FileError, match=r"unfold to 200,\d{3},\d{3}: almost all of it is repetition"):
        read_frame(tmp_path / "z.feather")
