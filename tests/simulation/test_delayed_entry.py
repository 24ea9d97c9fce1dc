"""Patients who come under observation late: the copy's risk sets, and so its curve, are the source's."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.estimators.survival.estimates import kaplan_meier

GRID = np.linspace(0.5, 6.0, 200)


def registry(n: int, seed: int) -> hs.Cohort:
    """A registry joined some time after diagnosis: only those still alive then are in it."""
    rng = np.random.default_rng(seed)
    arm = np.where(rng.random(4 * n) < 0.5, "a", "b")
    death = rng.weibull(1.3, 4 * n) * np.where(arm == "a", 4.0, 6.0)
    entry = rng.uniform(0, 3, 4 * n)
    end = entry + rng.uniform(1, 6, 4 * n)
    seen = np.flatnonzero(np.minimum(death, end) > entry)[:n]
    frame = pd.DataFrame(
        {
            "entry": np.round(entry, 3),
            "time": np.round(np.minimum(death, end), 3) + 0.001,
            "event": (death <= end).astype(int),
            "arm": arm,
        }
    ).iloc[seen]
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, arm="arm", entry="entry", unit="year")


def curve(cohort: hs.Cohort) -> np.ndarray:
    time, cause, entry = cohort.outcome("os")
    found = kaplan_meier(time, cause == 1, entry)
    return np.concatenate([[1.0], found.survival])[np.searchsorted(found.times, GRID, side="right")]


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_curve_under_delayed_entry_is_nearer_than_a_resample_is(seed: int) -> None:
    cohort = registry(600, seed)
    syn = hs.generators.create("heor").fit(cohort, seed=1).sample(m=5, seed=1)
    rng = np.random.default_rng(1)
    gap = np.mean([np.abs(curve(one) - curve(cohort)).mean() for one in syn])
    resampled = [cohort.take(rng.integers(0, cohort.n, cohort.n)) for _ in range(20)]
    assert gap < 0.8 * np.mean([np.abs(curve(one) - curve(cohort)).mean() for one in resampled])
    assert syn.broken == {}
    assert all((one.frame["entry"] < one.frame["time"]).all() for one in syn)
