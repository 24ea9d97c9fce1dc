"""Each answer follows from its decisive findings, and says what speaks most against a "yes"."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from heorsynth.checks.core.finding import CONSTRUCTED, Finding, decide
from heorsynth.evidence.answers import cohorts_needed, faithful, private, sufficient


def finding(difference: float = 0.0, half: float = 0.01, margin: float = 0.1, **facts: object) -> Finding:
    """A finding on a relative margin, with a verdict that follows from its interval."""
    lower, upper = difference - half, difference + half
    found = Finding(
        key="costs.mean", estimand="mean of cost", group="arm=new", real=100.0, synthetic=100 * (1 + difference),
        difference=difference, lower=lower, upper=upper, margin=margin, floor=0.02,
        verdict=decide(lower, upper, margin), because="a reason", scale="relative", unit="EUR 2024", n_real=80,
        standardised=0.1, real_lower=95.0, real_upper=105.0, m=20,
    )  # fmt: skip
    return replace(found, **facts)


PASSED, FAILED, OPEN = finding(), finding(0.3), finding(0.1, 0.05)
UNKNOWN = finding(verdict="not estimable", because="too few events", difference=math.nan, real_lower=math.nan)
ATTACK = finding(0.2, key="disclosure.membership", question="private", scale="absolute", margin=0.05)


@pytest.mark.parametrize(
    ("findings", "answer"),
    [
        ([PASSED, PASSED], "yes"),
        ([PASSED, FAILED], "no"),
        ([PASSED, OPEN], "not shown"),
        ([PASSED, UNKNOWN], "not shown"),
        ([replace(PASSED, basis=CONSTRUCTED)] * 2, "not shown"),
        ([replace(PASSED, basis=CONSTRUCTED), PASSED], "yes"),
        ([], "not asked"),
        ([ATTACK], "not asked"),
    ],
)
def test_faithful_follows_from_the_findings(findings: list[Finding], answer: str) -> None:
    assert faithful(findings, 80).answer == answer


def test_a_failure_by_chance_among_many_is_no_no() -> None:
    near = finding(0.125, 0.02)
    assert near.verdict == "fail"
    assert faithful([near], 80).answer == "no"
    assert faithful([near, *[PASSED] * 200], 80).answer == "not shown"


def test_what_cannot_be_estimated_does_not_count_among_many() -> None:
    found = faithful([finding(0.125, 0.02), *[UNKNOWN] * 200], 80)
    assert found.answer == "no" and "1 of 201 decisive quantities differs" in found.sentence


def test_impossible_rows_are_a_no_and_missing_roles_are_not_asked() -> None:
    assert faithful([PASSED], 80, impossible=3).answer == "no"
    assert "broken 3 times" in faithful([PASSED], 80, impossible=3).sentence
    asked = faithful([PASSED], 80, missing_roles=("arm", "costs"), purpose="economic-evaluation")
    assert asked.answer == "not asked" and "declares no arm, no costs" in asked.sentence
    told = faithful([FAILED], 80, missing_roles=("arm",), purpose="economic-evaluation")
    assert told.answer == "no" and "declares no arm, which economic-evaluation needs" in told.sentence


def test_the_worst_finding_and_what_settles_are_named() -> None:
    found = faithful([PASSED, OPEN, UNKNOWN], 80)
    assert "mean of cost" in found.worst and "+10.0% (+5.0% to +15.0%)" in found.worst
    assert "cannot be estimated" in found.settle and "too few events" in found.settle
    wide = faithful([PASSED, finding(0.08, 0.04)], 80)
    assert wide.answer == "not shown" and f"About {cohorts_needed([finding(0.08, 0.04)])} cohorts" in wide.settle


def test_the_number_of_cohorts_brings_the_interval_to_one_side() -> None:
    one = finding(0.08, 0.04)
    needed = cohorts_needed([one])
    assert 0.04 * math.sqrt(20 / needed) < 0.02 <= 0.04 * math.sqrt(20 / (needed - 2))
    assert cohorts_needed([PASSED, FAILED]) == 0 == cohorts_needed([replace(one, m=1)])


@pytest.mark.parametrize(("half", "answer"), [(5.0, "yes"), (10.0, "yes"), (10.1, "no"), (40.0, "no")])
def test_sufficient_compares_the_patients_own_interval_with_the_margin(half: float, answer: str) -> None:
    one = finding(real_lower=100 - half, real_upper=100 + half)
    found = sufficient([one], 200, decides=True)
    assert found.answer == answer
    if answer == "no":
        assert f"about {math.ceil(80 * (half / 10) ** 2 - 1e-9):,} would be needed" in found.worst


def test_the_least_precise_quantity_is_named_and_hides_the_interval_of_a_few_patients() -> None:
    wide, wider = (finding(real_lower=100 - half, real_upper=100 + half, group=f"half {half}") for half in (20, 40))
    found = sufficient([wide, wider, wide], 80, decides=True)
    assert "3 of 3" in found.sentence and "half 40: the patients' own 90% interval is 60 to 140" in found.worst
    few = sufficient([replace(wider, n_real=4)], 80, decides=True).worst
    assert "interval is not given" in few and "60" not in few and "140" not in few


def test_an_interval_of_a_ratio_is_compared_on_the_scale_of_logarithms() -> None:
    one = finding(scale="ratio", real=2.0, real_lower=2.0 / 1.2, real_upper=2.0 * 1.2, margin=math.log(1.25))
    assert one.own_half_width == pytest.approx(math.log(1.2))
    assert sufficient([one], 80, decides=True).answer == "yes"
    assert sufficient([UNKNOWN], 80, decides=True).answer == "not asked"


def test_each_attack_alone_decides_whether_everybody_is_private() -> None:
    safe = finding(0.0, question="private")
    assert private([safe], decides=True).answer == "yes"
    assert private([*[safe] * 200, ATTACK], decides=True).answer == "no"
    assert private([safe, replace(UNKNOWN, question="private")], decides=True).answer == "not shown"
    assert private([PASSED], decides=False).answer == "not asked"


def test_an_answer_that_does_not_decide_says_so() -> None:
    assert sufficient([finding(real_lower=0.0, real_upper=200.0)], 80, decides=False).shown == "no (does not decide)"
    assert private([], decides=False).shown == "not asked"
