"""A labelled synthetic cohort for tests of texts."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs


def patients(n: int = 60, seed: int = 3) -> "hs.Cohort":
    """A made-up trial with a slot of every kind."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "time": rng.integers(30, 3000, n),
        "event": rng.integers(0, 2, n),
        "trt": np.tile(["azathioprine", "placebo"], n // 2),
        "sex": rng.choice(["f", "m"], n),
        "age": np.round(rng.normal(60, 8, n), 1),
        "stage": rng.integers(1, 5, n),
        "ascites": rng.integers(0, 2, n),
        "bili": np.round(rng.lognormal(0.5, 0.7, n), 2),
        "cost": np.round(rng.gamma(2, 4000, n), 2),
        "qaly": np.round(rng.uniform(0, 1, n), 3),
        "seen": pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1500, n), unit="D"),
    })  # fmt: skip
    return hs.Cohort(
        frame, endpoints={"os": ("time", "event")}, arm="trt", costs=["cost"], utilities=["qaly"],
        subgroups=["sex"], currency="EUR", kind={"seen": "date"},
    )  # fmt: skip


@pytest.fixture(scope="session")
def real() -> "hs.Cohort":
    return patients()


@pytest.fixture(scope="session")
def synthetic(real: "hs.Cohort") -> "hs.Cohort":
    return hs.generators.create("marginals").fit(real, seed=1).sample(m=1, seed=1)[0]
