"""The command line: exit codes, lists, a start from a CSV, and errors on stderr that name no patient."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.lock import Lock, read_lock

CANARY = "Canary-4471"
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    n = 90
    frame = pd.DataFrame({
        "patient_id": [f"{CANARY}{i}" for i in range(n)],
        "futime": rng.integers(1, 900, n),
        "status": rng.integers(0, 2, n),
        "treatment": rng.choice(["a", "b"], n),
        "Sex": rng.choice(["f", "m"], n),
        "total_cost": rng.gamma(2, 900, n).round(2),
        "qaly": rng.uniform(0, 1, n).round(3),
        "note": rng.choice(["x", "y"], n),
    })  # fmt: skip
    path = tmp_path / "my patients.csv"
    frame.to_csv(path, index=False)
    return path


def test_lists_name_what_there_is(heorsynth: Command) -> None:
    assert "pbc" in heorsynth("datasets").stdout
    assert "gaussian_copula" in heorsynth("generators").stdout
    assert "survival.rmst" in heorsynth("checks").stdout


@pytest.mark.parametrize("arguments", [["runn"], ["run"], ["run", "x.yaml", "--speed"], ["inspect"]])
def test_misuse_ends_with_64(heorsynth: Command, arguments: list[str]) -> None:
    assert heorsynth(*arguments).returncode == 64


def test_a_bad_protocol_ends_with_65_and_is_told_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("heorsynth: 1\ntitel: x\n")
    command = [sys.executable, "-X", "importtime", "-m", "heorsynth.cli", "run", "p.yaml"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 65
    assert "heorsynth.core.errors" in ended.stderr and "nbclient" not in ended.stderr, "no kernel was started"
    assert "did you mean 'title'" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--engine", "proceses"], "did you mean 'processes'"), (["--workers", "2"], "use 'processes' or 'dask'")],
)
def test_an_engine_that_cannot_be_had_ends_with_65_before_anything_is_written(
    heorsynth: Command, arguments: list[str], said: str, tmp_path: Path
) -> None:
    protocol = Path(__file__).resolve().parents[2] / "protocols" / "pbc.yaml"
    ended = heorsynth("run", str(protocol), "--out", "runs", *arguments, cwd=tmp_path)
    assert ended.returncode == 65
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_init_guesses_roles_and_shows_no_value(heorsynth: Command, patients: Path, tmp_path: Path) -> None:
    ended = heorsynth("init", str(patients), "--out", str(tmp_path / "start"))
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "start" / "my patients.yaml").read_text(encoding="utf-8")
    for expected in ('id: "patient_id"', 'os: ["futime", "status"]', 'arm: "treatment"', 'costs: ["total_cost"]',
                     'utilities: ["qaly"]', 'subgroups: ["Sex"]'):  # fmt: skip
        assert expected in text
    assert CANARY not in text + ended.stdout


def test_what_init_writes_runs(heorsynth: Command, patients: Path, tmp_path: Path) -> None:
    start = tmp_path / "start"
    assert heorsynth("init", str(patients), "--out", str(start)).returncode == 0
    protocol = start / "my patients.yaml"
    protocol.write_text(
        protocol.read_text(encoding="utf-8").replace("m: 20", "m: 2, most_cohorts: 2"), encoding="utf-8"
    )
    ended = heorsynth("run", str(protocol), "--out", str(tmp_path / "runs"))
    assert ended.returncode in (0, 1, 2), ended.stderr
    assert "report.html" in ended.stdout
    assert CANARY not in ended.stdout + ended.stderr


def test_init_asks_for_the_coding_of_events_in_words(heorsynth: Command, patients: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(patients)
    frame["status"] = np.where(frame["status"] == 1, "dead", "alive")
    frame.to_csv(patients, index=False)
    start = tmp_path / "start"
    assert heorsynth("init", str(patients), "--out", str(start)).returncode == 0
    protocol = start / "my patients.yaml"
    written = protocol.read_text(encoding="utf-8").replace("m: 20", "m: 2, most_cohorts: 2")
    assert 'event_map: {"alive": 0, "dead": 1}   # guessed, by the words' in written
    cohort, _ = load_source(read_protocol(protocol))
    assert cohort.frame["status"].tolist() == (frame["status"] == "dead").astype(int).tolist()


def test_init_does_not_overwrite(heorsynth: Command, patients: Path, tmp_path: Path) -> None:
    assert heorsynth("init", str(patients), "--out", str(tmp_path)).returncode == 0
    again = heorsynth("init", str(patients), "--out", str(tmp_path))
    assert again.returncode == 73
    assert "exists already" in again.stderr


def test_inspect_tells_a_synthetic_file_from_one_without_a_sign(heorsynth: Command, patients: Path) -> None:
    ended = heorsynth("inspect", str(patients))
    assert ended.returncode == 1
    assert "not proof" in ended.stdout
    assert CANARY not in ended.stdout


def test_lock_freezes_and_a_later_change_is_told(heorsynth: Command, tmp_path: Path) -> None:
    protocol = tmp_path / "p.yaml"
    text = (
        "heorsynth: 1\ntitle: x\npurpose: teaching\ncohort: {source: {dataset: pbc}}\n"
        "generator: {m: 2, most_cohorts: 2, seed: 1}\n"
    )
    protocol.write_text(text)
    assert "not locked" in read_lock(read_protocol(protocol)).note
    assert heorsynth("lock", str(protocol)).returncode == 0
    assert read_lock(read_protocol(protocol)).note.startswith("The protocol matches its lock. It was locked on ")
    protocol.write_text(text.replace("m: 2", "m: 3"))
    assert read_lock(read_protocol(protocol)).changed == ("generator",)
    assert "Not covered by an amendment: generator" in read_lock(read_protocol(protocol)).note
    assert heorsynth("lock", str(protocol)).returncode == 65
    amended = (
        text.replace("m: 2", "m: 3") + "amendments: [{date: 2026-11-23, what: m, why: more, section: generator.m}]\n"
    )
    protocol.write_text(amended)
    assert "Amendments cover every change." in read_lock(read_protocol(protocol)).note
    assert read_lock(read_protocol(protocol)).note.endswith("1 not declared as before or after data.")
    for when in ("before", "after"):
        protocol.write_text(amended.replace("section:", f"before_or_after_data: {when}, section:"))
        found = read_lock(read_protocol(protocol))
        assert found.note.endswith(f"Amendments, as declared: 1 {when} data.")
        assert Lock.from_json(found.to_json(), found.protocol_sha256) == found


def test_a_run_is_signed_verified_and_looked_up_on_the_command_line(
    heorsynth: Command, small_protocol: Path, tmp_path: Path
) -> None:
    assert heorsynth("keygen", "k", cwd=tmp_path).returncode == 0
    ended = heorsynth("run", str(small_protocol), "--sign-key", "k", "--registry", "r.jsonl", cwd=tmp_path)
    assert ended.returncode in (0, 1, 2), ended.stderr
    assert "Signed by key" in ended.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    checked = heorsynth("verify", str(folder), "--no-rerun", "--trusted-key", "k.pub", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert "the trusted key" in checked.stdout and "Runs: no: not requested." in checked.stdout
    assert heorsynth("keygen", "other", cwd=tmp_path).returncode == 0
    assert heorsynth("verify", str(folder), "--no-rerun", "--trusted-key", "other.pub", cwd=tmp_path).returncode == 1
    seen = heorsynth("inspect", str(folder / "synthetic" / "000.parquet"), "--registry", "r.jsonl", cwd=tmp_path)
    assert seen.returncode == 0
    assert "to the byte" in seen.stdout
    assert heorsynth("run", str(small_protocol), "--sign-key", "k.pub", cwd=tmp_path).returncode == 65


def interrupted(before: str, during: str) -> "subprocess.CompletedProcess[str]":
    """A program that runs some code, then the command, which runs other code and is interrupted."""
    code = (
        f"from heorsynth import cli\n{before}\n"
        f"def interrupted(**_): {during}; raise KeyboardInterrupt\n"
        "cli.cli.main = interrupted\n"
        "cli.main()"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_an_interrupt_while_workers_are_held_leaves_one_line_and_no_complaint_of_their_semaphores() -> None:
    ended = interrupted("from heorsynth.engine.processes import Processes; held = []", "held.append(Processes(1))")
    assert (ended.returncode, ended.stderr) == (130, "interrupted: nothing was written\n")


def test_an_exit_handler_that_fails_after_an_interrupt_adds_nothing_and_does_not_stop_the_others(
    tmp_path: Path,
) -> None:
    handlers = (
        f"import atexit, pathlib; atexit.register(pathlib.Path({str(tmp_path / 'last')!r}).touch)\n"
        "atexit.register(lambda: 1 / 0); atexit.register(print, 'an exit handler')"
    )
    ended = interrupted(handlers, "print('before')")
    assert (ended.returncode, ended.stdout) == (130, "before\n")
    assert ended.stderr == "interrupted: nothing was written\n"
    assert (tmp_path / "last").exists()
