"""A column dealt anew among the patients: each distribution is right, and what it had to do with the others is gone."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.planning.purposes import PURPOSES

N, M = 300, 20
ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": "cost",
         "utilities": "qaly", "unit": "year", "currency": "EUR", "price_year": 2024}  # fmt: skip


def patients(rng):
    """How ill a patient is makes time, cost and utility; the arm does nothing, so no comparison of arms can tell."""
    ill, arm = rng.normal(size=N), np.where(np.arange(N) % 2, "new", "usual")
    time, left = np.exp(-0.5 * ill + 0.6 * rng.normal(size=N)), rng.uniform(1, 4, N)
    return pd.DataFrame({
        "arm": arm, "time": np.minimum(time, left).round(4), "event": (time <= left).astype(int),
        "cost": np.exp(8 + 0.7 * ill + 0.4 * rng.normal(size=N)).round(2),
        "qaly": (1 / (1 + np.exp(ill + 0.3 * rng.normal(size=N)))).round(4),
    })  # fmt: skip


def copies(rows, dealt, rng):
    """Resamples of the patients, with some columns dealt anew."""
    resampled = [rows.iloc[rng.integers(N, size=N)].reset_index(drop=True) for _ in range(M)]
    moved = [rng.permutation(N) for _ in range(M)]
    return [
        hs.Cohort(one.assign(**{name: one[name].to_numpy()[places] for name in dealt}), **ROLES)
        for one, places in zip(resampled, moved, strict=True)
    ]


def answers(purpose, dealt):
    rng = np.random.default_rng(5)
    rows = patients(rng)
    economics = {"wtp": [20_000]} if purpose == "economic-evaluation" else None
    found = hs.validate(hs.Cohort(rows, **ROLES), copies(rows, dealt, rng), purpose=purpose, economics=economics)
    return found.answers["faithful"]


@pytest.mark.parametrize("purpose", ["teaching", "external-control", "augmentation", "economic-evaluation"])
def test_costs_dealt_anew_are_not_faithful_and_resamples_may_be(purpose):
    assert answers(purpose, ["cost"]) == "no"
    decided_by_chance = purpose == "economic-evaluation"  # net benefit of twenty resamples of 300 patients
    assert answers(purpose, []) in ({"yes", "not shown"} if decided_by_chance else {"yes"})


@pytest.mark.parametrize("dealt", [["qaly"], ["time", "event"]], ids=["utility", "survival"])
def test_teaching_asks_what_an_exercise_would_show(dealt):
    assert answers("teaching", dealt) == "no"


def test_every_purpose_whose_rows_are_analysed_decides_on_the_largest_relation():
    decided = {name for name, one in PURPOSES.items() if "structure.association_max" in {d.key for d in one.decisive}}
    assert set(PURPOSES) - decided == {"software-testing"}
