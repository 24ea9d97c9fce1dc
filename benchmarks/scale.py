"""Time and memory of `heor` as rows grow: `python benchmarks/scale.py [--rows 10000,100000,1000000]`.

Each size runs in a process of its own, fit and one draw of as many rows of twenty columns; memory is the largest
resident size above what the process held with the data loaded, divided by the data's own size.

`--folder 1000000,20000000` does the same out of memory: it makes a folder of so many simulated patients, looks it over,
learns from a sample, writes as many synthetic rows and judges them for an economic evaluation, and prints the
seconds of each step and the largest resident size of all its processes. `--engine` and `--workers` say where; `--place`
names a folder with room for about 130 bytes a row, which is emptied again.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from generators import recipe, wide

import heorsynth as hs
from heorsynth.engine.engine import open_engine

PARTITION = 250_000
ROLES = {
    "endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": ["cost"],
    "utilities": ["qaly"], "subgroups": ["sex", "stage"], "totals": {"cost": ["drug", "hospital"]}, "unit": "year",
    "currency": "EUR", "price_year": 2024,
}  # fmt: skip
ASKED = {
    "survival.rmst_difference": {"relative": 0.05},
    "survival.hazard_ratio": {"ratio": [0.8, 1.25]},
    "subgroups.representation": {"ratio": [0.8, 1.25]},
}


def resident(process: str = "self") -> int:
    """Bytes this process, or another, holds in memory (Linux); 0 where it has ended.

    Pages that several processes share, such as libraries, count for each of them in part (proportional set size).
    """
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def resident_of_all(process: str = "self") -> int:
    """Bytes that this process and those it started hold in memory."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        children = []
    return resident(process) + sum(map(resident_of_all, children))


class Watch:
    """The largest that a reading becomes while it is watched."""

    def __init__(self, reading: Callable[[], int]) -> None:
        self.peak, self._done, self._reading = 0, threading.Event(), reading
        self._watcher = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.peak = max(self.peak, self._reading())

    def __enter__(self) -> Watch:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()


def measured(rows: int) -> str:
    """One row of the table: rows, seconds to fit, seconds to draw, memory in times of the data."""
    cohort = wide(rows)
    data, before = int(cohort.frame.memory_usage(deep=True).sum()), resident()
    with Watch(resident) as watch:
        begin = time.perf_counter()
        sampler = recipe("heor").fit(cohort, seed=1)
        fitted = time.perf_counter()
        sampler.sample(m=1, seed=1)
        drawn = time.perf_counter()
    return f"| {rows:,} | {fitted - begin:.1f} | {drawn - fitted:.1f} | {(watch.peak - before) / data:.1f} |"


def source_part(task: tuple[Path, int], part: int) -> int:
    """Writes one partition of simulated patients."""
    place, rows = task
    here = min(PARTITION, rows - part * PARTITION)
    hs.write(wide(here, seed=part + 1), place / f"{part:05d}.parquet")
    return here


def out_of_memory(rows: int, place: Path, engine: str, workers: int | None) -> str:
    """One row of the table of folders: rows, seconds of each step, and the largest resident size in MiB."""
    real, synthetic = place / "real", place / "synthetic"
    real.mkdir()
    moments = [time.perf_counter()]

    def done() -> None:
        moments.append(time.perf_counter())
        told = (
            f"{moments[-1] - moments[-2]:.1f} s, peak {watch.peak / 2**20:,.0f} MiB, {time.process_time():.0f} s of CPU"
        )
        print(f"{rows:,} rows, step {len(moments) - 1}: {told}", file=sys.stderr, flush=True)

    with Watch(resident_of_all) as watch:
        with open_engine(engine, workers) as running:
            list(running.map(source_part, range(-(-rows // PARTITION)), (real, rows), what="simulating"))
        done()
        folder = hs.CohortFolder(real, **ROLES, engine=engine, workers=workers)
        done()
        sampler = hs.generators.create("heor").fit(folder, seed=1, engine=engine, workers=workers)
        done()
        drawn = sampler.write(synthetic, n=rows, seed=1, rows_per_partition=PARTITION, engine=engine, workers=workers)
        done()
        hs.validate(folder, [drawn], economics={"wtp": [20000]}, margins=ASKED, engine=engine, workers=workers)
        done()
    steps = " | ".join(f"{after - before:.1f}" for before, after in itertools.pairwise(moments))
    return f"| {rows:,} | {steps} | {watch.peak / 2**20:,.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="10000,100000,1000000", help="sizes, separated by commas")
    parser.add_argument("--folder", help="sizes of folders, separated by commas, instead of cohorts in memory")
    parser.add_argument("--engine", default="local")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--place", help="where the folders are made")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one and asked.folder:
        place = Path(tempfile.mkdtemp(dir=asked.place))
        try:
            print(out_of_memory(asked.one, place, asked.engine, asked.workers))
        finally:
            shutil.rmtree(place)
        return
    if asked.one:
        print(measured(asked.one))
        return
    more: list[str] = []
    if asked.folder:
        print("| rows × 20 | simulate, s | look over, s | fit, s | write, s | judge, s | peak, MiB |", flush=True)
        print("|---|---|---|---|---|---|---|", flush=True)
        more = ["--folder", asked.folder, "--engine", asked.engine]
        more += ["--workers", str(asked.workers)] if asked.workers else []
        more += ["--place", asked.place] if asked.place else []
    else:
        print("| rows × 20 | fit, s | draw, s | memory ÷ data |\n|---|---|---|---|", flush=True)
    for rows in (asked.folder or asked.rows).split(","):
        subprocess.run([sys.executable, __file__, "--one", rows, *more], check=True)


if __name__ == "__main__":
    main()
