"""Shares against a stated population: the log disparity by hand, and targets that are none."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import FAIL, NOT_ESTIMABLE, PASS, Finding
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.registry import scope_of
from heorsynth.checks.structure.population_shares import checked_targets
from heorsynth.core.errors import MarginError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.data.folders.tally import Tally

T1 = 6.313751514675043
"""The 95% quantile of Student's t on one degree of freedom: two cohorts."""
SCHEMA = Schema({}, subgroups=("sex",))
KEY = "subgroups.target"


def cohort(**counts: int) -> Cohort:
    levels = [level for level, count in counts.items() for _ in range(count)]
    return Cohort.derive(SCHEMA, pd.DataFrame({"sex": levels}), label=None)


REAL = cohort(f=15, m=5)


def asked(targets: object, *synthetic: Cohort | Tally, real: Cohort | Tally = REAL) -> list[Finding]:
    margin = margin_for(KEY, {"ratio": [0.5, 2.0], "targets": targets})
    (ask,) = scope_of(real, synthetic, {KEY: margin}, np.random.default_rng(1)).asks()
    return ESTIMANDS[KEY].answer(ask)


EVEN = {"sex": {"f": 0.5, "m": 0.5}}


def test_the_disparity_is_the_log_of_the_share_over_the_target_with_the_synthesis_error_alone() -> None:
    women, men = asked(EVEN, cohort(f=60, m=40), cohort(f=40, m=60))
    # of women 0.6 and 0.4: a standard error of 0.1 about a mean of 0.5
    half = T1 * 0.1 / 0.5
    assert (women.difference, women.lower, women.upper) == pytest.approx((0.0, -half, half))
    fewer, _ = asked(EVEN, cohort(f=39, m=61), cohort(f=41, m=59))
    half = T1 * 0.01 / 0.4
    assert (fewer.difference, fewer.upper) == pytest.approx((math.log(0.8), math.log(0.8) + half))
    assert fewer.verdict == PASS
    assert (men.group, men.key, men.kind) == ("sex=m", KEY, "all")


def test_the_sources_own_share_its_disparity_and_its_floor_are_told() -> None:
    women, men = asked(EVEN, cohort(f=60, m=40), cohort(f=60, m=40))
    assert (women.real, women.synthetic, women.n_real, men.real, men.n_real) == (0.75, 0.6, 15, 0.25, 5)
    assert women.because.startswith("target 50.0%, source 75% (log disparity +0.4); the 90% interval")
    assert men.remark == "target 50.0%, source 25% (log disparity -0.7)"
    assert women.floor == pytest.approx(math.sqrt(0.25 / (0.75 * 20)) * math.sqrt(2 / math.pi))
    assert math.isnan(women.real_lower) and women.sufficient is None, "a target is known: it needs no patients"


def test_a_level_that_no_cohort_has_fails_as_half_a_row() -> None:
    _, men = asked(EVEN, cohort(f=1000), cohort(f=1000))
    assert men.synthetic == pytest.approx(0.5 / 2000)
    assert men.difference == pytest.approx(math.log(0.5 / 2000 / 0.5))
    assert men.verdict == FAIL


def test_a_level_that_one_of_two_cohorts_lost_counts_as_lost_in_that_one() -> None:
    _, men = asked(EVEN, cohort(f=50, m=50), cohort(f=100))
    assert men.synthetic == pytest.approx(0.25)


def test_a_share_of_four_patients_is_not_shown() -> None:
    found = asked({"sex": {"f": 0.5, "m": 0.5}}, cohort(f=5, m=5), real=cohort(f=16, m=4))
    assert [one.verdict == NOT_ESTIMABLE for one in found] == [False, True]
    assert (found[1].because, found[1].group) == ("fewer than 5 real patients: not shown", "sex=rare level 1")
    assert math.isnan(found[1].real)


def test_a_tally_gives_the_same_shares_as_the_rows() -> None:
    drawn = [cohort(f=60, m=40), cohort(f=50, m=50)]
    of_tally = asked(EVEN, *map(Tally.of, drawn), real=Tally.of(REAL))
    for one, other in zip(of_tally, asked(EVEN, *drawn), strict=True):
        assert other.lower < other.upper
        assert (one.real, one.synthetic, one.lower) == pytest.approx((other.real, other.synthetic, other.lower))


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (None, "no target population is declared"),
        ({}, "no target population is declared"),
        ([("sex", 0.5)], "no target population is declared"),
        ({"sexx": {"f": 0.5, "m": 0.5}}, "did you mean 'sex'"),
        ({"sex": 0.5}, "shares must be numbers above 0 and below 1"),
        ({"sex": {"f": 0.0, "m": 1.0}}, "shares must be numbers above 0 and below 1"),
        ({"sex": {"f": "half", "m": 0.5}}, "shares must be numbers above 0 and below 1"),
        ({"sex": {"f": True, "m": 0.5}}, "shares must be numbers above 0 and below 1"),
        ({"sex": {"f": 0.5, "x": 0.5}}, "targets: sex: x: no such level"),
        ({"sex": {"f": 0.5, "m": 0.49}}, "shares add up to 0.99, not 1"),
    ],
)
def test_targets_that_are_none_are_refused(declared: object, told: str) -> None:
    with pytest.raises(MarginError, match=told):
        checked_targets(declared, REAL, KEY)


def test_all_that_is_wrong_with_targets_is_told_at_once() -> None:
    with pytest.raises(MarginError) as refused:
        checked_targets({"sex": {"f": 0.5, "x": 0.4}, "stage": {"I": 1.0}}, REAL, KEY)
    assert [problem.where for problem in refused.value.problems] == [
        "targets: sex: x",
        "targets: sex",
        "targets: stage",
    ]


@pytest.mark.parametrize("rounded", [{"f": 0.504, "m": 0.5}, {"f": 0.496, "m": 0.5}])
def test_shares_rounded_in_a_published_table_may_miss_one(rounded: dict[str, float]) -> None:
    assert checked_targets({"sex": rounded}, REAL, KEY) == {"sex": rounded}
