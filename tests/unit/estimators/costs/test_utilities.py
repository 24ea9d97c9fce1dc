"""QALYs as an area, discounted in closed form, and the shares at 1 and below 0, by hand."""

import math

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.costs.utilities import qaly, share_at_one, share_below_zero

YEAR = np.array([0.0, 1.0])


def test_without_discount_qalys_are_trapezia() -> None:
    utility = np.array([[1.0, 0.5, 0.0], [0.8, 0.8, 0.8]])
    assert qaly(utility, np.array([0.0, 1.0, 3.0])) == pytest.approx([0.75 + 0.5, 2.4])


def test_full_health_for_two_years_is_discounted_continuously() -> None:
    found = qaly(np.array([[1.0, 1.0]]), np.array([0.0, 2.0]), rate=0.05)
    assert found == pytest.approx([(1 - 1 / 1.05**2) / math.log(1.05)])


def test_a_rising_line_is_integrated_exactly() -> None:
    """The integral of t·exp(-vt) from 0 to 1 is (1 - (1 + v)·exp(-v)) / v²."""
    v = math.log(1.035)
    assert qaly(np.array([[0.0, 1.0]]), YEAR, rate=0.035) == pytest.approx([(1 - (1 + v) / 1.035) / v**2])


def test_a_missing_utility_makes_that_patients_qaly_missing_alone() -> None:
    found = qaly(np.array([[0.5, np.nan], [0.5, 0.5]]), YEAR)
    assert np.isnan(found[0]) and found[1] == 0.5


@pytest.mark.parametrize(
    ("times", "rate"), [([0.5, 1.0], 0.0), ([0.0, 0.0], 0.0), ([0.0, 1.0], -1.0), ([0.0, 1.0, 2.0], 0.0)]
)
def test_times_that_do_not_rise_from_0_and_impossible_rates_are_refused(times: list[float], rate: float) -> None:
    with pytest.raises(NotEstimableError):
        qaly(np.array([[1.0, 1.0]]), np.array(times), rate=rate)


def test_shares_are_of_those_whose_utility_is_known() -> None:
    values = np.array([1.0, 1.0, 0.0, -0.1, np.nan])
    at_one, below = share_at_one(values), share_below_zero(values)
    assert (at_one.value, below.value) == (0.5, 0.25)
    assert (at_one.n_used, at_one.n_total) == (4, 5)
