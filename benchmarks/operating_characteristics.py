"""How often each check is right: for a faithful generator, one off by exactly the margin, and one off by three margins.

    python benchmarks/operating_characteristics.py --repetitions 200 --sizes 50 150 500 1000

prints a Markdown table, the same on every `--engine` and with any number of `--workers`, and keeps its rows in
benchmarks/results. The truth is a two-arm trial with exponential survival, so that a law off by a stated multiple of a
margin can be solved for. Each repetition draws a real cohort and m synthetic ones from their laws.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import pandas as pd
from results import markdown, store
from scipy import optimize, stats

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.economics import precision as inference
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.structure import joint as structure_joint
from heorsynth.checks.structure.columns import compared_columns, is_numeric, levels_of
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.engine.engine import Engine, open_engine

HORIZON, LANDMARK, THRESHOLD, MEAN_COST = 3.0, 1.5, 20_000.0, 10_500.0
BATCH = 10
"""Repetitions computed together: enough that sending them takes no time to speak of."""

DEVIATIONS = {"faithful": 0.0, "boundary": 1.0, "bad": 3.0}


@dataclass(frozen=True)
class Law:
    """The law a cohort is drawn from: hazards a year by arm, costs, QALYs, age and sex, then who is followed how long.

    `rank` is Spearman's correlation of score and age; `rows` how many rows are drawn for each one asked for; of a share
    `tangled` of the rows all columns are in one order; costs lie `spread` times as far from their mean; `rare` is the
    share of a small site, where there are sites.
    """

    usual: float = 0.35
    new: float = 0.25
    cost: float = 1.0
    extra_cost: float = 4000.0
    qaly: float = 1.0
    extra_qaly: float = 0.3
    age: float = 60.0
    women: float = 0.4
    no_cost: float = 0.15
    followed: float = 6.0
    unknown: float = 0.1
    rank: float = 0.6
    rows: float = 1.0
    tangled: float = 0.0
    spread: float = 1.0
    rare: float | None = None

    def draw(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """n patients; 15% have no cost, and the others a gamma one with mean 10,000 and standard deviation 8,000."""
        n = round(n * self.rows)
        arm = rng.random(n) < 0.5
        death = rng.exponential(1 / np.where(arm, self.new, self.usual))
        left = rng.uniform(1, self.followed, n)
        spent = np.where(rng.random(n) < self.no_cost, 0.0, rng.gamma(1.5625, 6400.0, n))
        spent = MEAN_COST + self.spread * (spent + np.where(arm, self.extra_cost, 0.0) - MEAN_COST)
        old, together = rng.standard_normal(n), 2 * math.sin(math.pi * self.rank / 6)
        score = together * old + math.sqrt(1 - together**2) * rng.standard_normal(n)
        score[rng.random(n) < self.unknown] = np.nan
        rows = pd.DataFrame({
            "time": np.minimum(death, left) + 1e-6, "event": (death <= left).astype(int),
            "arm": np.where(arm, "new", "usual"), "cost": self.cost * spent,
            "qaly": self.qaly * (rng.gamma(9.0, 0.2, n) + np.where(arm, self.extra_qaly, 0.0)),
            "age": self.age + 10 * old, "score": score, "sex": np.where(rng.random(n) < self.women, "f", "m"),
        })  # fmt: skip
        if self.rare is not None:
            rows["site"] = np.where(stats.norm.sf(old) < self.rare, "small", "large")
        return in_one_order(rows, round(self.tangled * n))


def in_one_order(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """The rows, of which the first so many have every column sorted: no column's distribution changes."""
    if not count:
        return rows
    first = {name: rows[name].iloc[:count].sort_values().to_numpy() for name in rows}
    return rows.assign(**{name: np.concatenate([part, rows[name].iloc[count:]]) for name, part in first.items()})


TRUTH = Law()
RARE_SHARE = 0.2
RARE = replace(TRUTH, rare=RARE_SHARE)
MANY = 100_000


def restricted_mean(hazard: float) -> float:
    return (1 - math.exp(-hazard * HORIZON)) / hazard


def hazard_of(mean: float) -> float:
    return float(optimize.brentq(lambda hazard: restricted_mean(hazard) - mean, 1e-9, 50))


def curve_distance(factor: float) -> float:
    grid = np.linspace(HORIZON / 100, HORIZON, 100)
    curves = [np.exp(-rate * grid) - np.exp(-rate * factor * grid) for rate in (TRUTH.usual, TRUTH.new)]
    return float(np.abs(np.mean(curves, axis=0)).max())


def off_in_rmst(margin: Margin, times: float) -> Law:
    """Both arms' restricted means off by the same share."""
    usual, new = (hazard_of(restricted_mean(rate) * (1 + times * margin.width)) for rate in (TRUTH.usual, TRUTH.new))
    return replace(TRUTH, usual=usual, new=new)


def off_in_rmst_difference(margin: Margin, times: float) -> Law:
    return replace(TRUTH, new=hazard_of(restricted_mean(TRUTH.new) + times * margin.width * HORIZON))


def off_at_landmark(margin: Margin, times: float) -> Law:
    usual, new = (-math.log(math.exp(-rate * LANDMARK) + times * margin.width) / LANDMARK
                  for rate in (TRUTH.usual, TRUTH.new))  # fmt: skip
    return replace(TRUTH, usual=usual, new=new)


def off_in_curve(margin: Margin, times: float) -> Law:
    factor = optimize.brentq(lambda factor: curve_distance(factor) - times * margin.width, 1e-6, 1.0) if times else 1.0
    return replace(TRUTH, usual=TRUTH.usual * factor, new=TRUTH.new * factor)


def off_in_hazard_ratio(margin: Margin, times: float) -> Law:
    return replace(TRUTH, new=TRUTH.new * math.exp(times * margin.width))


def off_in_cost(margin: Margin, times: float) -> Law:
    return replace(TRUTH, cost=1 + times * margin.width)


def off_in_spread(margin: Margin, times: float) -> Law:
    return replace(TRUTH, spread=1 - times * margin.width)


def off_in_cost_difference(margin: Margin, times: float) -> Law:
    return replace(TRUTH, extra_cost=TRUTH.extra_cost + times * margin.width * 8500.0)


def off_in_qaly(margin: Margin, times: float) -> Law:
    return replace(TRUTH, qaly=1 + times * margin.width)


def off_in_qaly_difference(margin: Margin, times: float) -> Law:
    return replace(TRUTH, extra_qaly=TRUTH.extra_qaly + times * margin.width)


def off_in_net_benefit(margin: Margin, times: float) -> Law:
    return replace(TRUTH, extra_cost=TRUTH.extra_cost + times * margin.width * THRESHOLD)


def off_in_representation(margin: Margin, times: float) -> Law:
    return replace(TRUTH, women=TRUTH.women * math.exp(-times * margin.width))


def off_in_age(margin: Margin, times: float) -> Law:
    return replace(TRUTH, age=TRUTH.age + 20 * float(stats.norm.ppf((1 + times * margin.width) / 2)))


def off_in_censoring(margin: Margin, times: float) -> Law:
    """Uniform from 1 to L: the mean to 3 years is 1 + (2 L - 4) / (L - 1), here shorter by so many margins."""
    beyond = (1 + 8 / 5) * (1 - times * margin.width) - 1
    return replace(TRUTH, followed=(4 - beyond) / (2 - beyond))


def off_in_follow_up(margin: Margin, times: float) -> Law:
    """More are followed to the horizon, as both hazards are lower by a common factor."""

    def share(factor: float) -> float:
        return 0.6 * (math.exp(-TRUTH.usual * factor * HORIZON) + math.exp(-TRUTH.new * factor * HORIZON)) / 2

    aim = share(1.0) + times * margin.width
    factor = optimize.brentq(lambda factor: share(factor) - aim, 0.0, 2.0)
    return replace(TRUTH, usual=TRUTH.usual * factor, new=TRUTH.new * factor)


def off_in_zeros(margin: Margin, times: float) -> Law:
    """Only the usual arm has patients without a cost: the share among all is half of theirs."""
    return replace(TRUTH, no_cost=TRUTH.no_cost + 2 * times * margin.width)


def off_in_missingness(margin: Margin, times: float) -> Law:
    return replace(TRUTH, unknown=TRUTH.unknown + times * margin.width)


def off_in_rank(margin: Margin, times: float) -> Law:
    return replace(TRUTH, rank=TRUTH.rank - times * margin.width)


def off_in_rows(margin: Margin, times: float) -> Law:
    """More rows than patients: a plain standard error shrinks with their root."""
    return replace(TRUTH, rows=math.exp(2 * times * margin.width))


@cache
def mean_distance(tangled: float) -> float:
    """The mean distance of rank correlations of a law so far tangled, as the check counts it, by many rows."""
    real, other = (
        Cohort(law.draw(MANY, np.random.default_rng(7)), **roles("structure"))
        for law in (TRUTH, replace(TRUTH, tangled=tangled))
    )
    names = compared_columns(real)
    levels = {name: levels_of(real, name) for name in names if not is_numeric(real, name)}
    ranks = [structure_joint.correlations(structure_joint.design(one, names, levels)) for one in (real, other)]
    return float(np.abs(ranks[1] - ranks[0])[np.triu_indices(len(names), 1)].mean())


def off_in_associations(margin: Margin, times: float) -> Law:
    shares = np.linspace(0, 1, 21)
    distances = [0.0, *(mean_distance(float(share)) for share in shares[1:])]
    return replace(TRUTH, tangled=float(np.interp(times * margin.width, distances, shares)))


def off_in_retention(margin: Margin, times: float) -> Law:
    """A level is there or not: at the boundary it is drawn a tenth as often, and a bad law has none of it."""
    return replace(RARE, rare=RARE_SHARE * {0.0: 1.0, 1.0: 0.1, 3.0: 0.0}[times])


@dataclass(frozen=True)
class Case:
    """An estimand, the margin it is held to, the finding that is counted, and the law off by some margins."""

    margin: dict[str, object]
    off: Callable[[Margin, float], Law]
    counted: Callable[[Finding], bool] = lambda finding: finding.group == "all" or " vs " in finding.group
    of_patients: bool = False
    """Rows are resamples of the patients, not fresh draws: the question is what these patients would claim."""
    truth: Law = TRUTH


CASES = {
    "survival.rmst": Case({"relative": 0.05, "horizon": HORIZON}, off_in_rmst),
    "survival.rmst_difference": Case({"relative": 0.05, "horizon": HORIZON}, off_in_rmst_difference),
    "survival.landmark": Case({"absolute": 0.10, "at": LANDMARK}, off_at_landmark),
    "survival.km_gap": Case({"absolute": 0.10, "horizon": HORIZON}, off_in_curve),
    "survival.hazard_ratio": Case({"ratio": [0.8, 1.25]}, off_in_hazard_ratio),
    "costs.mean": Case({"relative": 0.10}, off_in_cost),
    "costs.cv": Case({"relative": 0.25}, off_in_spread),
    "costs.difference": Case({"relative": 0.20}, off_in_cost_difference),
    "utilities.mean": Case({"relative": 0.10}, off_in_qaly),
    "economics.incremental_qaly": Case({"absolute": 0.10}, off_in_qaly_difference),
    "economics.inmb": Case({"relative": 0.10}, off_in_net_benefit),
    "subgroups.representation": Case({"ratio": [0.8, 1.25]}, off_in_representation, lambda f: f.group == "sex=f"),
    "structure.marginals": Case({"absolute": 0.10}, off_in_age, lambda f: "of age" in f.estimand),
    "survival.censoring": Case({"relative": 0.05, "horizon": HORIZON}, off_in_censoring),
    "survival.follow_up": Case({"absolute": 0.10, "horizon": HORIZON}, off_in_follow_up),
    "costs.zero_share": Case({"absolute": 0.10}, off_in_zeros),
    "structure.missingness": Case({"absolute": 0.05}, off_in_missingness, lambda f: "score" in f.estimand),
    "structure.association_max": Case({"absolute": 0.30}, off_in_rank),
}

SLOW = {
    "structure.associations": Case({"absolute": 0.10}, off_in_associations),
    "subgroups.retention": Case({"absolute": 0.5}, off_in_retention, lambda f: "site" in f.estimand, truth=RARE),
    "inference.precision": Case({"ratio": [0.9, 1 / 0.9]}, off_in_rows, lambda f: "cost" in f.estimand, True),
}
"""What no test repeats: slow ones, and a level, which is there or not: no law is off by three margins."""

EVERY = {**CASES, **SLOW}


def roles(key: str) -> dict[str, object]:
    """The roles of a cohort: subgroups only where they are what is asked."""
    subgroups = ["site"] if key == "subgroups.retention" else ["sex"] if key.startswith("subgroups") else []
    return {
        "endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": "cost",
        "utilities": "qaly", "subgroups": subgroups, "unit": "year", "currency": "EUR",
    }  # fmt: skip


def claimed(
    real: Cohort,
    synthetic: Sequence[Cohort],
    margins: dict[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
) -> list[Finding]:
    """What is claimed of the arms' difference in mean cost: one of the analyses that `inference.precision` asks."""
    analyses = inference.plain_analyses(real, synthetic)
    name, group, analysis = next(one for one in analyses if "cost" in one[0])
    ask = registry.scope_of(real, synthetic, margins, rng).asks()[0]
    return [inference.claim(ask, name, group, analysis, group.real)]


@dataclass(frozen=True)
class Batch:
    """Repetitions `first` to `last` - 1 of one cell of the table: a task. Each repetition has a stream of its own."""

    key: str
    n: int
    times: float
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.key}, n = {self.n}, {self.times:g} margins off, repetitions {self.first} to {self.last - 1}"


def batches(key: str, n: int, times: float, repetitions: int) -> list[Batch]:
    return [Batch(key, n, times, first, min(first + BATCH, repetitions)) for first in range(0, repetitions, BATCH)]


def judged(shared: tuple[int, int], batch: Batch) -> list[str]:
    """The verdict of each repetition of a batch; `shared` is m and the seed."""
    (m, seed), key, n = shared, batch.key, batch.n
    case = EVERY[key]
    check = claimed if key == "inference.precision" else partial(registry.findings, ESTIMANDS[key].check)
    margin = margin_for(key, case.margin, {"wtp": (THRESHOLD,)})
    law, found = case.off(margin, batch.times), []
    for repetition in range(batch.first, batch.last):
        rng = stream(seed, key, n, str(batch.times), repetition)
        real = Cohort(case.truth.draw(n, rng), **roles(key))
        rows = [
            real.frame.iloc[rng.integers(n, size=round(n * law.rows))] if case.of_patients else law.draw(n, rng)
            for _ in range(m)
        ]
        drawn = [Cohort.derive(real.schema, frame.reset_index(drop=True), label=None) for frame in rows]
        findings = [finding for finding in check(real, drawn, {key: margin}, rng) if case.counted(finding)]
        found += [finding.verdict for finding in findings[:1]]
    return found


def counted(
    tasks: Sequence[Batch], m: int, seed: int, engine: str | Engine
) -> dict[tuple[str, int, float], Counter[str]]:
    """How often a finding comes out each way, by estimand, size and deviation."""
    found: dict[tuple[str, int, float], Counter[str]] = {}
    with open_engine(engine) as opened:
        results = opened.map(judged, tasks, (m, seed), what="repeating", named=str)
        for batch, verdicts_found in zip(tasks, results, strict=True):
            found.setdefault((batch.key, batch.n, batch.times), Counter()).update(verdicts_found)
    return found


def verdicts(
    key: str, n: int, times: float, repetitions: int, m: int = 5, seed: int = 1, engine: str | Engine = "local"
) -> Counter[str]:
    """How often a finding comes out each way, over repetitions of a law that is `times` margins off."""
    return counted(batches(key, n, times, repetitions), m, seed, engine)[key, n, times]


def rows(
    key: str, sizes: Sequence[int], repetitions: int, m: int, engine: str | Engine = "local"
) -> list[dict[str, object]]:
    """One row a size: the share of passes and fails under each law."""
    case = EVERY[key]
    cells = [(key, n, times) for n in sizes for times in DEVIATIONS.values()]
    found = counted([one for cell in cells for one in batches(*cell, repetitions)], m, 1, engine)
    shown = ", ".join(f"{scale} {case.margin[scale]}" for scale in ("absolute", "relative", "ratio")
                      if scale in case.margin)  # fmt: skip
    lines: list[dict[str, object]] = []
    for n in sizes:
        shares = {f"{name}: {what}": f"{found[key, n, times][what] / repetitions:.3f}"
                  for name, times in DEVIATIONS.items() for what in ("pass", "fail")}  # fmt: skip
        lines.append({"estimand": key, "margin": shown, "n": n, **shares, "repetitions": repetitions})
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Operating characteristics of the checks")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 150, 500, 1000])
    parser.add_argument("--estimands", nargs="+", choices=EVERY, default=list(EVERY))
    parser.add_argument("--m", type=int, default=5, help="synthetic cohorts in each repetition")
    parser.add_argument("--dry", action="store_true", help="print, and keep nothing")
    parser.add_argument("--engine", default="local", help="local, processes, dask or tcp://host:port")
    parser.add_argument("--workers", type=int, help="of processes and dask; one on each core by default")
    chosen = parser.parse_args()
    with open_engine(chosen.engine, chosen.workers) as engine:
        started = time.perf_counter()
        for key in chosen.estimands:
            found = rows(key, chosen.sizes, chosen.repetitions, chosen.m, engine)
            if not chosen.dry:
                store("operating_characteristics", found, ("estimand", "n"))
            print(markdown(pd.DataFrame(found).astype(str)), flush=True)
        took = time.perf_counter() - started
        print(
            f"\n{chosen.repetitions} repetitions, m = {chosen.m}, {took:.0f} s on {chosen.engine} of {engine.workers}."
        )


if __name__ == "__main__":
    main()
