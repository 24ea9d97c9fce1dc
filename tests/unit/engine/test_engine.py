"""Three engines, one promise: the same results in the same order, whatever is killed, interrupted or raised."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from heorsynth.core import errors
from heorsynth.engine import dask as engine_dask
from heorsynth.engine.dask import differences, version_reporter
from heorsynth.engine.engine import Engine, open_engine

# A worker cannot import a file of tests: its functions travel by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

SECRET = "Canary-7319"
NAMES = ("local", "processes", "dask")


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Engine:
    return engines(request.param)


@pytest.fixture(params=NAMES[1:])
def workers(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Engine:
    """An engine with workers that can be killed."""
    return engines(request.param)


@pytest.fixture
def cluster() -> Iterator[object]:
    """A Dask cluster that somebody else started: two workers of two threads, none of them killed by another test."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
    ) as opened:
        yield opened


def slower_first(shared: int, task: int) -> int:
    time.sleep(0.02 * max(0, 3 - task))
    return shared + task


@pytest.mark.parametrize("count", [0, 1, 9])
def test_results_come_in_the_order_of_the_tasks(engine: Engine, count: int) -> None:
    assert list(engine.map(slower_first, range(count), 100, what="adding")) == [100 + task for task in range(count)]


def test_tasks_are_read_as_they_are_needed_and_results_do_not_pile_up(engine: Engine) -> None:
    read: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(1000):
            read.append(task)
            yield task

    results = engine.map(slower_first, tasks(), 0, what="adding")
    for expected in range(5):
        assert next(results) == expected
        assert len(read) <= expected + engine.backend.window
    results.close()  # type: ignore[attr-defined]
    assert len(read) < 20


def kind_and_sum(shared: dict[str, object], task: int) -> tuple[str, float, str]:
    numbers, frame = shared["numbers"], shared["frame"]
    held = frame["a"].to_numpy()  # type: ignore[index]
    while held.base is not None and not isinstance(held, np.memmap):
        held = held.base
    return type(numbers).__name__, float(numbers.sum()) + task, type(held).__name__  # type: ignore[attr-defined]


def test_workers_of_this_machine_map_shared_arrays_and_those_of_frames(workers: Engine) -> None:
    shared = {"numbers": np.ones(10_000), "frame": pd.DataFrame({"a": np.ones(10_000), "b": np.ones(10_000)})}
    assert list(workers.map(kind_and_sum, [1, 2], shared, what="summing")) == [
        ("memmap", 10_001.0, "memmap"), ("memmap", 10_002.0, "memmap"),
    ]  # fmt: skip


def vectors(n: int, _: int) -> tuple[bytes, set[int]]:
    """Eigenvectors, whose last bits follow the number of threads, and that number."""
    numbers = np.random.default_rng(1).normal(size=(n, n))
    found = np.linalg.eigh(numbers @ numbers.T)[1]
    return hashlib.sha256(found.tobytes()).digest(), {library["num_threads"] for library in threadpool_info()}


def test_linear_algebra_has_one_thread_on_every_engine_and_so_the_same_bytes(
    engines: Callable[[str], Engine],
) -> None:
    found = [next(engines(name).map(vectors, [0], 300, what="decomposing")) for name in ("local", "processes")]
    with threadpool_limits(1):
        found.append(next(engines("local").map(vectors, [0], 300, what="decomposing")))
    assert {digest for digest, _ in found} == {found[0][0]}
    assert all(threads == {1} for _, threads in found)


def killed_at(folder: str, task: int) -> int:
    """Ends its own worker, the first time it is asked for task 3."""
    mark = Path(folder) / "killed"
    if task == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def test_a_worker_killed_in_the_middle_loses_nothing_but_time(workers: Engine, tmp_path: Path) -> None:
    assert list(workers.map(killed_at, range(9), str(tmp_path), what="counting")) == list(range(9))
    assert (tmp_path / "killed").exists()


def always_kills(_: None, task: int) -> int:
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


@pytest.mark.parametrize("tasks", [range(7), [3]], ids=["beside others", "alone"])
def test_a_task_that_kills_its_worker_twice_is_named_and_the_engine_goes_on(workers: Engine, tasks: range) -> None:
    with pytest.raises(errors.EngineError, match="cohort 3: the worker that computed it ended") as stopped:
        list(workers.map(always_kills, tasks, what="drawing", named=lambda task: f"cohort {task}"))
    assert [problem.where for problem in stopped.value.problems] == ["cohort 3"]
    assert list(workers.map(slower_first, range(3), 0, what="adding")) == [0, 1, 2]


def fails(folder: str, task: tuple[int, int]) -> int:
    """Fails so many times, quoting a patient's value, and then answers; it writes down each time it is asked."""
    number, times = task
    with (Path(folder) / f"asked-{number}").open("a") as asked:
        asked.write("x")
    if len((Path(folder) / f"asked-{number}").read_text()) <= times:
        raise ValueError(f"could not convert {SECRET!r}")
    return number


def test_a_task_that_fails_once_is_tried_again(engine: Engine, tmp_path: Path) -> None:
    tasks = [(number, 1 if number == 2 else 0) for number in range(5)]
    assert list(engine.map(fails, tasks, str(tmp_path), what="drawing")) == [0, 1, 2, 3, 4]
    assert (tmp_path / "asked-2").read_text() == "xx"


def test_a_task_that_fails_twice_is_named_with_its_lines_and_without_what_it_held(
    engine: Engine, tmp_path: Path
) -> None:
    tasks = [(number, 9 if number == 2 else 0) for number in range(5)]
    results = engine.map(fails, tasks, str(tmp_path), what="drawing", named=lambda task: f"cohort {task[0]}")
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(errors.EngineError, match="cohort 2: failed twice, with ValueError") as stopped:
        next(results)
    told = "".join(traceback.format_exception(stopped.value))
    assert SECRET not in told
    assert "in fails" in told
    assert (tmp_path / "asked-2").read_text() == "xx"


def test_a_task_that_nobody_names_is_called_by_its_class_unless_it_is_a_word(tmp_path: Path) -> None:
    with open_engine() as opened:
        with pytest.raises(errors.EngineError, match="tuple: failed"):
            list(opened.map(fails, [(1, 9)], str(tmp_path), what="drawing"))
        with pytest.raises(errors.EngineError, match="part-3: failed"):
            list(opened.map(fails, ["part-3"], str(tmp_path), what="drawing"))


def refuses(folder: str, task: int) -> int:
    with (Path(folder) / "asked").open("a") as asked:
        asked.write("x")
    raise errors.NotEstimableError("costs", errors.Problem("arm 'new'", "no patient", "pool the arms"))


def test_an_error_raised_on_purpose_is_the_answer_and_is_not_asked_for_again(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(errors.NotEstimableError) as refused:
        list(engine.map(refuses, [0], str(tmp_path), what="checking"))
    assert refused.value.subject == "costs"
    assert refused.value.problems == [errors.Problem("arm 'new'", "no patient", "pool the arms")]
    assert (tmp_path / "asked").read_text() == "x"


def steps(_: None, task: object) -> object:
    """A generator, which nothing can pickle."""
    return (step for step in range(3))


@pytest.mark.parametrize("task", [steps(None, 0), 1], ids=["the task itself", "its result"])
def test_what_cannot_be_sent_names_its_task(workers: Engine, task: object) -> None:
    with pytest.raises(errors.EngineError, match="the one: failed twice, with TypeError"):
        list(workers.map(steps, [task], what="sending", named=lambda _: "the one"))


def test_what_tasks_share_must_be_sendable(workers: Engine) -> None:
    with pytest.raises(errors.EngineError, match=r"cannot be sent to a worker \(TypeError\)"):
        list(workers.map(steps, [1], steps(None, 0), what="sending"))


SLEEPER = """
import os, signal, sys, time
from pathlib import Path
from heorsynth.engine.engine import open_engine

def sleeps(folder, task):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests behind itself had it ignored
    with open_engine(sys.argv[1], 2) as engine:
        list(engine.map(sleeps, range(4), sys.argv[2], what="sleeping"))
"""


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def asleep(name: str, folder: Path) -> tuple[subprocess.Popen[str], list[str]]:
    """A process whose two workers sleep, and their numbers."""
    script, pids, scratch = folder / "sleeper.py", folder / "pids", folder / "scratch"
    script.write_text(SLEEPER, encoding="utf-8")
    for made in (pids, scratch):
        made.mkdir()
    process = subprocess.Popen(
        [sys.executable, script, name, pids],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env=os.environ | {"TMPDIR": str(scratch)},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(list(pids.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    return process, [path.name for path in pids.iterdir()]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("name", NAMES[1:])
def test_ctrl_c_ends_the_workers_and_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    if name == "dask":
        pytest.importorskip("distributed")
    process, pids = asleep(name, tmp_path)
    assert len(pids) == 2
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in printed.splitlines()[-1]
    assert not [pid for pid in pids if alive(pid)]
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_workers_end_and_shared_files_go_when_whoever_opened_the_engine_is_killed(tmp_path: Path) -> None:
    process, pids = asleep("processes", tmp_path)
    assert len(pids) == 2
    process.kill()
    process.communicate(timeout=30)
    deadline = time.monotonic() + 10
    while (any(map(alive, pids)) or any((tmp_path / "scratch").iterdir())) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in pids if alive(pid)]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_unknown_engine_is_refused_with_the_nearest_known_name() -> None:
    with pytest.raises(errors.UnknownNameError, match="did you mean 'processes'"), open_engine("proceses"):
        pass
    with pytest.raises(errors.UnknownNameError, match="tcp://host:port"), open_engine("10.0.0.1:8786"):
        pass


@pytest.mark.parametrize(
    ("spec", "workers", "said"),
    [("processes", 0, "whole number from 1"), ("processes", 1.5, "whole number from 1"),
     ("local", 2, "a fixed number"), ("tcp://127.0.0.1:1", 2, "a fixed number"), (7, None, "not int")],
)  # fmt: skip
def test_workers_that_an_engine_cannot_have_are_refused(spec: str, workers: int, said: str) -> None:
    if spec == 7:
        pytest.importorskip("distributed")
    with pytest.raises(errors.EngineError, match=said), open_engine(spec, workers):
        pass


def test_an_open_engine_is_used_and_left_open() -> None:
    with open_engine("local") as outer:
        with open_engine(outer) as inner:
            assert inner is outer
        assert list(outer.map(slower_first, [3], 1, what="adding")) == [4]
        with pytest.raises(errors.EngineError, match="a fixed number"), open_engine(outer, 2):
            pass


def test_without_dask_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    for spec in ("dask", "tcp://127.0.0.1:8786"):
        with pytest.raises(errors.EngineError, match=r"pip install 'heorsynth\[scale\]'"), open_engine(spec):
            pass


def test_an_address_where_nobody_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine_dask, "ANSWERS_WITHIN", 0.5)
    with pytest.raises(errors.EngineError, match="no scheduler answers"), open_engine("tcp://127.0.0.1:1"):
        pass


def test_a_cluster_is_joined_by_its_address_or_client_and_left_running(cluster, tmp_path: Path) -> None:
    """Also with workers of two threads, and after one of them is killed with all that it held."""
    distributed = pytest.importorskip("distributed")
    shared = np.arange(5.0)
    with open_engine(cluster.scheduler_address) as joined:
        assert joined.workers == 2
    for times in range(2):
        folder = tmp_path / str(times)
        folder.mkdir()
        with open_engine(cluster.scheduler_address) as joined:
            assert list(joined.map(killed_at, range(9), str(folder), what="counting")) == list(range(9))
            assert list(joined.map(np.multiply, range(3), shared, what="adding"))[2].tolist() == [0, 2, 4, 6, 8]
    with distributed.Client(cluster, set_as_default=False) as client:
        with open_engine(client) as lent:
            assert list(lent.map(slower_first, range(3), 1, what="adding")) == [1, 2, 3]
        assert client.status == "running"


def test_a_cluster_with_other_versions_is_refused_with_each_difference(cluster, tmp_path: Path) -> None:
    """Its workers are made to find an older numpy first, as one that was installed otherwise would."""
    distributed = pytest.importorskip("distributed")
    (tmp_path / "numpy-1.0.dist-info").mkdir()
    (tmp_path / "numpy-1.0.dist-info" / "METADATA").write_text("Name: numpy\nVersion: 1.0\n", encoding="utf-8")
    with distributed.Client(cluster, set_as_default=False) as client:
        client.run(exec, f"import sys; sys.path.insert(0, {str(tmp_path)!r})", {})
        with pytest.raises(errors.EngineError) as refused, open_engine(cluster.scheduler_address):
            pass
    (only,) = refused.value.problems
    assert only.where == "numpy"
    assert only.found.startswith(f"{np.__version__} here, 1.0 on tcp://127.0.0.1")


@pytest.mark.parametrize("shared", [None, 7], ids=["nothing shared", "shared"])
def test_a_worker_of_other_versions_that_comes_later_computes_nothing(cluster, tmp_path: Path, shared) -> None:
    """The first workers leave once it is there, so that every task comes to it."""
    distributed = pytest.importorskip("distributed")
    (tmp_path / "numpy-1.0.dist-info").mkdir()
    (tmp_path / "numpy-1.0.dist-info" / "METADATA").write_text("Name: numpy\nVersion: 1.0\n", encoding="utf-8")
    address = cluster.scheduler_address
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny", "--no-dashboard"]
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    with distributed.Client(cluster, set_as_default=False) as client, open_engine(address) as joined:
        first = list(client.nthreads())
        late = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--local-directory", str(tmp_path)],
            env=os.environ | {"PYTHONPATH": paths}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            client.wait_for_workers(3, timeout=60)
            client.retire_workers(first)
            with pytest.raises(errors.EngineError, match=r"worker 'tcp://127\.0\.0\.1.*other versions") as refused:
                list(joined.map(np.add if shared else slower_first, [1, 2], shared, what="adding"))
        finally:
            late.terminate()
            late.wait(timeout=30)
    assert [(one.where, one.found.split(" on ")[0]) for one in refused.value.problems] == [
        ("numpy", f"{np.__version__} here, 1.0")
    ]


def test_differences_name_the_package_both_versions_and_the_workers() -> None:
    here = {"python": "3.11.7", "numpy": "2.4.6", "heorsynth": "0.1.0"}
    there = {"tcp://a:1": here | {"numpy": "2.3.0"}, "tcp://b:2": here, "tcp://c:3": {"python": "3.11.7"}}
    assert [(one.where, one.found) for one in differences(here, there)] == [
        ("numpy", "2.4.6 here, 2.3.0 or absent on tcp://a:1, tcp://c:3"),
        ("heorsynth", "0.1.0 here, absent on tcp://c:3"),
    ]
    assert differences(here, {"tcp://b:2": here}) == []


def test_versions_are_told_by_a_worker_that_has_no_heorsynth() -> None:
    sent = cloudpickle.dumps(version_reporter())
    code = f"import pickle, sys; sys.modules['heorsynth'] = None; print(*pickle.loads({sent!r})())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["python", "numpy", "pandas", "scipy", "heorsynth"], done.stderr
