"""A blinded sheet, read back: agreement and rates by hand and against statsmodels; bad sheets are refused."""

import csv
from pathlib import Path

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.errors import OutputError, TextError
from heorsynth.language.raters.rating_kit import RatingKit


@pytest.fixture(scope="module")
def kit(synthetic: "hs.Cohort") -> RatingKit:
    return hs.rating_kit(hs.narrate(synthetic), real=[f"A man of {at} was seen." for at in range(40, 60)], n=20, seed=3)


def filled(kit: RatingKit, path: Path, origin: object, fault: object) -> Path:
    with kit.write(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for at, row in enumerate(rows):
        row["origin"], row["fact_error"] = origin(at), fault(at)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def truth(kit: RatingKit) -> object:
    return lambda at: "synthetic" if kit.synthetic[at] else "real"


def test_a_sheet_is_shuffled_and_does_not_tell_the_origin(kit: RatingKit, tmp_path: Path) -> None:
    assert len(kit.texts) == 40 and sum(kit.synthetic) == 20
    assert kit.synthetic != tuple(sorted(kit.synthetic)) and kit.synthetic != tuple(sorted(kit.synthetic, reverse=True))
    text = kit.write(tmp_path / "sheet.csv").read_text(encoding="utf-8")
    assert "SYN-" not in text and "synthetic" not in text.lower()
    key = kit.write_key(tmp_path / "key.csv").read_text(encoding="utf-8")
    assert key.count("SYN-") == 20 and kit.statement in key


def test_the_same_seed_gives_the_same_sheet(synthetic: "hs.Cohort") -> None:
    texts = hs.narrate(synthetic)
    assert hs.rating_kit(texts, n=10) == hs.rating_kit(texts, n=10) != hs.rating_kit(texts, n=10, seed=2)


def test_two_raters_who_know_everything_agree_wholly(kit: RatingKit, tmp_path: Path) -> None:
    sheets = {name: filled(kit, tmp_path / name, truth(kit), lambda at: "no" if at else "yes") for name in "ab"}
    ratings = kit.read(sheets)
    assert ratings.kappa().value == pytest.approx(1)
    assert ratings.called_real().count == 0 and ratings.real_called_synthetic().count == 0
    assert ratings.called_real().n_used == 40 and ratings.called_real().n_total == 20


def test_kappa_and_rates_by_hand(kit: RatingKit, tmp_path: Path) -> None:
    one = filled(kit, tmp_path / "a.csv", lambda at: "real" if at < 20 else "synthetic", lambda at: "no")
    two = filled(kit, tmp_path / "b.csv", lambda at: "real" if at < 10 or at >= 30 else "synthetic", lambda at: "yes")
    three = filled(kit, tmp_path / "c.csv", lambda at: "real" if at < 20 else "synthetic", lambda at: "")
    pair = kit.read({"a": one, "b": two}).kappa()
    assert pair.value == pytest.approx(0) and pair.low < 0 < pair.high
    all_three = kit.read({"a": one, "b": two, "c": three})
    assert all_three.kappa().value == pytest.approx(1 / 3) and all_three.kappa().low < 1 / 3 < all_three.kappa().high
    assert all_three.fact_errors().value == pytest.approx(0.5)
    expected = np.mean([made for at, made in enumerate(kit.synthetic) for made in [at < 20] if kit.synthetic[at]])
    assert kit.read({"a": one}).called_real().value == pytest.approx(float(expected))


@pytest.mark.parametrize("content, found", [
    ("item,text,origin,fact_error\n1,x,real,no\n", "39 items are missing"),
    ("", "40 items are missing"),
])  # fmt: skip
def test_a_sheet_without_its_items_is_refused(kit: RatingKit, tmp_path: Path, content: str, found: str) -> None:
    (tmp_path / "x.csv").write_text(content, encoding="utf-8")
    with pytest.raises(TextError, match=found):
        kit.read({"x": tmp_path / "x.csv"})


def test_other_answers_missing_files_and_no_sheets_are_refused(kit: RatingKit, tmp_path: Path) -> None:
    odd = filled(kit, tmp_path / "odd.csv", lambda at: "perhaps canary", lambda at: "no")
    with pytest.raises(TextError, match="40 other answers") as raised:
        kit.read({"odd": odd})
    assert "canary" not in str(raised.value)
    with pytest.raises(TextError, match="cannot be read"):
        kit.read({"x": tmp_path / "none.csv"})
    with pytest.raises(TextError, match="there is no sheet"):
        kit.read({})
    with pytest.raises(OutputError):
        kit.write(tmp_path / "none" / "x.csv")


def test_one_rater_has_no_agreement_and_a_cell_is_no_formula(synthetic: "hs.Cohort", tmp_path: Path) -> None:
    kit = hs.rating_kit(hs.narrate(synthetic), real=["=1+1"], n=2)
    assert "'=1+1" in kit.write(tmp_path / "s.csv").read_text(encoding="utf-8")
    sheet = filled(kit, tmp_path / "s.csv", lambda at: "real", lambda at: "no")
    with pytest.raises(TextError, match="no two raters"):
        kit.read({"a": sheet}).kappa()
    assert "synthetic called real" in repr(kit.read({"a": sheet}))
    with pytest.raises(TextError, match="between 1 and"):
        hs.rating_kit(hs.narrate(synthetic), n=0)
