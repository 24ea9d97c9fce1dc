"""What `keep="all"` gives and costs: `python benchmarks/keep_all.py [--seeds 4]`.

Printed is, as a Markdown table over the bundled cohorts: the share of `structure.panel`'s analyses that are off by more
than one standard error, in the kind where it is largest (m = 20, seed 1); and the share of rows of one cohort that lie
nearer to a training patient than to another patient, where half of the patients are fitted (mean over the seeds).
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from generators import COHORTS, frames
from metrics import nearer_to_training

import heorsynth as hs
from heorsynth.checks.structure.panel import panel_result
from heorsynth.core.random import stream
from heorsynth.data.columns.schema import Endpoint, Schema

WAYS: dict[str, dict[str, str]] = {"default": {}, "all": {"keep": "all"}}


def off(cohort: hs.Cohort, options: dict[str, str], m: int = 20, seed: int = 1) -> float:
    """Share of the panel's analyses that are off, in the worst kind."""
    drawn = hs.generators.create("heor", **options).fit(cohort, seed=seed).sample(m=m, seed=seed)
    return panel_result(cohort, list(drawn), stream(seed, "check", "structure")).numbers().synthetic


def memory(frame: pd.DataFrame, subgroup: str, options: dict[str, str], seed: int) -> float:
    """Share of drawn rows whose nearest neighbour is one of the fitted half of the patients; 0.5 is none."""
    half = np.random.default_rng(seed).permutation(len(frame)) < len(frame) // 2
    training, others = (frame[part].reset_index(drop=True) for part in (half, ~half))
    schema = Schema(endpoints={"os": Endpoint("os", "time", "event")}, subgroups=(subgroup,))
    fitted = hs.generators.create("heor", **options).fit(hs.Cohort.derive(schema, training, label=None), seed=seed)
    drawn = fitted.sample(m=1, seed=seed)[0].frame.reset_index(drop=True)
    return nearer_to_training(training, others.iloc[: len(training)], drawn[list(training)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    asked = parser.parse_args()
    print(
        "| cohort | patients | panel, default | panel, all | nearer, default | nearer, all |\n|---|---|---|---|---|---|"
    )
    for name, frame in frames().items():
        cohort = hs.datasets.load(name)
        shares = [f"{off(cohort, options):.2f}" for options in WAYS.values()]
        near = [
            f"{np.mean([memory(frame, COHORTS[name], options, seed) for seed in range(101, 101 + asked.seeds)]):.3f}"
            for options in WAYS.values()
        ]
        print(f"| {name} | {cohort.n:,} | {' | '.join([*shares, *near])} |", flush=True)


if __name__ == "__main__":
    main()
