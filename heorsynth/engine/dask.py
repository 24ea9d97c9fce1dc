"""The engine of a Dask cluster: a new one on this machine, or an existing one with the same package versions."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from heorsynth.core.errors import EngineError, Problem
from heorsynth.engine.backend import Known, Pending, Submit
from heorsynth.engine.processes import Folder
from heorsynth.engine.task import Died, Failed, Function, Outcome, attempt_packed, packed, sendable

if TYPE_CHECKING:
    from distributed import Client, Future

ANSWERS_WITHIN, WORKERS_WITHIN = 10, 60
"""Seconds in which a cluster must answer, and in which its first worker must start."""

_ANY_SIZE = {"distributed.admin.large-graph-warning-threshold": "1 PB"}
"""Turns off Dask's warning of large tasks. Our tasks hold only what they need; shared data is sent once."""


_OURS = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Settings of a cluster on this machine: the engine handles workers that end, and no page shows running tasks."""


class Cluster:
    """The workers of a Dask cluster, each computing one task at a time.

    Parameters
    ----------
    client : Client         connected to the cluster
    folder : Folder         where workers on this machine find shared data. None sends the data to each worker, and
                            each worker's versions are checked
    opened : ExitStack      closed at the end
    """

    def __init__(self, client: Client, folder: Folder | None, opened: ExitStack) -> None:
        self._client, self._folder, self._opened = client, folder, opened
        self.workers = len(client.nthreads())
        self.window = 2 * self.workers

    @contextmanager
    def job(self, function: Function, shared: Any) -> Iterator[Submit]:
        called = sendable("the function", function)
        if self._folder is not None:
            with self._folder.holding(shared) as place:
                yield lambda task: self._submitted(attempt_packed, packed(called, place, task))
            return
        here = version_reporter()()
        made, attempted = _only_where_same(here, pickle.loads), _only_where_same(here, attempt_packed)
        # Created on the cluster from bytes, so that it can be created again if its worker is lost.
        data = [] if shared is None else [self._submit(made, sendable("shared data of the tasks", shared))]
        yield lambda task: self._submitted(attempted, packed(called, None, task), *data)

    def _submitted(self, attempted: Callable[..., Any], sent: bytes | Failed, *data: Future) -> Pending:
        return Known(sent) if isinstance(sent, Failed) else _Sent(self._submit(attempted, sent, *data))

    def _submit(self, function: Callable[..., Any], *given: object) -> Future:
        import dask

        with dask.config.set(_ANY_SIZE):
            return self._client.submit(function, *given, pure=False)

    def close(self, now: bool) -> None:
        self._opened.close()


@dataclass(frozen=True)
class _Sent:
    future: Future

    def outcome(self) -> Outcome:
        from distributed import CancelledError
        from distributed.scheduler import KilledWorker

        try:
            error = self.future.exception()
        except CancelledError as lost:
            found = Problem("", f"the cluster dropped a task ({type(lost).__name__})", "check that it still runs")
            raise EngineError("cluster", found) from None
        if isinstance(error, KilledWorker):
            return Died()
        if error is not None:
            return Failed(type(error).__name__, "")
        result = self.future.result()
        if isinstance(result, tuple):
            _, address, there = result
            raise _version_error(f"worker {address!r}", differences(version_reporter()(), {address: there}))
        return pickle.loads(result)

    def forget(self) -> None:
        self.future.release()


def on_this_machine(workers: int | None) -> Cluster:
    """Start a cluster of processes on this machine: loopback only, encrypted, no dashboard, no data written to disk."""
    _require_dask()
    import dask
    import joblib
    from distributed import Client, LocalCluster

    with ExitStack() as opened:
        folder = Folder.made()
        opened.callback(folder.removed)
        opened.enter_context(dask.config.set({**_OURS, "temporary-directory": str(folder.path)}))
        cluster = opened.enter_context(
            LocalCluster(
                n_workers=workers or joblib.cpu_count(),
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                local_directory=str(folder.path),
                memory_limit=0,
                security=True,
                silence_logs=logging.CRITICAL,
            )
        )
        client = opened.enter_context(Client(cluster, set_as_default=False))
        return Cluster(client, folder, opened.pop_all())


def joined(address: str) -> Cluster:
    """Join the cluster at an address.

    Raises
    ------
    EngineError     no scheduler answers, no worker starts, or a worker has other versions
    """
    _require_dask()
    from distributed import Client

    with ExitStack() as opened:
        try:
            client = opened.enter_context(Client(address, timeout=ANSWERS_WITHIN, set_as_default=False))
        except (OSError, ValueError) as error:
            found = Problem("", f"no scheduler answers ({type(error).__name__})", "check the address and the network")
            raise EngineError(f"cluster {address!r}", found) from None
        _require_same_versions(client, address)
        return Cluster(client, None, opened.pop_all())


def lent(client: Client) -> Cluster:
    """Use the cluster of a client that the caller opened and will close."""
    _require_dask()
    from distributed import Client

    if not isinstance(client, Client):
        found = f"expected a name, an address, an engine or a Dask Client, not {type(client).__name__}"
        raise EngineError("engine", Problem("", found, "write for example engine='processes'"))
    _require_same_versions(client, client.scheduler_info()["address"])
    return Cluster(client, None, ExitStack())


def _require_dask() -> None:
    if find_spec("distributed") is None:
        fix = "pip install 'heorsynth[scale]', or use engine='processes'"
        raise EngineError("engine", Problem("dask", "Dask distributed is not installed", fix))


def _require_same_versions(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKERS_WITHIN)
    except TimeoutError:
        found = Problem("", f"no worker within {WORKERS_WITHIN} seconds", "start its workers, then join it")
        raise EngineError(f"cluster {address!r}", found) from None
    reporter = version_reporter()
    differ = differences(reporter(), client.run(reporter))
    if differ:
        raise _version_error(f"cluster {address!r}", differ)


def _version_error(who: str, differ: list[Problem]) -> EngineError:
    return EngineError(f"{who}, of other versions,", differ)


def differences(here: Mapping[str, str], workers: Mapping[str, Mapping[str, str]]) -> list[Problem]:
    """Return a problem for each package whose version on the workers differs from this process.

    Parameters
    ----------
    here : Mapping       package to version in this process
    workers : Mapping    worker's address to package to version
    """
    problems = []
    for package, version in here.items():
        there = {address: found.get(package, "absent") for address, found in workers.items()}
        others = sorted({found for found in there.values() if found != version})
        if others:
            which = ", ".join(sorted(address for address, found in there.items() if found != version))
            found = f"{version} here, {' or '.join(others)} on {which}"
            problems.append(Problem(package, found, "give the cluster the environment of requirements.lock"))
    return problems


def version_reporter() -> Callable[[], dict[str, str]]:
    """Return a function that reports package versions. It needs no code of heorsynth, which a worker may lack."""

    def versions() -> dict[str, str]:
        import hashlib
        import platform
        from importlib.metadata import PackageNotFoundError, version
        from importlib.util import find_spec
        from pathlib import Path

        found = {"python": platform.python_version()}
        for package in ("numpy", "pandas", "scipy", "heorsynth"):
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                found[package] = "absent"
        ours, code = find_spec("heorsynth"), hashlib.sha256()
        if ours is None or ours.origin is None:
            return found
        for file in sorted(Path(ours.origin).parent.rglob("*.py")):
            code.update(file.name.encode() + file.read_bytes())
        return found | {"heorsynth's code": code.hexdigest()[:8]}

    return versions


_OTHER_VERSIONS = "heorsynth: this worker has other versions"


def _only_where_same(here: Mapping[str, str], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that runs on a worker with our versions, and else returns the worker's versions.

    Workers may join a cluster at any time, so a check at the start is not enough. The returned function needs no code
    of heorsynth, so that a worker without it can answer. Each worker is checked once.

    Parameters
    ----------
    here : Mapping          package to version in this process
    function : callable     module-level function; takes bytes, and results of other functions made here

    Returns
    -------
    callable                as `function`, or returns (OTHER_VERSIONS, the worker's address, package to version)
    """
    report, called, mark, kept = version_reporter(), pickle.dumps(function), _OTHER_VERSIONS, "heorsynth_versions"

    def on_a_worker(*given: Any) -> Any:
        import pickle

        from distributed import get_worker

        for one in given:
            if isinstance(one, tuple) and one[:1] == (mark,):
                return one
        worker = get_worker()
        if not hasattr(worker, kept):
            setattr(worker, kept, report())
        there = getattr(worker, kept)
        return pickle.loads(called)(*given) if there == here else (mark, worker.address, there)

    return on_a_worker
