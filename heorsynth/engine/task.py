"""One task, wherever it runs: alone in its process, on one thread, and a failure told without what the task held."""

from __future__ import annotations

import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from heorsynth.core.errors import EngineError, HeorsynthError, Problem

Function = Callable[[Any, Any], Any]
"""What is called for each task: takes what all tasks share, and the task."""

_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True)
class Done:
    """A task's result."""

    value: Any


@dataclass(frozen=True)
class Answered:
    """A task's answer is an error raised on purpose: asking again would give the same."""

    error: HeorsynthError


@dataclass(frozen=True)
class Failed:
    """A task failed: the error's class, and the lines it passed through.

    The error's own message may quote a patient's value, so it stays where it was raised.
    """

    kind: str
    frames: str

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        return cls(type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))


@dataclass(frozen=True)
class Died:
    """The process that ran the task ended before the task did."""


Outcome = Done | Answered | Failed | Died


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra on one thread, as long as the block lasts.

    How LAPACK splits a matrix follows its threads, and so do the last bits of what it returns. On one thread the
    same numbers come from two cores and from sixty-four.
    """
    # A library that is first loaded inside the block would start with threads of its own.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def attempt(function: Function, shared: Any, task: Any) -> Outcome:
    """What comes of one task.

    Tasks in one process wait for each other: the number of threads and the random state of some generators are its own.
    """
    try:
        with _ONE_AT_A_TIME, one_thread():
            return Done(function(shared, task))
    except HeorsynthError as error:
        return Answered(error)
    except Exception as error:  # noqa: BLE001 - whatever a task raises must name the task
        return Failed.of(error)


@dataclass(frozen=True)
class Mapped:
    """What tasks share, in a file whose arrays a worker maps into its memory instead of copying them."""

    path: Path

    @classmethod
    def written(cls, shared: Any, path: Path) -> Mapped:
        import joblib

        joblib.dump(shared, path)
        return cls(path)

    def read(self) -> Any:
        return _mapped(self.path)


@lru_cache(maxsize=1)
def _mapped(path: Path) -> Any:
    import joblib

    return joblib.load(path, mmap_mode="c")


def sendable(what: str, thing: Any) -> bytes:
    """Something as it is sent to a worker; EngineError, which says what it is, where it cannot be."""
    import cloudpickle

    try:
        return cloudpickle.dumps(thing)
    except Exception as error:  # noqa: BLE001 - what cannot be pickled says so with any class
        found = Problem("", f"cannot be sent to a worker ({type(error).__name__})", "use engine='local'")
        raise EngineError(what, found) from None


def packed(function: bytes, place: Mapped | None, task: Any) -> bytes | Failed:
    """A task as it is sent to a worker, in bytes: so no scheduler between can log what it holds."""
    import cloudpickle

    try:
        return cloudpickle.dumps((function, place, task))
    except Exception as error:  # noqa: BLE001 - what cannot be pickled says so with any class
        return Failed.of(error)


def attempt_packed(sent: bytes, held: Any = None) -> bytes:
    """What comes of a task that was sent in bytes, in bytes.

    Parameters
    ----------
    sent : bytes    from `packed`
    held : object   what tasks share, where it is not in a file
    """
    import cloudpickle

    try:
        function, place, task = pickle.loads(sent)
        return cloudpickle.dumps(attempt(_unpacked(function), held if place is None else place.read(), task))
    except Exception as error:  # noqa: BLE001 - an error that cannot be sent back would end the worker
        return pickle.dumps(Failed.of(error))


@lru_cache(maxsize=4)
def _unpacked(function: bytes) -> Function:
    return pickle.loads(function)
