"""A question judges itself: the verdict on each scale, what may not be shown, and on what the verdict rests."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from heorsynth.checks.core.estimand import FAITHFUL, PRIVATE, Estimand
from heorsynth.checks.core.finding import (
    FAIL,
    INCONCLUSIVE,
    LATER_LEVEL,
    NO_THRESHOLD,
    NOT_ESTIMABLE,
    PASS,
    Finding,
    answer_of,
)
from heorsynth.checks.core.groups import ALL, ARM, INTERSECTION, SUBGROUP, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Question
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.checks.core.scalar import Measured, Numbers
from heorsynth.checks.core.standing import Standing
from heorsynth.core.errors import HorizonError, NotEstimableError, Problem
from heorsynth.core.estimate import Estimate

Z = 1.6448536269514722
KEY = "check.key"


@dataclass(frozen=True)
class Patients:
    """What a cohort is here: n patients, and what an estimator finds in them; without a value it refuses."""

    n: int
    value: float | None
    se: float = 1.0


def estimated(patients: Patients) -> Estimate:
    if patients.value is None:
        raise NotEstimableError("estimate", Problem("time", "no events", "wait"))
    return Estimate.normal(patients.value, patients.se)


REAL = Patients(50, 10.0)
T19 = 1.729132811521367
"""The 95% quantile of Student's t on 19 degrees of freedom."""


def around(value: float, half: float, se: float = 1.0) -> tuple[Patients, ...]:
    """Twenty cohorts with this mean, whose 90% interval has this half-width."""
    step = half * math.sqrt(19) / T19
    return tuple(Patients(50, value + sign * step, se) for sign in (-1, 1) * 10)


HALF = 2.326
TWENTY = around(12.0, HALF)
"""Their mean is 12, the difference 2 with the 90% interval -0.326 to 4.326."""


def question(
    margin: Margin,
    real: Patients = REAL,
    synthetic: Sequence[Patients] = TWENTY,
    *,
    kind: str = ALL,
    span: tuple[float, float] = (-math.inf, math.inf),
    about: str = FAITHFUL,
    **facts: object,
) -> Question:
    estimand = Estimand(KEY, "plain", "definition", "formula", list, span=span, question=about)
    group: Group = Group("all", kind, real, tuple(synthetic))  # type: ignore[type-var]
    return Question(estimand, "label", group, margin, **facts)  # type: ignore[arg-type]


def absolute(width: float) -> Margin:
    return Margin("absolute", width)


def interval(found: Finding) -> tuple[float, float]:
    return found.lower, found.upper


@pytest.mark.parametrize(("width", "verdict"), [(4.33, PASS), (4.32, INCONCLUSIVE), (0.3, INCONCLUSIVE)])
def test_an_absolute_difference_is_judged_by_its_interval(width: float, verdict: str) -> None:
    found = question(absolute(width), unit="day").judge(estimated)
    assert (found.real, found.synthetic, found.difference, found.unit) == (10.0, 12.0, 2.0, "day")
    assert interval(found) == pytest.approx((2 - HALF, 2 + HALF))
    assert found.verdict == verdict


@pytest.mark.parametrize(("about", "level"), [(FAITHFUL, 0.99), (PRIVATE, 0.9)])
def test_after_more_cohorts_fidelity_has_a_wider_interval_and_an_attack_keeps_its_own(about: str, level: float) -> None:
    """More cohorts do not narrow what an attack knows, so it is not tested again."""
    asked = question(absolute(1.0), about=about, standing=Standing(level=LATER_LEVEL))
    found = asked.answer(Numbers(0.0, 0.2, 0.2, 0.1, 0.3, 0.0))
    assert found.level == level and f"the {level:.0%} interval" in found.because


def test_an_interval_past_the_margin_fails_and_the_reason_gives_both() -> None:
    exact = around(13.0, 0.23, 0.1)
    found = question(absolute(1.0), Patients(50, 10.0, 0.1), exact).judge(estimated)
    assert found.verdict == FAIL
    assert found.because == "the 90% interval 2.77 to 3.23 lies outside the margin ±1"
    assert found.remark == ""


def test_a_relative_difference_is_a_share_of_the_real_value() -> None:
    found = question(Margin("relative", 0.5)).judge(estimated)
    half = HALF / 10
    assert (found.difference, found.lower, found.upper) == pytest.approx((0.2, 0.2 - half, 0.2 + half))
    assert (found.scale, found.verdict) == ("relative", PASS)


def test_a_ratio_is_told_as_a_ratio_and_judged_by_its_logarithm() -> None:
    found = question(Margin("ratio", math.log(1.25)), Patients(50, 2.0, 0.02), around(2.2, 0.055, 0.022)).judge(
        estimated
    )
    half = 0.055 / 2.2
    assert (found.difference, found.lower, found.upper) == pytest.approx(
        (math.log(1.1), math.log(1.1) - half, math.log(1.1) + half)
    )
    assert found.because == "the 90% interval 1.07 to 1.13 lies inside the margin ratio 0.8 to 1.25"


def test_a_logarithm_is_compared_as_it_is_and_told_as_a_ratio() -> None:
    told: list[float] = []

    def after(numbers: Numbers) -> str:
        told.append(numbers.real)
        return f"; ratio {numbers.synthetic:.2f}"

    real, synthetic = Patients(50, math.log(0.5), 0.03), around(math.log(0.55), 0.08, 0.04)
    found = question(Margin("ratio", math.log(1.25)), real, synthetic).judge(estimated, log=True, after=after)
    assert (found.real, found.synthetic) == pytest.approx((0.5, 0.55))
    assert interval(found) == pytest.approx((math.log(1.1) - 0.08, math.log(1.1) + 0.08))
    assert (found.scale, found.verdict, told) == ("ratio", PASS, [pytest.approx(0.5)])
    assert found.because.endswith("ratio 0.8 to 1.25; ratio 0.55")


def test_a_lost_effect_does_not_pass_a_margin_wider_than_the_effect() -> None:
    lost = question(absolute(5.0), Patients(50, 2.0, 0.5), around(0.0, 1.16, 0.5))
    half = 1.16
    plain, held = lost.judge(estimated), lost.judge(estimated, effect=True)
    assert interval(plain) == interval(held) == pytest.approx((-2 - half, -2 + half))
    assert (plain.margin, plain.verdict, held.margin, held.verdict) == (
        5.0,
        PASS,
        pytest.approx(2.0, rel=1e-5),
        INCONCLUSIVE,
    )
    assert held.because.endswith("crosses the edge of the margin ±2, capped at the real effect; declared ±5")
    assert held.remark == "capped at the real effect; declared ±5"
    assert plain.remark == ""


def test_an_effect_that_may_be_chance_leaves_the_margin_as_declared() -> None:
    found = question(absolute(5.0), Patients(50, 0.9, 0.5), around(0.0, 1.16, 0.5)).judge(estimated, effect=True)
    assert (found.margin, found.verdict) == (5.0, PASS)
    assert "declared" not in found.because


def test_the_effect_of_a_hazard_ratio_caps_its_margin_on_the_log_scale() -> None:
    effect = math.log(1.1)
    found = question(Margin("ratio", math.log(1.25)), Patients(50, effect, 0.01), around(0.0, 0.01, 0.01)).judge(
        estimated, log=True, effect=True
    )
    assert (found.margin, found.verdict) == (pytest.approx(effect, rel=1e-5), INCONCLUSIVE)
    assert "ratio 0.909 to 1.1, capped at the real effect; declared ratio 0.8 to 1.25" in found.because


def test_a_doubt_turns_a_pass_into_inconclusive_and_says_why() -> None:
    heard: list[str] = []

    def doubt(verdict: str) -> str:
        heard.append(verdict)
        return "three patients bear it" if verdict == PASS else ""

    found = question(absolute(5.0)).judge(estimated, doubt=doubt)
    assert (found.verdict, heard) == (INCONCLUSIVE, [PASS])
    assert found.because == "the 90% interval -0.326 to 4.33 lies inside the margin ±5, but three patients bear it"
    assert found.remark == "but three patients bear it"
    failing = question(absolute(0.1), Patients(50, 10.0, 0.1), around(13.0, 0.23, 0.1)).judge(estimated, doubt=doubt)
    assert failing.verdict == FAIL and ", but" not in failing.because


STANDING = Standing(before=("from a sample",), after=("with noise",))


def test_the_remark_holds_what_interval_and_margin_do_not() -> None:
    found = question(absolute(5.0), standing=STANDING).compare(
        Measured(10.0, 1.0, [one.value for one in TWENTY], [1.0] * 20),
        before="before",
        after=lambda numbers: f"; it was {numbers.real:g}",
    )
    assert found.because == (
        "from a sample; before; the 90% interval -0.326 to 4.33 lies inside the margin ±5; it was 10; with noise"
    )
    assert found.remark == "from a sample; before; it was 10; with noise"


def test_a_reason_that_stands_for_the_interval_is_all_remark() -> None:
    found = question(absolute(1.0), standing=STANDING).answer(Numbers(1, 1, 0, 0, 0, 0), reason="all levels are kept")
    assert found.because == found.remark == "from a sample; all levels are kept; with noise"
    assert found.verdict == PASS


@pytest.mark.parametrize(
    ("standing", "counts", "decides"),
    [
        (Standing(), True, True),
        (Standing(), False, False),
        (Standing(decisive=frozenset({KEY})), True, True),
        (Standing(decisive=frozenset({KEY})), False, False),
        (Standing(decisive=frozenset({"another.key"})), True, False),
        (Standing(decisive=frozenset()), True, False),
        (Standing(by_subgroup=frozenset({KEY})), False, True),
        (Standing(by_subgroup=frozenset({"another.key"})), False, False),
        (Standing(decisive=frozenset({"another.key"}), by_subgroup=frozenset({KEY})), False, False),
    ],
)
def test_a_finding_decides_by_its_key_and_by_its_group(standing: Standing, counts: bool, decides: bool) -> None:
    assert standing.decides(KEY, counts=counts) is decides


@pytest.mark.parametrize(
    ("kind", "by_itself", "by_subgroup"),
    [(ALL, True, True), (ARM, True, True), (SUBGROUP, False, True), (INTERSECTION, False, True)],
)
def test_everyone_and_the_arms_decide_and_subgroups_only_where_the_purpose_says_so(
    kind: str, by_itself: bool, by_subgroup: bool
) -> None:
    inside = Standing(by_subgroup=frozenset({KEY}))
    assert question(absolute(5.0), kind=kind).judge(estimated).decisive is by_itself
    assert question(absolute(5.0), kind=kind, standing=inside).judge(estimated).decisive is by_subgroup
    support = question(absolute(5.0), kind=kind, standing=inside, supports=True)
    assert support.judge(estimated).decisive is support.refuse("no").decisive is False


def test_what_the_generator_set_equal_is_constructed_and_anything_else_is_tested() -> None:
    made = Standing(constructed=frozenset({KEY}))
    other = Standing(constructed=frozenset({"another.key"}))
    assert question(absolute(5.0), standing=made).judge(estimated).basis == "constructed"
    assert question(absolute(5.0), standing=other).judge(estimated).basis == "tested"


def test_a_refusal_has_no_number_and_never_counts_as_a_pass() -> None:
    found = question(absolute(5.0), standing=STANDING).refuse("no event")
    numbers = (found.real, found.synthetic, found.difference, found.lower, found.upper, found.floor, found.overlap)
    assert all(map(math.isnan, numbers)) and not found.known
    assert found.verdict == NOT_ESTIMABLE and answer_of([found]) == "not shown"
    assert found.because == found.remark == "from a sample; no event; with noise"
    assert (found.obstacle, found.n_real, found.margin) == ("", 50, 5.0)


def test_a_lack_of_a_threshold_is_told_as_an_obstacle() -> None:
    found = question(absolute(5.0)).refuse("no threshold is declared", obstacle=NO_THRESHOLD)
    assert found.obstacle == NO_THRESHOLD
    assert question(absolute(5.0)).judge(estimated).obstacle == ""


def never(patients: Patients) -> Estimate:
    raise AssertionError("nothing may be estimated here")


def test_nothing_is_estimated_of_four_patients_and_five_are_judged() -> None:
    found = question(absolute(5.0), Patients(4, 10.0)).judge(never)
    assert found.because == "fewer than 5 real patients: not shown" and math.isnan(found.real)
    assert question(absolute(5.0), Patients(5, 10.0)).judge(estimated).verdict == PASS
    assert too_few(Patients(4, 1.0)) and not too_few(Patients(5, 1.0))  # type: ignore[arg-type]


def test_a_margin_that_is_a_share_of_nothing_is_refused() -> None:
    found = question(absolute(0.0)).judge(never)
    assert found.verdict == NOT_ESTIMABLE and "a reference that is 0 or unknown" in found.because


def raised(error: Exception) -> Callable[[Patients], Estimate]:
    def estimate(patients: Patients) -> Estimate:
        raise error

    return estimate


@pytest.mark.parametrize(
    ("estimate", "reason"),
    [
        (raised(NotEstimableError("no arm")), "in the real cohort: no arm"),
        (raised(HorizonError("rmst", Problem("horizon", "past follow-up"))), "horizon: past follow-up"),
        (lambda patients: Estimate.normal(math.nan, 1.0), "in the real cohort: too few patients, or too few events"),
        (lambda patients: Estimate.normal(1.0, math.nan), "for an estimate with a standard error"),
    ],
)
def test_what_the_real_cohort_cannot_tell_is_refused(estimate: Callable, reason: str) -> None:
    found = question(absolute(5.0)).judge(estimate)
    assert found.verdict == NOT_ESTIMABLE and reason in found.because


def test_a_refusal_in_one_of_m_cohorts_is_one_of_the_whole() -> None:
    found = question(absolute(50.0), REAL, [*TWENTY[:2], Patients(50, None)]).judge(estimated)
    assert (found.verdict, found.because) == (NOT_ESTIMABLE, "in 1 of 3 synthetic cohorts: time: no events")
    both = question(absolute(50.0), REAL, [Patients(1, 9.0), TWENTY[0], Patients(50, None)]).judge(estimated)
    assert both.because == "in 2 of 3 synthetic cohorts: 1 patient in this group"
    assert question(absolute(50.0), REAL, [Patients(2, 9.0)] * 2).judge(estimated).verdict == PASS


def test_an_estimate_without_variance_counts_in_either_cohort() -> None:
    for real, synthetic in ((REAL, Patients(50, 12.0, 0.0)), (Patients(50, 10.0, 0.0), Patients(50, 12.0))):
        assert question(absolute(5.0), real, [synthetic] * 2).judge(estimated).verdict == PASS


@pytest.mark.parametrize(("inside", "verdict"), [(100, PASS), (97, PASS), (90, INCONCLUSIVE), (80, FAIL)])
def test_single_use_rests_on_the_share_of_cohorts_within_the_margin(inside: int, verdict: str) -> None:
    cohorts = [Patients(50, 10.0)] * inside + [Patients(50, 14.0)] * (100 - inside)
    alone = question(absolute(2.0), REAL, cohorts, standing=Standing(use="single")).judge(estimated)
    pooled = question(absolute(2.0), REAL, cohorts).judge(estimated)
    assert (alone.verdict, pooled.verdict) == (verdict, PASS)
    assert alone.single == pooled.single == inside / 100
    assert f"{inside} of 100 single cohorts lie within the margin" in alone.because


@pytest.mark.parametrize(
    ("span", "lower", "upper", "verdict", "told"),
    [
        ((0.0, math.inf), -0.5, 0.04, PASS, "0 to 0.04"),
        ((0.0, math.inf), -0.5, -0.2, PASS, "0 to 0"),
        ((0.0, math.inf), 0.06, 0.07, FAIL, "0.06 to 0.07"),
        ((0.0, math.inf), -0.5, 0.06, INCONCLUSIVE, "0 to 0.06"),
        ((-math.inf, 0.0), -0.04, 0.5, PASS, "-0.04 to 0"),
        ((-math.inf, 0.0), -0.5, -0.06, FAIL, "-0.5 to -0.06"),
        ((-math.inf, math.inf), -0.5, 0.04, INCONCLUSIVE, "-0.5 to 0.04"),
    ],
)
def test_a_one_sided_question_looks_at_one_side_only(
    span: tuple[float, float], lower: float, upper: float, verdict: str, told: str
) -> None:
    found = question(absolute(0.05), span=span).answer(Numbers(0.1, 0.1, 0.0, lower, upper, 0.0))
    assert (found.verdict, interval(found)) == (verdict, (lower, upper)), "the interval is reported whole"
    assert f"interval {told} " in found.because


def test_a_target_and_its_floor_may_stand_for_the_real_estimate() -> None:
    measured = Measured(0.5, 0.0, [0.6, 0.6], [0.01] * 2)
    found = question(absolute(0.5)).compare(measured, source=0.4, floor=0.02)
    assert (found.real, found.floor) == (0.4, 0.02)
    assert found.difference == pytest.approx(0.1), "the target stays what the cohorts are held against"
    assert question(absolute(0.5)).compare(measured).real == 0.5


def test_a_relative_difference_from_nothing_is_refused_and_tells_the_real_value() -> None:
    found = question(Margin("relative", 0.1)).compare(Measured(0.0, 1.0, [1.0], [1.0]))
    assert (found.verdict, found.real) == (NOT_ESTIMABLE, 0.0)
    assert found.because == "no relative difference is defined: real 0, synthetic 1"


def test_a_finding_carries_what_its_question_is_about() -> None:
    facts = {"endpoint": "os", "column": "cost", "threshold": 20_000.0, "per": "QALY", "n_real": 7, "unit": "EUR"}
    for found in (question(absolute(5.0), **facts).judge(estimated), question(absolute(5.0), **facts).refuse("no")):
        assert {name: getattr(found, name) for name in facts} == facts
        assert (found.key, found.check, found.estimand, found.group) == (KEY, "check", "label", "all")
    assert question(absolute(5.0)).judge(estimated).n_real == 50


def test_the_reason_of_an_error_is_one_line_of_all_its_problems() -> None:
    several = [Problem("time", "missing", "fix it"), Problem("", "negative")]
    assert reason_of(NotEstimableError("rmst", several)) == "time: missing; negative"
    assert reason_of(NotEstimableError("no arm")) == "no arm"
