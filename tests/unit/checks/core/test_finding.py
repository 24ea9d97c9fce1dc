"""Findings by hand: the two one-sided tests on each scale, and the verdict over several."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from heorsynth.checks.core.distance import average, largest, root_mean_square
from heorsynth.checks.core.estimand import FAITHFUL, PRIVATE, Estimand
from heorsynth.checks.core.finding import (
    FAIL,
    INCONCLUSIVE,
    NOT_ESTIMABLE,
    PASS,
    Finding,
    decide,
    fails_among,
    interval_sentence,
    overall,
    worst_first,
)
from heorsynth.checks.core.groups import ALL, SUBGROUP, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Question
from heorsynth.checks.core.scalar import Measured, Numbers, synthesis_variance

Z = 1.6448536269514722


def asked(label: str, margin: Margin, group: str = "all", question: str = FAITHFUL) -> Question:
    estimand = Estimand("check.key", "plain", "definition", "formula", list, question=question)
    kind = ALL if group == "all" else SUBGROUP
    return Question(estimand, label, Group(group, kind, None, ()), margin, n_real=50)  # type: ignore[type-var]


def judge(label: str, measured: Measured, margin: Margin, group: str = "all") -> Finding:
    return asked(label, margin, group).compare(measured)


def four(found: Numbers) -> tuple[float, float, float, float]:
    return found.difference, found.lower, found.upper, found.floor


@pytest.mark.parametrize(
    ("lower", "upper", "verdict"),
    [(-1, 1, PASS), (-1.01, 0, INCONCLUSIVE), (0.5, 1.5, INCONCLUSIVE), (-3, 3, INCONCLUSIVE), (1.01, 2, FAIL),
     (-2, -1.01, FAIL), (1, 2, INCONCLUSIVE)],
)  # fmt: skip
def test_an_interval_inside_passes_outside_fails_and_across_is_inconclusive(lower, upper, verdict):
    assert decide(lower, upper, 1.0) == verdict


def test_an_absolute_difference_has_the_sum_of_both_variances():
    found = judge("e", Measured(10.0, 4.0, [11.0, 13.0], [1.0, 1.0]), Margin("absolute", 9.0))
    half = Z * math.sqrt(4.0 + 2.0 / 2)
    assert (found.real, found.synthetic, found.difference) == (10.0, 12.0, 2.0)
    assert (found.lower, found.upper) == pytest.approx((2 - half, 2 + half))
    assert found.floor == pytest.approx(2.0 * math.sqrt(2 / math.pi))
    assert found.verdict == PASS


def test_a_relative_difference_carries_the_real_error_by_the_delta_method():
    found = judge("e", Measured(10.0, 4.0, [12.0], [9.0]), Margin("relative", 0.1))
    half = Z * math.sqrt((9.0 + 4.0 * 1.2**2) / 100)
    assert found.difference == pytest.approx(0.2)
    assert (found.lower, found.upper) == pytest.approx((0.2 - half, 0.2 + half))


def test_a_ratio_is_judged_on_the_log_scale():
    found = judge("e", Measured(0.2, 0.0004, [0.1], [0.0009]), Margin("ratio", math.log(1.25)))
    assert found.difference == pytest.approx(math.log(0.5))
    assert found.upper - found.difference == pytest.approx(Z * math.sqrt(0.0009 / 0.01 + 0.0004 / 0.04))


def test_a_relative_difference_to_zero_is_not_estimable_and_says_so():
    found = judge("e", Measured(0.0, 1.0, [1.0], [1.0]), Margin("relative", 0.1))
    assert found.verdict == NOT_ESTIMABLE and "real 0" in found.because


def test_the_synthesis_variance_is_the_larger_of_between_and_within_over_m():
    assert synthesis_variance(np.array([1.0, 3.0]), np.array([0.5, 0.5])) == pytest.approx(1.0)
    assert synthesis_variance(np.array([1.0, 1.0]), np.array([0.5, 0.5])) == pytest.approx(0.25)
    assert synthesis_variance(np.array([1.0]), np.array([0.5])) == pytest.approx(0.5)


def test_what_is_not_estimable_is_null_in_json_and_not_nan():
    found = asked("e", Margin("absolute", 1.0)).refuse("no events")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["difference"] is None


def test_one_failure_decides_and_supporting_findings_do_not():
    margin = Margin("absolute", 1.0)
    good = judge("good", Measured(1.0, 1e-4, [1.0], [1e-4]), margin)
    bad = judge("bad", Measured(1.0, 1e-4, [9.0], [1e-4]), margin)
    aside = judge("aside", Measured(1.0, 1e-4, [9.0], [1e-4]), margin, "sex=f")
    unknown = asked("unknown", margin).refuse("no events")
    assert overall([good, aside]) == "fit"
    assert overall([good, bad]) == "not fit"
    assert overall([good, unknown]) == overall([]) == overall([aside]) == "inconclusive"
    ordered = [finding.estimand for finding in worst_first([good, aside, unknown, bad])]
    assert ordered == ["bad", "unknown", "good", "aside"]


def test_one_bare_failure_among_twenty_may_be_chance_and_a_clear_one_is_not():
    margin = Margin("absolute", 1.0)
    good = [judge(f"good {i}", Measured(0.0, 1e-4, [0.0], [0.0]), margin) for i in range(19)]
    bare = judge("bare", Measured(0.0, 1.0, [1 + 1.1 * Z], [0.0]), margin)
    clear = judge("clear", Measured(0.0, 1.0, [1 + 2.9], [0.0]), margin)
    assert bare.verdict == clear.verdict == FAIL
    assert overall([bare]) == "not fit", "alone it needs no allowance for others"
    assert overall([bare, *good]) == "inconclusive", "and never fit"
    assert overall([clear, *good]) == "not fit"
    assert not fails_among(good[0], 20)
    exposed = asked("bare", margin, question=PRIVATE).compare(Measured(0.0, 1.0, [1 + 1.1 * Z], [0.0]))
    assert overall([exposed, *good]) == "not fit", "a risk to a person is not weighed against other questions"


def test_where_every_quantity_is_off_by_exactly_its_margin_one_set_in_twenty_is_called_not_fit_at_most():
    margin, rng, count, repetitions = Margin("absolute", 1.0), np.random.default_rng(3), 25, 1000
    wrong = 0
    for _ in range(repetitions):
        errors = rng.standard_normal(count)
        found = [judge("e", Measured(0.0, 0.01, [1 + 0.1 * z], [0.0]), margin) for z in errors]
        wrong += overall(found) == "not fit"
    assert 0.02 * repetitions < wrong <= stats.binom.ppf(0.9995, repetitions, 0.05)


def test_the_largest_gap_is_bounded_above_pointwise_and_below_simultaneously():
    gaps = np.array([0.3, -0.1])
    noise = np.array([[0.1, 0.1], [-0.1, -0.1]])
    value, lower, upper, floor = four(largest(gaps, noise, noise))
    assert value == 0.3
    assert upper == pytest.approx(0.3 + Z * 0.1)
    assert lower == pytest.approx(0.3 - 1.0 * 0.1)
    assert floor == pytest.approx(0.1)


def test_the_mean_gap_takes_the_narrower_of_two_valid_bounds_above():
    gaps = np.array([0.3, -0.1])
    noise = np.array([[0.1, 0.1], [-0.1, -0.1]])
    value, lower, upper, floor = four(average(gaps, noise, noise))
    assert value == pytest.approx(0.2)
    assert (lower, upper) == pytest.approx((0.1, 0.3))
    assert floor == pytest.approx(0.1)


def test_without_any_noise_a_distance_is_known_exactly():
    still = np.zeros((5, 2))
    assert four(largest(np.array([0.0, 0.2]), still, still)) == (0.2, 0.2, 0.2, 0.0)


def test_a_finding_says_how_intervals_overlap_and_how_many_standard_errors_apart_they_are():
    found = judge("e", Measured(10.0, 4.0, [12.0, 14.0], [4.0, 4.0]), Margin("absolute", 9.0))
    assert found.standardised == pytest.approx(1.5)
    assert found.overlap == pytest.approx(1 - 3 / (2 * 1.959964 * 2), rel=1e-6)
    apart = judge("e", Measured(10.0, 1.0, [20.0], [1.0]), Margin("absolute", 9.0))
    assert apart.overlap < 0


def test_the_root_mean_square_lies_between_the_mean_and_the_largest_distance():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.01, (400, 50))
    gaps = np.linspace(0, 0.1, 50)
    values = [measure(gaps, noise, noise).difference for measure in (average, root_mean_square, largest)]
    assert values == sorted(values) and values[1] == pytest.approx(np.sqrt(np.mean(gaps**2)))
    _, lower, upper, _ = four(root_mean_square(np.zeros(50), noise, noise))
    assert lower == 0 and 0.01 < upper < 0.02


def test_a_ratio_too_large_for_a_float_is_called_infinite_and_stops_nothing():
    told = interval_sentence("inconclusive", -800.0, 800.0, Margin("ratio", math.log(1.25)))
    assert "0 to inf crosses the edge" in told
