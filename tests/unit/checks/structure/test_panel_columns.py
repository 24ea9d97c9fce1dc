"""The columns of the panel mean the same in every cohort: their cuts come from the patients."""

from __future__ import annotations

import numpy as np
import pandas as pd

from heorsynth.checks.structure.columns import numbers
from heorsynth.checks.structure.panel_columns import FEWEST, High, Level, Number, panel_columns, values_of
from heorsynth.data.cohort.cohort import Cohort


def cohort(**columns: object) -> Cohort:
    n = 60
    frame = pd.DataFrame({"time": np.arange(1.0, n + 1), "event": [0, 1] * (n // 2), **columns})
    return Cohort(frame, endpoints={"os": ("time", "event")}, unit="month")


def test_a_number_is_cut_at_the_median_or_at_its_top_where_half_of_them_are() -> None:
    found = panel_columns(cohort(score=np.arange(60.0) + 0.5, full=[0.0] * 20 + [1.5] * 40))
    assert found.high["score"] == High("score", 30.0, False)
    assert found.high["full"] == High("full", 1.5, True)


def test_values_are_one_zero_or_unknown() -> None:
    real = cohort(score=[np.nan, *range(1, 60)], site=["a"] * 30 + ["b"] * 29 + [None])
    held = np.array(values_of(real, [High("score", 30.0, False), Level("site", "b"), Number("score", 30.0, 2.0)])).T
    assert np.isnan(held[0, 0]) and np.isnan(held[0, 2]) and np.isnan(held[59, 1])
    assert held[1:, 0].sum() == 29 and held[:59, 1].sum() == 29 and held[40, 2] == 5.0


def test_a_pair_of_levels_leaves_out_every_other() -> None:
    held = Level("site", "b", "a").of(cohort(site=["a", "b", "c"] * 20))
    assert held[:2].tolist() == [0.0, 1.0] and np.isnan(held[2])


def test_levels_and_numbers_of_too_few_patients_are_left_out() -> None:
    rare = FEWEST - 1
    real = cohort(site=["a"] * 30 + ["b"] * (30 - rare) + ["c"] * rare, hit=[1.5] * rare + [0.0] * (60 - rare))
    found = panel_columns(real)
    assert [one.level for one in found.levels["site"]] == ["a", "b"] and "hit" not in found.high


def test_follow_up_is_a_group_and_its_endpoint_an_outcome_that_allows_for_censoring() -> None:
    found = panel_columns(cohort())
    assert [one.source for one in found.numbers] == [] and set(found.high) == {"time"}
    (os,) = found.times
    assert os.words == "restricted mean time of os to 48 months"
    assert np.std(os.of(cohort())) == 1.0 or abs(np.std(os.of(cohort())) - 1) < 1e-12


def test_a_column_that_a_cohort_lacks_is_unknown() -> None:
    real = cohort(score=np.arange(60.0) + 0.5)
    lacking = Cohort.derive(real.schema, real.frame.drop(columns="score"), label=None)
    assert np.isnan(numbers(lacking, "score")).all()
    assert np.isnan(Level("score", "1").of(lacking)).all()
