"""Reconstruction of published figures, Guyot beside it; and whether reconstruction intervals hold the truth.

    python benchmarks/published.py FOLDER            all figures of a folder (curves, at_risk, totals, figures.csv)
    python benchmarks/published.py --coverage        simulated and real trials: draw, click with noise, rebuild

The folder may also be named by the environment variable HEORSYNTH_PUBLISHED.
"""

import argparse
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from clicks import click, real_trial, simulated_trial, table_of

import heorsynth as hs
from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.estimators.survival.kaplan_meier import kaplan_meier
from heorsynth.estimators.survival.summaries import curve_quantile, restricted_mean
from heorsynth.published.reconstruction.cleaning import arms_of
from heorsynth.published.reconstruction.guyot import guyot

SAVED = "HEORSYNTH_PUBLISHED"
REAL = ("pbc", "gbsg2", "veterans")
TOLERANCE = 1e-6
"""Of an interval without width, relative: an estimate that every cohort gives alike is right or wrong."""


def log_ratio(frame: pd.DataFrame) -> float:
    """The log hazard ratio of the second arm, by name, to the first."""
    second = (frame["arm"] == frame["arm"].max()).to_numpy()
    return hazard_ratio_of_rows(frame["time"].to_numpy(), frame["event"].to_numpy(), second).value


def by_guyot(curves: pd.DataFrame, at_risk: pd.DataFrame, totals: pd.DataFrame | None) -> pd.DataFrame:
    """One set of patients for each arm by Guyot's algorithm, from the same cleaned curve."""
    parts = []
    for arm in arms_of(curves, at_risk, totals):
        found = guyot(arm.curve.time, arm.curve.level, arm.at_risk_time, arm.at_risk, arm.events)
        parts.append(
            pd.DataFrame({"time": np.maximum(found.time, 1e-4 * arm.end), "event": found.event, "arm": arm.name})
        )
    return pd.concat(parts, ignore_index=True)


def one_figure(
    curves: pd.DataFrame, at_risk: pd.DataFrame, totals: pd.DataFrame, with_totals: bool, seed: int
) -> Iterator[Mapping[str, object]]:
    given = totals if with_totals else None
    begun = time.process_time()
    cohorts = hs.published.reconstruct(curves, at_risk, given, seed=seed)
    seconds = time.process_time() - begun
    events = pd.concat([cohort.frame.groupby("arm")["event"].sum() for cohort in cohorts], axis=1).mean(axis=1)
    ratios = np.array([log_ratio(cohort.frame) for cohort in cohorts])
    begun = time.process_time()
    plain = by_guyot(curves, at_risk, given)
    guyot_seconds = time.process_time() - begun
    true = totals.set_index("arm")["events"]
    for name, log, found, spent in [
        ("heorsynth", ratios.mean(), events, seconds),
        ("guyot", log_ratio(plain), plain.groupby("arm")["event"].sum(), guyot_seconds),
    ]:
        wrong = float(((found - true).abs() / true).max())
        yield {"method": name, "totals": with_totals, "log_hr": log, "events": wrong, "seconds": spent}


def figures(folder: Path, seed: int) -> pd.DataFrame:
    """One row a figure, method and setting: error of the log hazard ratio, of the events, and seconds."""
    files = {name: pd.read_csv(folder / f"{name}.csv") for name in ("curves", "at_risk", "totals", "figures")}
    rows = []
    for figure in files["figures"].itertuples():
        of = {name: rows[rows["figure"] == figure.figure].drop(columns="figure") for name, rows in files.items()}
        for with_totals in (False, True):
            for row in one_figure(of["curves"], of["at_risk"], of["totals"], with_totals, seed):
                published = abs(np.log(figure.published_hr))
                rows.append({"figure": figure.figure, **row, "error": abs(abs(row["log_hr"]) - published)})
    return pd.DataFrame(rows)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Median and 90th percentile of the errors; seconds of a figure and of all."""
    groups = rows.groupby(["method", "totals"])
    return pd.DataFrame({
        "log_hr_median": groups["error"].median(),
        "log_hr_90": groups["error"].quantile(0.9),
        "events_median": groups["events"].median(),
        "events_90": groups["events"].quantile(0.9),
        "events_max": groups["events"].max(),
        "seconds_median": groups["seconds"].median(),
        "seconds_max": groups["seconds"].max(),
        "seconds_all": groups["seconds"].sum(),
    })  # fmt: skip


def truths(trial: pd.DataFrame, horizon: float) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {("hazard_ratio", "b"): float(np.exp(log_ratio(trial)))}
    for name, own in trial.groupby("arm"):
        curve = kaplan_meier(own["time"].to_numpy(), own["event"].to_numpy())
        try:
            found["median", str(name)] = curve_quantile(curve, 0.5).value
        except NotEstimableError:
            found["median", str(name)] = np.nan
        found["rmst", str(name)] = restricted_mean(curve, horizon).value
        found["landmark", str(name)] = float(curve.at(horizon / 2))
        found["events", str(name)] = float(own["event"].sum())
    return found


def rebuilt(trial: pd.DataFrame, counts: int, with_totals: bool, seed: int) -> Iterator[Mapping[str, object]]:
    """Click a trial's curves, rebuild them, and compare every estimand with the trial's own."""
    rng = np.random.default_rng(seed)
    width = float(trial["time"].max())
    horizon = 0.8 * float(trial.groupby("arm")["time"].max().min())
    curves, at_risk, totals = click(trial, width, rng), table_of(trial, counts, width), trial.groupby("arm")["event"]
    totals = totals.agg(n="size", events="sum").reset_index()
    given = totals if with_totals else totals.drop(columns="events")
    cohorts = hs.published.reconstruct(curves, at_risk, given, seed=seed)
    true = truths(trial, horizon)
    for row in cohorts.estimands(horizon).itertuples():
        value = true[row.estimand, row.arm]
        if not np.isfinite([value, row.value]).all():
            continue
        slack = TOLERANCE * abs(value)
        held = row.low - slack <= value <= row.high + slack
        wrong, wide = abs(row.value - value) / max(abs(value), 1e-9), (row.high - row.low) / max(abs(value), 1e-9)
        yield {"estimand": row.estimand, "held": held, "relative": wrong, "width": wide}
    for name in ("a", "b"):
        events = np.mean([(cohort.frame["arm"] == name) @ cohort.frame["event"] for cohort in cohorts])
        wrong = abs(events - true["events", name]) / true["events", name]
        yield {"estimand": "events", "held": np.nan, "relative": wrong, "width": np.nan}


def coverage(n_trials: int, n_real: int, tables: Sequence[int], seed: int) -> pd.DataFrame:
    rows = []
    trials = [("simulated", number) for number in range(n_trials)]
    trials += [(name, number) for name in REAL for number in range(n_real)]
    for counts in tables:
        for with_totals in (False, True):
            for source, number in trials:
                own = seed + 1000 * number
                trial = simulated_trial(np.random.default_rng(own)) if source == "simulated" else real_trial(source)
                settings = {"source": source, "at_risk": counts, "totals": with_totals}
                rows += [{**settings, **row} for row in rebuilt(trial, counts, with_totals, own)]
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=os.environ.get(SAVED), type=Path)
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--real", type=int, default=10)
    parser.add_argument("--tables", type=int, nargs="+", default=[10, 3, 0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write the rows to this CSV file")
    given = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    if given.coverage:
        rows = coverage(given.trials, given.real, given.tables, given.seed)
        groups = rows.groupby(["estimand", "at_risk", "totals"])
        shown = groups.agg(
            held=("held", "mean"), n=("held", "size"), relative=("relative", "median"), width=("width", "median")
        )
    elif given.folder is None:
        parser.error(f"give the folder of figures, or set {SAVED}")
    else:
        rows = figures(given.folder, given.seed)
        shown = summary(rows)
    if given.out:
        rows.to_csv(given.out, index=False)
    print(shown.round(4).to_string())


if __name__ == "__main__":
    main()
