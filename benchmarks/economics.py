"""Would the decision be the same? One synthesis, and m of them pooled, of simulated trials.

    python benchmarks/economics.py --repetitions 100 --sizes 50 500 1000 --m 100

prints a Markdown table, and the time that 500 syntheses of 1,000 patients with the economic checks take. Each
repetition draws a trial whose true INMB at the threshold is known, fits a generator and draws m cohorts: how often one
of them, and their pooled mean, gives that trial's own decision (also among trials whose INMB is more than half a
standard error from 0: nearer ones are a coin toss); the bias of one synthesis in standard errors of the trial's INMB;
and how often the pooled 95% interval, and the trial's own, hold the truth.

`--speed` only tells the time. `--coverage` counts, in many trials of 200, how often the 95% interval of the trial
itself holds the truth: plain, adjusted, and with QALYs missing; with `--m 5` also that of pooled copies, with
`--imputations 10` also after imputation. `--disclosure` attacks trials of 500 with and without calibration, other
trials of 500 being the hold-outs.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import heorsynth as hs
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.planning.plan import checked_economics
from heorsynth.checks.planning.purposes import PURPOSES
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
    started, used = time.perf_counter(), time.process_time()
    synthetic = hs.generators.create("heor").fit(trial, seed=1).sample(m=500, seed=1)
    drawn = time.perf_counter()
    registry.findings("economics", trial, list(synthetic), margins, stream(1, "check"), None)
    done = time.perf_counter()
    print(
        f"500 syntheses of 1,000 patients: drawn in {drawn - started:.1f} s, checked in {done - drawn:.1f} s;", end=" "
    )
    print(f"{time.process_time() - used:.1f} s of processor time in all.")


def without_some(trial: hs.Cohort, seed: int) -> hs.Cohort:
    """The trial with QALYs lost more often in late stages, and more often there under usual care."""
    frame = trial.frame
    late, usual = frame["stage"].isin(["III", "IV"]), frame["arm"] == "usual"
    lost = stream(seed, "lost").random(len(frame)) < np.where(late, np.where(usual, 0.6, 0.3), 0.1)
    return hs.Cohort.derive(trial.schema, frame.assign(qaly=frame["qaly"].where(~lost)), label=None)


def coverage(repetitions: int, m: int, imputations: int) -> None:
    """How often 95% intervals of the INMB hold the truth, trials of 200."""
    held: dict[str, list[bool]] = {}
    for seed in range(1, repetitions + 1):
        trial, truth = hs.datasets.simulated_trial(200, seed=seed)
        lossy = without_some(trial, seed)
        found = {
            "the trial itself": hs.evaluate(trial),
            "given age and stage": hs.evaluate(trial, adjust=["age", "stage"]),
            "QALYs missing by arm and stage: complete cases": hs.evaluate(lossy),
            "the same, given stage": hs.evaluate(lossy, adjust=["stage"]),
        }
        if imputations:
            asked = {"adjust": ["stage"], "missing": "impute", "imputations": imputations}
            found["the same, imputed given stage"] = hs.evaluate(lossy, seed=seed, **asked)
        if m:
            found[f"heor, {m} pooled"] = hs.evaluate(recipe("heor").fit(trial, seed=seed).sample(m=m, seed=seed))
        for name, one in found.items():
            benefit = one.increments().inmb(WTP)
            held.setdefault(name, []).append(benefit.low <= truth.inmb(WTP) <= benefit.high)
    print("| interval | holds the truth |\n|---|---|")
    for name, inside in held.items():
        print(f"| {name} | {np.mean(inside):.3f} |")
    print(f"\n{repetitions} repetitions.")


def disclosure(names: list[str], repetitions: int) -> None:
    """What calibrated means give away: nearness and membership, mean and standard error over trials of 500."""
    margins = {key: margin_for(key, {"absolute": 0.05}) for key in ("disclosure.nearest", "disclosure.membership")}
    print("| generator | nearest | membership |\n|---|---|---|")
    for name in names:
        found: dict[str, list[float]] = {key: [] for key in margins}
        for seed in range(1, repetitions + 1):
            trial, holdout = (hs.datasets.simulated_trial(500, seed=2 * seed + part)[0] for part in (0, 1))
            cohorts = list(recipe(name).fit(trial, seed=seed).sample(m=5, seed=seed))
            for one in registry.findings("disclosure", trial, cohorts, margins, stream(seed, "check"), holdout):
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
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--imputations", type=int, default=0)
    parser.add_argument("--disclosure", action="store_true")
    asked = parser.parse_args()
    if asked.disclosure:
        disclosure(asked.generators, asked.repetitions)
        return
    if asked.coverage:
        coverage(asked.repetitions, asked.m, asked.imputations)
        return
    if asked.speed:
        speed()
        return
    started = time.perf_counter()
    table(asked.generators, asked.sizes, asked.m, asked.repetitions)
    print(f"\n{asked.repetitions} repetitions, m = {asked.m}, {time.perf_counter() - started:.0f} s.")
    speed()


if __name__ == "__main__":
    main()
