"""`init` of a paper file: a protocol that runs, its guesses, and what a person must look at."""

from pathlib import Path

import pytest

from heorsynth.core.errors import PaperError
from heorsynth.protocol.file.published import trial_of
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.start.init import init
from heorsynth.protocol.start.paper import draft_of_paper


def test_the_drafted_protocol_reads_and_names_the_paper(printed_trial, tmp_path: Path) -> None:
    printed_trial.changed(tmp_path)
    start = init(tmp_path / "paper.yaml", tmp_path)
    assert start.protocol.name == "paper_protocol.yaml" and start.notebook.exists()
    spec = read_protocol(start.protocol)
    assert spec.document.purpose == "indirect-comparison" and spec.document.generator.m == 20
    assert trial_of(spec).options.endpoints == ("pfs", "os")
    assert "published_curves" in start.notebook.read_text()
    told = " ".join(repr(start).split())
    assert "endpoints pfs, os those with a curve" in told and "numbers at risk of pfs" in told


def test_a_paper_that_prints_nothing_to_test_is_asked_for_it(printed_trial, tmp_path: Path) -> None:
    text = printed_trial.path.read_text()
    start = text.index("    medians:")
    cut = text[start : text.index("  pfs:\n")]
    path = printed_trial.changed(tmp_path, (cut, ""))
    assert any("nothing tests the cohorts" in one for one in draft_of_paper(path, "paper.yaml").questions)


def test_a_contradiction_is_a_question(printed_trial, tmp_path: Path) -> None:
    path = printed_trial.changed(tmp_path, ("female: {drug: 40 (40%)", "female: {drug: 40 (47%)"))
    assert any("2 contradictions" in one for one in draft_of_paper(path, "paper.yaml").questions)


def test_a_wrong_paper_file_is_refused_and_nothing_is_written(printed_trial, tmp_path: Path) -> None:
    printed_trial.changed(tmp_path, ("citations: {smith: Smith A et al. (2020) J Trials 1:1}", "citations: {}"))
    with pytest.raises(PaperError, match="the file cites nothing"):
        init(tmp_path / "paper.yaml", tmp_path / "out")
    assert not (tmp_path / "out").exists()
