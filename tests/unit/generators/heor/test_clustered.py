"""Clusters of patients in `heor`: kept arms, names that tell none, and what is refused."""

import numpy as np
import pytest

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.estimators.clusters.effects import effect_variance
from heorsynth.generators.heor.cells import Cells
from heorsynth.generators.heor.clustered import cluster_facts, in_an_arm, residual_of
from heorsynth.generators.sampling.cohorts import MoreRowsThanPatients


@pytest.fixture(scope="module")
def trial() -> hs.Cohort:
    """Whole practices in one arm; `beds` is of the practice, and one practice has four patients."""
    cohort, _ = hs.datasets.simulated_cluster_trial(240, 12, seed=3, truth=hs.datasets.ClusterTruth(icc=0.2))
    frame = cohort.frame
    frame["beds"] = frame["site"].str.removeprefix("practice ").astype(int) * 17 % 90 + 10.5
    return hs.Cohort(frame, **roles(cohort))


def roles(cohort: hs.Cohort) -> dict[str, object]:
    names = ("endpoints", "arm", "arm_reference", "costs", "utilities", "subgroups", "unit", "currency", "cluster")
    return {name: getattr(cohort.schema, name) for name in names}


@pytest.fixture(scope="module")
def sampler(trial):
    return hs.generators.create("heor").fit(trial, seed=1)


def test_each_copy_has_the_clusters_of_the_source_under_other_names(trial, sampler) -> None:
    drawn = sampler.sample(m=10, seed=1)
    assert drawn.broken == {}
    for one in drawn:
        frame = one.frame
        by_site = frame.groupby("site")
        assert sorted(by_site.groups) == [f"C{place:02d}" for place in range(1, 13)]
        assert (by_site["arm"].nunique() == 1).all() and (by_site["beds"].nunique() == 1).all()
        counts, wanted = (rows.groupby("arm")["site"].agg(["nunique", "size"]) for rows in (frame, trial.frame))
        assert counts.equals(wanted)  # clusters and patients of each arm
        assert list(frame.columns) == list(trial.frame.columns)


def test_the_number_of_a_name_does_not_tell_the_arm(sampler) -> None:
    arms = [one.frame.groupby("site")["arm"].first()["C01"] for one in sampler.sample(m=20, seed=1)]
    assert len(set(arms)) == 2


def test_where_and_targets_keep_whole_clusters(sampler) -> None:
    women = sampler.sample(n=60, m=1, seed=1, where={"sex": "f"})[0].frame
    assert set(women["sex"]) == {"f"} and (women.groupby("site")["arm"].nunique() == 1).all()
    with pytest.warns(MoreRowsThanPatients):
        many = sampler.sample(m=1, seed=1, targets={"sex": {"f": 0.7, "m": 0.3}})[0].frame
    assert (many.groupby("site")["arm"].nunique() == 1).all() and (many["sex"] == "f").mean() == 0.7


def test_a_saved_law_draws_the_same_and_names_no_site(sampler, tmp_path) -> None:
    path = sampler.save(tmp_path / "law.json")
    assert "practice" not in path.read_text()
    again = hs.generators.load(path).sample(m=1, seed=4)[0]
    assert again.frame.equals(sampler.sample(m=1, seed=4)[0].frame)


def test_patients_randomised_within_sites_have_both_arms_in_each() -> None:
    cohort, _ = hs.datasets.simulated_cluster_trial(240, 12, seed=4, whole=False)
    for one in hs.generators.create("heor").fit(cohort, seed=1).sample(m=5, seed=1):
        assert (one.frame.groupby("site")["arm"].nunique() == 2).all()


@pytest.fixture(scope="module")
def differing() -> hs.Cohort:
    """The effect of the treatment differs between sites, by more than patients of a site have in common."""
    truth = hs.datasets.ClusterTruth(icc=0.02, effect_sd=1.2)
    return hs.datasets.simulated_cluster_trial(240, 12, seed=5, truth=truth, whole=False)[0]


def test_an_effect_that_differs_is_kept_saved_and_drawn_alike_on_every_engine(differing, tmp_path) -> None:
    sampler = hs.generators.create("heor").fit(differing, seed=1)
    assert sampler.law.clusters.effects.columns.max() > 0.1
    drawn = sampler.sample(m=6, seed=1)
    kept = np.mean([share_of_effect(one) for one in drawn], axis=0)
    assert kept == pytest.approx(share_of_effect(differing), rel=0.3)  # six copies
    path = sampler.save(tmp_path / "law.json")
    assert "practice" not in path.read_text()
    again = hs.generators.load(path).sample(m=2, seed=1, engine="processes")
    assert all(one.frame.equals(other.frame) for one, other in zip(again, drawn, strict=False))


def share_of_effect(cohort: hs.Cohort) -> np.ndarray:
    frame = cohort.frame
    columns = frame[["cost", "qaly"]].to_numpy(float)
    return effect_variance(frame["site"].to_numpy(), frame["arm"].to_numpy(), columns).share


def test_a_law_has_no_effect_that_differs_where_clusters_have_one_arm(trial, sampler) -> None:
    assert sampler.law.clusters.effects is None and "effects" not in sampler.law.clusters.to_dict()


def test_a_cohort_without_outcome_arm_or_subgroups_may_have_clusters() -> None:
    rng = np.random.default_rng(1)
    site = np.repeat(np.arange(10), 12)
    frame = hs.datasets.load("pbc").frame.head(120)[["age"]].reset_index(drop=True).assign(site=site)
    frame["score"] = np.round(rng.standard_normal(10)[site] + rng.standard_normal(120), 3)
    drawn = hs.generators.create("heor").fit(hs.Cohort(frame, endpoints={}, cluster="site"), seed=1).sample(m=2, seed=1)
    assert drawn.broken == {} and drawn[0].frame["site"].nunique() == 10


@pytest.mark.parametrize("release", ["shared", "public"])
def test_a_release_whose_noise_is_of_patients_refuses_clusters(trial, release: str) -> None:
    with pytest.raises(GeneratorError, match="cluster: keeps how patients lie in clusters"):
        hs.generators.create("heor", release=release).fit(trial, seed=1)


def test_differential_privacy_refuses_clusters(trial) -> None:
    with pytest.raises(GeneratorError, match="cluster: keeps how patients lie in clusters"):
        hs.generators.create("heor", epsilon=3.0, delta=1e-5).fit(trial, seed=1)


def test_a_folder_of_parts_is_refused(sampler, tmp_path) -> None:
    with pytest.raises(GeneratorError, match="would share clusters by name only"):
        sampler.write(tmp_path / "rows")


def test_a_cluster_is_no_covariate_to_keep(trial) -> None:
    with pytest.raises(GeneratorError, match="site"):
        hs.generators.create("heor", keep=["site"]).fit(trial, seed=1)


def test_the_facts_are_of_patients_whose_arm_is_known() -> None:
    cells = Cells(("arm",), (("",), ("a",), ("b",)), np.array([1, 2, 2]))
    rows, arms = in_an_arm(cells, np.array([0, 1, 1, 2, 2]), "arm")
    assert rows.tolist() == [False, True, True, True, True] and set(arms[rows]) == {"a", "b"}
    assert residual_of(cells, np.zeros((5, 2))).tolist() == [0.0] * 5


def test_a_cohort_without_clusters_has_no_facts() -> None:
    cohort, _ = hs.datasets.simulated_trial(40, seed=1)
    cells, cell = Cells.of(cohort)
    nothing = np.zeros((40, 0)), np.zeros((40, 0), dtype=bool), {}
    assert cluster_facts(cohort, cells, cell, np.arange(40), np.zeros((40, 9)), nothing, (), 1.0) is None
