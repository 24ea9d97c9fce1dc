"""A labelled synthetic cohort, and a model server on the loopback, for tests of texts."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs


def patients(n: int = 60, seed: int = 3) -> "hs.Cohort":
    """A made-up trial with a slot of every kind."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "time": rng.integers(30, 3000, n),
        "event": rng.integers(0, 2, n),
        "trt": np.tile(["azathioprine", "placebo"], n // 2),
        "sex": rng.choice(["f", "m"], n),
        "age": np.round(rng.normal(60, 8, n), 1),
        "stage": rng.integers(1, 5, n),
        "ascites": rng.integers(0, 2, n),
        "bili": np.round(rng.lognormal(0.5, 0.7, n), 2),
        "cost": np.round(rng.gamma(2, 4000, n), 2),
        "qaly": np.round(rng.uniform(0, 1, n), 3),
        "seen": pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1500, n), unit="D"),
    })  # fmt: skip
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="trt", costs=["cost"], utilities=["qaly"],
        subgroups=["sex"], currency="EUR", kind={"seen": "date"},
    )  # fmt: skip


@pytest.fixture(scope="session")
def real() -> "hs.Cohort":
    return patients()


@pytest.fixture(scope="session")
def synthetic(real: "hs.Cohort") -> "hs.Cohort":
    return hs.generators.create("marginals").fit(real, seed=1).sample(m=1, seed=1)[0]


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


@pytest.fixture
def chat_answer() -> Callable[..., tuple[int, dict[str, str], bytes]]:
    return chat
