"""What `keep` gives an adjusted evaluation: `python benchmarks/kept_covariates.py [--sizes 150 400 1000] [--trials 3]`.

Trials are simulated with a baseline utility whose mean differs between the arms by 1.7 standard errors. Printed is,
as a Markdown table, the mean over m synthetic cohorts of the adjusted increments, less that of the patients, in
standard errors of the patients: the largest over the trials. Beside it stands the share of rows that lie nearer to a
training patient than to another patient.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
import pandas as pd
from metrics import nearer_to_training

import heorsynth as hs
from heorsynth.core.random import stream

IMBALANCE = 1.7
"""Difference of the arms in mean baseline utility, in its standard errors."""

THRESHOLD = 20_000

ANALYSES: dict[str, dict[str, Any]] = {
    "u0": {"baseline": "u0"},
    "u0, age": {"baseline": "u0", "adjust": ["age"]},
    "u0, age both": {"adjust": ["u0", "age"]},
}
"""Name to the covariates of an evaluation; `baseline` is a covariate of the effect only."""


def trial(n: int, seed: int) -> hs.Cohort:
    """A trial of n patients: utility at baseline with a spike at 1, and two outcomes that depend on it and on age."""
    rng = stream(seed, "kept covariates")
    new = rng.permutation(np.arange(n) % 2).astype(bool)
    age = rng.normal(62, 9, n)
    frail = rng.normal(size=n) + (age - 62) / 20
    frail -= np.where(new, frail[new].mean(), frail[~new].mean())
    frail += np.where(new, 0.5, -0.5) * IMBALANCE * frail.std() * 2 / np.sqrt(n)
    u0 = np.round(np.minimum(0.75 - 0.18 * frail, 1.0), 3)
    qaly = np.minimum(0.15 + 0.75 * u0 + 0.03 * new - 0.003 * (age - 62) + rng.normal(0, 0.12, n), 1.0)
    stay = rng.lognormal(7.2 + 0.35 * frail, 0.9) * (rng.random(n) < 0.75)
    drug = rng.lognormal(7.0, 0.3, n) * np.where(new, 1.6, 1.0)
    risk = np.exp(0.4 * frail - 0.25 * new)
    death, last = 6 * (rng.exponential(size=n) / risk) ** 0.8, rng.uniform(2, 5, n)
    frame = pd.DataFrame(
        {
            "arm": np.where(new, "new", "usual"),
            "age": np.round(age, 1),
            "sex": np.where(rng.random(n) < 0.45, "f", "m"),
            "u0": u0,
            "time": np.maximum(np.round(np.minimum(death, last), 3), 0.001),
            "event": (death <= last).astype(int),
            "cost": np.round(drug + stay, 2),
            "qaly": np.round(qaly, 4),
        }
    )
    return hs.Cohort(
        frame,
        endpoints={"os": ("time", "event")},
        arm="arm",
        arm_reference="usual",
        costs=["cost"],
        utilities=["qaly"],
        subgroups=["sex"],
        unit="year",
        currency="EUR",
        name="trial",
    )


def increments(cohort: hs.Cohort, settings: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Incremental cost, effect and net benefit of one cohort (3,), adjusted, and their standard errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = hs.evaluate(cohort, effect="qaly", **settings).increments()
    slope = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, THRESHOLD]])
    values = slope @ np.array([found.cost, found.effect])
    return values, np.sqrt(np.einsum("ij,jk,ik->i", slope, np.asarray(found.covariance), slope))


def biases(cohort: hs.Cohort, keep: list[str], m: int, seed: int) -> pd.DataFrame:
    """The bias (analysis by increment) of the mean of m cohorts, in standard errors of the patients."""
    cohorts = hs.generators.create("heor", keep=keep).fit(cohort, seed=seed).sample(m=m, seed=seed)
    rows = {}
    for name, settings in ANALYSES.items():
        real, error = increments(cohort, settings)
        drawn = np.mean([increments(one, settings)[0] for one in cohorts], axis=0)
        rows[name] = (drawn - real) / error
    return pd.DataFrame(rows, index=["cost", "QALY", "net benefit"]).T


def memory(n: int, keep: list[str], seed: int, m: int = 20) -> float:
    """Share of rows whose nearest neighbour is one of n training patients rather than one of n others; 0.5 is none."""
    whole = trial(2 * n, seed)
    half = np.random.default_rng(seed).permutation(2 * n) < n
    training, others = whole.frame[half].reset_index(drop=True), whole.frame[~half].reset_index(drop=True)
    fitted = hs.generators.create("heor", keep=keep).fit(
        hs.Cohort.derive(whole.schema, training, label=None), seed=seed
    )
    drawn = [one.frame.reset_index(drop=True) for one in fitted.sample(m=m, seed=seed)]
    return float(np.mean([nearer_to_training(training, others, rows) for rows in drawn]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[150, 400, 1000])
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--m", type=int, default=100)
    asked = parser.parse_args()
    print("| n | kept | adjusted for | cost | QALY | net benefit | nearer to training |\n|---|---|---|---|---|---|---|")
    for n in asked.sizes:
        for keep in ([], ["u0", "age"]):
            found = [biases(trial(n, seed), keep, asked.m, seed) for seed in range(1, asked.trials + 1)]
            largest = np.max([frame.abs().to_numpy() for frame in found], axis=0)
            near = np.mean([memory(n, keep, seed) for seed in range(1, asked.trials + 1)])
            for name, row in zip(ANALYSES, largest, strict=True):
                told = " | ".join(f"{value:.2f}" for value in row)
                print(f"| {n:,} | {', '.join(keep) or 'nothing'} | {name} | {told} | {near:.3f} |", flush=True)


if __name__ == "__main__":
    main()
