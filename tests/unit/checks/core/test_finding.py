"""Findings by hand: the two one-sided tests on each scale, and the verdict over several."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from heorsynth.checks.core.distance import Gaps, average, largest, root_mean_square
from heorsynth.checks.core.estimand import FAITHFUL, PRIVATE, Estimand
from heorsynth.checks.core.finding import (
    CONSTRUCTED,
    FAIL,
    INCONCLUSIVE,
    NOT_ESTIMABLE,
    PASS,
    Finding,
    answer_of,
    decide,
    decide_single,
    fails_among,
    interval_sentence,
    single_sentence,
    worst_first,
)
from heorsynth.checks.core.groups import ALL, SUBGROUP, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Question
from heorsynth.checks.core.scalar import Measured, Numbers

Z = 1.6448536269514722


def asked(label: str, margin: Margin, group: str = "all", question: str = FAITHFUL, m: int = 2) -> Question:
    estimand = Estimand("check.key", "plain", "definition", "formula", list, question=question)
    kind = ALL if group == "all" else SUBGROUP
    cohorts = (None,) * m
    return Question(estimand, label, Group(group, kind, None, cohorts), margin, n_real=50)  # type: ignore[type-var]


def judge(label: str, measured: Measured, margin: Margin, group: str = "all") -> Finding:
    return asked(label, margin, group, m=len(measured.synthetic)).compare(measured)


def four(found: Numbers) -> tuple[float, float, float, float]:
    return found.difference, found.lower, found.upper, found.floor


@pytest.mark.parametrize(
    ("lower", "upper", "verdict"),
    [(-1, 1, PASS), (-1.01, 0, INCONCLUSIVE), (0.5, 1.5, INCONCLUSIVE), (-3, 3, INCONCLUSIVE), (1.01, 2, FAIL),
     (-2, -1.01, FAIL), (1, 2, INCONCLUSIVE)],
)  # fmt: skip
def test_an_interval_inside_passes_outside_fails_and_across_is_inconclusive(lower, upper, verdict):
    assert decide(lower, upper, 1.0) == verdict


def around(value: float, error: float, m: int = 20) -> list[float]:
    """m values with this mean, whose mean has this standard error."""
    signs = np.resize([-1.0, 1.0], m)
    return list(value + signs * error * math.sqrt(m) / np.std(signs, ddof=1))


T19 = 1.729132811521367


def test_the_interval_of_a_difference_is_that_of_the_mean_over_the_cohorts():
    found = judge("e", Measured(10.0, 4.0, around(12.0, 0.5), [1.0] * 20), Margin("absolute", 9.0))
    assert (found.real, found.synthetic, found.difference) == pytest.approx((10.0, 12.0, 2.0))
    assert (found.lower, found.upper) == pytest.approx((2 - T19 * 0.5, 2 + T19 * 0.5))
    assert (found.real_lower, found.real_upper) == pytest.approx((10 - Z * 2, 10 + Z * 2))
    assert found.floor == pytest.approx(2.0 * math.sqrt(2 / math.pi))
    assert (found.verdict, found.m, found.single) == (PASS, 20, 1.0)
    assert found.single_lower == pytest.approx(0.05 ** (1 / 20)) and found.single_upper == 1.0


def test_a_relative_difference_is_a_share_of_the_real_value():
    found = judge("e", Measured(10.0, 4.0, around(12.0, 0.5), [9.0] * 20), Margin("relative", 0.1))
    assert found.difference == pytest.approx(0.2)
    assert (found.lower, found.upper) == pytest.approx((0.2 - T19 * 0.05, 0.2 + T19 * 0.05))
    assert found.own_half_width == pytest.approx(Z * 2 / 10)


def test_a_ratio_is_judged_on_the_log_scale():
    found = judge("e", Measured(0.2, 0.0004, around(0.1, 0.01), [0.0009] * 20), Margin("ratio", math.log(1.25)))
    assert found.difference == pytest.approx(math.log(0.5))
    assert found.upper - found.difference == pytest.approx(T19 * 0.01 / 0.1)
    assert found.own_half_width == pytest.approx(Z * 0.02 / 0.2)


def test_one_cohort_is_inconclusive_and_says_how_many_are_needed():
    found = judge("e", Measured(10.0, 4.0, [10.0], [1.0]), Margin("absolute", 9.0))
    assert found.verdict == INCONCLUSIVE and "at least 2 are needed" in found.because
    assert found.to_dict()["lower"] is None


@pytest.mark.parametrize(
    ("lower", "upper", "verdict"),
    [(0.9, 1.0, PASS), (0.89, 0.99, INCONCLUSIVE), (0.5, 0.9, INCONCLUSIVE), (0.5, 0.89, FAIL)],
)
def test_single_cohorts_pass_if_nine_of_ten_surely_lie_within_the_margin(lower, upper, verdict):
    assert decide_single(lower, upper) == verdict
    assert "27 of 30 single cohorts lie within the margin" in single_sentence(27, 30, lower, upper)


def test_patients_and_cohorts_that_would_be_needed_follow_from_the_widths():
    found = judge("e", Measured(10.0, 4.0, around(12.0, 0.5), [1.0] * 20), Margin("absolute", 2.5))
    assert found.sufficient is False and found.patients_needed == math.ceil(50 * (2 * Z / 2.5) ** 2)
    assert found.verdict == INCONCLUSIVE
    assert found.cohorts_needed == math.ceil(20 * (T19 * 0.5 / 0.5) ** 2) + 1
    assert asked("e", Margin("absolute", 1.0)).refuse("no events").sufficient is None
    on_edge = judge("e", Measured(10.0, 4.0, around(12.5, 0.5), [1.0] * 20), Margin("absolute", 2.5))
    assert on_edge.cohorts_needed == math.ceil(20 * (T19 * 0.5 / (0.05 * 2.5)) ** 2) + 1, "not unknown: a run goes on"


def test_a_relative_difference_to_zero_is_not_estimable_and_says_so():
    found = judge("e", Measured(0.0, 1.0, [1.0], [1.0]), Margin("relative", 0.1))
    assert found.verdict == NOT_ESTIMABLE and "real 0" in found.because


def test_what_is_not_estimable_is_null_in_json_and_not_nan():
    found = asked("e", Margin("absolute", 1.0)).refuse("no events")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["difference"] is None


def test_one_failure_decides_and_an_answer_needs_a_tested_finding():
    margin = Margin("absolute", 1.0)
    good = judge("good", Measured(1.0, 1e-4, around(1.0, 0.01), [1e-4] * 20), margin)
    bad = judge("bad", Measured(1.0, 1e-4, around(9.0, 0.01), [1e-4] * 20), margin)
    aside = judge("aside", Measured(1.0, 1e-4, around(9.0, 0.01), [1e-4] * 20), margin, "sex=f")
    unknown = asked("unknown", margin).refuse("no events")
    assert not aside.decisive and good.decisive
    assert answer_of([good]) == "yes"
    assert answer_of([good, bad]) == "no"
    assert answer_of([good, unknown]) == answer_of([]) == "not shown"
    constructed = replace(good, basis=CONSTRUCTED)
    assert answer_of([constructed]) == "not shown", "what is equal by construction is no evidence"
    assert answer_of([constructed, good]) == "yes"
    ordered = [finding.estimand for finding in worst_first([good, aside, unknown, bad])]
    assert ordered == ["bad", "unknown", "good", "aside"]


def test_one_bare_failure_among_twenty_may_be_chance_and_a_clear_one_is_not():
    margin = Margin("absolute", 1.0)
    good = [judge(f"good {i}", Measured(0.0, 1e-4, around(0.0, 0.01), [0.0] * 20), margin) for i in range(19)]
    bare = judge("bare", Measured(0.0, 1.0, around(1 + 1.1 * T19, 1.0), [0.0] * 20), margin)
    clear = judge("clear", Measured(0.0, 1.0, around(1 + 3.6, 1.0), [0.0] * 20), margin)
    assert bare.verdict == clear.verdict == FAIL
    assert answer_of([bare]) == "no", "alone it needs no allowance for others"
    assert answer_of([bare, *good]) == "not shown", "and never yes"
    assert answer_of([clear, *good]) == "no"
    assert not fails_among(good[0], 20)
    exposed = replace(bare, question=PRIVATE)
    assert answer_of([exposed, *good]) == "no", "a risk to a person is not weighed against other questions"


def test_a_failure_among_several_is_held_to_the_t_interval_at_their_share_of_the_level():
    """With three cohorts t has 2 degrees of freedom: the interval at 5%/10 is 9.925/2.920 times as wide."""
    wider = 9.925 / 2.920
    one = judge("one", Measured(0.0, 1.0, [4.0, 5.0, 6.0], [0.0] * 3), Margin("absolute", 1.0))
    half = (one.upper - one.lower) / 2
    for beyond, fails in ((0.99, False), (1.01, True)):
        moved = 1 + beyond * wider * half
        assert fails_among(replace(one, difference=moved, lower=moved - half, upper=moved + half), 10) == fails


def test_where_every_quantity_is_off_by_exactly_its_margin_one_set_in_twenty_is_called_unfaithful_at_most():
    margin, rng, count, repetitions = Margin("absolute", 1.0), np.random.default_rng(3), 25, 1000
    wrong = 0
    for values in rng.normal(1.0, 0.1, (repetitions, count, 20)):
        found = [judge("e", Measured(0.0, 0.01, list(one), [0.0] * 20), margin) for one in values]
        wrong += answer_of(found) == "no"
    assert 0.02 * repetitions < wrong <= stats.binom.ppf(0.9995, repetitions, 0.05)


def gaps(values, noise) -> Gaps:
    """Two cohorts whose mean has these gaps, with given draws of its error."""
    values, noise = np.asarray(values, float), np.asarray(noise, float)
    return Gaps(np.array([values - 0.1, values + 0.1]), noise, noise)


NOISE = [[0.1, 0.1], [-0.1, -0.1]]


def test_the_largest_gap_is_bounded_above_pointwise_and_below_simultaneously():
    value, lower, upper, floor = four(largest(gaps([0.3, -0.1], NOISE)))
    assert value == pytest.approx(0.3)
    assert upper == pytest.approx(0.3 + Z * 0.1)
    assert lower == pytest.approx(0.3 - 1.0 * 0.1)
    assert floor == pytest.approx(0.1)
    assert largest(gaps([0.3, -0.1], NOISE)).single == pytest.approx((0.2, 0.4))


def test_the_mean_gap_takes_the_narrower_of_two_valid_bounds_above():
    value, lower, upper, floor = four(average(gaps([0.3, -0.1], NOISE)))
    assert value == pytest.approx(0.2)
    assert (lower, upper) == pytest.approx((0.1, 0.3))
    assert floor == pytest.approx(0.1)


def test_the_draws_of_the_error_have_the_covariance_of_the_mean_over_the_cohorts():
    rng = np.random.default_rng(2)
    each = rng.multivariate_normal([0, 0, 0], [[1, 0.8, 0], [0.8, 1, 0], [0, 0, 4]], size=40)
    found = Gaps.of(each, rng.standard_normal((40_000, 3)), rng)
    ratio = stats.t.ppf(0.95, 39) / Z
    assert np.cov(found.noise.T) / ratio**2 == pytest.approx(np.cov(each.T) / 40, abs=0.004)
    assert np.isnan(Gaps.of(each[:1], found.real_noise, rng).noise).all()


@pytest.mark.parametrize("measure", [largest, average, root_mean_square])
def test_a_distance_of_one_cohort_has_no_interval(measure):
    one = Gaps.of(np.array([[0.1, 0.2]]), np.random.default_rng(1).standard_normal((50, 2)), np.random.default_rng(1))
    value, lower, upper, _ = four(measure(one))
    assert value > 0 and math.isnan(lower) and math.isnan(upper)


@pytest.mark.parametrize("measure", [largest, average])
def test_a_distance_off_by_exactly_the_margin_passes_in_one_of_twenty_at_most(measure):
    rng, passed, repetitions = np.random.default_rng(8), 0, 600
    truth = np.array([0.1, 0.0, 0.05]) if measure is largest else np.array([0.1, 0.1, 0.1])
    for _ in range(repetitions):
        each = truth + rng.normal(0, 0.05, (20, 3))
        found = measure(Gaps.of(each, np.zeros((400, 3)), rng))
        passed += decide(found.lower, found.upper, 0.1) == PASS
    assert passed <= stats.binom.ppf(0.999, repetitions, 0.06)


def test_without_any_noise_a_distance_is_known_exactly():
    still = np.zeros((5, 2))
    exact = Gaps.of(np.array([[0.0, 0.2], [0.0, 0.2]]), still, np.random.default_rng(1))
    assert four(largest(exact)) == (0.2, 0.2, 0.2, 0.0)


def test_a_finding_says_how_intervals_overlap_and_how_many_standard_errors_apart_they_are():
    found = judge("e", Measured(10.0, 4.0, [12.0, 14.0], [4.0, 4.0]), Margin("absolute", 9.0))
    assert found.standardised == pytest.approx(1.5)
    assert found.overlap == pytest.approx(1 - 3 / (2 * 1.959964 * 2), rel=1e-6)
    apart = judge("e", Measured(10.0, 1.0, [20.0], [1.0]), Margin("absolute", 9.0))
    assert apart.overlap < 0


def test_the_root_mean_square_lies_between_the_mean_and_the_largest_distance():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.01, (400, 50))
    rising = np.linspace(0, 0.1, 50)
    values = [measure(gaps(rising, noise)).difference for measure in (average, root_mean_square, largest)]
    assert values == sorted(values) and values[1] == pytest.approx(np.sqrt(np.mean(rising**2)))
    _, lower, upper, _ = four(root_mean_square(gaps(np.zeros(50), noise)))
    assert lower == 0 and 0.01 < upper < 0.02


def test_a_ratio_too_large_for_a_float_is_called_infinite_and_stops_nothing():
    told = interval_sentence("inconclusive", -800.0, 800.0, Margin("ratio", math.log(1.25)))
    assert "0 to inf crosses the edge" in told
