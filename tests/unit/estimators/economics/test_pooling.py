"""Pooling over synthetic cohorts, by hand: the information of the patients and no more."""

import math

import numpy as np
import pytest
from scipy import stats

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.economics.pooling import pool


def test_within_variance_is_scaled_to_the_patients_and_between_divided_by_the_cohorts() -> None:
    """T = 50/100 · 0.5 + 2/2 = 1.25, on 1.25² / (0.25²/99 + 1²/1) degrees of freedom."""
    found = pool([1.0, 3.0], [0.5, 0.5], n_source=100, n_rows=50, unit="EUR")
    assert (found.value, found.unit, found.synthetic) == (2.0, "EUR", True)
    assert found.se == pytest.approx(math.sqrt(1.25))
    half = stats.t(1.25**2 / (0.0625 / 99 + 1)).ppf(0.975) * math.sqrt(1.25)
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half))


def test_one_cohort_counts_its_within_variance_twice() -> None:
    found = pool([1.0], [0.5], n_source=100, n_rows=50)
    assert found.se == pytest.approx(math.sqrt(0.5 * (0.5 + 1)))
    assert found.high - 1 == pytest.approx(stats.t(99).ppf(0.975) * found.se)


def test_ten_times_the_rows_claim_no_more_patients() -> None:
    few, many = pool([1.0, 1.0], [0.2, 0.2], 40, 40), pool([1.0, 1.0], [0.02, 0.02], 40, 400)
    assert many.se == pytest.approx(few.se) and many.n_used == many.n_total == 40


def test_no_variance_at_all_is_an_interval_of_no_width() -> None:
    found = pool([2.0, 2.0], [0.0, 0.0], 10, 10)
    assert (found.low, found.high, found.se) == (2.0, 2.0, 0.0)


@pytest.mark.parametrize(
    ("values", "variances", "n"),
    [([], [], 10), ([1.0], [0.1, 0.2], 10), ([1.0, np.nan], [0.1, 0.1], 10), ([1.0], [-0.1], 10), ([1.0], [0.1], 0)],
)
def test_what_cannot_be_pooled_is_refused(values: list[float], variances: list[float], n: int) -> None:
    with pytest.raises(NotEstimableError, match="pooling"):
        pool(values, variances, n, 10)
