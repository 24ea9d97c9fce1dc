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
    overlap,
    synthesis_variance,
)
from heorsynth.core.errors import NotEstimableError

Z90, Z95 = 1.6448536269514722, 1.959963984540054
SCALES = {scale: Margin(scale, 0.2) for scale in ("absolute", "relative", "ratio")}

TEN = Measured(10.0, 4.0, [11.0, 13.0], [1.0, 3.0])
"""Between the cohorts the variance is 2, within it is 2 too: that of their mean of 12 is 1."""


@pytest.mark.parametrize(
    ("scale", "difference", "variance", "floor"),
    [
        ("absolute", 2.0, 4 + 1, 2.0),
        ("relative", 0.2, (1 + 4 * 1.44) / 100, 0.2),
        ("ratio", math.log(1.2), 1 / 144 + 4 / 100, 0.2),
    ],
)
def test_difference_interval_and_floor_on_each_scale(
    scale: str, difference: float, variance: float, floor: float
) -> None:
    found, half = compared(TEN, SCALES[scale]), Z90 * math.sqrt(variance)
    assert (found.real, found.synthetic, found.difference) == pytest.approx((10.0, 12.0, difference))
    assert (found.lower, found.upper) == pytest.approx((difference - half, difference + half))
    assert found.floor == pytest.approx(floor * math.sqrt(2 / math.pi))
    assert found.standardised == pytest.approx(1.0), "two units at a standard error of 2, whatever the scale"
    assert found.overlap == pytest.approx(overlap(10.0, 2.0, 12.0, math.sqrt(2)))


def test_the_floor_is_the_mean_of_an_absolute_normal() -> None:
    drawn = np.abs(np.random.default_rng(1).standard_normal(40_000))
    assert abs(drawn.mean() - MEAN_ABSOLUTE_NORMAL) < 4 * drawn.std() / 200


def test_a_relative_difference_from_a_negative_value_points_up_where_the_synthetic_is_larger() -> None:
    found = compared(Measured(-10.0, 4.0, [-8.0], [1.0]), SCALES["relative"])
    half = Z90 * math.sqrt((1 + 4 * 0.64) / 100)
    assert (found.difference, found.lower, found.upper) == pytest.approx((0.2, 0.2 - half, 0.2 + half))
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
    found = compared(Measured(0.5, 0.0, [0.6], [0.01]), SCALES["absolute"])
    assert found.floor == 0.0 and math.isnan(found.standardised) and math.isnan(found.overlap)
    assert found.upper - found.difference == pytest.approx(Z90 * 0.1)


@pytest.mark.parametrize(
    ("values", "variances", "expected"),
    [([1.0, 5.0], [3.0, 5.0], 4.0), ([1.0, 1.5], [3.0, 5.0], 2.0), ([7.0], [3.0], 3.0),
     ([1.0, 2.0, 3.0], [0.0] * 3, 1 / 3)],
)  # fmt: skip
def test_the_variance_of_the_mean_is_the_larger_of_between_and_within_over_m(
    values: list[float], variances: list[float], expected: float
) -> None:
    assert synthesis_variance(np.array(values), np.array(variances)) == pytest.approx(expected)


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
    assert (found.width, found.scale, found.settings, found.reason) == (capped, scale, {"cost": "drugs"}, "why")
    assert (found is margin) == (capped == width), "an untouched margin is the declared one itself"
