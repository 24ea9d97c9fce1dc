"""What is read off a curve of four patients: area, height, quantiles, by hand."""

import math

import numpy as np
import pytest

from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.survival.kaplan_meier import kaplan_meier
from heorsynth.estimators.survival.summaries import (
    curve_quantile,
    landmark,
    restricted_mean,
    restricted_mean_difference,
)

CURVE = kaplan_meier(np.array([1.0, 2, 3, 4]), np.array([True, False, True, False]))
ALL = kaplan_meier(np.array([1.0, 2, 3, 4]), np.ones(4, bool))


def test_the_restricted_mean_is_the_area_with_its_greenwood_error() -> None:
    found = restricted_mean(CURVE, 3.5, unit="day")
    assert found.value == pytest.approx(1 + 2 * 0.75 + 0.5 * 0.375)
    assert found.se == pytest.approx(math.sqrt(1.6875**2 / 12 + 0.1875**2 / 2))
    assert (found.unit, found.n_used) == ("day", 4)


@pytest.mark.parametrize("horizon", [0.0, -1.0, 4.5])
def test_a_horizon_outside_follow_up_is_refused(horizon: float) -> None:
    with pytest.raises(HorizonError):
        restricted_mean(CURVE, horizon)


def test_errors_of_two_arms_add_as_squares() -> None:
    found = restricted_mean_difference(Estimate.normal(9, 3, n_used=5), Estimate.normal(7, 4, n_used=6), 10, 12)
    assert (found.value, found.se, found.n_used, found.n_total) == (2, 5.0, 11, 12)


def test_a_landmark_has_the_log_log_interval() -> None:
    found = landmark(CURVE, 2.0)
    assert found.value == 0.75
    spread = 1.959963985 * math.sqrt(1 / 12) / abs(math.log(0.75))
    assert found.low == pytest.approx(0.75 ** math.exp(spread)) and found.low == pytest.approx(0.128, abs=5e-4)
    assert found.high == pytest.approx(0.75 ** math.exp(-spread)) and found.high == pytest.approx(0.961, abs=5e-4)


def test_before_the_first_event_the_height_is_1_with_the_exact_limit_of_those_at_risk() -> None:
    found = landmark(CURVE, 0.5)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025**0.25)


def test_a_median_on_a_flat_stretch_is_its_middle() -> None:
    assert curve_quantile(ALL, 0.5).value == 2.5
    assert curve_quantile(CURVE, 0.5).value == 3.0


def test_a_quantile_that_is_not_reached_is_not_estimable() -> None:
    with pytest.raises(NotEstimableError, match="not reached"):
        curve_quantile(CURVE, 0.9)
    with pytest.raises(NotEstimableError, match="between 0 and 1"):
        curve_quantile(CURVE, 1.0)
