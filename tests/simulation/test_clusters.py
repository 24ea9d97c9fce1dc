"""Trials in clusters of known truth: intervals that allow for clusters, and what `heor` keeps of them.

The seeds are none of those that settings were chosen on.
"""

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.analyses.estimates import as_estimate, estimates_of
from heorsynth.estimators.clusters.effects import effect_variance
from heorsynth.estimators.clusters.variance import intracluster_correlation
from heorsynth.evaluation.evaluate import evaluate

TRIALS = 300
LOW, HIGH = 0.91, 0.985
"""Four binomial standard errors of 300 trials about 95% are 5 points; more would be an interval of another level."""


def trials(
    icc: float, clusters: int, n: int, first: int, count: int = TRIALS
) -> list[tuple[hs.Cohort, hs.datasets.ClusterTruth]]:
    truth = hs.datasets.ClusterTruth(icc=icc)
    return [hs.datasets.simulated_cluster_trial(n, clusters, seed=first + part, truth=truth) for part in range(count)]


def without_cluster(cohort: hs.Cohort) -> hs.Cohort:
    return hs.Cohort.derive(cohort.schema.with_roles(cluster=None), cohort.frame, label=None)


def test_intervals_of_an_evaluation_cover_with_clusters_and_do_not_without() -> None:
    hits = {"cluster": np.zeros(3), "naive": np.zeros(3)}
    for cohort, truth in trials(0.1, 24, 360, 50_000):
        for how, held in (("cluster", cohort), ("naive", without_cluster(cohort))):
            found = evaluate(held).increments()
            told = found.delta_cost(), found.delta_effect(), found.inmb(20_000)
            true = truth.incremental_cost, truth.incremental_qaly, truth.inmb(20_000)
            hits[how] += [one.low <= value <= one.high for one, value in zip(told, true, strict=True)]
    assert (hits["cluster"] / TRIALS > LOW).all() and (hits["cluster"] / TRIALS < HIGH).all()
    assert (hits["naive"] / TRIALS < 0.88).all()


@pytest.mark.parametrize(("n_trials", "low"), [(60, 0.84), pytest.param(150, 0.88, marks=pytest.mark.long)])
def test_a_bootstrap_of_clusters_covers(n_trials: int, low: float) -> None:
    """`low` is four standard errors below 95% at 60 trials, and at 150."""
    covered = 0
    for cohort, truth in trials(0.1, 40, 400, 60_000, n_trials):
        means = evaluate(cohort, bootstrap=300, seed=1).sample
        gained = means[:, 1, 1] - means[:, 0, 1]
        low, high = np.quantile(gained, [0.025, 0.975])
        covered += low <= truth.incremental_qaly <= high
    assert low < covered / n_trials <= 1.0


@pytest.mark.parametrize(
    ("model", "formula", "n_trials"),
    [
        ("cox", "os ~ arm", 40),
        pytest.param("ols", "qaly ~ arm", 120, marks=pytest.mark.long),
        pytest.param("glm-gamma-log", "cost ~ arm", 120, marks=pytest.mark.long),
        pytest.param("rmst", "os ~ arm", 120, marks=pytest.mark.long),
        pytest.param("cox", "os ~ arm", 120, marks=pytest.mark.long),
    ],
)
def test_the_error_of_an_analysis_is_the_spread_of_its_estimates(model: str, formula: str, n_trials: int) -> None:
    """The bound is four standard errors of a spread.

    Without clusters it is far below: the design effect at 15 patients to a cluster and an ICC of .2 is 3.8."""
    settings = {"horizon": 2.5} if model == "rmst" else {}
    analysis, values, errors, naive = Analysis("one", model=model, formula=formula, **settings), [], [], []
    for cohort, _ in trials(0.2, 30, 450, 70_000, n_trials):
        found = estimates_of(analysis, cohort, [])
        (term,) = found.names
        values.append(found.real[term].value)
        errors.append(found.real[term].se)
        naive.append(estimates_of(analysis, without_cluster(cohort), []).real[term].se)
        assert as_estimate(found.real[term], 0.95, "").high > found.real[term].value + 2.04 * errors[-1]  # t, 29
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(values), rel=4 / np.sqrt(2 * n_trials))
    assert np.sqrt(np.mean(np.square(naive))) < 0.85 * np.std(values)


@pytest.mark.parametrize(
    ("icc", "near", "n_trials"),
    [
        (0.2, 0.09, 4),
        *(pytest.param(*one, 12, marks=pytest.mark.long) for one in [(0.0, 0.02), (0.05, 0.03), (0.2, 0.05)]),
    ],
)
def test_heor_keeps_the_correlation_within_clusters(icc: float, near: float, n_trials: int) -> None:
    """300 patients in 15 clusters; `near` is four standard errors of a mean of so many trials, and the shrinkage."""
    truth, source, copies = hs.datasets.ClusterTruth(icc=icc), [], []
    for seed in range(n_trials):
        cohort, _ = hs.datasets.simulated_cluster_trial(300, 15, seed=80_000 + seed, truth=truth)
        drawn = hs.generators.create("heor").fit(cohort, seed=seed).sample(m=4, seed=seed)
        assert all((one.frame.groupby("site")["arm"].nunique() == 1).all() for one in drawn)
        source.append(_correlations(cohort))
        copies.append(np.mean([_correlations(one) for one in drawn], axis=0))
    assert np.mean(copies, axis=0) == pytest.approx(np.mean(source, axis=0), abs=near)


@pytest.mark.parametrize(
    ("effect_sd", "near", "n_trials"),
    [(0.8, 0.1, 3), *(pytest.param(*one, 10, marks=pytest.mark.long) for one in [(0.0, 0.02), (0.8, 0.06)])],
)
def test_heor_keeps_the_variance_of_the_effect_between_clusters(effect_sd: float, near: float, n_trials: int) -> None:
    """480 patients in 16 clusters; `near` is four standard errors of a mean of so many trials, and the shrinkage."""
    truth, source, copies = hs.datasets.ClusterTruth(icc=0.05, effect_sd=effect_sd), [], []
    for seed in range(n_trials):
        cohort, _ = hs.datasets.simulated_cluster_trial(480, 16, seed=85_000 + seed, truth=truth, whole=False)
        drawn = hs.generators.create("heor").fit(cohort, seed=seed).sample(m=4, seed=seed)
        source.append(_effects(cohort))
        copies.append(np.mean([_effects(one) for one in drawn], axis=0))
    assert np.mean(copies, axis=0) == pytest.approx(np.mean(source, axis=0), abs=near)


def _effects(cohort: hs.Cohort) -> np.ndarray:
    frame = cohort.frame
    columns = frame[["qaly", "cost", "age"]].to_numpy(float)
    return effect_variance(frame["site"].to_numpy(), frame["arm"].to_numpy(), columns).share


def _correlations(cohort: hs.Cohort) -> list[float]:
    frame = cohort.frame
    site, arm = frame["site"].to_numpy(), frame["arm"].to_numpy()
    return [intracluster_correlation(frame[name].to_numpy(), site, arm) for name in ("qaly", "cost", "age")]
