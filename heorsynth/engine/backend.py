"""What an engine needs to know of a place where tasks are computed, and the simplest such place: this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from heorsynth.engine.task import Function, Outcome, attempt


class Pending(Protocol):
    """A task on its way."""

    def outcome(self) -> Outcome:
        """What came of it, once it did."""

    def forget(self) -> None:
        """Its result is wanted no more."""


Submit = Callable[[Any], Pending]


class Backend(Protocol):
    """Where tasks are computed: what an engine needs to know of this process, of workers or of a cluster."""

    @property
    def workers(self) -> int:
        """Tasks that are computed at the same time."""

    @property
    def window(self) -> int:
        """Tasks that are sent ahead of the one whose result is handed out next."""

    def job(self, function: Function, shared: Any) -> AbstractContextManager[Submit]:
        """While open, sends tasks to `function` beside what they share."""

    def close(self, now: bool) -> None:
        """Ends the workers; `now` does not wait for what they are doing."""


@dataclass(frozen=True)
class Known:
    """A task of which it was known at once what came of it."""

    found: Outcome

    def outcome(self) -> Outcome:
        return self.found

    def forget(self) -> None:
        """Nothing is under way."""


@dataclass(frozen=True)
class ThisProcess:
    """Computes each task when it is asked for: nothing is ahead of the result that is wanted."""

    workers: int = 1
    window: int = 1

    @contextmanager
    def job(self, function: Function, shared: Any) -> Iterator[Submit]:
        yield lambda task: Known(attempt(function, shared, task))

    def close(self, now: bool) -> None:
        """Nothing was opened."""
