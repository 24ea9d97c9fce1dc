"""A two-arm trial of known make, drawn afresh as often as a test needs it, and ways to spoil it on purpose."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from heorsynth.data.cohort.cohort import Cohort

ROLES = {
    "endpoints": {"os": ("time", "event")}, "arm": "arm", "arm_reference": "usual", "costs": "cost",
    "utilities": "qaly", "subgroups": ["sex", "age_group"], "unit": "year", "currency": "EUR", "price_year": 2024,
}  # fmt: skip

SIZE = 4000
"""Patients: enough for a faithful cohort to pass at the default margins."""

Rng = np.random.Generator
Draw = Callable[[int, int], pd.DataFrame]


def faithful(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows


def all_columns_shuffled(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Independent marginals, but time stays with event."""
    spoilt = rows.copy()
    for name in [name for name in rows if name not in ("time", "event")]:
        spoilt[name] = rng.permutation(spoilt[name].to_numpy())
    return spoilt


def outcome_shuffled(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Time and event together are given to other patients: the overall curve stays."""
    order = rng.permutation(len(rows))
    return rows.assign(time=rows["time"].to_numpy()[order], event=rows["event"].to_numpy()[order])


def event_shuffled(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Which follow-up ends in an event is left to chance."""
    return rows.assign(event=rng.permutation(rows["event"].to_numpy()))


def died_at_the_mean(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Every patient dies about the arm's restricted mean to 3.6 years: the area is right, the curve is not."""
    mean = np.where(rows["arm"] == "new", 2.6, 2.2)
    return rows.assign(time=mean + rng.uniform(-0.02, 0.02, len(rows)), event=1)


def censoring_halved(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Half of the censored are called dead."""
    censored = (rows["event"] == 0) & (rng.random(len(rows)) < 0.5)
    return rows.assign(event=np.where(censored, 1, rows["event"]))


def tail_cut(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Nobody is followed for more than two and a half years."""
    return rows.assign(time=rows["time"].clip(upper=2.5), event=np.where(rows["time"] > 2.5, 0, rows["event"]))


def late_deaths_hastened(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Everyone still followed at 2.2 years dies within weeks."""
    late = rows["time"] > 2.2
    return rows.assign(time=np.where(late, 2.2 + rng.uniform(0, 0.1, len(rows)), rows["time"]),
                       event=np.where(late, 1, rows["event"]))  # fmt: skip


def effect_lost_late(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Among those still followed at a year and three quarters, who had which arm is left to chance."""
    late = (rows["time"] > 1.75).to_numpy()
    arm = rows["arm"].to_numpy().copy()
    arm[late] = rng.permutation(arm[late])
    return rows.assign(arm=arm)


def early_deaths_hastened(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Whoever dies within a year and a half dies in the first days."""
    early = (rows["time"] < 1.5) & (rows["event"] == 1)
    return rows.assign(time=np.where(early, rows["time"] / 100, rows["time"]))


def costs_winsorised(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(cost=rows["cost"].clip(upper=rows["cost"].quantile(0.8)))


def costs_at_p95_winsorised(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(cost=rows["cost"].clip(upper=rows["cost"].quantile(0.95)))


def zeros_filled(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Patients without cost get a small one: the mean hardly moves."""
    return rows.assign(cost=np.where(rows["cost"] == 0, 50.0, rows["cost"]))


def both_arms_dearer(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(cost=rows["cost"] + 3000.0)


def new_arm_dearer(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(cost=rows["cost"] + np.where(rows["arm"] == "new", 9000.0, 0.0))


def both_arms_better(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(qaly=rows["qaly"] + 0.4)


def new_arm_better(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(qaly=rows["qaly"] + np.where(rows["arm"] == "new", 0.4, 0.0))


def old_dropped(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """The oldest are replaced by others, drawn again."""
    kept = rows[rows["age_group"] != "70+"]
    return kept.iloc[rng.integers(len(kept), size=len(rows))].reset_index(drop=True)


def old_halved(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Half of the oldest are replaced by others."""
    kept = rows[(rows["age_group"] != "70+") | (rng.random(len(rows)) < 0.5)]
    return kept.iloc[rng.integers(len(kept), size=len(rows))].reset_index(drop=True)


def level_invented(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(sex=np.where(rng.random(len(rows)) < 0.01, "x", rows["sex"]))


def sex_shuffled(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Each sex keeps its share, but no longer goes with age."""
    return rows.assign(sex=rng.permutation(rows["sex"].to_numpy()))


def score_shuffled(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(score=rng.permutation(rows["score"].to_numpy()))


def score_squared(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Another distribution in the same order: ranks do not notice."""
    return rows.assign(score=np.sign(rows["score"]) * rows["score"] ** 2)


def scores_lost(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return rows.assign(score=rows["score"].where(rng.random(len(rows)) > 0.3))


def rows_doubled(rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Twice the rows of the same kind: every estimate stays, every plain standard error shrinks."""
    return pd.concat([rows, rows], ignore_index=True)


BREAKERS = {
    breaker.__name__: breaker
    for breaker in (
        faithful,
        all_columns_shuffled,
        outcome_shuffled,
        event_shuffled,
        died_at_the_mean,
        censoring_halved,
        tail_cut,
        late_deaths_hastened,
        effect_lost_late,
        early_deaths_hastened,
        costs_winsorised,
        costs_at_p95_winsorised,
        zeros_filled,
        both_arms_dearer,
        new_arm_dearer,
        both_arms_better,
        new_arm_better,
        old_dropped,
        old_halved,
        level_invented,
        sex_shuffled,
        score_shuffled,
        score_squared,
        scores_lost,
        rows_doubled,
    )
}
"""Each takes rows and a random stream, and returns spoilt rows."""


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Rows (n,) of the trial by seed: exponential survival, hazard ratio 0.6, costs with zeros and a gamma tail."""

    def rows(n: int, seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        arm = np.where(rng.random(n) < 0.5, "new", "usual")
        age = np.round(rng.normal(60, 10, n))
        sex = np.where(rng.random(n) < np.where(age < 60, 0.3, 0.6), "f", "m")
        hazard = 0.3 * np.exp(0.04 * (age - 60)) * np.where(arm == "new", 0.6, 1.0)
        death, left = rng.exponential(1 / hazard), rng.uniform(1, 6, n)
        time = np.minimum(death, left) + 0.001
        cost = np.where(rng.random(n) < 0.2, 0.0, rng.gamma(1.0, 8000.0, n)) + np.where(arm == "new", 5000.0, 0.0)
        qaly = 0.6 * time + rng.normal(0, 0.1, n) + np.where(arm == "new", 0.4, 0.0)
        score = np.where(rng.random(n) < 0.1, np.nan, 0.8 * (age - 60) + rng.normal(0, 8, n))
        return pd.DataFrame({
            "time": time, "event": (death <= left).astype(int), "arm": arm, "sex": sex, "age": age,
            "age_group": np.select([age < 50, age < 70], ["<50", "50-69"], "70+"), "cost": cost, "qaly": qaly,
            "score": score,
        })  # fmt: skip

    return rows


@pytest.fixture(scope="session")
def real(draw: Draw) -> Cohort:
    """The real cohort."""
    return Cohort(draw(SIZE, 1), **ROLES)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def small_real(draw: Draw) -> Cohort:
    """A real cohort of 500."""
    return Cohort(draw(500, 2), **ROLES)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def broken(draw: Draw, real: Cohort) -> Callable[..., list[Cohort]]:
    """Fresh draws, each spoilt by the breaker of that name; "faithful" leaves them as they are."""

    def cohorts(breaker: str, m: int = 5, n: int = SIZE) -> list[Cohort]:
        frames = [BREAKERS[breaker](draw(n, 100 + part), np.random.default_rng(part)) for part in range(m)]
        return [Cohort.derive(real.schema, frame, label=None, name=f"drawn {i}") for i, frame in enumerate(frames)]

    return cohorts
