"""A proposed paper file is read only where a person accepted every fact, and every number is quoted."""

from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core.errors import PaperError

PROPOSED = """\
paper: 1
title: A trial
citations: {smith: Smith A (2020) J Trials 1:1}
arms: {drug: {n: 60, source: Table 1}}
proposal:
  made_by: openai:m
  call: 1a2b
  facts:
  - {fact: n.drug, quotes: ["Sixty patients took the drug."], accepted_by: Anna, accepted_on: 2026-11-30}
"""


def read(folder: Path, *replacements: tuple[str, str]) -> "hs.published.Paper":
    text = PROPOSED
    for old, new in replacements:
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "paper.yaml").write_text(text, encoding="utf-8")
    return hs.published.read(folder / "paper.yaml")


def test_an_accepted_proposal_is_read_and_says_who_accepted_it(tmp_path: Path) -> None:
    paper = read(tmp_path)
    assert paper.arms == ("drug",)
    assert "openai:m; accepted by Anna on 2026-11-30" in repr(paper)


@pytest.mark.parametrize("gone", [", accepted_by: Anna, accepted_on: 2026-11-30", ", accepted_by: Anna"])
def test_a_proposal_that_nobody_accepted_is_refused(tmp_path: Path, gone: str) -> None:
    with pytest.raises(PaperError, match=r"line 9.*the model's proposal of 'n.drug' was accepted by nobody"):
        read(tmp_path, (gone, ""))


def test_an_acceptance_without_its_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"the day of the acceptance of 'n.drug' is missing"):
        read(tmp_path, ("2026-11-30", "today"))


def test_a_number_changed_after_the_acceptance_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"line 4, arms.drug.n: 600 stands in no sentence quoted for 'n.drug'"):
        read(tmp_path, ("n: 60,", "n: 600,"))


def test_a_number_added_after_the_acceptance_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PaperError, match=r"a number of 'n.usual' that the proposal does not quote"):
        read(tmp_path, ("{n: 60, source: Table 1}", "{n: 60, source: Table 1}, usual: {n: 58, source: Table 1}"))
