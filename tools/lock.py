"""Writes requirements.lock, requirements-dev.lock and environment.yml from pyproject.toml, in a venv of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"
BUILD = ["hatchling>=1.25", "editables>=0.5"]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}


def frozen(python: Path) -> dict[str, str]:
    """Name to version of what is installed, without heorsynth; local versions such as +cpu are cut off."""
    lines = subprocess.run(
        [python, "-m", "pip", "freeze", "--exclude", "heorsynth"], check=True, capture_output=True, text=True
    ).stdout.split()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {name.lower().replace("_", "-"): version.split("+")[0] for name, version in pairs}


def environment(core: dict[str, str], direct: list[str]) -> str:
    """environment.yml: the direct dependencies under their conda-forge names, at the lock's versions."""
    pins = [f"  - {CONDA_NAMES.get(name, name)}={core[name]}" for name in sorted(direct)]
    head = [
        "# Written by `make lock`: the lock's versions of the direct dependencies. PyTorch is the CPU build.",
        "name: heorsynth",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        "  - python=3.11",
        "  - pip",
        *pins,
    ]
    return "\n".join([*head, "  - pip:", "      - --no-deps --editable .", ""])


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = [requirement.split(">")[0].split("[")[0] for requirement in project["dependencies"]]
    extras = ("test", "datasets", "files", "scale", "models", "privacy", "docs")
    extra = [item for name in extras for item in project["optional-dependencies"][name]]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        install = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*install, TORCH], check=True)
        subprocess.run([*install, *BUILD, *project["dependencies"]], check=True)
        core = frozen(python)
        subprocess.run([*install, *extra], check=True)
        dev = {name: version for name, version in frozen(python).items() if core.get(name) != version}
    for name, pins in (("requirements.lock", core), ("requirements-dev.lock", dev)):
        text = "".join(f"{package}=={version}\n" for package, version in sorted(pins.items()))
        (ROOT / name).write_text(f"# Written by `make lock` from pyproject.toml; do not edit.\n{text}")
    (ROOT / "environment.yml").write_text(environment(core, direct))


if __name__ == "__main__":
    main()
