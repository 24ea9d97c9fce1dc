"""A forged run is never "verified": each forgery that a re-run could be kept from finding, found by other means."""

import contextlib
import dataclasses
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import heorsynth as hs
from heorsynth.checks.planning.catalogue import borne_out
from heorsynth.cli import cli
from heorsynth.protocol.run_folder import MOST_BYTES, SUMS, sha256_of, write_sums
from heorsynth.provenance.croissant import CROISSANT
from heorsynth.provenance.in_toto import STATEMENT
from heorsynth.provenance.ro_crate import CRATE
from heorsynth.provenance.signature import sealed

FILE_PROTOCOL = """\
heorsynth: 1
title: Patients of a file
purpose: teaching
cohort: {source: {file: trial.csv}, endpoints: {os: [time, event]}, arm: arm}
generator: {name: marginals, n: same, m: 2, most_cohorts: 2, seed: 1}
notebook: short.ipynb
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> "hs.Run":
    """A run of patients that anybody can make again."""
    place = tmp_path_factory.mktemp("made")
    short_notebook(place)
    text = FILE_PROTOCOL.replace("{file: trial.csv}, endpoints: {os: [time, event]}, arm: arm", "{dataset: pbc}")
    (place / "of_all.yaml").write_text(text, encoding="utf-8")
    return hs.run(place / "of_all.yaml", out=place / "runs")


def command(*arguments: str) -> tuple[int, str]:
    """The exit code of the command line, and what it says."""
    with contextlib.redirect_stdout(io.StringIO()) as told:
        code = cli.main(list(arguments), standalone_mode=False)
    return code, told.getvalue()


def copied(run: "hs.Run", folder: Path) -> Path:
    return Path(shutil.copytree(run.path, folder / run.path.name))


def resealed(folder: Path, before: dict[str, str]) -> None:
    """Sums, Croissant, crate, statement and envelope made anew, unsigned, by someone who knows how a run is written."""
    write_sums(folder)
    for document in (CROISSANT, CRATE, STATEMENT):
        text = (folder / document).read_text(encoding="utf-8")
        for name, old in before.items():
            text = text.replace(old, sha256_of(folder / name))
        (folder / document).write_text(text, encoding="utf-8")
    (folder / "signature.json").write_text(sealed((folder / STATEMENT).read_bytes(), None), encoding="utf-8")


def hashes(folder: Path) -> dict[str, str]:
    """Every file's hash before it is forged, in the order that documents cover each other."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    last = [SUMS, CROISSANT, CRATE, STATEMENT]
    return {name: sha256_of(folder / name) for name in [*(one for one in names if one not in last), *last]}


def forged(run: "hs.Run", place: Path, change: Callable[[Path], None]) -> Path:
    folder = copied(run, place)
    before = hashes(folder)
    change(folder)
    resealed(folder, before)
    return folder


def edit_json(path: Path, change: Callable[[dict], None]) -> None:
    facts = json.loads(path.read_text(encoding="utf-8"))
    change(facts)
    path.write_text(json.dumps(facts, indent=2, sort_keys=path.name == "verdict.json") + "\n", encoding="utf-8")


def all_pass(folder: Path) -> None:
    def passed(facts: dict) -> None:
        facts["verdict"] = "fit"
        for one in facts["findings"]:
            one["verdict"] = "pass"

    edit_json(folder / "verdict.json", passed)
    edit_json(folder / STATEMENT, lambda facts: facts["predicate"]["runDetails"]["metadata"]["heorsynth_result"].update(
        verdict="fit"))  # fmt: skip
    table = pd.read_csv(folder / "evidence.csv")
    table.assign(verdict="pass").to_csv(folder / "evidence.csv", index=False)


def zero_fingerprint(folder: Path) -> None:
    old = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))["source_fingerprint"]
    for name in ("verdict.json", STATEMENT):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(old, "0" * 64), encoding="utf-8")


def cell_that_ends(folder: Path) -> None:
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("raise SystemExit"))
    nbformat.write(notebook, folder / "notebook.ipynb")


def one_estimate(folder: Path) -> None:
    """Another number in a finding, in table and verdict alike: only a re-run can tell."""
    found = hs.Run.open(folder).evidence
    table, text = ((folder / name).read_text(encoding="utf-8") for name in ("evidence.csv", "verdict.json"))
    once = (
        one.floor for one in found.findings
        if one.known and table.count(f",{one.floor!r},") == text.count(f": {one.floor!r},") == 1
    )  # fmt: skip
    old = next(once)
    new = float(f"{old * 1.01:.9g}")
    (folder / "evidence.csv").write_text(table.replace(f",{old!r},", f",{new!r},"), encoding="utf-8")
    (folder / "verdict.json").write_text(text.replace(f": {old!r},", f": {new!r},"), encoding="utf-8")


def patients_as_cohorts(folder: Path) -> None:
    """The patients, with every file's label and ids copied over."""
    real = hs.Run.open(folder).cohort.frame
    for path in sorted((folder / "synthetic").glob("*.parquet")):
        table = pq.read_table(path)
        rows = real[[name for name in table.column_names if name in real]].head(table.num_rows)
        held = table.to_pandas().reset_index(drop=False)
        for name in rows:
            held[name] = rows[name].to_numpy()[: len(held)]
        new = type(table).from_pandas(held[table.column_names], preserve_index=False)
        pq.write_table(new.cast(table.schema.remove_metadata()).replace_schema_metadata(table.schema.metadata), path)


def unlabelled(folder: Path) -> None:
    real = hs.Run.open(folder).cohort.frame
    for path in (folder / "synthetic").glob("*.parquet"):
        real.to_parquet(path)


FORGERIES = {
    all_pass: "findings contradict their intervals",
    zero_fingerprint: "the fingerprint of the source differs from that of the dataset",
    unlabelled: "has no label",
}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("rerun", [True, False])
def test_a_forgery_that_contradicts_itself_differs_and_is_not_run(made, tmp_path, forgery, rerun) -> None:
    found = hs.verify(forged(made, tmp_path, forgery), rerun=rerun)
    assert found.result == "differs" and not found.verified
    assert set(found.intact.values()) == {"identical"}
    assert FORGERIES[forgery] in " ".join(found.contradictions)
    assert found.rerun == {} and "contradict each other" in found.runs


def test_everything_forged_at_once_and_kept_from_running_differs(made, tmp_path) -> None:
    def everything(folder: Path) -> None:
        unlabelled(folder)
        all_pass(folder)
        zero_fingerprint(folder)
        cell_that_ends(folder)

    folder = forged(made, tmp_path, everything)
    assert len(hs.verify(folder).contradictions) >= 4
    code, told = command("verify", str(folder))
    assert code == 1 and ": differs" in told


@pytest.mark.parametrize("code", ["raise SystemExit", pytest.param("import os; os._exit(0)", marks=pytest.mark.long)])
def test_a_run_whose_notebook_does_not_end_is_not_verified(made, tmp_path, code) -> None:
    def spoilt(folder: Path) -> None:
        notebook = nbformat.v4.new_notebook(metadata=nbformat.read(folder / "notebook.ipynb", as_version=4).metadata)
        cells = [
            nbformat.v4.new_code_cell('RUN = ""', metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(code),
        ]
        notebook.cells = cells
        nbformat.write(notebook, folder / "notebook.ipynb")

    folder = forged(made, tmp_path, spoilt)
    ended, told = command("verify", str(folder))
    assert ended == 3 and ": not verified" in told
    kept = hs.verify(folder, rerun=False)
    assert kept.verified and "bytes verified, not re-run" in str(kept)


def test_another_number_in_table_and_verdict_is_found_by_the_re_run(made, tmp_path) -> None:
    found = hs.verify(forged(made, tmp_path, one_estimate))
    assert found.result == "differs" and found.contradictions == ()
    assert found.rerun["evidence.csv"] == found.rerun["verdict.json"] == "different"


def test_patients_under_copied_labels_and_ids_are_never_verified(made, tmp_path) -> None:
    assert not hs.verify(forged(made, tmp_path, patients_as_cohorts)).verified


@pytest.fixture(scope="module")
def of_file(tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> "hs.Run":
    place = tmp_path_factory.mktemp("file")
    short_notebook(place)
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"time": rng.exponential(9, 60).round(2) + 0.1, "event": rng.integers(0, 2, 60)})
    frame.assign(arm=rng.choice(["a", "b"], 60)).to_csv(place / "trial.csv", index=False)
    (place / "of_file.yaml").write_text(FILE_PROTOCOL, encoding="utf-8")
    patch = pytest.MonkeyPatch()
    patch.setenv("HEORSYNTH_KEY", "a key for tests")
    run = hs.run(place / "of_file.yaml", out=place / "runs")
    patch.undo()
    return run


@pytest.mark.parametrize("lacking", ["source", "key"])
def test_a_run_whose_source_or_key_is_not_here_is_not_verified(of_file, tmp_path, monkeypatch, lacking) -> None:
    monkeypatch.setenv("HEORSYNTH_KEY", "a key for tests" if lacking == "source" else "another key")
    source = tmp_path if lacking == "source" else of_file.path.parents[2]
    found = hs.verify(of_file.path, source=source)
    assert found.result == "not verified" and found.not_rerun
    assert command("verify", str(of_file.path), "--source", str(source))[0] == 3
    code, told = command("verify", str(of_file.path), "--no-rerun")
    assert code == 0 and "bytes verified, not re-run" in told


def test_a_folder_under_another_name_is_not_the_run_of_its_statement(made, tmp_path) -> None:
    folder = Path(shutil.copytree(made.path, tmp_path / "of_all-00000000"))
    found = hs.verify(folder, rerun=False)
    assert found.result == "differs" and any("the name of the run" in one for one in found.contradictions)


@pytest.mark.parametrize("what", ["n_source", "seed", "m", "release", "part", "generator"])
def test_a_label_of_another_run_is_named(made, tmp_path, what) -> None:
    def relabelled(folder: Path) -> None:
        path = folder / "synthetic" / "000.parquet"
        table = pq.read_table(path)
        label = json.loads(table.schema.metadata[b"heorsynth"])
        label[what] = "0badcafe" if what == "release" else "sdv" if what == "generator" else label[what] + 1
        pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"heorsynth": json.dumps(label)}), path)

    found = hs.verify(forged(made, tmp_path, relabelled), rerun=False)
    assert found.result == "differs"
    assert any("the label of synthetic/000.parquet belongs to another run" in one for one in found.contradictions)


def test_a_cohort_taken_away_with_its_hashes_is_missed(made, tmp_path) -> None:
    folder = copied(made, tmp_path)
    (folder / "synthetic" / "001.parquet").unlink()
    before = hashes(folder)
    resealed(folder, before)
    told = " ".join(hs.verify(folder, rerun=False).contradictions)
    assert (
        "number of synthetic cohorts: 1 in the folder, 2 judged" in told
        and "another hash of synthetic/001.parquet" in told
    )


def one_last_digit(folder: Path) -> None:
    """What another processor may write: the last digit of a number, in table and verdict alike."""
    found = hs.Run.open(folder).evidence
    digits = (one.difference for one in found.findings if one.known)
    old = next(one for one in digits if re.fullmatch(r"0\.[1-9]\d{8}", repr(one)))
    new = float(f"{old + 1e-9:.9g}")
    for name, pattern in (("evidence.csv", ",{!r},"), ("verdict.json", ": {!r},")):
        text = (folder / name).read_text(encoding="utf-8")
        assert pattern.format(old) in text
        (folder / name).write_text(text.replace(pattern.format(old), pattern.format(new)), encoding="utf-8")


def test_a_last_digit_verifies_within_tolerance_and_the_files_are_named(made, tmp_path) -> None:
    folder = forged(made, tmp_path, one_last_digit)
    found = hs.verify(folder)
    assert found.result == "verified", found
    assert {"evidence.csv", "verdict.json", SUMS} <= set(found.within_tolerance)
    assert found.rerun["synthetic/000.parquet"] == found.rerun["report.html"] == "identical"
    assert "verified, within tolerance" in str(found) and "Within tolerance: SHA256SUMS" in str(found)


def test_other_versions_that_come_out_otherwise_are_not_verified(made, tmp_path, monkeypatch) -> None:
    folder = forged(made, tmp_path, one_estimate)
    monkeypatch.setattr("heorsynth.protocol.verify.version", lambda name: "99")
    found = hs.verify(folder)
    assert found.result == "not verified" and "heorsynth" in found.installs


def test_a_sparse_file_of_gigabytes_is_refused_with_little_memory(made, tmp_path) -> None:
    folders = []
    for name in (SUMS, STATEMENT, "signature.json", "verdict.json", "protocol.lock", CRATE):
        (tmp_path / name).mkdir()
        folders.append(str(copied(made, tmp_path / name)))
        with (Path(folders[-1]) / name).open("r+b") as file:
            file.truncate(4 * 2**30)
    code = (
        "import resource, heorsynth as hs\n"
        "from heorsynth.core.errors import HeorsynthError\nimport heorsynth.protocol.verify\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"for folder in {folders}:\n"
        "    try:\n"
        "        print(hs.verify(folder, rerun=False).result)\n"
        "    except HeorsynthError as error:\n"
        "        print('refused:', error.problems[0].found)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    *answers, memory = told.strip().splitlines()
    assert len(answers) == 6
    assert all(answer == "differs" or "larger than any run makes it" in answer for answer in answers)
    assert int(memory) < 5 * MOST_BYTES / 1024


def test_every_verdict_of_a_run_follows_from_its_interval_and_a_forged_one_does_not(made) -> None:
    findings = made.evidence.findings
    assert all(borne_out(one) for one in findings)
    failed = [one for one in findings if one.verdict == "fail"]
    assert failed
    assert not any(borne_out(dataclasses.replace(one, verdict="pass")) for one in failed)
    assert not borne_out(dataclasses.replace(failed[0], verdict="splendid"))
    assert all(borne_out(dataclasses.replace(one, verdict="inconclusive")) for one in failed)
