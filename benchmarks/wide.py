"""Many columns of few patients: seconds, memory, and what is kept of a planted truth.

`python benchmarks/wide.py [--columns 100,500,1000,2000] [--patients 100]` times fit, draw and judgement, each size in a
process of its own, in seconds of processor time, with the largest resident size.

`python benchmarks/wide.py --truths [--seeds 11,12,13]` draws patients from laws with known correlations and prints how
far the correlations that a law aims at are from them: shrunk pair by pair as in the dense form, as blocks alone, as
factors alone, and as both, the form of many columns; and how far those of rows are that `heor` then draws.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import ndtri

import heorsynth as hs
from heorsynth.generators.latent import blocks as pairs
from heorsynth.generators.latent.dependence import Thresholds, james_stein
from heorsynth.generators.latent.factors import factors_of
from heorsynth.generators.latent.wide import wide_target

ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost"], "utilities": ["qaly"]}
STANDARD = Thresholds(residual=2.5, score=3.0, hazard=0.5)
TRUTHS = ("independent", "blocks", "factors", "factors and blocks", "chain")
TRUE, INVENTED = 0.1, 0.1


def cohort(n: int, columns: int, seed: int) -> hs.Cohort:
    """Patients with numbers, two levels and three to six levels, related in tens; every seventh column has gaps."""
    rng = np.random.default_rng(seed)
    frame = {
        "time": np.round(rng.exponential(500, n) + 1), "event": (rng.random(n) < 0.6).astype(int),
        "arm": np.where(np.arange(n) % 2, "new", "usual"), "sex": rng.choice(["f", "m"], n),
        "cost": np.round(rng.gamma(2, 1000, n), 2), "qaly": np.round(rng.beta(4, 2, n), 3),
    }  # fmt: skip
    shared = rng.normal(size=(n, columns // 10 + 1))
    for place in range(columns - len(frame)):
        score, kind = 0.6 * shared[:, place // 10] + 0.8 * rng.normal(size=n), place % 20
        if kind < 12:
            values = pd.Series(np.round(score * 10 + 50, 1) if kind % 2 else np.exp(score).round(3))
        elif kind < 17:
            values = pd.Series(np.where(score > (-0.8, -0.5, 0.0, 0.5, 1.0)[kind - 12], "yes", "no"), dtype=object)
        else:
            cuts = np.linspace(-0.8, 0.8, kind - 15 + place // 20 % 2)
            values = pd.Series(np.array(list("ABCDEF"))[np.digitize(score, cuts)], dtype=object)
        frame[f"x{place:04d}"] = values if place % 7 else values.mask(rng.random(n) < 0.15)
    return hs.Cohort(pd.DataFrame(frame), **ROLES, subgroups=["sex"], unit="day", currency="EUR")


def timed(columns: int, n: int, m: int) -> dict[str, float]:
    """Seconds of processor time of each step, and MiB at the most."""
    patients, found = cohort(n, columns, 1), {"columns": columns}

    def step(name: str, work: Callable[[], object]) -> object:
        start = time.process_time()
        made = work()
        found[name] = round(time.process_time() - start, 1)
        return made

    sampler = step("fit", lambda: hs.generators.create("heor").fit(patients, seed=1))
    step("draw 1", lambda: sampler.sample(m=1, seed=1))
    drawn = step(f"draw {m}", lambda: sampler.sample(m=m, seed=1))
    found["MiB, fit and draw"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    step("judge", lambda: hs.validate(patients, drawn, purpose="data-sharing", seed=1))
    found["MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def correlations(truth: str, p: int, rng: np.random.Generator) -> np.ndarray:
    """The correlations (p, p) of a law."""
    found = np.eye(p)
    if "blocks" in truth:
        for start in range(0, p, 10):
            found[start : start + 10, start : start + 10] = rng.choice([0.0, 0.3, 0.5, 0.7])
    if truth == "chain":
        found = 0.7 ** np.abs(np.subtract.outer(np.arange(p), np.arange(p)))
    np.fill_diagonal(found, 1.0)
    if "factors" in truth:
        loadings = rng.normal(size=(3, p)) * np.array([[0.5], [0.4], [0.3]])
        loadings /= np.sqrt(np.maximum(1, (loadings**2).sum(axis=0) / 0.9))
        own = np.sqrt(1 - (loadings**2).sum(axis=0))
        found = found * np.outer(own, own) + loadings.T @ loadings
    return found


def patients_of(law: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Columns of n patients (n, p), three of ten cut to levels of 8% to 50%, and the correlations of all people."""
    root = np.linalg.cholesky(law + 1e-9 * np.eye(len(law))).T
    columns, people = (rng.normal(size=(size, len(law))) @ root for size in (n, 20_000))
    cut = np.where(rng.random(len(law)) < 0.3, ndtri(rng.uniform(0.5, 0.92, len(law))), np.nan)
    columns, people = (np.where(np.isnan(cut), one, one > cut) for one in (columns, people))
    varies = np.array([np.ptp(one) > 0 and np.unique(one, return_counts=True)[1].max() <= n - 5 for one in columns.T])
    whole = np.corrcoef(people[:, varies].T)
    return columns[:, varies], np.where(np.abs(law[np.ix_(varies, varies)]) < 1e-3, 0.0, whole)


def aimed_at(columns: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The correlations (p, p) that each way to shrink those of these patients aims at."""
    n, p = columns.shape
    held = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    known, owner, none = np.ones((n, p), dtype=bool), np.arange(p), np.zeros((n, 0))
    each = james_stein(np.corrcoef(columns.T), float(n), STANDARD.residual)
    loadings = factors_of(held, known, owner, rng)
    found = {"pair by pair": each, "factors": loadings.T @ loadings}
    found["factors and blocks"] = whole(wide_target(none, held, known, owner, 0, 0, STANDARD, rng), p)
    one, other, _ = pairs.pairs_beyond_chance(held, known, owner, 1, rng)
    shown = np.zeros((p, p), dtype=np.float32)
    shown[one, other] = shown[other, one] = 1
    found["blocks"] = np.where(shown + shown @ shown > 0, each, 0.0)
    return found


def whole(target: object, p: int) -> np.ndarray:
    """The matrix (p, p) of factors and blocks."""
    found = target.loadings.T @ target.loadings
    for block in target.blocks:
        found[np.ix_(block.places, block.places)] = block.matrix
    return found


def drawn(columns: np.ndarray, seed: int) -> np.ndarray:
    """The correlations (p, p) of 4,000 rows that `heor` draws after these patients."""
    frame = pd.DataFrame(columns, columns=[f"x{place:04d}" for place in range(columns.shape[1])])
    two = [name for name in frame if frame[name].nunique() == 2]
    frame[two] = frame[two].astype(int)
    sampler = hs.generators.create("heor").fit(hs.Cohort(frame, endpoints={}), seed=seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(
            np.corrcoef(sampler.sample(n=4000, m=1, seed=seed)[0].frame[frame.columns].to_numpy(float).T)
        )


def measures(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """RMS distance over all pairs; mean distance and slope over true ones; share of null ones above `INVENTED`."""
    above = np.triu_indices(len(truth), 1)
    got, true = found[above], truth[above]
    some, none = np.abs(true) > TRUE, true == 0
    slope = float(got[some] @ true[some] / (true[some] @ true[some])) if some.any() else np.nan
    return [
        float(np.sqrt(np.mean((got - true) ** 2))),
        float(np.abs(got - true)[some].mean()) if some.any() else np.nan,
        slope,
        float((np.abs(got[none]) > INVENTED).mean()) if none.sum() > 1000 else np.nan,
    ]


def truths(n: int, sizes: list[int], seeds: list[int], rows: bool) -> None:
    """Print the table of planted truths, means over the seeds."""
    heads = ["truth", "columns", "form", "RMS distance", "mean distance, true pairs", "slope", "invented"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for truth in TRUTHS:
        for p in sizes:
            found: dict[str, list[list[float]]] = {}
            for seed in seeds:
                rng = np.random.default_rng(seed)
                columns, true = patients_of(correlations(truth, p, rng), n, rng)
                sample = {"the patients": np.corrcoef(columns.T)} | aimed_at(columns, rng)
                if rows:
                    sample["rows drawn by heor"] = drawn(columns, seed)
                for form, one in sample.items():
                    found.setdefault(form, []).append(measures(one, true))
            for form, several in found.items():
                told = " | ".join("" if np.isnan(one) else f"{one:.4f}" for one in np.mean(several, axis=0))
                print(f"| {truth} | {p} | {form} | {told} |", flush=True)


def main() -> None:
    """Read the arguments, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", default="100,500,1000,2000")
    parser.add_argument("--patients", type=int, default=100)
    parser.add_argument("--cohorts", type=int, default=3)
    parser.add_argument("--one", type=int, help="time one size in this process")
    parser.add_argument("--truths", action="store_true")
    parser.add_argument("--rows", action="store_true", help="with --truths: draw rows with heor too")
    parser.add_argument("--seeds", default="11,12,13")
    given = parser.parse_args()
    sizes = [int(one) for one in given.columns.split(",")]
    if given.one:
        print(json.dumps(timed(given.one, given.patients, given.cohorts)))
    elif given.truths:
        truths(given.patients, sizes, [int(one) for one in given.seeds.split(",")], given.rows)
    else:
        for place, columns in enumerate(sizes):
            command = [sys.executable, __file__, "--one", str(columns), "--patients", str(given.patients)]
            command += ["--cohorts", str(given.cohorts)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            if not place:
                print(f"| {' | '.join(found)} |\n|{'---|' * len(found)}")
            print(f"| {' | '.join(f'{one:,}' for one in found.values())} |", flush=True)


if __name__ == "__main__":
    main()
