"""Table 1 by arm: means, shares and balance of each arm, and no count that gives a patient away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.report.tables.by_arm import table_one_by_arm

SCHEMA = Schema({}, arm="arm", arm_reference="usual", costs=("cost",), utilities=("qaly",), subgroups=("sex",))
SMD = "SMD new vs usual, "


def cohort(shift: float = 1.0, women: int = 12, each: int = 20, **columns: object) -> Cohort:
    """The mean age of the new arm is `shift` standard deviations higher; it has so many women, the other ten."""
    step = np.linspace(-1, 1, each)
    step *= 10 / step.std(ddof=1)
    frame = pd.DataFrame({"arm": ["usual"] * each + ["new"] * each, "age": np.r_[60 + step, 60 + 10 * shift + step]})
    frame["sex"] = ["f"] * 10 + ["m"] * (each - 10) + ["f"] * women + ["m"] * (each - women)
    return Cohort.derive(SCHEMA, frame.assign(cost=1.0, qaly=0.5, **columns), label=None)


def table(real: Cohort, *synthetic: Cohort) -> pd.DataFrame:
    return table_one_by_arm(real, synthetic or (real,)).frame.set_index(["variable", "level"])


def test_a_number_has_its_mean_in_each_arm_and_the_difference_between_the_arms() -> None:
    row = table(cohort(1.0), cohort(0.4), cohort(0.0)).loc[("age", "mean (SD)")]
    assert (row["real usual"], row["real new"]) == ("60 (10)", "70 (10)")
    assert (row["synthetic usual"], row["synthetic new"]) == ("60 (10)", "62 (10)")
    assert (row[SMD + "real"], row[SMD + "synthetic"]) == pytest.approx((1.0, 0.2))


def test_a_level_has_its_count_and_share_in_each_arm() -> None:
    row = table(cohort(women=14)).loc[("sex", "f")]
    assert (row["real usual"], row["real new"], row["synthetic new"]) == ("10 (50.0%)", "14 (70.0%)", "70.0%")
    assert row[SMD + "real"] == pytest.approx(0.2 / np.sqrt((0.25 + 0.21) / 2))


def test_outcomes_are_not_covariates() -> None:
    assert {name for name, _ in table(cohort()).index} == {"patients or rows", "sex", "age"}


def test_a_small_count_is_hidden_with_those_that_would_give_it_away() -> None:
    """Three men of the new arm: with totals by sex and by arm, every other count gives them away."""
    found = table(cohort(women=17))
    cells = found.loc["sex", ["real usual", "real new"]].to_numpy()
    assert not any("%" in cell for cell in cells.ravel())
    assert found.loc["sex", SMD + "real"].isna().all()


def test_a_mean_of_few_patients_hides_the_row() -> None:
    age = np.r_[np.arange(60.0, 80.0), np.arange(60.0, 69.0), [np.nan] * 11]
    row = table(cohort(age=age)).loc[("age", "mean (SD)")]
    assert (row["real usual"], row["real new"]) == ("not shown", "not shown")
    assert np.isnan(row[SMD + "real"])


def test_levels_of_fewer_than_five_patients_are_one_row() -> None:
    site = ["a"] * 17 + ["b"] * 2 + ["c"] + ["a"] * 17 + ["b"] * 2 + ["d"]
    levels = {level for name, level in table(cohort(site=site)).index if name == "site"}
    assert levels == {"a", "3 rare levels"}


def test_three_arms_are_set_against_the_first() -> None:
    rows = cohort().rows
    third = rows[rows["arm"] == "new"].assign(arm="other")
    found = table(Cohort.derive(SCHEMA, pd.concat([rows, third], ignore_index=True), label=None))
    assert [name for name in found if name.startswith("SMD")] == [
        f"SMD {arm} vs usual, {rows}" for rows in ("real", "synthetic") for arm in ("new", "other")
    ]


def test_a_column_that_the_copies_lack_is_empty_there() -> None:
    real = cohort()
    copy = Cohort.derive(SCHEMA, real.rows.drop(columns="age"), label=None)
    row = table(real, copy).loc[("age", "mean (SD)")]
    assert row["synthetic new"] == "none known" and np.isnan(row[SMD + "synthetic"])
