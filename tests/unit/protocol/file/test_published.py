"""The paper of a protocol: its trial, its hashes, its copies, and errors with the lines of both files."""

from pathlib import Path

import pytest

from heorsynth.core.errors import CurveError, FileError, HeorsynthError, PaperError, ProtocolError
from heorsynth.protocol.file.published import copy_paper, paper_hashes, trial_of
from heorsynth.protocol.file.spec import Protocol, read_protocol
from heorsynth.protocol.lock import read_lock, write_lock

PROTOCOL = """\
heorsynth: 1
title: A published trial
purpose: indirect-comparison
cohort: {source: {published: paper.yaml}}
generator: {seed: 1, m: 4, options: {endpoints: [os]}}
"""


def protocol(folder: Path, text: str = PROTOCOL) -> Protocol:
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return read_protocol(folder / "study.yaml")


def told(kind: type[HeorsynthError], spec: Protocol) -> str:
    with pytest.raises(kind) as error:
        trial_of(spec)
    return str(error.value)


def test_the_trial_has_the_options_of_the_protocol(printed_trial, tmp_path: Path) -> None:
    printed_trial.changed(tmp_path)
    assert trial_of(protocol(tmp_path)).options.endpoints == ("os",)


CITED = "citations: {smith: Smith A et al. (2020) J Trials 1:1}"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((CITED, "citations: {}"), "line 3, citations: the file cites nothing"),
        (("    events: {source: Table 2, counts", "    events: {counts"), "a fact without a source"),
        (("file: os.csv", "file: oss.csv"), "line 10, endpoints.os.curves.file"),
        (("at_risk: {source: Figure 2, times: [0, 6, 12, 18]", "at_risk: {source: Figure 2, times: [0, 6, 12]"),
         "4 counts for 3 times"),
        (("reference: usual", "reference: usal"), "'usal' is not an arm"),
    ],
)  # fmt: skip
def test_a_wrong_paper_file_is_told_with_the_line_of_the_protocol_and_its_own(
    printed_trial, tmp_path: Path, change: tuple[str, str], problem: str
) -> None:
    printed_trial.changed(tmp_path, change)
    found = told(PaperError, protocol(tmp_path))
    assert "protocol 'study.yaml', line 4, cohort" in found or "line 4, cohort.source.published" in found
    assert problem in found


def test_a_paper_file_that_is_not_there_is_told_with_the_line(tmp_path: Path) -> None:
    found = told(FileError, protocol(tmp_path))
    assert "line 4, cohort.source.published" in found and "cannot be read" in found


def test_a_wrong_option_has_the_line_of_the_generator(printed_trial, tmp_path: Path) -> None:
    printed_trial.changed(tmp_path)
    spec = protocol(tmp_path, PROTOCOL.replace("endpoints: [os]", "endpoints: [oss]"))
    assert "line 5, generator.options.endpoints: no 'oss'" in told(ProtocolError, spec)
    spec = protocol(tmp_path, PROTOCOL.replace("endpoints: [os]", "endpoints: [os], prior: {efect: 0.3}"))
    assert "line 5, generator.options.prior.efect: not a setting of the prior" in told(ProtocolError, spec)


def test_a_subgroup_that_table_1_lacks_is_told_with_the_line(printed_trial, tmp_path: Path) -> None:
    more = "      - {source: Figure 3, arm: drug, reference: usual, value: 0.70, subgroup: {region: Asia}}\n  pfs:\n"
    printed_trial.changed(tmp_path, ("  pfs:\n", more))
    found = told(PaperError, protocol(tmp_path))
    assert "line 4, cohort.source.published" in found and "'region' is no characteristic" in found


def test_numbers_at_risk_against_the_curve_are_told_with_the_line(printed_trial, tmp_path: Path) -> None:
    printed_trial.changed(tmp_path, ("times: [0, 6, 12, 18]", "times: [0, 16, 17, 18]"))
    assert "line 4, cohort.source.published: at_risk, arm" in told(CurveError, protocol(tmp_path))


def test_curves_that_rise_are_told_with_the_line(printed_trial, tmp_path: Path) -> None:
    printed_trial.changed(tmp_path)
    (tmp_path / "os.csv").write_text(
        "arm,time,survival\n" + "".join(f"{arm},{t},{s}\n" for arm in ("drug", "usual")
                                        for t, s in ((0, 1), (1, 0.8), (3, 0.6), (6, 0.9), (8, 0.5)))
    )  # fmt: skip
    found = told(PaperError, protocol(tmp_path))
    assert (
        "line 4, cohort.source.published: line 10, endpoints.os.curves" in found and "the curve rises by 0.30" in found
    )


def test_the_lock_holds_the_paper_and_every_file_that_it_names(printed_trial, tmp_path: Path) -> None:
    printed_trial.changed(tmp_path)
    spec = protocol(tmp_path)
    assert set(paper_hashes(spec)) == {"paper.yaml", "os.csv", "pfs.csv"}
    write_lock(spec.path, out=tmp_path / "runs")
    assert read_lock(spec).changed == ()
    with (tmp_path / "os.csv").open("a") as file:
        file.write("drug,30,0.01\n")
    assert read_lock(spec).changed == ("cohort",)


def test_copies_of_the_paper_stand_in_for_it_where_it_is_not(printed_trial, tmp_path: Path) -> None:
    source, run = tmp_path / "source", tmp_path / "run"
    source.mkdir(), run.mkdir()
    printed_trial.changed(source)
    spec = protocol(source)
    copy_paper(spec, source, run)
    assert sorted(path.name for path in (run / "published").iterdir()) == ["os.csv", "paper.yaml", "pfs.csv"]
    assert trial_of(protocol(run)).fingerprint(b"x") == trial_of(spec).fingerprint(b"x")


def test_another_source_has_no_paper(tmp_path: Path) -> None:
    text = PROTOCOL.replace("published: paper.yaml", "dataset: pbc").replace("{endpoints: [os]}", "{}")
    spec = protocol(tmp_path, text.replace("indirect-comparison", "teaching"))
    copy_paper(spec, tmp_path, tmp_path)
    assert paper_hashes(spec) == {} and not (tmp_path / "published").exists()
