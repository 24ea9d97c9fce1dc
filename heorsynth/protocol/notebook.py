"""Executes the notebook of a protocol with its parameters; the same run gives the same bytes."""

from __future__ import annotations

import ast
import asyncio
import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from traitlets.config import Config

from heorsynth.core.errors import FileError, Problem, RunError, nearest
from heorsynth.engine.progress import LIVE_KERNEL

SOURCE_VARIABLE = "HEORSYNTH_SOURCE"
"""Environment variable with the folder of the source file, needed if the run folder was moved."""

_TIMEOUT = 1800
"""Time limit of one cell, in seconds."""


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook; FileError if the file is not a notebook."""
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (OSError, ValueError) as error:
        raise FileError(f"notebook {path.name!r}", Problem("", "cannot be read", "check the path")) from error


def with_parameters(notebook: NotebookNode, values: Mapping[str, object]) -> NotebookNode:
    """Copy of a notebook without outputs; a new cell after the one tagged `parameters` sets these values.

    Raises
    ------
    RunError      not exactly one cell is tagged `parameters`, or a name is not set in that cell
    """
    copy = nbformat.from_dict(notebook)
    copy.cells = [cell for cell in copy.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    tagged = [i for i, cell in enumerate(copy.cells) if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise RunError("notebook", Problem("parameters", f"{len(tagged)} cells tagged so, expected 1", "tag one cell"))
    known = [
        target.id
        for statement in ast.parse(copy.cells[tagged[0]].source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
    unknown = [name for name in values if name not in known]
    if unknown:
        raise RunError(
            "notebook",
            [
                Problem(f"parameter {name!r}", "not set in the parameters cell", nearest(name, known))
                for name in unknown
            ],
        )
    source = "# Set by the run\n" + "\n".join(f"{name} = {value!r}" for name, value in values.items())
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]})
    cell["id"] = "injected-parameters"
    copy.cells.insert(tagged[0] + 1, cell)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return copy


def execute(notebook: NotebookNode, folder: Path, source_folder: Path | None = None) -> str:
    """Run every cell in `folder`; return the notebook as JSON text, without times or machine names.

    Raises
    ------
    RunError      a cell failed; the message contains the class of the error but no output of the cell
    """
    with tempfile.TemporaryDirectory() as place:
        client = NotebookClient(
            notebook,
            timeout=_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,  # otherwise the output of a cell is split where the kernel flushed it
            resources={"metadata": {"path": str(folder)}},
            config=_private_sockets(place),
        )
        try:
            done = _in_own_thread(client, _kernel_environment(place, source_folder))
        except CellExecutionError as error:
            if error.ename == "KeyboardInterrupt":
                raise KeyboardInterrupt from None
            fix = "open the notebook in JupyterLab and run it cell by cell"
            raise RunError("notebook", Problem("a cell", f"failed with {error.ename}", fix)) from None
        except RuntimeError as error:
            fix = "try `jupyter kernelspec list`; the kernel python3 of this environment is used"
            raise RunError("notebook", Problem("kernel", "did not start, or died", fix)) from error
    done.metadata.pop("language_info", None)
    return nbformat.writes(done) + "\n"


def _in_own_thread(client: NotebookClient, environment: Mapping[str, str]) -> NotebookNode:
    """Execute the notebook in a separate thread.

    In the main thread, nbclient handles Ctrl-C itself and raises its own error. If the caller is a notebook, the main
    thread already runs an event loop.
    """
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(asyncio.run, client.async_execute(env=environment))
        try:
            return done.result()
        except KeyboardInterrupt:
            while not done.done():
                kernel = getattr(getattr(client.km, "provisioner", None), "process", None)
                if kernel is not None:
                    kernel.kill()
                wait([done], timeout=0.2)
            raise


_CELL = "<cell>"
"""Name of a cell in warnings; the kernel's own name contains a process number, which differs between runs."""


def _kernel_environment(profile: str, source_folder: Path | None) -> dict[str, str]:
    """The present environment, without the user's start-up files for kernels, and with the folder of the source."""
    inherited = {name: value for name, value in os.environ.items() if name not in LIVE_KERNEL}
    source = {} if source_folder is None else {SOURCE_VARIABLE: str(source_folder.resolve())}
    return {**inherited, **source, "IPYTHONDIR": profile, "IPYKERNEL_CELL_NAME": _CELL}


def _private_sockets(place: str) -> Config:
    """Settings that make the kernel use socket files in a private folder instead of ports, on POSIX systems."""
    if os.name != "posix":
        return Config()
    return Config({"KernelManager": {"transport": "ipc", "ip": str(Path(place) / "kernel")}})
