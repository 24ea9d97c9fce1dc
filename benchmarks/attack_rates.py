"""How often each attack finds a planted leak, and how often it accuses rows that betray nobody.

    python benchmarks/attack_rates.py --repetitions 40 --sizes 150 500 --first-seed 1001

prints a Markdown table and keeps its rows in benchmarks/results. Source, hold-out and rows are simulated trials of n
patients, with m cohorts of n rows. `fresh` are people who took no part: whatever fails is a false alarm. `copies` are
the patients; `near copies` are patients whose numbers are moved by a hundredth of each spread; `one in ten copied` is a
patient in one row of ten; `heor` is the generator with an internal release, whose margins are exact and whose pieces
rest on five patients; `shuffled columns` are the patients with each column in another order, so that the means are
exact and two releases differ by one patient. The attacks on two releases are made on these rows and on fresh ones. The
linkage knows age and sex. A repetition counts as failed if a finding about everyone fails. Settings of the attacks were
chosen on the seeds 1 to 40.
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
from heorsynth.checks.privacy.releases import releases
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.engine.engine import open_engine
from heorsynth.estimators.attacks.differencing import Releases

ATTACKS = ("copies", "near_copies", "membership", "nearest_record", "marginal", "members_found", "attribute", "linkage")
OF_TWO = ("differencing", "differencing_levels", "extreme_patients")
KNOWN = {"linkage": {"quasi_identifiers": ["age", "sex"]}}
MARGINS = {
    f"disclosure.{name}": margin_for(
        f"disclosure.{name}", {**ESTIMANDS[f"disclosure.{name}"].margin, **KNOWN.get(name, {})}
    )
    for name in (*ATTACKS, *OF_TWO)
}
KINDS = ("fresh", "one in ten copied", "near copies", "copies", "heor", "shuffled columns")
REFITTED = ("fresh", "shuffled columns")


def cohorts(kind: str, source: Cohort, m: int, seed: int) -> list[Cohort]:
    """m cohorts of rows of one kind."""
    if kind == "heor":
        return list(hs.generators.create("heor").fit(source, seed).sample(m=m, seed=seed))
    if kind == "copies":
        return [source] * m
    rng = stream(seed, "benchmark", kind)
    if kind == "shuffled columns":
        return [shuffled(source, rng) for _ in range(m)]
    fresh = [trial(source.n, 10**6 + seed * m + part) for part in range(m)]
    share = {"fresh": 0.0, "one in ten copied": 0.1, "near copies": 1.0}[kind]
    return [near_copies(source, one, share, rng) for one in fresh] if share else fresh


def shuffled(source: Cohort, rng: np.random.Generator) -> Cohort:
    """The patients with each column in an order of its own."""
    frame = pd.DataFrame({name: rng.permutation(column.to_numpy()) for name, column in source.frame.items()})
    return Cohort.derive(source.schema, frame.astype(source.frame.dtypes), label=None)


def again(kind: str, source: Cohort, m: int, seed: int) -> Releases | str | None:
    """Releases without one patient each, of the kinds for which they are made; of fresh people each is another draw."""
    if kind not in REFITTED:
        return None
    seeds = iter(range(10_000 * seed, 10_000 * (seed + 1)))
    with open_engine("local") as engine:
        return releases(source, lambda left: cohorts(kind, left, m, next(seeds)), stream(seed, "refit"), engine)


def verdicts(kind: str, n: int, seed: int, m: int) -> dict[str, set[str]]:
    """The verdicts of the decisive findings about everyone, by attack."""
    source, holdout = trial(n, 2 * seed), trial(n, 2 * seed + 1)
    rows, refits = cohorts(kind, source, m, seed), again(kind, source, m, seed)
    margins = {key: one for key, one in MARGINS.items() if refits is not None or key.partition(".")[2] not in OF_TWO}
    found = registry.findings("disclosure", source, rows, margins, stream(seed, "check"), holdout, releases=refits)
    return {
        key: {one.verdict for one in found if one.key == key and one.group == "all" and one.decisive} for key in MARGINS
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--sizes", type=int, nargs="+", default=[150, 500])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--m", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1001)
    asked = parser.parse_args()
    started = time.perf_counter()
    rows: list[dict[str, object]] = []
    for n in asked.sizes:
        for kind in asked.kinds:
            seeds = range(asked.first_seed, asked.first_seed + asked.repetitions)
            told = [verdicts(kind, n, seed, asked.m) for seed in seeds]
            row: dict[str, object] = {"rows": kind, "n": n, "repetitions": asked.repetitions}
            for key in MARGINS:
                passed = 100 * np.mean([one[key] == {"pass"} for one in told])
                failed = 100 * np.mean(["fail" in one[key] for one in told])
                made = any(one[key] for one in told)
                row[f"{key.partition('.')[2]}: pass / fail"] = f"{passed:g} / {failed:g}" if made else "–"
            row["any fails"] = f"{100 * np.mean([any('fail' in one[key] for key in MARGINS) for one in told]):g}"
            rows.append(row)
            print(row, flush=True)
    store("attack_rates", rows, ("rows", "n"))
    print(markdown(pd.DataFrame(rows).astype(str)), flush=True)
    print(f"\n{asked.repetitions} repetitions, m = {asked.m}, {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
