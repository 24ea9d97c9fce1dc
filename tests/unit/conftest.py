"""One small run, unsigned and signed, made once for all tests of what a run folder holds; engines; a model server."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.cli import main
from heorsynth.engine.engine import Engine, open_engine
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.estimators.survival.estimates import kaplan_meier
from heorsynth.estimators.survival.summaries import curve_quantile
from heorsynth.provenance.signature import keygen

PROTOCOL = """\
heorsynth: 1
title: A small run
purpose: economic-evaluation
cohort: {source: {simulated: {n: 90, seed: 2}}}
generator: {name: marginals, n: same, m: 2, most_cohorts: 2, seed: 1}
economics: {comparator: usual, wtp: [20000]}
margins: {survival.rmst: {horizon: 3, relative: 0.05}}
holdout: 0.3
notebook: short.ipynb
amendments:
  - {date: 2026-11-23, what: a narrower margin, why: ours was vacuous, section: margins, before_or_after_data: before}
"""


@dataclass(frozen=True)
class Signed:
    """A signed run, the key that signed it, the registry it was added to, and another key."""

    run: "hs.Run"
    private: Path
    public: Path
    stranger: Path
    registry: Path


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def heorsynth(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """The command line in this process, which has loaded already what each new process loads for seconds.

    An error that the command does not catch is an error of the test.
    """

    def called(*arguments: str, cwd: Path | None = None) -> Ended:
        with monkeypatch.context() as patched, pytest.raises(SystemExit) as ended:
            patched.setattr(sys, "argv", ["heorsynth", *arguments])
            patched.setattr(sys, "excepthook", sys.excepthook)
            if cwd is not None:
                patched.chdir(cwd)
            capsys.readouterr()
            main()
        return Ended(ended.value.code, *capsys.readouterr())

    return called


@pytest.fixture(autouse=True, scope="session")
def release_key_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test makes or uses the release key of whoever runs it."""
    file = tmp_path_factory.mktemp("keys") / "release.key"
    file.write_text("a release key for tests, and for nothing else", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEORSYNTH_RELEASE_KEY", str(file))
        yield


@pytest.fixture(scope="session")
def small_protocol(tmp_path_factory: pytest.TempPathFactory, short_notebook: Callable[[Path], str]) -> Path:
    path = tmp_path_factory.mktemp("small") / "small.yaml"
    path.write_text(PROTOCOL, encoding="utf-8")
    short_notebook(path.parent)
    return path


@pytest.fixture(scope="session")
def small_run(small_protocol: Path) -> "hs.Run":
    return hs.run(small_protocol, out=small_protocol.parent / "unsigned")


@pytest.fixture(scope="session")
def signed(small_protocol: Path) -> Signed:
    folder = small_protocol.parent
    private, public, _ = keygen(folder / "owner.key")
    _, stranger, _ = keygen(folder / "stranger.key")
    registry = folder / "releases.jsonl"
    run = hs.run(small_protocol, out=folder / "signed", sign_key=private, registry=registry)
    return Signed(run, private, public, stranger, registry)


@pytest.fixture(scope="module")
def engines() -> Iterator[Callable[[str], Engine]]:
    """Each engine by name, opened when first asked for, with two workers where it has workers."""
    with ExitStack() as stack:
        opened: dict[str, Engine] = {}

        def named(name: str) -> Engine:
            if name == "dask":
                pytest.importorskip("distributed")
            if name not in opened:
                opened[name] = stack.enter_context(open_engine(name, None if name == "local" else 2))
            return opened[name]

        yield named


@dataclass(frozen=True)
class Trial:
    """A simulated trial, and the paper file that prints of it what a paper prints."""

    frame: pd.DataFrame
    path: Path

    def changed(self, folder: Path, *replacements: tuple[str, str]) -> Path:
        """The paper file with replacements in its text, in another folder, beside the same points."""
        text = self.path.read_text(encoding="utf-8")
        for old, new in replacements:
            assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
            text = text.replace(old, new)
        for name in ("os.csv", "pfs.csv"):
            (folder / name).write_bytes((self.path.parent / name).read_bytes())
        (folder / "paper.yaml").write_text(text, encoding="utf-8")
        return folder / "paper.yaml"


@pytest.fixture(scope="session")
def printed_trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """200 patients of two arms with PFS and OS, whose paper prints OS in full and of PFS its curve."""
    folder = tmp_path_factory.mktemp("paper")
    rng = np.random.default_rng(20261130)
    arm = np.repeat(["drug", "usual"], 100)
    scale = np.where(arm == "drug", 16.0, 10.0)
    death, left = rng.exponential(scale), rng.uniform(14, 30, 200)
    worse = death * rng.uniform(0.3, 1.0, 200)
    frame = pd.DataFrame({"arm": arm})
    for name, until in (("os", death), ("pfs", worse)):
        frame[f"{name}_time"] = np.round(np.minimum(until, left), 3)
        frame[f"{name}_event"] = (until <= left).astype(int)
        _points(frame, name).to_csv(folder / f"{name}.csv", index=False)
    (folder / "paper.yaml").write_text(_paper(frame), encoding="utf-8")
    return Trial(frame, folder / "paper.yaml")


def _points(frame: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """Both ends of every step, as a careful reader clicks them."""
    parts = []
    for arm, own in frame.groupby("arm"):
        time, event = own[f"{endpoint}_time"].to_numpy(), own[f"{endpoint}_event"].to_numpy()
        curve = kaplan_meier(time, event == 1)
        at, after = curve.times[curve.events > 0], curve.survival[curve.events > 0]
        times = np.append(np.repeat(at, 2), time.max())
        survival = np.append(np.column_stack([np.append(1.0, after[:-1]), after]).ravel(), after[-1])
        parts.append(pd.DataFrame({"arm": arm, "time": times.round(3), "survival": survival.round(4)}))
    return pd.concat(parts)


def _paper(frame: pd.DataFrame) -> str:
    """The paper file: every number is computed from the patients."""
    at_risk, medians, events = {}, {}, {}
    for arm, own in frame.groupby("arm"):
        at_risk[arm] = [int((own["os_time"] >= time).sum()) for time in (0, 6, 12, 18)]
        medians[arm] = curve_quantile(
            kaplan_meier(own["os_time"].to_numpy(), own["os_event"].to_numpy() == 1), 0.5
        ).value
        events[arm] = int(own["os_event"].sum())
    ratio = hazard_ratio_of_rows(frame["os_time"].to_numpy(), frame["os_event"].to_numpy() == 1,
                                 (frame["arm"] == "drug").to_numpy())  # fmt: skip
    value, low, high = (round(float(np.exp(one)), 2) for one in (ratio.value, ratio.low, ratio.high))
    return f"""\
paper: 1
title: Drug against usual care
citations: {{smith: Smith A et al. (2020) J Trials 1:1}}
arms:
  drug: {{n: 100, source: Figure 1}}
  usual: {{n: 100, source: Figure 1}}
endpoints:
  os:
    unit: month
    curves: {{source: Figure 2, file: os.csv}}
    at_risk: {{source: Figure 2, times: [0, 6, 12, 18], counts: {{drug: {at_risk["drug"]}, usual: {at_risk["usual"]}}}}}
    events: {{source: Table 2, counts: {{drug: {events["drug"]}, usual: {events["usual"]}}}}}
    medians:
      source: "Table 2, page 5"
      arms: {{drug: {{value: {medians["drug"]:.1f}}}, usual: {{value: {medians["usual"]:.1f}}}}}
    hazard_ratios:
      - {{source: Figure 2, arm: drug, reference: usual, value: {value:.2f}, low: {low:.2f}, high: {high:.2f}}}
  pfs:
    unit: month
    curves: {{source: Figure 3, file: pfs.csv}}
table1:
  source: Table 1
  characteristics:
    age: {{unit: year, arms: {{drug: {{mean: 61.2, sd: 9.8}}, usual: {{median: 62, iqr: [55, 69]}}}}}}
    sex: {{levels: {{female: {{drug: 40 (40%), usual: 45}}, male: {{drug: 60 (60%), usual: 55}}}}}}
"""


class Server:
    """A model server. `reply` makes status, headers and body of each request; `requests` keeps what it received."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.reply: Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]] = lambda body: chat("A text.", body)
        self.delay = 0.0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.requests.append({"path": self.path, "headers": dict(self.headers), "body": body})
                time.sleep(server.delay)
                status, headers, content = server.reply(body)
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(content)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def chat(text: str, body: dict[str, Any], finish: str = "stop", **more: object) -> tuple[int, dict[str, str], bytes]:
    """An answer of the chat-completions protocol."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
    facts = {"model": body["model"], "system_fingerprint": "fp_1", "choices": [choice], **more}
    return 200, {}, json.dumps(facts).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def session_server() -> Iterator[Server]:
    """A server for a run that several tests look at."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def chat_answer() -> Callable[..., tuple[int, dict[str, str], bytes]]:
    return chat
