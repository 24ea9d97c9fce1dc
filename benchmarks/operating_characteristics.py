"""How often the answer to "faithful?" is right, for copies that are faithful, spoilt, or off by exactly a margin.

    python benchmarks/operating_characteristics.py --minutes 60
    python benchmarks/operating_characteristics.py --table

The first command adds repetitions until the minutes are over; each is stored in benchmarks/results as soon as it is
there, and none is made twice, so a run can be stopped and continued. The second prints the tables of what is stored.

*Copies* (`spoilt.py`): m cohorts of a simulated trial by each generator, and resamples of the patients that are spoilt
in one way; counted are the answers for an economic evaluation under default margins. *Boundary* (`boundary.py`):
resamples of the patients whose estimate is off by exactly the margin; counted are the passes, which are wrong.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import boundary
import spoilt
from results import FOLDER, boundary_rates, copies_rates, markdown, stored

from heorsynth.checks.core.finding import POOLED, SINGLE

SIZES = (60, 150, 400, 1000)
SINGLE_SIZES, SINGLE_EVERY = (150, 400), 4
"""Single cohorts are judged at these sizes, in each so many rounds: solving for their boundary takes seconds."""

M = 20
"""Cohorts in each repetition of the copies: most runs draw more, so that fewer answers are left open."""

KEYS = {"faithful": ("copy", "n", "repetition"), "boundary": ("estimand", "n", "use", "repetition")}

Task = tuple[str, tuple[str, ...], Callable[[], dict[str, object]]]
"""Name of the table, key of the row, and what makes the row."""


def tasks(parts: tuple[str, ...]) -> Iterator[Task]:
    """Yield the tasks in rounds without end, so that every cell has about as many repetitions."""
    round_ = 0
    while True:
        if "faithful" in parts:
            yield from _copies(round_ + 1)
        if "boundary" in parts:
            for n in SIZES:
                for name in boundary.CASES:
                    yield _patients(name, n, POOLED, round_ + 1)
            for n in SINGLE_SIZES if round_ % SINGLE_EVERY == 0 else ():
                for name in boundary.ALONE:
                    yield _patients(name, n, SINGLE, round_ // SINGLE_EVERY + 1)
        round_ += 1


def _copies(repetition: int) -> Iterator[Task]:
    for n in SIZES:
        for kind, copy in spoilt.COPIES.items():
            if (repetition - 1) % copy.every == 0:
                row = partial(spoilt.judged, n, kind, repetition, M)
                yield "faithful", (kind, str(n), str(repetition)), row


def _patients(name: str, n: int, use: str, repetition: int) -> Task:
    key = (name, str(n), use, str(repetition))
    return "boundary", key, partial(boundary.judged, name, n, use, repetition)


def run(minutes: float, parts: tuple[str, ...]) -> None:
    """Make and store what is not there yet, until the minutes are over."""
    end = time.monotonic() + 60 * minutes
    held = {part: _held(part) for part in parts}
    for part, key, make in tasks(parts):
        if time.monotonic() > end:
            return
        if key not in held[part]:
            _append(part, make())


def _held(part: str) -> set[tuple[str, ...]]:
    if not (FOLDER / f"{part}.csv").exists():
        return set()
    return set(stored(part)[list(KEYS[part])].itertuples(index=False, name=None))


def _append(part: str, row: dict[str, object]) -> None:
    path = FOLDER / f"{part}.csv"
    first = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if first:
            writer.writeheader()
        writer.writerow(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", choices=KEYS, nargs="+", default=list(KEYS))
    parser.add_argument("--table", action="store_true", help="print the tables and compute nothing")
    asked = parser.parse_args()
    if not asked.table:
        warnings.simplefilter("ignore")
        run(asked.minutes, tuple(asked.only))
    for table in (copies_rates(), boundary_rates()):
        print(markdown(table), end="\n\n")


if __name__ == "__main__":
    main()
