"""What `heor` keeps of what nobody declared, against how near its rows lie to the training patients.

    python benchmarks/frontier.py [--seeds 1] [--first-seed 101] [--minutes 30]
    python benchmarks/frontier.py --table

The settings of `heor` are changed one at a time, beside the patients drawn again (`bootstrap`) and sequential trees.
The eleven cohorts are those of structure.py; a case is kept in benchmarks/results and skipped when it is there.

A *contrast* is the mean of a column Y where a column X is above its median less that where it is not (1 less 0 for a
level), for all ordered pairs of columns with five patients or more on both sides. It is *off* if the mean over m = 20
cohorts differs from the patients' by more than their standard error; the patients *show* it if it lies beyond 1.96 of
these. Nothing here tells `heor` which contrasts are asked.
"""

from __future__ import annotations

import argparse
import time
import warnings
from contextlib import suppress

import numpy as np
import pandas as pd
from generators import COHORTS, frames, recipe
from metrics import indicators, nearer_to_training
from results import frontier_means, markdown, store
from structure import CASE, cohort_of, kept_cases, rounded, thirds_of, unseen

from heorsynth.core.errors import CohortError

SETTINGS = (
    "heor",
    "heor:strong",
    "heor:min_patients=10",
    "heor:min_patients=20",
    "heor@2.5/3/0.5/3",
    "heor@2.5/3/0.5/4",
    "heor:keep=all",
    "heor:release=shared",
    "bootstrap",
    "sequential_trees",
)
"""The default has min_patients 5 and thresholds 2.5/3/0.5/2: residual, score, hazard, product."""

M, LEAST = 20, 5


def differences(wide: pd.DataFrame, cuts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each column (Y) above less that below the cut of each column (X), and the standard error: (X, Y)."""
    held = wide.to_numpy(float)
    high = (held > cuts.to_numpy()).astype(float)
    means, variances = [], []
    for side in (high, 1 - high):
        count = side.sum(axis=0)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = side.T @ held / count
            variance = (side.T @ held**2 / count - mean**2) / (count - 1)
        means.append(np.where(count >= LEAST, mean, np.nan))
        variances.append(variance)
    return means[0] - means[1], np.sqrt(np.maximum(variances[0] + variances[1], 0))


def undeclared(real: pd.DataFrame, cohorts: list[pd.DataFrame]) -> dict[str, float]:
    """The share of contrasts that are off, of all and of those that the patients show, and the share they show."""
    ours, *theirs = indicators(real, *cohorts)
    ours = ours.loc[:, ours.std() > 0]
    owner = np.array([str(name).split("_")[0] for name in ours])
    cuts = ours.median().where(ours.nunique() > 2, 0.5)
    wanted, error = differences(ours, cuts)
    found = [differences(one[list(ours)], cuts)[0] for one in theirs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a pair that no cohort has is off
        mean = np.nanmean(found, axis=0)
    asked = (owner[:, None] != owner[None, :]) & np.isfinite(wanted) & (error > 0)
    off = ~(np.abs(mean - wanted) <= error)[asked]
    shown = (np.abs(wanted) > 1.96 * error)[asked]
    return {"contrasts off": off.mean(), "contrasts off, of those shown": off[shown].mean(), "shown": shown.mean()}


def measured(name: str, frame: pd.DataFrame, subgroup: str, seed: int) -> dict[str, float]:
    """Structure and memory of one setting on one cohort."""
    fitted = recipe(name).fit(cohort_of(frame, subgroup), seed=seed)
    drawn = [one.frame.reset_index(drop=True)[list(frame)] for one in fitted.sample(m=M, seed=seed)]
    half = np.random.default_rng(seed).permutation(len(frame)) < len(frame) // 2
    training, others = (frame[part].reset_index(drop=True) for part in (half, ~half))
    copy = recipe(name).fit(cohort_of(training, subgroup), seed=seed).sample(m=1, seed=seed)[0].frame
    near = nearer_to_training(training, others.iloc[: len(training)], copy.reset_index(drop=True)[list(training)])
    moments = [thirds_of(frame, one) for one in drawn[:5]]
    means = {key: float(np.nanmean([one[key] for one in moments])) for key in moments[0]}
    return {**means, **undeclared(frame, drawn), "nearer to training": near}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=101)
    parser.add_argument("--only", default=",".join(SETTINGS), help="settings, separated by commas")
    parser.add_argument("--minutes", type=float, default=30, help="start no case after so many minutes")
    parser.add_argument("--table", action="store_true", help="print the tables of what is stored, and run nothing")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    end = time.monotonic() + 60 * asked.minutes
    if not asked.table:
        done = kept_cases("frontier", CASE)
        sets = {"seen": {name: (frame, COHORTS[name]) for name, frame in frames().items()}, "unseen": unseen()}
        cases = [(title, label, *held) for title, cohorts in sets.items() for label, held in cohorts.items()]
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
            for title, label, frame, subgroup in sorted(cases, key=lambda one: len(one[2])):
                for name in asked.only.split(","):
                    if (title, name, label, str(seed)) not in done and time.monotonic() < end:
                        case = dict(zip(CASE, (title, name, label, seed), strict=True))
                        # a column without a level of so many patients is refused: the setting has no row then
                        with suppress(CohortError):
                            store("frontier", [{**case, **rounded(measured(name, frame, subgroup, seed))}], CASE)
    print(markdown(frontier_means()))


if __name__ == "__main__":
    main()
