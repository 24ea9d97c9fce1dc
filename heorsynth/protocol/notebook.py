"""Executes the notebook of a protocol with its parameters; the same run gives the same bytes."""

from __future__ import annotations

import ast
import asyncio
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from heorsynth.core.errors import FileError, Problem, RunError, nearest
from heorsynth.core.json_schema import jsonschema
from heorsynth.engine.progress import LIVE_KERNEL

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode
    from traitlets.config import Config

SOURCE_VARIABLE = "HEORSYNTH_SOURCE"
"""Environment variable with the folder of the source file, needed if the run folder was moved."""

_USED = (
    "heorsynth.protocol.run",
    "heorsynth.report.figures",
    "heorsynth.checks.privacy.check",
    "heorsynth.checks.survival.check",
    "heorsynth.generators.augmentation",
    "heorsynth.generators.heor.recipe",
    "pyarrow.pandas_compat",
    "scipy.linalg",
    "scipy.sparse",
    "scipy.spatial",
    "threadpoolctl",
)
"""What the code of a notebook loads, also what it loads only when it is used."""

_IMPORTS = f"exec('import gc, {', '.join(_USED)}; gc.collect(); gc.freeze()', {{}})"
"""What a kernel runs before it gets its notebook, while cohorts are drawn and checked. It leaves no name behind.

What is imported lives as long as the kernel. Frozen, it is not searched for garbage, which takes over a second when the
kernel ends."""

_TIMEOUT = 1800
"""Time limit of one cell, in seconds."""


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook; FileError if the file is not a notebook."""
    jsonschema()  # before nbformat loads it with a grammar that takes two seconds
    import nbformat

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
    import nbformat

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
    with started_kernel() as kernel:
        kernel.begin(notebook, folder, source_folder)
        return kernel.finish()


@contextmanager
def started_kernel() -> Iterator[NotebookKernel]:
    """Start a kernel and let it import heorsynth, while the caller does something else."""
    jsonschema()
    import nbformat
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(1) as pool:
        client = NotebookClient(
            nbformat.v4.new_notebook(),
            timeout=_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,  # otherwise the output of a cell is split where the kernel flushed it
            resources={"metadata": {"path": place}},
            config=_private_sockets(place),
            log=_silent(),
        )
        kernel = NotebookKernel(client, _kernel_environment(place), pool)
        try:
            yield kernel
        finally:
            kernel.close()


class NotebookKernel:
    """A kernel that starts at once and executes one notebook.

    It runs in a separate thread. In the main thread, nbclient handles Ctrl-C itself and raises its own error. If the
    caller is a notebook, the main thread already runs an event loop.
    """

    def __init__(self, client: NotebookClient, environment: Mapping[str, str], pool: ThreadPoolExecutor) -> None:
        self._client, self._environment = client, dict(environment)
        self._wanted: Future[tuple[NotebookNode, str] | None] = Future()
        self._done = pool.submit(asyncio.run, self._serve())

    def begin(self, notebook: NotebookNode, folder: Path, source_folder: Path | None = None) -> None:
        """Start to run every cell in `folder`; `finish` waits for the result."""
        code = f"import os; os.chdir({str(folder.resolve())!r})"
        if source_folder is not None:
            code += f"; os.environ[{SOURCE_VARIABLE!r}] = {str(source_folder.resolve())!r}"
        self._wanted.set_result((notebook, f"exec({code!r}, {{}})"))

    def finish(self) -> str:
        """Return the executed notebook; see `execute`."""
        import nbformat
        from nbclient.exceptions import CellExecutionError

        try:
            done = self._result()
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

    def close(self) -> None:
        """End the kernel if no notebook was executed, or if nobody waits for it any more."""
        if not self._wanted.done():
            self._wanted.set_result(None)
        self._kill()

    async def _serve(self) -> NotebookNode:
        client = self._client
        client.km = client.create_kernel_manager()
        await client.async_start_new_kernel(env=self._environment)
        kc = await client.async_start_new_kernel_client()
        kc.execute(_IMPORTS, silent=True, store_history=False)
        wanted = await asyncio.wrap_future(self._wanted)
        if wanted is None:
            process = client.km.provisioner
            if process is not None:
                await process.kill()  # a graceful end interrupts the import, and the kernel prints the interrupt
                await process.wait()
            await client._async_cleanup_kernel()
            return client.nb
        client.nb, moved = wanted
        kc.execute(moved, silent=True, store_history=False)
        return await client.async_execute(cleanup_kc=True)

    def _result(self) -> NotebookNode:
        """The executed notebook. Ctrl-C ends the kernel."""
        try:
            return self._done.result()
        except KeyboardInterrupt:
            self._kill()
            raise

    def _kill(self) -> None:
        """End the kernel, whatever it does; nothing if it has ended."""
        while not self._done.done():
            process = getattr(getattr(self._client.km, "provisioner", None), "process", None)
            if process is not None:
                process.kill()
            wait([self._done], timeout=0.2)


_CELL = "<cell>"
"""Name of a cell in warnings; the kernel's own name contains a process number, which differs between runs."""


def _kernel_environment(profile: str) -> dict[str, str]:
    """The present environment, without the user's start-up files for kernels."""
    inherited = {name: value for name, value in os.environ.items() if name not in LIVE_KERNEL}
    return {**inherited, "IPYTHONDIR": profile, "IPYKERNEL_CELL_NAME": _CELL}


def _silent() -> logging.Logger:
    """A logger that says nothing: errors become a RunError, and a kernel that is killed while it starts is none."""
    logger = logging.getLogger(__name__)
    logger.handlers, logger.propagate = [logging.NullHandler()], False
    return logger


def _private_sockets(place: str) -> Config:
    """Settings that make the kernel use socket files in a private folder instead of ports, on POSIX systems."""
    from traitlets.config import Config

    if os.name != "posix":
        return Config()
    return Config({"KernelManager": {"transport": "ipc", "ip": str(Path(place) / "kernel")}})
