"""Time and memory of `heor` as rows grow: `python benchmarks/scale.py [--rows 10000,100000,1000000]`.

Each size runs in a process of its own, fit and one draw of as many rows of twenty columns; memory is the largest
resident size above what the process held with the data loaded, divided by the data's own size.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path

from generators import recipe, wide

PAGE = 4096


def resident() -> int:
    """Bytes this process holds in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * PAGE


def measured(rows: int) -> str:
    """One row of the table: rows, seconds to fit, seconds to draw, memory in times of the data."""
    cohort = wide(rows)
    data, before, peak, done = int(cohort.frame.memory_usage(deep=True).sum()), resident(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    sampler = recipe("heor").fit(cohort, seed=1)
    fitted = time.perf_counter()
    sampler.sample(m=1, seed=1)
    drawn = time.perf_counter()
    done.set()
    watcher.join()
    return f"| {rows:,} | {fitted - begin:.1f} | {drawn - fitted:.1f} | {(peak[0] - before) / data:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="10000,100000,1000000", help="sizes, separated by commas")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(measured(asked.one))
        return
    print("| rows × 20 | fit, s | draw, s | memory ÷ data |\n|---|---|---|---|", flush=True)
    for rows in asked.rows.split(","):
        subprocess.run([sys.executable, __file__, "--one", rows], check=True)


if __name__ == "__main__":
    main()
