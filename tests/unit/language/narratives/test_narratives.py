"""Texts carry their label everywhere, and are read back as they were written."""

from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core.errors import HeorsynthError, LabelError, OutputError, TextError
from heorsynth.language.narratives.narratives import Narratives, read_narratives


@pytest.fixture(scope="module")
def texts(synthetic: "hs.Cohort") -> Narratives:
    return hs.narrate(synthetic)


def test_every_text_carries_its_label(texts: Narratives, synthetic: "hs.Cohort") -> None:
    assert all(one.label == synthetic.label for one in texts)
    assert str(texts[0]).endswith(f"[Synthetic: {texts.ids[0]} is no patient. {synthetic.label.statement}]")
    assert texts.to_frame().attrs["heorsynth"]["release"] == synthetic.label.release
    assert [one.id for one in texts[:2]] == list(synthetic.frame.index[:2])
    assert synthetic.label.statement in texts._repr_html_()


def test_a_file_says_in_every_line_that_it_is_synthetic_and_is_read_back(texts: Narratives, tmp_path: Path) -> None:
    path = texts.write(tmp_path / "texts.jsonl")
    assert all("ynthetic" in line for line in path.read_text(encoding="utf-8").splitlines())
    assert read_narratives(path) == texts


def test_characters_of_any_script_survive_a_file(texts: Narratives, tmp_path: Path) -> None:
    odd = Narratives(texts.ids[:1], ("\u05de\u05d8 e\u0301 \u2028 line\nbreak \u202e",), texts.label)
    assert read_narratives(odd.write(tmp_path / "odd.jsonl")).texts == odd.texts


@pytest.mark.parametrize("content", ["", "{", "[]\n", '{"kind": 1}\n', "\x00"])
def test_what_is_no_file_of_narratives_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(HeorsynthError):
        read_narratives(tmp_path / "x.jsonl")


def test_a_file_without_its_label_is_refused(texts: Narratives, tmp_path: Path) -> None:
    path = texts.write(tmp_path / "x.jsonl")
    head, *rest = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join([head.replace('"release"', '"relaese"'), *rest]), encoding="utf-8")
    with pytest.raises(LabelError):
        read_narratives(path)


def test_folders_that_do_not_exist_are_errors(texts: Narratives, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        texts.write(tmp_path / "none" / "x.jsonl")
    with pytest.raises(TextError, match="cannot be read"):
        read_narratives(tmp_path / "none.jsonl")
