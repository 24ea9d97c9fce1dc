"""Cohorts of a paper against the trial that it reports: Table 1, forest plot, and whether intervals hold the truth.

    python benchmarks/published_covariates.py --trials 40 --real 2

A simulated trial has age, a skewed marker, sex and ECOG, correlated and prognostic, with an effect of treatment that
differs by sex and ECOG; real ones are PBC, GBSG2 and veterans. The paper states curves, numbers at risk, totals,
Table 1, the subgroups' hazard ratios, and one correlation. The cohorts of the paper are compared with the trial.
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from clicks import click, real_trial, table_of
from scipy import special

import heorsynth as hs
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows

SIMULATED = (("age", "marker"), ("sex", "ecog"))
REAL = {
    "pbc": (("age", "bili", "albumin"), ("sex", "hepato")),
    "gbsg2": (("age", "tsize", "pnodes", "progrec"), ("menostat", "tgrade")),
    "veterans": (("Age_in_years", "Karnofsky_score"), ("Celltype", "Prior_therapy")),
}
"""Numbers and factors of each trial. The mean and SD of the first number is stated, and the quartiles of others."""


def simulated(rng: np.random.Generator) -> pd.DataFrame:
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


def real(name: str) -> pd.DataFrame:
    """The first two arms of a data set, with the characteristics that its paper states."""
    numbers, factors = REAL[name]
    rows = hs.datasets.load(name).frame.reset_index(drop=True)
    kept = real_trial(name, dropped=False)
    for column in (*numbers, *factors):
        kept[column] = rows[column] if column in numbers else rows[column].astype("object").map(str, na_action="ignore")
    return kept.dropna().reset_index(drop=True)


def ratio(frame: pd.DataFrame, held: np.ndarray | None = None) -> float:
    """The log hazard ratio of arm b to a, in some rows."""
    rows = frame if held is None else frame[held]
    treated = (rows["arm"] == "b").to_numpy()
    return hazard_ratio_of_rows(rows["time"].to_numpy(), rows["event"].to_numpy(), treated).value


def _cell(values: pd.Series, *, with_mean: bool) -> str:
    if with_mean:
        return f"{{mean: {values.mean():.1f}, sd: {values.std():.1f}}}"
    low, middle, high = values.quantile([0.25, 0.5, 0.75])
    return f"{{median: {middle:.2f}, iqr: [{low:.2f}, {high:.2f}]}}"


def _levels(frame: pd.DataFrame, name: str) -> Sequence[str]:
    return sorted(frame[name].unique())


def paper_of(
    frame: pd.DataFrame, numbers: Sequence[str], factors: Sequence[str], folder: Path, rng: np.random.Generator
) -> "hs.published.Paper":
    """The paper of a trial, written and read."""
    width = float(frame["time"].max())
    click(frame, width, rng).to_csv(folder / "os.csv", index=False)
    table_of(frame, 8, width).to_csv(folder / "at_risk.csv", index=False)
    arms = dict(iter(frame.groupby("arm")))
    lines = ["paper: 1", "title: A trial", "citations: {a: A (2026) B 1}", "arms:"]
    lines += [f"  {arm}: {{n: {len(own)}, source: Table 1}}" for arm, own in arms.items()]
    lines += ["endpoints:", "  os:", "    unit: month", "    curves: {source: Figure 1, file: os.csv}"]
    lines += ["    at_risk: {source: Figure 1, file: at_risk.csv}"]
    events = ", ".join(f"{arm}: {own['event'].sum()}" for arm, own in arms.items())
    lines += [f"    events: {{source: Table 2, counts: {{{events}}}}}", "    hazard_ratios:"]
    table = []
    for name in factors:
        cells = []
        for level in _levels(frame, name):
            held = (frame[name] == level).to_numpy()
            counts = ", ".join(f"{arm}: {(own[name] == level).sum()}" for arm, own in arms.items())
            cells.append(f'"{level}": {{{counts}}}')
            if min(frame[held].groupby("arm")["event"].sum().reindex(list("ab"), fill_value=0)) >= 5:
                stated = f'value: {np.exp(ratio(frame, held)):.2f}, subgroup: {{{name}: "{level}"}}'
                lines.append(f"      - {{source: Figure 2, arm: b, reference: a, {stated}}}")
        table.append(f"    {name}: {{levels: {{{', '.join(cells)}}}}}")
    for place, name in enumerate(numbers):
        cells = [f"{arm}: {_cell(own[name], with_mean=place == 0)}" for arm, own in arms.items()]
        table.append(f"    {name}: {{arms: {{{', '.join(cells)}}}}}")
    lines += ["table1:", "  source: Table 1", "  characteristics:", *table]
    value, pair = frame[numbers[0]].corr(frame[numbers[1]], method="spearman"), ", ".join(numbers[:2])
    lines += ["correlations:", f"  - {{source: page 5, between: [{pair}], value: {value:.2f}, kind: spearman}}"]
    (folder / "paper.yaml").write_text("\n".join(lines), encoding="utf-8")
    return hs.published.read(folder / "paper.yaml")


Estimand = Callable[[pd.DataFrame], float]


def estimands(known: pd.DataFrame, numbers: Sequence[str], factors: Sequence[str]) -> Mapping[str, Estimand]:
    """Functions of rows: two that the paper determines nearly, and five of joint facts that it does not state."""
    number, factor = numbers[0], factors[0]
    level, cut = known[factor].mode()[0], known[number].median()

    def adjusted(frame: pd.DataFrame) -> float:
        parts = [frame["arm"] == "b", *(frame[name] for name in numbers)]
        parts += [frame[name] == one for name in factors for one in _levels(known, name)[1:]]
        fit = cox(frame["time"].to_numpy(), frame["event"].to_numpy(), np.column_stack(parts).astype(float))
        return float(fit.coef[0])

    def effect(frame: pd.DataFrame) -> float:
        own = frame[frame["arm"] == "a"]
        scaled = own[[number]].to_numpy() / known[number].std()
        return float(cox(own["time"].to_numpy(), own["event"].to_numpy(), scaled).coef[0])

    def together(frame: pd.DataFrame) -> float:
        return float(frame[number].corr((frame[factor] == level).astype(float)))

    def both(frame: pd.DataFrame) -> np.ndarray:
        return ((frame[factor] == level) & (frame[number] < cut)).to_numpy()

    return {
        "log hazard ratio": ratio,
        "adjusted log hazard ratio": adjusted,
        "log hazard ratio where two characteristics meet": lambda frame: ratio(frame, both(frame)),
        "prognostic effect of the first number": effect,
        "correlation of the first number and factor": lambda f: float(
            f[number].corr((f[factor] == level).astype(float))
        ),
        "share of patients where they meet": lambda frame: float(both(frame).mean()),
    }


def one(source: str, seed: int, m: int) -> Iterator[Mapping[str, object]]:
    """One row a fact and an estimand of a trial."""
    rng = np.random.default_rng(seed)
    known = simulated(rng) if source == "simulated" else real(source)
    numbers, factors = SIMULATED if source == "simulated" else REAL[source]
    with tempfile.TemporaryDirectory() as folder:
        paper = paper_of(known, numbers, factors, Path(folder), rng)
    begun = time.process_time()
    cohorts = hs.published.cohorts(paper, m=m, seed=seed)
    yield {"kind": "seconds", "name": "seconds", "error": time.process_time() - begun}
    for row in cohorts.match().itertuples():
        is_ratio = ".hr." in row.fact
        kind = "subgroup log hazard ratio" if is_ratio else row.fact.partition(".")[0]
        off, error = row.largest_error / row.published if is_ratio else row.largest_error, abs(row.mean - row.published)
        error = abs(np.log(row.mean / row.published)) if is_ratio else error
        yield {"kind": kind, "name": row.fact, "error": error, "largest": off, "alike": row.printed_alike}
    for name, function in estimands(known, numbers, factors).items():
        try:
            share = cohorts.share_of_prior(lambda cohort, function=function: function(cohort.rows))
        except hs.HeorsynthError:
            yield {"kind": "interval", "name": f"{name}: not estimable in a cohort", "prior": np.nan}
            continue
        inner = cohorts.interval(lambda cohort, function=function: function(cohort.rows))
        true = function(known)
        held = inner.low <= true <= inner.high
        yield {"kind": "interval", "name": name, "error": abs(inner.value - true), "held": held,
               "width": inner.high - inner.low,
               "prior": share}  # fmt: skip
    table = cohorts.estimands()
    for row in table[table["estimand"] == "rmst"].itertuples():
        yield {"kind": "interval", "name": "restricted mean", "prior": row.prior_in_interval}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--real", type=int, default=0)
    parser.add_argument("--cohorts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    sources = [("simulated", number) for number in range(given.trials)]
    sources += [(name, number) for name in REAL for number in range(given.real)]
    rows = pd.DataFrame([{**row, "real": source != "simulated"} for source, number in sources
                         for row in one(source, given.seed + number, given.cohorts)])  # fmt: skip
    facts = rows[rows["kind"] != "interval"].groupby("kind")
    columns = {"n": ("error", "size"), "median": ("error", "median"), "largest": ("largest", "max")}
    print(facts.agg(**columns, alike=("alike", "mean"), mean=("error", "mean")).round(4).to_string())
    intervals = rows[rows["kind"] == "interval"].groupby(["real", "name"], sort=False)
    columns = {"n": ("prior", "size"), "held": ("held", "mean"), "error": ("error", "median")}
    print(intervals.agg(**columns, width=("width", "median"), prior=("prior", "median")).round(3).to_string())


if __name__ == "__main__":
    main()
