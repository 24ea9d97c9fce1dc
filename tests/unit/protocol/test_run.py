"""A run folder is written whole or not at all, twice the same, and a changed byte in it is found and named."""

import dataclasses
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat
import numpy as np
import pandas as pd
import psutil
import pytest

import heorsynth as hs
from heorsynth.core import errors
from heorsynth.protocol.file.template import TEMPLATE
from heorsynth.protocol.notebook import execute, read_notebook, started_kernel, with_parameters
from heorsynth.protocol.run_folder import staged

PROTOCOL = """\
heorsynth: 1
title: A <b>small</b> run
purpose: economic-evaluation
cohort:
  source: {file: trial.csv}
  endpoints: {os: [time, event]}
  arm: trt
  subgroups: [sex]
  id: patient
generator: {name: marginals, n: same, m: 2, most_cohorts: 2, seed: 1}
"""
CANARY = "Canary-7319"


def trial(n: int = 80) -> pd.DataFrame:
    """A made-up trial whose ids and one covariate are values that must never leave it."""
    rng = np.random.default_rng(7)
    return pd.DataFrame({
        "patient": [f"{CANARY}-{i}" for i in range(n)],
        "time": np.round(rng.exponential(400, n) + 1, 3),
        "event": rng.integers(0, 2, n),
        "trt": np.tile(["new", "usual"], n // 2),
        "sex": rng.choice(["f", "m"], n),
        "age": np.round(rng.normal(60, 9, n), 4),
    })  # fmt: skip


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("protocol")
    trial().to_csv(folder / "trial.csv", index=False)
    (folder / "small.yaml").write_text(PROTOCOL, encoding="utf-8")
    before = os.environ.get("HEORSYNTH_KEY")
    os.environ["HEORSYNTH_KEY"] = "a key for tests"
    yield folder / "small.yaml"
    if before is None:
        del os.environ["HEORSYNTH_KEY"]
    else:
        os.environ["HEORSYNTH_KEY"] = before


@pytest.fixture(scope="module")
def done(protocol: Path) -> "hs.Run":
    return hs.run(protocol, out=protocol.parent / "runs")


def copy_of(run: "hs.Run", folder: Path) -> Path:
    target = folder / run.path.name
    subprocess.run(["cp", "-r", run.path, target], check=True)
    return target


def test_a_run_folder_holds_what_the_contract_names(done: "hs.Run") -> None:
    names = {path.relative_to(done.path).as_posix() for path in done.path.rglob("*") if path.is_file()}
    assert names == {
        "protocol.yaml", "protocol.lock", "notebook.ipynb", "report.html", "verdict.json", "evidence.csv",
        "synthetic/000.parquet", "synthetic/001.parquet", "SHA256SUMS",
        "ro-crate-metadata.json", "croissant.json", "provenance.json", "signature.json",
        "governance.json", "governance.html", "label.html",
    }  # fmt: skip
    verdict = json.loads((done.path / "verdict.json").read_text(encoding="utf-8"))
    assert {"verdict", "purpose", "findings", "seed", "heorsynth", "protocol_sha256", "source_fingerprint"} <= set(
        verdict
    )
    assert verdict["verdict"] == done.verdict


def test_the_sums_are_what_sha256sum_computes(done: "hs.Run") -> None:
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=done.path, check=False).returncode == 0


def test_running_again_gives_the_same_bytes_and_another_seed_other_cohorts(
    protocol: Path, done: "hs.Run", tmp_path: Path, new_kernels: None, short_notebook: Callable[[Path], str]
) -> None:
    again = hs.run(protocol, out=tmp_path)
    assert (again.path / "SHA256SUMS").read_bytes() == (done.path / "SHA256SUMS").read_bytes()
    other = protocol.with_name("other.yaml")
    other.write_text(PROTOCOL.replace("seed: 1", "seed: 2") + short_notebook(other.parent), encoding="utf-8")
    changed = hs.run(other, out=tmp_path)
    assert (changed.path / "synthetic/000.parquet").read_bytes() != (done.path / "synthetic/000.parquet").read_bytes()


def test_what_a_cell_prints_is_one_output_however_long_it_takes(tmp_path: Path) -> None:
    """A kernel hands on what is printed five times a second: on a busy machine two runs would differ."""
    notebook = read_notebook(TEMPLATE)
    notebook.cells = notebook.cells[:1]
    cell = nbformat.v4.new_code_cell("import time\nfor part in range(3):\n    print(part)\n    time.sleep(0.6)")
    notebook.cells.append(cell)
    done = nbformat.reads(execute(notebook, tmp_path), as_version=4)
    assert [output.text for output in done.cells[-1].outputs] == ["0\n1\n2\n"]


def test_a_run_is_read_back_as_it_was(done: "hs.Run") -> None:
    read = hs.Run.open(done.path)
    pd.testing.assert_frame_equal(read.evidence.to_frame(), done.evidence.to_frame())
    assert read.evidence.sentence == done.evidence.sentence
    assert read.verdict == done.verdict


def test_a_run_shows_where_its_dossier_lies_and_links_to_it(done: "hs.Run") -> None:
    assert str(done.report) in repr(done)
    target = re.search("<a href='([^']+)'", done._repr_html_())
    assert target is not None and Path(unquote(target[1])).is_file()
    odd = dataclasses.replace(done, path=Path("a folder's & name"))
    assert "href='a%20folder%27s%20%26%20name/report.html'" in odd._repr_html_()


def test_every_synthetic_row_says_that_it_is_one(done: "hs.Run") -> None:
    frames = [hs.read(path) for path in sorted((done.path / "synthetic").glob("*.parquet"))]
    ids = pd.concat(frames).index
    assert ids.is_unique
    assert ids.str.fullmatch(r"SYN-[0-9a-f]{4,}-\d{6}").all()
    assert hs.inspect(done.path / "synthetic" / "000.parquet").synthetic is True


def test_nothing_of_a_patient_leaves_in_any_file(done: "hs.Run") -> None:
    exact = [f"{value}" for value in trial()["age"]]
    for path in done.path.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert CANARY.encode() not in raw, path.name
            if path.suffix != ".parquet":
                assert not [value for value in exact if value.encode() in raw], path.name


def test_a_title_with_markup_is_shown_and_not_obeyed(done: "hs.Run") -> None:
    page = done.report.read_text(encoding="utf-8")
    assert "<b>small</b>" not in page
    assert "&lt;b&gt;small&lt;/b&gt;" in page


def test_verify_finds_a_good_run_good_and_re_runs_it(protocol: Path, done: "hs.Run") -> None:
    found = hs.verify(done.path, source=protocol.parent)
    assert found.verified
    assert set(found.rerun.values()) == {"identical"}


def test_verify_without_the_source_is_not_verified_and_says_so_and_still_checks_the_bytes(
    done: "hs.Run", tmp_path: Path
) -> None:
    found = hs.verify(copy_of(done, tmp_path), source=tmp_path)
    assert found.result == "not verified" and set(found.intact.values()) == {"identical"}
    assert "cannot be read" in found.not_rerun or "not found" in found.not_rerun


@pytest.mark.parametrize(
    "name",
    [
        "verdict.json",
        "synthetic/001.parquet",
        "report.html",
        "protocol.yaml",
        "evidence.csv",
        "protocol.lock",
        "notebook.ipynb",
        "ro-crate-metadata.json",
        "croissant.json",
        "provenance.json",
        "signature.json",
    ],
)
def test_one_flipped_byte_is_found_and_named(done: "hs.Run", tmp_path: Path, name: str) -> None:
    folder = copy_of(done, tmp_path)
    raw = bytearray((folder / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / name).write_bytes(bytes(raw))
    found = hs.verify(folder)
    assert not found.verified
    assert [file for file, state in found.intact.items() if state != "identical"] == [name]


def test_a_file_added_or_taken_away_is_named(done: "hs.Run", tmp_path: Path) -> None:
    folder = copy_of(done, tmp_path)
    (folder / "extra.txt").write_text("x")
    (folder / "evidence.csv").unlink()
    found = hs.verify(folder)
    assert found.intact["extra.txt"] == "unexpected"
    assert found.intact["evidence.csv"] == "missing"
    assert not found.verified


def test_sums_that_name_a_file_outside_the_folder_are_refused(done: "hs.Run", tmp_path: Path) -> None:
    folder = copy_of(done, tmp_path)
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  ../secret\n")
    with pytest.raises(errors.OutputError, match="no file of this run"):
        hs.verify(folder)


def test_a_link_in_a_run_folder_is_named_and_not_followed(done: "hs.Run", tmp_path: Path) -> None:
    folder = copy_of(done, tmp_path)
    outside = tmp_path / "outside.json"
    (folder / "verdict.json").rename(outside)
    (folder / "verdict.json").symlink_to(outside)
    (folder / "nowhere").symlink_to(tmp_path / "absent")
    (folder / "folder").symlink_to(tmp_path)
    intact = hs.verify(folder, rerun=False).intact
    named = {name: state for name, state in intact.items() if state != "identical"}
    assert named == {"verdict.json": "altered since the run", "nowhere": "unexpected", "folder": "unexpected"}


def test_a_byte_flipped_in_the_sums_is_an_error_that_names_them(done: "hs.Run", tmp_path: Path) -> None:
    folder = copy_of(done, tmp_path)
    content = bytearray((folder / "SHA256SUMS").read_bytes())
    content[3] ^= 0x80
    (folder / "SHA256SUMS").write_bytes(content)
    with pytest.raises(errors.OutputError, match="SHA256SUMS"):
        hs.verify(folder, rerun=False)


def test_an_output_that_is_a_run_itself_or_cannot_be_written_is_refused(
    protocol: Path, done: "hs.Run", tmp_path: Path
) -> None:
    with pytest.raises(errors.OutputError, match="itself a run"):
        hs.run(protocol, out=done.path)
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.OutputError, match="cannot be written"):
        hs.run(protocol, out=tmp_path / "file" / "runs")
    (tmp_path / "runs" / done.path.name).mkdir(parents=True)
    with pytest.raises(errors.OutputError, match="not a run"):
        hs.run(protocol, out=tmp_path / "runs")


def test_a_full_disk_leaves_nothing_that_looks_whole(protocol: Path, tmp_path: Path) -> None:
    """A limit on file size makes the system refuse writes in the middle, as a full disk does."""
    code = f"import heorsynth as hs; hs.run({str(protocol)!r}, out={str(tmp_path)!r})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)))  # fmt: skip
    assert "OutputError" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("reached", "engine"),
    [
        pytest.param("", "local", id="at the start"),
        pytest.param("synthetic/000.parquet", "processes", id="while workers draw", marks=pytest.mark.long),
        pytest.param("governance.json", "local", id="while the dossier is drawn", marks=pytest.mark.long),
        pytest.param("report.html", "local", id="while the notebook runs"),
    ],
)
def test_ctrl_c_leaves_nothing_that_looks_whole(protocol: Path, tmp_path: Path, reached: str, engine: str) -> None:
    command = [sys.executable, "-m", "heorsynth.cli", "run", str(protocol), "--out", str(tmp_path), "--engine", engine]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(f".*/{reached}" if reached else ".*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5 if reached else 0)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    left = list(tmp_path.iterdir())
    if process.returncode == 130:
        assert told.strip() == "interrupted: nothing was written"
        assert left == []
    else:  # Python drops an interrupt that falls into a weak reference's callback; the run then goes on to its end
        assert not [path for path in left if ".partial" in path.name]
        assert all(hs.verify(path, rerun=False).verified for path in left)


def test_an_error_while_the_notebook_runs_ends_its_kernel_and_leaves_nothing(
    protocol: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_kernels: None
) -> None:
    begun = []

    def failing(*_: object, **__: object) -> str:
        begun.extend(
            child for child in psutil.Process().children() if "ipykernel_launcher" in " ".join(child.cmdline())
        )
        raise ZeroDivisionError

    monkeypatch.setattr("heorsynth.report.dossier.dossier", failing)
    with pytest.raises(ZeroDivisionError):
        hs.run(protocol, out=tmp_path)
    assert begun and not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in begun)
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), staged(tmp_path / "new" / "runs", "x") as folder:
        (folder / "half").write_text("")
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [("n: same", "n: 0", errors.ProtocolError), ("n: same", "n: 1", errors.TooFewPatientsError),
     ("name: marginals", "name: heor, options: {privacy: none}", errors.GeneratorError),
     ("n: same", "n: same, where: {sex: x}", errors.GeneratorError), ("[sex]", "[age]", errors.CohortError)],
)  # fmt: skip
def test_a_run_that_cannot_be_made_writes_nothing(
    protocol: Path, tmp_path: Path, old: str, new: str, kind: type
) -> None:
    assert old in PROTOCOL
    bad = protocol.with_name("bad.yaml")
    bad.write_text(PROTOCOL.replace(old, new), encoding="utf-8")
    with pytest.raises(kind):
        hs.run(bad, out=tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_notebook_parameter_is_an_error_and_the_template_is_unchanged() -> None:
    notebook = read_notebook(TEMPLATE)
    with pytest.raises(errors.RunError, match="'PROTOCOL'"):
        with_parameters(notebook, {"PROTOCOLL": "x"})
    assert len(with_parameters(notebook, {"RUN": "."}).cells) == len(notebook.cells) + 1


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.RunError, match=r"verdict\.json"):
        hs.Run.open(tmp_path)


def test_a_kernel_that_is_ended_while_it_starts_says_nothing(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], new_kernels: None
) -> None:
    for started_for in (0.0, 0.4):
        with started_kernel():
            time.sleep(started_for)
    assert not [one for one in caplog.records if one.levelname == "ERROR"]
    assert capfd.readouterr() == ("", "")


def test_a_kernel_ends_with_the_run_and_leaves_no_name_in_the_notebook(tmp_path: Path, new_kernels: None) -> None:
    with pytest.raises(KeyError), started_kernel() as kernel:
        raise KeyError("a fit that failed")
    assert kernel._done.done()
    assert kernel._client.km is None
    cell = nbformat.v4.new_code_cell(
        "'heorsynth' in globals(), 'heorsynth.report.figures' in __import__('sys').modules"
    )
    done = nbformat.reads(execute(nbformat.v4.new_notebook(cells=[cell]), tmp_path), as_version=4)
    assert done.cells[0].outputs[0].data["text/plain"] == "(False, True)"
    assert done.cells[0].execution_count == 1
