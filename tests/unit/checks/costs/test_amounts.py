"""Amounts by hand: each estimate from six to fifty rows, and what an arm adds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import FAIL, INCONCLUSIVE, NOT_ESTIMABLE, PASS, Finding
from heorsynth.checks.core.groups import Group
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.registry import scope_of
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema

SCHEMA = Schema({}, costs=("cost",), currency="EUR", price_year=2024)
ARMS = replace(SCHEMA, arm="arm", arm_reference="usual")
STRATA = replace(ARMS, subgroups=("sex",))

Z = 1.6448536269514722
T1 = 6.313751514675043
"""The 95% quantiles of the normal, and of Student's t on one degree of freedom: two cohorts."""


def cohort(schema: Schema = SCHEMA, **columns: object) -> Cohort:
    return Cohort.derive(schema, pd.DataFrame(columns), label=None)


def asked(key: str, real: Cohort, *synthetic: Cohort, **declared: object) -> list[Finding]:
    """The findings on everyone's cost, at these margins."""
    margins = {key: margin_for(key, declared)}
    (ask,) = scope_of(real, synthetic, margins, np.random.default_rng(1)).asks()
    return ESTIMANDS[key].answer(replace(ask, column="cost"))


TENS = np.arange(0.0, 110.0, 10.0)
"""0, 10, ... 100: eleven costs of mean 50 and variance 1,100."""


def test_a_mean_with_its_unit_the_error_of_the_synthesis_and_that_of_the_patients_apart() -> None:
    (found,) = asked("costs.mean", cohort(cost=TENS), cohort(cost=TENS + 4), cohort(cost=TENS + 6), absolute=30)
    assert (found.estimand, found.unit, found.column) == ("mean of cost", "EUR 2024", "cost")
    # differences of 4 and 6 have a standard deviation of √2, and their mean one of 1
    assert (found.real, found.synthetic, found.lower, found.upper) == pytest.approx((50, 55, 5 - T1, 5 + T1))
    assert (found.real_lower, found.real_upper) == pytest.approx((50 - 10 * Z, 50 + 10 * Z)), "√(1100/11) is 10"
    assert found.verdict == PASS, "though the patients' own error is wider than the interval of the difference"


def test_one_cohort_has_a_difference_and_no_interval() -> None:
    (found,) = asked("costs.mean", cohort(cost=TENS), cohort(cost=TENS + 5), absolute=30)
    assert (found.difference, found.verdict) == (5.0, INCONCLUSIVE)
    assert math.isnan(found.lower) and math.isnan(found.upper)
    assert found.because == "one cohort: chance and bias cannot be separated, so at least 2 are needed"


def test_a_missing_cost_counts_in_no_mean() -> None:
    (found,) = asked("costs.mean", cohort(cost=[*TENS, np.nan]), cohort(cost=TENS), absolute=30)
    assert (found.real, found.n_real) == (50.0, 12)


def test_the_share_without_a_cost_is_of_those_whose_cost_is_known() -> None:
    real = cohort(cost=[0.0, 0.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, np.nan])
    drawn = [cohort(cost=[0.0, 1.0, 2.0, 3.0]), cohort(cost=[0.0, 0.0, 2.0, 3.0])]
    (found,) = asked("costs.zero_share", real, *drawn, absolute=0.4)
    assert (found.real, found.synthetic, found.unit) == (0.25, 0.375, "")
    assert found.upper == pytest.approx(0.125 + T1 * 0.125), "shares of 0.25 and 0.5"
    assert found.real_upper == pytest.approx(0.25 + Z * math.sqrt(0.25 * 0.75 / 8))


def test_one_quantile_or_several_each_named_by_its_percentile() -> None:
    found = asked("costs.quantile", cohort(cost=TENS), cohort(cost=TENS * 2), quantile=[0.25, 0.5, 0.75], relative=0.4)
    assert [one.estimand for one in found] == ["P25 of cost", "P50 of cost", "P75 of cost"]
    assert [one.real for one in found] == pytest.approx([25.0, 50.0, 75.0])
    assert [one.synthetic for one in found] == pytest.approx([50.0, 100.0, 150.0])
    (median,) = asked("costs.quantile", cohort(cost=TENS), cohort(cost=TENS), quantile=0.5, relative=0.4)
    assert (median.real, median.unit) == (50.0, "EUR 2024")


def either_side(n: int) -> np.ndarray:
    """Half of n costs at 90 and half at 110."""
    return np.resize([90.0, 110.0], n)


def spreads(n: int, *times: float) -> list[Cohort]:
    """Costs of the same mean, whose deviations are so many times those of `either_side`."""
    return [cohort(cost=100 + each * (either_side(n) - 100)) for each in times]


@pytest.mark.parametrize("n", [6, 50])
@pytest.mark.parametrize(("step", "verdict"), [(0.01, PASS), (0.1, INCONCLUSIVE)])
def test_a_spread_is_judged_given_the_patients_however_few_they_are(n: int, step: float, verdict: str) -> None:
    (found,) = asked("costs.cv", cohort(cost=either_side(n)), *spreads(n, 1 - step, 1 + step), relative=0.25)
    spread = 10 * math.sqrt(n / (n - 1)) / 100
    assert found.real == pytest.approx(spread)
    assert (found.lower, found.upper) == pytest.approx((-T1 * step, T1 * step))
    # all deviations are of one size, so that the influence varies with the mean alone: cv² times a value of SD 1
    assert found.real_upper == pytest.approx(spread + Z * spread**2 / math.sqrt(n))
    assert found.verdict == verdict


def test_a_spread_that_is_four_times_as_wide_fails_however_few_it_rests_on() -> None:
    (found,) = asked("costs.cv", cohort(cost=either_side(6)), *spreads(6, 3.9, 4.1), relative=0.25)
    assert found.synthetic == pytest.approx(4 * found.real)
    assert (found.lower, found.verdict) == (pytest.approx(3 - T1 * 0.1), FAIL)


def test_the_part_that_the_most_expensive_bear() -> None:
    (found,) = asked(
        "costs.top_share", cohort(cost=[10.0] * 9 + [110.0]), cohort(cost=[20.0] * 9 + [20.0]), share=0.1, relative=0.4
    )
    assert found.estimand == "part of cost that the top 10% bear"
    assert (found.real, found.synthetic) == pytest.approx((110 / 200, 0.1))


def test_costs_that_are_all_dearer_by_a_tenth_of_the_mean_are_a_tenth_away() -> None:
    (found,) = asked("costs.wasserstein", cohort(cost=TENS), cohort(cost=TENS + 5), cohort(cost=TENS + 5), absolute=0.9)
    assert (found.real, found.difference) == (0.0, pytest.approx(0.1))
    assert (found.lower, found.upper) == pytest.approx((0.1, 0.1)), "two cohorts that are equal do not vary"
    (varied,) = asked(
        "costs.wasserstein", cohort(cost=TENS), cohort(cost=TENS + 4), cohort(cost=TENS + 6), absolute=0.9
    )
    # 0.08 and 0.12: a standard error of 0.02, as 200 draws know it (to a twentieth)
    assert varied.upper == pytest.approx(0.1 + T1 * 0.02, rel=0.1) and varied.lower == 0.0
    (apart,) = asked("costs.wasserstein", cohort(cost=[50.0] * 10), cohort(cost=[0.0, 100.0] * 5), absolute=0.9)
    assert apart.difference == pytest.approx(1.0), "each cost is off by the mean itself"


@pytest.mark.parametrize(
    ("costs", "reason"),
    [
        ([5.0] * 4, "fewer than 5 real patients"),
        ([0.0] * 6, "the real mean is not above 0"),
        ([np.nan] * 5 + [3.0], "1 patient with a known value"),
    ],
)
def test_no_distance_is_told_of_costs_that_are_none(costs: list[float], reason: str) -> None:
    (found,) = asked("costs.wasserstein", cohort(cost=costs), cohort(cost=TENS), absolute=0.9)
    assert found.verdict == NOT_ESTIMABLE and reason in found.because


def arms(new: list[float], usual: list[float], schema: Schema = ARMS, **more: object) -> Cohort:
    return cohort(schema, cost=[*new, *usual], arm=["new"] * len(new) + ["usual"] * len(usual), **more)


def test_a_difference_of_arms_is_held_to_a_share_of_the_reference_arms_mean() -> None:
    real = arms([110.0, 120.0, 130.0], [90.0, 100.0, 110.0])
    drawn = [arms([110.0 + more, 120 + more, 130 + more], [90.0, 100.0, 110.0]) for more in (4, 6)]
    (found,) = asked("costs.difference", real, *drawn, relative=0.1)
    assert (found.group, found.unit) == ("arm=new vs usual", "EUR 2024")
    assert (found.real, found.synthetic, found.difference) == pytest.approx((20.0, 25.0, 5.0))
    assert (found.margin, found.scale) == (pytest.approx(10.0), "absolute")
    assert (found.lower, found.upper) == pytest.approx((5 - T1, 5 + T1))
    assert found.real_upper == pytest.approx(20 + Z * math.sqrt(2 * 100 / 3)), "a variance of 100 in both arms of three"


def test_a_difference_that_is_lost_passes_no_margin_wider_than_itself() -> None:
    usual = [99.0, 100.0, 101.0]
    real, lost = arms([119.0, 120.0, 121.0], usual), [arms([98.0, 99.0, 100.0], usual), arms([100.0, 101, 102], usual)]
    (found,) = asked("costs.difference", real, *lost, absolute=40)
    assert (found.lower, found.upper) == pytest.approx((-20 - T1, -20 + T1))
    assert (found.margin, found.verdict) == (pytest.approx(20.0), INCONCLUSIVE)


def test_differences_are_asked_of_everyone_and_within_subgroups_but_not_within_arms() -> None:
    sex = ["f", "f", "m", "m"] * 2
    real = arms([10.0, 12.0, 20.0, 24.0], [1.0, 3.0, 5.0, 7.0], STRATA, sex=sex)
    found = {one.group: one for one in asked("costs.difference", real, real, absolute=90)}
    assert set(found) == {
        "arm=new vs usual",
        "arm=new vs usual, sex=rare level 1",
        "arm=new vs usual, sex=rare level 2",
    }
    assert found["arm=new vs usual"].real == pytest.approx(16.5 - 4.0)
    assert {one.verdict for group, one in found.items() if "," in group} == {NOT_ESTIMABLE}, "of four patients nothing"


def test_a_share_of_a_reference_arm_whose_cost_nobody_knows_is_refused() -> None:
    real = arms([1.0, 2.0, 3.0], [np.nan, np.nan, np.nan])
    (found,) = asked("costs.difference", real, real, relative=0.1)
    assert found.verdict == NOT_ESTIMABLE and "a reference that is 0 or unknown" in found.because


def test_both_parts_of_a_cost_model_by_hand() -> None:
    """8 of 10 against 5 of 10 have a cost: odds of 4 and 1. Those who have one cost 200 against 100."""
    new, usual = [0.0] * 2 + [150.0, 250.0] * 4, [0.0] * 5 + [80.0, 120.0, 100.0, 90.0, 110.0]
    more = [0.0, 200.0, *new[2:]]
    odds, mean = asked("costs.two_part", arms(new, usual), arms(new, usual), arms(more, usual), ratio=[0.5, 2.0])
    assert odds.estimand == "arm's ratio in the odds of any of cost, given the subgroups"
    assert (odds.real, mean.real) == pytest.approx((4.0, 2.0))
    # in the second cohort 9 of 10 have one: odds of 9, so that the log ratio is off by 0 and log(9/4)
    assert (odds.synthetic, odds.difference) == pytest.approx((6.0, math.log(1.5)))
    assert odds.upper == pytest.approx(math.log(1.5) + T1 * math.log(1.5))
    assert odds.real_upper == pytest.approx(4 * math.exp(Z * math.sqrt(1 / 8 + 1 / 2 + 1 / 5 + 1 / 5)))
    assert mean.difference == pytest.approx(0.0) and (mean.group, mean.kind) == ("arm=new vs usual", "all")


def test_where_everybody_has_a_cost_there_is_no_first_part() -> None:
    real = arms([150.0, 250.0, 200.0], [90.0, 110.0, 100.0])
    (found,) = asked("costs.two_part", real, real, ratio=[0.5, 2.0])
    assert "mean of positive" in found.estimand and found.real == pytest.approx(2.0)


def test_an_arm_is_compared_given_the_subgroups() -> None:
    """Women cost three times as much and are most of the new arm: 2.5 times as dear in all, twice within either sex."""
    cell = {("new", "f"): (600.0, 6), ("new", "m"): (200.0, 2), ("usual", "f"): (300.0, 4), ("usual", "m"): (100.0, 4)}
    rows = [(arm, sex, mean + side) for (arm, sex), (mean, n) in cell.items() for side in [20.0, -20.0] * (n // 2)]
    arm, sex, cost = (list(part) for part in zip(*rows, strict=True))
    real = cohort(STRATA, arm=arm, sex=sex, cost=cost)
    (found,) = asked("costs.two_part", real, real, ratio=[0.5, 2.0])
    assert found.real == pytest.approx(2.0)
    (crude,) = asked("costs.two_part", *[cohort(ARMS, arm=arm, cost=cost)] * 2, ratio=[0.5, 2.0])
    assert crude.real == pytest.approx(2.5)


def test_amounts_are_of_the_group_that_is_asked() -> None:
    real = arms([10.0] * 5, [20.0, 30.0, 40.0, 50.0, 60.0])
    scope = scope_of(real, [real], {"costs.mean": margin_for("costs.mean", {"absolute": 9})}, np.random.default_rng(1))
    usual: Group = next(group for group in scope.groups() if group.label == "arm=usual")
    (found,) = ESTIMANDS["costs.mean"].answer(replace(scope.asks()[0], column="cost", group=usual))
    assert (found.group, found.real, found.n_real) == ("arm=usual", 40.0, 5)
