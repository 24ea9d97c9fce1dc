"""A protocol whose source is a paper: its run folder, what the files rest on, and the second run."""

import json
import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core.errors import CurveError, ProtocolError
from heorsynth.data.files.io import label_of, read_frame
from heorsynth.published.trial.trial import PublishedTrial

PROTOCOL = """\
heorsynth: 1
title: A published trial
purpose: indirect-comparison
cohort: {source: {published: paper.yaml}}
generator: {seed: 1, m: 6, options: {endpoints: [os]}}
notebook: short.ipynb
"""


def study(folder: Path, printed_trial, *replacements: tuple[str, str]) -> Path:
    """A protocol, its paper and a notebook of one cell, in a folder."""
    printed_trial.changed(folder, *replacements)
    parameters = nbformat.v4.new_code_cell('PROTOCOL = "x"\nOUT = "y"\nRUN = None', metadata={"tags": ["parameters"]})
    reads = nbformat.v4.new_code_cell("import heorsynth as hs\nprint(hs.Run.open(RUN).cohort.n)")
    nbformat.write(nbformat.v4.new_notebook(cells=[parameters, reads]), folder / "short.ipynb")
    (folder / "study.yaml").write_text(PROTOCOL, encoding="utf-8")
    return folder / "study.yaml"


@pytest.fixture(scope="module")
def run(printed_trial, tmp_path_factory: pytest.TempPathFactory) -> hs.Run:
    folder = tmp_path_factory.mktemp("study")
    return hs.run(study(folder, printed_trial), out=folder / "runs")


def test_the_run_is_judged_by_the_paper(run) -> None:
    assert run.verdict == "fit" and run.level == "public"
    assert run.evidence.answers == {"faithful": "yes", "sufficient": "yes", "private": "not asked"}
    assert "Nobody's rows" in " ".join(repr(run).split())
    read = hs.Run.open(run.path)
    assert read.evidence.reference == "paper" and isinstance(read.cohort, PublishedTrial)
    assert len(read.synthetic) == 6 and read.synthetic.estimands().dropna()["value"].notna().all()


def test_the_run_has_the_characteristics_of_table_1_with_their_prior(run) -> None:
    read = hs.Run.open(run.path)
    assert isinstance(read.synthetic, hs.published.PublishedCohorts)
    assert read.synthetic.estimands().equals(run.synthetic.estimands())  # the second draw follows from the files
    assert read.synthetic[0].schema.subgroups == ("sex",)
    frame = pd.read_csv(run.path / "evidence.csv")
    table1 = frame[frame["estimand"].str.contains("age|sex")]
    assert len(table1) == 7 and set(table1["basis"]) == {"constructed"} and set(table1["verdict"]) == {"pass"}
    page = (run.path / "report.html").read_text()
    assert "Not determined by the paper, drawn from the prior" in page and "of this interval is the prior" in page
    (own,) = (one for one in read.evidence.findings if one.question == "sufficient" and "hazard" in one.estimand)
    assert "0% of it the prior's" in own.because


def test_every_written_file_says_that_it_rests_on_what_is_published(run) -> None:
    for path in sorted((run.path / "synthetic").glob("*.parquet")):
        label = label_of(read_frame(path))
        assert label.settings["rests_on"] == "published" and "Figure 2 (smith)" in label.settings["facts"].values()
        assert hs.inspect(path).synthetic is True


def test_the_crate_has_every_fact_with_its_citation_and_place(run) -> None:
    graph = {one["@id"]: one for one in json.loads((run.path / "ro-crate-metadata.json").read_text())["@graph"]}
    assert "Table 2, page 5" in graph["#fact-os.median.drug"]["value"]
    assert "citation: smith" in graph["#fact-os.median.drug"]["value"]
    assert "Smith A et al. (2020)" in graph["#citation-smith"]["value"]
    assert {"@id": "#fact-os.median.drug"} in graph["#source"]["additionalProperty"]
    statement = json.loads((run.path / "provenance.json").read_text())
    resolved = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    (source,) = (one for one in resolved if one["name"] == "source")
    assert source["annotations"]["facts"]["os.hr.drug/usual"]["use"] == "test"


def test_the_dossier_shows_published_points_and_facts_and_speaks_of_no_patient_data(run) -> None:
    page = (run.path / "report.html").read_text()
    assert "published and reconstructed" in page and "What the paper states" in page and "Table 2, page 5" in page
    assert "made from what a paper prints" in page and "Real patients behind them" not in page
    croissant = (run.path / "croissant.json").read_text()
    assert "no patient's data were used" in croissant and "Made from patients' data" not in croissant


def test_evidence_csv_has_the_published_value_the_value_in_the_cohorts_and_the_basis(run) -> None:
    frame = pd.read_csv(run.path / "evidence.csv")
    row = frame.query("estimand == 'hazard ratio of os' and question == 'faithful'").iloc[0]
    assert row["basis"] == "tested" and row["verdict"] == "pass" and row["real"] > 0 and row["synthetic"] > 0


def test_a_moved_run_verifies_without_its_source_and_a_changed_point_is_found(run, tmp_path: Path) -> None:
    moved = tmp_path / run.path.name
    shutil.copytree(run.path, moved)
    assert hs.verify(moved, rerun=False).verified
    (moved / "published" / "os.csv").write_text("arm,time,survival\n")
    assert hs.verify(moved, rerun=False).result == "differs"


@pytest.mark.long
def test_a_second_run_gives_the_same_bytes(run, tmp_path: Path) -> None:
    moved = tmp_path / run.path.name
    shutil.copytree(run.path, moved)
    found = hs.verify(moved)
    assert found.verified and set(found.rerun.values()) == {"identical"}, found


def test_an_owners_key_is_refused_because_the_rows_carry_no_watermark(printed_trial, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("an owner's key that is long enough for a watermark")
    with pytest.raises(ProtocolError, match="cohorts of a paper carry no watermark"):
        hs.run(study(tmp_path, printed_trial), out=tmp_path / "runs", watermark_key=tmp_path / "key")
    assert not (tmp_path / "runs").exists()


def test_a_printed_ratio_that_the_curves_exclude_is_refused_with_the_line_and_the_range(
    printed_trial, tmp_path: Path
) -> None:
    path = study(tmp_path, printed_trial)
    paper = (tmp_path / "paper.yaml").read_text()
    start = paper.index("reference: usual, value: ") + len("reference: usual, value: ")
    (tmp_path / "paper.yaml").write_text(paper[:start] + "0.20" + paper[start + 4 :])
    path.write_text(PROTOCOL.replace("options: {", "options: {constraints: [events, hazard_ratios], "))
    with pytest.raises(CurveError) as error:
        hs.run(path, out=tmp_path / "runs")
    told = "line 4, cohort.source.published: hazard_ratio: the printed ratio is 0.2, and the curves give"
    assert told in str(error.value)
