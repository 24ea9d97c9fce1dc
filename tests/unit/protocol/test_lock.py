"""A lock tells when it was made and after how many runs; that of another protocol is not believed."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.lock import Lock, lock_path, read_lock, write_lock
from heorsynth.protocol.run_folder import sha256_of, write_sums
from heorsynth.provenance.signature import sealed

TEXT = (
    "heorsynth: 1\ntitle: lk\npurpose: teaching\ncohort: {source: {simulated: {n: 60, seed: 2}}}\n"
    "generator: {name: marginals, m: 1, most_cohorts: 1, seed: 1}\n"
)
WIDER = "margins: {survival.rmst: {horizon: 3, relative: 0.4}}\n"


def test_a_lock_made_before_any_run_says_so_and_when_and_the_first_page_carries_it(
    tmp_path: Path, short_notebook: Callable[[Path], str]
) -> None:
    protocol = tmp_path / "lk.yaml"
    protocol.write_text(TEXT + short_notebook(tmp_path))
    held = write_lock(protocol, tmp_path / "runs").read_bytes()
    run = hs.run(protocol, out=tmp_path / "runs")
    at = json.loads(held)["locked_at"]
    note = run.evidence.notes[0]
    assert (
        note
        == f"The protocol matches its lock. It was locked on {at[:10]} {at[11:16]} UTC, before any run that was found."
    )
    assert note in run.report.read_text(encoding="utf-8")
    assert write_lock(protocol, tmp_path / "runs").read_bytes() == held  # a lock that holds is not made younger
    assert hs.verify(run.path).verified


def left_behind(run: "hs.Run", out: Path, text: str, day: str) -> None:
    """What a run of a protocol named lk leaves in a folder: its text, and when it was made."""
    folder = out / "lk-0123abcd"
    folder.mkdir(parents=True)
    facts = json.loads((run.path / "provenance.json").read_text(encoding="utf-8"))
    facts["predicate"]["runDetails"]["metadata"]["heorsynth_occasion"]["started"] = f"{day}T09:00:00+00:00"
    (folder / "provenance.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "protocol.yaml").write_text(text)


def test_a_lock_made_after_a_run_or_anew_after_a_change_says_after_how_many(
    small_run: "hs.Run", tmp_path: Path
) -> None:
    protocol, out = tmp_path / "lk.yaml", tmp_path / "runs"
    protocol.write_text(TEXT)
    write_lock(protocol, out)
    left_behind(small_run, out, TEXT, "2026-01-05")
    protocol.write_text(TEXT + WIDER)
    with pytest.raises(errors.FileError, match="the number of earlier runs"):
        write_lock(protocol, out)
    lock_path(protocol).unlink()
    write_lock(protocol, out)
    assert "after 1 of its runs: its margins may follow their results" in read_lock(read_protocol(protocol), out).note


def test_a_lock_without_its_time_says_that_it_does_not_tell(tmp_path: Path) -> None:
    protocol = tmp_path / "lk.yaml"
    protocol.write_text(TEXT)
    path = write_lock(protocol)
    facts = json.loads(path.read_text())
    del facts["locked_at"]
    path.write_text(json.dumps(facts))
    assert read_lock(read_protocol(protocol)).note == "The protocol matches its lock. The lock has no time stamp."


@pytest.mark.parametrize(("day", "known"), [("2026-01-05", True), ("2026-01-07", False), ("2026-02-01", False)])
def test_an_amendment_that_says_before_data_is_held_against_the_runs_there_are(
    small_run: "hs.Run", tmp_path: Path, day: str, known: bool
) -> None:
    protocol, out = tmp_path / "lk.yaml", tmp_path / "runs"
    protocol.write_text(TEXT)
    write_lock(protocol, out)
    left_behind(small_run, out, TEXT, day)
    amendment = "{date: 2026-01-07, what: m, why: w, section: margins, before_or_after_data: before}"
    protocol.write_text(TEXT + WIDER + f"amendments: [{amendment}]\n")
    lock = read_lock(read_protocol(protocol), out)
    assert "Amendments, as declared: 1 before data." in lock.note
    told = f"A run of {day} is older than amendments with a later date. Declared as before data all the same: 1."
    assert (told in lock.note) is known
    assert Lock.from_json(lock.to_json(), lock.protocol_sha256) == lock  # so that a re-run elsewhere says the same


def test_the_lock_of_another_protocol_is_not_believed(tmp_path: Path) -> None:
    protocol = tmp_path / "lk.yaml"
    protocol.write_text(TEXT)
    forged = json.dumps(asdict(Lock("0" * 64, locked=True)))
    with pytest.raises(errors.RunError, match="the lock of another protocol"):
        hs.run(protocol, out=tmp_path / "runs", lock_text=forged)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "text", ["[", "{}", "[]", json.dumps(asdict(Lock("0" * 64, locked=True))), '{"locked": 3}'], ids=str
)
def test_a_run_resealed_with_another_lock_is_refused(small_run: "hs.Run", tmp_path: Path, text: str) -> None:
    folder = Path(shutil.copytree(small_run.path, tmp_path / small_run.path.name))
    (folder / "protocol.lock").write_text(text)
    write_sums(folder)
    facts = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    for one in facts["subject"]:
        one["digest"]["sha256"] = sha256_of(folder / one["name"])
    (folder / "provenance.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "signature.json").write_text(sealed((folder / "provenance.json").read_bytes(), None), encoding="utf-8")
    with pytest.raises(errors.RunError, match=r"protocol\.lock"):
        hs.verify(folder)


def test_the_definition_of_a_cohort_in_its_own_file_is_locked_with_the_protocol(tmp_path: Path) -> None:
    source = "{omop: {path: claims.duckdb, cohort: cohort.yaml}}"
    protocol = tmp_path / "claims.yaml"
    protocol.write_text(TEXT.replace("{simulated: {n: 60, seed: 2}}", source))
    definition = tmp_path / "cohort.yaml"
    definition.write_text("index: {concepts: [1]}\n")
    write_lock(protocol, tmp_path / "runs")
    assert read_lock(read_protocol(protocol)).changed == ()
    definition.write_text("index: {concepts: [2]}\n")
    assert read_lock(read_protocol(protocol)).changed == ("cohort",)
    definition.unlink()
    assert read_lock(read_protocol(protocol)).changed == ("cohort",)
