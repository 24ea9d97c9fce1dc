"""Summaries of survival from ten or twenty-one patients, whose areas and shares are counted by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import NOT_ESTIMABLE, Finding
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.registry import scope_of
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Endpoint, Schema
from heorsynth.data.folders.tally import Tally

SCHEMA = Schema({"os": Endpoint("os", "time", "event", {1: "death", 2: "relapse"})}, unit="month")
Z = 1.6448536269514722
T1 = 6.313751514675043
"""The 95% quantiles of the normal, and of Student's t on one degree of freedom: two cohorts."""


def cohort(time: Sequence[float] | np.ndarray, event: object = 1) -> Cohort:
    return Cohort.derive(SCHEMA, pd.DataFrame({"time": time, "event": event}), label=None)


TEN = cohort(np.arange(1.0, 11.0))
"""Deaths after 1, 2, ... 10 months."""

DOUBLE = cohort(2 * np.arange(1.0, 11.0))


def asked(key: str, real: Cohort | Tally, *synthetic: Cohort | Tally, **declared: object) -> list[Finding]:
    scale = {} if {"absolute", "relative"} & set(declared) else {"absolute": 0.4}
    margins = {f"survival.{key}": margin_for(f"survival.{key}", {**declared, **scale})}
    (ask,) = scope_of(real, synthetic, margins, np.random.default_rng(1)).asks()
    return ESTIMANDS[f"survival.{key}"].answer(replace(ask, endpoint="os"))


def test_the_restricted_mean_is_the_mean_of_times_cut_at_the_horizon() -> None:
    (found,) = asked("rmst", TEN, TEN, DOUBLE, horizon=5.0, absolute=2)
    assert (found.estimand, found.unit, found.endpoint) == ("rmst of os to 5 month", "month", "os")
    assert found.real == pytest.approx((1 + 2 + 3 + 4 + 6 * 5) / 10)
    assert found.synthetic == pytest.approx((4.0 + (2 + 4 + 8 * 5) / 10) / 2)
    assert (found.lower, found.upper) == pytest.approx((0.3 - T1 * 0.3, 0.3 + T1 * 0.3)), "differences of 0 and 0.6"
    # Greenwood's variance without censoring is that of the cut times over n
    own = Z * math.sqrt(np.var(np.minimum(np.arange(1, 11), 5)) / 10)
    assert (found.real_lower, found.real_upper) == pytest.approx((4 - own, 4 + own))


def test_the_default_horizon_is_that_of_all_real_patients() -> None:
    """The 80th percentile of 1, ... 10 is 8.2; the two figures below it are 8.1."""
    (found,) = asked("rmst", TEN, DOUBLE)
    assert found.estimand == "rmst of os to 8.1 month" and found.real == pytest.approx((36 + 2 * 8.1) / 10)


def test_landmarks_at_one_time_at_several_or_half_way_to_the_horizon() -> None:
    first, second = asked("landmark", TEN, TEN, DOUBLE, at=[3, 7.0])
    assert (first.real, first.synthetic, second.real, second.synthetic) == pytest.approx((0.7, 0.8, 0.3, 0.5))
    assert (first.estimand, first.unit) == ("event-free share of os at 3 month", "")
    assert (first.upper, second.upper) == pytest.approx((0.1 + T1 * 0.1, 0.2 + T1 * 0.2)), "0.7 and 0.9, 0.3 and 0.7"
    assert first.real_upper - first.real == pytest.approx(Z * math.sqrt(0.21 / 10))
    (one,) = asked("landmark", TEN, DOUBLE, at=4)
    (half,) = asked("landmark", TEN, DOUBLE)
    assert (one.real, one.estimand) == (pytest.approx(0.6), "event-free share of os at 4 month")
    assert (half.real, half.estimand) == (pytest.approx(0.6), "event-free share of os at 4.05 month")


def test_the_median_is_the_middle_of_the_period_in_which_half_are_left() -> None:
    (found,) = asked("median", TEN, DOUBLE, absolute=5)
    assert (found.real, found.synthetic, found.unit) == (5.5, 11.0, "month")


def test_a_median_that_no_cohort_reached_is_not_estimable() -> None:
    (found,) = asked("median", cohort(np.arange(1.0, 11.0), [1, 0] * 2 + [0] * 6), TEN, absolute=5)
    assert found.verdict == NOT_ESTIMABLE and "not reached while the curve is identified" in found.because


def test_potential_follow_up_is_ended_by_censoring_alone() -> None:
    """Five die at 1, one of five left is censored at 2, and four are followed to 6: to 4 it is 2 + 2·0.8."""
    real = cohort([1.0] * 5 + [2.0] + [6.0] * 4, [1] * 5 + [0] * 5)
    (found,) = asked("censoring", real, real, horizon=4.0, absolute=1)
    assert found.real == pytest.approx(3.6)
    assert found.estimand == "potential follow-up of os to 4 month"
    relapsed = cohort([1.0] * 5 + [2.0] + [6.0] * 4, [2] * 5 + [0] * 5)
    assert asked("censoring", relapsed, real, horizon=4.0, absolute=1)[0].real == pytest.approx(3.6), "of any cause"


def test_potential_follow_up_is_unknown_where_the_last_patient_died_before_the_horizon() -> None:
    (found,) = asked("censoring", cohort([1.0, 2.0, 3.0, 4.0, 5.0], [0, 1, 0, 1, 1]), TEN, horizon=6.0, absolute=1)
    assert found.because == "in the real cohort: the longest follow-up ended in an event before the horizon"


def test_follow_up_is_the_share_of_patients_followed_to_the_horizon_however_it_ended() -> None:
    real = cohort(np.arange(1.0, 11.0), [0, 1] * 5)
    (found,) = asked("follow_up", real, DOUBLE, horizon=5.0)
    assert (found.real, found.synthetic) == (0.6, 0.8)
    assert found.estimand == "followed for os to 5 month"


def test_optimism_is_the_area_over_the_horizon() -> None:
    (found,) = asked("optimism", TEN, DOUBLE, horizon=5.0)
    assert (found.real, found.synthetic) == pytest.approx((0.8, 0.92))
    (both,), (area,) = asked("optimism", TEN, TEN, DOUBLE, horizon=5.0), asked("rmst", TEN, TEN, DOUBLE, horizon=5.0)
    assert both.upper == pytest.approx(0.06 + T1 * 0.06) and both.upper == pytest.approx(area.upper / 5)
    assert both.real_upper == pytest.approx(area.real_upper / 5) and found.unit == ""


def test_reach_is_the_95th_percentile_of_follow_up() -> None:
    real = cohort(np.arange(21.0) + 1, [0, 1, 1] * 7)
    (found,) = asked("reach", real, cohort(2 * (np.arange(21.0) + 1)), absolute=9)
    assert (found.real, found.synthetic) == pytest.approx((20.0, 40.0))
    assert (found.estimand, found.unit) == ("P95 of follow-up for os", "month")


COMPETING = cohort(np.arange(1.0, 11.0), [1, 2, 1, 2, 1, 0, 0, 0, 0, 0])


def test_the_incidence_of_each_cause_is_its_share_where_nobody_was_censored_before() -> None:
    synthetic = cohort(np.arange(1.0, 11.0), [1, 1, 1, 1, 2, 0, 0, 0, 0, 0])
    death, relapse = asked("incidence", COMPETING, synthetic, at=5.0)
    assert (death.real, relapse.real, death.synthetic, relapse.synthetic) == pytest.approx((0.3, 0.2, 0.4, 0.1))
    assert death.estimand == "cumulative incidence of death by 5 month (os)"
    assert relapse.estimand == "cumulative incidence of relapse by 5 month (os)"
    assert asked("incidence", COMPETING, synthetic)[0].estimand.startswith("cumulative incidence of death by 8.1 ")


def test_a_cause_that_no_row_has_is_known_to_have_an_incidence_of_none() -> None:
    _, relapse = asked("incidence", COMPETING, TEN, at=5.0)
    assert (relapse.synthetic, relapse.difference) == (0.0, pytest.approx(-0.2))
    _, beyond = asked("incidence", COMPETING, cohort([1.0, 2.0, 3.0, 4.0], [1, 1, 0, 0]), at=5.0)
    assert beyond.verdict == NOT_ESTIMABLE, "but not past the last follow-up"


def test_the_share_with_the_event_counts_the_first_cause() -> None:
    real = cohort(np.arange(1.0, 11.0), [1, 0, 2, 1, 0, 1, 0, 0, 0, 0])
    (one,) = asked("events", real, cohort(np.arange(1.0, 11.0), [1, 1, 2, 1, 0, 1, 0, 0, 0, 0]), real)
    assert (one.real, one.synthetic, one.estimand) == (0.3, pytest.approx(0.35), "share with the event os")


@pytest.mark.parametrize("event", [1, [0, 1] * 5, [2, 0] * 5])
def test_where_no_cause_competes_no_incidence_is_asked(event: object) -> None:
    assert asked("incidence", cohort(np.arange(1.0, 11.0), event), COMPETING, at=5.0) == []


def test_a_cause_without_a_name_is_told_by_its_code() -> None:
    plain = SCHEMA.with_roles(endpoints={"os": Endpoint("os", "time", "event")})
    real = Cohort.derive(plain, COMPETING.frame, label=None)
    assert [one.estimand[:31] for one in asked("incidence", real, real, at=5.0)] == [
        "cumulative incidence of cause 1",
        "cumulative incidence of cause 2",
    ]


@pytest.mark.parametrize(
    ("key", "declared"),
    [("rmst", {"horizon": 5.0}), ("landmark", {"at": [3, 4]}), ("follow_up", {"horizon": 5.0}),
     ("censoring", {"horizon": 7}), ("optimism", {}), ("incidence", {"at": 5.0}), ("events", {})],
)  # fmt: skip
def test_a_tally_has_the_same_summaries_as_the_rows(key: str, declared: dict[str, object]) -> None:
    drawn = [
        cohort(np.arange(1.0, 11.0) * 1.5, [1, 0, 2, 1, 0, 1, 0, 0, 0, 0]),
        cohort(np.arange(1.0, 11.0), [1, 1, 2, 1, 0, 1, 0, 0, 0, 0]),
    ]
    of_tally = asked(key, Tally.of(COMPETING), *map(Tally.of, drawn), **declared)
    for one, other in zip(of_tally, asked(key, COMPETING, *drawn, **declared), strict=True):
        assert one.verdict == other.verdict and one.estimand == other.estimand and other.lower < other.upper
        assert (one.real, one.synthetic, one.lower) == pytest.approx((other.real, other.synthetic, other.lower))
        assert (one.real_lower, one.real_upper) == pytest.approx((other.real_lower, other.real_upper))
