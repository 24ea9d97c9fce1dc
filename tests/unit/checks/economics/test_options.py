"""The choice among three options, from fifteen patients whose net benefits are known by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import FAIL, INCONCLUSIVE, NO_THRESHOLD, NOT_ESTIMABLE, PASS, Finding
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema

SCHEMA = Schema({}, arm="arm", arm_reference="A", costs=("cost",), utilities=("qaly",), subgroups=("sex",))
ALONE, POOLED = "economics.decision_agreement", "economics.pooled_decision"
EFFECT = {"A": 0.5, "B": 0.6, "C": 0.6}
STEP = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])


def cohort(spread: float = 1.0, effect: dict[str, float] | None = None, **cost: float) -> Cohort:
    """At 1,000 a QALY the net benefit is 500 of A, 550 of B and 450 of C, unless other costs are given."""
    costs = {"A": 0.0, "B": 50.0, "C": 150.0} | cost
    gained = {**EFFECT, **(effect or {})}
    frame = pd.concat([
        pd.DataFrame({"arm": arm, "cost": costs[arm] + spread * STEP, "qaly": gained[arm], "sex": list("fffmm")})
        for arm in "ABC"
    ], ignore_index=True)  # fmt: skip
    return Cohort.derive(SCHEMA, frame, label=None)


def asked(key: str, real: Cohort, *synthetic: Cohort, wtp: object = (1000.0,)) -> list[Finding]:
    """The findings about all three arms."""
    margins = {key: margin_for(key, {"absolute": 0.05}, {"wtp": wtp})}
    found = registry.findings("economics", real, synthetic, margins, np.random.default_rng(1))
    return [one for one in found if one.group.startswith("arm: A, B, C")]


TO_C = {"C": 20.0}
"""C is worth 580 then, and chosen."""


def test_three_of_four_cohorts_choose_as_the_patients_do() -> None:
    found, *_ = asked(ALONE, cohort(), cohort(), cohort(B=40.0), cohort(**TO_C), cohort(C=120.0))
    assert (found.estimand, found.threshold) == ("agreement on the option chosen at 1,000 per QALY", 1000.0)
    assert (found.real, found.synthetic, found.difference) == (1.0, 0.75, -0.25)
    low, high = found.lower + 1, found.upper + 1
    assert 4 * low**3 - 3 * low**4 == pytest.approx(0.05), "three of four or more are seen with 5% at the lower end"
    assert high**4 == pytest.approx(0.95), "and three or fewer with 5% at the upper end"
    assert (found.verdict, found.floor) == (INCONCLUSIVE, 0.0)


def test_another_threshold_is_another_choice() -> None:
    """At 100 a QALY the effects are worth 50 to 60: A, which costs nothing, is best of all."""
    dear, cheap = (one for one in asked(ALONE, cohort(), cohort(**TO_C), wtp=(1000.0, 100.0)) if one.kind == "all")
    assert (dear.synthetic, cheap.synthetic, cheap.threshold) == (0.0, 1.0, 100.0)


def test_of_equal_options_the_first_is_chosen_in_every_cohort() -> None:
    (found, *_) = asked(ALONE, cohort(C=50.0), cohort(C=50.0), cohort(C=50.0 + 1e-10))
    assert found.synthetic == 1.0


def test_the_floor_is_how_often_a_resample_of_the_patients_chooses_otherwise() -> None:
    """B is ahead of C by one standard error, and A far behind: another choice in Φ(-1) = 0.1587 of the draws."""
    variance = float(np.var(100 * STEP, ddof=1)) / 5
    real = cohort(100.0, {"A": -9.0}, C=50 + float(np.sqrt(2 * variance)))
    (found, *_) = asked(ALONE, real, real)
    assert found.floor == pytest.approx(0.1587, abs=4 * np.sqrt(0.1587 * 0.8413 / 4000))


def test_cohorts_that_all_choose_alike_pass_and_the_reason_names_both_choices() -> None:
    drawn = [cohort(B=50.0 + shift) for shift in (-1.0, 0.0, 1.0, 0.5)]
    (found, *_) = asked(POOLED, cohort(), *drawn)
    assert (found.verdict, found.estimand) == (PASS, "option chosen by the pooled 4 at 1,000 per QALY")
    assert found.because.startswith("best option: 'B' in the real cohort, 'B' in the pooled cohorts; ")
    assert found.synthetic == 1.0 and found.remark == "best option: 'B' in the real cohort, 'B' in the pooled cohorts"


@pytest.mark.parametrize(("spread", "certain"), [(1.0, True), (2000.0, False)])
def test_another_choice_fails_and_the_reason_says_if_the_patients_own_choice_is_not_certain(
    spread: float, certain: bool
) -> None:
    """The pooled cohorts put C ahead of B by 30, the patients B ahead of C by 100: slight at a deviation of 2,000.

    The choice of the patients is given, so that the copy is judged by it even then.
    """
    drawn = [cohort(spread, C=20.0 + shift) for shift in (-1.0, 0.0, 1.0, 0.5)]
    (found, *_) = asked(POOLED, cohort(spread), *drawn)
    assert (found.verdict, found.synthetic) == (FAIL, 0.0)
    assert "best option: 'B' in the real cohort, 'C' in the pooled cohorts" in found.because
    not_certain = "the patients' decision is not certain: a resample of them reverses it"
    assert (not_certain in found.because, found.floor <= 0.05) == (not certain, certain)


def test_one_cohort_alone_cannot_tell_how_pooled_cohorts_choose() -> None:
    (found, *_) = asked(POOLED, cohort(), cohort())
    assert found.verdict == NOT_ESTIMABLE and found.because.startswith("one synthetic cohort")


@pytest.mark.parametrize(("key", "label"), [(ALONE, "decision agreement"), (POOLED, "pooled decision")])
def test_without_a_threshold_there_is_no_choice_and_that_is_the_obstacle(key: str, label: str) -> None:
    (found,) = asked(key, cohort(), cohort(), wtp=())
    assert (found.verdict, found.obstacle, found.estimand) == (NOT_ESTIMABLE, NO_THRESHOLD, label)


@pytest.mark.parametrize("key", [ALONE, POOLED])
def test_an_arm_without_known_outcomes_is_refused(key: str) -> None:
    lost = cohort().frame
    lost.loc[lost["arm"] == "C", "qaly"] = np.nan
    (found,) = (one for one in asked(key, cohort(), Cohort.derive(SCHEMA, lost, label=None)) if one.kind == "all")
    assert found.verdict == NOT_ESTIMABLE


def test_a_choice_within_a_subgroup_is_asked_in_support() -> None:
    found = asked(ALONE, cohort(), cohort())
    assert [(one.group, one.decisive) for one in found] == [
        ("arm: A, B, C", True),
        ("arm: A, B, C, sex=f", False),
        ("arm: A, B, C, sex=m", False),
    ]
