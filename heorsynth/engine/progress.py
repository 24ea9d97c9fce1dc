"""A progress bar for a person at a terminal or notebook, and none in a log."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")

LIVE_KERNEL = ("JPY_SESSION_NAME", "VSCODE_PID")
"""Environment variables of a kernel that a person opened. They are not set when a program executes a notebook."""


def _is_interactive() -> bool:
    """Return True on a terminal and in a notebook that a person opened."""
    in_kernel = "ipykernel" in sys.modules
    return sys.stderr.isatty() or (in_kernel and any(name in os.environ for name in LIVE_KERNEL))


def progress(items: Iterable[_Item], what: str, total: int | None = None) -> Iterator[_Item]:
    """Yield the items, with a progress bar named `what` if the session is interactive."""
    if not _is_interactive():
        yield from items
        return
    from tqdm.auto import tqdm

    yield from tqdm(items, desc=what, total=total, leave=False)
