"""Would the decision be the same? One synthesis, and m of them pooled, of simulated trials.

    python benchmarks/economics.py --repetitions 100 --sizes 50 500 1000 --m 100

prints a Markdown table. Each repetition draws a trial whose true INMB at the threshold is known, fits a generator and
draws m cohorts: how often one of them, and their pooled mean, gives that trial's own decision (also among trials whose
INMB is more than half a standard error from 0: nearer ones are a coin toss); the bias of one synthesis in standard
errors of the trial's INMB; and how often the pooled 95% interval, and the trial's own, hold the truth.
`--speed` times 500 syntheses of 1,000 patients with the economic checks; `--disclosure` attacks trials of 500 with and
without calibration, other trials of 500 being the hold-outs.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import heorsynth as hs
from heorsynth.checks import registry
from heorsynth.checks.estimands import margin_for
from heorsynth.checks.plan import checked_economics
from heorsynth.checks.purposes import PURPOSES
from heorsynth.core.random import stream

WTP = 20_000.0
CALIBRATED = ["costs.mean of cost by arm", "utilities.mean of qaly by arm"]
NARROW = 0.5
"""A trial whose INMB is nearer to 0 than this many of its standard errors decides by chance."""


def recipe(name: str):
    """A generator by name; heor+calibrated meets mean costs and QALYs by arm."""
    kind, _, calibrated = name.partition("+")
    return hs.generators.create(kind, **({"calibrate": CALIBRATED} if calibrated else {}))


def repetition(name: str, n: int, m: int, seed: int) -> dict[str, float]:
    trial, truth = hs.datasets.simulated_trial(n, seed=seed)
    real = hs.evaluate(trial).increments().inmb(WTP)
    synthetic = recipe(name).fit(trial, seed=seed).sample(m=m, seed=seed)
    alone = np.array([hs.evaluate([cohort]).increments().inmb(WTP).value for cohort in synthetic])
    pooled = hs.evaluate(synthetic).increments().inmb(WTP)
    true = truth.inmb(WTP)
    return {
        "one": float(np.mean((alone > 0) == (real.value > 0))),
        "pooled": float((pooled.value > 0) == (real.value > 0)),
        "clear": float(abs(real.value) > NARROW * real.se),
        "bias": float((alone.mean() - real.value) / real.se),
        "covers": float(pooled.low <= true <= pooled.high),
        "own": float(real.low <= true <= real.high),
    }


def table(names: list[str], sizes: list[int], m: int, repetitions: int) -> None:
    print("| generator | patients | one synthesis agrees | pooled agrees | one, clear trials | pooled, clear trials "
          "| bias, SE | pooled interval holds the truth | the trial's own |")  # fmt: skip
    print("|" + "---|" * 9)
    for name in names:
        for n in sizes:
            found = [repetition(name, n, m, seed) for seed in range(1, repetitions + 1)]
            get = {key: np.array([one[key] for one in found]) for key in found[0]}
            clear = get["clear"] > 0
            print(
                f"| {name} | {n} | {get['one'].mean():.1%} | {get['pooled'].sum():.0f} of {repetitions} "
                f"| {get['one'][clear].mean():.1%} | {get['pooled'][clear].sum():.0f} of {clear.sum()} "
                f"| {get['bias'].mean():+.3f} | {get['covers'].mean():.3f} | {get['own'].mean():.3f} |",
                flush=True,
            )


def speed() -> None:
    """500 syntheses of 1,000 patients, with every economic estimand of the purpose."""
    purpose = PURPOSES["economic-evaluation"]
    economics = checked_economics({"wtp": [WTP]})
    margins = {
        asked.key: margin_for(asked.key, asked.margin, economics)
        for asked in (*purpose.decisive, *purpose.supporting)
        if asked.key.startswith("economics.")
    }
    trial, _ = hs.datasets.simulated_trial(1000, seed=1)
    started = time.perf_counter()
    synthetic = hs.generators.create("heor").fit(trial, seed=1).sample(m=500, seed=1)
    drawn = time.perf_counter()
    registry.load("economics")(trial, list(synthetic), margins, stream(1, "check"), None)
    done = time.perf_counter()
    print(f"500 syntheses of 1,000 patients: drawn in {drawn - started:.1f} s, checked in {done - drawn:.1f} s.")


def disclosure(names: list[str], repetitions: int) -> None:
    """What calibrated means give away: nearness and membership, mean and standard error over trials of 500."""
    margins = {key: margin_for(key, {"absolute": 0.05}) for key in ("disclosure.nearest", "disclosure.membership")}
    print("| generator | nearest | membership |\n|---|---|---|")
    for name in names:
        found: dict[str, list[float]] = {key: [] for key in margins}
        for seed in range(1, repetitions + 1):
            trial, holdout = (hs.datasets.simulated_trial(500, seed=2 * seed + part)[0] for part in (0, 1))
            cohorts = list(recipe(name).fit(trial, seed=seed).sample(m=5, seed=seed))
            for one in registry.load("disclosure")(trial, cohorts, margins, stream(seed, "check"), holdout):
                if one.group == "all" and "covariates alone" not in one.estimand:
                    found[one.key].append(one.synthetic)
        told = (f"{np.mean(part):.3f} ({np.std(part, ddof=1) / np.sqrt(len(part)):.3f})" for part in found.values())
        print(f"| {name} | {' | '.join(told)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 500, 1000])
    parser.add_argument("--m", type=int, default=100)
    parser.add_argument("--generators", nargs="+", default=["heor", "heor+calibrated", "bootstrap"])
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--disclosure", action="store_true")
    asked = parser.parse_args()
    if asked.disclosure:
        disclosure(asked.generators, asked.repetitions)
        return
    if asked.speed:
        speed()
        return
    started = time.perf_counter()
    table(asked.generators, asked.sizes, asked.m, asked.repetitions)
    print(f"\n{asked.repetitions} repetitions, m = {asked.m}, {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
