"""Rows in clusters: whole clusters keep what is theirs, cells keep their numbers, and effects their variance."""

import numpy as np
import pytest

from heorsynth.estimators.clusters.variance import Grouping, intracluster_correlation
from heorsynth.generators.clusters.placing import Placed, Placing, shrunk

MEMBERS = (("new", "f"), ("new", "m"), ("usual", "f"), ("usual", "m"))


def patients(whole: bool, rng: np.random.Generator, groups: int = 12, size: int = 10) -> tuple[np.ndarray, np.ndarray]:
    cluster = np.repeat(np.arange(groups), size)
    arm = cluster % 2 if whole else np.tile(np.arange(size) % 2, groups)
    return 2 * arm + rng.integers(2, size=len(cluster)), cluster


def levels(cell: np.ndarray, place: int) -> np.ndarray:
    return np.array(MEMBERS)[cell, place]


def test_whole_clusters_keep_their_arm_in_every_draw_and_arms_their_clusters() -> None:
    cell, cluster = patients(whole=True, rng=np.random.default_rng(1))
    placing = Placing.of(("arm", "sex"), MEMBERS, cell, cluster)
    assert placing.fixed == ("arm",) and placing.homes == ((("new",), 6), (("usual",), 6))
    counts = np.bincount(cell, minlength=4)
    for seed in range(50):
        placed = placing.placed(MEMBERS, counts, np.random.default_rng(seed))
        arm = levels(np.repeat(np.arange(4), counts), 0)
        assert len(placed.home) == 12
        assert all(len(set(arm[placed.cluster == one])) == 1 for one in range(12))


def test_blocks_within_clusters_are_drawn_as_blocks() -> None:
    cell, cluster = patients(whole=False, rng=np.random.default_rng(2))
    placing = Placing.of(("arm", "sex"), MEMBERS, cell, cluster)
    assert placing.fixed == () and placing.mixing["arm"] == -1
    counts = np.bincount(cell, minlength=4)
    placed = placing.placed(MEMBERS, counts, np.random.default_rng(1))
    arm = levels(np.repeat(np.arange(4), counts), 0)
    assert all(abs(int((arm[placed.cluster == one] == "new").sum()) - 5) <= 1 for one in range(12))


def test_a_subgroup_that_differs_between_clusters_does_so_in_the_copy() -> None:
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(30), 20)
    share = rng.uniform(0.1, 0.9, 30)
    cell = 2 * (cluster % 2) + (rng.random(600) < share[cluster])
    placing = Placing.of(("arm", "sex"), MEMBERS, cell, cluster)
    counts = np.bincount(cell, minlength=4)
    arm, sex = (levels(np.repeat(np.arange(4), counts), place) for place in (0, 1))
    source = intracluster_correlation((levels(cell, 1) == "f").astype(float), cluster, levels(cell, 0))
    found = []
    for seed in range(30):
        placed = placing.placed(MEMBERS, counts, np.random.default_rng(seed))
        found.append(intracluster_correlation((sex == "f").astype(float), placed.cluster, arm))
    assert np.mean(found) == pytest.approx(source, rel=0.2)  # a threshold of a normal latent is not a uniform share


def test_patients_of_unknown_arm_lie_in_any_cluster() -> None:
    members = (*MEMBERS, ("", "f"))
    cell, cluster = patients(whole=True, rng=np.random.default_rng(4))
    cell[:3] = 4
    placing = Placing.of(("arm", "sex"), members, cell, cluster)
    assert placing.fixed == ("arm",) and sum(count for _, count in placing.homes) == 12
    placed = placing.placed(members, np.bincount(cell, minlength=5), np.random.default_rng(1))
    assert len(placed.cluster) == 120 and placed.cluster.min() >= 0


@pytest.mark.parametrize("count", [4, 30])
def test_effects_have_the_variance_that_an_analysis_of_variance_finds(count: int) -> None:
    cluster = np.repeat(np.arange(count), np.arange(count) % 5 + 3)
    home = np.arange(count) % 2
    placed = Placed(cluster, home)
    effects = placed.effects(3, np.random.default_rng(1))[cluster]
    found = Grouping.of(cluster, home[cluster]).one_way(effects)
    assert found.variance == pytest.approx(1.0, abs=1e-9) and found.within == pytest.approx(0.0, abs=1e-9)


def test_one_cluster_in_each_arm_has_no_effect() -> None:
    placed = Placed(np.repeat([0, 1], 10), np.array([0, 1]))
    assert not placed.effects(2, np.random.default_rng(1)).any()


def test_outcomes_stay_in_their_cell_and_clusters_share_them() -> None:
    rng = np.random.default_rng(5)
    cluster = np.tile(np.repeat(np.arange(10), 20), 2)
    cell = np.repeat([0, 1], 200)
    score = rng.standard_normal(400)
    placed = Placed(cluster, np.zeros(10, dtype=int))
    order = placed.arranged(cell, score, 0.3, rng)
    assert sorted(order) == list(range(400)) and (cell[order] == cell).all()
    found = [
        intracluster_correlation(score[placed.arranged(cell, score, 0.3, np.random.default_rng(seed))], cluster)
        for seed in range(40)
    ]
    assert np.mean(found) == pytest.approx(0.3, abs=0.04)  # clusters of a cohort vary about the law


def test_what_chance_shows_is_shrunk_to_nothing() -> None:
    found = shrunk(np.array([-0.1, 0.02, 0.2, np.nan]), np.full(4, 0.02), 1.0)
    assert found.tolist() == pytest.approx([0.0, 0.0, 0.198, 0.0])


def test_a_placing_is_written_and_read() -> None:
    cell, cluster = patients(whole=True, rng=np.random.default_rng(1))
    placing = Placing.of(("arm", "sex"), MEMBERS, cell, cluster)
    again = Placing.from_dict(placing.to_dict())
    counts = np.bincount(cell, minlength=4)
    one, other = (held.placed(MEMBERS, counts, np.random.default_rng(1)) for held in (placing, again))
    assert (one.cluster == other.cluster).all() and again.homes == placing.homes
