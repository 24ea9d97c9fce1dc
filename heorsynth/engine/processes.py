"""The engine of several processes on this machine: loky workers that map shared arrays instead of copying them."""

from __future__ import annotations

import atexit
import os
import pickle
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heorsynth.core.errors import EngineError, Problem
from heorsynth.engine.backend import Known, Pending, Submit
from heorsynth.engine.task import Died, Failed, Function, Mapped, Outcome, attempt_packed, packed, sendable

if TYPE_CHECKING:
    from joblib.externals.loky import ProcessPoolExecutor

_ORPHANED_AFTER = 1.0
"""Seconds within which a worker notices that its parent process ended."""


@dataclass(frozen=True)
class Folder:
    """A temporary folder for shared data.

    It is removed when asked, else at the end of the program, or by loky's tracker if the program is killed.
    """

    path: Path
    numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    def made(cls) -> Folder:
        from joblib.externals.loky.backend import resource_tracker

        folder = cls(Path(tempfile.mkdtemp(prefix="heorsynth-")))
        resource_tracker.register(str(folder.path), "folder")
        atexit.register(folder.removed)
        return folder

    @contextmanager
    def holding(self, shared: Any) -> Iterator[Mapped | None]:
        """Write the shared data to a file for the duration of the block. Yield None if there is none."""
        if shared is None:
            yield None
            return
        path = self.path / str(next(self.numbers))
        try:
            place = Mapped.written(shared, path)
        except OSError as error:
            found = Problem("", f"cannot be written ({error.strerror})", "free space, or name a folder in TMPDIR")
            raise EngineError("shared data of the tasks", found) from None
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            found = Problem("", f"cannot be sent to a worker ({type(error).__name__})", "use engine='local'")
            raise EngineError("shared data of the tasks", found) from None
        try:
            yield place
        finally:
            path.unlink(missing_ok=True)

    def removed(self) -> None:
        from joblib.externals.loky.backend import resource_tracker

        atexit.unregister(self.removed)
        shutil.rmtree(self.path, ignore_errors=True)
        resource_tracker.unregister(str(self.path), "folder")


class Processes:
    """Workers on this machine. If one of them is killed, a new pool is started.

    Parameters
    ----------
    workers : int or None    by default the number of cores this process may use
    """

    def __init__(self, workers: int | None) -> None:
        import joblib

        self.workers: int = workers or joblib.cpu_count()
        self.window = 2 * self.workers
        self._folder = Folder.made()
        self._pool = self._fresh()

    def _fresh(self) -> ProcessPoolExecutor:
        from joblib.externals.loky.process_executor import ProcessPoolExecutor

        # loky warns when it replaces a worker whose memory has grown, which also happens when it maps a large array.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        return ProcessPoolExecutor(self.workers, initializer=_settled, initargs=(os.getpid(),))

    @contextmanager
    def job(self, function: Function, shared: Any) -> Iterator[Submit]:
        called = sendable("the function", function)
        with self._folder.holding(shared) as place:

            def submit(task: Any) -> Pending:
                sent = packed(called, place, task)
                return Known(sent) if isinstance(sent, Failed) else _Sent(self._submitted(sent))

            yield submit

    def _submitted(self, sent: bytes) -> Future[bytes]:
        try:
            return self._pool.submit(attempt_packed, sent)
        except BrokenExecutor:
            self._pool.shutdown(wait=False, kill_workers=True)
            self._pool = self._fresh()
            return self._pool.submit(attempt_packed, sent)

    def close(self, now: bool) -> None:
        self._pool.shutdown(wait=True, kill_workers=now)
        self._folder.removed()


@dataclass(frozen=True)
class _Sent:
    future: Future[bytes]

    def outcome(self) -> Outcome:
        try:
            return pickle.loads(self.future.result())
        except (BrokenExecutor, CancelledError):
            return Died()

    def forget(self) -> None:
        self.future.cancel()


def _settled(parent: int) -> None:
    """Start a worker: ignore Ctrl-C, which its parent handles, and end when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_ORPHANED_AFTER)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
