"""The checks of decisions: three arms, subgroups, thresholds, and what is said where nobody said enough."""

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.planning.plan import checked_economics
from heorsynth.core import errors

ROLES = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost"], "utilities": ["qaly"]}
KEYS = ("economics.pooled_decision", "economics.decision_agreement", "economics.inmb")


def rows(n=900, seed=1, means=None):
    """Three arms: of net benefit, at 20,000, A is worth 9,000, B 10,300 and C 11,500."""
    rng = np.random.default_rng(seed)
    arm = np.resize(["A", "B", "C"], n)
    cost, effect = ((means or {"A": 1000, "B": 1700, "C": 2500})[name] for name in arm), {"A": 0.5, "B": 0.6, "C": 0.7}
    return pd.DataFrame({
        "time": rng.uniform(1, 4, n), "event": rng.integers(0, 2, n), "arm": arm,
        "sex": np.where(rng.random(n) < 0.5, "f", "m"), "cost": np.array(list(cost)) + rng.normal(0, 400, n),
        "qaly": np.array([effect[name] for name in arm]) + rng.normal(0, 0.02, n),
    })  # fmt: skip


def three(frame, **roles):
    return hs.Cohort(frame, **{**ROLES, "arm_reference": "A", "unit": "year", "subgroups": ["sex"]} | roles)


def copies(cohort, m=6, swap=False):
    found = []
    for part in range(m):
        frame = rows(seed=100 + part)
        if swap:
            frame["arm"] = frame["arm"].map({"A": "A", "B": "C", "C": "B"})
        found.append(hs.Cohort.derive(cohort.schema, frame, label=None))
    return found


def asked(real, synthetic, keys=KEYS, wtp=(20_000,)):
    economics = checked_economics({"wtp": list(wtp)})
    scale = {"economics.inmb": {"relative": 0.1}}
    margins = {key: margin_for(key, scale.get(key, {"absolute": 0.05}), economics) for key in keys}
    return registry.findings("economics", real, synthetic, margins, np.random.default_rng(1), None)


def test_two_arms_that_change_places_fail_though_each_pair_agrees():
    real = three(rows())
    found = asked(real, copies(real, swap=True), ["economics.pooled_decision"])
    decisive = {one.group: one for one in found if one.decisive}
    assert {decisive[pair].verdict for pair in ("arm=B vs A", "arm=C vs A")} == {"pass"}
    choice = decisive["arm: A, B, C"]
    assert choice.verdict == "fail"
    assert "best option: 'C' in the real cohort, 'B' in the pooled cohorts" in choice.because


def test_the_same_choice_among_three_passes():
    real = three(rows())
    found = asked(real, copies(real), ["economics.pooled_decision", "economics.decision_agreement"])
    choice = {one.key: one for one in found if one.group == "arm: A, B, C"}
    assert choice["economics.pooled_decision"].verdict == "pass"
    assert choice["economics.decision_agreement"].synthetic == 1.0
    assert choice["economics.pooled_decision"].floor < 0.01


def test_the_verdict_of_swapped_arms_is_not_fit_and_tells_the_choice():
    real = three(rows())
    economics = {"wtp": [20_000], "comparator": "A"}
    margins = {"economics.pooled_decision": {"absolute": 0.05}}
    evidence = hs.validate(real, copies(real, swap=True), "teaching", margins, economics=economics)
    assert evidence.verdict == "not fit"


def test_a_choice_near_a_tie_is_not_failed_for_a_slight_shift():
    """B and C are worth nearly the same, and the copies resample the patients: their mean is the patients'."""
    level = {"A": 1000, "B": 1700, "C": 3700}
    verdicts = []
    for seed in range(6):
        real, rng = three(rows(300, seed, level)), np.random.default_rng(seed)
        drawn = [
            hs.Cohort.derive(real.schema, real.frame.iloc[rng.integers(300, size=300)], label=None) for _ in range(6)
        ]
        found = asked(real, drawn, ["economics.pooled_decision"])
        verdicts += [one.verdict for one in found if one.group == "arm: A, B, C"]
    assert len(verdicts) == 6 and verdicts.count("fail") == 0


def test_decisions_are_asked_of_each_subgroup_in_support_and_say_so():
    real = three(rows())
    found = asked(real, copies(real))
    for key in KEYS:
        kinds = {(one.kind, one.decisive) for one in found if one.key == key}
        assert kinds == {("all", True), ("subgroup", False)}
        within = {one.group for one in found if one.key == key and one.kind == "subgroup"}
        assert {"arm=B vs A, sex=f", "arm=C vs A, sex=m"} <= within


def test_the_syntheses_needed_come_with_an_interval():
    real = three(rows())
    found = asked(real, copies(real), ["economics.pooled_decision"])
    told = next(one.because for one in found if one.group == "arm=C vs A")
    assert told.startswith("Cohorts needed (90% interval): 1 (1 to 1) for 95% and 1 (1 to ")


def test_a_threshold_given_twice_is_asked_once():
    real = three(rows())
    found = asked(real, copies(real), ["economics.inmb"], wtp=(20_000, 20_000.0))
    assert [one.group for one in found if one.kind == "all"] == ["arm=B vs A", "arm=C vs A"]


def test_a_verdict_without_a_threshold_says_that_this_is_what_is_lacking():
    cohort, _ = hs.datasets.simulated_trial(60, seed=3)
    synthetic = hs.generators.create("marginals").fit(cohort, seed=1).sample(m=2, seed=1)
    evidence = hs.validate(cohort, synthetic, "economic-evaluation")
    assert evidence.sentence.endswith("no willingness-to-pay threshold is declared.")
    with_one = hs.validate(cohort, synthetic, "economic-evaluation", economics={"wtp": [20_000]})
    assert "no willingness-to-pay" not in with_one.sentence


def test_evidence_tells_of_an_unnamed_comparator_missing_outcomes_and_odd_utilities():
    frame = rows(120)
    frame = frame[frame["arm"] != "C"].reset_index(drop=True)
    frame.loc[:9, "qaly"] = np.nan
    frame.loc[10:19, "qaly"] = 1.2
    cohort = three(frame, arm_reference=None)
    synthetic = [hs.Cohort.derive(cohort.schema, frame, label=None)]
    notes = " ".join(hs.validate(cohort, synthetic, "economic-evaluation", economics={"wtp": [20_000]}).notes)
    assert "'A' is used, the first in alphabetical order" in notes
    assert "leave out patients with a missing cost or QALY" in notes
    assert "10 of 80 values of qaly are above 1" in notes


def test_a_margin_says_what_it_is_a_share_of():
    assert str(margin_for("economics.inmb", {"relative": 0.1})) == "±0.1 of the threshold"
    assert str(margin_for("economics.incremental_cost", {"relative": 0.2})) == "±0.2 of the comparator's mean cost"
    assert str(margin_for("survival.rmst", {"relative": 0.05})) == "±0.05 of the real value"


@pytest.mark.parametrize("currency", [["EUR", "USD"], ("EUR",), {"cost": "EUR"}, "", 978])
def test_costs_in_several_currencies_are_refused(currency):
    with pytest.raises(errors.RoleError, match="currency"):
        three(rows(), currency=currency)


def test_a_constant_cost_or_effect_is_refused_with_what_to_do():
    with pytest.raises(errors.EmptyColumnError, match="compare costs alone"):
        three(rows().assign(qaly=0.5))
    with pytest.raises(errors.EmptyColumnError, match="cannot differ between arms"):
        three(rows().assign(cost=100.0))


def test_curves_of_two_cohorts_pass_an_error_of_the_margin_in_at_most_5_of_100():
    """The mean curve is off by 0.1 where the patients' is 0.84. Binomial(150, 0.05): at most 0.107 in 998 of 1,000."""
    rng, passed = np.random.default_rng(7), 0
    frame = rows(60)
    frame["arm"] = np.resize(["A", "B"], 60)
    frame["qaly"] = 0.6 + rng.normal(0, 1e-3, 60)
    for arm in ("A", "B"):
        here = frame["arm"] == arm
        frame.loc[here, "qaly"] += 0.6 - frame.loc[here, "qaly"].mean()
        frame.loc[here, "cost"] = 5000 + np.linspace(-1500, 1500, 30)
    error = frame["cost"].std() * np.sqrt(4 / 60)
    new = frame["arm"] == "B"
    real = three(frame.assign(cost=frame["cost"] - np.where(new, error, 0.0)), subgroups=[])
    for _ in range(150):
        drawn = [
            hs.Cohort.derive(
                real.schema,
                frame.assign(cost=frame["cost"] - np.where(new, error * rng.normal(0.66, 0.2), 0.0)),
                label=None,
            )
            for _ in range(2)
        ]
        passed += asked(real, drawn, ["economics.ceac"])[0].verdict == "pass"
    assert passed / 150 <= 0.107
