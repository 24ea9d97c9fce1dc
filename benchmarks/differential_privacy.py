"""What differential privacy leaves: `python benchmarks/differential_privacy.py [--sizes 100 400 2000] [--seeds 6]`.

Prints a Markdown table for each number of patients, with a column for each epsilon (delta 10^-6) beside a shared and an
internal release. The cohorts are simulated trials, whose columns are stated with round ranges that nobody looked up. KM
gap, relative error of the restricted mean and Cox coefficients inside the patients' 95% interval are those of
benchmarks/metrics.py, for a single cohort and for all m = 20 together; then the ratio of mean costs, and the area under
the ROC curve of the marginal attack with as many people of another trial as never seen. The settings of the private law
were chosen with trials 1 to 4.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from metrics import fidelity
from results import markdown

import heorsynth as hs
from heorsynth.checks.privacy.coordinates import Space
from heorsynth.core.errors import CohortError
from heorsynth.core.secret import ReleaseKey
from heorsynth.estimators.attacks import members

M, DELTA = 20, 1e-6
PUBLIC = {
    "arm": ["new", "usual"],
    "sex": ["f", "m"],
    "stage": ["I", "II", "III", "IV"],
    "age": [18.0, 100.0],
    "time": [0.0, 5.0],
    "drug": [0.0, 6000.0],
    "hospital": [0.0, 50_000.0],
    "qaly": [-0.5, 1.0],
}
"""What is stated of a trial's columns."""

MEASURES = ("KM gap", "RMST, relative error", "Cox log HR inside 95%", "marginals", "associations")


def options(name: str, seed: int) -> dict[str, object]:
    """The settings of a column of the table: an epsilon, or a release level."""
    if name == "internal":
        return {}
    key = ReleaseKey(f"benchmarks/differential_privacy.py, custodian {seed}".encode())
    told = {"release": name} if name == "shared" else {"epsilon": float(name), "delta": DELTA, "public": PUBLIC}
    return {**told, "release_key": key}


def measured(name: str, n: int, seed: int) -> dict[str, float]:
    """The measures of one trial; NaN where the release is refused."""
    cohort, unseen = (hs.datasets.simulated_trial(n, one)[0] for one in (seed, seed + 500_000))
    try:
        rows = list(hs.generators.create("heor", **options(name, seed)).fit(cohort, seed=1).sample(m=M, seed=1))
    except CohortError:
        return {}
    real = cohort.frame.drop(columns="cost").reset_index(drop=True)
    found = {}
    one = rows[0].frame.drop(columns="cost").reset_index(drop=True)
    together = pd.concat([part.frame.drop(columns="cost") for part in rows], ignore_index=True)
    for what, frame in (("one cohort", one), ("together", together)):
        measures = fidelity(real, frame, "sex")
        found |= {f"{measure}, {what}": measures[measure] for measure in MEASURES}
    costs = [part.frame["cost"].mean() / cohort.frame["cost"].mean() for part in rows]
    found |= {"mean cost ÷ patients', together": float(np.mean(costs))}
    space = Space.of(cohort, rows, unseen)
    synthetic, ours, theirs = space.joined(rows), space.of_cohort(cohort), space.of_cohort(unseen)
    scores = members.marginal(synthetic.codes, ours.codes, theirs.codes, space.numeric)
    return {**found, "marginal attack: AUC": members.separation(scores).success}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 400, 2000])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=1001)
    parser.add_argument("--columns", nargs="+", default=["1", "3", "8", "shared", "internal"])
    asked = parser.parse_args()
    for n in asked.sizes:
        table = {}
        for name in asked.columns:
            seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
            heading = name if name in ("shared", "internal") else f"ε = {name}"
            table[heading] = pd.DataFrame([measured(name, n, seed) for seed in seeds]).mean()
        print(f"\n{n:,} patients, mean of {asked.seeds} trials\n")
        print(markdown(pd.DataFrame(table).round(3).astype(str).reset_index(names="measure")), flush=True)


if __name__ == "__main__":
    main()
