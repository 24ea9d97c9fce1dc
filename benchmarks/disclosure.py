"""How often each attack passes, and fails, rows that betray nobody, rows on the margin, and patients themselves.

    python benchmarks/disclosure.py --repetitions 200 --sizes 50 150 500 1000

prints a Markdown table. Source, hold-out and fresh rows are simulated trials of n patients each. `fresh` are people
who took no part; `margin` has one row in ten from a patient, moved by a hundredth of each spread, so that 55% of
rows lie nearer to the source; `bootstrap` are the patients; `heor` is the generator as shipped.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np
import pandas as pd

import heorsynth as hs
from heorsynth.checks import disclosure
from heorsynth.checks.estimands import margin_for
from heorsynth.checks.purposes import PURPOSES
from heorsynth.core.random import stream
from heorsynth.data.cohort import Cohort

SHARING = PURPOSES["data-sharing"]
MARGINS = {
    asked.key: margin_for(asked.key, asked.margin)
    for asked in (*SHARING.decisive, *SHARING.supporting)
    if asked.key.startswith("disclosure.")
}
MOVED = 0.01


def trial(n: int, seed: int) -> Cohort:
    """A simulated trial without subgroups: only everyone and the arms are looked at."""
    cohort, _ = hs.datasets.simulated_trial(n, seed)
    return Cohort.derive(cohort.schema.with_roles(subgroups=(), bands={}), cohort.frame, label=None)


def near_copies(source: Cohort, fresh: Cohort, share: float, rng: np.random.Generator) -> Cohort:
    """Fresh people, but a share of them replaced by patients whose numbers are moved a little."""
    frame, patients = fresh.frame, source.frame
    for name in frame.select_dtypes(float).columns:
        patients[name] = patients[name] + rng.normal(0, MOVED * patients[name].std(), len(patients))
    replaced = rng.permutation(len(frame))[: round(share * len(frame))]
    mixed = pd.concat([frame.drop(index=frame.index[replaced]), patients.iloc[replaced]], ignore_index=True)
    return Cohort.derive(source.schema, mixed, label=None)


def cohorts(name: str, source: Cohort, m: int, seed: int) -> list[Cohort]:
    """m cohorts of rows of one kind."""
    rng = stream(seed, "benchmark", name)
    if name in ("heor", "bootstrap"):
        return list(hs.generators.create(name).fit(source, seed).sample(m=m, seed=seed))
    fresh = [trial(source.n, 10**6 + seed * m + part) for part in range(m)]
    return fresh if name == "fresh" else [near_copies(source, one, 0.1, rng) for one in fresh]


def verdicts(name: str, n: int, seed: int, m: int) -> dict[str, str]:
    """The worst verdict of each attack among the decisive findings about everyone."""
    source, holdout = trial(n, 2 * seed), trial(n, 2 * seed + 1)
    found = disclosure.check(source, cohorts(name, source, m, seed), MARGINS, stream(seed, "check"), holdout)
    order = ("pass", "inconclusive", "not estimable", "fail")
    return {
        key: max((one.verdict for one in found if one.key == key and one.group == "all"), key=order.index)
        for key in MARGINS
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 150, 500, 1000])
    parser.add_argument("--kinds", nargs="+", default=["fresh", "margin", "bootstrap", "heor"])
    parser.add_argument("--m", type=int, default=5)
    asked = parser.parse_args()
    started = time.perf_counter()
    print("| attack | rows | n | pass | inconclusive | fail |\n|---|---|---|---|---|---|")
    for name in asked.kinds:
        for n in asked.sizes:
            told = [verdicts(name, n, seed, asked.m) for seed in range(1, asked.repetitions + 1)]
            for key in MARGINS:
                count = Counter(one[key] for one in told)
                shares = (f"{count[kind] / len(told):.1%}" for kind in ("pass", "inconclusive", "fail"))
                print(f"| {key} | {name} | {n} | {' | '.join(shares)} |", flush=True)
    print(f"\n{asked.repetitions} repetitions, m = {asked.m}, {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
