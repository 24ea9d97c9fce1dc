"""What a level of release gives and costs: `python benchmarks/release.py [--keys 4] [--first-key 101] [--trials 40]`.

`--m 100` attacks and analyses 100 cohorts together; by default it is 20, and all parts are made.

Prints a Markdown table with a column for each level. First comes what attacks find in random halves of at most 100
patients of the bundled cohorts, with the other halves as people never seen, and m = 20 cohorts together: the area under
the ROC curve of the marginal likelihood ratio with a list of candidates, of the nearest record and of the density
ratio, and the patients found where one in a hundred others is accused. The patients of cells of one or two are
attacked by the mean death and time of their cell (control: the people of the cell in the other half). Then comes the
error of a number worked out from two releases that differ by one patient, as a multiple of the error of another
patient's. Then comes what remains: fidelity over the five cohorts of benchmarks/generators.py, one synthetic cohort
each, and over simulated trials of 150 patients with m = 20 the ratio of mean costs, decisions reversed at 20,000 a
QALY, and the coverage of the pooled 95% interval of the QALYs gained. A key stands for a custodian: with each the noise
is another.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
from generators import COHORTS, frames
from metrics import fidelity, net_benefit
from results import markdown

import heorsynth as hs
from heorsynth.checks.privacy.coordinates import Space
from heorsynth.core.errors import CohortError, GeneratorError
from heorsynth.core.random import stream
from heorsynth.core.secret import ReleaseKey
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.data.folders.tally import cells_of
from heorsynth.estimators.attacks import members
from heorsynth.generators.sampling.cohorts import SyntheticCohorts

LEVELS = ("internal", "shared", "public")
"""A public release needs 80 patients: a cohort whose half has fewer is left out of its attacks."""

FITTED, M, LEFT_OUT, TRIAL = 100, 20, 3, 150
PARTS = ("attacks", "lone", "differencing", "fidelity", "trials")

LONE = 2
"""Largest number of patients to a cell whose patients are alone."""


def key(number: int) -> ReleaseKey:
    """The key of one custodian."""
    return ReleaseKey(f"benchmarks/release.py, custodian {number}".encode())


def drawn(cohort: hs.Cohort, level: str, number: int, m: int) -> SyntheticCohorts:
    """A release of a cohort."""
    options = {} if level == "internal" else {"release_key": key(number)}
    return hs.generators.create("heor", release=level, **options).fit(cohort, seed=1).sample(m=m, seed=1)


def attacked(level: str, numbers: range, m: int) -> Iterator[dict[str, float]]:
    """What attacks find in one half of each cohort and with each key."""
    for name in COHORTS:
        cohort = hs.datasets.load(name)
        for number in numbers:
            rng = stream(number, "halves", name)
            order = rng.permutation(cohort.n)[: 2 * min(FITTED, cohort.n // 2)]
            source, unseen = (cohort.take(np.sort(part)) for part in np.split(order, 2))
            try:
                rows = list(drawn(source, level, number, m))
            except GeneratorError:
                continue
            space = Space.of(source, rows, unseen)
            synthetic, ours, theirs = space.joined(rows), space.of_cohort(source), space.of_cohort(unseen)
            scores = {
                "marginal": members.marginal(synthetic.codes, ours.codes, theirs.codes, space.numeric),
                "nearest record": members.nearest_record(synthetic.points, ours.points, theirs.points),
                "density ratio": members.density_ratio(synthetic.points, ours.points, theirs.points),
            }
            found = {f"{attack}: AUC": members.separation(one).success for attack, one in scores.items()}
            for attack, one in scores.items():
                cut = np.quantile(one.theirs, 0.99, method="higher")
                found[f"{attack}: found at a false-positive rate of 1%"] = float(np.mean(one.ours > cut))
            yield found


def lone(level: str, numbers: range) -> dict[str, float]:
    """What the mean death and time of a cell of one or two tell of its patients, and of others who would be in it."""
    told: dict[str, list[tuple[float, float, float, float]]] = {"patients": [], "control": []}
    for number in numbers:
        cohort = hs.datasets.load("pbc")
        order = stream(number, "halves", "lone").permutation(cohort.n)[: 2 * FITTED]
        source, unseen = (cohort.take(np.sort(part)) for part in np.split(order, 2))
        copies = pd.concat([_outcomes(one) for one in drawn(source, level, number, M)]).groupby("cell").mean()
        ours, theirs = _outcomes(source), _outcomes(unseen)
        sizes = ours["cell"].value_counts()
        for who, rows in (("patients", ours), ("control", theirs)):
            alone = rows[rows["cell"].isin(sizes.index[sizes <= LONE]) & rows["cell"].isin(copies.index)]
            copy = copies.loc[alone["cell"]]
            told[who] += list(zip(copy["died"], copy["time"], alone["died"], alone["time"], strict=True))
    found = {}
    for who, pairs in told.items():
        death, time, died, ended = np.array(pairs).T
        found[f"cell of one or two, {who}: death, AUC"] = _auc(death[died == 1], death[died == 0])
        found[f"cell of one or two, {who}: time, correlation"] = float(np.corrcoef(time, ended)[0, 1])
    return found


def _outcomes(cohort: hs.Cohort) -> pd.DataFrame:
    time, cause, _ = cohort.outcome("os")
    cell, members = cells_of(cohort)
    names = np.array([" / ".join(member) for member in members], dtype=object)
    return pd.DataFrame({"cell": names[cell], "time": time, "died": (cause == 1).astype(float)})


def _auc(ones: np.ndarray, others: np.ndarray) -> float:
    return float(np.mean(np.sign(ones[:, None] - others[None, :]) / 2 + 0.5))


def differenced(level: str, numbers: range, m: int) -> float:
    """Median error of a number worked out from two releases, as a multiple of that of another patient's number."""
    own, others = [], []
    for name in COHORTS:
        cohort = hs.datasets.load(name)
        cohort = cohort.take(np.sort(stream(0, "differencing", name).permutation(cohort.n)[:FITTED]))
        numeric = [str(one) for one in cohort.rows.columns if cohort.rows[one].nunique() > 10]
        spread = cohort.rows[numeric].std()
        for number in numbers:
            whole = _means(drawn(cohort, level, number, m), numeric)
            told = []
            for patient in range(LEFT_OUT):
                left = cohort.take(np.delete(np.arange(cohort.n), patient))
                rest = _means(drawn(left, level, number, m), numeric)
                told.append((cohort.n * whole - left.n * rest) / spread)
            for patient, found in enumerate(told):
                for errors, row in ((own, patient), (others, (patient + 1) % LEFT_OUT)):
                    errors.extend((found - cohort.rows[numeric].iloc[row] / spread).abs().dropna())
    return float(np.median(own) / np.median(others))


def _means(rows: SyntheticCohorts, names: list[str]) -> pd.Series:
    return pd.concat([one.rows[names] for one in rows]).mean()


def kept(level: str, numbers: range) -> pd.DataFrame:
    """The measures of benchmarks/metrics.py for each cohort and key."""
    rows = []
    for name, frame in frames().items():
        schema = Schema(endpoints={"os": Endpoint("os", "time", "event")}, subgroups=(COHORTS[name],))
        cohort = hs.Cohort.derive(schema, frame, label=None)
        for number in numbers:
            copy = drawn(cohort, level, number, 1)[0].frame.reset_index(drop=True)
            rows.append(fidelity(frame, copy, COHORTS[name]))
    return pd.DataFrame(rows)


def trials(level: str, seeds: range, m: int) -> dict[str, float]:
    """Simulated trials with a known truth: costs, decisions and intervals of one release each."""
    ratios, reversed_, covered, refused = [], [], [], 0
    for seed in seeds:
        cohort, truth = hs.datasets.simulated_trial(TRIAL, seed)
        try:
            rows = drawn(cohort, level, seed, m)
        except CohortError:
            refused += 1
            continue
        ratios.append(np.mean([one.frame["cost"].mean() for one in rows]) / cohort.frame["cost"].mean())
        decided = np.mean([net_benefit(one)[0] for one in rows])
        reversed_.append((decided > 0) != (net_benefit(cohort)[0] > 0))
        gained = rows.analyse(_gained)
        covered.append(gained.low <= truth.incremental_qaly <= gained.high)
    return {
        "mean cost, synthetic / patients: mean": float(np.mean(ratios)),
        "mean cost, synthetic / patients: SD": float(np.std(ratios)),
        "pooled decision reversed": float(np.mean(reversed_)),
        "95% interval of QALYs gained holds the truth": float(np.mean(covered)),
        "refused: costs of fewer than five patients far beyond all others": refused / len(seeds),
    }


def _gained(cohort: hs.Cohort) -> tuple[float, float]:
    arms = [cohort.frame.loc[cohort.frame["arm"] == arm, "qaly"] for arm in ("new", "usual")]
    return float(arms[0].mean() - arms[1].mean()), float(sum(one.var() / len(one) for one in arms))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=4)
    parser.add_argument("--first-key", type=int, default=101)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--levels", nargs="+", default=list(LEVELS), choices=LEVELS)
    parser.add_argument("--m", type=int, default=M)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    asked = parser.parse_args()
    numbers = range(asked.first_key, asked.first_key + asked.keys)
    table = {}
    for level in asked.levels:
        column: dict[str, float] = {}
        if "attacks" in asked.parts:
            column |= dict(pd.DataFrame(attacked(level, numbers, asked.m)).mean())
        if "lone" in asked.parts:
            column |= lone(level, range(numbers.start, numbers.start + 5 * len(numbers)))
        if "differencing" in asked.parts:
            column["number from two releases: error / another patient's"] = differenced(level, numbers[:1], asked.m)
        if "fidelity" in asked.parts:
            column |= dict(kept(level, numbers).mean())
        if "trials" in asked.parts:
            column |= trials(level, range(1000 * asked.first_key, 1000 * asked.first_key + asked.trials), asked.m)
        table[level] = column
    print(markdown(pd.DataFrame(table).round(3).astype(str).reset_index(names="measure")))


if __name__ == "__main__":
    main()
