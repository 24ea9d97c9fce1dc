"""Releases without single patients in a protocol run: when they are made, the same on each engine, and repeated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.checks.privacy.estimands import ALARMS, OF_RELEASES
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.fitting import not_refitted

KEYS = [one.key for one in OF_RELEASES]

PROTOCOL = """\
heorsynth: 1
title: Two releases
purpose: {purpose}
cohort: {{source: {{simulated: {{n: {n}, seed: 3}}}}}}
generator: {{name: {name}, m: 2, most_cohorts: 2, seed: 1}}
notebook: short.ipynb
{more}
"""
MARGIN = "margins: {disclosure.differencing: {absolute: 0.3}}"


def protocol(folder: Path, name: str, purpose: str, more: str = "", n: int = 60) -> Path:
    path = folder / f"{name}-{purpose}-{len(more)}-{n}.yaml"
    path.write_text(PROTOCOL.format(name=name, purpose=purpose, more=more, n=n), encoding="utf-8")
    return path


def found(run: hs.Run) -> dict[str, object]:
    return {one.key: one for one in run.evidence.findings if one.key in KEYS}


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> hs.Run:
    """A release that keeps the means of its patients exactly."""
    place = tmp_path_factory.mktemp("exact")
    short_notebook(place)
    return hs.run(protocol(place, "heor", "data-sharing", "release: internal"), out=place)


def test_data_sharing_finds_by_itself_the_patient_in_exact_means_and_that_decides(exact: hs.Run) -> None:
    ours = found(exact)
    assert [ours[key].verdict for key in KEYS] == ["fail"] * 3
    assert {key for key in KEYS if ours[key].decisive} == {one.key for one in ALARMS}
    assert exact.evidence.answers["private"] == "no"


def test_verify_repeats_the_releases_without_patients(exact: hs.Run) -> None:
    assert set(hs.verify(exact.path).rerun.values()) == {"identical"}


@pytest.mark.long
def test_every_engine_writes_the_same_bytes(tmp_path: Path, short_notebook: Callable[[Path], str]) -> None:
    short_notebook(tmp_path)
    path = protocol(tmp_path, "marginals", "teaching", MARGIN)
    local, cores = (hs.run(path, out=tmp_path / engine, engine=engine) for engine in ("local", "processes"))
    assert (local.path / "SHA256SUMS").read_bytes() == (cores.path / "SHA256SUMS").read_bytes()
    assert set(found(local)) == set(KEYS)
    assert found(local)[KEYS[0]].decisive, "a declared margin decides whatever the finding"
    assert all(one.verdict != "not estimable" for one in found(local).values())


def test_another_generator_is_fitted_again_only_where_asked_and_the_finding_says_how_to_ask(
    tmp_path: Path, short_notebook: Callable[[Path], str]
) -> None:
    short_notebook(tmp_path)
    run = hs.run(protocol(tmp_path, "marginals", "data-sharing"), out=tmp_path)
    assert {one.verdict for one in found(run).values()} == {"not estimable"}
    assert not any(one.decisive for one in found(run).values())
    assert all("declare a margin for disclosure.differencing" in one.because for one in found(run).values())


@pytest.mark.parametrize(
    ("name", "purpose", "more", "n", "reason"),
    [
        ("heor", "data-sharing", "", 60, ""),
        ("heor", "data-sharing", "", 2001, "21 more fits of 'heor' to more than 2,000 patients"),
        ("heor", "data-sharing", MARGIN, 2001, ""),
        ("heor", "data-sharing", MARGIN, 24, "25 patients or more"),
        ("heor", "teaching", "", 60, "not asked"),
        ("marginals", "teaching", MARGIN, 60, ""),
        ("marginals", "data-sharing", "", 60, "21 more fits of 'marginals'"),
    ],
)
def test_when_a_generator_is_fitted_again(
    tmp_path: Path, name: str, purpose: str, more: str, n: int, reason: str
) -> None:
    document = read_protocol(protocol(tmp_path, name, purpose, more, n)).document
    told = not_refitted(document, hs.datasets.simulated_trial(n, seed=3)[0])
    assert reason in told and bool(reason) == bool(told)
