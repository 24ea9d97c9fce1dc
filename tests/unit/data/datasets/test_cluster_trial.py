"""The simulated trial in clusters."""

import pytest

import heorsynth as hs
from heorsynth.core.errors import CohortError, TooFewPatientsError


def test_whole_sites_are_randomised_or_patients_within_them() -> None:
    whole, _ = hs.datasets.simulated_cluster_trial(200, 10, seed=1)
    within, _ = hs.datasets.simulated_cluster_trial(200, 10, seed=1, whole=False)
    assert (whole.frame.groupby("site")["arm"].nunique() == 1).all()
    assert (within.frame.groupby("site")["arm"].nunique() == 2).all()


def test_the_same_seed_gives_the_same_trial() -> None:
    one, other = (hs.datasets.simulated_cluster_trial(100, 8, seed=2)[0].frame for _ in range(2))
    assert one.equals(other)


@pytest.mark.parametrize(("n", "clusters"), [(10, 4), (100, 3), (30, 8), (100.5, 5), (100, True)])
def test_too_few_patients_or_clusters_are_refused(n: float, clusters: int) -> None:
    with pytest.raises(TooFewPatientsError, match="4 clusters or more"):
        hs.datasets.simulated_cluster_trial(n, clusters)


@pytest.mark.parametrize("wrong", [{"icc": 1.0}, {"icc": -0.1}, {"icc": "much"}, {"qaly_sd": -1.0}])
def test_an_impossible_truth_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CohortError):
        hs.datasets.ClusterTruth(**wrong)
