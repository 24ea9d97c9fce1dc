"""How often the attacks on membership find a planted leak, and how often they accuse rows that betray nobody.

    python benchmarks/attack_rates.py --repetitions 40 --sizes 150 500

prints a Markdown table and keeps its rows in benchmarks/results. Source, hold-out and rows are simulated trials of n
patients, with m cohorts of n rows. `fresh` are people who took no part: whatever fails is a false alarm. `copies` are
the patients; `near copies` are patients whose numbers are moved by a hundredth of each spread; `one in ten copied` is a
patient in one row of ten; `heor` is the generator as shipped, whose margins are exact and whose pieces rest on five
patients. A repetition counts as failed if a finding about everyone fails.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from disclosure import near_copies, trial
from results import markdown, store

import heorsynth as hs
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort

ATTACKS = ("membership", "nearest_record", "marginal", "members_found")
MARGINS = {key: margin_for(key, ESTIMANDS[key].margin) for key in (f"disclosure.{name}" for name in ATTACKS)}
KINDS = ("fresh", "one in ten copied", "near copies", "copies", "heor")


def cohorts(kind: str, source: Cohort, m: int, seed: int) -> list[Cohort]:
    """m cohorts of rows of one kind."""
    if kind == "heor":
        return list(hs.generators.create("heor").fit(source, seed).sample(m=m, seed=seed))
    if kind == "copies":
        return [source] * m
    rng = stream(seed, "benchmark", kind)
    fresh = [trial(source.n, 10**6 + seed * m + part) for part in range(m)]
    share = {"fresh": 0.0, "one in ten copied": 0.1, "near copies": 1.0}[kind]
    return [near_copies(source, one, share, rng) for one in fresh] if share else fresh


def verdicts(kind: str, n: int, seed: int, m: int) -> dict[str, set[str]]:
    """The verdicts of the decisive findings about everyone, by attack."""
    source, holdout = trial(n, 2 * seed), trial(n, 2 * seed + 1)
    rows = cohorts(kind, source, m, seed)
    found = registry.findings("disclosure", source, rows, MARGINS, stream(seed, "check"), holdout)
    return {
        key: {one.verdict for one in found if one.key == key and one.group == "all" and one.decisive} for key in MARGINS
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--sizes", type=int, nargs="+", default=[150, 500])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--m", type=int, default=5)
    asked = parser.parse_args()
    started = time.perf_counter()
    rows: list[dict[str, object]] = []
    for n in asked.sizes:
        for kind in asked.kinds:
            told = [verdicts(kind, n, seed, asked.m) for seed in range(1, asked.repetitions + 1)]
            row: dict[str, object] = {"rows": kind, "n": n, "repetitions": asked.repetitions}
            for key in MARGINS:
                passed = 100 * np.mean([one[key] == {"pass"} for one in told])
                failed = 100 * np.mean(["fail" in one[key] for one in told])
                row[f"{key.partition('.')[2]}: pass / fail"] = f"{passed:g} / {failed:g}"
            row["any fails"] = f"{100 * np.mean([any('fail' in one[key] for key in MARGINS) for one in told]):g}"
            rows.append(row)
            print(row, flush=True)
    store("attack_rates", rows, ("rows", "n"))
    print(markdown(pd.DataFrame(rows).astype(str)), flush=True)
    print(f"\n{asked.repetitions} repetitions, m = {asked.m}, {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
