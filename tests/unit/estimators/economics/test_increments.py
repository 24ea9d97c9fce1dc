"""Economic estimators against closed forms, and a clear outcome for every awkward case."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import heorsynth as hs
from heorsynth.checks.economics.decisions import decision_sentence
from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.core import errors
from heorsynth.estimators.costs.costs import mean_difference
from heorsynth.estimators.economics.frontier import DOMINATED, EXTENDEDLY, ON, frontier
from heorsynth.estimators.economics.increments import (
    Increments,
    discounted,
    increments,
    pooled_means,
)
from heorsynth.estimators.economics.pooling import pool
from heorsynth.estimators.economics.regression import imputed, seemingly_unrelated


def rows(n=200, seed=1):
    rng = np.random.default_rng(seed)
    treated = np.arange(n) % 2 == 0
    effect = 0.6 + 0.1 * treated + rng.normal(0, 0.2, n)
    cost = 1000 + 800 * treated - 500 * effect + rng.normal(0, 300, n)
    return cost, effect, treated


def point(cost, effect, v_cost=1.0, v_effect=1e-6, c=0.0):
    return Increments(cost, effect, np.array([[v_cost, c], [c, v_effect]]))


def test_increments_are_differences_with_welch_errors():
    cost, effect, treated = rows()
    found = increments(cost, effect, treated)
    plain_parts = mean_difference(cost, treated), mean_difference(effect, treated)
    for part, plain in zip((found.delta_cost(), found.delta_effect()), plain_parts, strict=True):
        assert (part.value, part.se) == pytest.approx((plain.value, plain.se))
    benefit = mean_difference(20_000 * effect - cost, treated)
    assert (found.inmb(20_000).value, found.inmb(20_000).se) == pytest.approx((benefit.value, benefit.se))
    assert found.inhb(20_000).value == pytest.approx(benefit.value / 20_000)


def test_a_patient_with_one_outcome_missing_is_left_out_of_both():
    cost, effect, treated = rows()
    cost[3], effect[8] = np.nan, np.nan
    found = increments(cost, effect, treated)
    kept = np.ones(200, bool)
    kept[[3, 8]] = False
    again = increments(cost[kept], effect[kept], treated[kept])
    assert (found.cost, found.effect, found.n_used, found.n_total) == (again.cost, again.effect, 198, 200)


@pytest.mark.parametrize(
    ("cost", "effect", "quadrant", "words"),
    [
        (500.0, 0.1, "NE", "5,000 per unit gained"),
        (-500.0, -0.1, "SW", "5,000 saved per unit lost"),
        (-500.0, 0.1, "SE", "dominant"),
        (500.0, -0.1, "NW", "dominated"),
        (500.0, 0.0, "N", "dominated: dearer and no better"),
        (-500.0, 0.0, "S", "dominant: cheaper and as good"),
        (0.0, -0.1, "W", "dominated: worse at the same cost"),
        (0.0, 0.1, "E", "dominant: better at the same cost"),
        (0.0, 0.0, "", "no ratio: neither cost nor effect differs"),
    ],
)
def test_a_ratio_says_where_it_lies_and_is_never_negative(cost, effect, quadrant, words):
    found = point(cost, effect).icer()
    assert found.quadrant == quadrant
    assert words in str(found)
    assert math.isnan(found.value) or found.value > 0


def test_the_fieller_interval_holds_the_ratios_whose_net_benefit_may_be_zero():
    found = increments(*rows())
    ratio = found.icer(level=0.9)
    for bound in (ratio.low, ratio.high):
        benefit = found.inmb(bound, level=0.9)
        assert min(abs(benefit.low), abs(benefit.high)) == pytest.approx(0, abs=1e-6 * benefit.se)
    assert ratio.low < ratio.value < ratio.high
    without = replace(found, parts=()).icer(level=0.9)
    assert ratio.low < without.low and without.high < ratio.high  # Student's t is wider than the normal law


def test_a_bound_beyond_no_ratio_is_told_in_words_and_never_as_a_negative_number():
    dominant = Increments(100, 0.1, np.array([[1e4, 0], [0, 1e-6]])).icer()
    assert dominant.low == -math.inf
    assert str(dominant) == "1,000 per unit gained (95% interval dominant to 2,961)"
    dominated = Increments(-100, -0.1, np.array([[1e4, 0], [0, 1e-6]])).icer()
    assert str(dominated) == "1,000 saved per unit lost (95% interval dominated to 2,961)"


@pytest.mark.parametrize("wtp", [-1, math.nan, math.inf, "20000", True, None])
def test_a_threshold_that_is_none_is_refused(wtp):
    with pytest.raises(errors.RoleError, match="must be a number"):
        point(500.0, 0.1).inmb(wtp)


def test_a_health_benefit_needs_a_threshold_above_0():
    assert point(500.0, 0.1).inmb(0).value == -500
    with pytest.raises(errors.RoleError, match="above 0"):
        point(500.0, 0.1).inhb(0)


def test_what_is_certain_has_no_value_of_information():
    assert Increments(100.0, 0.01, np.zeros((2, 2))).evpi(20_000) == 0.0


def test_there_is_no_interval_where_the_effect_may_be_zero():
    found = point(500.0, 0.01, v_effect=0.01).icer()
    assert math.isnan(found.low)
    assert "no interval" in str(found)


def test_the_acceptability_curve_is_that_of_its_draws():
    found = increments(*rows())
    wtps = np.array([0.0, 5_000.0, 10_000.0, 50_000.0])
    plane = found.plane(40_000, np.random.default_rng(1))
    drawn = (wtps[:, None] * plane[:, 1] - plane[:, 0] > 0).mean(axis=1)
    assert found.ceac(wtps) == pytest.approx(drawn, abs=4 * 0.5 / math.sqrt(40_000))


def test_a_certain_benefit_has_a_curve_of_steps():
    found = Increments(100.0, 0.01, np.zeros((2, 2)))
    assert found.ceac([5_000.0, 20_000.0]).tolist() == [0.0, 1.0]


def test_pooling_a_vector_is_pooling_each_of_its_parts():
    rng = np.random.default_rng(4)
    points, spread = rng.normal(size=(7, 2)), np.array([np.diag(rng.uniform(0.1, 0.2, 2)) for _ in range(7)])
    centre, covariance = pooled_means(points, spread, n_source=50, n_rows=100)
    for part in (0, 1):
        alone = pool(points[:, part], spread[:, part, part], n_source=50, n_rows=100)
        assert (centre[part], math.sqrt(covariance[part, part])) == pytest.approx((alone.value, alone.se))
    single = pooled_means(points[:1], spread[:1], 50, 100)[1]
    assert single[0, 0] == pytest.approx(pool(points[:1, 0], spread[:1, 0, 0], 50, 100).se ** 2)


def test_discounting_is_yearly():
    assert discounted(np.array([[1.0, 1.0, 1.0]]), rate=0.1)[0] == pytest.approx(1 + 1 / 1.1 + 1 / 1.21)
    assert discounted(np.array([[1.0]]), rate=0.1, first=2)[0] == pytest.approx(1 / 1.21)
    assert discounted(np.array([[1.0, 1.0, 1.0]]), rate=0.1, horizon=2)[0] == pytest.approx(1 + 1 / 1.1)
    with pytest.raises(errors.HorizonError) as late:
        discounted(np.array([[1.0, 1.0, 1.0]]), horizon=5)
    assert "horizon: 5 years, but amounts end after 3" in str(late.value)
    assert "fix: use horizon=3 or less, or add amounts" in str(late.value)
    with pytest.raises(errors.HorizonError, match="0 years, must be 1 or more"):
        discounted(np.array([[1.0, 1.0, 1.0]]), horizon=0)


def test_options_on_and_off_the_frontier():
    status, ratio = frontier(np.array([0.0, 100, 120, 400, 400]), np.array([0.0, 0.5, 0.4, 1.0, 0.7]))
    assert status == [ON, ON, DOMINATED, ON, DOMINATED]
    assert ratio[3] == pytest.approx(600.0)
    status, _ = frontier(np.array([0.0, 100, 150]), np.array([0.0, 0.1, 1.0]))
    assert status == [ON, EXTENDEDLY, ON]
    with pytest.raises(errors.NotEstimableError):
        frontier(np.array([0.0]), np.array([1.0]))


def test_with_equal_equations_the_regressions_are_least_squares():
    cost, effect, treated = rows()
    age = np.random.default_rng(5).normal(60, 9, 200)
    found = seemingly_unrelated(cost, effect, treated, age, age)
    design = np.column_stack([np.ones(200), treated, age])
    assert found.cost == pytest.approx(np.linalg.lstsq(design, cost, rcond=None)[0][1])
    plain = seemingly_unrelated(cost, effect, treated)
    assert plain.cost == pytest.approx(increments(cost, effect, treated).cost)


def test_covariates_that_determine_one_another_are_refused():
    cost, effect, treated = rows()
    with pytest.raises(errors.NotEstimableError, match="not identified"):
        seemingly_unrelated(cost, effect, treated, treated.astype(float))


def missing_by_age(seed, n=300):
    rng = np.random.default_rng(seed)
    treated, age = rng.random(n) < 0.5, rng.normal(0, 1, n)
    effect = 0.6 + 0.1 * treated + 0.15 * age + rng.normal(0, 0.1, n)
    cost = 1000 + 500 * treated + 300 * age + rng.normal(0, 300, n)
    lost = rng.random(n) < 1 / (1 + np.exp(0.8 - 1.5 * age * np.where(treated, 1, -1)))
    return pd.DataFrame({"cost": cost, "qaly": np.where(lost, np.nan, effect), "new": treated * 1.0, "age": age})


def test_imputation_mends_what_complete_cases_get_wrong():
    """Truth 0.1; the older are lost from one arm and the younger from the other."""
    complete, mended = [], []
    for seed in range(25):
        frame = missing_by_age(seed)
        complete.append(increments(frame["cost"], frame["qaly"], frame["new"] > 0).effect)
        rng = np.random.default_rng(seed)
        mended.append(imputed(frame, "cost", "qaly", "new", ["age"], rng, imputations=5))
    effects = np.array([one.effect for one in mended])
    inside = [abs(one.effect - 0.1) < 1.96 * math.sqrt(one.covariance[1, 1]) for one in mended]
    assert np.mean(complete) < 0.1 - 0.05
    assert np.mean(effects) == pytest.approx(0.1, abs=4 * effects.std() / 5)
    assert sum(inside) >= 20  # binomial(25, 0.95): fewer than 20 in 1 of 800


def test_imputation_repeats_itself_with_its_seed():
    frame = missing_by_age(1, n=80)
    found = [imputed(frame, "cost", "qaly", "new", ["age"], np.random.default_rng(s), imputations=2) for s in (3, 3, 4)]
    assert found[0].effect == found[1].effect != found[2].effect


ALL_THREE = "arm: usual, new, newer"


def trial(**changes):
    cohort, _ = hs.datasets.simulated_trial(240, seed=6)
    frame = cohort.frame.assign(**changes)
    roles = {"endpoints": {"os": ("time", "event")}, "arm": "arm", "costs": ["cost"], "utilities": ["qaly"]}
    return hs.Cohort(frame, **roles, arm_reference="usual", unit="year", currency="EUR")


def test_three_arms_are_compared_with_the_named_one_and_put_on_the_frontier():
    three = trial(arm=np.resize(["usual", "new", "newer"], 240))
    found = hs.evaluate(three, comparator="usual")
    with pytest.raises(errors.NotEstimableError, match="2 arms are compared with"):
        found.increments()
    assert found.arms[0] == "usual" and set(found.arms) == {"usual", "new", "newer"}
    frame = three.frame
    by_hand = frame.loc[frame["arm"] == "newer", "cost"].mean() - frame.loc[frame["arm"] == "usual", "cost"].mean()
    assert found.increments("newer").cost == pytest.approx(by_hand)
    assert set(found.to_frame([20_000])["frontier"]) <= {ON, DOMINATED, EXTENDEDLY}


def test_negative_costs_and_utilities_above_one_are_evaluated_as_they_are():
    odd = trial(cost=np.linspace(-500, 900, 240), qaly=np.linspace(0.2, 1.4, 240))
    assert math.isfinite(hs.evaluate(odd).increments().inmb(20_000).value)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: hs.evaluate(trial(), comparator="uusal"), errors.UnknownNameError, "usual"),
        (lambda: hs.evaluate(trial(), effect="qualy"), errors.UnknownNameError, "qaly"),
        (lambda: hs.evaluate(hs.datasets.load("pbc")), errors.RoleError, "costs, utilities"),
        (lambda: hs.evaluate([]), errors.NotEstimableError, "no cohort"),
        (lambda: hs.evaluate(trial()).increments("newer"), errors.UnknownNameError, "new"),
    ],
)
def test_what_cannot_be_evaluated_is_told(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_two_currencies_are_not_added_up():
    euro = trial()
    pound = hs.Cohort.derive(euro.schema.with_roles(currency="GBP"), euro.frame, label=None)
    with pytest.raises(errors.RoleError, match="EUR and GBP"):
        hs.evaluate([euro, pound])


def test_without_a_threshold_or_with_three_arms_each_finding_has_a_clear_outcome():
    three = trial(arm=np.resize(["usual", "new", "newer"], 240))
    synthetic = hs.generators.create("marginals").fit(three, seed=1).sample(m=3, seed=1)
    found = hs.validate(three, synthetic, "economic-evaluation").findings
    pooled = [one for one in found if one.key == "economics.pooled_decision"]
    assert {one.group for one in pooled if one.decisive} == {"arm=new vs usual", "arm=newer vs usual", ALL_THREE}
    assert all("no willingness-to-pay threshold" in one.because for one in pooled)
    asked = hs.validate(three, synthetic, "economic-evaluation", economics={"wtp": [20_000], "comparator": "new"})
    decided = [one for one in asked.findings if one.key == "economics.pooled_decision" and one.decisive]
    all_three = "arm: new, usual, newer"
    assert {one.group for one in decided} == {"arm=newer vs new", "arm=usual vs new", all_three}
    assert all(one.verdict != "not estimable" for one in decided)


def test_pooled_cohorts_claim_what_their_patients_could():
    cohort, _ = hs.datasets.simulated_trial(300, seed=3)
    synthetic = hs.generators.create("heor").fit(cohort, seed=1).sample(n=3000, m=5, seed=1)
    real, copy = hs.evaluate(cohort).increments().inmb(20_000), hs.evaluate(synthetic).increments().inmb(20_000)
    assert copy.se == pytest.approx(real.se, rel=0.1)
    assert copy.n_used == 300
    assert copy.value == pytest.approx(real.value, abs=0.3 * real.se)


def test_cohorts_that_lost_their_label_are_not_pooled():
    cohort, _ = hs.datasets.simulated_trial(300, seed=3)
    bare = [type(cohort).derive(cohort.schema, cohort.frame, label=None) for _ in range(2)]
    with pytest.raises(errors.RoleError, match="label"):
        hs.evaluate(bare)


@pytest.mark.parametrize(
    ("alone", "together", "words"),
    [
        (0.18, 0.9999, "in 18% of draws; the pooled 100 would not (probability < 0.1%)."),
        (0.4, 0.88, "the pooled 100 might too (probability 12%)."),
        (0.9, 0.01, "the pooled 100 would too (probability 99%)."),
    ],
)
def test_the_decision_is_told_in_a_sentence(alone, together, words):
    assert words in decision_sentence(alone, 100, together)


def test_the_sentence_stands_in_the_verdict_once_a_threshold():
    cohort, _ = hs.datasets.simulated_trial(300, seed=3)
    synthetic = hs.generators.create("bootstrap").fit(cohort, seed=1).sample(m=10, seed=1)
    evidence = hs.validate(cohort, synthetic, "economic-evaluation", economics={"wtp": [20_000, 60_000]})
    assert len(evidence.decisions) == 2
    assert all(sentence in evidence.sentence for sentence in evidence.decisions)
    without = hs.validate(cohort, synthetic, "economic-evaluation")
    assert without.decisions == ()


def test_one_synthetic_cohort_cannot_say_what_pooling_would_decide():
    cohort, _ = hs.datasets.simulated_trial(200, seed=3)
    synthetic = hs.generators.create("heor").fit(cohort, seed=1).sample(m=1, seed=1)
    evidence = hs.validate(cohort, synthetic, "economic-evaluation", economics={"wtp": [20_000]})
    asked = [one for one in evidence.findings if one.key == "economics.pooled_decision"]
    assert {one.verdict for one in asked} == {"not estimable"}


def test_pooled_resamples_fail_and_pass_as_often_as_they_may_given_the_patients():
    """At the threshold 20,000 the truth is narrow: five pooled resamples of a trial of 400 often decide otherwise.

    A resample has the patients' own net benefit on average, and reverses its sign with the probability of the floor. So
    five pooled give the decision with probability Φ(-√5·Φ⁻¹(floor)).
    """
    key, found = "economics.pooled_decision", []
    margins = {key: margin_for(key, {"absolute": 0.05}, {"wtp": [20_000]})}
    for seed in range(60):
        trial, _ = hs.datasets.simulated_trial(400, seed=seed)
        cohort = hs.Cohort.derive(trial.schema.with_roles(subgroups=()), trial.frame, label=None)
        rng = np.random.default_rng(1000 + seed)
        drawn = [cohort.take(rng.integers(cohort.n, size=cohort.n)) for _ in range(5)]
        found += registry.findings("economics", cohort, drawn, margins, rng)
    chances = stats.norm.cdf(-math.sqrt(5) * stats.norm.ppf([one.floor for one in found]))
    verdicts = np.array([one.verdict for one in found])
    near, sure = verdicts[chances < 0.95], verdicts[chances >= 0.95]
    assert (near == "pass").sum() <= stats.binom.ppf(0.98, len(near), 0.05)
    assert (sure == "fail").sum() <= stats.binom.ppf(0.98, len(sure), 0.05)
    assert (near == "fail").any() and (sure == "pass").any() and len(found) == 60
    assert all("decision is not certain" in one.because for one in found if one.verdict == "fail")
