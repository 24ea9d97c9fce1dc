"""The Kaplan-Meier curve of four patients by hand, with Greenwood's error; weights; the curve of censoring."""

import math

import numpy as np
import pytest

from heorsynth.estimators.survival.kaplan_meier import kaplan_meier, reverse_kaplan_meier

TIME, EVENT = np.array([1.0, 2, 3, 4]), np.array([True, False, True, False])


def test_the_product_limit_and_greenwoods_error_of_four_patients() -> None:
    curve = kaplan_meier(TIME, EVENT)
    assert curve.survival.tolist() == [0.75, 0.75, 0.375, 0.375]
    early, late = 0.75 * math.sqrt(1 / 12), 0.375 * math.sqrt(1 / 12 + 1 / 2)
    assert curve.se == pytest.approx([early, early, late, late])


def test_a_weight_of_two_is_two_patients() -> None:
    weighted = kaplan_meier(TIME, EVENT, weights=np.array([2, 1, 1, 0]))
    doubled = kaplan_meier(np.array([1.0, 1, 2, 3]), np.array([True, True, False, True]))
    assert weighted.survival.tolist() == doubled.survival.tolist() == [0.5, 0.5, 0.0]


def test_delayed_entry_takes_patients_out_of_the_early_risk_sets() -> None:
    curve = kaplan_meier(TIME, EVENT, entry=np.array([0.0, 0, 2, 0]))
    assert curve.survival == pytest.approx([2 / 3, 2 / 3, 1 / 3, 1 / 3])


def test_where_the_curve_is_0_its_error_is_0() -> None:
    curve = kaplan_meier(np.array([1.0, 2.0]), np.array([True, True]))
    assert (curve.survival[-1], curve.se[-1]) == (0.0, 0.0)


def test_in_the_curve_of_censoring_an_event_at_the_same_time_comes_first() -> None:
    """Of three at time 1, one has the event: the censored one is one of two still followed."""
    curve = reverse_kaplan_meier(np.array([1.0, 1, 2]), np.array([True, False, True]))
    assert curve.survival.tolist() == [0.5, 0.5]
