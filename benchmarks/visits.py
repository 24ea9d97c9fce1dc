"""What copies of a trial with visits keep: `python benchmarks/visits.py [--trials 5] [--sizes 120 500]`.

Each trial is one of the simulated three-arm trials with four visits (utilities at each, costs of each period, dropout,
gaps, deaths), and 20 copies of it are drawn with `heor`. Printed are, over the trials, the mean and the largest:

- parts: the largest difference of QALY and total from their visits in any row, and the values after death
- area: that under the mean utility of those who attend, by arm, as a share of the patients', off 1
- ICER: from QALYs and totals calculated again from the visits, off that of the columns, as a share
- dropout: the largest gap of the shares of the living who still attend, by arm, of the mean of copies
- correlation: the largest gap over pairs of visits, likewise
- memory: the share of rows nearer to a patient whom the copy is made from than to another one (0.5 is none)

`--coverage 100` prints instead how often 95% intervals of the QALY difference of two arms, from means at visits, hold
the truth: of the patients, and of 20 copies pooled.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from metrics import nearer_to_training

import heorsynth as hs
from heorsynth.checks.visits.measured import outcome
from heorsynth.data.cohort.visits import deaths, visit_breaks, with_derived
from heorsynth.data.datasets.visit_truth import VisitTruth
from heorsynth.estimators.visits.summaries import mean_outcome

COPIES, FIRST_SEED = 20, 701


def area(cohort: hs.Cohort, arm: str) -> float:
    """The area under the mean utility of those who attend."""
    times, values = cohort.visit_values("eq5d")
    return float(np.trapezoid(np.nanmean(values[cohort.levels(str(cohort.schema.arm)) == arm], axis=0), times))


def staying(cohort: hs.Cohort, arm: str) -> np.ndarray:
    """The share (k,) of those of an arm who live at a visit and have a value at it or at a later one."""
    times, values = cohort.visit_values("eq5d")
    mine = cohort.levels(str(cohort.schema.arm)) == arm
    known, alive = ~np.isnan(values[mine]), times <= deaths(cohort.arrays, cohort.schema)[mine, None]
    return np.flip(np.maximum.accumulate(np.flip(known, axis=1), axis=1), axis=1).sum(axis=0) / alive.sum(axis=0)


def plain(frame: pd.DataFrame, means: pd.Series) -> pd.DataFrame:
    """The columns with these means where they are missing, and where that is."""
    gaps = frame[means.index].isna().astype(float).add_suffix("?")
    return pd.concat([frame.fillna(means), gaps], axis=1)


def correlation(cohort: hs.Cohort) -> np.ndarray:
    """The correlations (k, k) of the utilities of visits, over those who attended both."""
    return pd.DataFrame(cohort.visit_values("eq5d")[1]).corr().to_numpy()


def icer(frame: pd.DataFrame, cohort: hs.Cohort) -> float:
    """The ICER of the second arm against the first, of those with a QALY and a total."""
    schema, (first, second, *_) = cohort.schema, cohort.arm_levels
    means = frame.groupby(str(schema.arm))[[schema.costs[-1], schema.utilities[-1]]].mean()
    cost, effect = means.loc[second] - means.loc[first]
    return float(cost / effect)


def measured(n: int, seed: int) -> dict[str, float]:
    """The measures of one trial."""
    trial, _ = hs.datasets.simulated_trial(2 * n, seed, visits=VisitTruth())
    half = np.random.default_rng(seed).permutation(trial.n) < n
    cohort, others = trial.take(half), trial.take(~half)
    copies = list(hs.generators.create("heor").fit(cohort, seed=1).sample(m=COPIES, seed=1))
    again = [with_derived(copy.rows, copy.schema) for copy in copies]
    names = list(cohort.schema.derived)
    training, strangers = (
        held.rows.drop(columns=cohort.schema.id or []).reset_index(drop=True) for held in (cohort, others)
    )
    means = pd.concat([training, strangers]).mean(numeric_only=True)
    parts = [plain(held, means) for held in (training, strangers)]
    drawn = [plain(copy.rows.reset_index(drop=True)[list(training)], means) for copy in copies[:5]]
    mean_correlation = np.mean([correlation(copy) for copy in copies], axis=0)
    return {
        "parts": max(
            float(np.nanmax(np.abs(new[names] - copy.rows[names]).to_numpy()))
            for new, copy in zip(again, copies, strict=True)
        ),
        "after death": float(sum(sum(visit_breaks(copy.arrays, copy.schema).values()) for copy in copies)),
        "area": max(
            abs(np.mean([area(copy, arm) for copy in copies]) / area(cohort, arm) - 1) for arm in cohort.arm_levels
        ),
        "ICER": max(abs(icer(new, copy) / icer(copy.rows, copy) - 1) for new, copy in zip(again, copies, strict=True)),
        "dropout": max(
            float(np.abs(np.mean([staying(copy, arm) for copy in copies], axis=0) - staying(cohort, arm)).max())
            for arm in cohort.arm_levels
        ),
        "correlation": float(np.abs(mean_correlation - correlation(cohort)).max()),
        "memory": float(np.mean([nearer_to_training(*parts, rows) for rows in drawn])),
    }


def qaly_difference(cohort: hs.Cohort) -> tuple[float, float]:
    """The QALY difference of the second arm to the first from means at visits, and its variance."""
    levels = cohort.levels(str(cohort.schema.arm))
    one, other = (
        mean_outcome(outcome(cohort.take(levels == arm), cohort.schema.utilities[-1])) for arm in cohort.arm_levels[:2]
    )
    return other.value - one.value, one.se**2 + other.se**2


def covered(n: int, seed: int) -> dict[str, float]:
    """Whether the intervals of one trial hold the truth, and how far the estimates are off it."""
    trial, truth = hs.datasets.simulated_trial(n, seed, visits=VisitTruth())
    copies = hs.generators.create("heor").fit(trial, seed=1).sample(m=COPIES, seed=1)
    true = truth.incremental_qaly(trial.arm_levels[1])
    value, variance = qaly_difference(trial)
    pooled = copies.analyse(qaly_difference)
    return {
        "patients": float(abs(value - true) <= 1.96 * variance**0.5),
        "copies": float(pooled.low <= true <= pooled.high),
        "off, patients": value - true,
        "off, copies": pooled.value - true,
        "width ratio": (pooled.high - pooled.low) / (2 * 1.96 * variance**0.5),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[120, 500])
    parser.add_argument("--coverage", type=int, help="trials for the coverage of pooled intervals")
    asked = parser.parse_args()
    if asked.coverage:
        for n in asked.sizes:
            held = pd.DataFrame([covered(n, 9000 + trial) for trial in range(asked.coverage)])
            print(
                f"\nn = {n}, {asked.coverage} trials\n{held.mean().to_string(float_format='{:.4g}'.format)}", flush=True
            )
        return
    for n in asked.sizes:
        found = pd.DataFrame([measured(n, seed) for seed in range(FIRST_SEED, FIRST_SEED + asked.trials)])
        print(
            f"\nn = {n}, {asked.trials} trials\n" + found.agg(["mean", "max"]).T.to_string(float_format="{:.4g}".format)
        )


if __name__ == "__main__":
    main()
