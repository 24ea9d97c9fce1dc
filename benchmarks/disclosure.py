"""How often each attack passes, and fails, rows that betray nobody, rows on the margin, and patients themselves.

    python benchmarks/disclosure.py --repetitions 200 --sizes 50 150 500 1000
    python benchmarks/disclosure.py --halves pbc gbsg2 --repetitions 20

print Markdown tables. Source, hold-out and fresh rows of the first are simulated trials of n patients each. `fresh`
are people who took no part; `margin` has one row in ten from a patient, moved by a hundredth of each spread, so that
55% of rows lie nearer to the source; `bootstrap` are the patients; `heor` is the generator as shipped. The second
fits generators to random halves of a public cohort, with its arm and subgroups, and attacks them with the other
halves as hold-outs. The rows of the first are kept in benchmarks/results when all kinds were asked.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np
import pandas as pd
from results import markdown, store

import heorsynth as hs
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort

SHARING = PURPOSES["data-sharing"]
MARGINS = {
    asked.key: margin_for(asked.key, asked.margin)
    for asked in (*SHARING.decisive, *SHARING.supporting)
    if asked.key.startswith("disclosure.")
}
MOVED = 0.01
KINDS = ("fresh", "margin", "bootstrap", "heor")
REPORTED = ("disclosure.nearest", "disclosure.membership")


def trial(n: int, seed: int) -> Cohort:
    """A simulated trial without subgroups: only everyone and the arms are looked at."""
    cohort, _ = hs.datasets.simulated_trial(n, seed)
    return Cohort.derive(cohort.schema.with_roles(subgroups=(), bands={}), cohort.frame, label=None)


def near_copies(source: Cohort, fresh: Cohort, share: float, rng: np.random.Generator) -> Cohort:
    """Fresh people, but a share of them replaced by patients whose numbers are moved a little."""
    frame, patients = fresh.frame, source.frame
    for name in frame.select_dtypes(float).columns:
        patients[name] = patients[name] + rng.normal(0, MOVED * patients[name].std(), len(patients))
    replaced = rng.permutation(len(frame))[: round(share * len(frame))]
    mixed = pd.concat([frame.drop(index=frame.index[replaced]), patients.iloc[replaced]], ignore_index=True)
    return Cohort.derive(source.schema, mixed, label=None)


def cohorts(name: str, source: Cohort, m: int, seed: int) -> list[Cohort]:
    """m cohorts of rows of one kind."""
    rng = stream(seed, "benchmark", name)
    if name in ("heor", "bootstrap"):
        return list(hs.generators.create(name).fit(source, seed).sample(m=m, seed=seed))
    fresh = [trial(source.n, 10**6 + seed * m + part) for part in range(m)]
    return fresh if name == "fresh" else [near_copies(source, one, 0.1, rng) for one in fresh]


def verdicts(name: str, n: int, seed: int, m: int) -> dict[str, str]:
    """The worst verdict of each attack among the decisive findings about everyone."""
    source, holdout = trial(n, 2 * seed), trial(n, 2 * seed + 1)
    found = registry.findings(
        "disclosure", source, cohorts(name, source, m, seed), MARGINS, stream(seed, "check"), holdout
    )
    order = ("pass", "inconclusive", "not estimable", "fail")
    return {
        key: max((one.verdict for one in found if one.key == key and one.group == "all"), key=order.index)
        for key in MARGINS
    }


def halves(dataset: str, recipe: str, repetitions: int, m: int) -> None:
    """What the attacks reach on a cohort's halves: mean and standard deviation over repetitions, and verdicts."""
    whole = hs.datasets.load(dataset)
    name, _, privacy = recipe.partition(":")
    generator = hs.generators.create(name, **({"privacy": privacy} if privacy else {}))
    found: dict[str, list[tuple[float, str]]] = {}
    for seed in range(1, repetitions + 1):
        order = stream(seed, "halves").permutation(whole.n)
        half = whole.n // 2
        source, holdout = (
            Cohort.derive(whole.schema, whole.frame.iloc[rows].reset_index(drop=True), label=None)
            for rows in (order[:half], order[half : 2 * half])
        )
        cohorts = list(generator.fit(source, seed).sample(m=m, seed=seed))
        for one in registry.findings("disclosure", source, cohorts, MARGINS, stream(seed, "check"), holdout):
            if one.group == "all" and one.key in REPORTED:
                found.setdefault(one.estimand, []).append((one.synthetic, one.verdict))
    for attack, told in found.items():
        reached = np.array([value for value, _ in told])
        count = Counter(verdict for _, verdict in told)
        shares = " | ".join(f"{count[kind] / len(told):.0%}" for kind in ("pass", "inconclusive", "fail"))
        print(
            f"| {dataset} | {recipe} | {attack} | {reached.mean():.3f} | {reached.std(ddof=1):.3f} | {shares} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halves", nargs="+", default=[], help="public cohorts, in place of simulated trials")
    parser.add_argument("--generators", nargs="+", default=["marginals", "heor:strong", "heor", "arf", "bootstrap"])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 150, 500, 1000])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--m", type=int, default=5)
    asked = parser.parse_args()
    started = time.perf_counter()
    if asked.halves:
        print("| cohort | generator | attack | mean | SD | pass | inconclusive | fail |")
        print("|" + "---|" * 8)
        for dataset in asked.halves:
            for recipe in asked.generators:
                halves(dataset, recipe, asked.repetitions, asked.m)
        print(f"\n{asked.repetitions} halves, m = {asked.m}, {time.perf_counter() - started:.0f} s.")
        return
    found: dict[tuple[str, int], dict[str, object]] = {
        (key, n): {"attack": key, "n": n} for key in MARGINS for n in asked.sizes
    }
    for name in asked.kinds:
        for n in asked.sizes:
            told = [verdicts(name, n, seed, asked.m) for seed in range(1, asked.repetitions + 1)]
            for key in MARGINS:
                passed, failed = (100 * float(np.mean([one[key] == kind for one in told])) for kind in ("pass", "fail"))
                found[key, n][f"{name}: pass / fail"] = f"{passed:g} / {failed:g}"
    if set(asked.kinds) == set(KINDS):
        store("disclosure", list(found.values()), ("attack", "n"))
    print(markdown(pd.DataFrame(list(found.values())).astype(str)), flush=True)
    print(f"\n{asked.repetitions} repetitions, m = {asked.m}, {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
