"""The kernels of all tests are forks of one process: see `kernel/parent.py`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

KERNEL = Path(__file__).parent / "kernel"


@pytest.fixture(autouse=True, scope="session")
def forked_kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make the kernel python3 of Jupyter one that is forked; without JUPYTER_PATH it is a new process."""
    place = tmp_path_factory.mktemp("jupyter")
    address, spec = str(place / "door"), place / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [sys.executable, "-S", "-E", str(KERNEL / "child.py"), address, "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3 (ipykernel)", "language": "python"}))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JUPYTER_PATH", str(place))
        command = [sys.executable, str(KERNEL / "parent.py"), address]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, stdin=subprocess.PIPE, **silent) as parent:  # ends when its input is closed
            while not Path(address).exists() and parent.poll() is None:
                os.sched_yield()
            yield


@pytest.fixture
def new_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let kernels be new processes, as they are for users."""
    monkeypatch.delenv("JUPYTER_PATH")
