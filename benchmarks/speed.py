"""Two speed goals: `python benchmarks/speed.py` prints what was asked, what was found, and on how many cores.

A full economic evaluation of PBC (made-up costs and QALYs beside its survival) with m = 20 within 15 s, and 1,000
bootstrap Kaplan-Meier curves of 10,000 patients at least 25 times faster than fitting them with lifelines one by one.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from results import markdown, store

import heorsynth as hs
from heorsynth.estimators.survival.bootstrap import bootstrap_weights
from heorsynth.estimators.survival.estimates import km_matrix


def costed() -> hs.Cohort:
    """PBC with a cost and a QALY that grow with follow-up, so that every decisive estimand of the purpose is asked."""
    pbc, rng = hs.datasets.load("pbc"), np.random.default_rng(1)
    frame = pbc.frame[pbc.frame["trt"].notna()].reset_index(drop=True)
    years = frame["time"].to_numpy(float) / 365.25
    spent, felt = np.round(years * rng.gamma(2.0, 1500.0, len(frame)), 2), np.round(years * rng.uniform(0.6, 0.9), 3)
    frame = frame.assign(cost=spent, qaly=felt)
    return hs.Cohort(
        frame[["time", "event", "trt", "sex", "age", "bili", "albumin", "cost", "qaly"]],
        endpoints={"os": ("time", "event", {1: "death", 2: "transplant"})}, arm="trt",
        arm_reference=pbc.arm_levels[0], costs="cost", utilities="qaly", subgroups="sex", unit="day", currency="EUR",
    )  # fmt: skip


def evaluation(m: int) -> tuple[float, float]:
    """Seconds that `validate` takes for an economic evaluation: by the clock, and of processor time."""
    cohort = costed()
    syn = hs.generators.create("heor").fit(cohort).sample(m=m)
    started = time.perf_counter(), time.process_time()
    hs.validate(cohort, syn, "economic-evaluation", economics={"wtp": [20_000]})
    return time.perf_counter() - started[0], time.process_time() - started[1]


def curves(n: int, draws: int, fits: int) -> tuple[float, float]:
    """Milliseconds a bootstrap curve takes here, and with lifelines (over so many fits)."""
    rng = np.random.default_rng(1)
    death, left = rng.exponential(5, n), rng.uniform(1, 8, n)
    follow, event = np.minimum(death, left), death <= left
    started = time.perf_counter()
    km_matrix(follow, event, bootstrap_weights(n, draws, rng), np.linspace(0, 7, 100))
    ours = (time.perf_counter() - started) / draws
    started = time.perf_counter()
    for _ in range(fits):
        rows = rng.integers(n, size=n)
        KaplanMeierFitter().fit(follow[rows], event[rows])
    return 1000 * ours, 1000 * (time.perf_counter() - started) / fits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--m", type=int, default=20)
    parser.add_argument("--fits", type=int, default=50)
    asked = parser.parse_args()
    cores = f"{len(os.sched_getaffinity(0))} cores"
    ours, theirs = curves(10_000, 1000, asked.fits)
    clock, processor = evaluation(asked.m)
    rows: list[dict[str, object]] = [
        {"what": f"economic evaluation of PBC, m = {asked.m}", "goal": "15 s",
         "found": f"{clock:.1f} s; {processor:.1f} s of processor time"},
        {"what": "a bootstrap Kaplan-Meier curve, n = 10,000", "goal": "25 times faster than lifelines",
         "found": f"{theirs / ours:.0f} times: {ours:.2f} ms against {theirs:.1f} ms"},
    ]  # fmt: skip
    store("speed", [row | {"on": cores} for row in rows], ("what",))
    print(markdown(pd.DataFrame(rows).astype(str)))


if __name__ == "__main__":
    main()
