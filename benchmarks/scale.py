"""Time and memory of `heor` as rows grow: `python benchmarks/scale.py [--rows 10000,100000,1000000]`.

Each size runs in a process of its own, fit and one draw of as many rows of twenty columns; memory is the largest
resident size above what the process held with the data loaded, divided by the data's own size.

`--folder 1000000,20000000` does the same out of memory: it makes a folder of so many simulated patients, looks it over,
learns from a sample, writes as many synthetic rows and judges them for an economic evaluation. As each step ends it
prints its seconds by the clock and of the processor, and the largest resident size of all processes so far. `--engine`
and `--workers` say where; `--place` names a folder with room for about 130 bytes a row, which is emptied again.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import heorsynth as hs
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import schema_of
from heorsynth.data.datasets.trial import Truth, simulated_rows
from heorsynth.engine.engine import open_engine

PARTITION, PAGE = 250_000, resource.getpagesize()
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


def resident_cheaply(process: str = "self") -> int:
    """Bytes this process, or another, holds in memory, shared pages whole in each (resident set size); 0 if ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except OSError:
        return 0


def resident(process: str = "self") -> int:
    """Bytes this process, or another, holds in memory (Linux); 0 where it has ended.

    Pages that several processes share, such as libraries, count for each of them in part (proportional set size).
    """
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def family(process: str = "self") -> list[str]:
    """This process and those it started."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        children = []
    return [process, *(one for child in children for one in family(child))]


def processor_seconds(processes: list[str]) -> float:
    """Seconds that these processes, and their ended children, have used of the processor."""
    ticks = 0
    for process in processes:
        try:
            held = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
        except OSError:
            continue
        ticks += sum(map(int, held[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Watch:
    """The largest resident size of some processes while they are watched.

    The kernel sums up proportional sizes page by page, which takes 5 ms and more of a process of some hundred MiB. So
    plain resident sizes are read ten times a second, and proportional ones once a second, and when the plain ones have
    risen by a fiftieth above all before.
    """

    def __init__(self, processes: Callable[[], list[str]]) -> None:
        self.peak, self._done, self._processes = 0, threading.Event(), processes
        self._watcher = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        highest, last = 0.0, 0.0
        while not self._done.wait(0.1):
            plain = sum(map(resident_cheaply, self._processes()))
            if plain > 1.02 * highest or time.monotonic() - last > 1:
                highest, last = max(highest, plain), time.monotonic()
                self.peak = max(self.peak, sum(map(resident, self._processes())))

    def __enter__(self) -> Watch:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()


def measured(rows: int) -> str:
    """One row of the table: rows, seconds to fit, seconds to draw, memory in times of the data."""
    from generators import recipe, wide  # it loads packages that folders do not need: 85 MiB

    cohort = wide(rows)
    data, before = int(cohort.frame.memory_usage(deep=True).sum()), resident()
    with Watch(lambda: ["self"]) as watch:
        begin = time.perf_counter()
        sampler = recipe("heor").fit(cohort, seed=1)
        fitted = time.perf_counter()
        sampler.sample(m=1, seed=1)
        drawn = time.perf_counter()
    return f"| {rows:,} | {fitted - begin:.1f} | {drawn - fitted:.1f} | {(watch.peak - before) / data:.1f} |"


def source_part(task: tuple[Path, int], part: int) -> int:
    """Writes one partition of simulated patients."""
    place, rows = task
    here, seed = min(PARTITION, rows - part * PARTITION), part + 1
    frame, rng = simulated_rows(here, seed, Truth()), np.random.default_rng(seed)
    more = {f"x{index}": np.round(rng.normal(frame["age"], 5 + index), 2) for index in range(10)}
    frame = pd.concat([frame.astype({"event": "int8"}), pd.DataFrame(more)], axis=1, copy=False)
    schema = schema_of(**ROLES)
    hs.write(Cohort.derive(schema, frame, label=None, fresh=True), place / f"{part:05d}.parquet")
    return here


def out_of_memory(rows: int, place: Path, engine: str, workers: int | None) -> str:
    """One row of the table of folders: rows, seconds of each step, and the largest resident size in MiB."""
    real, synthetic = place / "real", place / "synthetic"
    real.mkdir()
    moments, used = [time.perf_counter()], [processor_seconds(family())]

    def done(step: str) -> None:
        moments.append(time.perf_counter())
        used.append(processor_seconds(family()))
        spent = used[-1] - used[-2]
        told = f"{moments[-1] - moments[-2]:.1f} s, {spent:.1f} s of processor, {spent * 1e6 / rows:.2f} a million rows"
        print(f"{rows:,} rows, {step}: {told}, peak {watch.peak / 2**20:,.0f} MiB", file=sys.stderr, flush=True)

    with Watch(family) as watch, open_engine(engine, workers) as running:
        list(running.map(source_part, range(-(-rows // PARTITION)), (real, rows), what="simulating"))
        done("simulate")
        folder = hs.CohortFolder(real, **ROLES, engine=running)
        done("look over")
        sampler = hs.generators.create("heor").fit(folder, seed=1, engine=running)
        done("fit")
        drawn = sampler.write(synthetic, n=rows, seed=1, rows_per_partition=PARTITION, engine=running)
        done("write")
        hs.validate(folder, [drawn], economics={"wtp": [20000]}, margins=ASKED, engine=running)
        done("judge")
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
