"""An outside package adds a generator and an estimand, which are listed, run, locked, recorded and verified."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

import heorsynth as hs
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.cli import cli
from heorsynth.core.errors import MarginError
from heorsynth.core.plugins import PluginError
from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.lock import read_lock, write_lock

HERE = Path(__file__).resolve().parent
PACKAGE, VERSION = "heorsynth-arm-bootstrap", "1.2.3"
PROTOCOL = """\
heorsynth: 1
title: A run with a generator of another package
purpose: software-testing
cohort: {source: {simulated: {n: 60, seed: 2}}}
generator: {name: arm_bootstrap, n: same, m: 2, most_cohorts: 2, seed: 1}
margins: {survival.first_quarter: {relative: 0.2}}
notebook: short.ipynb
"""
SCRIPT = """
import json, sys
import heorsynth as hs
from heorsynth.protocol.lock import write_lock

write_lock("toy.yaml")
run = hs.run("toy.yaml")
again = hs.verify(run.path)
told = {"names": hs.generators.names(), "path": str(run.path), "generator": run.synthetic[0].label.generator}
told["quarter"] = [one.estimand for one in run.evidence.findings if one.key == "survival.first_quarter"]
print(json.dumps({**told, "verified": again.result, "installs": again.installs}))
"""


@dataclass(frozen=True)
class Outside:
    """The folder the package was installed into, that of a run made there, and what that process said."""

    target: Path
    run: Path
    told: dict


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, installed beside nothing else."""
    place = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--target", str(place)]
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *options, str(HERE)], check=True)
    return place


@pytest.fixture(scope="module")
def outside(target: Path, tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> Outside:
    """A run, in a process that finds the package on its path."""
    place = tmp_path_factory.mktemp("outside")
    (place / "toy.yaml").write_text(PROTOCOL, encoding="utf-8")
    short_notebook(place)
    path = os.pathsep.join([str(target), str(HERE.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    return Outside(target, place / told["path"], told)


def other_version(target: Path, place: Path, version: str) -> Path:
    """The package's metadata, with another version."""
    held = next(target.glob("*.dist-info"))
    made = place / held.name.replace(VERSION, version)
    made.mkdir(parents=True)
    (made / "entry_points.txt").write_bytes((held / "entry_points.txt").read_bytes())
    metadata = (held / "METADATA").read_text(encoding="utf-8")
    (made / "METADATA").write_text(metadata.replace(f"Version: {VERSION}", f"Version: {version}"), encoding="utf-8")
    (place / "arm_bootstrap.py").write_bytes((target / "arm_bootstrap.py").read_bytes())
    return place


def test_the_generator_is_listed_and_described_only_where_its_package_is_installed(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "arm_bootstrap" not in hs.generators.names()
    monkeypatch.syspath_prepend(str(target))
    assert hs.generators.names()[-1] == "arm_bootstrap"
    assert hs.generators.describe("arm_bootstrap").startswith("Patients drawn with replacement within each arm.")
    listed = CliRunner().invoke(cli, ["generators"])
    assert "arm_bootstrap    Patients drawn with replacement within each arm." in listed.output


def test_a_protocol_names_the_generator_and_its_run_is_made_and_verified(outside: Outside) -> None:
    assert "arm_bootstrap" in outside.told["names"]
    assert outside.told["generator"] == "arm_bootstrap"
    assert outside.told["verified"] == "verified"
    assert outside.told["installs"].startswith("the same versions of")
    assert outside.told["quarter"][0] == "first quartile of os"


def test_the_estimand_is_known_only_where_its_package_is_installed(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "survival.first_quarter"
    assert key not in ESTIMANDS and key not in registry.estimands_of("survival")
    with pytest.raises(MarginError, match="not an estimand"):
        margin_for(key, {"relative": 0.2})
    monkeypatch.syspath_prepend(str(target))
    assert key in ESTIMANDS and list(ESTIMANDS)[-1] == key and registry.estimands_of("survival")[-1] == key
    trial = hs.datasets.simulated_trial(200, seed=1)[0]
    evidence = hs.validate(trial, [trial], purpose="teaching", margins={key: {"relative": 0.2}})
    found = {one.group: one for one in evidence.findings if one.key == key}
    assert found["all"].difference == 0 and found["all"].decisive and {"arm=new", "arm=usual"} < set(found)
    assert key in CliRunner().invoke(cli, ["checks"]).output


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("survival.odd", "ODD = 3", "is not an Estimand"),
        ("survival.odd", "raise RuntimeError('no')", "cannot be loaded"),
        ("survival.other", "from first_quarter import FIRST_QUARTER as ODD", "its key is 'survival.first_quarter'"),
        ("survival.rmst", "from first_quarter import FIRST_QUARTER as ODD", "the name is in use twice"),
    ],
)
def test_an_estimand_that_cannot_be_used_is_refused_when_it_is_asked_for_and_disturbs_nothing_else(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str, told: str
) -> None:
    folder = tmp_path / "odd-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[heorsynth.estimands]\n{name} = odd_estimand:ODD\n")
    (tmp_path / "odd_estimand.py").write_text(code)
    monkeypatch.delitem(sys.modules, "odd_estimand", raising=False)
    monkeypatch.syspath_prepend(str(target))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PluginError, match=told):
        margin_for(name, {"relative": 0.1})
    assert margin_for("costs.mean", {"relative": 0.1}).width == 0.1
    assert "survival.odd" not in list(ESTIMANDS)


def test_lock_and_record_name_the_package_with_its_version(outside: Outside) -> None:
    beside = json.loads((outside.run.parents[1] / "toy.lock").read_text(encoding="utf-8"))
    within = json.loads((outside.run / "protocol.lock").read_text(encoding="utf-8"))
    assert beside["plugins"] == within["plugins"] == within["plugins_locked"] == {PACKAGE: VERSION}
    assert "Plug-ins" not in within["note"]
    statement = json.loads((outside.run / "provenance.json").read_text(encoding="utf-8"))["predicate"]
    assert statement["runDetails"]["metadata"]["heorsynth_occasion"]["packages"][PACKAGE] == VERSION
    uses = {one["name"]: one.get("uri") for one in statement["buildDefinition"]["resolvedDependencies"]}
    assert uses[PACKAGE] == f"pkg:pypi/{PACKAGE}@{VERSION}"
    crate = (outside.run / "ro-crate-metadata.json").read_text(encoding="utf-8")
    software = [one for one in json.loads(crate)["@graph"] if one.get("name") == PACKAGE]
    assert [one["softwareVersion"] for one in software] == [VERSION]


@pytest.mark.parametrize("rerun", [True, False])
def test_a_run_is_not_verified_where_the_package_is_missing(outside: Outside, rerun: bool) -> None:
    found = hs.verify(outside.run, rerun=rerun)
    assert found.result == "not verified"
    assert found.installs == f"other versions: {PACKAGE} {VERSION} in the run, absent here"
    assert "unknown generator" in found.not_rerun
    assert set(found.intact.values()) == {"identical"}


def test_another_version_of_the_package_is_told_as_that_of_any_package(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(other_version(outside.target, tmp_path, "2.0")))
    found = hs.verify(outside.run, rerun=False)
    assert found.installs == f"other versions: {PACKAGE} {VERSION} in the run, 2.0 here"
    assert found.verified  # as for other packages: only another result fails


def test_the_note_of_a_lock_tells_a_package_that_changed_since(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = tmp_path / "toy.yaml"
    protocol.write_text(PROTOCOL, encoding="utf-8")
    with monkeypatch.context() as first:
        first.syspath_prepend(str(target))
        write_lock(protocol, tmp_path / "runs")
    monkeypatch.syspath_prepend(str(other_version(target, tmp_path / "later", "2.0")))
    lock = read_lock(read_protocol(protocol), tmp_path / "runs")
    assert f"Plug-ins of other versions: {PACKAGE} {VERSION} when locked, 2.0 now." in lock.note
    assert lock.changed == ()


def test_a_protocol_without_plug_ins_has_none_in_its_lock(tmp_path: Path) -> None:
    protocol = tmp_path / "plain.yaml"
    plain = PROTOCOL.replace("arm_bootstrap", "heor").partition("margins:")[0]
    protocol.write_text(plain, encoding="utf-8")
    locked = json.loads(write_lock(protocol, tmp_path / "runs").read_text(encoding="utf-8"))
    assert "plugins" not in locked
    assert "plugins" not in read_lock(read_protocol(protocol), tmp_path / "runs").to_json()
