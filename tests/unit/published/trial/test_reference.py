"""The area below clicked points and the distance of a curve from them, by hand."""

import numpy as np
import pandas as pd
import pytest

from heorsynth.published.trial.reference import ClickedCurve, clicked_curves

STEPS = ClickedCurve(np.array([0.0, 2, 2, 4, 4, 10]), np.array([1.0, 1, 0.8, 0.8, 0.5, 0.5]), pixel=0.05)


def test_the_area_below_both_ends_of_steps_is_that_of_the_steps() -> None:
    assert STEPS.area(10.0) == pytest.approx(2 + 0.8 * 2 + 0.5 * 6)
    assert STEPS.area(3.0) == pytest.approx(2 + 0.8)


def test_between_two_clicks_on_different_heights_the_area_is_the_mean_of_what_may_be() -> None:
    sloped = ClickedCurve(np.array([0.0, 4, 8]), np.array([1.0, 0.6, 0.2]), pixel=0.05)
    assert sloped.area(8.0) == pytest.approx(4 * 0.8 + 4 * 0.4)


def test_patients_of_the_curve_have_no_gap_and_a_click_may_be_a_pixel_off() -> None:
    time, event = np.array([2.0, 2, 4, 4, 4, 10, 10, 10, 10, 10]), np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    assert STEPS.gap(time, event) == pytest.approx(0.0)
    assert STEPS.gap(time + 0.04, event) == pytest.approx(0.0)
    assert STEPS.gap(np.where(time == 4, 5.0, time), event) == pytest.approx(0.3)


def test_a_death_too_many_is_the_gap() -> None:
    time, event = np.array([2.0, 2, 4, 4, 4, 4, 10, 10, 10, 10]), np.array([1] * 6 + [0] * 4)
    assert STEPS.gap(time, event) == pytest.approx(0.1)


def test_each_arm_has_its_cleaned_points() -> None:
    points = pd.DataFrame({"arm": ["a"] * 5 + ["b"] * 5, "time": [0, 1, 1, 2, 4] * 2,
                           "survival": [1, 1, 0.5, 0.5, 0.5, 1, 1, 0.8, 0.8, 0.8]})  # fmt: skip
    totals = pd.DataFrame({"arm": ["a", "b"], "n": [10, 10]})
    found = clicked_curves(points, None, totals)
    assert list(found) == ["a", "b"] and found["a"].last == 4 and found["a"].area(4.0) == pytest.approx(2.5)
    assert found["b"].pixel == pytest.approx(0.02)
