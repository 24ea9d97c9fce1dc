"""The interface between an engine and the place where tasks run, and the simplest such place: this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from heorsynth.engine.task import Function, Outcome, attempt


class Pending(Protocol):
    """A task that was submitted."""

    def outcome(self) -> Outcome:
        """Wait for the task and return its outcome."""

    def forget(self) -> None:
        """Discard the task: its result is no longer needed."""


Submit = Callable[[Any], Pending]


class Backend(Protocol):
    """A place where tasks run: this process, workers or a cluster."""

    @property
    def workers(self) -> int:
        """The number of tasks that run at the same time."""

    @property
    def window(self) -> int:
        """The number of tasks submitted ahead of the next result."""

    def job(self, function: Function, shared: Any) -> AbstractContextManager[Submit]:
        """Open a job. Within the block, tasks are submitted to `function` with their shared data."""

    def close(self, now: bool) -> None:
        """End the workers. If `now` is true, do not wait for running tasks."""


@dataclass(frozen=True)
class Known:
    """A task whose outcome is already known."""

    result: Outcome

    def outcome(self) -> Outcome:
        return self.result

    def forget(self) -> None:
        """Do nothing: no task is running."""


@dataclass(frozen=True)
class ThisProcess:
    """Runs each task in this process when its result is requested."""

    workers: int = 1
    window: int = 1

    @contextmanager
    def job(self, function: Function, shared: Any) -> Iterator[Submit]:
        yield lambda task: Known(attempt(function, shared, task))

    def close(self, now: bool) -> None:
        """Do nothing: no worker was opened."""
