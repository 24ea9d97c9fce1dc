"""Where the time goes: `python benchmarks/profiles.py [--jobs draw,folder,rows,pbc,protocol] [--limits]`.

Prints for each job the ten functions that take most processor time themselves (without what they call), each job in a
process of its own. Calls into compiled code count as functions of their own, named by what calls them most. With
`--limits` it prints for the main loops how long moving their bytes takes at the memory bandwidth measured here, and
how long they take.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from generators import wide
from scale import ASKED, PARTITION, ROLES, source_part
from speed import costed

import heorsynth as hs
from heorsynth.core.random import stream
from heorsynth.data.folders.tally import Tally
from heorsynth.data.labels.watermark import release_key
from heorsynth.estimators.survival.bootstrap import bootstrap_weights, km_matrix
from heorsynth.generators.sampling.watermarking import marked

ROOT = Path(__file__).resolve().parents[1]
ECONOMIC = "economic-evaluation"
WTP = {"wtp": [20_000]}


def draw(place: Path) -> Callable[[], object]:
    """`heor` learns 300,000 × 20 and draws as many."""
    cohort = wide(300_000)
    return lambda: hs.generators.create("heor").fit(cohort, seed=1).sample(m=1, seed=1)


def folder(place: Path) -> Callable[[], object]:
    """A folder of 500,000 × 20 is looked over, learnt from, copied and judged."""
    (place / "real").mkdir()
    for part in range(2):
        source_part((place / "real", 2 * PARTITION), part)

    def action() -> object:
        real = hs.CohortFolder(place / "real", **ROLES)
        sampler = hs.generators.create("heor").fit(real, seed=1)
        written = sampler.write(place / "synthetic", n=2 * PARTITION, seed=1, rows_per_partition=PARTITION)
        return hs.validate(real, [written], economics=WTP, margins=ASKED)

    return action


def rows(place: Path) -> Callable[[], object]:
    """Every check of an economic evaluation of 100,000 × 20, one cohort drawn."""
    cohort = wide(100_000)
    drawn = hs.generators.create("heor").fit(cohort, seed=1).sample(m=1, seed=1)
    return lambda: hs.validate(cohort, drawn, ECONOMIC, economics=WTP)


def pbc(place: Path) -> Callable[[], object]:
    """Twenty cohorts of PBC are drawn, and every check of an economic evaluation made."""
    cohort = costed()
    return lambda: hs.validate(cohort, hs.generators.create("heor").fit(cohort).sample(m=20), ECONOMIC, economics=WTP)


def protocol(place: Path) -> Callable[[], object]:
    """`heorsynth run protocols/pbc.yaml`, its notebook in a process of its own not counted."""
    return lambda: hs.run(ROOT / "protocols" / "pbc.yaml", out=place)


JOBS = {job.__name__: job for job in (draw, folder, rows, pbc, protocol)}


def hottest(name: str, count: int) -> str:
    """The table of a job: its functions with the largest share of processor time."""
    place = Path(tempfile.mkdtemp())
    try:
        action, profile = JOBS[name](place), cProfile.Profile(time.process_time)
        profile.runcall(action)
    finally:
        shutil.rmtree(place)
    stats = pstats.Stats(profile)
    found = sorted(stats.stats.items(), key=lambda item: -item[1][2])[:count]
    total = stats.total_tt
    lines = [f"\n{JOBS[name].__doc__} {total:.1f} s of processor time.\n", "| s | share | calls | function |"]
    lines += ["|---|---|---|---|"]
    for function, (_, calls, own, _, callers) in found:
        lines.append(f"| {own:.2f} | {own / total:.0%} | {calls:,} | {_named(function, callers)} |")
    return "\n".join(lines)


def _named(function: tuple[str, int, str], callers: dict[tuple[str, int, str], tuple[int, int, float, float]]) -> str:
    """A function as `file: name`, and of compiled code also the function that calls it for longest."""
    path, _, name = function
    own = f"`{name.strip('<>').removeprefix('built-in method ')}`"
    if path != "~":
        return f"`{_file(path)}`: {own}"
    if not callers:
        return own
    caller = max(callers, key=lambda one: callers[one][2])
    return f"{own}, mostly of `{_file(caller[0])}`: `{caller[2]}`"


def _file(path: str) -> str:
    """The last two parts of a path."""
    return "/".join(Path(path).parts[-2:])


@dataclass(frozen=True)
class Loop:
    """A loop with the bytes it must read and write at least, and the seconds it takes."""

    what: str
    n_bytes: int
    seconds: float


def bandwidth() -> float:
    """Bytes a second that are read and written, one copy of 1 GiB: the best of five."""
    source = np.ones(2**27)
    target = np.zeros_like(source)
    return 2 * source.nbytes / best(lambda: np.copyto(target, source))


def best(action: Callable[[], object], times: int = 5) -> float:
    """The least processor time that an action takes, in seconds."""
    found = []
    for _ in range(times):
        begin = time.process_time()
        action()
        found.append(time.process_time() - begin)
    return min(found)


def loops(n: int = 300_000) -> list[Loop]:
    """The main loops on n rows of twenty columns, and on 1,000 bootstrap samples of 10,000 patients."""
    cohort = wide(n)
    sampler = hs.generators.create("heor").fit(cohort, seed=1)
    syn = sampler.sample(m=1, seed=1)
    frame, law = syn[0].frame.reset_index(drop=True), sampler.law
    key = release_key(b"k", "r")
    rng = np.random.default_rng(1)
    time_, event = rng.exponential(5, 10_000), rng.random(10_000) < 0.7
    weights = bootstrap_weights(10_000, 1000, rng)
    values = int(frame.memory_usage().sum())
    latents = 8 * n * sum(column.width for column in law.columns)
    return [
        Loop("draw: scores to values to a frame", 3 * latents + 3 * values,
             best(lambda: law.draw(n, stream(1, "draw")), 3)),
        Loop("mark the rows drawn", 2 * values, best(lambda: marked(frame, sampler.domain, rng, key), 3)),
        Loop("tally them", values, best(lambda: Tally.of(cohort), 3)),
        Loop("1,000 bootstrap curves of 10,000", 1000 * 10_000 * (4 + 4 * 8),
             best(lambda: km_matrix(time_, event, weights, np.linspace(0, 7, 100)), 3)),
    ]  # fmt: skip


def limits() -> str:
    """The table of the main loops beside the memory's limit."""
    rate = bandwidth()
    lines = [f"\nOne thread copies {rate / 1e9:.1f} GB a second (read and written).\n"]
    lines += ["| loop | bytes at least, MB | at that rate, s | takes, s | times the limit |", "|---|---|---|---|---|"]
    for loop in loops():
        least = loop.n_bytes / rate
        times = f"{least:.3f} | {loop.seconds:.2f} | {loop.seconds / least:.0f}"
        lines.append(f"| {loop.what} | {loop.n_bytes / 1e6:,.0f} | {times} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", default=",".join(JOBS), help="separated by commas")
    parser.add_argument("--count", type=int, default=10, help="functions a job")
    parser.add_argument("--limits", action="store_true", help="also the main loops beside the memory's limit")
    parser.add_argument("--one", choices=JOBS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(hottest(asked.one, asked.count))
        return
    for name in filter(None, asked.jobs.split(",")):
        subprocess.run([sys.executable, __file__, "--one", name, "--count", str(asked.count)], check=True)
    if asked.limits:
        print(limits())


if __name__ == "__main__":
    main()
