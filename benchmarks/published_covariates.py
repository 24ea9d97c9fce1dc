"""Cohorts of a paper against the trial that it reports: Table 1, forest plot, and whether intervals hold the truth.

    python benchmarks/published_covariates.py --trials 40

Each trial has age, a skewed marker, sex and ECOG, correlated and prognostic, with an effect of treatment that differs by
sex and ECOG. Its paper states curves, numbers at risk, totals, Table 1, the subgroups' hazard ratios with their numbers
of patients, and one correlation. The cohorts of the paper are compared with the trial.
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from clicks import click, table_of
from scipy import special

import heorsynth as hs
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows

LEVELS = {"sex": ("female", "male"), "ecog": ("0", "1", "2")}


def trial(rng: np.random.Generator) -> pd.DataFrame:
    """Two arms, of 60 to 300 patients each, with characteristics whose joint law and effects are drawn."""
    size, parts = int(np.exp(rng.uniform(np.log(60), np.log(300)))), []
    rows = rng.normal(size=(25, 4))
    root = np.linalg.cholesky(np.corrcoef(rows.T))
    effect, own = rng.normal(0, 0.3, 4), np.array([0, rng.normal(0, 0.15), *rng.normal(0, 0.3, 2)])
    shape, scale, log_ratio = np.exp(rng.normal(0, 0.2)), rng.uniform(8, 30), rng.normal(-0.3, 0.2)
    for number, arm in enumerate("ab"):
        n = int(size * rng.uniform(0.9, 1.1))
        z = rng.normal(size=(n, 4)) @ root.T
        hazard = z @ effect + number * (log_ratio + z @ own)
        event_time = scale * (rng.exponential(size=n) * np.exp(-hazard)) ** (1 / shape)
        censored = scale * rng.uniform(0.8, 2.0, n)
        seen = np.maximum(np.minimum(event_time, censored), 0.02)
        share = special.ndtr(z)
        parts.append(pd.DataFrame({
            "time": seen.round(4), "event": (event_time <= censored).astype(int), "arm": arm,
            "age": (62 + 9 * z[:, 0]).round(1), "marker": np.exp(1.5 + 0.7 * z[:, 1]).round(2),
            "sex": np.where(share[:, 2] < 0.45, "female", "male"),
            "ecog": np.select([share[:, 3] < 0.5, share[:, 3] < 0.85], ["0", "1"], "2"),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _moments(frame: pd.DataFrame) -> Mapping[str, str]:
    age, marker = frame["age"], frame["marker"]
    low, high = marker.quantile([0.25, 0.75])
    return {
        "age": f"{{mean: {age.mean():.1f}, sd: {age.std():.1f}}}",
        "marker": f"{{median: {marker.median():.2f}, iqr: [{low:.2f}, {high:.2f}]}}",
    }


def subgroup_ratio(frame: pd.DataFrame, held: np.ndarray) -> float:
    rows = frame[held]
    return hazard_ratio_of_rows(rows["time"].to_numpy(), rows["event"].to_numpy(), (rows["arm"] == "b").to_numpy()).value


def paper_of(frame: pd.DataFrame, folder: Path, rng: np.random.Generator) -> "hs.published.Paper":
    """The paper of a trial, written and read."""
    width = float(frame["time"].max())
    click(frame, width, rng).to_csv(folder / "os.csv", index=False)
    table_of(frame, 8, width).to_csv(folder / "at_risk.csv", index=False)
    arms = dict(iter(frame.groupby("arm")))
    lines = ["paper: 1", "title: Simulated trial", "citations: {a: A (2026) B 1}", "arms:"]
    lines += [f"  {arm}: {{n: {len(own)}, source: Table 1}}" for arm, own in arms.items()]
    lines += ["endpoints:", "  os:", "    unit: month", "    curves: {source: Figure 1, file: os.csv}"]
    lines += ["    at_risk: {source: Figure 1, file: at_risk.csv}"]
    events = ", ".join(f"{arm}: {own['event'].sum()}" for arm, own in arms.items())
    lines += [f"    events: {{source: Table 2, counts: {{{events}}}}}", "    hazard_ratios:"]
    for name, levels in LEVELS.items():
        for level in levels:
            value = np.exp(subgroup_ratio(frame, (frame[name] == level).to_numpy()))
            group = f'subgroup: {{{name}: "{level}"}}'
            lines += [f"      - {{source: Figure 2, arm: b, reference: a, value: {value:.2f}, {group}}}"]
    lines += ["table1:", "  source: Table 1", "  characteristics:"]
    for name in ("age", "marker"):
        cells = ", ".join(f"{arm}: {_moments(own)[name]}" for arm, own in arms.items())
        lines += [f"    {name}: {{arms: {{{cells}}}}}"]
    for name, levels in LEVELS.items():
        counts = [f'"{level}": {{' + ", ".join(f"{arm}: {(own[name] == level).sum()}" for arm, own in arms.items()) + "}"
                  for level in levels]  # fmt: skip
        lines += [f"    {name}: {{levels: {{{', '.join(counts)}}}}}"]
    stated = frame["age"].corr(frame["marker"], method="spearman")
    lines += ["correlations:", f"  - {{source: page 5, between: [age, marker], value: {stated:.2f}, kind: spearman}}"]
    (folder / "paper.yaml").write_text("\n".join(lines), encoding="utf-8")
    return hs.published.read(folder / "paper.yaml")


def adjusted(frame: pd.DataFrame) -> float:
    """The log hazard ratio of b to a, adjusted for all characteristics."""
    parts = [frame["arm"] == "b", frame["age"], frame["marker"], frame["sex"] == "male"]
    parts += [frame["ecog"] == "1", frame["ecog"] == "2"]
    return float(cox(frame["time"].to_numpy(), frame["event"].to_numpy(), np.column_stack(parts).astype(float)).coef[0])


def effect_of_age(frame: pd.DataFrame) -> float:
    """The log hazard ratio of ten years in arm a: the paper says nothing of it."""
    own = frame[frame["arm"] == "a"]
    return float(10 * cox(own["time"].to_numpy(), own["event"].to_numpy(), own[["age"]].to_numpy()).coef[0])


ESTIMANDS: Mapping[str, Callable[[pd.DataFrame], float]] = {
    "log hazard ratio": lambda frame: subgroup_ratio(frame, np.ones(len(frame), dtype=bool)),
    "adjusted log hazard ratio": adjusted,
    "log hazard ratio of women below 62": lambda f: subgroup_ratio(f, ((f["sex"] == "female") & (f["age"] < 62)).to_numpy()),
    "log hazard ratio of age": effect_of_age,
    "correlation of age and sex": lambda frame: float(frame["age"].corr((frame["sex"] == "male").astype(float))),
    "share of women with ECOG 0": lambda frame: float(((frame["sex"] == "female") & (frame["ecog"] == "0")).mean()),
}  # fmt: skip


def one(seed: int, m: int) -> Iterator[Mapping[str, object]]:
    """One row a fact and an estimand of a trial."""
    rng = np.random.default_rng(seed)
    known = trial(rng)
    with tempfile.TemporaryDirectory() as folder:
        paper = paper_of(known, Path(folder), rng)
        begun = time.process_time()
        cohorts = hs.published.cohorts(paper, m=m, seed=seed)
        seconds = time.process_time() - begun
    yield {"kind": "seconds", "name": "seconds", "error": seconds}
    for row in cohorts.match().itertuples():
        kind = "subgroup log HR" if ".hr." in row.fact else "correlation" if "correlation" in row.fact else "Table 1"
        error = abs(np.log(row.mean / row.published)) if ".hr." in row.fact else row.largest_error
        largest = row.largest_error / row.published if ".hr." in row.fact else row.largest_error
        yield {"kind": kind, "name": row.fact, "error": error, "largest": largest, "alike": row.printed_alike}
    for name, function in ESTIMANDS.items():
        inner = cohorts.interval(lambda cohort, function=function: function(cohort.rows))
        true = function(known)
        held = inner.low - 1e-9 <= true <= inner.high + 1e-9
        share = cohorts.share_of_prior(lambda cohort, function=function: function(cohort.rows))
        yield {"kind": "interval", "name": name, "error": abs(inner.value - true), "held": held,
               "width": inner.high - inner.low, "prior": share}  # fmt: skip
    table = cohorts.estimands()
    for row in table[table["estimand"] == "rmst"].itertuples():
        yield {"kind": "interval", "name": "restricted mean", "prior": row.prior_in_interval}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--cohorts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    rows = pd.DataFrame([row for number in range(given.trials) for row in one(given.seed + number, given.cohorts)])
    facts = rows[~rows["kind"].isin(["interval"])].groupby("kind")
    print(facts.agg(n=("error", "size"), median=("error", "median"), most=("largest", "max"), alike=("alike", "mean"),
                    mean=("error", "mean")).round(4).to_string())  # fmt: skip
    intervals = rows[rows["kind"] == "interval"].groupby("name", sort=False)
    print(intervals.agg(n=("prior", "size"), held=("held", "mean"), error=("error", "median"), width=("width", "median"),
                        prior=("prior", "median")).round(3).to_string())  # fmt: skip


if __name__ == "__main__":
    main()
