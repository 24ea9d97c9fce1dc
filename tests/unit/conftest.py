"""One small run, unsigned, and the same one signed, made once for all tests of what a run folder holds; each engine."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

import heorsynth as hs
from heorsynth.engine.engine import Engine, open_engine
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


@pytest.fixture(autouse=True, scope="session")
def release_key_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test makes or uses the release key of whoever runs it."""
    file = tmp_path_factory.mktemp("keys") / "release.key"
    file.write_text("a release key for tests, and for nothing else", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HEORSYNTH_RELEASE_KEY", str(file))
        yield


@pytest.fixture(scope="session")
def small_protocol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "small.yaml"
    path.write_text(PROTOCOL, encoding="utf-8")
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
