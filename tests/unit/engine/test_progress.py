"""A bar where a person watches (a terminal, a notebook they opened), and silence where a program runs."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from heorsynth.engine.progress import LIVE_KERNEL, progress
from heorsynth.protocol.notebook import execute

LOOP = "from heorsynth.engine.progress import progress\nprint(sum(progress(range(3), 'counting', 3)))"


def unwatched() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in LIVE_KERNEL}


def on_terminal(code: str) -> str:
    """What the code writes to its standard error, which is a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))  # rows and columns of the window
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # Linux says so where the other end is closed
            pass
        process.wait(timeout=60)
    os.close(ours)
    return seen.decode()


def outputs(notebook: nbformat.NotebookNode) -> str:
    return "".join(str(output) for cell in notebook.cells for output in cell.get("outputs", []))


def counting() -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LOOP)])


def test_a_terminal_sees_a_bar_with_its_name() -> None:
    seen = on_terminal(LOOP)
    assert "counting:   0%" in seen and "0/3" in seen


def test_a_log_sees_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True, check=True, env=unwatched())
    assert (done.stdout, done.stderr) == ("3\n", "")


@pytest.mark.parametrize("name", LIVE_KERNEL)
def test_a_kernel_that_a_person_opened_shows_a_bar(name: str) -> None:
    notebook = counting()
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute(env={**unwatched(), name: "a notebook"})
    assert "counting" in outputs(notebook)


def test_a_notebook_that_a_program_executes_is_silent() -> None:
    notebook = counting()
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute(env=unwatched())
    assert "counting" not in outputs(notebook) and "3" in outputs(notebook)


def test_a_run_started_from_a_live_notebook_executes_its_own_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LIVE_KERNEL:
        monkeypatch.setenv(name, "a notebook")
    done = nbformat.reads(execute(counting(), Path.cwd()), as_version=4)
    assert "counting" not in outputs(done) and "3" in outputs(done)


def test_the_items_come_in_their_order_whoever_watches() -> None:
    assert list(progress(iter("abc"), "letters")) == ["a", "b", "c"]
