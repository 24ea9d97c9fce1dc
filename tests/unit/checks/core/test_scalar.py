"""One number compared: its difference on each scale, its interval and floor, and the margin that an effect caps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.scalar import (
    MEAN_ABSOLUTE_NORMAL,
    Measured,
    Numbers,
    cap_margin_at_effect,
    compared,
    coverage_under,
    half_width,
    overlap,
    share_with_interval,
    t_quantile,
)
from heorsynth.core.errors import NotEstimableError

Z90, Z95 = 1.6448536269514722, 1.959963984540054
SCALES = {scale: Margin(scale, 0.2) for scale in ("absolute", "relative", "ratio")}

TEN = Measured(10.0, 4.0, [11.0, 13.0], [1.0, 3.0])
"""The standard error of the mean of 12 is 1, with one degree of freedom."""

T1 = 6.313751514675043
"""The 95% quantile of Student's t on one degree of freedom."""


@pytest.mark.parametrize(
    ("scale", "difference", "error", "floor"),
    [
        ("absolute", 2.0, 1.0, 2.0),
        ("relative", 0.2, 0.1, 0.2),
        ("ratio", math.log(1.2), 1 / 12, 0.2),
    ],
)
def test_difference_interval_and_floor_on_each_scale(scale: str, difference: float, error: float, floor: float) -> None:
    found, half = compared(TEN, SCALES[scale]), T1 * error
    assert (found.real, found.synthetic, found.difference) == pytest.approx((10.0, 12.0, difference))
    assert (found.lower, found.upper) == pytest.approx((difference - half, difference + half))
    assert found.floor == pytest.approx(floor * math.sqrt(2 / math.pi))
    assert found.standardised == pytest.approx(1.0), "two units at a standard error of 2, whatever the scale"
    assert found.overlap == pytest.approx(overlap(10.0, 2.0, 12.0, math.sqrt(2)))


@pytest.mark.parametrize("scale", SCALES)
def test_the_patients_own_interval_does_not_widen_the_interval_of_the_difference(scale: str) -> None:
    precise, vague = (compared(Measured(10.0, error, [11.0, 13.0], [1.0, 3.0]), SCALES[scale]) for error in (0.0, 9.0))
    assert (precise.lower, precise.upper) == (vague.lower, vague.upper)
    ends = (10 - Z90 * 3, 10 + Z90 * 3)
    if scale == "ratio":
        ends = (10 * math.exp(-Z90 * 0.3), 10 * math.exp(Z90 * 0.3))
    assert (vague.real_lower, vague.real_upper) == pytest.approx(ends)
    assert (precise.real_lower, precise.real_upper) == (10.0, 10.0)


def test_a_random_sample_of_the_patients_adds_the_part_of_their_error_that_is_not_seen() -> None:
    whole, part = (compared(TEN, SCALES["absolute"], unsampled) for unsampled in (0.0, 0.75))
    assert part.upper - 2 == pytest.approx(math.hypot(whole.upper - 2, Z90 * 2 * math.sqrt(0.75)))


def test_one_cohort_has_no_interval_and_each_cohort_its_own_difference() -> None:
    one = compared(Measured(10.0, 4.0, [12.0], [1.0]), SCALES["relative"])
    assert one.difference == pytest.approx(0.2) and math.isnan(one.lower) and math.isnan(one.upper)
    assert compared(TEN, SCALES["relative"]).single == pytest.approx((0.1, 0.3))
    assert compared(TEN, SCALES["ratio"]).single == pytest.approx((math.log(1.1), math.log(1.3)))


def test_the_interval_covers_the_expectation_of_the_cohorts_in_nine_of_ten() -> None:
    rng, covered, repetitions = np.random.default_rng(5), 0, 2000
    for values in rng.normal(0.3, 1.0, (repetitions, 12)):
        found = compared(Measured(0.0, 1.0, list(values), [1.0] * 12), SCALES["absolute"])
        covered += found.lower <= 0.3 <= found.upper
    assert abs(covered / repetitions - 0.9) < 4 * math.sqrt(0.09 / repetitions)


def test_the_quantiles_of_t_and_the_share_of_cohorts_are_the_textbook_ones() -> None:
    assert t_quantile(2) == pytest.approx(T1) and t_quantile(10_000_000) == pytest.approx(Z90, abs=1e-6)
    assert t_quantile(20, 0.99) == pytest.approx(2.860934606464979)  # R: qt(0.995, 19)
    assert half_width(np.array([2.0, 2.0, 2.0])) == 0.0
    # R: binom.test(18, 20, conf.level = 0.90)$conf.int
    assert share_with_interval(18, 20) == pytest.approx((0.9, 0.7173815, 0.9819350), abs=1e-6)
    assert share_with_interval(0, 20)[1] == 0.0 and share_with_interval(20, 20)[2] == 1.0


@pytest.mark.parametrize(("bias", "covered"), [(0.0, 0.95), (0.25, 0.943), (0.5, 0.921), (1.0, 0.830), (-1.0, 0.830)])
def test_a_bias_lowers_the_coverage_of_an_interval(bias: float, covered: float) -> None:
    assert round(coverage_under(bias), 3) == covered


def test_the_floor_is_the_mean_of_an_absolute_normal() -> None:
    drawn = np.abs(np.random.default_rng(1).standard_normal(40_000))
    assert abs(drawn.mean() - MEAN_ABSOLUTE_NORMAL) < 4 * drawn.std() / 200


def test_a_relative_difference_from_a_negative_value_points_up_where_the_synthetic_is_larger() -> None:
    found = compared(Measured(-10.0, 4.0, [-9.0, -7.0], [1.0, 1.0]), SCALES["relative"])
    assert (found.difference, found.lower, found.upper) == pytest.approx((0.2, 0.2 - T1 * 0.1, 0.2 + T1 * 0.1))
    assert found.floor > 0


@pytest.mark.parametrize(
    ("scale", "real", "synthetic", "told"),
    [
        ("relative", 0.0, 1.0, "no relative difference is defined: real 0, synthetic 1"),
        ("ratio", 0.0, 1.0, "no ratio difference is defined: real 0, synthetic 1"),
        ("ratio", 1.0, 0.0, "no ratio difference is defined: real 1, synthetic 0"),
        ("ratio", 1.0, -2.0, "no ratio difference is defined: real 1, synthetic -2"),
        ("ratio", -1.0, 2.0, "no ratio difference is defined: real -1, synthetic 2"),
    ],
)
def test_a_difference_that_does_not_exist_is_refused(scale: str, real: float, synthetic: float, told: str) -> None:
    with pytest.raises(NotEstimableError, match=told):
        compared(Measured(real, 1.0, [synthetic], [1.0]), SCALES[scale])


def test_an_absolute_and_a_relative_difference_need_no_positive_numbers() -> None:
    assert compared(Measured(0.0, 1.0, [-1.0], [1.0]), SCALES["absolute"]).difference == -1.0
    assert compared(Measured(2.0, 1.0, [-1.0], [1.0]), SCALES["relative"]).difference == -1.5


def test_without_an_error_of_its_own_the_real_value_has_no_floor_and_nothing_to_be_standardised_by() -> None:
    found = compared(Measured(0.5, 0.0, [0.5, 0.7], [0.01, 0.01]), SCALES["absolute"])
    assert found.floor == 0.0 and math.isnan(found.standardised) and math.isnan(found.overlap)
    assert found.upper - found.difference == pytest.approx(T1 * 0.1)


def test_a_ratio_exists_where_some_cohort_has_no_row_of_a_small_group() -> None:
    found = compared(Measured(0.02, 0.0001, [0.0, 0.03, 0.03], [0.0001] * 3), SCALES["ratio"])
    assert found.difference == pytest.approx(0.0) and found.upper == pytest.approx(2.9199856 * 0.01 / 0.02, rel=1e-6)
    assert found.single[0] < -600


def test_intervals_overlap_by_the_mean_share_of_each_in_the_other() -> None:
    # -1.96 to 1.96 beside 0 to 3.92: half of either
    assert overlap(0.0, 1.0, Z95, 1.0) == pytest.approx(0.5)
    # a quarter of the wide one is the whole of the narrow one
    assert overlap(0.0, 4.0, 0.0, 1.0) == pytest.approx((1 / 4 + 1) / 2)
    assert overlap(0.0, 1.0, 2 * Z95, 1.0) == pytest.approx(0.0, abs=1e-12)
    assert overlap(0.0, 1.0, 4 * Z95, 1.0) == pytest.approx(-1.0)


def test_a_distance_and_a_probability_of_agreement_are_told_beside_the_real_cohort_itself() -> None:
    distance = Numbers.of_distance(0.3, 0.1, 0.4, 0.05)
    assert (distance.real, distance.synthetic, distance.difference) == (0.0, 0.3, 0.3)
    assert (distance.lower, distance.upper, distance.floor) == (0.1, 0.4, 0.05)
    agreed = Numbers.of_agreement(0.75, 0.5, 1.0, 0.1)
    assert (agreed.real, agreed.synthetic, agreed.difference) == (1.0, 0.75, -0.25)
    assert (agreed.lower, agreed.upper, agreed.floor) == (-0.5, 0.0, 0.1)
    assert all(math.isnan(number) for one in (distance, agreed) for number in (one.overlap, one.standardised))


@pytest.mark.parametrize(
    ("scale", "width", "real", "capped"),
    [
        ("absolute", 5.0, 1.97, 1.97),  # significant at the 5% level: above 1.96 standard errors
        ("absolute", 5.0, 1.95, 5.0),
        ("absolute", 5.0, -3.0, 3.0),
        ("absolute", 5.0, 6.0, 5.0),
        ("ratio", 2.5, -2.0, 2.0),
        ("relative", 5.0, 3.0, 5.0),
    ],
)
def test_a_significant_effect_caps_the_margin(scale: str, width: float, real: float, capped: float) -> None:
    margin = Margin(scale, width, {"cost": "drugs"}, "why")
    found = cap_margin_at_effect(margin, real, 1.0)
    assert found.width == pytest.approx(capped, rel=1e-5) and (found is margin or found.width < abs(real))
    assert (found.scale, found.settings, found.reason) == (scale, {"cost": "drugs"}, "why")
    assert (found is margin) == (capped == width), "an untouched margin is the declared one itself"
