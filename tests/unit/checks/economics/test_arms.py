"""An evaluation keeps what was declared: comparator, unit of effect, timing of amounts; and equals are equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core import observed
from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.data.folders.tally import Tally
from heorsynth.estimators.costs.costs import Moments, cv
from heorsynth.estimators.economics.frontier import DOMINATED, ON, frontier
from heorsynth.estimators.economics.increments import Increments, Joint, discounted, increments
from heorsynth.estimators.economics.options import best
from heorsynth.generators.peers.bootstrap import Bootstrap
from heorsynth.protocol.file.source import load_source
from heorsynth.protocol.file.spec import read_protocol

N = 80


def rows(effect: str = "qaly") -> pd.DataFrame:
    rng = np.random.default_rng(5)
    arm = np.repeat(["new", "usual"], N // 2)
    frame = pd.DataFrame({"arm": arm, "time": rng.integers(1, 999, N), "event": rng.integers(0, 2, N)})
    frame["cost"] = rng.gamma(2, 2000, N).round(2) + 1000 * (arm == "new")
    frame[effect] = rng.normal(0.6, 0.1, N).round(3) + 0.05 * (arm == "new")
    return frame


def cohort(effect: str = "qaly", **declared) -> hs.Cohort:
    roles = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": "cost", "utilities": effect}
    return hs.Cohort(rows(effect), **roles, **declared)


@pytest.mark.parametrize(
    ("first", "horizon", "value"),
    [
        (0, 3, 1 + 1 / 1.1 + 1 / 1.21),
        (0, 2, 1 + 1 / 1.1),
        (0, 1, 1.0),
        (1, 3, 1 / 1.1 + 1 / 1.21 + 1 / 1.331),
        (1, 2, 1 / 1.1 + 1 / 1.21),
        (1, 1, 1 / 1.1),
        (2, 4, 1 / 1.21 + 1 / 1.331 + 1 / 1.4641),
        (2, 3, 1 / 1.21 + 1 / 1.331),
        (2, 1, 0.0),
    ],
)
def test_amounts_count_up_to_the_horizon_at_the_start_or_the_end_of_their_years(first, horizon, value) -> None:
    found = discounted(np.array([[1.0, 1.0, 1.0]]), rate=0.1, first=first, horizon=horizon)[0]
    assert found == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("first", "end"), [(0, 3), (1, 3), (2, 4)])
def test_a_horizon_past_the_last_amount_s_year_is_refused(first: int, end: int) -> None:
    discounted(np.ones((1, 3)), first=first, horizon=end)
    with pytest.raises(HorizonError, match=f"amounts end after {end}"):
        discounted(np.ones((1, 3)), first=first, horizon=end + 1)


def test_an_acceptability_curve_of_equal_costs_is_certain_or_one_half_and_warns_of_nothing() -> None:
    arm = np.repeat([True, False], 4)
    effect = np.array([0.5, 0.6, 0.7, 0.8, 0.4, 0.5, 0.6, 0.7])
    found = increments(np.full(8, 0.1), effect, arm)
    curve = found.ceac([0.0, 100.0, 1e6])
    assert curve[0] == 0.5
    assert curve[1] == pytest.approx(curve[2]) and 0.5 < curve[1] < 1
    dearer = increments(np.where(arm, 0.3, 0.1), effect, arm).ceac([0.0])
    assert dearer.tolist() == [0.0]
    assert increments(np.full(8, 0.1), np.full(8, 0.3), arm).ceac([0.0, 20_000.0]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1234.56])
@pytest.mark.parametrize("n", [7, 30, 1000])
def test_what_is_the_same_in_all_patients_has_no_variance_whatever_its_digits(value: float, n: int) -> None:
    same = np.full(n, value)
    assert Moments.of(same).variance == 0
    assert Moments.of(same).mean == value
    assert (Joint.of(np.column_stack([same, same])).covariance == 0).all()
    with pytest.raises(NotEstimableError):
        cv(same)


def test_a_tally_of_equal_costs_has_no_variance_either() -> None:
    held = hs.Cohort.derive(cohort().schema, rows().assign(cost=0.1), label=None)
    parts = [Tally.of(held.take(np.arange(first, N, 3))) for first in range(3)]
    assert observed.moments(Tally.total(parts), "cost").variance == 0


def test_a_decision_between_equals_takes_the_first_whatever_the_last_digits() -> None:
    noise = np.array([[100.0, 0.3], [100.0, 0.1 + 0.2], [100.0, 0.3 - 1e-16]])
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        assert best(noise[order], [0.0, 20_000.0]).tolist() == [0, 0]


def test_options_that_are_equal_but_for_rounding_do_not_both_lie_on_the_frontier() -> None:
    cost, effect = np.array([0.1 + 0.2, 0.3, 1.0]), np.array([0.5, 0.5, 0.9])
    status, ratio = frontier(cost, effect)
    assert status == [ON, DOMINATED, ON]
    assert ratio[2] == pytest.approx(0.7 / 0.4)


def test_an_option_on_the_line_of_two_others_stays_on_the_frontier_whatever_the_last_digits() -> None:
    for third in (0.3, 0.1 + 0.2):
        assert frontier(np.array([0.0, 0.1, third]), np.array([0.0, 0.1, 0.3]))[0] == [ON, ON, ON]


def test_life_years_are_not_called_qalys() -> None:
    found = hs.evaluate(cohort("life_years", arm_reference="usual")).increments()
    assert (found.delta_effect().unit, found.inhb(20_000).unit) == ("", "")
    assert found.delta_effect(unit="year").unit == "year"
    qaly = hs.evaluate(cohort(arm_reference="usual")).increments()
    assert (qaly.delta_effect().unit, qaly.inhb(20_000).unit) == ("QALY", "QALY")
    assert Increments(1.0, 1.0, np.eye(2)).delta_effect().unit == ""


@pytest.mark.parametrize(("effect", "unit"), [("life_years", "unit of life_years"), ("qaly", "QALY")])
def test_findings_name_what_a_threshold_is_money_for(effect: str, unit: str) -> None:
    real = cohort(effect, arm_reference="usual")
    margins = {key: {"absolute": width} for key, width in (
        ("economics.inmb", 5000.0), ("economics.ceac", 0.2), ("economics.decision_agreement", 0.2),
        ("economics.pooled_decision", 0.2), ("economics.incremental_qaly", 0.1),
    )}  # fmt: skip
    synthetic = Bootstrap().fit(real).sample(m=3, seed=1)
    found = hs.validate(real, synthetic, "teaching", margins, economics={"wtp": [20_000]}).findings
    told = [one for one in found if one.check == "economics"]
    thresholds = [one.estimand for one in told if "20,000" in one.estimand or "40,000" in one.estimand]
    assert len(thresholds) >= 4
    assert all(text.endswith(f"per {unit}") for text in thresholds)
    effects = [one.unit for one in told if one.key == "economics.incremental_qaly"]
    assert effects == ["QALY" if effect == "qaly" else ""]


PROTOCOL = """heorsynth: 1
title: Comparator
purpose: teaching
cohort:
  source: {file: rows.csv}
  endpoints: {os: [time, event]}
  arm: arm
  costs: [cost]
  utilities: [qaly]
generator: {name: bootstrap, n: same, m: 2, most_cohorts: 2, seed: 1}
economics: {comparator: usual, wtp: [20000]}
"""


def test_the_comparator_of_a_protocol_is_the_reference_of_its_cohort(tmp_path: Path) -> None:
    """ "new" comes first in the alphabet; the protocol compares with "usual"."""
    rows().to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "p.yaml").write_text(PROTOCOL, encoding="utf-8")
    held, _ = load_source(read_protocol(tmp_path / "p.yaml"))
    assert held.schema.arm_reference == "usual"
    found = hs.evaluate(held)
    assert found.arms == ("usual", "new")
    assert found.increments().cost > 0
    assert not any("alphabetical" in note for note in found.notes)
    drawn = Bootstrap().fit(held).sample(m=2, seed=1)
    assert hs.evaluate(drawn).arms == ("usual", "new")
    text = PROTOCOL.replace("  arm: arm\n", "  arm: arm\n  arm_reference: new\n")
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    assert load_source(read_protocol(tmp_path / "p.yaml"))[0].schema.arm_reference == "new"
