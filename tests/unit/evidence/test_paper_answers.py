"""The three answers for a paper follow from its findings."""

import math
from dataclasses import replace

import pytest

from heorsynth.checks.core.finding import CONSTRUCTED, Finding, decide
from heorsynth.evidence.paper_answers import faithful_to_paper, private_of_paper, sufficient_of_paper


def finding(difference: float = 0.0, half: float = 0.01, margin: float = 0.1, **facts: object) -> Finding:
    lower, upper = difference - half, difference + half
    found = Finding(
        key="survival.median", estimand="median of os", group="arm=drug", real=10.0, synthetic=10 * (1 + difference),
        difference=difference, lower=lower, upper=upper, margin=margin, floor=math.nan,
        verdict=decide(lower, upper, margin), because="a reason", scale="relative", unit="month", n_real=80, m=20,
    )  # fmt: skip
    return replace(found, **facts)


PASSED, FAILED, OPEN = finding(), finding(0.3), finding(0.1, 0.05)
CONSTRAINT = finding(basis=CONSTRUCTED)
NARROW = finding(question="sufficient", real_lower=9.9, real_upper=10.1)
WIDE = finding(half=0.3, question="sufficient", real_lower=7.0, real_upper=13.0)
UNKNOWN = finding(question="sufficient", verdict="not estimable", because="the curve does not reach one half")


@pytest.mark.parametrize(
    ("findings", "answer"),
    [
        ([PASSED, CONSTRAINT], "yes"),
        ([CONSTRAINT, CONSTRAINT], "not shown"),
        ([PASSED, FAILED], "no"),
        ([FAILED, CONSTRAINT], "no"),
        ([PASSED, OPEN], "not shown"),
        ([NARROW], "not asked"),
    ],
)
def test_faithful_to_the_paper(findings: list[Finding], answer: str) -> None:
    assert faithful_to_paper(findings).answer == answer


def test_a_failure_names_what_is_published_and_what_the_cohorts_give() -> None:
    told = faithful_to_paper([FAILED, PASSED]).text
    assert "1 of 2 printed facts differs" in told
    assert "published 10 month, in the cohorts 13 month" in told and "of the published value" in told


@pytest.mark.parametrize(
    ("findings", "answer"),
    [([NARROW], "yes"), ([NARROW, WIDE], "no"), ([NARROW, UNKNOWN], "not shown"), ([PASSED], "not asked")],
)
def test_sufficient_of_a_paper(findings: list[Finding], answer: str) -> None:
    assert sufficient_of_paper(findings).answer == answer


def test_the_widest_reconstruction_interval_is_named() -> None:
    assert "reconstruction interval 7 to 13 month" in sufficient_of_paper([NARROW, WIDE]).text


def test_privacy_is_not_asked_of_a_paper_and_never_decides() -> None:
    answer = private_of_paper()
    assert answer.answer == "not asked" and not answer.decides and "no patient's data" in answer.sentence
