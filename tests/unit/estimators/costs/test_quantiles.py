"""Quantiles and their order-statistic intervals, against the binomial by hand; rows and counts alike."""

import math

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.costs.quantiles import Ranked, quantile, quantile_of

TENS = np.arange(10.0, 70.0, 10.0)


def test_the_median_of_six_lies_between_the_smallest_and_the_largest() -> None:
    """P(all on one side) is 2/64 = 3.1%: less than 5%. Without the extremes it is 14/64."""
    found = quantile(np.append(TENS, np.nan), 0.5)
    assert (found.value, found.low, found.high) == (35.0, 10.0, 60.0)
    assert (found.n_used, found.n_total) == (6, 7)


def test_five_patients_cannot_hold_the_limits_of_a_median() -> None:
    """2/32 = 6.3% is more than 5%."""
    found = quantile(TENS[:5], 0.5)
    assert (found.value, found.low, found.high) == (30.0, -math.inf, math.inf)


def test_the_error_is_half_the_distance_between_quantiles_one_error_of_the_share_apart() -> None:
    """Of 100 values 1..100 the median's share has the error 0.05: the quantiles at 0.45 and 0.55 are 9.9 apart."""
    assert quantile(np.arange(1.0, 101.0), 0.5).se == pytest.approx(9.9 / 2)


def test_counts_by_value_give_what_the_rows_give() -> None:
    rows, counted = Ranked.of(np.array([1.0, 1, 5, 5, 5])), Ranked(np.array([1.0, 5.0]), np.array([2, 5]))
    shares = np.array([0.0, 0.3, 0.5, 1.0])
    assert counted.between(shares).tolist() == rows.between(shares).tolist() == pytest.approx([1, 1.8, 5, 5])
    assert counted.above(1.0) == rows.above(1.0) == 3 and counted.above(0.5) == 5
    assert quantile_of(counted, 0.5, 5) == quantile_of(rows, 0.5, 5)


def test_a_rare_quantile_needs_patients() -> None:
    with pytest.raises(NotEstimableError, match="at least 20 are needed"):
        quantile(np.arange(19.0), 0.95)
    with pytest.raises(NotEstimableError, match="between 0 and 1"):
        quantile(TENS, 1.0)
