"""ICER, P(cost-effective) and EVPI in the evidence: those of hs.evaluate, of simulation and of closed forms."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.planning.plan import plan
from heorsynth.estimators.economics.increments import Increments
from heorsynth.evidence.economics import PATIENTS, POOLED, EconomicNumbers, economic_numbers
from heorsynth.evidence.evidence import Evidence

ROLES = {"endpoints": {}, "arm": "arm", "arm_reference": "usual", "costs": "cost", "utilities": "qaly",
         "currency": "EUR"}  # fmt: skip


def trial(seed: int, arms: tuple[str, ...] = ("usual", "new"), n: int = 200) -> hs.Cohort:
    rng = np.random.default_rng(seed)
    place = np.arange(n) % len(arms)
    u0 = rng.normal(0.6, 0.1, n)
    frame = pd.DataFrame({"arm": np.array(arms)[place], "u0": u0, "cost": 1000 + 300 * place + rng.gamma(4, 100, n)})
    frame["qaly"] = 0.8 * u0 + 0.02 * place + rng.normal(0, 0.05, n)
    return hs.Cohort(frame, **ROLES)


def numbers(real: hs.Cohort, drawn: list[hs.Cohort], **economics: object) -> tuple[EconomicNumbers, ...]:
    settings = plan(real, "economic-evaluation", None, {"wtp": [15_000, 30_000], **economics}).economics
    return economic_numbers(real, drawn, settings, seed=1, behind=real.n)


@pytest.mark.parametrize("adjusted", [False, True])
def test_the_patients_numbers_are_those_of_evaluate(adjusted: bool) -> None:
    how = {"baseline": "u0"} if adjusted else {}
    real = trial(1)
    found = [one for one in numbers(real, [trial(2), trial(3)], **how) if one.rows == PATIENTS]
    expected = hs.evaluate(real, **how)
    assert [one.threshold for one in found] == [15_000.0, 30_000.0]
    for one in found:
        more = expected.increments()
        assert (one.incremental_cost, one.incremental_effect) == pytest.approx((more.cost, more.effect))
        assert (one.icer, one.icer_text) == (pytest.approx(more.icer().value), str(more.icer()))
        assert one.probability == pytest.approx(expected.ceac(one.threshold)["new"].iloc[0])
        assert one.evpi == pytest.approx(expected.evpi(one.threshold).iloc[0])
        assert (one.probability_best, one.evpi_all) == pytest.approx((one.probability, one.evpi))
        assert (one.unit, one.per, one.how) == ("EUR", "QALY", "adjusted for u0" if adjusted else "")


def test_the_pooled_numbers_are_pooled_with_the_patients_information() -> None:
    sampler = hs.generators.create("bootstrap").fit(trial(1), seed=1)
    drawn = list(sampler.sample(m=4, seed=1))
    found = [one for one in numbers(trial(1), drawn, baseline="u0") if one.rows == POOLED]
    expected = hs.evaluate(drawn, baseline="u0")
    for one in found:
        inmb = expected.increments().inmb(one.threshold)
        assert (one.inmb, one.inmb_low, one.inmb_high) == pytest.approx((inmb.value, inmb.low, inmb.high))
        assert one.evpi == pytest.approx(expected.evpi(one.threshold).iloc[0])


def test_three_arms_have_a_pair_each_and_the_choice_of_all() -> None:
    real = trial(1, ("usual", "new", "other"), n=300)
    found = [one for one in numbers(real, [trial(2, ("usual", "new", "other"), n=300)]) if one.rows == PATIENTS]
    assert [(one.arm, one.comparator) for one in found] == [("new", "usual"), ("other", "usual")] * 2
    expected = hs.evaluate(real)
    for one in found:
        assert one.probability_best == expected.ceac(one.threshold)[one.arm].iloc[0]
        assert one.evpi_all == expected.evpi(one.threshold).iloc[0]
        assert one.evpi == pytest.approx(expected.increments(one.arm).evpi(one.threshold))


@pytest.mark.parametrize("mean", [0.0, -80.0, 300.0])
def test_evpi_is_the_expected_loss_of_the_choice_by_simulation_and_closed_form(mean: float) -> None:
    found = Increments(-mean, 0.0, np.array([[100.0**2, 0.0], [0.0, 0.0]])).evpi(0.0)
    drawn = np.random.default_rng(4).normal(mean, 100.0, 400_000)
    simulated = np.maximum(drawn, 0.0).mean() - max(mean, 0.0)
    assert found == pytest.approx(simulated, abs=4 * drawn.std() / math.sqrt(len(drawn)))
    if mean == 0.0:
        assert found == pytest.approx(100.0 / math.sqrt(2 * math.pi), rel=1e-12)


def test_without_a_threshold_or_an_estimate_there_are_no_numbers() -> None:
    real = trial(1)
    assert economic_numbers(real, [trial(2)], {}, 1, real.n) == ()
    lost = trial(2).frame
    lost.loc[lost["arm"] == "new", "qaly"] = np.nan
    assert numbers(real, [hs.Cohort.derive(real.schema, lost, label=None)]) == ()


def test_the_evidence_holds_them_and_reads_them_back() -> None:
    real = trial(1)
    economics = {"wtp": [15_000], "baseline": "u0"}
    evidence = hs.validate(real, [trial(2), trial(3)], "teaching", {"economics.inmb": {"relative": 0.1}},
                           economics=economics)  # fmt: skip
    assert [one.rows for one in evidence.economics] == [PATIENTS, POOLED]
    written = evidence.stable.to_dict()
    back = Evidence.from_dict(json.loads(json.dumps(written)))
    assert back.economics == evidence.stable.economics and len(back.economics) == 2
    without = {name: value for name, value in written.items() if name != "economics"}
    assert Evidence.from_dict(without).economics == ()


def test_a_dominated_arm_has_no_ratio_and_is_written_as_none() -> None:
    frame = trial(1).frame
    frame["qaly"] -= 0.5 * (frame["arm"] == "new")
    real = hs.Cohort(frame, **ROLES)
    one = numbers(real, [real, real])[0]
    assert math.isnan(one.icer) and one.icer_text == "dominated: dearer and worse"
    assert one.to_dict()["icer"] is None and math.isnan(EconomicNumbers.from_dict(one.to_dict()).icer)
