"""The intracluster correlation against sums of squares by hand, a mixed model, and the truth it was drawn from."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import heorsynth as hs
from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.clusters.variance import Grouping, intracluster_correlation


def drawn(rho: float, groups: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    cluster = np.repeat(np.arange(groups), size)
    common = np.sqrt(rho) * rng.standard_normal(groups)
    return common[cluster] + np.sqrt(1 - rho) * rng.standard_normal(len(cluster)), cluster


def test_unequal_clusters_by_the_formula_of_donner_and_koval() -> None:
    values, cluster = np.array([1.0, 3, 4, 6, 8, 9, 2]), np.array([1, 1, 2, 2, 2, 3, 3])
    means = {1: 2.0, 2: 6.0, 3: 5.5}
    grand, n_g = values.mean(), {1: 2, 2: 3, 3: 2}
    between = sum(n_g[g] * (means[g] - grand) ** 2 for g in means) / 2
    within = sum((v - means[g]) ** 2 for v, g in zip(values, cluster, strict=True)) / 4
    n0 = (7 - (4 + 9 + 4) / 7) / 2
    expected = (between - within) / (between + (n0 - 1) * within)
    assert intracluster_correlation(values, cluster) == pytest.approx(expected, abs=1e-12)


def test_arms_are_strata_when_whole_clusters_were_randomised() -> None:
    """Within arms by hand: the sums of squares of both arms are added, and so are their degrees of freedom."""
    rng = np.random.default_rng(1)
    values, cluster = drawn(0.3, 8, 6, rng)
    arm = np.where(cluster % 2 == 0, "a", "b")
    both = [Grouping.of(cluster[arm == one]).one_way(values[arm == one][:, None]) for one in "ab"]
    between = sum(part.between[0] * part.df_between[0] for part in both) / sum(part.df_between[0] for part in both)
    within = sum(part.within[0] * part.df_within[0] for part in both) / sum(part.df_within[0] for part in both)
    expected = (between - within) / (between + 5 * within)
    shifted = values + 10.0 * (arm == "a")
    assert intracluster_correlation(shifted, cluster, arm) == pytest.approx(expected, abs=1e-12)


def test_a_balanced_layout_agrees_with_restricted_maximum_likelihood() -> None:
    values, cluster = drawn(0.3, 12, 10, np.random.default_rng(2))
    fit = smf.mixedlm("y ~ 1", pd.DataFrame({"y": values, "g": cluster}), groups="g").fit(reml=True)
    variance = float(fit.cov_re.iloc[0, 0])
    assert intracluster_correlation(values, cluster) == pytest.approx(variance / (variance + fit.scale), abs=1e-4)


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("crossed", [False, True])
def test_the_mean_over_many_draws_is_the_truth(rho: float, crossed: bool) -> None:
    rng, found = np.random.default_rng(3), []
    for _ in range(400):
        values, cluster = drawn(rho, 24, 15, rng)
        arm = rng.integers(2, size=len(cluster)) if crossed else cluster % 2
        found.append(intracluster_correlation(values + arm, cluster, arm))
    assert np.mean(found) == pytest.approx(rho, abs=4 * np.std(found) / 20)


def test_the_error_by_chance_is_the_spread_at_no_correlation() -> None:
    rng = np.random.default_rng(4)
    found = [
        Grouping.of(cluster).one_way(values[:, None]) for values, cluster in (drawn(0, 15, 20, rng) for _ in range(600))
    ]
    spread = np.std([one.icc[0] for one in found])
    assert found[0].chance[0] == pytest.approx(spread, rel=0.12)  # four standard errors of a spread from 600 draws


def test_covariances_between_clusters_are_those_of_sums() -> None:
    rng = np.random.default_rng(5)
    columns = np.column_stack([drawn(0.2, 10, 8, rng)[0] for _ in range(2)])
    grouping = Grouping.of(np.repeat(np.arange(10), 8), np.repeat(np.arange(10) % 2, 8))
    found, sums = grouping.covariances(columns), grouping.one_way(columns.sum(axis=1)[:, None]).variance[0]
    own = grouping.one_way(columns).variance
    assert np.diag(found) == pytest.approx(own, abs=1e-12)
    assert 2 * found[0, 1] == pytest.approx(sums - own.sum(), abs=1e-12)


def test_missing_values_are_left_out_column_by_column() -> None:
    values, cluster = drawn(0.2, 6, 5, np.random.default_rng(6))
    some = values.copy()
    some[[0, 7, 13]] = np.nan
    both = Grouping.of(cluster).one_way(np.column_stack([values, some])).icc
    assert both[0] == intracluster_correlation(values, cluster)
    known = np.isfinite(some)
    assert both[1] == pytest.approx(intracluster_correlation(some[known], cluster[known]), abs=1e-12)


@pytest.mark.parametrize(
    ("values", "cluster", "told"),
    [
        ([1.0, 2, 3, 4], [1, 1, 1, 1], "too few clusters"),
        ([1.0, 2, 3, 4], [1, 2, 3, 4], "too few clusters"),
        ([1.0, 1, 1, 1], [1, 1, 2, 2], "all patients are alike"),
    ],
)
def test_what_cannot_be_estimated_is_refused(values: list[float], cluster: list[int], told: str) -> None:
    with pytest.raises(NotEstimableError, match=told):
        intracluster_correlation(np.array(values), np.array(cluster))


def test_the_simulated_trial_has_the_correlations_it_says() -> None:
    truth = hs.datasets.ClusterTruth(icc=0.2, cost_sigma=0.5)
    found = []
    for seed in range(40):
        cohort, _ = hs.datasets.simulated_cluster_trial(600, 40, seed=seed, truth=truth)
        frame = cohort.frame
        found.append([intracluster_correlation(frame[name], frame["site"], frame["arm"]) for name in ("qaly", "cost")])
    error = 4 * np.std(found, axis=0) / np.sqrt(len(found))
    assert abs(np.mean(found, axis=0) - [truth.icc_qaly, truth.icc_cost]) == pytest.approx(0, abs=float(error.max()))
