"""Whether what a sample of folders says holds what all their rows would say, and how often."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import heorsynth as hs
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.standing import Standing
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.engine.engine import open_engine
from heorsynth.evidence.folders import Sample

SIZES, MOST = (400, 1000, 2600), 1000
ROLES = {
    "endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": ["cost"],
    "utilities": ["qaly"], "subgroups": ["sex"], "unit": "year", "currency": "EUR", "price_year": 2024,
}  # fmt: skip
MARGINS = {
    key: margin_for(key, {"absolute": 0.1})
    for key in ("structure.marginals", "structure.associations", "structure.association_max", "structure.joint_ranks")
}


def patients(seed: int, loss: float) -> pd.DataFrame:
    """A simulated trial in the order of its times; of a share of its rows the costs are dealt out anew."""
    rng = np.random.default_rng(seed)
    frame = hs.datasets.simulated_trial(sum(SIZES), seed=seed)[0].frame.drop(columns=["drug", "hospital"])
    lost = np.flatnonzero(rng.random(len(frame)) < loss)
    frame.loc[lost, "cost"] = rng.permutation(frame.loc[lost, "cost"].to_numpy()) * (1 + loss)
    return frame.sort_values("time", ignore_index=True)


def put(frame: pd.DataFrame, folder: Path) -> CohortFolder:
    folder.mkdir()
    for part, rows in enumerate(np.split(np.arange(len(frame)), np.cumsum(SIZES)[:-1])):
        frame.iloc[rows].to_parquet(folder / f"{part}.parquet", index=False)
    return CohortFolder(folder, **ROLES)


def found(sample: Sample, seed: int) -> dict[tuple[str, str, str], Finding]:
    chance, standing = np.random.default_rng(seed), sample.standing(Standing())
    findings = registry.findings("structure", sample.real, sample.synthetic, MARGINS, chance, None, standing)
    return {(one.key, one.estimand, one.group): one for one in findings}


@pytest.mark.parametrize(
    ("loss", "times", "mean"),
    [
        pytest.param(0.0, 25, 0.92, id="a faithful copy", marks=pytest.mark.long),
        pytest.param(0.5, 25, 0.92, id="a copy that lost half of what costs hang on", marks=pytest.mark.long),
        pytest.param(0.5, 8, 0.88, id="a copy that lost half of what costs hang on, 8 samples"),
    ],
)
def test_the_interval_of_a_sample_holds_what_all_rows_say(loss: float, times: int, mean: float, tmp_path: Path) -> None:
    """Intervals are those of an endless population, and the sample is a fourth of its folder.

    An exact 90% interval then holds the value of all rows in P(|Z| < 1.645/√(3/4)) = 94%, and intervals of distances
    are conservative. At 94% each of 25 findings reaches 18 or more of 25 samples but once in 10,000 times.
    """
    real = put(patients(1, 0.0), tmp_path / "real")
    copies = [put(patients(seed, loss), tmp_path / f"{seed}") for seed in range(2, 7)]
    held: dict[tuple[str, str, str], list[bool]] = {}
    with open_engine() as local:
        whole = found(Sample.drawn(real, copies, real.n, 1, local), 1)
        for seed in range(times):
            for key, one in found(Sample.drawn(real, copies, MOST, seed, local), seed).items():
                held.setdefault(key, []).append(one.lower <= whole[key].difference <= one.upper)
    shares = np.array([np.mean(inside) for inside in held.values()])
    assert len(shares) == 25
    assert shares.min() * times >= stats.binom.ppf(1e-4, times, 0.94)
    assert shares.mean() >= mean
    cost = whole["structure.marginals", "distribution of cost (Kolmogorov-Smirnov)", "all"]
    assert (cost.difference > 0.1) == (loss > 0)
