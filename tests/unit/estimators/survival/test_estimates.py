"""Survival estimators on frames small enough to check by hand, closed forms, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.estimators.survival.bootstrap import bootstrap_weights
from heorsynth.estimators.survival.cox import cox, hazard_ratio
from heorsynth.estimators.survival.curve import rounded_below
from heorsynth.estimators.survival.estimates import (
    at_risk_table,
    common_horizon,
    cumulative_incidence,
    kaplan_meier,
    km_matrix,
    landmark_survival,
    log_rank,
    median_survival,
    quantile_survival,
    reverse_kaplan_meier,
    rmst,
    rmst_difference,
)

TIME = np.array([1.0, 2.0, 3.0, 4.0])
EVENT = np.array([True, False, True, False])


def test_kaplan_meier_by_hand_with_its_greenwood_error() -> None:
    curve = kaplan_meier(TIME, EVENT)
    assert curve.survival.tolist() == [0.75, 0.75, 0.375, 0.375]
    assert curve.at_risk.tolist() == [4, 3, 2, 1]
    assert curve.se[2] == pytest.approx(0.375 * math.sqrt(1 / (4 * 3) + 1 / (2 * 1)))


def test_curve_is_right_continuous_and_one_before_the_first_event() -> None:
    curve = kaplan_meier(TIME, EVENT)
    assert curve.at(np.array([0, 0.999, 1, 2.5, 3, 4])).tolist() == [1, 1, 0.75, 0.75, 0.375, 0.375]


def test_late_entry_takes_patients_out_of_the_risk_set_before_they_come() -> None:
    curve = kaplan_meier(TIME, EVENT, entry=np.array([0, 0, 2, 2.0]))
    assert curve.at_risk.tolist() == [2, 1, 2, 1]
    assert curve.survival.tolist() == [0.5, 0.5, 0.25, 0.25]


def test_weights_count_as_that_many_patients() -> None:
    weights = np.array([2, 0, 3, 1])
    repeated = kaplan_meier(np.repeat(TIME, weights), np.repeat(EVENT, weights))
    weighted = kaplan_meier(TIME, EVENT, weights=weights)
    np.testing.assert_allclose(weighted.at(TIME), repeated.at(TIME))
    np.testing.assert_allclose(weighted.se_at(TIME), repeated.se_at(TIME))


def test_patients_without_a_time_are_left_out_and_counted() -> None:
    found = rmst(np.append(TIME, np.nan), np.append(EVENT, True), 4)
    assert (found.value, found.n_used, found.n_total) == (2.875, 4, 5)


def test_inputs_are_not_changed() -> None:
    time, event, entry = np.append(TIME, np.nan), np.append(EVENT, True), np.zeros(5)
    before = [array.copy() for array in (time, event, entry)]
    rmst(time, event, 3, entry)
    cox(time, np.ones(5, bool), np.array([[1.0], [0.0], [1.0], [0.0], [np.nan]]), entry)
    for array, held in zip((time, event, entry), before, strict=True):
        np.testing.assert_array_equal(array, held)


def test_restricted_mean_without_censoring_is_the_mean_of_capped_times() -> None:
    time = np.random.default_rng(1).exponential(10, 200)
    found = rmst(time, np.ones(200, bool), 8)
    capped = np.minimum(time, 8)
    assert found.value == pytest.approx(capped.mean(), rel=1e-12)
    assert found.se == pytest.approx(capped.std() / math.sqrt(200), rel=1e-12)


def test_rmst_equals_the_closed_form_for_an_exponential() -> None:
    n, rate, horizon = 200_000, 0.2, 7.0
    time = -np.log1p(-(np.arange(n) + 0.5) / n) / rate
    found = rmst(time, np.ones(n, bool), horizon)
    assert found.value == pytest.approx((1 - math.exp(-rate * horizon)) / rate, rel=1e-5)


def test_difference_of_identical_arms_is_zero_with_both_arms_variance() -> None:
    treated = np.repeat([True, False], 4)
    found = rmst_difference(np.tile(TIME, 2), np.tile(EVENT, 2), treated, 4)
    assert found.value == 0
    assert found.se == pytest.approx(math.sqrt(2) * rmst(TIME, EVENT, 4).se)
    assert found.n_used == 8


@pytest.mark.parametrize(
    "ask",
    [
        lambda: kaplan_meier(TIME * 1234.5, EVENT).at(6000.0),
        lambda: rmst(TIME * 1234.5, EVENT, 6000),
        lambda: landmark_survival(TIME * 1234.5, EVENT, 6000),
        lambda: cumulative_incidence(TIME * 1234.5, EVENT.astype(int))[1].at(6000.0),
        lambda: km_matrix(TIME * 1234.5, EVENT, np.ones((1, 4)), np.array([6000.0])),
    ],
)
def test_a_time_past_follow_up_is_refused_with_a_rounded_limit_that_is_nobodys_own(ask) -> None:
    with pytest.raises(HorizonError, match="6,000: past the last follow-up") as caught:
        ask()
    assert "choose at most 4,900" in str(caught.value)
    assert "4,938" not in str(caught.value)


@given(st.floats(1e-3, 1e6))
@settings(derandomize=True, deadline=None)
def test_the_limit_shown_lies_strictly_below_the_last_follow_up_and_near_it(time: float) -> None:
    assert 0.89 * time <= rounded_below(time) < time


def test_a_curve_that_fell_to_zero_is_known_for_all_later_times() -> None:
    everyone = np.ones(4, bool)
    assert kaplan_meier(TIME, everyone).at(100.0) == 0
    assert rmst(TIME, everyone, 100).value == 2.5


@pytest.mark.parametrize("horizon", [0, -1, math.nan])
def test_a_horizon_that_is_not_above_zero_is_refused(horizon: float) -> None:
    with pytest.raises(HorizonError):
        rmst(TIME, EVENT, horizon)


def test_landmark_with_nobody_gone_does_not_claim_certainty() -> None:
    found = landmark_survival(TIME + 1, EVENT, 1.5)
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.025 ** (1 / 4))
    assert found.se > 0.1
    gone = landmark_survival(TIME, np.ones(4, bool), 4)
    assert (gone.value, gone.low) == (0, 0)
    assert gone.high == pytest.approx(1 - 0.025 ** (1 / 4))


def test_median_not_reached_is_an_error_and_an_open_upper_limit_is_infinite() -> None:
    with pytest.raises(NotEstimableError, match="not reached"):
        median_survival(TIME, np.array([True, False, False, False]))
    found = median_survival(TIME, EVENT)
    assert (found.value, found.high) == (3, math.inf)


def test_median_on_a_flat_stretch_at_one_half_is_its_middle() -> None:
    assert median_survival(TIME, np.ones(4, bool)).value == 2.5


def test_a_quantile_outside_its_range_is_refused() -> None:
    with pytest.raises(NotEstimableError, match="between 0 and 1"):
        quantile_survival(TIME, EVENT, 1.0)


def test_common_horizon_is_the_smallest_of_the_last_times() -> None:
    assert common_horizon(TIME, TIME * 2, np.array([3.5, np.nan])) == 3.5


def test_reverse_curve_counts_censoring_among_those_who_did_not_just_have_the_event() -> None:
    tied = reverse_kaplan_meier(np.array([1.0, 1.0, 2.0]), np.array([True, False, False]))
    assert tied.survival.tolist() == [0.5, 0.0]


def test_at_risk_table_counts_whoever_leaves_at_that_time_as_still_at_risk() -> None:
    table = at_risk_table(TIME, EVENT, np.array([0, 1, 2.5, 99]))
    assert table.columns.tolist() == ["time", "at_risk", "censored", "events"]
    assert table["at_risk"].tolist() == [4, 4, 2, 0]
    assert table["censored"].tolist() == [0, 0, 1, 2]
    assert table["events"].tolist() == [0, 1, 1, 2]


def test_cumulative_incidence_without_censoring_is_the_share_of_patients() -> None:
    cause = np.array([1, 2, 1, 2, 1])
    curves = cumulative_incidence(np.arange(1.0, 6), cause)
    assert curves[1].incidence.tolist() == pytest.approx([0.2, 0.2, 0.4, 0.4, 0.6])
    assert curves[1].se_at(3.0) == pytest.approx(math.sqrt(0.4 * 0.6 / 5))


def test_cumulative_incidence_of_the_only_cause_is_one_minus_kaplan_meier_and_greenwood() -> None:
    curve, whole = cumulative_incidence(TIME, EVENT.astype(int))[1], kaplan_meier(TIME, EVENT)
    np.testing.assert_allclose(curve.incidence, 1 - whole.survival)
    np.testing.assert_allclose(curve.se, whole.se)


def test_hazard_ratio_of_four_patients_equals_its_closed_form() -> None:
    """The likelihood r^2 / ((r + 1)^2 (r + 2)) is highest where r^2 - r - 4 = 0."""
    found = hazard_ratio(TIME, np.ones(4, bool), np.array([True, False, True, False]))
    assert found.value == pytest.approx((1 + math.sqrt(17)) / 2, rel=1e-9)
    assert found.low == pytest.approx(math.exp(math.log(found.value) - 1.959964 * found.se), rel=1e-6)


def test_cox_recovers_the_hazard_ratios_it_was_drawn_from() -> None:
    rng, truth = np.random.default_rng(3), np.array([0.7, -0.4])
    X = rng.normal(size=(20_000, 2)) * [1, 10] + [5, 100]
    time = rng.exponential(np.exp(-(X - X.mean(axis=0)) @ (truth / [1, 10])))
    fit = cox(time, np.ones(20_000, bool), X)
    assert np.all(np.abs(fit.coef - truth / [1, 10]) < 3.5 * fit.se)


@pytest.mark.parametrize(
    ("event", "x", "message"),
    [
        ([False] * 6, [0, 1, 0, 1, 0, 1], "nobody had the event"),
        ([True] * 6, [1] * 6, "constant"),
        ([True, False, True, False, True, False], [1, 0, 1, 0, 1, 0], "no maximum"),
        ([True] * 6, [6, 5, 4, 3, 2, 1], "no maximum"),
    ],
)
def test_cox_refuses_a_likelihood_without_a_maximum(event: list, x: list, message: str) -> None:
    with pytest.raises(NotEstimableError, match=message):
        cox(np.arange(1.0, 7), np.array(event), np.array(x, float)[:, None])


def test_cox_refuses_covariates_that_follow_from_one_another() -> None:
    x = np.array([1.0, 5, 2, 4, 3, 6])
    with pytest.raises(NotEstimableError, match="follows from the others"):
        cox(np.arange(1.0, 7), np.ones(6, bool), np.column_stack([x, 2 * x + 1]))


def test_cox_leaves_out_patients_with_a_missing_covariate_and_counts_them() -> None:
    x = np.array([1.0, 0, 1, 0, np.nan])
    fit = cox(np.append(TIME, 5.0), np.ones(5, bool), x[:, None])
    assert (fit.n_used, fit.n_total, fit.n_events) == (4, 5, 4)
    assert float(fit.coef[0]) == pytest.approx(math.log((1 + math.sqrt(17)) / 2), rel=1e-9)


def test_log_rank_of_one_group_is_refused_and_of_identical_groups_is_zero() -> None:
    with pytest.raises(NotEstimableError):
        log_rank(TIME, EVENT, np.zeros(4))
    same = log_rank(np.tile(TIME, 2), np.tile(EVENT, 2), np.repeat(["a", "b"], 4))
    assert same.statistic == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize(
    ("time", "event", "message"),
    [
        (np.array([1.0, 0.0]), np.array([True, True]), "1 of 2 times are not after"),
        (np.array([np.nan, np.nan]), np.array([True, True]), "none of 2 patients"),
        (np.array([1.0, 2.0]), np.array([True]), "differ in length"),
    ],
)
def test_impossible_follow_up_is_refused_without_its_values(time: np.ndarray, event: np.ndarray, message: str) -> None:
    with pytest.raises(NotEstimableError, match=message):
        kaplan_meier(time, event)


def test_bootstrap_weights_keep_the_size_of_every_stratum_and_follow_the_stream() -> None:
    strata = np.repeat(["a", "b", "c"], [3, 5, 12])
    weights = bootstrap_weights(20, 50, np.random.default_rng(1), strata)
    for level, size in (("a", 3), ("b", 5), ("c", 12)):
        assert (weights[:, strata == level].sum(axis=1) == size).all()
    again = bootstrap_weights(20, 50, np.random.default_rng(1), strata)
    np.testing.assert_array_equal(weights, again)
    assert (weights != bootstrap_weights(20, 50, np.random.default_rng(2), strata)).any()


def test_bootstrap_spread_of_the_curve_equals_greenwood() -> None:
    rng = np.random.default_rng(5)
    death, censoring = rng.exponential(1, 400), rng.exponential(2, 400)
    time, event = np.minimum(death, censoring), death <= censoring
    curves = km_matrix(time, event, bootstrap_weights(400, 2000, rng), np.array([0.5, 1.0]))
    # 2,000 replicates know a standard deviation to 1.6%; 6% is almost four of those.
    np.testing.assert_allclose(curves.std(axis=0), kaplan_meier(time, event).se_at(np.array([0.5, 1.0])), rtol=0.06)


def test_an_early_entrant_who_dies_alone_does_not_make_the_curve_nought_for_those_who_come_later() -> None:
    """R's curve stays at 0 from then on; here it is not identified past that moment."""
    time, entry = np.array([1.0, 5.0, 6.0, 7.0, 8.0]), np.array([0.0, 2.0, 2.0, 3.0, 3.0])
    event = np.array([True, True, False, True, False])
    assert kaplan_meier(time, event, entry).survival.tolist() == [0, 0, 0, 0, 0]
    for refused in (
        lambda: rmst(time, event, 6.0, entry),
        lambda: landmark_survival(time, event, 5.5, entry),
        lambda: median_survival(time, event, entry),
        lambda: cumulative_incidence(time, event.astype(int), entry)[1].at(5.5),
    ):
        with pytest.raises((HorizonError, NotEstimableError)):
            refused()
    assert rmst(time, event, 0.9, entry).value == pytest.approx(0.9)


def test_a_curve_that_falls_to_nought_with_its_last_patient_is_known_for_ever() -> None:
    assert math.isinf(kaplan_meier(TIME, np.ones(4, bool)).reach)
    assert math.isinf(kaplan_meier(TIME, np.ones(4, bool), np.array([0.0, 0.5, 1.5, 2.5])).reach)
