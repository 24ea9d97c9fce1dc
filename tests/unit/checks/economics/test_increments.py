"""Incremental cost, effect and net benefit of six patients, and what their margins are shares of."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from heorsynth.checks.core.finding import INCONCLUSIVE, NO_THRESHOLD, NOT_ESTIMABLE, PASS, Finding
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.schema import Schema
from heorsynth.data.folders.tally import Tally

Z = 1.6448536269514722
T1 = 6.313751514675043
"""The 95% quantiles of the normal, and of Student's t on one degree of freedom: two cohorts."""
SCHEMA = Schema(
    {}, arm="arm", arm_reference="usual", costs=("cost",), utilities=("qaly",), currency="EUR", price_year=2024
)
COST, QALY, INMB = "economics.incremental_cost", "economics.incremental_qaly", "economics.inmb"


def rows(added: float = 200.0, gained: float = 0.2) -> pd.DataFrame:
    """Three patients of each arm. Usual care costs 100 and gives 0.6; the new arm costs and gives more."""
    step = np.array([-1.0, 0.0, 1.0])
    return pd.DataFrame({
        "arm": ["usual"] * 3 + ["new"] * 3, "cost": np.r_[100 + 10 * step, 100 + added + 10 * step],
        "qaly": np.r_[0.6 + 0.1 * step, 0.6 + gained + 0.1 * step],
    })  # fmt: skip


def cohort(frame: pd.DataFrame | None = None, schema: Schema = SCHEMA) -> Cohort:
    return Cohort.derive(schema, rows() if frame is None else frame, label=None)


def asked(key: str, real: Cohort | Tally, *synthetic: Cohort | Tally, wtp: object = (), **declared: object) -> list:
    margin = margin_for(key, declared, {"wtp": wtp})
    return registry.findings("economics", real, synthetic, {key: margin}, np.random.default_rng(1))


def interval(found: Finding) -> tuple[float, float]:
    return found.lower, found.upper


def test_incremental_cost_is_held_to_a_share_of_the_comparators_mean_cost() -> None:
    (found,) = asked(COST, cohort(), cohort(rows(added=209.0)), cohort(rows(added=211.0)), relative=0.2)
    assert (found.estimand, found.group, found.unit) == ("incremental cost", "arm=new vs usual", "EUR 2024")
    assert (found.real, found.synthetic, found.margin) == pytest.approx((200.0, 210.0, 20.0))
    assert interval(found) == pytest.approx((10 - T1, 10 + T1)), "9 and 11 are a standard error of 1"
    own = Z * math.sqrt(2 * 100 / 3)  # a variance of 100 over 3 patients, in both arms
    assert (found.real_lower, found.real_upper) == pytest.approx((200 - own, 200 + own))
    assert (found.verdict, found.scale) == (PASS, "absolute")
    (wide,) = asked(COST, cohort(), cohort(rows(added=207.0)), cohort(rows(added=213.0)), relative=0.2)
    assert (wide.upper, wide.verdict) == (pytest.approx(10 + 3 * T1), INCONCLUSIVE)


def test_incremental_effect_is_held_to_a_share_of_the_comparators_mean_effect() -> None:
    (found,) = asked(QALY, cohort(), cohort(rows(gained=0.24)), cohort(rows(gained=0.26)), relative=0.1)
    assert (found.estimand, found.unit) == ("incremental qaly", "QALY")
    assert (found.real, found.synthetic, found.margin) == pytest.approx((0.2, 0.25, 0.06))
    assert found.upper - found.difference == pytest.approx(T1 * 0.01)
    assert found.real_upper == pytest.approx(0.2 + Z * math.sqrt(2 * 0.01 / 3))


def test_an_effect_is_named_and_measured_by_its_own_column() -> None:
    schema = SCHEMA.with_roles(utilities=("eq5d",), currency=None, price_year=None)
    real = cohort(rows().rename(columns={"qaly": "eq5d"}), schema)
    (effect,), (cost,) = asked(QALY, real, real, absolute=0.1), asked(COST, real, real, absolute=10)
    assert (effect.estimand, effect.unit, cost.unit) == ("incremental eq5d", "", "")
    assert asked(INMB, real, real, wtp=100, absolute=10)[0].per == "unit of eq5d"


@pytest.mark.parametrize(("key", "wide", "effect"), [(COST, 900.0, 200.0), (QALY, 0.9, 0.2)])
def test_what_the_treatment_does_caps_its_margin(key: str, wide: float, effect: float) -> None:
    tight = rows().assign(qaly=[0.59, 0.6, 0.61, 0.79, 0.8, 0.81])
    lost = tight.assign(cost=tight["cost"] - 200 * (tight["arm"] == "new"), qaly=[0.59, 0.6, 0.61] * 2)
    less = lost.assign(cost=lost["cost"] - (lost["arm"] == "new"), qaly=lost["qaly"] - 0.01 * (lost["arm"] == "new"))
    (found,) = asked(key, cohort(tight), cohort(lost), cohort(less), absolute=wide)
    assert (found.margin, found.verdict) == (pytest.approx(effect, rel=1e-5), INCONCLUSIVE)
    assert found.lower < -effect < found.upper
    assert "capped at the real effect; declared" in found.because


def test_net_benefit_is_the_threshold_times_effect_less_cost_and_its_margin_a_share_of_the_threshold() -> None:
    drawn = [cohort(rows(added=added)) for added in (140.0, 160.0)]
    first, second = asked(INMB, cohort(), *drawn, wtp=(2000.0, 500.0), relative=0.1)
    assert [first.real, second.real] == pytest.approx([2000 * 0.2 - 200, 500 * 0.2 - 200])
    assert [first.difference, second.difference] == pytest.approx([50.0, 50.0])
    assert [first.margin, second.margin] == pytest.approx([200.0, 50.0])
    assert (first.estimand, first.threshold, first.per) == ("INMB at 2,000 per QALY", 2000.0, "QALY")
    assert (second.estimand, second.threshold, second.unit) == ("INMB at 500 per QALY", 500.0, "EUR 2024")
    assert [first.upper, second.upper] == pytest.approx([50 + T1 * 10] * 2), "the cohorts differ in cost alone"
    # patients gain 0.1 and pay 10 more at each step: 2,000·0.1 - 10 = 190, and 500·0.1 - 10 = 40
    own = [(one.real_upper - one.real) / Z for one in (first, second)]
    assert own == pytest.approx([190 * math.sqrt(2 / 3), 40 * math.sqrt(2 / 3)])


def test_a_net_benefit_is_no_effect_that_a_margin_must_not_exceed() -> None:
    """At 1 more or less the interval is ±6.3, within the 190 that exceed the net benefit of -160."""
    (found,) = asked(INMB, cohort(), cohort(rows(added=199.0)), cohort(rows(added=201.0)), wtp=200, absolute=190)
    assert (found.real, found.margin, found.difference) == pytest.approx((200 * 0.2 - 200, 190.0, 0.0))
    assert (found.upper, found.verdict) == (pytest.approx(T1), PASS)


def test_without_a_threshold_there_is_no_net_benefit_and_that_is_the_obstacle() -> None:
    (found,) = asked(INMB, cohort(), cohort(), relative=0.1)
    assert (found.verdict, found.obstacle, found.estimand) == (NOT_ESTIMABLE, NO_THRESHOLD, "inmb")


def test_patients_whose_cost_or_effect_is_unknown_are_left_out_of_both() -> None:
    frame = pd.concat([rows(), rows().assign(cost=1e6, qaly=np.nan)[:1]], ignore_index=True)
    (cost,), (effect,) = (asked(key, cohort(frame), cohort(), absolute=50) for key in (COST, QALY))
    assert (cost.real, effect.real) == pytest.approx((200.0, 0.2))


@pytest.mark.parametrize(("column", "key"), [("cost", COST), ("qaly", QALY), ("cost", INMB)])
def test_an_arm_of_whom_nothing_is_known_is_refused_by_its_name(column: str, key: str) -> None:
    frame = rows()
    frame.loc[frame["arm"] == "usual", column] = np.nan
    (found,) = asked(key, cohort(frame), cohort(), wtp=200, absolute=0.1)
    assert found.verdict == NOT_ESTIMABLE
    assert "in the real cohort: " in found.because and "patients of arm 'usual'" in found.because
    if key != INMB:
        (relative,) = asked(key, cohort(frame), cohort(), relative=0.1)
        assert "a reference that is 0 or unknown" in relative.because
    (lost,) = asked(key, cohort(), cohort(frame), wtp=200, absolute=0.1)
    assert lost.because.startswith("in 1 of 1 synthetic cohorts: ")


def test_a_comparator_that_is_named_turns_the_signs_and_gives_the_share() -> None:
    margin = margin_for(COST, {"relative": 0.2}, {"comparator": "new"})
    (found,) = registry.findings("economics", cohort(), [cohort()], {COST: margin}, np.random.default_rng(1))
    assert (found.group, found.real, found.margin) == ("arm=usual vs new", pytest.approx(-200.0), pytest.approx(60.0))


@pytest.mark.parametrize(("key", "declared"), [(COST, {"relative": 0.2}), (QALY, {"relative": 0.2}),
                                               (INMB, {"relative": 0.1, "wtp": (500.0,)})])  # fmt: skip
def test_a_tally_gives_the_same_increments_as_the_rows(key: str, declared: dict[str, object]) -> None:
    data = [cohort(), cohort(rows(150.0)), cohort(rows(140.0, 0.3))]
    of_rows = asked(key, *data, **declared)[0]
    of_tally = asked(key, *[Tally.of(one) for one in data], **declared)[0]
    assert of_rows.lower < of_rows.upper
    for name in ("real", "synthetic", "lower", "upper", "real_lower", "real_upper", "margin"):
        assert getattr(of_tally, name) == pytest.approx(getattr(of_rows, name))
