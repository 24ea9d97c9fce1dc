"""Run one function for many tasks: in this process, in several processes, or on a cluster, with the same results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from heorsynth.core.errors import EngineError, Problem, unknown_name
from heorsynth.engine.backend import Backend, Pending, Submit, ThisProcess
from heorsynth.engine.progress import progress
from heorsynth.engine.task import Answered, Died, Done, Failed, Function, Outcome

if TYPE_CHECKING:
    from distributed import Client

_ENGINES = ("local", "processes", "dask")
"""The names of engines. The address of a Dask cluster, such as tcp://10.0.0.1:8786, is accepted too."""

_ADDRESSES = ("tcp://", "tls://")

_TRIES = 2
"""The number of times a task may fail, or end its worker, before the run stops with its name."""


EngineSpec: TypeAlias = "str | Engine | Client"
"""An engine by name, by address, or one that is already open."""


@dataclass(eq=False)
class _InFlight:
    """A task that was submitted, and its failures so far."""

    name: str
    submit: Callable[[], Pending]
    pending: Pending
    failures: int = 0
    deaths: int = 0

    def resubmit(self) -> None:
        """Submit the task again."""
        self.pending = self.submit()


@dataclass(frozen=True)
class Engine:
    """Calls a function for each of many tasks. Create it with `open_engine`.

    Attributes
    ----------
    spec : str          "local", "processes", "dask", or a cluster's address
    backend : Backend   where the tasks run
    """

    spec: str
    backend: Backend

    @property
    def workers(self) -> int:
        """The number of tasks that run at the same time."""
        return self.backend.workers

    def map(
        self,
        function: Function,
        tasks: Iterable[Any],
        shared: Any = None,
        *,
        what: str,
        named: Callable[[Any], str] | None = None,
    ) -> Iterator[Any]:
        """Return the results of `function(shared, task)` as an iterator, in the order of the tasks.

        Parameters
        ----------
        function : callable     must not change its arguments; draws from random streams named by the task
        tasks : iterable        read as needed, so that few tasks and results are in memory at a time
        shared : object         data that all tasks need, sent once; workers on one machine map its arrays
        what : str              what is being done, for the progress bar and for errors, such as "drawing"
        named : callable        returns a task's name for errors, such as "cohort 3", without any patient's value. By
                                default it is the text of a number, word or path, else the class

        Raises
        ------
        EngineError             a task failed twice, or ended its worker twice; names the task and its error's class
        HeorsynthError          raised by a task on purpose; the task is not run again

        Examples
        --------
        >>> with open_engine("local") as engine:
        ...     list(engine.map(pow, [1, 2, 3], 2, what="doubling"))
        [2, 4, 8]
        """
        total = len(tasks) if isinstance(tasks, Sized) else None
        return progress(self._results(function, tasks, shared, what, named or _plain), what, total)

    def _results(
        self, function: Function, tasks: Iterable[Any], shared: Any, what: str, named: Callable[[Any], str]
    ) -> Iterator[Any]:
        waiting, flight = iter(tasks), deque[_InFlight]()
        with self.backend.job(function, shared) as submit:
            try:
                while True:
                    for task in _first(waiting, self.backend.window - len(flight)):
                        flight.append(_sent(submit, task, named(task)))
                    if not flight:
                        return
                    outcome = flight[0].pending.outcome()
                    if isinstance(outcome, Done):
                        flight.popleft()
                        yield outcome.value
                    else:
                        _retry(flight, outcome, what)
            finally:
                for one in flight:
                    one.pending.forget()


def _sent(submit: Submit, task: Any, name: str) -> _InFlight:
    def send() -> Pending:
        return submit(task)

    return _InFlight(name, send, send())


def _first(items: Iterator[Any], count: int) -> Iterator[Any]:
    for _ in range(count):
        try:
            yield next(items)
        except StopIteration:
            return


def _retry(flight: deque[_InFlight], outcome: Outcome, what: str) -> None:
    """Submit the first task in flight again, or raise the error that stops the run."""
    first = flight[0]
    if isinstance(outcome, Answered):
        raise outcome.error
    if isinstance(outcome, Failed):
        first.failures += 1
        if first.failures >= _TRIES:
            raise _failed_twice(what, first.name, outcome)
        first.resubmit()
        return
    _after_a_death(flight, what)


def _after_a_death(flight: deque[_InFlight], what: str) -> None:
    """Submit all tasks again that were lost with a worker.

    If several tasks were lost together, it is unknown which one ended the worker. A task that was lost twice is
    therefore run alone. If its worker ends again, the run stops with its name.
    """
    lost = [one for one in flight if isinstance(one.pending.outcome(), Died)]
    for one in lost:
        one.deaths += 1
    suspects = [one for one in lost if one.deaths >= _TRIES]
    if len(lost) == 1 and suspects:
        raise _ended_its_worker(what, suspects[0].name)
    for one in suspects:
        one.resubmit()
        if isinstance(one.pending.outcome(), Died):
            raise _ended_its_worker(what, one.name)
    for one in lost:
        if one not in suspects:
            one.resubmit()


def _failed_twice(what: str, name: str, outcome: Failed) -> EngineError:
    fix = "run it alone with engine='local'; the traceback is in this error's notes"
    error = EngineError(what, Problem(name, f"failed twice, with {outcome.kind}", fix))
    error.add_note(outcome.frames)
    return error


def _ended_its_worker(what: str, name: str) -> EngineError:
    fix = "the usual cause is memory: use fewer workers or smaller tasks, or run it alone with engine='local'"
    return EngineError(what, Problem(name, f"the worker that computed it ended, {_TRIES} times or more", fix))


def _plain(task: Any) -> str:
    return str(task) if isinstance(task, (int, str, Path)) else type(task).__name__


@contextmanager
def open_engine(spec: EngineSpec = "local", workers: int | None = None) -> Iterator[Engine]:
    """Open an engine as a context manager. Its workers end with the block, also after an error.

    Parameters
    ----------
    spec : str               "local" runs in this process, "processes" starts workers on this machine, "dask" starts a
                             Dask cluster on this machine, "tcp://host:port" or "tls://…" joins a Dask cluster. An open
                             engine or a Dask `Client` is used and left open
    workers : int, optional  number of workers of "processes" and "dask"; by default the number of cores

    Yields
    ------
    Engine

    Raises
    ------
    UnknownNameError         the engine does not exist
    EngineError              Dask is not installed, no scheduler answers at the address, the cluster has other versions,
                             or `workers` was given for an engine with a fixed number

    See Also
    --------
    heorsynth.run : Run a protocol on an engine.
    heorsynth.CohortFolder : Check and count partitions on an engine.

    Examples
    --------
    >>> with open_engine("local") as engine:
    ...     engine.workers
    1
    """
    if isinstance(spec, Engine):
        _no_workers(workers, spec.workers, "an engine that is open")
        yield spec
        return
    backend, name = _backend(spec, workers)
    finished = False
    try:
        yield Engine(name, backend)
        finished = True
    finally:
        backend.close(now=not finished)


def _backend(spec: str | Client, workers: int | None) -> tuple[Backend, str]:
    wanted = _checked_workers(workers)
    if not isinstance(spec, str):
        from heorsynth.engine.dask import lent

        _no_workers(wanted, 0, "a cluster")
        return lent(spec), "dask"
    if spec.startswith(_ADDRESSES):
        from heorsynth.engine.dask import joined

        _no_workers(wanted, 0, "a cluster")
        return joined(spec), spec
    if spec == "local":
        _no_workers(wanted, 1, "engine 'local'")
        return ThisProcess(), spec
    if spec == "processes":
        from heorsynth.engine.processes import Processes

        return Processes(wanted), spec
    if spec == "dask":
        from heorsynth.engine.dask import on_this_machine

        return on_this_machine(wanted), spec
    raise unknown_name("engine", spec, [*_ENGINES, "tcp://host:port"])


def _checked_workers(workers: int | None) -> int | None:
    if workers is None or (isinstance(workers, int) and not isinstance(workers, bool) and workers >= 1):
        return workers
    fix = "leave it out for one worker per core"
    raise EngineError("workers", Problem("", "expected a whole number from 1 up", fix))


def _no_workers(workers: int | None, its_own: int, what: str) -> None:
    """Raise EngineError if another number of workers was requested than the engine has."""
    if workers not in (None, its_own):
        found = Problem("workers", f"{what} has a fixed number", "leave it out, or use 'processes' or 'dask'")
        raise EngineError("engine", found)
