"""How often the pooled 95% interval from `heor` holds the truth: `python benchmarks/coverage.py [--repetitions 200]`.

Trials are drawn from a known truth, copied m times, and analysed: pooled as `analyse` does, and naively, one copy
taken for patients. With `--augmented` the rows stand beside the patients instead of in their place. Prints Markdown
tables and keeps their rows in benchmarks/results.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from results import markdown, store

import heorsynth as hs
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import normal_quantile
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.estimates import rmst
from heorsynth.generators.augmentation import MoreRowsThanPatients

HORIZON, THRESHOLD = 2.5, 20_000
COPIED = ((100, 5, 100), (100, 5, 500), (100, 20, 100), (500, 5, 500), (500, 20, 500))
ADDED = ((100, 5, 100), (100, 5, 500), (100, 5, 1000), (100, 20, 100), (500, 5, 500), (500, 5, 2500), (500, 5, 5000))
"""Patients, cohorts and synthetic rows in each."""

SHOWN = ("pooled", "one copy as patients", "the trial itself")
Analysis = Callable[["hs.Cohort"], tuple[float, float]]


def mean_cost(cohort: hs.Cohort) -> tuple[float, float]:
    cost = cohort.frame.loc[cohort.frame["arm"] == "new", "cost"]
    return cost.mean(), cost.var() / len(cost)


def restricted_mean(cohort: hs.Cohort) -> tuple[float, float]:
    rows = cohort.frame[cohort.frame["arm"] == "new"]
    found = rmst(rows["time"].to_numpy(), rows["event"].to_numpy() == 1, HORIZON)
    return found.value, found.se**2


def log_hazard_ratio(cohort: hs.Cohort) -> tuple[float, float]:
    """Given age and stage, for which the true log hazard ratio holds."""
    frame = cohort.frame
    stages = np.column_stack([frame["stage"] == stage for stage in ("II", "III", "IV")])
    columns = np.column_stack([frame["arm"] == "new", (frame["age"] - 62) / 10, stages]).astype(float)
    fit = cox(frame["time"].to_numpy(), frame["event"].to_numpy() == 1, columns)
    return float(fit.coef[0]), float(fit.covariance[0, 0])


def net_benefit(cohort: hs.Cohort) -> tuple[float, float]:
    frame = cohort.frame
    benefit = THRESHOLD * frame["qaly"] - frame["cost"]
    new, usual = benefit[frame["arm"] == "new"], benefit[frame["arm"] == "usual"]
    return new.mean() - usual.mean(), new.var() / len(new) + usual.var() / len(usual)


ANALYSES: dict[str, tuple[Analysis, Callable[[hs.datasets.Truth], float]]] = {
    "mean cost, new": (mean_cost, lambda truth: truth.mean_cost("new")),
    "RMST to 2.5 years, new": (restricted_mean, lambda truth: truth.rmst(HORIZON, "new")),
    "log hazard ratio": (log_hazard_ratio, lambda truth: float(truth.log_hazard_ratio)),
    "INMB at 20,000": (net_benefit, lambda truth: truth.inmb(THRESHOLD)),
}


def holds(low: float, high: float, true: float) -> bool:
    return low <= true <= high


def copies(cohort: hs.Cohort, rows: int, m: int, seed: int, augmented: bool):
    """m cohorts of synthetic rows, alone or beside the patients."""
    if augmented:
        return hs.augment(cohort, rows, m=m, seed=seed)
    return hs.generators.create("heor").fit(cohort, seed=seed).sample(n=rows, m=m, seed=seed)


def rows_of(n: int, m: int, rows: int, repetitions: int, augmented: bool) -> list[dict[str, object]]:
    """One row an estimand: coverage pooled, of one copy taken for patients, and of the real trial itself.

    Where the trial or some copy cannot be analysed, as where a stage has no death, there are no intervals to compare,
    and the repetition is left out of its estimand's count.
    """
    found: dict[str, list[tuple[bool, ...]]] = {name: [] for name in ANALYSES}
    for seed in range(repetitions):
        cohort, truth = hs.datasets.simulated_trial(n, seed)
        synthetic = copies(cohort, rows, m, seed, augmented)
        for name, (analysis, true_of) in ANALYSES.items():
            try:
                pooled, true = synthetic.analyse(analysis), true_of(truth)
                alone = [analysis(one) for one in (synthetic[0], cohort)]
            except NotEstimableError:
                continue
            half = [normal_quantile(0.95) * variance**0.5 for _, variance in alone]
            naive, real = (holds(value - h, value + h, true) for (value, _), h in zip(alone, half, strict=True))
            found[name].append((holds(pooled.low, pooled.high, true), naive, real))
    return [
        {"estimand": name, "patients": n, "m": m, "rows": rows}
        | {what: f"{share:.3f}" for what, share in zip(SHOWN, np.mean(held, axis=0), strict=True)}
        | {"repetitions": len(held)}
        for name, held in found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--augmented", action="store_true", help="rows beside the patients, 1, 5 and 10 times as many")
    parser.add_argument("--only", nargs="+", default=[], metavar="N,M,ROWS", help="such as 100,20,100")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", MoreRowsThanPatients)
    chosen = [tuple(map(int, one.split(","))) for one in asked.only] or (ADDED if asked.augmented else COPIED)
    for n, m, rows in chosen:
        found = rows_of(n, m, rows, asked.repetitions, asked.augmented)
        store("coverage_augmented" if asked.augmented else "coverage", found, ("estimand", "patients", "m", "rows"))
        print(markdown(pd.DataFrame(found).astype(str)), flush=True)


if __name__ == "__main__":
    main()
