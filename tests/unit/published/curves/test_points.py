"""Clicked coordinates: every dialect gives the same frame, and what is no curve is refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from heorsynth.core.errors import EncodingError, FileError, PaperError
from heorsynth.published.curves.points import read_at_risk, read_points

TIMES = (0.0, 2.5, 5.0, 7.5, 10.0)
CURVES = {"Drug A": (1.0, 0.9, 0.75, 0.6, 0.5), "Usual": (1.0, 0.8, 0.6, 0.45, 0.3)}
LONG = [(arm, t, s) for arm, curve in CURVES.items() for t, s in zip(TIMES, curve, strict=True)]


def written(folder: Path, text: str | bytes, name: str = "points.csv") -> Path:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


def rows(folder: Path, text: str) -> list[Sequence[object]]:
    return [tuple(row) for row in read_points(written(folder, text)).values.tolist()]


DIALECTS = {
    "plain": "arm,time,survival\n" + "".join(f"{a},{t},{s}\n" for a, t, s in LONG),
    "other order and names": "Months (from start);Survival probability;Treatment\n"
    + "".join(f"{t};{s};{a}\n" for a, t, s in LONG),
    "percent": "arm,time,percent\n" + "".join(f"{a},{t},{100 * s}\n" for a, t, s in LONG),
    "percent signs": "arm,time,survival\n" + "".join(f"{a},{t},{100 * s:.0f}%\n" for a, t, s in LONG),
    "decimal comma": "arm;time;survival\n" + "".join(f"{a};{t};{s}\n".replace(".", ",") for a, t, s in LONG),
    "shuffled": "arm,time,survival\n" + "".join(f"{a},{t},{s}\n" for a, t, s in [*LONG[4::-1], *LONG[5:]]),
    "WebPlotDigitizer": "Drug A,,Usual,\nX,Y,X,Y\n"
    + "".join(f"{t}, {a},{t}, {b}\n" for t, a, b in zip(TIMES, *CURVES.values(), strict=True)),
    "WebPlotDigitizer, decimal comma": "Drug A;;Usual;\nX;Y;X;Y\n"
    + "".join(f"{t};{a};{t};{b}\n".replace(".", ",") for t, a, b in zip(TIMES, *CURVES.values(), strict=True)),
    "DigitizeIt": "# made by hand\nx\tDrug A\tUsual\n"
    + "".join(f"{t}\t{a}\t\n" for t, a in zip(TIMES, CURVES["Drug A"], strict=True))
    + "".join(f"{t}\t\t{b}\n" for t, b in zip(TIMES, CURVES["Usual"], strict=True)),
    "a byte order mark": "\ufeffarm,time,survival\n" + "".join(f"{a},{t},{s}\n" for a, t, s in LONG),
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
def test_every_dialect_gives_the_same_frame(tmp_path: Path, text: str) -> None:
    assert rows(tmp_path, text) == [pytest.approx(row) if isinstance(row, float) else row for row in LONG]


@pytest.mark.parametrize("head", ["", "x,y\n", "time,survival\n", "Months,Drug A\n"])
def test_one_arm_needs_no_header(tmp_path: Path, head: str) -> None:
    text = head + "".join(f"{t},{s}\n" for t, s in zip(TIMES, CURVES["Drug A"], strict=True))
    found = rows(tmp_path, text)
    assert [row[1:] for row in found] == list(zip(TIMES, CURVES["Drug A"], strict=True))
    assert {row[0] for row in found} == {"Drug A" if "Drug" in head else ""}


def test_data_sets_side_by_side_may_have_different_lengths(tmp_path: Path) -> None:
    text = "A,,B,\nX,Y,X,Y\n" + "".join(f"{t},{1 - t / 20},{t},{1 - t / 10}\n" for t in range(5)) + "6,0.7,,\n"
    frame = read_points(written(tmp_path, text))
    assert frame["arm"].value_counts().to_dict() == {"A": 6, "B": 5}


def curve(*survival: float) -> str:
    return "time,survival\n" + "".join(f"{t},{s}\n" for t, s in enumerate(survival))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (curve(1, 0.9, 0.8, 0.7), "4 points: a curve needs 5"),
        (curve(1.3, 1.2, 0.8, 0.7, 0.6), "survival of 1.3, above 1 and not in percent"),
        (curve(130, 90, 80, 70, 60), "survival of 1.3, above 1 and not in percent"),
        (curve(1, 0.9, 0.8, -0.2, -0.2), "survival of -0.2, below 0"),
        (curve(1, 0.6, 0.5, 0.65, 0.6), "the curve rises by 0.15"),
        ("time,survival\n-3,1\n0,1\n1,0.9\n2,0.8\n3,0.7\n", "a point before time 0"),
        ("time,survival\n0,1\n1,0.9\n2,x\n3,0.7\n4,0.6\n", "1 of 5 points are not numbers"),
        ("arm,time,survival\n", "no coordinates"),
        ("drug\n1,2\n", "1 points: a curve needs 5"),
        ("arm,time,deaths\na,0,1\n", "no column for time or for survival"),
        ("arm,time,survival\na,0\n", "shorter than the header"),
        ("a,b,c\nd,e,f\n1,2,3\n", "a layout that is not known"),
        ("time;survival\n0;1\n1,5;0.9\n", "decimal commas and decimal points"),
        ('arm,time,survival\n"a,0,1\n', "no coordinates"),
    ],
)
def test_what_is_no_curve_is_refused(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(PaperError) as error:
        read_points(written(tmp_path, text))
    assert found in str(error.value)


def test_small_errors_of_clicking_are_kept_for_the_reconstruction(tmp_path: Path) -> None:
    found = rows(tmp_path, curve(1.004, 0.9, 0.905, 0.7, 0.6))
    assert [row[2] for row in found] == [1.004, 0.9, 0.905, 0.7, 0.6]


@pytest.mark.parametrize("start", [b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"II*\x00"])
def test_a_raster_image_is_refused(tmp_path: Path, start: bytes) -> None:
    with pytest.raises(PaperError, match="a raster image, which is not read"):
        read_points(written(tmp_path, start + b"\x00" * 20))


def test_a_pdf_and_a_file_that_is_not_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match="a PDF"):
        read_points(written(tmp_path, b"%PDF-1.7\n"))
    with pytest.raises(EncodingError):
        read_points(written(tmp_path, b"arm\xff,time"))
    with pytest.raises(FileError, match="cannot be read"):
        read_points(tmp_path / "none.csv")


def test_a_file_above_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heorsynth.published.curves.figure_file.MAX_BYTES", 10)
    with pytest.raises(FileError, match="more than 10 bytes"):
        read_points(written(tmp_path, DIALECTS["plain"]))


def test_numbers_at_risk_are_read_and_a_missing_column_is_named(tmp_path: Path) -> None:
    frame = read_at_risk(written(tmp_path, "time;arm;at_risk\n0;A;100\n6,5;A;80\n"))
    assert frame.values.tolist() == [["A", 0.0, 100.0], ["A", 6.5, 80.0]]
    with pytest.raises(PaperError, match="no column at_risk"):
        read_at_risk(written(tmp_path, "arm,time,n\nA,0,100\n"))
    with pytest.raises(PaperError, match="not a number"):
        read_at_risk(written(tmp_path, "arm,time,at_risk\nA,0,many\n"))
