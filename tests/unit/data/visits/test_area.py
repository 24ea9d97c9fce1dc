"""The area under visits and the total of amounts, by hand and against numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from heorsynth.data.visits.area import area_under, late, total_of

PLAN = np.array([0.0, 6.0, 12.0])
ALIVE = np.array([np.inf])


def of(values, death=np.inf, rate=0.0, times=None, plan=PLAN):
    held = np.array([values], dtype=float)
    moments = np.array([plan if times is None else times], dtype=float)
    return float(area_under(moments, held, plan, np.array([death]), rate=rate, years=1 / 12)[0])


def test_the_area_of_a_constant_is_its_value_times_the_years():
    assert of([0.8, 0.8, 0.8]) == pytest.approx(0.8)


def test_the_area_is_the_trapezoid_of_three_visits():
    assert of([0.4, 0.6, 1.0]) == pytest.approx(0.5 * (0.4 + 0.6) / 2 + 0.5 * (0.6 + 1.0) / 2)


def test_a_value_below_zero_takes_area_away():
    assert of([-0.2, -0.2, -0.2]) == pytest.approx(-0.2)


@pytest.mark.parametrize("rate", [0.0, 1e-6, 0.035, 0.2])
def test_the_discounted_area_is_the_integral(rate):
    def curve(t):
        return np.interp(t * 12, PLAN, [0.4, 0.6, 1.0]) * (1 + rate) ** -t

    wanted = quad(curve, 0, 0.5)[0] + quad(curve, 0.5, 1)[0]
    assert of([0.4, 0.6, 1.0], rate=rate) == pytest.approx(wanted, rel=1e-10)


def test_the_last_value_lasts_until_death_and_then_the_area_ends():
    assert of([0.4, 0.6, np.nan], death=9) == pytest.approx(0.5 * 0.5 + 0.25 * 0.6)


def test_death_before_the_first_visit_gives_no_area():
    assert of([np.nan, np.nan, np.nan], death=3, plan=np.array([6.0, 9.0, 12.0])) == 0


def test_a_missing_value_before_death_makes_the_area_missing():
    assert np.isnan(of([0.4, np.nan, 0.9]))
    assert np.isnan(of([0.4, np.nan, np.nan], death=9))


def test_visits_off_their_planned_time_are_joined_where_they_took_place():
    times = [0.0, 5.0, 13.0]

    def curve(t):
        return np.interp(t, times, [0.4, 0.6, 1.0])

    assert of([0.4, 0.6, 1.0], times=times) == pytest.approx(quad(curve, 0, 5)[0] / 12 + quad(curve, 5, 12)[0] / 12)


def test_a_last_visit_before_its_planned_time_keeps_its_value_to_the_end():
    assert of([0.6, 0.6, 0.6], times=[0.5, 5.0, 10.0]) == pytest.approx(0.6)


def test_a_visit_that_took_place_before_death_counts_although_it_was_planned_after_it():
    assert of([0.4, 0.4, 0.4], death=11.5, times=[0.0, 6.0, 11.0]) == pytest.approx(0.4 * 11.5 / 12)


def test_a_total_adds_the_amounts_and_discounts_each_from_its_visit():
    amounts = np.array([[100.0, 200.0, 300.0]])
    assert total_of(amounts, PLAN, ALIVE, rate=0, years=1 / 12)[0] == 600
    found = total_of(amounts, PLAN, ALIVE, rate=0.1, years=1 / 12)[0]
    assert found == pytest.approx(100 + 200 / 1.1**0.5 + 300 / 1.1)


def test_a_total_counts_the_period_of_death_and_nothing_after_it():
    amounts = np.array([[100.0, 200.0, 300.0], [100.0, 200.0, np.nan], [100.0, np.nan, np.nan]])
    death = np.array([5.0, 9.0, 9.0])
    found = total_of(amounts, PLAN, death, rate=0, years=1 / 12)
    assert found[:2].tolist() == [300.0, 300.0]
    assert np.isnan(found[2])


def test_a_visit_is_late_by_when_it_took_place():
    times = np.array([[0.0, 5.5, np.nan]])
    assert late(PLAN, np.array([5.8]), periods=False, times=times).tolist() == [[False, False, True]]
    assert late(PLAN, np.array([5.8]), periods=False).tolist() == [[False, True, True]]
