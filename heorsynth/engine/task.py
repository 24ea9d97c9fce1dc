"""One task on any engine: run on one thread, one at a time, with failures reported without the task's data."""

from __future__ import annotations

import ctypes
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heorsynth.core.errors import EngineError, HeorsynthError, Problem

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Function = Callable[[Any, Any], Any]
"""A function that is called for each task with the data that all tasks share, and the task."""

_ONE_AT_A_TIME = threading.RLock()

_LOOKED_AT: dict[str, bool] = {}
"""The loaded modules by name, and whether each is compiled."""


@dataclass(frozen=True)
class Done:
    """A task's result."""

    value: Any


@dataclass(frozen=True)
class Answered:
    """A task raised an error on purpose. Running it again would give the same error."""

    error: HeorsynthError


@dataclass(frozen=True)
class Failed:
    """A task failed: the class of the error and its traceback.

    The error's message may quote a patient's value, so it never leaves the worker.
    """

    kind: str
    frames: str

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        return cls(type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))


@dataclass(frozen=True)
class Died:
    """The worker process ended before the task did."""


Outcome = Done | Answered | Failed | Died


@contextmanager
def one_thread() -> Iterator[None]:
    """Run linear algebra on one thread inside the block.

    The way LAPACK splits a matrix depends on the number of threads, and so do the last bits of its result. With one
    thread the numbers are the same on any number of cores.
    """
    import_module("scipy.linalg")  # loaded inside the block, it would start its own threads
    with _loaded_libraries(_compiled_modules()).limit(limits=1):
        yield


def _compiled_modules() -> int:
    """Return how many compiled modules were loaded so far: only these bring libraries with threads."""
    for name in sys.modules.keys() - _LOOKED_AT.keys():
        loader = getattr(getattr(sys.modules.get(name), "__spec__", None), "loader", None)
        _LOOKED_AT[name] = isinstance(loader, ExtensionFileLoader)
    return sum(_LOOKED_AT.values())


@lru_cache(maxsize=1)
def _loaded_libraries(compiled: int) -> ThreadpoolController:
    """Return the libraries with threads; searched again after more were loaded, since that takes 5 ms or more."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def attempt(function: Function, shared: Any, task: Any) -> Outcome:
    """Run one task and return its outcome.

    Tasks in one process run one at a time, because the number of threads and some random states belong to the process.
    """
    try:
        with _ONE_AT_A_TIME, one_thread():
            return Done(function(shared, task))
    except HeorsynthError as error:
        return Answered(error)
    except Exception as error:  # noqa: BLE001 - any error of a task must be reported with the task's name
        return Failed.of(error)


@dataclass(frozen=True)
class Mapped:
    """Shared data in a file whose arrays a worker maps into memory instead of copying them."""

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
    """Return an object as bytes for a worker. Raise EngineError, with `what`, if it cannot be pickled."""
    import cloudpickle

    try:
        return cloudpickle.dumps(thing)
    except Exception as error:  # noqa: BLE001 - objects that cannot be pickled raise any class of error
        found = Problem("", f"cannot be sent to a worker ({type(error).__name__})", "use engine='local'")
        raise EngineError(what, found) from None


def packed(function: bytes, place: Mapped | None, task: Any) -> bytes | Failed:
    """Return a task as bytes for a worker. As bytes, its data cannot appear in a scheduler's log."""
    import cloudpickle

    try:
        return cloudpickle.dumps((function, place, task))
    except Exception as error:  # noqa: BLE001 - objects that cannot be pickled raise any class of error
        return Failed.of(error)


def attempt_packed(sent: bytes, shared: Any = None) -> bytes:
    """Run a task that was sent as bytes, and return its outcome as bytes.

    Parameters
    ----------
    sent : bytes      from `packed`
    shared : object   the data that all tasks share, if it is not in a file
    """
    import cloudpickle

    try:
        function, place, task = pickle.loads(sent)
        outcome = cloudpickle.dumps(attempt(_unpacked(function), shared if place is None else place.read(), task))
        memory_given_back()
        return outcome
    except Exception as error:  # noqa: BLE001 - an error that cannot be pickled would end the worker
        return pickle.dumps(Failed.of(error))


def memory_given_back() -> None:
    """Give the memory that ended work has freed back to the machine (glibc, Arrow); a waiting worker keeps it else."""
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


@lru_cache(maxsize=4)
def _unpacked(function: bytes) -> Function:
    return pickle.loads(function)
