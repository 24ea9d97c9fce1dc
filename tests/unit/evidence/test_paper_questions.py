"""One printed number as a question, by hand: three cohorts, one fact."""

import math

import numpy as np
import pytest

from heorsynth.checks.core.groups import ALL
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.survival.estimands import HAZARD_RATIO, MEDIAN
from heorsynth.core.errors import NotEstimableError
from heorsynth.evidence.paper import plan_for_paper
from heorsynth.evidence.paper_questions import Asking, Stated, of_arm
from heorsynth.published.trial.trial import PublishedTrial

STATED = Stated(10.0, 0.05, "os.median.drug", "Table 2 (smith)")
MARGIN = Margin("relative", 0.1)


@pytest.fixture
def asking(printed_trial):
    trial = PublishedTrial.read(printed_trial.path).with_options({"endpoints": "os"})
    return Asking(trial, list(trial.cohorts(m=3, seed=1)), plan_for_paper(trial))


def given(values):
    """An estimator that gives these values one after the other."""
    left = iter(values)
    return lambda cohort: next(left)


def test_a_finding_is_the_mean_minus_the_printed_number_with_its_interval_over_the_cohorts(asking) -> None:
    found = asking.faithful(MEDIAN, "median", of_arm("drug"), STATED, given([10.1, 10.2, 10.3]), MARGIN)
    assert (found.real, found.synthetic) == (10.0, pytest.approx(10.2))
    half = 2.919986 * 0.01 / math.sqrt(3)  # t(0.95, 2 df)
    assert (found.lower, found.upper) == pytest.approx((0.02 - half, 0.02 + half), abs=1e-6)
    assert (found.verdict, found.basis, found.because[:15]) == ("pass", "tested", "Table 2 (smith)")
    assert found.sufficient is None and found.group == "arm=drug"


def test_a_constraint_is_constructed(asking) -> None:
    held = Stated(0.5, 0.0, "os.events.drug", "Table 2 (smith)")
    found = asking.faithful(MEDIAN, "events", of_arm("drug"), held, given([0.5, 0.5, 0.5]), MARGIN)
    assert found.basis == "constructed"


def test_the_margin_holds_the_rounding_on_every_scale() -> None:
    coarse = Stated(2.0, 0.5, "x", "y")
    assert coarse.margin(Margin("relative", 0.1)).width == 0.25
    assert coarse.margin(Margin("absolute", 0.1)).width == 0.5
    assert coarse.margin(Margin("ratio", 0.1)).width == pytest.approx(math.log(1.25))
    assert coarse.margin(Margin("relative", 0.4)).width == 0.4


def test_what_some_cohort_does_not_give_is_not_estimable(asking) -> None:
    def refuses(cohort):
        raise NotEstimableError("too few events")

    found = asking.faithful(MEDIAN, "median", of_arm("drug"), STATED, refuses, MARGIN)
    assert found.verdict == "not estimable" and "in 3 of 3 cohorts: too few events" in found.because


def test_sufficiency_is_the_interval_of_one_more_draw_within_the_margin(asking) -> None:
    values = [0.8, 0.82, 0.84]
    found = asking.sufficient(HAZARD_RATIO, "hazard ratio", ("arm=drug vs usual", ALL), given(values),
                              Margin("ratio", math.log(1.25)))  # fmt: skip
    logs = np.log(values)
    half = 2.919986 * logs.std(ddof=1) * math.sqrt(1 + 1 / 3)
    assert found.upper == pytest.approx(half, abs=1e-6) and found.question == "sufficient"
    assert found.real_lower == pytest.approx(math.exp(logs.mean() - half), abs=1e-6)
    assert found.verdict == "pass" and "no wider than the margin" in found.because
    narrow = asking.sufficient(HAZARD_RATIO, "hazard ratio", ("x", ALL), given(values), Margin("ratio", 0.01))
    assert narrow.verdict == "inconclusive" and not narrow.sufficient


def test_the_share_of_the_prior_is_told_where_the_cohorts_have_characteristics(printed_trial) -> None:
    trial = PublishedTrial.read(printed_trial.path).with_options({"endpoints": "os"})
    asking = Asking(trial, trial.cohorts(m=4, seed=1), plan_for_paper(trial))
    margin, pair = Margin("absolute", 100.0), ("x", ALL)
    of_curves = asking.sufficient(MEDIAN, "mean time", pair, lambda one: one.frame["time"].mean(), margin)
    assert ", 0% of it the prior's" in of_curves.because
    joint = asking.sufficient(
        MEDIAN, "age of women", pair, lambda one: one.frame.query("sex == 'female'")["age"].mean(), margin
    )
    assert ", 0% of it" not in joint.because and "the prior's" in joint.because


def test_a_statement_is_judged_by_the_share_of_cohorts_that_keep_it(asking) -> None:
    kept = given([True, True, False])
    found = asking.agreement(MEDIAN, "not reached", of_arm("drug"), STATED, kept, Margin("absolute", 0.2))
    assert found.synthetic == pytest.approx(2 / 3) and found.verdict != "pass"


def test_a_margin_of_another_endpoint_is_not_asked(printed_trial) -> None:
    trial = PublishedTrial.read(printed_trial.path).with_options()
    plan = plan_for_paper(trial, {"survival.median": {"relative": 0.05, "endpoint": "os"}})
    asking = Asking(trial, trial.cohorts(m=2), plan)
    assert asking.margin(MEDIAN, "os") is not None and asking.margin(MEDIAN, "pfs") is None
