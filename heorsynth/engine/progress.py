"""A progress bar where a person watches, and silence in a log."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

LIVE_KERNEL = ("JPY_SESSION_NAME", "VSCODE_PID")
"""Set in the environment of a kernel that a person opened, and of none that a program executes."""


def watched() -> bool:
    """True on a terminal and in a notebook a person has open."""
    in_kernel = "ipykernel" in sys.modules
    return sys.stderr.isatty() or (in_kernel and any(name in os.environ for name in LIVE_KERNEL))


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """The items, one by one, with a bar named `what` if somebody is watching."""
    if not watched():
        yield from items
        return
    from tqdm.auto import tqdm

    yield from tqdm(items, desc=what, total=total, leave=False)
