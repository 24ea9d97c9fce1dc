"""The visits of a cohort as arrays: months and days, jitter, deaths, and rows that contradict themselves."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.visits.measured import contradicts, outcome, trajectories
from heorsynth.core.errors import NotEstimableError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.visits.schedule import area, total


def cohort() -> Cohort:
    """Four patients followed in days with visits in months; the second dies in the sixth month, the third leaves."""
    rows = pd.DataFrame({
        "time": [400.0, 170.0, 400.0, 400.0], "event": [0, 1, 0, 0],
        "u0": [0.8, 0.6, 0.7, 1.0], "u6": [0.7, np.nan, np.nan, 0.9], "u12": [0.6, np.nan, np.nan, 0.8],
        "at6": [6.2, np.nan, np.nan, 5.8], "c6": [100.0, 50.0, 80.0, 0.0], "c12": [100.0, np.nan, np.nan, 10.0],
    })  # fmt: skip
    return Cohort(
        rows, endpoints={"os": ("time", "event")}, costs=["total"], utilities=["qaly"], unit="day", visit_unit="month",
        visits={"eq5d": {0: "u0", 6: ("u6", "at6"), 12: "u12"}, "cost": {6: "c6", 12: "c12"}},
        derived={"qaly": area("eq5d", rate=0.035), "total": total("cost", rate=0.035)},
    )  # fmt: skip


def test_visits_after_death_are_late_and_periods_that_began_before_it_are_not() -> None:
    assert trajectories(cohort(), "eq5d").late.sum(axis=1).tolist() == [0, 2, 0, 0]
    assert trajectories(cohort(), "cost").late.sum(axis=1).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("column", ["qaly", "total"])
def test_an_outcome_is_the_derived_column(column: str) -> None:
    held = cohort()
    made = outcome(held, column)
    known = made.known
    assert known.tolist() == [True, True, False, True]
    stored = held.column(column).astype(float)
    assert made.of(np.nan_to_num(made.seen.values))[known] == pytest.approx(stored[known], abs=1e-12)


def test_rows_that_contradict_their_visits_are_found() -> None:
    held = cohort()
    assert not contradicts(held, "eq5d").any() and not contradicts(held, "cost").any()
    rows = held.frame.assign(qaly=lambda frame: frame["qaly"] + [0, 0, 0, 0.1])
    rows.loc[1, "u12"] = 0.5
    broken = Cohort.derive(held.schema, rows, label=None)
    assert contradicts(broken, "eq5d").tolist() == [False, True, False, True]
    assert not contradicts(broken, "cost").any()


def test_a_cohort_that_lacks_a_visit_is_refused() -> None:
    held = cohort()
    with pytest.raises(NotEstimableError, match="lacks"):
        trajectories(hs.datasets.load("pbc"), "eq5d")
    with pytest.raises(NotEstimableError, match="lacks"):
        trajectories(Cohort.derive(held.schema, held.frame.drop(columns="u12"), label=None), "eq5d")
