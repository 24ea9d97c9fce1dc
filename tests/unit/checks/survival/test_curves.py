"""Distances of survival curves that run a tenth apart."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import INCONCLUSIVE, NOT_ESTIMABLE, Finding
from heorsynth.checks.core.groups import SUBGROUP, Group
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.registry import scope_of
from heorsynth.checks.survival.curves import GRID
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.data.folders.tally import Tally

SCHEMA = Schema({"os": Endpoint("os", "time", "event")}, unit="month")
T1 = 6.313751514675043
"""The 95% quantile of Student's t on one degree of freedom: two cohorts."""


def cohort(time: object, event: object = 1) -> Cohort:
    return Cohort.derive(SCHEMA, pd.DataFrame({"time": time, "event": event}), label=None)


REAL = cohort(np.arange(1.0, 11.0))
LATER = cohort(np.arange(2.0, 12.0))
"""Everybody dies a month later: from 1 to 11 the curves are a tenth apart, at 91 of the 100 times up to 10."""


def asked(key: str, real: Cohort | Tally, *synthetic: Cohort | Tally, horizon: float = 10.0) -> Finding:
    margins = {key: margin_for(key, {"absolute": 0.4, "horizon": horizon})}
    (ask,) = scope_of(real, synthetic, margins, np.random.default_rng(1)).asks()
    (found,) = ESTIMANDS[key].answer(replace(ask, endpoint="os"))
    return found


EACH = [
    ("survival.km_gap", "largest", 0.1),
    ("survival.km_gap_mean", "mean", 0.091),
    ("survival.km_gap_rmse", "root mean square", 0.1 * math.sqrt(0.91)),
]


@pytest.mark.parametrize(("key", "name", "distance"), EACH)
def test_the_largest_mean_and_root_mean_square_distance(key: str, name: str, distance: float) -> None:
    found = asked(key, REAL, LATER, LATER)
    assert GRID == 100 and found.estimand == f"{name} distance of curves of os to 10 month"
    assert (found.real, found.synthetic, found.difference) == pytest.approx((0.0, distance, distance))
    assert (found.lower, found.upper) == pytest.approx((distance, distance)), "cohorts that are equal do not vary"
    assert found.endpoint == "os" and math.isnan(found.standardised)
    alone = asked(key, REAL, LATER)
    assert (alone.difference, alone.verdict) == (pytest.approx(distance), INCONCLUSIVE)
    assert math.isnan(alone.lower) and math.isnan(alone.upper)


@pytest.mark.parametrize(("key", "name", "distance"), EACH)
def test_the_upper_bound_is_of_the_syntheses_that_vary(key: str, name: str, distance: float) -> None:
    """One curve is as the patients' and one a tenth off, at 91 times alike: the standard error is half the distance.

    The bound of the root mean square is conservative: the 95% quantile of the size of a normal is 1.96, not 1.645.
    """
    found = asked(key, REAL, REAL, LATER)
    half = T1 * distance / 2 * (1.959964 / 1.644854 if name == "root mean square" else 1)
    assert (found.difference, found.lower) == pytest.approx((distance / 2, 0.0))
    assert found.upper - found.difference == pytest.approx(half, rel=0.12)  # 400 draws know it to a twenty-fifth


def test_cohorts_that_err_to_either_side_are_averaged_before_the_distance_is_taken() -> None:
    earlier = cohort(np.arange(10.0) + 1e-3)
    found = asked("survival.km_gap", REAL, LATER, earlier)
    assert found.difference == pytest.approx(0.05), "the curves cancel but where only one is off"


def test_the_floor_is_what_the_real_curve_itself_may_be_off() -> None:
    """At its middle a curve of 10 patients has an error of 0.158, whose mean absolute value is 0.126."""
    found = asked("survival.km_gap_mean", REAL, LATER)
    errors = [math.sqrt(share * (1 - share) / 10) for share in np.arange(1, 11) / 10]
    # ten steps of ten grid points each; 400 draws know a mean absolute error to a twentieth of it
    assert found.floor == pytest.approx(math.sqrt(2 / math.pi) * float(np.mean(errors)), rel=0.15)


def test_more_cohorts_have_less_error_and_more_patients_a_smaller_floor_alone() -> None:
    many, later = (cohort(np.repeat(np.arange(first, first + 10), 100)) for first in (1.0, 2.0))
    two, eight = (asked("survival.km_gap", REAL, *[REAL, LATER] * times) for times in (1, 4))
    large = asked("survival.km_gap", many, many, later)
    assert eight.difference == pytest.approx(two.difference)
    # 0 and 0.1 four times each: t(0.95, 7) = 1.894579 times a standard error of 0.05/√7, as 400 draws know it
    assert eight.upper - 0.05 == pytest.approx(1.894579 * 0.05 / math.sqrt(7), rel=0.12)
    assert (large.difference, large.upper) == pytest.approx((two.difference, two.upper)), "the patients are given"
    assert large.floor == pytest.approx(two.floor / 10), "a hundred times as many"


@pytest.mark.parametrize(
    ("real", "horizon", "reason"),
    [
        (cohort([1.0, 2.0, 3.0, 4.0]), 3.0, "fewer than 5 real patients: not shown"),
        (cohort([9.0] * 6), 5.0, "no event before the horizon in the real cohort"),
        (cohort([1.0, 2.0, 3.0, 4.0, 5.0], [1, 1, 1, 1, 0]), 7.0, "past the last follow-up"),
    ],
)
def test_a_curve_that_tells_nothing_up_to_the_horizon_is_not_compared(
    real: Cohort, horizon: float, reason: str
) -> None:
    found = asked("survival.km_gap", real, REAL, horizon=horizon)
    assert found.verdict == NOT_ESTIMABLE and reason in found.because


def test_a_synthetic_cohort_without_a_patient_of_the_group_is_told() -> None:
    margins = {"survival.km_gap": margin_for("survival.km_gap", {"absolute": 0.4, "horizon": 5.0})}
    (ask,) = scope_of(REAL, [LATER], margins, np.random.default_rng(1)).asks()
    women = Group("sex=f", SUBGROUP, REAL, (LATER, cohort(np.array([]), np.array([]))))
    (found,) = ESTIMANDS["survival.km_gap"].answer(replace(ask, endpoint="os", group=women))
    assert (found.because, found.group) == ("a synthetic cohort has no patients in this group", "sex=f")


def test_a_tally_has_the_same_distance_as_the_rows() -> None:
    rows, tally = (asked("survival.km_gap", *map(form, (REAL, REAL, LATER))) for form in (lambda each: each, Tally.of))
    assert rows.upper > rows.lower
    assert (tally.difference, tally.lower, tally.upper) == pytest.approx((rows.difference, rows.lower, rows.upper))
