"""What a run folder tells of single patients: an attacker reads all of it but its synthetic rows, and finds nothing."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.protocol import run as protocol_run

sys.path.insert(0, str(Path(__file__).parent))
attack = importlib.import_module("disclosure_attack")


def made(place: Path) -> "hs.Run":
    attack.hostile().to_csv(place / "hostile.csv", index=False)
    (place / "hostile.yaml").write_text(attack.PROTOCOL, encoding="utf-8")
    return hs.run(place / "hostile.yaml", out=place / "runs")


@pytest.fixture(scope="module")
def key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEORSYNTH_KEY", "a key for a hostile cohort")
        yield


@pytest.fixture(scope="module")
def controlled(key: None, tmp_path_factory: pytest.TempPathFactory) -> "hs.Run":
    return made(tmp_path_factory.mktemp("controlled"))


@pytest.fixture(scope="module")
def undisciplined(key: None, tmp_path_factory: pytest.TempPathFactory) -> "hs.Run":
    """The same run, with its evidence written as computed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol_run, "published", lambda evidence: evidence)
        return made(tmp_path_factory.mktemp("undisciplined"))


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return attack.hostile()


def test_an_attacker_finds_no_own_value_no_small_count_and_no_sum_in_a_run_folder(controlled, patients) -> None:
    found = attack.attacked(controlled.path, patients)
    assert (found.values, found.counts, found.sums) == ([], [], [])


@pytest.mark.long
def test_the_same_attacker_finds_all_three_where_evidence_is_written_as_computed(undisciplined, patients) -> None:
    found = attack.attacked(undisciplined.path, patients)
    assert min(found.sizes) >= 20, found.sizes
    assert any("median of os" in one for one in found.values) and any("P99 of cost" in one for one in found.values)
    assert "sex: a level of 2 patients by subtraction" in found.counts
    for route in ("real mean", "the difference", "middle of the interval", "width of the interval"):
        assert any(route in one for one in found.sums), route
    assert any("two men" in one for one in found.sums) and any("dearest patient" in one for one in found.sums)


def test_the_verdict_its_answers_and_every_finding_are_those_of_the_evidence_as_computed(
    controlled, undisciplined
) -> None:
    both = controlled.evidence, undisciplined.evidence
    assert both[0].verdict == both[1].verdict and both[0].answers == both[1].answers
    verdicts = [[(one.key, one.estimand, one.group, one.verdict) for one in evidence.findings] for evidence in both]
    assert verdicts[0] == verdicts[1] and len(verdicts[0]) > 300


def test_a_controlled_folder_is_verified_and_its_files_agree(controlled) -> None:
    assert hs.verify(controlled.path, rerun=False).verified


def test_the_hidden_count_is_found_on_a_page_where_its_complement_is_put(controlled, patients, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "report.html").write_text("<td>f</td><td>199 (99.0%)</td>", encoding="utf-8")
    assert len(attack.complements(folder, patients)) == 2
    assert attack.complements(controlled.path, patients) == []


def test_a_value_of_one_patient_is_found_in_metadata_and_notebooks_too(controlled, patients, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    dear = float(patients["cost"].max())
    pd.DataFrame({"x": [1]}).to_parquet(folder / "plain.parquet")
    (folder / "n.ipynb").write_text('{"cells": [{"outputs": [{"text": ["cost 2,345,678.91"]}]}]}', encoding="utf-8")
    frame = pd.DataFrame({"x": [1]})
    frame.attrs["told"] = f"largest cost {dear}"
    frame.to_parquet(folder / "told.parquet")
    found = attack.own_values(folder, patients)
    assert {one.rsplit(" ", 1)[1] for one in found} == {"n.ipynb", "told.parquet"}
