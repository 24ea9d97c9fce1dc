"""A protocol of a paper: what needs patients is refused with its line, and the generator block may be absent."""

from pathlib import Path

import pytest

from heorsynth.core.errors import HeorsynthError
from heorsynth.protocol.file.paper_source import PUBLISHED, paper_problems, with_generator
from heorsynth.protocol.file.spec import Protocol, read_protocol

PROTOCOL = """\
heorsynth: 1
title: A published trial
purpose: indirect-comparison
cohort: {source: {published: paper.yaml}}
"""


def read(folder: Path, text: str) -> Protocol:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return read_protocol(path)


def told(folder: Path, text: str) -> str:
    with pytest.raises(HeorsynthError) as error:
        read(folder, text)
    return str(error.value)


def test_without_a_generator_block_there_are_20_cohorts(tmp_path: Path) -> None:
    generator = read(tmp_path, PROTOCOL).document.generator
    assert (generator.name, generator.m, generator.seed) == (PUBLISHED, 20, 1)


def test_a_block_without_a_name_gets_it_and_keeps_the_rest(tmp_path: Path) -> None:
    generator = read(tmp_path, PROTOCOL + "generator: {m: 5, seed: 7}\n").document.generator
    assert (generator.name, generator.m, generator.seed) == (PUBLISHED, 5, 7)
    assert "generator.seed: is missing" in told(tmp_path, PROTOCOL + "generator: {m: 5}\n")


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ("generator: {name: heor, seed: 1}", "line 5, generator.name: a paper has no patients to fit 'heor' to"),
        ("generator: {seed: 1, m: 1}", "line 5, generator.m: one cohort does not show what the paper leaves open"),
        ("generator: {seed: 1, n: 500}", "line 5, generator.n: the paper says who the patients are"),
        ("generator: {seed: 1, targets: {sex: {f: 0.5}}}", "line 5, generator.targets: the paper says who"),
        ("holdout: 0.3", "line 5, holdout: needs patients, and a paper has none"),
        ("economics: {comparator: usual, wtp: [20000]}", "line 5, economics: needs patients"),
        ("release: shared", "line 5, release: needs patients"),
        ("use: single", "line 5, use: needs patients"),
    ],
)
def test_what_needs_patients_is_refused_with_its_line(tmp_path: Path, added: str, problem: str) -> None:
    assert problem in told(tmp_path, f"{PROTOCOL}{added}\n")


def test_another_purpose_and_roles_are_refused(tmp_path: Path) -> None:
    roles = PROTOCOL.replace("yaml}}", "yaml}, arm: trt, endpoints: {os: [t, e]}}")
    found = told(tmp_path, roles.replace("indirect-comparison", "teaching"))
    assert "line 3, purpose: cohorts of a paper are judged for indirect-comparison only" in found
    assert "line 4, cohort.arm: the paper file gives the roles" in found and "cohort.endpoints" in found


def test_the_generator_needs_a_paper(tmp_path: Path) -> None:
    text = PROTOCOL.replace("published: paper.yaml", "dataset: pbc") + "generator: {name: published, seed: 1}\n"
    assert "line 5, generator.name: reconstructs the cohorts of a paper, and the source is none" in told(tmp_path, text)


def test_a_protocol_of_patients_is_left_as_it_is() -> None:
    plain = {"cohort": {"source": {"dataset": "pbc"}}, "purpose": "teaching", "holdout": 0.3}
    assert with_generator(plain) is plain and not list(paper_problems(plain, {}))
