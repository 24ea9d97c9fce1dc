"""Every estimand of visits against a trial that it must fail, and one that it cannot see but another estimand does."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.data.cohort.cohort import Cohort

N = 3000
LAW = hs.datasets.VisitTruth()
UTILITIES = ["eq5d_0m", "eq5d_3m", "eq5d_6m", "eq5d_12m"]
VISITS = registry.estimands_of("visits")


def alive(rows: pd.DataFrame, column: str) -> np.ndarray:
    years = int(column.split("_")[1].rstrip("m")) / 12
    return np.asarray((rows["event"] == 0) | (rows["time"] >= years))


def faithful(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return rows


def shuffled_between_patients(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The known values of a visit go to other patients of the arm: all means stay, and who was measured."""
    spoilt = rows.copy()
    for column in UTILITIES:
        for _, group in rows.groupby("arm"):
            known = group.index[group[column].notna()]
            spoilt.loc[known, column] = rng.permutation(rows.loc[known, column].to_numpy())
    return spoilt


def dropout_ignored(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Nobody leaves: the missing values of the living are the last known ones."""
    filled = rows[UTILITIES].ffill(axis=1)
    return rows.assign(**{name: filled[name].where(alive(rows, name)) for name in UTILITIES})


def gaps_for_dropout(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Of those who stay to the last visit a quarter misses the second: the dropout curve stays."""
    missed = rows["eq5d_12m"].notna() & (rng.random(len(rows)) < 0.25)
    return rows.assign(eq5d_3m=rows["eq5d_3m"].mask(missed))


def last_visit_better(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """All utilities are higher by 0.12 at the last visit, in every arm."""
    return rows.assign(eq5d_12m=rows["eq5d_12m"] + 0.12)


def arms_alike_at_last(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Usual care gains 0.1 at the last visit: the effect of the others goes."""
    return rows.assign(eq5d_12m=rows["eq5d_12m"] + 0.1 * (rows["arm"] == "usual"))


def all_better(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """All utilities are higher by 0.12, at every visit."""
    return rows.assign(**{name: rows[name] + 0.12 for name in UTILITIES})


def qaly_drawn(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """QALYs are those of other patients: they no longer are the area under the patient's utilities."""
    return rows.assign(qaly=rng.permutation(rows["qaly"].to_numpy()))


CASES: dict[str, tuple[Callable, Callable, str]] = {
    # estimand: (what it must fail, what it cannot see, the estimand that sees that)
    "visits.mean_profile": (last_visit_better, shuffled_between_patients, "visits.correlation"),
    "visits.correlation": (shuffled_between_patients, all_better, "visits.mean_profile"),
    "visits.change_from_baseline": (arms_alike_at_last, qaly_drawn, "visits.contradictions"),
    "visits.dropout": (dropout_ignored, gaps_for_dropout, "visits.missing_pattern"),
    "visits.missing_pattern": (gaps_for_dropout, all_better, "visits.area"),
    "visits.area": (all_better, shuffled_between_patients, "visits.correlation"),
    "visits.contradictions": (qaly_drawn, dropout_ignored, "visits.dropout"),
}


@cache
def findings(breaker: Callable) -> tuple[Finding, ...]:
    """The findings on eq5d: fresh trials of the same law, spoilt, against one trial."""
    real, _ = hs.datasets.simulated_trial(N, seed=1, visits=LAW)
    drawn = []
    for part in range(4):
        fresh, _ = hs.datasets.simulated_trial(N, seed=100 + part, visits=LAW)
        rows = breaker(fresh.frame, np.random.default_rng(part))
        if breaker is not qaly_drawn:
            rows = rows.drop(columns=["qaly", "total"])
        remade = Cohort(rows, **ROLES) if breaker is not qaly_drawn else Cohort.derive(real.schema, rows, label=None)
        drawn.append(remade)
    margins = {key: margin_for(key, {**ESTIMANDS[key].margin, "measure": "eq5d"}) for key in VISITS}
    return tuple(registry.findings("visits", real, drawn, margins, np.random.default_rng(1)))


ROLES = {
    "endpoints": {"os": ("time", "event", {1: "death"})}, "arm": "arm", "arm_reference": "usual", "costs": ["total"],
    "utilities": ["qaly"], "subgroups": ["sex", "stage"], "unit": "year", "currency": "EUR", "price_year": 2024,
    "visits": {"eq5d": dict(zip(LAW.times, UTILITIES, strict=True)),
               "cost": {0.25: "cost_3m", 0.5: "cost_6m", 1: "cost_12m"}},
    "derived": {"qaly": {"area": "eq5d", "rate": 0.035}, "total": {"total": "cost"}},
}  # fmt: skip


def verdicts(breaker: Callable, key: str) -> set[str]:
    return {finding.verdict for finding in findings(breaker) if finding.key == key}


def test_every_estimand_of_visits_has_a_case() -> None:
    assert set(CASES) == set(VISITS)


@pytest.mark.parametrize("key", CASES)
def test_it_fails_the_trial_spoilt_in_it_and_no_fresh_one(key: str) -> None:
    assert "fail" in verdicts(CASES[key][0], key)
    assert "fail" not in verdicts(faithful, key) and "pass" in verdicts(faithful, key)


@pytest.mark.parametrize("key", CASES)
def test_it_is_blind_to_what_another_one_sees(key: str) -> None:
    _, unseen, witness = CASES[key]
    assert "fail" not in verdicts(unseen, key) and "pass" in verdicts(unseen, key)
    assert "fail" in verdicts(unseen, witness)
