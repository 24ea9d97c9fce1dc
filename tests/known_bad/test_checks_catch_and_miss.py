"""Every estimand against a cohort it must fail, and one it cannot see but another estimand does."""

import numpy as np
import pytest

from heorsynth.checks.planning import registry
from heorsynth.checks.planning.catalogue import ESTIMANDS, margin_for
from heorsynth.checks.planning.plan import checked_economics
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.data.cohort.cohort import Cohort

from .conftest import BREAKERS

ECONOMICS = checked_economics({"wtp": [20000]})
MARGINS = {
    asked.key: margin_for(asked.key, asked.margin, ECONOMICS)
    for asked in (*PURPOSES["economic-evaluation"].decisive, *PURPOSES["economic-evaluation"].supporting)
}
MARGINS |= {key: margin_for(key, ESTIMANDS[key].margin) for key in ("survival.events", "structure.characteristics")}
"""Of the purpose, and of estimands that only a paper's facts ask for."""

PANEL = "structure.panel"

CASES = {
    # estimand: (what it must fail, what it cannot see, the estimand that sees that)
    "survival.rmst": ("late_deaths_hastened", "died_at_the_mean", "survival.km_gap"),
    "survival.rmst_difference": ("outcome_shuffled", "both_arms_dearer", "costs.mean"),
    "survival.landmark": ("died_at_the_mean", "tail_cut", "survival.follow_up"),
    "survival.median": ("died_at_the_mean", "early_deaths_hastened", "survival.km_gap"),
    "survival.km_gap": ("died_at_the_mean", "costs_winsorised", "costs.mean"),
    "survival.km_gap_mean": ("died_at_the_mean", "both_arms_better", "utilities.mean"),
    "survival.km_gap_rmse": ("died_at_the_mean", "both_arms_better", "utilities.mean"),
    "survival.optimism": ("late_deaths_hastened", "died_at_the_mean", "survival.km_gap"),
    "survival.reach": ("tail_cut", "event_shuffled", "survival.censoring"),
    "survival.hazard_ratio_change": ("effect_lost_late", "both_arms_dearer", "costs.mean"),
    "survival.extrapolation": ("censoring_halved", "both_arms_dearer", "costs.mean"),
    "survival.hazard_ratio": ("outcome_shuffled", "tail_cut", "survival.follow_up"),
    "survival.censoring": ("censoring_halved", "early_deaths_hastened", "survival.km_gap"),
    "survival.follow_up": ("tail_cut", "event_shuffled", "survival.censoring"),
    "survival.events": ("censoring_halved", "both_arms_better", "utilities.mean"),
    "costs.mean": ("costs_winsorised", "zeros_filled", "costs.zero_share"),
    "costs.difference": ("new_arm_dearer", "both_arms_dearer", "costs.mean"),
    "costs.zero_share": ("zeros_filled", "costs_winsorised", "costs.mean"),
    "costs.quantile": ("costs_winsorised", "zeros_filled", "costs.zero_share"),
    "costs.cv": ("costs_winsorised", "outcome_shuffled", "survival.rmst_difference"),
    "costs.top_share": ("costs_winsorised", "outcome_shuffled", "survival.rmst_difference"),
    "costs.wasserstein": ("both_arms_dearer", "outcome_shuffled", "survival.rmst_difference"),
    "costs.two_part": ("new_arm_dearer", "both_arms_better", "utilities.mean"),
    "utilities.mean": ("both_arms_better", "costs_winsorised", "costs.mean"),
    "subgroups.retention": ("old_dropped", "old_halved", "subgroups.representation"),
    "subgroups.representation": ("old_halved", "sex_shuffled", "subgroups.intersections"),
    "subgroups.intersections": ("sex_shuffled", "score_shuffled", "structure.association_max"),
    "subgroups.disparity": ("outcome_shuffled", "both_arms_dearer", "costs.mean"),
    "structure.marginals": ("score_squared", "score_shuffled", "structure.association_max"),
    "structure.associations": ("all_columns_shuffled", "score_squared", "structure.marginals"),
    "structure.association_max": ("score_shuffled", "score_squared", "structure.marginals"),
    "structure.conditional_associations": ("all_columns_shuffled", "score_squared", "structure.marginals"),
    "structure.joint_ranks": ("all_columns_shuffled", "score_shuffled", "structure.association_max"),
    "structure.characteristics": ("old_halved", "score_shuffled", "structure.association_max"),
    "structure.propensity": ("both_arms_dearer", "score_shuffled", "structure.association_max"),
    "structure.missingness": ("scores_lost", "score_shuffled", "structure.association_max"),
    "economics.inmb": ("new_arm_dearer", "both_arms_dearer", "costs.mean"),
    "economics.incremental_cost": ("new_arm_dearer", "both_arms_dearer", "costs.mean"),
    "economics.incremental_qaly": ("new_arm_better", "both_arms_better", "utilities.mean"),
    "inference.precision": ("rows_doubled", "both_arms_dearer", "costs.mean"),
    "economics.pooled_decision": ("new_arm_dearer", "both_arms_dearer", "costs.mean"),
    "economics.decision_agreement": ("new_arm_dearer", "both_arms_dearer", "costs.mean"),
}


def cohorts_needed(key):
    """A share of cohorts: five of five say little."""
    return 60 if key == "economics.decision_agreement" else 5


def verdicts(real, cohorts, key):
    check = ESTIMANDS[key].check
    findings = registry.findings(check, real, cohorts, {key: MARGINS[key]}, np.random.default_rng(1))
    assert findings, f"{key} found nothing to say"
    return {finding.verdict for finding in findings if finding.decisive}


def test_every_estimand_has_something_it_catches_and_something_it_cannot_see():
    elsewhere = {key for key in ESTIMANDS if key.startswith("disclosure.")}  # test_disclosure_catches_and_misses.py
    elsewhere |= {key for key in ESTIMANDS if key.startswith("visits.")}  # test_visits_catch_and_miss.py
    on_request = {
        "subgroups.target",
        "costs.censored_mean",
        "utilities.qaly",
        "analyses.estimate",
        "analyses.decision",
        "analyses.overlap",
    }  # test_special_cases.py, and of targets; unit/checks/analyses/test_answers.py
    special = {"survival.incidence", "survival.subdistribution_ratio", "survival.extrapolation_ranking"}  # the same
    spikes = {
        "utilities.at_one",
        "utilities.below_zero",
        "utilities.missing",
    }  # heor/test_quantiles.py
    declared = {"economics.balance"}  # it decides for declared covariates: unit/checks/economics/test_balance.py
    ruled = {"structure.rules"}  # this cohort has no rule: unit/checks/structure/test_rules.py
    clustered = {"structure.icc", "structure.cluster_arms"}  # unit/checks/structure/test_clusters.py
    cases = set(CASES) | spikes | special | declared | ruled | clustered | {"economics.ceac", PANEL}
    assert cases == set(ESTIMANDS) - elsewhere - on_request
    assert set(ESTIMANDS) - elsewhere - on_request == set(MARGINS) - elsewhere | ruled | {PANEL}


@pytest.mark.parametrize(
    ("breaker", "expected"), [("new_arm_dearer", "fail"), ("both_arms_dearer", "pass"), ("faithful", "pass")]
)
def test_an_acceptability_curve_is_that_of_these_patients(small_real, breaker, expected):
    """Fresh patients would have another curve: it is held against copies of these ones, spoilt or not."""
    rows = BREAKERS[breaker](small_real.frame, np.random.default_rng(1))
    copies = [Cohort.derive(small_real.schema, rows, label=None) for _ in range(3)]
    assert verdicts(small_real, copies, "economics.ceac") == {expected}
    assert breaker != "both_arms_dearer" or "fail" in verdicts(small_real, copies, "costs.mean")


@pytest.mark.parametrize(
    ("breaker", "expected"), [("all_columns_shuffled", "fail"), ("both_arms_dearer", "pass"), ("faithful", "pass")]
)
def test_analyses_that_nobody_declared_are_those_of_these_patients(small_real, breaker, expected):
    """A shift of all costs changes no contrast and no coefficient: the mean sees it."""
    rng = np.random.default_rng(1)
    copies = [BREAKERS[breaker](small_real.take(rng.integers(small_real.n, size=small_real.n)).frame, rng)
              for _ in range(20)]  # fmt: skip
    drawn = [Cohort.derive(small_real.schema, rows.reset_index(drop=True), label=None) for rows in copies]
    margins = {PANEL: margin_for(PANEL, ESTIMANDS[PANEL].margin)}
    (found,) = registry.findings("structure", small_real, drawn, margins, np.random.default_rng(1))
    assert found.verdict == expected
    assert breaker != "both_arms_dearer" or "fail" in verdicts(small_real, drawn, "costs.mean")


@pytest.mark.parametrize("key", CASES)
def test_an_estimand_fails_the_cohort_spoilt_in_it(real, broken, key):
    assert "fail" in verdicts(real, broken(CASES[key][0], cohorts_needed(key)), key)


@pytest.mark.parametrize("key", CASES)
def test_an_estimand_is_blind_to_what_another_one_sees(real, broken, key):
    _, unseen, witness = CASES[key]
    spoilt = broken(unseen, cohorts_needed(key))
    seen = verdicts(real, spoilt, key)
    assert "pass" in seen and "fail" not in seen
    assert seen <= {"pass"} | verdicts(real, broken("faithful", cohorts_needed(key)), key)
    assert "fail" in verdicts(real, spoilt[:5], witness)


@pytest.mark.parametrize("key", CASES)
def test_with_500_patients_the_spoilt_cohort_does_not_pass(small_real, broken, key):
    assert verdicts(small_real, broken(CASES[key][0], cohorts_needed(key), n=500), key) != {"pass"}


@pytest.mark.parametrize("key", CASES)
def test_no_estimand_fails_faithful_cohorts(real, broken, key):
    assert "fail" not in verdicts(real, broken("faithful", cohorts_needed(key)), key)


def test_an_invented_level_fails_retention_but_not_the_distribution_of_the_column(real, broken):
    spoilt = broken("level_invented")
    assert "fail" in verdicts(real, spoilt, "subgroups.retention")
    assert verdicts(real, spoilt, "structure.marginals") == {"pass"}


def test_a_cut_tail_never_lets_the_restricted_mean_pass(real, broken):
    assert verdicts(real, broken("tail_cut"), "survival.rmst") == {"not estimable"}


def test_costs_winsorised_at_p95_do_not_pass_at_a_margin_of_five_percent(real, broken):
    margin = {"costs.mean": margin_for("costs.mean", {"relative": 0.05})}
    findings = registry.findings("costs", real, broken("costs_at_p95_winsorised"), margin, np.random.default_rng(1))
    assert "pass" not in {finding.verdict for finding in findings if finding.group == "all"}
