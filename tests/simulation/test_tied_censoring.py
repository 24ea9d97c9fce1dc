"""Costs where deaths and censorings share whole periods: a death at t comes before a censoring at t."""

import numpy as np
import pytest

from heorsynth.estimators.costs.censored import bang_tsiatis, lin

PERIODS = 4
TRUTH = 100 * sum(0.8**k for k in range(PERIODS))
"""100 a period alive, a fifth dies in each: 295.2."""


def drawn(n, rng):
    """Costs of each period (n, 4), follow-up and death, dying and leaving at ends of whole periods."""
    death, left = rng.geometric(0.2, n), rng.geometric(0.25, n)
    time = np.minimum(death, left).astype(float)
    yearly = 100 * rng.gamma(4.0, 0.25, n)
    return yearly[:, None] * np.clip(time[:, None] - np.arange(PERIODS), 0, 1), time, death <= left


def by(method, cost, time, died):
    if method == "lin":
        return lin(cost, time, died, PERIODS)
    return bang_tsiatis(cost if method == "partitioned" else cost.sum(axis=1), time, died, PERIODS)


@pytest.mark.parametrize("method", ["plain", "partitioned", "lin"])
def test_with_ties_the_mean_is_unbiased_and_its_interval_holds_the_truth(method):
    rng, found = np.random.default_rng(4), []
    for _ in range(1000):
        found.append(by(method, *drawn(300, rng)))
    values = np.array([one.value for one in found])
    assert abs(values.mean() - TRUTH) < 3 * values.std() / np.sqrt(1000)
    # the standard deviation of 1,000 values is known to 2.2%: three of those
    assert np.mean([one.se for one in found]) == pytest.approx(values.std(), rel=0.067)
    assert 0.93 <= np.mean([one.low < TRUTH < one.high for one in found]) <= 0.97


def test_follow_up_in_whole_months_keeps_the_mean():
    rng = np.random.default_rng(1)
    death, left = (np.ceil(rng.exponential(mean, 100_000)) for mean in (4.0, 6.0))
    time, horizon = np.minimum(death, left), 12.0
    found = bang_tsiatis(np.minimum(time, horizon), time, death <= left, horizon)
    assert found.value == pytest.approx(np.minimum(death, horizon).mean(), abs=4 * found.se)


def test_by_hand_who_died_when_another_left_was_not_at_risk_of_leaving():
    """Of four, one dies and one leaves at 1: three were at risk of leaving, G = 2/3; two are followed to 2."""
    found = bang_tsiatis(np.array([10.0, 10, 20, 20]), np.array([1.0, 1, 2, 2]), np.array([1, 0, 0, 0]) > 0, 2.0)
    assert found.value == pytest.approx((10 + 20 * 1.5 * 1 + 20 * 1.5) / 4)
