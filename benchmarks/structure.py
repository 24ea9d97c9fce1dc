"""What three columns say together, in generators side by side.

    python benchmarks/structure.py [--only heor,bootstrap] [--seeds 3] [--first-seed 101] [--planted 10] [--minutes 60]
    python benchmarks/structure.py --table

Printed are Markdown tables: fidelity, structure and memory on five cohorts that settings were chosen on (*seen*) and on
six of the R package survival that they were not (*unseen*; left out where Rscript is not found); and the contrast of a
planted effect modifier that nobody declared, beside the contrast that is invented where none was planted. A case is
kept in benchmarks/results when it is done and skipped when it is there, so the script can be stopped and started
again; `--table` prints what is kept. `forest_diffusion` has the reduced settings of generators.py.

Third moments are E[abc] of columns standardised by the patients, over all triples; strong are, of the triples beyond
three standard errors, the tenth with the largest; the share kept of these is the slope of the drawn on the real.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import time
import warnings
from itertools import combinations

import numpy as np
import pandas as pd
from generators import COHORTS, frames, recipe
from metrics import cox, fidelity, indicators, nearer_to_training
from results import FOLDER, markdown, planted_rates, store, stored, structure_means

import heorsynth as hs
from heorsynth.data.columns.schema import Endpoint, Schema

UNSEEN = {
    "colon": ("subset(colon, etype == 2, select=-c(id, study, etype))", "time", "status", "rx"),
    "rotterdam": ("subset(rotterdam, select=-c(pid, rtime, recur))", "dtime", "death", "meno"),
    "nafld1": ("subset(nafld1, select=-c(id, case.id))", "futime", "status", "male"),
    "mgus2": ("subset(mgus2, select=-c(id, ptime, pstat))", "futime", "death", "sex"),
    "cgd": (
        "local({d <- subset(cgd, enum == 1); d$id <- d$random <- d$enum <- d$tstart <- NULL; d})",
        "tstop",
        "status",
        "treat",
    ),
    "diabetic": ("subset(diabetic, trt == 1, select=-c(id, trt))", "time", "status", "laser"),
}
"""Cohort -> expression in R, time, event, subgroup."""


CASE = ("set", "generator", "cohort", "seed")
PLANTED = ("generator", "n", "seed")


def unseen() -> dict[str, tuple[pd.DataFrame, str]]:
    """The cohorts of R as complete cases: time, event, covariates, with the subgroup as text; and the subgroup."""
    found = {}
    for name, (expression, at, event, subgroup) in UNSEEN.items() if shutil.which("Rscript") else ():
        script = f"suppressMessages(library(survival)); write.csv({expression}, row.names=FALSE, na='')"
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, check=True, text=True)
        frame = pd.read_csv(io.StringIO(done.stdout)).rename(columns={at: "time", event: "event"}).dropna()
        frame = frame[frame["time"] > 0].reset_index(drop=True)
        frame["event"] = (frame["event"] == 1).astype(int)
        frame[subgroup] = frame[subgroup].astype(str)
        found[name] = frame, subgroup
    return found


def thirds(wide: pd.DataFrame, mean: pd.Series, scale: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """E[abc] of all triples of three standardised columns, and their standard errors; levels of one column excluded."""
    held = ((wide[list(mean.index)] - mean) / scale).to_numpy()
    owner = [str(name).split("_")[0] for name in mean.index]
    triples = [found for found in combinations(range(len(owner)), 3) if len({owner[one] for one in found}) == 3]
    first, second, third = np.array(triples).T
    products = held[:, first] * held[:, second] * held[:, third]
    return products.mean(axis=0), products.std(axis=0) / np.sqrt(len(held))


def thirds_of(real: pd.DataFrame, drawn: pd.DataFrame) -> dict[str, float]:
    """Third moments: their mean absolute difference over all triples, and the share kept of the strong ones."""
    ours, theirs = indicators(real, drawn)
    ours = ours.loc[:, ours.std() > 0]
    mean, scale = ours.mean(), ours.std()
    wanted, error = thirds(ours, mean, scale)
    found, _ = thirds(theirs, mean, scale)
    beyond = np.flatnonzero(np.abs(wanted) > 3 * error)
    strong = beyond[np.argsort(-np.abs(wanted[beyond]))[: max(1, len(beyond) // 10)]]
    kept = float(found[strong] @ wanted[strong] / (wanted[strong] @ wanted[strong])) if len(beyond) else np.nan
    return {"third moments": float(np.abs(found - wanted).mean()), "strong kept": kept}


def structure(real: pd.DataFrame, drawn: pd.DataFrame) -> dict[str, float]:
    """Third moments, what a classifier and a Cox model see, and how far follow-up reaches."""
    ours, theirs = indicators(real, drawn)
    ours = ours.loc[:, ours.std() > 0]
    return {
        **thirds_of(real, drawn),
        "classifier AUC": classifier(ours.to_numpy(), theirs[list(ours)].to_numpy()),
        "Cox C, copy - patients": harrell(real, drawn) - harrell(real, real),
        "follow-up cut short": float(1 - drawn["time"].max() / real["time"].max()),
    }


def classifier(ours: np.ndarray, theirs: np.ndarray) -> float:
    """AUC of boosted trees that tell patients from drawn rows, in five folds."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict

    rows, told = np.vstack([ours, theirs]), np.repeat([0, 1], [len(ours), len(theirs)])
    order = np.random.default_rng(1).permutation(len(rows))
    model = HistGradientBoostingClassifier(max_iter=60, max_depth=4, random_state=1)
    guess = cross_val_predict(model, rows[order], told[order], cv=5, method="predict_proba")[:, 1]
    return float(roc_auc_score(told[order], guess))


def harrell(patients: pd.DataFrame, training: pd.DataFrame) -> float:
    """Harrell's C on the patients of a Cox model trained on these rows."""
    from lifelines.utils import concordance_index

    ours, theirs = indicators(*(rows.drop(columns=["time", "event"]) for rows in (patients, training)))
    held = [name for name in ours if ours[name].std() > 0 and theirs[name].std() > 0]
    centre, scale = ours[held].mean(), ours[held].std()
    slopes = cox((theirs[held] - centre) / scale, training)[0]
    risk = ((ours[held] - centre) / scale) @ slopes
    return float(concordance_index(patients["time"], -risk, patients["event"]))


def cohort_of(frame: pd.DataFrame, subgroup: str, arm: str | None = None) -> hs.Cohort:
    subgroups = () if arm else (subgroup,)
    schema = Schema(endpoints={"os": Endpoint("os", "time", "event")}, subgroups=subgroups, arm=arm)
    return hs.Cohort.derive(schema, frame, label=None)


def measured(name: str, frame: pd.DataFrame, subgroup: str, seed: int) -> dict[str, float]:
    """All measures of one generator on one cohort."""
    fitted = recipe(name).fit(cohort_of(frame, subgroup), seed=seed)
    drawn = fitted.sample(m=1, seed=seed)[0].frame.reset_index(drop=True)[list(frame)]
    half = np.random.default_rng(seed).permutation(len(frame)) < len(frame) // 2
    training, others = (frame[part].reset_index(drop=True) for part in (half, ~half))
    copy = recipe(name).fit(cohort_of(training, subgroup), seed=seed).sample(m=1, seed=seed)[0].frame
    near = nearer_to_training(training, others.iloc[: len(training)], copy.reset_index(drop=True)[list(training)])
    close = fidelity(frame, drawn, subgroup)
    names = ("KM gap", "KM gap, worst level", "RMST, relative error", "Cox log HR inside 95%", "marginals",
             "associations")  # fmt: skip
    return {**structure(frame, drawn), **{key: close[key] for key in names}, "nearer to training": near}


def planted(n: int, seed: int, hazard_ratios: tuple[float, float]) -> pd.DataFrame:
    """A trial of two arms whose effect depends on a marker, with five other covariates."""
    rng = np.random.default_rng(seed)
    arm, marker = rng.integers(2, size=n), rng.integers(2, size=n)
    rest = rng.standard_normal((n, 5)) + 0.4 * rng.standard_normal((n, 1))
    effect = np.where(marker == 1, *np.log(hazard_ratios)[:, None])
    event = rng.exponential(1 / np.exp(effect * arm + 0.3 * rest[:, 0])) * 24
    censored = rng.uniform(12, 60, n)
    frame = pd.DataFrame(rest.round(3), columns=[f"x{place}" for place in range(5)])
    frame = frame.assign(arm=arm.astype(str), marker=np.where(marker == 1, "yes", "no"))
    return frame.assign(time=np.minimum(event, censored).round(2) + 0.01, event=(event <= censored).astype(int))


def contrast(frame: pd.DataFrame) -> float:
    """Log hazard ratio of arm by marker."""
    arm, marker = (frame["arm"] == "1").astype(float), (frame["marker"] == "yes").astype(float)
    columns = pd.DataFrame({"arm": arm, "marker": marker, "both": arm * marker})
    return float(cox(columns, frame)[0]["both"])


def contrasts(name: str, n: int, seed: int) -> dict[str, float]:
    """The patients' contrast and that of five cohorts, where one was planted; and theirs where none was."""
    found = {}
    for kind, ratios in (("planted", (0.4, 1.8)), ("none", (0.7, 0.7))):
        frame = planted(n, seed, ratios)
        drawn = recipe(name).fit(cohort_of(frame, "", "arm"), seed=seed).sample(m=5, seed=seed)
        found[f"{kind}: patients"] = contrast(frame)
        found[f"{kind}: copies"] = float(np.mean([contrast(one.frame) for one in drawn]))
    return found


def kept_cases(name: str, keys: tuple[str, ...]) -> set[tuple[str, ...]]:
    """The cases that are in a stored table already."""
    if not (FOLDER / f"{name}.csv").exists():
        return set()
    return {tuple(row[key] for key in keys) for row in stored(name).to_dict("records")}


def rounded(measures: dict[str, float]) -> dict[str, object]:
    return {name: round(float(value), 5) for name, value in measures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="heor,bootstrap")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=101)
    parser.add_argument("--planted", type=int, default=10)
    parser.add_argument("--sets", default="seen,unseen", help="sets of cohorts, separated by commas")
    parser.add_argument("--minutes", type=float, default=60, help="start no case after so many minutes")
    parser.add_argument("--table", action="store_true", help="print the tables of what is stored, and run nothing")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    if not asked.table:
        run(asked)
    for title in ("seen", "unseen"):
        print(f"\n## {title}\n\n{markdown(structure_means(title))}")
    print(f"\n## planted\n\n{markdown(planted_rates())}")


def run(asked: argparse.Namespace) -> None:
    """Every case that is not stored yet, until the time is over: the planted contrast first."""
    end = time.monotonic() + 60 * asked.minutes
    names = asked.only.split(",")
    done = kept_cases("planted", PLANTED)
    for seed in range(asked.first_seed, asked.first_seed + asked.planted):
        for name in names:
            for n in (300, 600, 2000):
                if (name, str(n), str(seed)) not in done and time.monotonic() < end:
                    row = {"generator": name, "n": n, "seed": seed, **rounded(contrasts(name, n, seed))}
                    store("planted", [row], PLANTED)
    done = kept_cases("structure", CASE)
    sets = {"seen": {name: (frame, COHORTS[name]) for name, frame in frames().items()}, "unseen": unseen()}
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        for name in names:
            for title in asked.sets.split(","):
                cohorts = sets[title]
                for label, (frame, subgroup) in sorted(cohorts.items(), key=lambda one: len(one[1][0])):
                    if (title, name, label, str(seed)) not in done and time.monotonic() < end:
                        case = dict(zip(CASE, (title, name, label, seed), strict=True))
                        store("structure", [{**case, **rounded(measured(name, frame, subgroup, seed))}], CASE)


if __name__ == "__main__":
    main()
