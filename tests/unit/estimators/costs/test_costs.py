"""Cost, utility and pooling estimators by hand, in closed form, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.estimators.costs import costs, utilities
from heorsynth.estimators.costs import quantiles as cost_quantiles
from heorsynth.estimators.economics.pooling import pool

COSTS = np.array([0.0, 0.0, 10.0, 20.0, 70.0])


def test_mean_has_the_t_interval_scipy_gives() -> None:
    found = costs.mean(COSTS, unit="EUR")
    expected = stats.ttest_1samp(COSTS, 0).confidence_interval(0.95)
    assert (found.value, found.unit) == (20, "EUR")
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-9)


def test_missing_values_are_left_out_and_counted() -> None:
    found = costs.mean(np.append(COSTS, np.nan))
    assert (found.value, found.n_used, found.n_total) == (20, 5, 6)


def test_mean_by_leaves_out_patients_without_a_group() -> None:
    found = costs.mean_by(COSTS, np.array(["b", "b", "a", "a", ""]))
    assert {name: estimate.value for name, estimate in found.items()} == {"a": 15, "b": 0}


def test_difference_in_means_has_the_welch_interval_scipy_gives() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.gamma(2, 10, 30), rng.gamma(2, 30, 12)
    found = costs.mean_difference(np.concatenate([a, b]), np.arange(42) < 30)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-9)


def test_zero_share_has_the_exact_interval_scipy_gives() -> None:
    found = costs.zero_share(COSTS)
    expected = stats.binomtest(2, 5).proportion_ci(0.95, method="exact")
    assert found.value == 0.4
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


@pytest.mark.parametrize("count", [0, 20])
def test_a_share_of_none_or_all_is_not_certain(count: int) -> None:
    found = proportion(count, 20)
    assert found.se > 0.03
    assert found.high - found.low == pytest.approx(1 - 0.025 ** (1 / 20))


@pytest.mark.parametrize(("n", "share"), [(40, 0.5), (200, 0.95), (101, 0.1)])
def test_quantile_interval_holds_at_least_its_level_by_the_binomial(n: int, share: float) -> None:
    found = cost_quantiles.quantile(np.arange(1.0, n + 1), share)
    law = stats.binom(n, share)
    # The quantile lies in [X_l, X_u] when between l and u - 1 values lie at or below it.
    held = law.cdf(found.high - 1) - law.cdf(found.low - 1)
    narrower = (law.cdf(found.high - 2) - law.cdf(found.low - 1), law.cdf(found.high - 1) - law.cdf(found.low))
    assert held >= 0.95
    assert law.cdf(found.low - 1) <= 0.025 < law.cdf(found.low)
    assert 1 - law.cdf(found.high - 1) <= 0.025 < 1 - law.cdf(found.high - 2)
    assert min(narrower) < held


def test_quantile_value_is_numpys_default_and_a_limit_out_of_reach_is_infinite() -> None:
    values = np.random.default_rng(2).lognormal(size=50)
    found = cost_quantiles.quantile(values, 0.95)
    assert found.value == np.quantile(values, 0.95)
    assert found.high == math.inf
    assert 0 < found.low < found.value


def test_quantile_of_too_few_patients_says_how_many_are_needed() -> None:
    with pytest.raises(NotEstimableError, match="at least 100 are needed"):
        cost_quantiles.quantile(np.arange(99.0), 0.99)
    assert cost_quantiles.quantile(np.arange(100.0), 0.99).value == pytest.approx(98.01)


def test_coefficient_of_variation_of_an_exponential_is_one() -> None:
    values = np.random.default_rng(4).exponential(50, 50_000)
    found = costs.cv(values)
    assert found.low < 1 < found.high
    assert found.value == pytest.approx(values.std(ddof=1) / values.mean())
    # For the exponential the variance of the CV is 1/n (delta method, moments 2, 6 and 24).
    assert found.se == pytest.approx(1 / math.sqrt(50_000), rel=0.05)


def test_top_share_by_hand_and_split_between_two_patients() -> None:
    assert costs.top_share(np.array([1.0] * 19 + [81]), 0.05).value == pytest.approx(0.81)
    assert costs.top_share(np.array([4.0, 3, 2, 1]), 0.375).value == pytest.approx((4 + 0.5 * 3) / 10)


def test_top_share_of_an_exponential_equals_its_closed_form_with_the_bootstraps_error() -> None:
    rng = np.random.default_rng(6)
    values = rng.exponential(50, 2000)
    found = costs.top_share(values, 0.05)
    assert abs(found.value - 0.05 * (1 - math.log(0.05))) < 3 * found.se
    again = [costs.top_share(rng.choice(values, 2000), 0.05).value for _ in range(800)]
    # 800 resamples know a standard deviation to 2.5%; 10% is four of those.
    assert found.se == pytest.approx(np.std(again), rel=0.10)


def test_wasserstein_distance_agrees_with_scipy_for_unequal_sizes_and_ties() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.integers(0, 9, 50).astype(float), rng.normal(5, 3, 33)
    assert costs.wasserstein1(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-12)
    assert costs.wasserstein1(a, a) == 0


def test_utility_shares_count_exact_ones_and_states_worse_than_death() -> None:
    values = np.array([1.0, 1.0, 0.99, 0.0, -0.2, np.nan])
    assert utilities.share_at_one(values).value == 0.4
    assert utilities.share_below_zero(values).value == 0.2
    assert utilities.share_below_zero(values).n_total == 6


@pytest.mark.parametrize(
    "ask",
    [
        lambda: costs.mean(np.array([1.0])),
        lambda: costs.mean(np.array([np.nan, np.nan])),
        lambda: costs.mean(np.array([1.0, np.inf])),
        lambda: costs.zero_share(np.array([np.nan])),
        lambda: costs.cv(np.zeros(5)),
        lambda: costs.top_share(np.zeros(50)),
        lambda: costs.top_share(np.ones(5)),
        lambda: cost_quantiles.quantile(np.arange(9.0), 1.0),
        lambda: costs.mean_difference(COSTS, np.ones(5, bool)),
    ],
)
def test_what_cannot_be_estimated_is_an_error_and_never_nan(ask) -> None:
    with pytest.raises(NotEstimableError):
        ask()


def test_pool_of_one_cohort_is_raabs_simple_rule() -> None:
    found = pool([5.0], [0.3], n_source=100, n_rows=300)
    assert found.se**2 == pytest.approx(0.3 * (300 / 100 + 1))
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 99) * found.se)
    assert found.n_used == 100


def test_pool_of_several_adds_the_variance_between_them() -> None:
    found = pool([1.0, 2.0, 3.0], [0.5, 0.7, 0.6], n_source=50, n_rows=100)
    assert found.value == 2
    assert found.se**2 == pytest.approx(0.6 * 2 + 1 / 3)


def test_pool_reference_is_reiters_where_the_source_is_large() -> None:
    values, m = [1.0, 2.0, 3.0], 3
    found = pool(values, [0.5] * 3, n_source=10**9, n_rows=10**9)
    freedom = (m - 1) * (1 + 0.5 * m / 1.0) ** 2
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, freedom) * found.se, rel=1e-6)


def test_more_cohorts_or_rows_never_claim_more_than_the_source_holds() -> None:
    source = 4.0 / 100
    for m in (2, 20, 2000):
        for rows in (100, 1000, 100_000):
            found = pool([0.0] * m, [4.0 / rows] * m, n_source=100, n_rows=rows)
            assert found.se**2 >= source * (1 - 1e-12)


@pytest.mark.parametrize(("values", "variances"), [([], []), ([1.0], [1.0, 2.0]), ([math.nan], [1.0]), ([1.0], [-1.0])])
def test_pool_refuses_what_is_not_an_estimate_with_a_variance(values: list, variances: list) -> None:
    with pytest.raises(NotEstimableError):
        pool(values, variances, n_source=10, n_rows=10)


def test_slices_of_a_capped_tail_are_as_far_apart_as_the_distributions() -> None:
    rng = np.random.default_rng(1)
    spent = rng.lognormal(8, 1.8, 2000)
    capped = np.minimum(spent, np.quantile(spent, 0.99))
    between = np.abs(costs.slice_means(spent, 200) - costs.slice_means(capped, 200)).mean()
    assert between == pytest.approx(costs.wasserstein1(spent, capped), rel=1e-9)


def test_slices_of_unlike_numbers_of_patients_keep_the_mean_and_bound_the_distance() -> None:
    rng = np.random.default_rng(2)
    few, many = rng.gamma(2.0, 100.0, 37), rng.gamma(2.0, 140.0, 1234)
    assert costs.slice_means(few, 200).mean() == pytest.approx(few.mean())
    assert np.all(np.diff(costs.slice_means(many, 200)) >= 0)
    between = np.abs(costs.slice_means(few, 200) - costs.slice_means(many, 200)).mean()
    assert 0.98 * costs.wasserstein1(few, many) <= between <= costs.wasserstein1(few, many) + 1e-9


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_a_top_share_of_nobody_or_everybody_is_refused(share: float) -> None:
    with pytest.raises(NotEstimableError, match="between 0 and 1"):
        costs.top_share(COSTS, share)
