"""The two-part model against statsmodels, closed forms, and data that have no maximum."""

import numpy as np
import pytest
import statsmodels.api as sm

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.costs.two_part import any_cost, positive_cost


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(2)
    treated, age = rng.random(300) < 0.5, rng.normal(size=300)
    cost = np.where(rng.random(300) < 0.3, 0.0, rng.gamma(2.0, 500 * np.exp(0.4 * treated + 0.2 * age)))
    cost[:5] = np.nan
    return cost, treated, age[:, None]


def test_the_first_part_equals_the_logit_of_statsmodels(patients):
    cost, treated, age = patients
    known = np.isfinite(cost)
    design = np.column_stack([np.ones(known.sum()), treated[known], age[known]])
    fit = sm.Logit((cost[known] > 0).astype(float), design).fit(disp=0)
    found = any_cost(cost, treated, age)
    assert [found.value, found.se] == pytest.approx([fit.params[1], fit.bse[1]], rel=1e-6)
    assert (found.n_used, found.n_total) == (295, 300)


def test_the_second_part_equals_the_gamma_glm_of_statsmodels(patients):
    cost, treated, age = patients
    some = cost > 0
    design = np.column_stack([np.ones(some.sum()), treated[some], age[some]])
    family = sm.families.Gamma(sm.families.links.Log())
    fit = sm.GLM(cost[some], design, family=family).fit(cov_type="HC0", tol=1e-12, maxiter=200)
    found = positive_cost(cost, treated, age)
    assert [found.value, found.se] == pytest.approx([fit.params[1], fit.bse[1]], rel=1e-6)


def test_without_covariates_both_parts_are_ratios_one_can_compute_by_hand(patients):
    cost, treated, _ = patients
    known = np.isfinite(cost)
    shares = [np.mean(cost[known & (treated == arm)] > 0) for arm in (True, False)]
    odds = [share / (1 - share) for share in shares]
    assert any_cost(cost, treated).value == pytest.approx(np.log(odds[0] / odds[1]), rel=1e-9)
    means = [cost[(cost > 0) & (treated == arm)].mean() for arm in (True, False)]
    assert positive_cost(cost, treated).value == pytest.approx(np.log(means[0] / means[1]), rel=1e-9)


def test_the_intervals_of_both_parts_hold_the_truth():
    rng, held = np.random.default_rng(5), np.zeros(2)
    for _ in range(400):
        treated = np.arange(200) < 100
        some = rng.random(200) < np.where(treated, 0.7, 0.5)
        cost = np.where(some, rng.gamma(1.5, np.where(treated, 600, 400)), 0.0)
        truths = (np.log(0.7 / 0.3), np.log(1.5))
        found = (any_cost(cost, treated), positive_cost(cost, treated))
        held += [one.low < truth < one.high for one, truth in zip(found, truths, strict=True)]
    assert ((held / 400 >= 0.92) & (held / 400 <= 0.98)).all(), held / 400


def test_an_arm_that_always_has_a_cost_has_no_odds_ratio():
    treated = np.arange(40) < 20
    cost = np.where(treated | (np.arange(40) % 2 == 0), 100.0 + np.arange(40), 0.0)
    with pytest.raises(NotEstimableError, match="no maximum"):
        any_cost(cost, treated)
    assert np.isfinite(positive_cost(cost, treated).value)


def test_nobody_with_a_cost_is_refused():
    with pytest.raises(NotEstimableError, match="nobody"):
        positive_cost(np.zeros(10), np.arange(10) < 5)
