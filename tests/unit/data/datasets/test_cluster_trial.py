"""The simulated trial in clusters."""

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.errors import CohortError, TooFewPatientsError
from heorsynth.estimators.clusters.effects import effect_variance


def test_whole_sites_are_randomised_or_patients_within_them() -> None:
    whole, _ = hs.datasets.simulated_cluster_trial(200, 10, seed=1)
    within, _ = hs.datasets.simulated_cluster_trial(200, 10, seed=1, whole=False)
    assert (whole.frame.groupby("site")["arm"].nunique() == 1).all()
    assert (within.frame.groupby("site")["arm"].nunique() == 2).all()


def test_the_same_seed_gives_the_same_trial() -> None:
    one, other = (hs.datasets.simulated_cluster_trial(100, 8, seed=2)[0].frame for _ in range(2))
    assert one.equals(other)


def test_the_effect_of_the_treatment_differs_between_clusters_as_the_truth_says() -> None:
    truth, found = hs.datasets.ClusterTruth(icc=0.1, effect_sd=0.6), []
    for seed in range(60):
        cohort, _ = hs.datasets.simulated_cluster_trial(600, 30, seed=seed, truth=truth, whole=False)
        frame, qaly = cohort.frame, cohort.frame["qaly"].to_numpy() / truth.qaly_sd
        log_cost = np.log(frame["cost"].to_numpy()) / truth.cost_sigma
        columns = np.column_stack([qaly, log_cost, frame["age"].to_numpy() / 9])
        found.append(effect_variance(frame["site"].to_numpy(), frame["arm"].to_numpy(), columns).variance)
    assert truth.effect_variance == pytest.approx(0.18)
    assert np.mean(found, axis=0) == pytest.approx([0.18, 0.18, 0.0], abs=0.04)  # four standard errors of 60 trials


def test_an_effect_that_differs_changes_no_mean_and_its_absence_no_row() -> None:
    same, _ = hs.datasets.simulated_cluster_trial(200, 10, seed=1, truth=hs.datasets.ClusterTruth(effect_sd=0.0))
    assert same.frame.equals(hs.datasets.simulated_cluster_trial(200, 10, seed=1)[0].frame)
    truth = hs.datasets.ClusterTruth(effect_sd=0.8, cost_sigma=0.4)
    cohort, _ = hs.datasets.simulated_cluster_trial(40_000, 4000, seed=3, truth=truth, whole=False)
    means = cohort.frame.groupby("arm")[["cost", "qaly"]].mean()
    gained = means.loc["new"] - means.loc["usual"]
    assert gained["cost"] == pytest.approx(truth.incremental_cost, abs=60)  # four standard errors
    assert gained["qaly"] == pytest.approx(truth.incremental_qaly, abs=0.008)


@pytest.mark.parametrize(("n", "clusters"), [(10, 4), (100, 3), (30, 8), (100.5, 5), (100, True)])
def test_too_few_patients_or_clusters_are_refused(n: float, clusters: int) -> None:
    with pytest.raises(TooFewPatientsError, match="4 clusters or more"):
        hs.datasets.simulated_cluster_trial(n, clusters)


@pytest.mark.parametrize(
    "wrong", [{"icc": 1.0}, {"icc": -0.1}, {"icc": "much"}, {"qaly_sd": -1.0}, {"effect_sd": -0.1}]
)
def test_an_impossible_truth_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CohortError):
        hs.datasets.ClusterTruth(**wrong)
