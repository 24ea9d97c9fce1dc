"""A trial with four visits: utilities at each, costs of each period, dropout, gaps, deaths and one data cut."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs

PLAN = (0, 4, 8, 12)


def trial(n: int, seed: int, *, jitter: bool = False) -> hs.Cohort:
    rng = np.random.default_rng(seed)
    arm = np.array(["usual", "new"])[rng.permutation(np.arange(n) % 2)]
    new, frail = arm == "new", rng.normal(size=n)
    died = rng.exponential(40 * np.exp(-0.5 * frail + 0.25 * new))
    cut = np.minimum(30 - rng.uniform(0, 25, n), 24)
    frame = pd.DataFrame({"arm": arm, "age": np.round(60 + 8 * rng.normal(size=n) + 2 * frail)})
    frame["time"], frame["event"] = np.maximum(np.minimum(died, cut), 0.05).round(2), (died <= cut).astype(int)
    z, left, before = rng.normal(size=n), np.zeros(n, dtype=bool), np.zeros(n)
    for time in PLAN:
        z = 0.75 * z + np.sqrt(1 - 0.75**2) * rng.normal(size=n) if time else z
        held = 0.72 + 0.06 * new * (time > 0) - 0.0025 * time + 0.16 * z - 0.1 * frail
        value = np.where(held > 0.93, 1.0, held.round(3))
        left |= (time > 0) & (rng.random(n) < 1 / (1 + np.exp(2.6 + 2.2 * (before - 0.7) + 0.4 * new)))
        gap = (time > 0) & (rng.random(n) < 1 / (1 + np.exp(2.6 + before - 0.7)))
        absent = left | gap | (frame["time"] < time)
        frame[f"u{time}"] = np.where(absent, np.nan, value)
        if time:
            amount = np.where(rng.random(n) < 0.15, 0, np.exp(6.2 + 0.3 * frail + 0.4 * new + 0.7 * rng.normal(size=n)))
            unpaid = left | gap | (frame["time"] <= time - 4) | (rng.random(n) < 0.05)
            frame[f"c{time}"] = np.where(unpaid, np.nan, amount.round(2))
        if time and jitter:
            moment = np.minimum(time + rng.normal(0, 0.25, n).round(2), frame["time"])
            frame[f"t{time}"] = np.where(absent, np.nan, moment)
        before = value
    columns = {time: (f"u{time}", f"t{time}") if jitter and time else f"u{time}" for time in PLAN}
    return hs.Cohort(
        frame,
        endpoints={"os": ("time", "event")},
        arm="arm",
        arm_reference="usual",
        unit="month",
        costs=["total"],
        utilities=["qaly"],
        visits={"eq5d": columns, "cost": {time: f"c{time}" for time in PLAN if time}},
        derived={"qaly": hs.area("eq5d", rate=0.035), "total": hs.total("cost")},
    )


@pytest.fixture(scope="session")
def patients() -> hs.Cohort:
    return trial(300, 1, jitter=True)


@pytest.fixture(scope="session")
def copies(patients: hs.Cohort):  # type: ignore[no-untyped-def]
    return hs.generators.create("heor").fit(patients, seed=1).sample(m=8, seed=1)
