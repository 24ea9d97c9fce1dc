"""One function for many tasks: in this process, in several, or on a cluster. Same seed, same bytes on each."""

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

ENGINES = ("local", "processes", "dask")
"""Engines by name; an address such as tcp://10.0.0.1:8786 is one more."""

ADDRESSES = ("tcp://", "tls://")

TRIES = 2
"""How often a task may fail, or end its worker, before the run stops and names it."""


EngineSpec: TypeAlias = "str | Engine | Client"
"""How an engine is asked for: by name, by address, or as one that is open."""


@dataclass(eq=False)
class _Asked:
    """A task in flight, and what has become of it so far."""

    name: str
    submit: Callable[[], Pending]
    pending: Pending
    failures: int = 0
    deaths: int = 0

    def again(self) -> None:
        self.pending = self.submit()


@dataclass(frozen=True)
class Engine:
    """Calls a function for each of many tasks. Made by `open_engine`.

    Attributes
    ----------
    spec : str          "local", "processes", "dask", or a cluster's address
    backend : Backend   where the tasks are computed
    """

    spec: str
    backend: Backend

    @property
    def workers(self) -> int:
        """Tasks that are computed at the same time."""
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
        """The results of `function(shared, task)`, in the order of the tasks, each as soon as it can be had.

        Parameters
        ----------
        function : callable     changes neither argument; draws from streams that the task names
        tasks : iterable        read as they are needed: few are in flight, and few results wait in memory
        shared : object         what all tasks need, sent once; its arrays are mapped by the workers of one machine
        what : str              what is being done, for the progress bar and for errors: "drawing"
        named : callable        what an error calls a task, such as "cohort 3"; never a value of a patient. By default
                                its text where it is a number, a word or a path, else its class

        Raises
        ------
        EngineError             a task failed twice, or twice ended the worker that computed it: names it and the class
                                of its error
        HeorsynthError          a task raised it: it is the answer, and is not asked for again

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
        waiting, flight = iter(tasks), deque[_Asked]()
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
                        _mend(flight, outcome, what)
            finally:
                for one in flight:
                    one.pending.forget()


def _sent(submit: Submit, task: Any, name: str) -> _Asked:
    def send() -> Pending:
        return submit(task)

    return _Asked(name, send, send())


def _first(items: Iterator[Any], count: int) -> Iterator[Any]:
    for _ in range(count):
        try:
            yield next(items)
        except StopIteration:
            return


def _mend(flight: deque[_Asked], outcome: Outcome, what: str) -> None:
    """Has the first task in flight computed again, or raises what stops the run."""
    first = flight[0]
    if isinstance(outcome, Answered):
        raise outcome.error
    if isinstance(outcome, Failed):
        first.failures += 1
        if first.failures >= TRIES:
            raise _failed_twice(what, first.name, outcome)
        first.again()
        return
    _after_a_death(flight, what)


def _after_a_death(flight: deque[_Asked], what: str) -> None:
    """Asks again for every task that was lost with a worker.

    Whose fault it was cannot be told where several tasks were lost together. So a task that was lost twice is
    computed with nothing beside it, and named if its worker ends then too.
    """
    lost = [one for one in flight if isinstance(one.pending.outcome(), Died)]
    for one in lost:
        one.deaths += 1
    suspects = [one for one in lost if one.deaths >= TRIES]
    if len(lost) == 1 and suspects:
        raise _ended_its_worker(what, suspects[0].name)
    for one in suspects:
        one.again()
        if isinstance(one.pending.outcome(), Died):
            raise _ended_its_worker(what, one.name)
    for one in lost:
        if one not in suspects:
            one.again()


def _failed_twice(what: str, name: str, outcome: Failed) -> EngineError:
    fix = "run it alone with engine='local'; the lines it passed through are in this error's notes"
    error = EngineError(what, Problem(name, f"failed twice, with {outcome.kind}", fix))
    error.add_note(outcome.frames)
    return error


def _ended_its_worker(what: str, name: str) -> EngineError:
    fix = "most often memory: take fewer workers or smaller tasks, or run it alone with engine='local'"
    return EngineError(what, Problem(name, f"the worker that computed it ended, {TRIES} times or more", fix))


def _plain(task: Any) -> str:
    return str(task) if isinstance(task, (int, str, Path)) else type(task).__name__


@contextmanager
def open_engine(spec: EngineSpec = "local", workers: int | None = None) -> Iterator[Engine]:
    """An engine, open as long as the block lasts; its workers end with it, whatever ends it.

    Parameters
    ----------
    spec : str               "local": this process. "processes": workers on this machine. "dask": a Dask cluster on this
                             machine. "tcp://host:port" or "tls://…": a Dask cluster that is there. An engine that is
                             open, or a Dask `Client`, is used and left open
    workers : int, optional  of "processes" and "dask"; as many as there are cores by default

    Raises
    ------
    UnknownNameError         no such engine
    EngineError              Dask is not installed, nothing answers at the address, the cluster has other versions, or
                             workers were asked for where the engine has its own
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
    if spec.startswith(ADDRESSES):
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
    raise unknown_name("engine", spec, [*ENGINES, "tcp://host:port"])


def _checked_workers(workers: int | None) -> int | None:
    if workers is None or (isinstance(workers, int) and not isinstance(workers, bool) and workers >= 1):
        return workers
    raise EngineError("workers", Problem("", "expected a whole number from 1 up", "leave it out for one on each core"))


def _no_workers(workers: int | None, its_own: int, what: str) -> None:
    """Nothing, if no other number of workers was asked for than there is."""
    if workers not in (None, its_own):
        found = Problem("workers", f"{what} has its own number", "leave it out, or take 'processes' or 'dask'")
        raise EngineError("engine", found)
