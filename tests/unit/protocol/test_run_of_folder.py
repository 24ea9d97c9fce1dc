"""A protocol whose source is a folder: run, read, verified and refused as one whose source is a file."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.labels.label import PARTITION
from heorsynth.evidence.publish import published
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.lock import source_is_here, write_lock
from heorsynth.protocol.run import Run
from heorsynth.protocol.start.init import init

PROTOCOL = """\
heorsynth: 1
title: A claims table
purpose: economic-evaluation
cohort:
  source: {folder: claims}
  endpoints: {os: [time, event]}
  arm: arm
  arm_reference: usual
  costs: [cost]
  utilities: [qaly]
  subgroups: [sex]
  id: patient
  unit: year
  currency: EUR
  price_year: 2024
  drop: [drug, hospital]
generator: {name: heor, n: 2500, m: 2, most_cohorts: 2, seed: 5, options: {most_rows: 1500}}
economics: {comparator: usual, wtp: [20000]}
most_rows: 1000
"""
CANARY, N = "Canary-7319", 2400


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("claims")
    (place / "claims").mkdir()
    rows = hs.datasets.simulated_trial(N, seed=1)[0].frame
    rows["patient"] = [f"{CANARY}-{i}" for i in range(N)]
    for part, taken in enumerate(np.array_split(np.arange(N), 3)):
        rows.iloc[taken].to_parquet(place / "claims" / f"{part}.parquet", index=False)
    (place / "claims.yaml").write_text(PROTOCOL, encoding="utf-8")
    return place / "claims.yaml"


@pytest.fixture(scope="module")
def done(protocol: Path) -> Run:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEORSYNTH_KEY", "a key for tests")
        return hs.run(protocol, out=protocol.parent / "runs")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, protocol: Path) -> None:
    monkeypatch.setenv("HEORSYNTH_KEY", "a key for tests")
    monkeypatch.setenv("HEORSYNTH_SOURCE", str(protocol.parent))


def test_a_run_of_a_folder_holds_a_folder_for_each_cohort(done: Run) -> None:
    names = {path.relative_to(done.path / "synthetic").as_posix() for path in (done.path / "synthetic").rglob("*.*")}
    assert names == {"000/00000.parquet", "001/00000.parquet"}
    assert [(one.n, one.label.part) for one in done.synthetic] == [(2500, 0), (2500, 1)]
    assert isinstance(done.cohort, CohortFolder)
    assert (done.cohort.n, done.evidence.n_source, done.evidence.n_rows) == (N, N, 2500)
    assert "drug" not in done.cohort.columns
    summed = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=done.path, check=False)
    assert summed.returncode == 0


def test_its_evidence_is_what_validate_says_of_the_folders(done: Run) -> None:
    alone = hs.validate(
        done.cohort, done.synthetic, "economic-evaluation", economics={"comparator": "usual", "wtp": [20000.0]},
        seed=5, most_rows=1000,
    )  # fmt: skip
    assert published(alone.stable).to_csv() == done.evidence.to_csv()
    assert [one.because for one in published(alone.stable).findings] == [one.because for one in done.evidence.findings]
    sample = "a random sample, 1,000 of 2,400 patients and 2,000 of 5,000 synthetic rows"
    assert f"Tables and pictures of rows show {sample}." in done.evidence.notes


def test_tables_and_pictures_take_the_sample_that_is_judged(done: Run) -> None:
    assert (done.shown.patients.n, [one.n for one in done.shown.copies]) == (1000, [1000, 1000])
    pages = [(done.path / name).read_text(encoding="utf-8") for name in ("report.html", "notebook.ipynb")]
    assert all("1,000 of 2,400 patients" in page for page in pages)
    assert re.search(r"<td[^>]*>patients</td><td[^>]*>2,400</td>", pages[0])
    assert all("image/" in page for page in pages)


def test_its_record_tells_rows_of_whole_cohorts_and_nothing_of_a_patient(done: Run) -> None:
    crate = (done.path / "ro-crate-metadata.json").read_text(encoding="utf-8")
    assert "synthetic/001/00000.parquet" in crate
    statement = json.loads((done.path / "provenance.json").read_text(encoding="utf-8"))
    told = json.dumps(statement)
    assert '"rows": 2500' in told
    assert f'"{PARTITION}"' not in told
    for file in done.path.rglob("*.*"):
        assert CANARY.encode() not in file.read_bytes(), file.name
        assert b"claims/" not in file.read_bytes(), file.name


def test_a_run_of_a_folder_is_verified_and_a_changed_partition_is_named(done: Run, protocol: Path, tmp_path) -> None:
    found = hs.verify(done.path, source=protocol.parent)
    assert (found.verified, found.not_rerun) == (True, "")
    changed = tmp_path / done.path.name
    shutil.copytree(done.path, changed)
    file = changed / "synthetic" / "001" / "00000.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    told = hs.verify(changed, source=protocol.parent, rerun=False)
    assert not told.verified
    assert "synthetic/001/00000.parquet" in str(told)


@pytest.mark.long
def test_another_engine_gives_the_same_bytes(done: Run, protocol: Path, tmp_path: Path, engines) -> None:
    again = hs.run(protocol, out=tmp_path, engine=engines("processes"))
    assert (again.path / "SHA256SUMS").read_bytes() == (done.path / "SHA256SUMS").read_bytes()


def test_a_source_with_another_partition_is_not_that_of_the_run(done: Run, protocol: Path, tmp_path: Path) -> None:
    shutil.copytree(protocol.parent / "claims", tmp_path / "claims")
    rows = pd.read_parquet(tmp_path / "claims" / "1.parquet")
    rows.iloc[::-1].to_parquet(tmp_path / "claims" / "1.parquet", index=False)
    found = hs.verify(done.path, source=tmp_path)
    assert "the source has another fingerprint than the source of this run" in found.not_rerun


@pytest.mark.parametrize(
    ("before", "after", "kind", "told"),
    [
        ("folder: claims", "folder: nowhere", errors.FileError, "line 5, cohort.source: there is no such folder"),
        ("folder: claims", "folder: claims, dataset: pbc", errors.ProtocolError, "expected one source"),
        ("[drug, hospital]", "[drgu]", errors.CohortError, r"line 16, cohort\.drop: drop 'drgu': not in the data"),
        ("most_rows: 1000", "most_rows: 10", errors.ProtocolError, "line 19, most_rows"),
        ("most_rows: 1000", "holdout: 0.5", errors.ProtocolError, "line 19, holdout: a folder has no hold-out"),
        ("name: heor", "name: marginals", errors.ProtocolError, "options"),
        ("comparator: usual", "comparator: usul", errors.ProtocolError, "name one of: new, usual"),
        ("most_rows: 1000", "margins: {costs.mean: {cost: nope, relative: 0.1, reason: x}}",
         errors.MarginError, "line 19, costs.mean: cost: no 'nope' is declared"),
        ("m: 2,", "m: 2, where: {sex: x},", errors.GeneratorError, "line 17, generator"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_of_a_folder_is_refused_with_its_line(
    before: str, after: str, kind: type[Exception], told: str, protocol: Path, tmp_path: Path
) -> None:
    shutil.copytree(protocol.parent / "claims", tmp_path / "claims")
    (tmp_path / "bad.yaml").write_text(PROTOCOL.replace(before, after), encoding="utf-8")
    with pytest.raises(errors.HeorsynthError, match=told) as refused:
        hs.run(tmp_path / "bad.yaml", out=tmp_path / "runs")
    assert isinstance(refused.value, kind) or kind is errors.ProtocolError
    assert not (tmp_path / "runs").exists()


def test_synthetic_rows_are_no_source_with_their_label_or_without(done: Run, tmp_path: Path) -> None:
    stripped = tmp_path / "stripped"
    stripped.mkdir()
    for part, cohort in enumerate(done.synthetic[0]):
        cohort.frame.reset_index(drop=True).to_parquet(stripped / f"{part}.parquet", index=False)
    shutil.copytree(done.synthetic[0].path, tmp_path / "labelled")
    for source in ("labelled", "stripped"):
        text = PROTOCOL.replace("folder: claims", f"folder: {source}").replace("[drug, hospital]", "[]")
        (tmp_path / "copy.yaml").write_text(text.replace("  id: patient\n", ""), encoding="utf-8")
        with pytest.raises(errors.ProtocolError, match="the source is itself synthetic"):
            hs.run(tmp_path / "copy.yaml", out=tmp_path / "runs")


def test_two_cohorts_of_a_release_in_one_folder_are_refused(done: Run, tmp_path: Path) -> None:
    for one in done.synthetic:
        shutil.copy(one.path / "00000.parquet", tmp_path / f"{one.path.name}.parquet")
    with pytest.raises(errors.LabelError, match=r"001\.parquet: is of another cohort of this release"):
        CohortFolder.derive(done.cohort.schema, tmp_path)


def test_a_protocol_to_start_from_is_guessed_from_the_first_of_a_folder_and_runs(protocol: Path, tmp_path) -> None:
    shutil.copytree(protocol.parent / "claims", tmp_path / "claims")
    started = init(tmp_path / "claims", tmp_path / "start")
    text = started.protocol.read_text(encoding="utf-8")
    assert 'source: {folder: "../claims"}   # Guessed from 0.parquet, the first of 3 files.' in text
    assert "m: 2," in text
    assert CANARY not in text
    assert "Guessed from 0.parquet" in str(started)
    assert source_is_here(read_protocol(started.protocol))
    assert write_lock(started.protocol).exists()


def test_a_folder_where_a_file_is_read_is_told_to_be_one(protocol: Path) -> None:
    with pytest.raises(errors.FileError, match="is a folder; a single file is expected"):
        hs.inspect(protocol.parent / "claims")
