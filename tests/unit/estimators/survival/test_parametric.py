"""Parametric models, censored costs, propensity scores, rank correlation and QALYs: closed forms and wrong input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, special, stats

from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.estimators.association import rank_correlation
from heorsynth.estimators.costs.censored import bang_tsiatis, lin
from heorsynth.estimators.costs.utilities import qaly
from heorsynth.estimators.propensity import propensity
from heorsynth.estimators.survival.cox import cox
from heorsynth.estimators.survival.fine_gray import fine_gray
from heorsynth.estimators.survival.parametric import fit_parametric
from heorsynth.estimators.survival.parametric_families import FAMILIES


@pytest.fixture(scope="module")
def patients() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    death, left = rng.weibull(1.3, 300) * 4, rng.uniform(1, 8, 300)
    return np.minimum(death, left), death <= left


@pytest.mark.parametrize("family", FAMILIES)
def test_hazard_is_the_slope_of_cumulative_hazard(family):
    theta = np.array([0.2, -0.3, 0.7])[: len(FAMILIES[family].start)]
    t, step = np.linspace(0.2, 3, 7), 1e-6
    log_hazard, _ = FAMILIES[family].logs(t, theta)
    slope = (FAMILIES[family].logs(t - step, theta)[1] - FAMILIES[family].logs(t + step, theta)[1]) / (2 * step)
    np.testing.assert_allclose(np.exp(log_hazard), slope, rtol=1e-6)


def test_the_generalised_gamma_holds_weibull_and_log_normal_as_cases():
    t = np.linspace(0.1, 5, 9)
    gamma, weibull = FAMILIES["generalised gamma"].logs, FAMILIES["Weibull"].logs
    np.testing.assert_allclose(gamma(t, np.array([0.1, 0.2, 1.0])), weibull(t, np.array([0.1, 0.2])), rtol=1e-10)
    near, normal = gamma(t, np.array([0.1, 0.2, 2e-3])), FAMILIES["log-normal"].logs(t, np.array([0.1, 0.2]))
    np.testing.assert_allclose(near, normal, atol=5e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_mean_to_a_horizon_is_the_area_under_the_curve(family, patients):
    fit = fit_parametric(family, *patients)
    area = integrate.quad(lambda t: float(fit.survival(np.array([t]))[0]), 1e-12, 60.0, limit=200)[0]
    assert fit.restricted_mean(60.0).value == pytest.approx(area, rel=1e-6)


def test_the_exponential_is_events_over_person_time(patients):
    time, event = patients
    fit = fit_parametric("exponential", time, event)
    rate = event.sum() / time.sum()
    assert np.exp(fit.theta[0]) / fit.scale == pytest.approx(rate, rel=1e-8)
    assert fit.loglik == pytest.approx(event.sum() * np.log(rate) - event.sum(), rel=1e-10)
    assert fit.covariance[0, 0] == pytest.approx(1 / event.sum(), rel=1e-5)


def test_the_standard_error_of_a_mean_lifetime_is_that_seen_over_samples():
    rng, found = np.random.default_rng(8), []
    for _ in range(150):
        death, left = rng.weibull(1.3, 200) * 4, rng.uniform(1, 8, 200)
        found.append(fit_parametric("Weibull", np.minimum(death, left), death <= left).restricted_mean(40.0))
    values = np.array([one.value for one in found])
    assert np.mean([one.se for one in found]) == pytest.approx(values.std(), rel=0.15)
    assert values.mean() == pytest.approx(4 * special.gamma(1 + 1 / 1.3), rel=0.02)


def test_too_few_events_are_refused():
    with pytest.raises(NotEstimableError, match="too few"):
        fit_parametric("generalised gamma", np.arange(1.0, 9.0), np.arange(8) < 3)


@pytest.mark.parametrize("seed", range(12))
def test_a_generalised_gamma_has_a_maximum_where_every_direction_falls_and_is_refused_elsewhere(seed):
    """Times that end together push Q without end: no rounding decides how far a search went, and none is reported."""
    rng = np.random.default_rng(seed)
    death, left = np.sqrt(rng.random(80)), rng.uniform(0.2, 1.4, 80)
    time, event = np.minimum(death, left), death <= left
    if seed not in (6, 8):
        with pytest.raises(NotEstimableError, match="no maximum"):
            fit_parametric("generalised gamma", time, event)
        return
    fit = fit_parametric("generalised gamma", time, event)
    at_maximum = fit.contributions(time, event).sum()
    assert at_maximum == pytest.approx(fit.loglik, rel=1e-12)
    for direction in (*np.eye(3), *-np.eye(3), np.ones(3), -np.ones(3)):
        moved = replace(fit, theta=fit.theta + 1e-3 * direction)
        assert moved.contributions(time, event).sum() < at_maximum


def test_a_fit_starts_anew_from_another_unit_and_gives_the_same():
    rng = np.random.default_rng(3)
    death, left = rng.weibull(1.4, 150) * 4, rng.uniform(1, 8, 150)
    time, event = np.minimum(death, left), death <= left
    for family in FAMILIES:
        years, days = (fit_parametric(family, time * unit, event).restricted_mean(20 * unit) for unit in (1.0, 365.25))
        assert (days.value / 365.25, days.se / 365.25) == pytest.approx((years.value, years.se), rel=1e-7)


def test_without_competing_events_the_subdistribution_is_the_distribution():

    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 1))
    time, event = rng.exponential(np.exp(-0.5 * x[:, 0])), rng.random(200) < 0.7
    assert fine_gray(time, event.astype(int), x).coef == pytest.approx(cox(time, event, x).coef, rel=1e-7)


def test_a_level_without_events_of_cause_one_is_refused():
    cause = np.array([1, 1, 2, 2, 1, 0, 2, 0] * 5)
    with pytest.raises(NotEstimableError, match="no maximum"):
        fine_gray(np.arange(1.0, 41.0), cause, (cause == 2).astype(float)[:, None])


def test_without_censoring_the_cost_estimators_are_the_mean():
    rng = np.random.default_rng(2)
    time = rng.uniform(0.1, 9, 50)
    cost = np.column_stack([np.clip(time - year, 0, 1) * 100 for year in range(10)])
    everyone, total = np.ones(50, bool), cost.sum(axis=1)
    for found in (bang_tsiatis(total, time, everyone, 8.5), bang_tsiatis(cost[:, :8], time, everyone, 8.0)):
        assert found.n_used == 50
    assert bang_tsiatis(total, time, everyone, 8.0).value == pytest.approx(total.mean())
    assert bang_tsiatis(total, time, everyone, 8.0).se == pytest.approx(total.std() / np.sqrt(50))
    assert lin(cost[:, :8], time, everyone, 8.0).value == pytest.approx(cost[:, :8].sum(axis=1).mean())


def test_bang_and_tsiatis_by_hand():
    """Costs 10, 30, 40 of the complete; one of four censored at 2, when three are at risk: G = 2/3 after it."""
    cost, time = np.array([10.0, 30.0, 20.0, 40.0]), np.array([1.0, 3.0, 2.0, 4.0])
    found = bang_tsiatis(cost, time, np.array([True, True, False, True]), 4.0)
    assert found.value == pytest.approx((10 + 30 * 1.5 + 40 * 1.5) / 4)


def test_a_horizon_past_follow_up_is_refused():
    with pytest.raises(HorizonError):
        bang_tsiatis(np.ones(3), np.array([1.0, 2.0, 3.0]), np.ones(3, bool), 5.0)


def test_the_propensity_score_equals_the_logistic_regression_of_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    real, synthetic = rng.normal(size=(150, 3)), rng.normal(0.2, 1, size=(100, 3))
    found = propensity(real, synthetic)
    drawn = np.repeat([0.0, 1.0], [150, 100])
    score = sm.Logit(drawn, sm.add_constant(np.concatenate([real, synthetic]))).fit(disp=0).predict()
    assert found.pmse == pytest.approx(np.mean((score - 0.4) ** 2), rel=1e-3)
    assert found.null == pytest.approx(3 * 0.6**2 * 0.4 / 250)


def test_the_propensity_null_holds_for_a_fitted_generator_and_twice_for_two_samples_of_one_law():
    rng, ratios = np.random.default_rng(6), []
    for _ in range(200):
        real = rng.normal(size=(200, 5))
        fitted = rng.multivariate_normal(real.mean(axis=0), np.cov(real.T), size=200)
        ratios.append([propensity(real, synthetic).ratio for synthetic in (fitted, rng.normal(size=(200, 5)))])
    # a chi-squared of 5 degrees over 5 has a standard deviation of 0.63, and a mean of 200 one of 0.045: four of these
    assert np.mean(ratios, axis=0) == pytest.approx([1.0, 2.0], abs=0.2)


def test_the_explained_share_counts_from_the_null_so_that_it_is_below_0_for_equal_rows():
    """The share of variance is the ratio less one, times the null over c(1 - c): 5/800 for halves of 200."""
    rng, found = np.random.default_rng(8), propensity(np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]]))
    assert found.pmse == pytest.approx(0.0) and found.explained == pytest.approx(-found.null / 0.25)
    found = propensity(rng.normal(size=(200, 5)), rng.normal(size=(200, 5)))
    assert found.explained == pytest.approx((found.ratio - 1) * 5 / 800)


def test_the_explained_share_is_that_of_a_known_shift():
    """Means d SD apart, halves: the best score explains about d²/4 of the variance of being synthetic."""
    rng = np.random.default_rng(7)
    found = propensity(rng.normal(size=(40_000, 2)), rng.normal([0.4, 0.0], 1, size=(40_000, 2)))
    assert found.explained == pytest.approx(0.038, abs=0.004)


def test_rows_that_can_be_told_apart_wholly_are_explained_wholly():
    found = propensity(np.zeros((50, 1)), np.ones((50, 1)))
    assert found.explained > 0.9


def test_rank_correlation_equals_scipy_and_its_interval_holds_the_truth():
    rng, held = np.random.default_rng(9), 0
    x = rng.normal(size=80)
    y = x + rng.normal(size=80)
    assert rank_correlation(x, y).value == pytest.approx(stats.spearmanr(x, y)[0], rel=1e-12)
    truth = 6 / np.pi * np.arcsin(0.6 / 2)
    for _ in range(400):
        both = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=100)
        found = rank_correlation(both[:, 0], both[:, 1])
        held += found.low < truth < found.high
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize("rate", [0.0, 0.035])
def test_qaly_is_the_discounted_area_under_the_line(rate):
    times, utility = np.array([0.0, 0.25, 1.0, 2.5]), np.array([[0.4, 0.7, 0.65, 0.0]])
    area = integrate.quad(
        lambda t: float(np.interp(t, times, utility[0])) * (1 + rate) ** -t, 0, 2.5, points=times.tolist()
    )[0]
    assert qaly(utility, times, rate=rate)[0] == pytest.approx(area, rel=1e-9)


def test_a_missing_measure_makes_the_qaly_missing_and_odd_times_are_refused():
    assert np.isnan(qaly(np.array([[0.5, np.nan, 0.5]]), np.array([0.0, 1.0, 2.0]))).all()
    with pytest.raises(NotEstimableError, match="rise from 0"):
        qaly(np.ones((1, 2)), np.array([1.0, 2.0]))


def test_a_cox_model_without_information_is_refused_and_does_not_run_for_ever():
    """Whoever had the event was alone at risk, or beside their like: the curvature is 0 but for rounding."""

    time, event = np.array([2.0, 3.0, 2.0, 4.0]), np.array([False, True, False, True])
    with pytest.raises(NotEstimableError):
        cox(time, event, np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([1.5, 0.0, 0.0, 0.0]))


def interval_costs(n=500):
    rng = np.random.default_rng(6)
    death, left = rng.exponential(4.0, n), rng.uniform(0.5, 8.0, n)
    time = np.minimum(death, left)
    return 1000 * np.clip(time[:, None] - np.arange(4), 0, 1), time, death <= left


@pytest.mark.parametrize("estimator", [bang_tsiatis, lin])
def test_a_cost_that_is_missing_after_follow_up_is_none(estimator):
    cost, time, died = interval_costs()
    blank = np.where(time[:, None] <= np.arange(4), np.nan, cost)
    assert np.isnan(blank).sum() > 300
    found, whole = estimator(blank, time, died, 4.0), estimator(cost, time, died, 4.0)
    assert (found.value, found.se, found.n_used, found.n_total) == (whole.value, whole.se, 500, 500)


@pytest.mark.parametrize("estimator", [bang_tsiatis, lin])
def test_a_cost_that_is_missing_during_follow_up_is_refused_by_its_column_and_count(estimator):
    cost, time, died = interval_costs()
    cost[np.flatnonzero((time > 2) & died)[:3], 1] = np.nan
    with pytest.raises(NotEstimableError, match=r"year_2: 3 of \d+ patients") as told:
        estimator(cost, time, died, 4.0, names=["year_1", "year_2", "year_3", "year_4"])
    assert len(told.value.problems) == 1


def test_costs_missing_in_one_column_are_left_out_and_counted_unless_nothing_needs_them():
    cost, time, died = interval_costs()
    total = cost.sum(axis=1)
    censored = ~died & (time < 4)
    unneeded = bang_tsiatis(np.where(censored, np.nan, total), time, died, 4.0)
    assert unneeded == bang_tsiatis(total, time, died, 4.0)
    total[np.flatnonzero(died)[:7]] = np.nan
    found = bang_tsiatis(total, time, died, 4.0)
    assert (found.n_used, found.n_total) == (493, 500)


@pytest.mark.parametrize("wrong", [np.nan, -1.0, 0.0])
@pytest.mark.parametrize("everybody_dies", [True, False])
def test_follow_up_that_is_missing_or_negative_is_refused(wrong, everybody_dies):
    cost, time, died = interval_costs()
    time[3] = wrong
    for estimator in (bang_tsiatis, lin):
        with pytest.raises(NotEstimableError, match="time: 1 of 500"):
            estimator(cost, time, died | everybody_dies, 4.0)
