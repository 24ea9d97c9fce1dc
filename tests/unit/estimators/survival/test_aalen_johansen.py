"""Cumulative incidence by hand: without censoring it is a share, and its error a share's."""

import math

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.survival.aalen_johansen import cumulative_incidence


def test_without_censoring_each_incidence_is_a_share_with_the_error_of_a_share() -> None:
    curves = cumulative_incidence(np.array([1.0, 2, 3, 4]), np.array([1, 2, 1, 2]))
    assert curves[1].incidence == pytest.approx([0.25, 0.25, 0.5, 0.5])
    assert curves[2].incidence == pytest.approx([0, 0.25, 0.25, 0.5])
    expected = [math.sqrt(p * (1 - p) / 4) for p in (0.25, 0.25, 0.5, 0.5)]
    assert curves[1].se == pytest.approx(expected)


def test_a_censored_patient_leaves_a_larger_share_to_those_who_follow() -> None:
    """At 1 one of four; at 3 one of two, of the three quarters that are left."""
    curves = cumulative_incidence(np.array([1.0, 2, 3, 4]), np.array([1, 0, 2, 0]))
    assert curves[1].incidence[-1] == pytest.approx(0.25)
    assert curves[2].incidence[-1] == pytest.approx(0.375)


def test_incidences_and_survival_add_up_to_1() -> None:
    curves = cumulative_incidence(np.array([1.0, 2, 2, 3, 5]), np.array([2, 1, 0, 3, 1]))
    assert set(curves) == {1, 2, 3}
    assert sum(curve.incidence[-1] for curve in curves.values()) == pytest.approx(1.0)
    assert curves[1].reach == math.inf


def test_nobody_with_an_event_is_not_estimable() -> None:
    with pytest.raises(NotEstimableError, match="nobody had any event"):
        cumulative_incidence(np.array([1.0, 2.0]), np.array([0, 0]))
