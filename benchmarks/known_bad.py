"""How often cohorts that are known to be bad are called fit for an economic evaluation, or for sharing.

    python benchmarks/known_bad.py --repetitions 200 --sizes 50 150 500 1000

prints a Markdown table and keeps its rows in benchmarks/results. Source and synthetic rows are simulated trials drawn
apart; the synthetic ones are then spoilt. What is counted is the verdict of the purpose's decisive estimands under its
default margins. `bootstrap` is judged for data-sharing, with another trial as the hold-out; all others for an economic
evaluation at 20,000 and 40,000 a QALY.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
from results import markdown, store

import heorsynth as hs
from heorsynth.checks.core.finding import overall
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.plan import plan
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort

ECONOMICS = {"wtp": [20_000, 40_000]}
Rng = np.random.Generator


def faithful(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows


def marginals(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Every column drawn on its own, time with its event."""
    spoilt = rows.copy()
    for columns in (
        ["time", "event"],
        ["cost", "drug", "hospital"],
        *([name] for name in ("arm", "sex", "age", "stage", "qaly")),
    ):
        spoilt[columns] = rows[columns].to_numpy()[rng.permutation(len(rows))]
    return spoilt.astype(rows.dtypes)


def time_and_event_shuffled(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(event=rng.permutation(rows["event"].to_numpy()))


def censoring_halved(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Half of the censored are called dead."""
    called = (rows["event"] == 0) & (rng.random(len(rows)) < 0.5)
    return rows.assign(event=rows["event"].where(~called, 1))


def tail_cut(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Follow-up and costs end at their 95th percentiles."""
    end = rows["time"].quantile(0.95)
    cut = rows.assign(time=rows["time"].clip(upper=end), event=rows["event"].where(rows["time"] < end, 0))
    return costs_winsorised(cut, rng)


def costs_winsorised(rows: pd.DataFrame, rng: Rng, at: float = 0.95) -> pd.DataFrame:
    return rows.assign(cost=rows["cost"].clip(upper=rows["cost"].quantile(at)))


def subgroup_dropped(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Nobody in stage IV: others are drawn in their place."""
    left = rows[rows["stage"] != "IV"]
    return left.iloc[rng.integers(len(left), size=len(rows))].reset_index(drop=True)


def hazard_ratio_doubled(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """The new arm dies at twice the rate: times shrink as the Weibull law's do, censoring as it was."""
    new, dead = rows["arm"] == "new", rows["event"] == 1
    sooner = rows["time"] / 2 ** (1 / hs.datasets.Truth().shape)
    left = rng.uniform(3, 5, len(rows))
    late = new & ~dead & (rng.random(len(rows)) < 0.5)
    time_ = np.where(new & dead, sooner, np.where(late, np.minimum(rows["time"], left) * 0.9, rows["time"]))
    return rows.assign(time=np.round(time_, 4), event=rows["event"].where(~late, 1))


BAD: dict[str, Callable[[pd.DataFrame, Rng], pd.DataFrame]] = {
    spoil.__name__.replace("_", " "): spoil
    for spoil in (
        faithful,
        marginals,
        time_and_event_shuffled,
        censoring_halved,
        tail_cut,
        subgroup_dropped,
        hazard_ratio_doubled,
        costs_winsorised,
    )
}


def verdict(name: str, n: int, seed: int, m: int) -> str:
    """The purpose's verdict on its decisive estimands, for one source and m cohorts."""
    rng = stream(seed, "known bad", name)
    source, holdout = (hs.datasets.simulated_trial(n, seed=2 * seed + part)[0] for part in (0, 1))
    if name == "bootstrap":
        asked = plan(source, "data-sharing")
        cohorts = list(hs.generators.create("bootstrap").fit(source, seed).sample(m=m, seed=seed))
    else:
        asked = plan(source, "economic-evaluation", economics=ECONOMICS)
        drawn = (hs.datasets.simulated_trial(n, seed=10**6 + m * seed + part)[0].frame for part in range(m))
        cohorts = [Cohort.derive(source.schema, BAD[name](rows, rng), label=None) for rows in drawn]
    found = []
    for check, margins in asked.by_check().items():
        decisive = {key: margin for key, margin in margins.items() if key in asked.decisive}
        if decisive:
            found += registry.findings(check, source, cohorts, decisive, rng, holdout, asked.standing())
    return overall(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 150, 500, 1000])
    parser.add_argument("--m", type=int, default=5)
    parser.add_argument("--generators", nargs="+", default=[*BAD, "bootstrap"])
    asked = parser.parse_args()
    started = time.perf_counter()
    for name in asked.generators:
        rows = []
        for n in asked.sizes:
            count = Counter(verdict(name, n, seed, asked.m) for seed in range(1, asked.repetitions + 1))
            shares = {kind: f"{count[kind] / asked.repetitions:.1%}" for kind in ("fit", "inconclusive", "not fit")}
            rows.append({"generator": name, "patients": n, **shares, "repetitions": asked.repetitions})
        store("known_bad", rows, ("generator", "patients"))
        print(markdown(pd.DataFrame(rows).astype(str)), flush=True)
    print(f"\n{asked.repetitions} repetitions, m = {asked.m}, {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
