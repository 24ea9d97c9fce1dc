"""A hostile file is refused before it fills the memory, and a wide one is looked over in bounded time."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.core.errors import nearest
from heorsynth.data import inspect as signs
from heorsynth.data.files import limits, sheets
from heorsynth.data.files.csv_dialect import PART_BYTES
from heorsynth.data.files.io import read_frame

PEAK = """
import resource, sys
from heorsynth.data.files.io import read_frame
from heorsynth.core.errors import FileError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        read_frame(name, scan=True)
    except FileError as error:
        print(str(error).replace(chr(10), " "))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_hostile_files_are_refused_within_little_memory(tmp_path: Path) -> None:
    """Sparse files of nearly 4 GB of every kind, a cell of 50 MB, and 190 million zeros in less than 1 MB."""
    told = {}
    for name in ("p.csv", "p.parquet", "p.xpt", "p.feather", "p.xlsx", "p.sav", "p.dta"):
        with (tmp_path / name).open("wb") as file:
            file.write(b"a,b\n1,2\n")
            file.truncate(3_900_000_000 - 3_900_000_000 % 80)
        told[name] = f"file '{name}' has 1 problem"
    (tmp_path / "cell.csv").write_text("a,b\n1," + "x" * 50_000_000 + "\n2,3\n", encoding="utf-8")
    told["cell.csv"] = "a cell has 110,000 characters or more"
    zeros = pa.table({"a": np.zeros(5_000_000, dtype=np.int64)})
    with pq.ParquetWriter(tmp_path / "z.parquet", zeros.schema, compression="zstd") as writer:
        for _ in range(38):
            writer.write_table(zeros)
    assert (tmp_path / "z.parquet").stat().st_size < 1_000_000
    told["z.parquet"] = "that unfold to 1,520,000,000: almost all of it is repetition"
    files = [str(tmp_path / name) for name in told]
    done = subprocess.run([sys.executable, "-c", PEAK, *files], check=True, capture_output=True, text=True)
    *said, grown = done.stdout.strip().splitlines()
    assert all(wanted in found for wanted, found in zip(told.values(), said, strict=True))
    assert int(grown) < 200  # MiB; to read them took 7,800, 11,000 and 3,800


@pytest.mark.parametrize("text", ["x" * 300, '"' + "x,y\n" * 75 + '"'])
def test_a_long_cell_is_refused_quoted_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(limits, "MAX_CELL", 200)
    monkeypatch.setattr(limits, "WINDOW", 20)
    (tmp_path / "p.csv").write_text(f"a,b\n1,{text}\n2,3\n", encoding="utf-8")
    for read in (hs.read, hs.inspect):
        with pytest.raises(errors.FileError, match="the limit is 200"):
            read(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_text("a,b\n1," + "x" * 200 + "\n2,3\n", encoding="utf-8")
    assert len(hs.read(tmp_path / "p.csv")) == 2


def test_a_table_of_many_patients_is_not_taken_for_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ALWAYS_ALLOWED", 100_000)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"time": rng.integers(1, 4000, 20_000), **{f"flag{i}": 0 for i in range(30)}})
    frame.to_parquet(tmp_path / "p.parquet")
    assert len(read_frame(tmp_path / "p.parquet")) == 20_000


def test_a_workbook_is_measured_by_what_it_unpacks_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame({"a": range(50)}).to_excel(tmp_path / "p.xlsx", index=False)
    monkeypatch.setattr(sheets, "MAX_SHEET_BYTES", 5000)
    with pytest.raises(errors.FileError, match="bytes unfolded: the limit is 5,000"):
        read_frame(tmp_path / "p.xlsx")


@pytest.mark.parametrize("at", [PART_BYTES - 3, PART_BYTES - 1, PART_BYTES, PART_BYTES + 5])
def test_a_byte_that_is_no_text_is_found_wherever_a_part_ends_and_its_line_is_named(tmp_path: Path, at: int) -> None:
    lines = at // 4
    (tmp_path / "p.csv").write_bytes(b"a,b\n" + b"1,2\n" * (lines - 1) + "é".encode() + b",2\n\xff,3\n")
    with pytest.raises(errors.EncodingError, match=f"line {lines + 2}: not UTF-8"):
        read_frame(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_bytes(b"a,b\n" + b"1,2\n" * lines + b"\0,3\n")
    with pytest.raises(errors.EncodingError, match=f"line {lines + 2}: not UTF-8 text"):
        read_frame(tmp_path / "p.csv")


def test_of_a_very_wide_table_some_columns_are_looked_at_and_the_mark_is_still_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = hs.generators.create("heor").fit(hs.datasets.load("pbc"), seed=1).sample(n=2000, m=1, seed=1)[0]
    wide = drawn.rows.reset_index(drop=True)
    monkeypatch.setattr(signs, "MOST_COLUMNS", 10)
    assert len(signs._narrowed(wide).columns) == 10
    assert "mark of heorsynth" in signs.sign_of(wide)


def test_a_missing_column_among_ten_thousand_is_told_with_the_nearest_few() -> None:
    wide = pd.DataFrame(np.ones((20, 10_000)), columns=[f"gene{at:05}" for at in range(10_000)])
    with pytest.raises(errors.MissingColumnError) as caught:
        hs.Cohort(wide, endpoints={"os": ("time", "event")})
    assert len(str(caught.value)) < 1000 and "none of the 10,000 names is close" in str(caught.value)
    assert nearest("gene1234", wide.columns) == "did you mean 'gene01234'?"
    assert nearest("Sex", ["sex", "age"]) == "did you mean 'sex'?"
    assert len(nearest("q", ["x" * 100_000, "y"])) < 200
