"""The checks are themselves checked: how often each passes and fails copies that are right, borderline or wrong.

The patients are fixed, and the cohorts of a copy are resamples of spoilt patients: their expectation is the estimate of
those. How much is spoilt is solved for, so that this estimate is a stated number of margins off.
"""

import math
from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from heorsynth.checks.core.distance import Gaps, average, largest
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort

HORIZON, LANDMARK, THRESHOLD, MEAN_COST = 3.0, 1.5, 20_000.0, 10_500.0


def trial(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Patients of two arms: 15% have no cost, and the others a gamma one with mean 10,000 and deviation 8,000."""
    arm = rng.random(n) < 0.5
    death, left = rng.exponential(1 / np.where(arm, 0.25, 0.35)), rng.uniform(1, 6, n)
    spent = np.where(rng.random(n) < 0.15, 0.0, rng.gamma(1.5625, 6400.0, n))
    spent = MEAN_COST + (spent + np.where(arm, 4000.0, 0.0) - MEAN_COST)
    old, together = rng.standard_normal(n), 2 * math.sin(math.pi * 0.6 / 6)
    score = together * old + math.sqrt(1 - together**2) * rng.standard_normal(n)
    score[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame({
        "time": np.minimum(death, left) + 1e-6, "event": (death <= left).astype(int),
        "arm": np.where(arm, "new", "usual"), "cost": spent,
        "qaly": rng.gamma(9.0, 0.2, n) + np.where(arm, 0.3, 0.0),
        "age": 60 + 10 * old, "score": score, "sex": np.where(rng.random(n) < 0.4, "f", "m"),
    })  # fmt: skip


MARGINS: dict[str, dict[str, object]] = {
    "survival.rmst": {"relative": 0.05, "horizon": HORIZON},
    "survival.rmst_difference": {"relative": 0.05, "horizon": HORIZON},
    "survival.landmark": {"absolute": 0.10, "at": LANDMARK},
    "survival.km_gap": {"absolute": 0.10, "horizon": HORIZON},
    "survival.hazard_ratio": {"ratio": [0.8, 1.25]},
    "costs.mean": {"relative": 0.10},
    "costs.cv": {"relative": 0.25},
    "costs.difference": {"relative": 0.20},
    "utilities.mean": {"relative": 0.10},
    "economics.incremental_qaly": {"absolute": 0.10},
    "economics.inmb": {"relative": 0.10},
    "subgroups.representation": {"ratio": [0.8, 1.25]},
    "structure.marginals": {"absolute": 0.10},
    "survival.censoring": {"relative": 0.05, "horizon": HORIZON},
    "survival.follow_up": {"absolute": 0.10, "horizon": HORIZON},
    "costs.zero_share": {"absolute": 0.10},
    "structure.missingness": {"absolute": 0.05},
    "structure.association_max": {"absolute": 0.30},
}

NAMED = {"subgroups.representation": "sex=f", "structure.marginals": "of age", "structure.missingness": "score"}
"""What the finding that is counted has in its label or group, where a check has several."""


def counted(key: str, finding: Finding) -> bool:
    if key in NAMED:
        return NAMED[key] in f"{finding.estimand} {finding.group}"
    return finding.group == "all" or " vs " in finding.group


N = 500
EDGE, FEW = 40, 20
"""Repetitions on the edge of the margin, and where nearly every one must come out the same way."""

AT_MOST = int(stats.binom.ppf(0.9995, EDGE, 0.05))
"""Wrong answers that a check with a 5% error rate stays within in 1,999 of 2,000 such simulations: 8 of 40."""

NEARLY_ALL = int(stats.binom.ppf(0.0005, FEW, 0.95))
"""Right answers that a check that is right in 95% reaches in as many: 15 of 20."""

Rows = pd.DataFrame


def first(rows: Rows, among: pd.Series, share: float) -> np.ndarray:
    """A share of all rows, taken from the front of those `among` which it is."""
    place = np.flatnonzero(among.to_numpy())
    return place[: round(share * len(rows))]


def put(rows: Rows, column: str, among: pd.Series, share: float, value: object) -> Rows:
    spoilt = rows.copy()
    spoilt.loc[first(rows, among, share), column] = value
    return spoilt


def scaled(rows: Rows, column: str, factor: object) -> Rows:
    return rows.assign(**{column: rows[column] * factor})


def new(rows: Rows) -> pd.Series:
    return rows["arm"] == "new"


def spread_less(rows: Rows, size: float) -> Rows:
    mean = rows["cost"].where(rows["cost"] > 0).groupby(rows["arm"]).transform("mean")
    return rows.assign(cost=np.where(rows["cost"] > 0, mean + (1 - size) * (rows["cost"] - mean), 0.0))


def score_reversed(rows: Rows, size: float) -> Rows:
    """The scores of a share of the patients fall with age."""
    among = first(rows, rows["score"].notna(), size)
    spoilt, ages = rows.copy(), rows["age"].iloc[among].to_numpy()
    spoilt.loc[among[np.argsort(ages)], "score"] = np.sort(rows["score"].iloc[among].to_numpy())[::-1]
    return spoilt


SPOILT: dict[str, Callable[[Rows, float], Rows]] = {
    "survival.rmst": lambda rows, size: scaled(rows, "time", 1 + size),
    "survival.rmst_difference": lambda rows, size: scaled(rows, "time", np.where(new(rows), 1 + size, 1.0)),
    "survival.landmark": lambda rows, size: scaled(rows, "time", 1 + size),
    "survival.km_gap": lambda rows, size: scaled(rows, "time", 1 + size),
    "survival.hazard_ratio": lambda rows, size: scaled(rows, "time", np.where(new(rows), 1 + size, 1.0)),
    "costs.mean": lambda rows, size: scaled(rows, "cost", 1 + size),
    "costs.cv": spread_less,
    "costs.difference": lambda rows, size: rows.assign(cost=rows["cost"] + 10_000 * size * new(rows)),
    "utilities.mean": lambda rows, size: scaled(rows, "qaly", 1 + size),
    "economics.incremental_qaly": lambda rows, size: rows.assign(qaly=rows["qaly"] + size * new(rows)),
    "economics.inmb": lambda rows, size: rows.assign(cost=rows["cost"] + 20_000 * size * new(rows)),
    "subgroups.representation": lambda rows, size: put(rows, "sex", rows["sex"] == "f", size, "m"),
    "structure.marginals": lambda rows, size: rows.assign(age=rows["age"] + 50 * size),
    "survival.censoring": lambda rows, size: scaled(rows, "time", np.where(rows["event"] == 0, 1 - 0.6 * size, 1.0)),
    "survival.follow_up": lambda rows, size: put(rows, "time", rows["time"] < HORIZON, size, 4.0),
    "costs.zero_share": lambda rows, size: put(rows, "cost", rows["cost"] > 0, size, 0.0),
    "structure.missingness": lambda rows, size: put(rows, "score", rows["score"].notna(), size, np.nan),
    "structure.association_max": score_reversed,
}  # fmt: skip
"""Rows spoilt by a size from 0 to 1, for the estimand of that name."""


@cache
def patients(key: str) -> Cohort:
    return Cohort(
        trial(N, np.random.default_rng(11)),
        endpoints={"os": ("time", "event")},
        arm="arm",
        arm_reference="usual",
        costs="cost",
        utilities="qaly",
        subgroups=["sex"] if key.startswith("subgroups") else [],
        unit="year",
        currency="EUR",
    )


def judged(key: str, frames: list[Rows], rng: np.random.Generator) -> Finding:
    real = patients(key)
    margins = {key: margin_for(key, MARGINS[key], {"wtp": (THRESHOLD,)})}
    drawn = [Cohort.derive(real.schema, frame.reset_index(drop=True), label=None) for frame in frames]
    found = registry.findings(ESTIMANDS[key].check, real, drawn, margins, rng)
    return next(one for one in found if counted(key, one))


@cache
def off_by(key: str, times: float) -> Rows:
    """The patients spoilt by so many margins, or a hair more: a share moves in steps of one patient."""
    rows, rng = patients(key).frame, np.random.default_rng(1)
    if not times:
        return rows
    low, high = 0.0, 1.0
    for _ in range(12):
        size = (low + high) / 2
        found = judged(key, [SPOILT[key](rows, size)], rng)
        enough = abs(found.difference) >= times * found.margin
        low, high = (low, size) if enough else (size, high)
    return SPOILT[key](rows, high)


def verdicts(key: str, times: float, repetitions: int, m: int) -> Counter[str]:
    base, found = off_by(key, times), Counter[str]()
    for repetition in range(repetitions):
        rng = stream(1, key, str(times), repetition)
        frames = [base.iloc[rng.integers(N, size=N)] for _ in range(m)]
        found[judged(key, frames, rng).verdict] += 1
    return found


def test_every_case_is_spoilt():
    assert set(SPOILT) == set(MARGINS)


@pytest.mark.parametrize("key", SPOILT)
def test_the_spoilt_patients_are_one_margin_off_or_a_patient_more(key):
    found = judged(key, [off_by(key, 1.0)], np.random.default_rng(1))
    assert 1 <= abs(found.difference) / found.margin < 1.05


@pytest.mark.parametrize("key", SPOILT)
def test_an_unbiased_copy_passes_nearly_always(key):
    found = verdicts(key, 0.0, FEW, m=12)
    assert found["pass"] >= NEARLY_ALL and found["fail"] <= 1


@pytest.mark.parametrize("key", SPOILT)
def test_a_copy_off_by_exactly_the_margin_seldom_passes(key):
    assert verdicts(key, 1.0, EDGE, m=4)["pass"] <= AT_MOST


@pytest.mark.parametrize("key", SPOILT)
def test_a_copy_off_by_three_margins_never_passes_and_fails(key):
    found = verdicts(key, 3.0, FEW, m=6)
    assert found["pass"] == 0 and found["fail"] >= NEARLY_ALL


@pytest.mark.parametrize("key", SPOILT)
def test_one_cohort_settles_nothing(key):
    assert verdicts(key, 0.0, 1, m=1) == {"inconclusive": 1}


@pytest.mark.parametrize("measure", [largest, average], ids=["largest", "average"])
@pytest.mark.parametrize("shift", [0.0, 0.02, 0.2])
def test_the_bounds_of_a_distance_are_each_wrong_at_most_one_time_in_twenty(measure, shift):
    """Ten correlated gaps in each of 6 cohorts, four truly `shift`: also at 0, where noise makes a distance larger."""
    rng, repetitions = np.random.default_rng(5), 500
    covariance = 0.02**2 * (0.5 * np.eye(10) + 0.5)
    truth = np.where(np.arange(10) < 4, shift, 0.0)
    noise = rng.multivariate_normal(np.zeros(10), covariance, 500)
    true = np.abs(truth).max() if measure is largest else np.abs(truth).mean()
    drawn = rng.multivariate_normal(truth, covariance, (repetitions, 6))
    measured = [measure(Gaps.of(each, noise, rng)) for each in drawn]
    bounds = np.array([(one.lower, one.upper) for one in measured])
    allowed = stats.binom.ppf(0.9995, repetitions, 0.05)
    assert (bounds[:, 0] > true + 1e-12).sum() <= allowed
    assert (bounds[:, 1] < true - 1e-12).sum() <= allowed
