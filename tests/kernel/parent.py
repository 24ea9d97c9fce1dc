"""Forks the kernels of the tests from one process that has imported what notebooks use.

A new kernel imports for four processor seconds before its first cell, and some hundred kernels run in the tests. A fork
has imported already. It is the same ipykernel with the environment, the folder and the arguments of who asked.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from typing import Any

OWN = (
    *("JPY_", "IPYTHONDIR", "IPYKERNEL_", "HEORSYNTH_", "PYTEST_", "XDG_"),
    *("PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "MPLBACKEND", "KMP_"),
)
"""How the variables begin that a kernel may have otherwise than this process: no import reads them."""


def serve(address: str) -> None:
    """Answer who asks for a kernel, until the standard input is closed: whoever started this process has ended."""
    own = shared(dict(os.environ))
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen(16)
        while sys.stdin not in select.select([door, sys.stdin], [], [])[0]:
            asker, _ = door.accept()
            with asker, asker.makefile("r", encoding="utf-8") as lines, contextlib.suppress(OSError):
                line = lines.readline()
                if not line.endswith("\n"):
                    continue  # who asked was ended meanwhile, as the kernel of a run with an error is
                asked = json.loads(line)
                if shared(asked["environment"]) != own:
                    continue  # what was imported here may differ from what the asker would import
                imported()
                if os.fork() == 0:
                    try:
                        door.close()
                        keep(asker, asked)
                    finally:
                        os._exit(1)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def shared(environment: dict[str, str]) -> dict[str, str]:
    """The variables that this process and a kernel must have in common."""
    return {name: value for name, value in environment.items() if not name.startswith(OWN) and name != "_"}


def imported() -> None:
    """Import what a kernel imports, as `heorsynth.protocol.notebook` makes it do."""
    before = os.environ.get("MPLBACKEND")
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as ipykernel does
    for name in ("ipykernel.kernelapp", "ipykernel.ipkernel", "heorsynth.protocol.run", "heorsynth.report.figures"):
        importlib.import_module(name)
    if before is None:
        del os.environ["MPLBACKEND"]
    gc.freeze()


def keep(asker: socket.socket, asked: dict[str, Any]) -> None:
    """Fork a kernel, tell its number, and when it ends its exit code; end it when the asker ends."""
    ended, alive = os.pipe()
    kernel = os.fork()
    if kernel == 0:
        asker.close()
        run(asked)
    os.close(alive)
    with contextlib.suppress(OSError):
        asker.sendall(f"{kernel}\n".encode())
    if ended not in select.select([asker, ended], [], [])[0]:
        os.kill(kernel, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])
    with contextlib.suppress(OSError):
        asker.sendall(f"{code}\n".encode())
    os._exit(0)


def run(asked: dict[str, Any]) -> None:
    """Become a kernel."""
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"], JPY_PARENT_PID=str(os.getppid()))
    sys.argv, sys.path[0] = ["ipykernel_launcher", *asked["arguments"]], asked["folder"]
    code = 1
    try:
        runpy.run_module("ipykernel_launcher", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
