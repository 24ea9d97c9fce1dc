"""Generators side by side in one run: `python benchmarks/generators.py [--seeds 5] [--only heor,bootstrap]`.

`--first-seed 101` begins with seeds that no setting was chosen on. Prints Markdown tables: five survival
cohorts, costs of the RAND experiment, a reimbursement decision, and time;
with `--frontier` what `heor` trades between fidelity and memory.
Needs heorsynth[datasets]; the networks of SDV are slow and only run when named.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import pandas as pd
from metrics import fidelity, money, nearer_to_training, net_benefit

import heorsynth as hs
from heorsynth.core.secret import ReleaseKey
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.generators.heor import recipe as heor
from heorsynth.generators.latent.dependence import Thresholds
from heorsynth.generators.sampling.sampler import Sampler

COHORTS = {"veterans": "Treatment", "pbc": "sex", "whas500": "gender", "gbsg2": "horTh", "aids": "tx"}
"""Cohort to the subgroup whose levels are looked at."""

FRONTIER = ("heor@0/0/0", "heor", "heor@4/6/2", "heor:strong", "heor@1e9/1e9/1e9")
"""From nothing forgotten to every association forgotten."""

DEFAULT = ("bootstrap", "marginals", "gaussian_copula", "arf", "sequential_trees", "heor", "heor:strong")

REDUCED = {"forest_diffusion": {"noise_levels": 20, "noise_draws": 10, "trees": 20, "depth": 5}}
"""Settings below the authors', under which a fit of a few hundred patients takes seconds to minutes."""


def frames() -> dict[str, pd.DataFrame]:
    """The five cohorts as complete cases: time, event (death in pbc), covariates; levels as text."""
    found = {}
    for name, subgroup in COHORTS.items():
        cohort = hs.datasets.load(name)
        endpoint = next(iter(cohort.schema.endpoints.values()))
        frame = cohort.frame.rename(columns={endpoint.time: "time", endpoint.event: "event"})
        frame = frame.drop(columns=list(cohort.schema.bands)).dropna().reset_index(drop=True)
        frame["event"] = (frame["event"] == 1).astype(int)
        frame[subgroup] = frame[subgroup].astype(str)
        found[name] = frame
    return found


@dataclass(frozen=True)
class Forgetting:
    """`heor` with other thresholds than its settings have: residual, score, hazard, product."""

    thresholds: Thresholds

    def fit(self, cohort: hs.Cohort, seed: int) -> Sampler:
        with patch.dict(heor._PRIVACY, {"standard": self.thresholds}):
            return hs.generators.create("heor").fit(cohort, seed=seed)


def recipe(name: str):
    """A recipe by name; heor:strong, heor:min_patients=10 for a setting, heor@4/6/2 for thresholds of its own."""
    if "@" in name:
        return Forgetting(Thresholds(*map(float, name.split("@")[1].split("/"))))
    kind, _, setting = name.partition(":")
    option, _, value = setting.rpartition("=")
    asked = {option or "privacy": int(value) if value.isdigit() else value} if setting else {}
    if option == "release":
        asked["release_key"] = ReleaseKey(b"the key of benchmarks")
    return hs.generators.create(kind, **{**REDUCED.get(kind, {}), **asked})


def drawn(name: str, frame: pd.DataFrame, subgroup: str, seed: int) -> pd.DataFrame:
    """As many rows as the frame has, from a generator that knows the endpoint and the subgroup only."""
    schema = Schema(endpoints={"os": Endpoint("os", "time", "event")}, subgroups=(subgroup,))
    sampler = recipe(name).fit(hs.Cohort.derive(schema, frame, label=None), seed=seed)
    return sampler.sample(m=1, seed=seed)[0].frame.reset_index(drop=True)


def survival_table(names: list[str], seeds: range) -> pd.DataFrame:
    """The measures, mean over cohorts and seeds."""
    rows = []
    for cohort, frame in frames().items():
        subgroup = COHORTS[cohort]
        for seed in seeds:
            order = np.random.default_rng(seed).permutation(len(frame))
            half = len(frame) // 2
            halves = order[:half], order[half : 2 * half]
            training, others = (frame.iloc[part].reset_index(drop=True) for part in halves)
            for name in names:
                measures = fidelity(frame, drawn(name, frame, subgroup, seed), subgroup)
                if training[subgroup].nunique() > 1:
                    measures["nearer to training"] = nearer_to_training(
                        training, others, drawn(name, training, subgroup, seed)
                    )
                rows.append({"generator": name, "cohort": cohort, **measures})
    table = pd.DataFrame(rows)
    return table.drop(columns="cohort").groupby([table["generator"], table["cohort"]]).mean(numeric_only=True) \
        .groupby("generator").mean().loc[names].T  # fmt: skip


def cost_table(names: list[str], seeds: range) -> pd.DataFrame:
    """Costs of the RAND Health Insurance Experiment, mean over seeds."""
    cohort = hs.datasets.load("randhie")
    rows = []
    for name in names:
        for seed in seeds:
            rows_drawn = recipe(name).fit(cohort, seed=seed).sample(m=1, seed=seed)[0].frame
            rows.append({"generator": name, **money(cohort.frame["meddol"], rows_drawn["meddol"])})
    return pd.DataFrame(rows).groupby("generator").mean().loc[names].T


def decision_table(names: list[str], trials: range, draws: int = 50) -> pd.DataFrame:
    """Trials of 1,000: one synthesis at a time, and the bias of them all. Mean over trials, and its standard error."""
    rows = []
    for seed in trials:
        cohort, _ = hs.datasets.simulated_trial(1000, seed)
        real, error = net_benefit(cohort)
        for name in names:
            cohorts = recipe(name).fit(cohort, seed=1).sample(m=draws, seed=1)
            values = np.array([net_benefit(one)[0] for one in cohorts])
            bias = (values.mean() - real) / error
            rows.append((name, np.mean(np.sign(values) != np.sign(real)), bias, abs(bias)))
    measures = ["decision flipped by one synthesis", "bias of INMB, in its standard error", "its size"]
    groups = pd.DataFrame(rows, columns=["generator", *measures]).groupby("generator")
    errors = groups.sem().rename(columns="{}: standard error".format)
    return pd.concat([groups.mean(), errors], axis=1).loc[names].T


def timed(action: Callable[[], object]) -> float:
    """Seconds an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def time_table(names: list[str]) -> pd.DataFrame:
    """Seconds to fit and draw: 20 cohorts of pbc, and one of 100,000 rows of 20 columns."""
    pbc, large = hs.datasets.load("pbc"), wide(100_000)
    found = {}
    for name in names:
        found[name] = {
            "fit + 20 × 418 (PBC), s": timed(lambda name=name: recipe(name).fit(pbc, seed=1).sample(m=20, seed=1)),
            "fit + 100,000 × 20, s": timed(lambda name=name: recipe(name).fit(large, seed=1).sample(m=1, seed=1)),
        }
    return pd.DataFrame(found)


def wide(n: int, seed: int = 1, columns: int = 20) -> hs.Cohort:
    """A simulated trial, which has ten columns, with as many more as make twenty, or another number in all."""
    cohort, _ = hs.datasets.simulated_trial(n, seed=seed)
    rng = np.random.default_rng(seed)
    age = cohort.frame["age"]
    more = {f"x{index}": np.round(rng.normal(age, 5 + index), 2) for index in range(columns - 10)}
    return hs.Cohort.derive(cohort.schema, cohort.frame.assign(**more), label=None)


def shown(title: str, table: pd.DataFrame) -> None:
    """Prints a table in Markdown."""
    print(f"\n### {title}\n\n| | {' | '.join(table.columns)} |\n|---|{'---|' * len(table.columns)}")
    for name, row in table.iterrows():
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in row)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1, help="seeds no setting was chosen on start at 101")
    parser.add_argument("--only", default=",".join(DEFAULT), help="generators, separated by commas")
    parser.add_argument("--trials", type=int, default=10, help="simulated trials that a decision is asked of")
    parser.add_argument("--decisions", action="store_true", help="only the decision of these trials")
    parser.add_argument("--frontier", action="store_true", help="only heor, from nothing forgotten to everything")
    asked = parser.parse_args()
    if asked.decisions:
        trials = range(asked.first_seed, asked.first_seed + asked.trials)
        shown(f"{asked.trials} trials of 1,000, 50 syntheses each", decision_table(asked.only.split(","), trials))
        return
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    title = f"Five survival cohorts, seeds {seeds[0]} to {seeds[-1]}"
    if asked.frontier:
        shown(title, survival_table(list(FRONTIER), seeds))
        return
    names = asked.only.split(",")
    shown(title, survival_table(names, seeds))
    shown("RAND Health Insurance Experiment, year 2", cost_table(names, seeds))
    trials = range(asked.first_seed, asked.first_seed + asked.trials)
    shown(f"{asked.trials} trials of 1,000, threshold 20,000: 50 syntheses each", decision_table(names, trials))
    shown("Time", time_table(names))


if __name__ == "__main__":
    main()
