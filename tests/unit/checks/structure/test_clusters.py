"""Patients of one cluster: what the two estimands catch, and what each cannot see."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import heorsynth as hs
from heorsynth.checks.core.margin import as_margin
from heorsynth.checks.core.question import Scope
from heorsynth.checks.planning.plan import plan
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.checks.structure.estimands import CLUSTER_ARMS, CLUSTERS
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.clusters.variance import Grouping

TRUTH = hs.datasets.ClusterTruth(icc=0.15, size_cv=0.2)


@pytest.fixture(scope="module")
def real() -> Cohort:
    return hs.datasets.simulated_cluster_trial(1200, 60, seed=1, truth=TRUTH)[0]


def copies(real: Cohort, change) -> list[Cohort]:
    """Fresh trials of the same truth, each changed."""
    found = []
    for part in range(8):
        frame = hs.datasets.simulated_cluster_trial(1200, 60, seed=100 + part, truth=TRUTH)[0].frame
        found.append(Cohort.derive(real.schema, change(frame, np.random.default_rng(part)), label=None))
    return found


def faithful(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame


def sites_shuffled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Patients are given to sites by chance: sites have both arms, and nothing in common."""
    return frame.assign(site=rng.permutation(frame["site"].to_numpy()))


def sites_shuffled_within_arms(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Whole sites keep their arm, and have nothing in common."""
    sites = frame["site"].to_numpy().copy()
    for arm in ("new", "usual"):
        rows = np.flatnonzero(frame["arm"] == arm)
        sites[rows] = rng.permutation(sites[rows])
    return frame.assign(site=sites)


def one_in_the_other_arm(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What patients of a site have in common stays, and one patient of each site has the other arm."""
    first = ~frame["site"].duplicated()
    other = np.where(frame["arm"] == "new", "usual", "new")
    return frame.assign(arm=np.where(first, other, frame["arm"]))


def verdicts(real: Cohort, synthetic: list[Cohort], estimand) -> list[str]:
    margin = as_margin(estimand.key, estimand.margin, estimand.settings)
    scope = Scope(real, synthetic, ((estimand, margin),), np.random.default_rng(1))
    return [finding.verdict for ask in scope.asks() for finding in estimand.answer(ask)]


def test_fresh_draws_of_the_truth_pass(real: Cohort) -> None:
    drawn = copies(real, faithful)
    assert "fail" not in verdicts(real, drawn, CLUSTERS)
    assert verdicts(real, drawn, CLUSTER_ARMS) == ["pass"]


def test_a_shuffled_cluster_column_fails_both(real: Cohort) -> None:
    drawn = copies(real, sites_shuffled)
    assert set(verdicts(real, drawn, CLUSTERS)) == {"fail"}
    assert verdicts(real, drawn, CLUSTER_ARMS) == ["fail"]


def test_each_is_blind_to_what_the_other_sees(real: Cohort) -> None:
    alone = copies(real, sites_shuffled_within_arms)
    assert verdicts(real, alone, CLUSTERS)[1] == "fail" and "pass" not in verdicts(real, alone, CLUSTERS)
    assert verdicts(real, alone, CLUSTER_ARMS) == ["pass"]
    mixed = copies(real, one_in_the_other_arm)
    assert "fail" not in verdicts(real, mixed, CLUSTERS) and verdicts(real, mixed, CLUSTER_ARMS) == ["fail"]


def test_the_factor_is_that_of_the_patients_by_hand(real: Cohort) -> None:
    margin = as_margin(CLUSTERS.key, CLUSTERS.margin, CLUSTERS.settings)
    scope = Scope(real, [real, real], ((CLUSTERS, margin),), np.random.default_rng(1))
    found = {one.estimand: one for ask in scope.asks() for one in CLUSTERS.answer(ask)}
    frame = real.frame
    by_hand = Grouping.of(frame["site"], frame["arm"]).one_way(frame[["qaly"]].to_numpy())
    assert found["clusters in qaly"].real == pytest.approx(np.sqrt(1 + (by_hand.size[0] - 1) * by_hand.icc[0]))
    assert {one.difference for one in found.values()} == {0.0}
    assert "intracluster correlation" in found["clusters in qaly"].because


def test_they_are_asked_only_of_cohorts_with_clusters(real: Cohort) -> None:
    keys = {CLUSTERS.key, CLUSTER_ARMS.key}
    assert keys <= set(plan(real, "economic-evaluation").decisive)
    without, _ = hs.datasets.simulated_trial(100, seed=1)
    planned = plan(without, "economic-evaluation")
    assert not keys & set(planned.margins) and "cluster" not in " ".join(planned.notes)
    decisive = {name for name, one in PURPOSES.items() if keys <= {entry.key for entry in one.decisive}}
    assert decisive == {"economic-evaluation", "data-sharing"}


def test_what_cannot_be_said_is_refused_with_its_reason(real: Cohort) -> None:
    few = real.take(np.isin(real.levels("site"), sorted(set(real.levels("site")))[:1]))
    margin = as_margin(CLUSTERS.key, CLUSTERS.margin, CLUSTERS.settings)
    scope = Scope(few, [few], ((CLUSTERS, margin),), np.random.default_rng(1))
    found = [finding for ask in scope.asks() for finding in CLUSTERS.answer(ask)]
    assert {one.verdict for one in found} == {"not estimable"} and "too few clusters" in found[0].because
    late = replace(real.schema, entry="age")
    delayed = Cohort.derive(late, real.frame, label=None)
    scope = Scope(delayed, [delayed], ((CLUSTERS, margin),), np.random.default_rng(1))
    found = [finding for ask in scope.asks() for finding in CLUSTERS.answer(ask)]
    assert "begins late" in found[-1].because
