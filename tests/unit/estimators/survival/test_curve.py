"""A step function of time: right-continuous, and no answer past the last follow-up."""

import math

import numpy as np
import pytest

from heorsynth.core.errors import HorizonError
from heorsynth.estimators.survival.curve import IncidenceCurve, SurvivalCurve, check_horizon, reach_of, rounded_below

ONES = np.ones(2)
CURVE = SurvivalCurve(np.array([1.0, 3.0]), np.array([0.75, 0.5]), np.array([0.1, 0.2]), 4 * ONES, ONES, 4, 5)


def test_the_curve_falls_at_its_times_and_is_1_before() -> None:
    assert CURVE.at(np.array([0.0, 0.999, 1.0, 2.999, 3.0])).tolist() == [1, 1, 0.75, 0.75, 0.5]
    assert CURVE.se_at(np.array([0.5, 1.0])).tolist() == [0.0, 0.1]


def test_a_time_that_misses_a_step_by_rounding_alone_is_on_it() -> None:
    assert float(CURVE.at(0.1 + 0.2 + 0.7 - 1e-16)) == 0.75
    assert float(CURVE.at(3 * (1 - 1e-15))) == 0.5


@pytest.mark.parametrize("ask", [CURVE.at, CURVE.se_at])
def test_past_the_last_follow_up_it_refuses_and_names_no_patients_time(ask: object) -> None:
    with pytest.raises(HorizonError, match=r"choose at most 2\.9"):
        ask(3.5)


def test_an_incidence_starts_at_0_and_refuses_likewise() -> None:
    curve = IncidenceCurve(CURVE.times, np.array([0.2, 0.3]), CURVE.se, 4 * ONES, ONES, 4, 4, 3.0)
    assert curve.at(np.array([0.5, 1.0, 3.0])).tolist() == [0.0, 0.2, 0.3]
    assert curve.se_at(3.0) == 0.2
    with pytest.raises(HorizonError):
        curve.at(3.1)


def test_where_the_last_at_risk_have_the_event_the_curve_is_known_for_ever() -> None:
    assert reach_of(np.array([1.0, 2.0]), np.array([0.5, 0.0])) == math.inf
    assert reach_of(np.array([1.0, 2.0]), np.array([0.5, 0.5])) == 2.0


def test_a_curve_that_falls_to_0_before_others_enter_is_known_until_just_before() -> None:
    reach = reach_of(np.array([1.0, 2.0]), np.array([0.0, 0.0]))
    assert 0.999 < reach < 1.0


@pytest.mark.parametrize("horizon", [math.nan, -1.0])
def test_a_horizon_below_0_is_none(horizon: float) -> None:
    with pytest.raises(HorizonError, match="not a time from 0 up"):
        check_horizon(horizon, 5.0)


@pytest.mark.parametrize(("time", "below"), [(1234.0, 1200.0), (1200.0, 1100.0), (0.5, 0.49), (10.0, 9.0)])
def test_a_rounded_time_lies_strictly_below(time: float, below: float) -> None:
    assert rounded_below(time) == pytest.approx(below)


def test_the_curve_is_had_as_a_frame_of_one_row_a_time() -> None:
    frame = CURVE.to_frame()
    assert list(frame.columns) == ["time", "at_risk", "events", "survival", "se"]
    assert frame["survival"].tolist() == [0.75, 0.5]
