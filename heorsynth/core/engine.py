"""Runs one function over many tasks, in order; here in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from heorsynth.core.errors import unknown_name
from heorsynth.core.progress import progress


@dataclass(frozen=True)
class Engine:
    """Where tasks run."""

    name: str = "local"

    def map(
        self,
        function: Callable[[Any, Any], Any],
        tasks: Iterable[Any],
        shared: Any = None,
        *,
        what: str,
        named: Callable[[Any], str] = str,
    ) -> Iterator[Any]:
        """`function(shared, task)` of each task, in the order of the tasks, as they come."""
        held = list(tasks)
        for task in progress(held, what, total=len(held)):
            yield function(shared, task)


@contextmanager
def open_engine(spec: str = "local", workers: int | None = None) -> Iterator[Engine]:
    """The engine a text names."""
    if spec != "local":
        raise unknown_name("engine", spec, ("local",))
    yield Engine()
