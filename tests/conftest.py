"""For all tests: kernels that are forks of one process, see `kernel/parent.py`, and a notebook that draws nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from heorsynth.core.json_schema import jsonschema

jsonschema()  # before nbformat, which would load it with a grammar that takes two seconds
import nbformat  # noqa: E402

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


@pytest.fixture(scope="session")
def short_notebook() -> Callable[[Path], str]:
    """Write a notebook that draws nothing into a folder; returns the line of a protocol that names it.

    The notebook of the package draws for three processor seconds; `test_run.py` and others run it.
    """

    def written(folder: Path) -> str:
        parameters = nbformat.v4.new_code_cell("RUN = None", metadata={"tags": ["parameters"]})
        reads = nbformat.v4.new_code_cell("import heorsynth as hs\nprint(hs.Run.open(RUN).verdict)")
        for number, cell in enumerate((parameters, reads)):
            cell["id"] = f"cell-{number}"
        nbformat.write(nbformat.v4.new_notebook(cells=[parameters, reads]), folder / "short.ipynb")
        return "notebook: short.ipynb\n"

    return written
