"""Columns come from Table 1, the forest plot, costs and utilities; what contradicts an arm's size is refused."""

from collections.abc import Callable

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.published.covariates.columns import columns_of

MALE = ", male: {drug: 60 (60%), usual: 55 (55%)}"
Changed = Callable[..., "hs.published.Paper"]


def test_numbers_levels_and_costs_are_columns(changed: Changed) -> None:
    columns, unused = columns_of(changed().document)
    assert [(one.name, one.kind, one.levels) for one in columns] == [
        ("age", "characteristic", ()), ("sex", "characteristic", ("female", "male")), ("total", "cost", ()),
    ]  # fmt: skip
    assert unused == ()
    ladder, _ = columns[1].ladder("drug", 100, np.random.default_rng(1))
    assert np.bincount(ladder.astype(int)).tolist() == [40, 60]


def test_the_only_level_of_table_1_leaves_the_others(changed: Changed) -> None:
    columns, _ = columns_of(changed((MALE, "")).document)
    assert columns[1].levels == ("female", "other")
    assert columns[1].counts["drug"] == ((40, 40), (60, 60))


def test_a_level_of_the_forest_plot_may_be_the_other_one(changed: Changed) -> None:
    ratio = ("subgroup: {sex: female}, n: {drug: 40, usual: 45}", "subgroup: {sex: male}")
    columns, _ = columns_of(changed((MALE, ""), ratio).document)
    assert columns[1].levels == ("female", "male")
    assert columns[1].counts["usual"] == ((45, 45), (55, 55))


def test_a_percentage_leaves_the_counts_that_round_to_it(changed: Changed) -> None:
    levels = "{female: {drug: 40 (40%), usual: {n: 45, percent: 45}}" + MALE
    columns, _ = columns_of(changed((levels, "{female: {drug: 40%}, male: {drug: 59%}")).document)
    assert columns[1].counts["drug"] == ((40, 40), (59, 59))
    ladder, _ = columns[1].ladder("drug", 1000, np.random.default_rng(1))
    assert len(ladder) == 99


def test_a_characteristic_of_the_forest_plot_alone_has_its_numbers_of_patients(changed: Changed) -> None:
    columns, _ = columns_of(changed(("subgroup: {sex: female}", "subgroup: {region: Asia}")).document)
    assert columns[2].name == "region"
    assert columns[2].counts["drug"] == ((40, 40), (60, 60))


def test_a_number_without_a_spread_is_not_used(changed: Changed) -> None:
    columns, unused = columns_of(changed(("mean: 61.2, sd: 9.8, range: [40, 80]", "mean: 61.2")).document)
    assert unused == (("table1.age of drug", "no spread is stated"),)
    assert columns[0].ladder("drug", 100, np.random.default_rng(1))[0].size == 0


def test_more_patients_than_the_arm_are_refused(changed: Changed) -> None:
    with pytest.raises(hs.HeorsynthError, match="at least 110 patients have a level, and the arm has 100"):
        columns_of(changed(("male: {drug: 60 (60%)", "male: {drug: 70")).document)


def test_a_name_of_the_outcome_is_refused(changed: Changed) -> None:
    with pytest.raises(hs.HeorsynthError, match="is the name of another column"):
        columns_of(changed(("    age: {unit", "    time: {unit")).document)
