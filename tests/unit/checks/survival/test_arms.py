"""What an arm does to survival: hazard ratios whose likelihood is solved by hand, from six to ten patients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import INCONCLUSIVE, NOT_ESTIMABLE, Finding
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.registry import scope_of
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Endpoint, Schema

SCHEMA = Schema({"os": Endpoint("os", "time", "event")}, arm="arm", arm_reference="usual", unit="month")
Z = 1.6448536269514722
T1 = 6.313751514675043
"""The 95% quantiles of the normal, and of Student's t on one degree of freedom: two cohorts."""
RATIO = {"ratio": [0.67, 1.5]}


def cohort(new: Sequence[tuple[float, int]], usual: Sequence[tuple[float, int]], **more: object) -> Cohort:
    """The (time, event) of the patients of two arms."""
    rows = [*new, *usual]
    frame = pd.DataFrame({"time": [time for time, _ in rows], "event": [event for _, event in rows],
                          "arm": ["new"] * len(new) + ["usual"] * len(usual), **more})  # fmt: skip
    schema = SCHEMA.with_roles(subgroups=("sex",)) if "sex" in more else SCHEMA
    return Cohort.derive(schema.with_roles(entry="entry" if "entry" in more else None), frame, label=None)


def asked(key: str, real: Cohort, *synthetic: Cohort, **declared: object) -> list[Finding]:
    margins = {f"survival.{key}": margin_for(f"survival.{key}", declared)}
    (ask,) = scope_of(real, synthetic, margins, np.random.default_rng(1)).asks()
    return ESTIMANDS[f"survival.{key}"].answer(replace(ask, endpoint="os"))


def deaths(*times: float) -> list[tuple[float, int]]:
    return [(time, 1) for time in times]


def test_the_gain_in_restricted_mean_is_held_to_a_share_of_the_horizon() -> None:
    """To 4 months: means of (1 + 4 + 4)/3 and (1 + 2 + 3)/3."""
    real = cohort(deaths(1, 5, 6), deaths(1, 2, 3))
    drawn = [real, cohort(deaths(2, 5, 6), deaths(1, 2, 3))]
    (found,) = asked("rmst_difference", real, *drawn, horizon=4.0, relative=0.05)
    assert (found.group, found.unit, found.estimand) == (
        "arm=new vs usual",
        "month",
        "rmst difference of os to 4 month",
    )
    assert (found.real, found.synthetic, found.margin) == pytest.approx((1.0, 7 / 6, 0.2)), "gains of 1 and 4/3"
    assert (found.lower, found.upper) == pytest.approx(((1 - T1) / 6, (1 + T1) / 6))
    cut = [np.var(times) / 3 for times in ([1, 4, 4], [1, 2, 3])]
    assert found.real_upper - found.real == pytest.approx(Z * math.sqrt(sum(cut)))


def test_a_gain_that_is_lost_passes_no_margin_wider_than_itself() -> None:
    early, late = deaths(1, 1.1, 1.2, 1.3), deaths(2.5, 2.6, 2.7, 2.8)
    drawn = [cohort(early, early), cohort(deaths(0.9, 1, 1.1, 1.2), early)]
    (found,) = asked("rmst_difference", cohort(late, early), *drawn, horizon=8.0, absolute=3.9)
    assert (found.lower, found.upper) == pytest.approx((-1.55 - T1 * 0.05, -1.55 + T1 * 0.05))
    assert (found.margin, found.verdict) == (pytest.approx(1.5, rel=2e-6), INCONCLUSIVE)
    assert "capped at the real effect; declared ±3.9" in found.because


ONE_EACH = ([(1.0, 1), (9.0, 0), (9.0, 0)], [(2.0, 1), (9.0, 0), (9.0, 0)])
"""A death of each arm, when 3 and 3, then 2 and 3 are at risk: θ/(θ + 1) + 2θ/(2θ + 3) = 1, so that 2θ² = 3."""


def test_the_hazard_ratio_solves_its_likelihood() -> None:
    (one,) = asked("hazard_ratio", cohort(*ONE_EACH), cohort(*ONE_EACH[::-1]), **RATIO)
    assert (one.real, one.synthetic) == pytest.approx((math.sqrt(1.5), 1 / math.sqrt(1.5)))
    assert one.difference == pytest.approx(-math.log(1.5))
    (found,) = asked("hazard_ratio", cohort(*ONE_EACH), cohort(*ONE_EACH), cohort(*ONE_EACH[::-1]), **RATIO)
    half = math.log(1.5) / 2
    assert (found.synthetic, found.difference) == pytest.approx((1.0, -half)), "the mean of the logarithms"
    assert (found.lower, found.upper) == pytest.approx((-half - T1 * half, -half + T1 * half))
    # the information is the sum of p(1 - p), with p the chance that the next death is of the new arm
    share = [root / (root + rest) for root, rest in ((math.sqrt(1.5), 1.0), (2 * math.sqrt(1.5), 3.0))]
    variance = 1 / sum(p * (1 - p) for p in share)
    assert found.real_upper == pytest.approx(math.sqrt(1.5) * math.exp(Z * math.sqrt(variance)), rel=1e-6)
    assert (found.scale, found.estimand, found.unit) == ("ratio", "hazard ratio of os", "")


LATER = ([(1.0, 1), (4.0, 1), (9.0, 0)], [(2.0, 1), (5.0, 1), (9.0, 0)])
"""After 3 there are 2 and 2, then 1 and 2 at risk: θ/(θ + 1) + θ/(θ + 2) = 1, so that θ² = 2."""


def test_the_change_of_the_hazard_ratio_is_the_ratio_after_over_that_before() -> None:
    (found,) = asked("hazard_ratio_change", cohort(*LATER), cohort(*LATER), at=3.0, **RATIO)
    assert found.real == pytest.approx(math.sqrt(2 / 1.5))
    assert found.estimand == "change of the hazard ratio of os at 3 month"
    (half,) = asked("hazard_ratio_change", cohort(*LATER), cohort(*LATER), horizon=6.0, **RATIO)
    assert (half.real, half.estimand) == (pytest.approx(found.real), found.estimand), "half way to the horizon"
    assert found.margin == pytest.approx(math.log(1.5), rel=0.02), "a change is no effect that caps its margin"


STAYS = ([(1.0, 1), (1.5, 2), (9.0, 0)], [(2.0, 1), (9.0, 0), (9.0, 0)])
"""Who relapsed stays at risk: 3 and 3, then 2 and 3, as in `ONE_EACH`."""


def test_who_had_another_cause_stays_at_risk_of_the_subdistribution_hazard_only() -> None:
    (found,) = asked("subdistribution_ratio", cohort(*STAYS), cohort(*STAYS), **RATIO)
    assert found.real == pytest.approx(math.sqrt(1.5), rel=1e-6)
    (plain,) = asked("hazard_ratio", cohort(*STAYS), cohort(*STAYS), **RATIO)
    assert plain.real == pytest.approx(math.sqrt(3.0)), "θ/(θ + 1) + θ/(θ + 3) = 1, so that θ² = 3"


def test_no_subdistribution_ratio_is_asked_where_no_cause_competes_nor_answered_with_delayed_entry() -> None:
    assert asked("subdistribution_ratio", cohort(*ONE_EACH), cohort(*STAYS), **RATIO) == []
    late = cohort(*STAYS, entry=[0.5, 0, 0, 0, 0, 0.0])
    (found,) = asked("subdistribution_ratio", late, late, **RATIO)
    assert found.because == "in the real cohort: the Fine-Gray model is not fitted to delayed entry"
    (none,) = asked("subdistribution_ratio", cohort(*STAYS, entry=[0.0] * 6), cohort(*STAYS), **RATIO)
    assert none.real == pytest.approx(math.sqrt(1.5), rel=1e-6), "an entry at 0 delays nothing"


def test_a_cohort_that_lost_an_arm_is_told() -> None:
    (found,) = asked("hazard_ratio", cohort(*ONE_EACH), cohort([], ONE_EACH[1]), **RATIO)
    assert found.verdict == NOT_ESTIMABLE
    assert found.because == "in 1 of 1 synthetic cohorts: 'new' or 'usual' has no patients"


def test_arms_are_set_against_the_reference_among_all_and_within_each_subgroup_level() -> None:
    times = deaths(*np.arange(1.0, 11.0))
    real = cohort(times, times, sex=["f", "m"] * 10)
    found = asked("rmst_difference", real, real, horizon=4.0, relative=0.05)
    assert [(one.group, one.kind, one.decisive) for one in found] == [
        ("arm=new vs usual", "all", True),
        ("arm=new vs usual, sex=f", "subgroup", False),
        ("arm=new vs usual, sex=m", "subgroup", False),
    ]
    assert [one.n_real for one in found] == [20, 10, 10]


def test_each_of_three_arms_is_set_against_the_reference() -> None:
    frame = pd.DataFrame({"time": [1.0, 2, 3, 4, 5, 6], "event": 1, "arm": ["B", "B", "A", "A", "C", "C"]})
    real = Cohort.derive(SCHEMA.with_roles(arm_reference="B"), frame, label=None)
    found = asked("rmst_difference", real, real, horizon=6.0, absolute=1)
    assert [(one.group, one.real) for one in found] == [
        ("arm=A vs B", pytest.approx(2.0)),
        ("arm=C vs B", pytest.approx(4.0)),
    ]
