"""The answer on "faithful" for real cohorts under 500 patients, with as many synthetic cohorts as settle it.

    python benchmarks/real_cohorts.py [--minutes 60] [--only heor,sequential_trees] [--purposes teaching] [--seed 101]
    python benchmarks/real_cohorts.py --table

Each generator is asked for each purpose on each cohort, as a run does it: 20 cohorts first, then up to 500 while the
answer is "not shown". A case is kept in benchmarks/results when it is done and skipped when it is there with the same
seed, so the script can be stopped and started again; one of another seed is replaced. `forest_diffusion` has the
reduced settings of generators.py. The cohorts come from installed packages: heorsynth, lifelines, and the R package
survival (Debian: r-cran-survival), whose cohorts are left out where Rscript is not found. Nobody tuned heorsynth on the
cohorts of R, nor on larynx, leukemia and waltons.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator

import pandas as pd
from generators import recipe
from lifelines import datasets as lifelines_datasets
from results import FOLDER, markdown, real_rates, store, stored

import heorsynth as hs
from heorsynth.checks.planning.plan import Plan, plan
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.engine.engine import open_engine
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.validate import evidence_of
from heorsynth.generators.sampling.cohorts import SyntheticCohorts
from heorsynth.protocol.settle import settled

NAME = "real_cohorts"
KEYS = ("cohort", "purpose", "generator")
PURPOSES = ("teaching", "external-control", "model-development", "data-sharing")
GENERATORS = ("heor", "bootstrap", "marginals", "gaussian_copula", "sequential_trees")
FIRST, MOST = 20, 500

LIFELINES = {
    "larynx": ("load_larynx", "time", "death", None),
    "leukemia": ("load_leukemia", "t", "status", "Rx"),
    "waltons": ("load_waltons", "T", "E", "group"),
}
"""Cohort -> function of lifelines.datasets, time, event, arm."""

SURVIVAL = {
    "mgus": ("subset(mgus, select=-c(id))", "futime", "death", None),
    "ovarian": ("ovarian", "futime", "fustat", "rx"),
    "stanford2": ("subset(stanford2, select=-c(id))", "time", "status", None),
    "cgd": (
        "local({d <- subset(cgd, enum == 1); d$id <- d$random <- d$enum <- d$tstart <- NULL; d})",
        "tstop",
        "status",
        "treat",
    ),
    "bladder": (
        "local({d <- subset(bladder1, !duplicated(id)); data.frame(treatment=d$treatment, number=d$number, size=d$size,"
        " time=pmax(d$stop, 0.5), event=as.integer(d$status == 1))})",
        "time",
        "event",
        "treatment",
    ),
    "retinopathy": ("subset(retinopathy, !duplicated(id), select=-c(id, trt))", "futime", "status", None),
}
"""Cohort -> expression in R, time, event, arm."""


def cohorts() -> Iterator[tuple[str, Cohort]]:
    """Every cohort with its name; one without a declared subgroup has none."""
    for name in ("pbc", "lung", "rossi", "veterans"):
        yield name, hs.datasets.load(name)
    for name, (load, at, event, arm) in LIFELINES.items():
        yield name, _cohort(getattr(lifelines_datasets, load)(), at, event, arm)
    for name, (expression, at, event, arm) in SURVIVAL.items() if shutil.which("Rscript") else ():
        script = f"suppressMessages(library(survival)); write.csv({expression}, row.names=FALSE, na='')"
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, check=True, text=True)
        yield name, _cohort(pd.read_csv(io.StringIO(done.stdout)), at, event, arm)


def _cohort(frame: pd.DataFrame, at: str, event: str, arm: str | None) -> Cohort:
    rows = frame.assign(**{event: frame[event].astype(int)})
    if arm is not None:
        rows[arm] = rows[arm].astype(str)
    return Cohort(
        rows[rows[at] > 0].reset_index(drop=True),
        endpoints={"os": (at, event)},
        arm=arm,
        arm_reference=None if arm is None else sorted(rows[arm])[0],
        unit="day",
    )


def answer(cohort: Cohort, purpose: str, generator: str, seed: int) -> dict[str, object]:
    """The answer on fidelity, with the number of cohorts and of decisive findings it rests on."""
    started = time.perf_counter()
    sampler = recipe(generator).fit(cohort, seed=seed)
    asked = plan(cohort, purpose).deciding
    with open_engine() as engine:

        def judged(wanted: Plan, synthetic: SyntheticCohorts, shown: object) -> Evidence:
            return evidence_of(cohort, synthetic, wanted, seed, engine)

        first = sampler.sample(m=FIRST, seed=seed)
        synthetic, _, evidence = settled(
            first, MOST, asked, lambda m: sampler.sample(m=m, seed=seed), lambda made: made, judged
        )
    faithful = next(one for one in evidence.answered if one.question == "faithful")
    open_ = sorted({one.key for one in evidence.decisive if one.verdict not in ("pass",)})
    return {
        "seed": seed,
        "n": cohort.n,
        "faithful": faithful.answer,
        "m": len(synthetic),
        "findings": len(evidence.decisive),
        "not passed": " ".join(open_),
        "seconds": round(time.perf_counter() - started, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="start no case after so many minutes")
    parser.add_argument("--only", default=",".join(GENERATORS), help="generators, separated by commas")
    parser.add_argument("--purposes", default=",".join(PURPOSES), help="purposes, separated by commas")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--table", action="store_true", help="print the table of what is stored, and run nothing")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    end = time.monotonic() + 60 * given.minutes
    if not given.table:
        done = _done(given.seed)
        cases = [(name, cohort, purpose) for purpose in given.purposes.split(",") for name, cohort in cohorts()]
        for name, cohort, purpose in cases:
            for generator in given.only.split(","):
                if (name, purpose, generator) in done or time.monotonic() > end:
                    continue
                named = dict(zip(KEYS, (name, purpose, generator), strict=True))
                store(NAME, [{**named, **answer(cohort, purpose, generator, given.seed)}], KEYS)
    print(markdown(real_rates()))


def _done(seed: int) -> set[tuple[str, ...]]:
    """The cases that are stored with this seed."""
    if not (FOLDER / f"{NAME}.csv").exists():
        return set()
    return {tuple(row[key] for key in KEYS) for row in stored(NAME).to_dict("records") if row["seed"] == str(seed)}


if __name__ == "__main__":
    main()
