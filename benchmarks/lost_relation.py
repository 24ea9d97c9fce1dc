"""How often the largest lost relation is told: copies that keep it, that lose exactly the margin of it, and all of it.

    python benchmarks/lost_relation.py [--repetitions 200] [--sizes 60 150 400 1000]

Each repetition is a simulated trial and 20 resamples of its patients. In each resample, the quality of life of a random
share of rows is dealt anew among these: a share p takes p of each rank correlation with it. Asked is
`structure.association_max` with its margin. A pass where exactly the margin is lost is a wrong "yes".
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from results import markdown
from scipy import stats

import heorsynth as hs
from heorsynth.checks.core.finding import FAIL, PASS
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort

KEY, COLUMN, M = "structure.association_max", "qaly", 20
MARGIN = margin_for(KEY, ESTIMANDS[KEY].margin)
LOST = ("none", "the margin", "all")


def strongest(rows: pd.DataFrame) -> float:
    """Return the largest rank correlation of the column with another, levels as indicators."""
    others = pd.get_dummies(rows.drop(columns=COLUMN), dtype=float)
    return float(np.abs([stats.spearmanr(rows[COLUMN], others[name]).statistic for name in others]).max())


def dealt(rows: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return a resample in which the column of a share of the rows is dealt anew among them."""
    drawn = rows.iloc[rng.integers(len(rows), size=len(rows))].reset_index(drop=True)
    places = rng.permutation(len(rows))[: round(share * len(rows))]
    values = drawn[COLUMN].to_numpy().copy()
    values[places] = rng.permutation(values[places])
    return drawn.assign(**{COLUMN: values})


def verdict(n: int, lost: str, repetition: int) -> str:
    """Return the verdict of the finding."""
    real, rng = hs.datasets.simulated_trial(n, seed=repetition)[0], stream(repetition, KEY, lost)
    share = {"none": 0.0, "the margin": MARGIN.width / strongest(real.frame), "all": 1.0}[lost]
    copies = [Cohort.derive(real.schema, dealt(real.frame, share, rng), label=None) for _ in range(M)]
    (found,) = registry.findings("structure", real, copies, {KEY: MARGIN}, rng)
    return found.verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--sizes", type=int, nargs="+", default=[60, 150, 400, 1000])
    asked = parser.parse_args()
    rows = []
    for lost in LOST:
        row: dict[str, object] = {"lost": lost}
        for n in asked.sizes:
            found = [verdict(n, lost, one + 1) for one in range(asked.repetitions)]
            row[f"n = {n:,}: pass / fail"] = (
                f"{found.count(PASS) / len(found):.3f} / {found.count(FAIL) / len(found):.3f}"
            )
        rows.append(row)
    print(markdown(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
