"""Effects of arms that differ between clusters: drawn with the variance wanted, and nothing of cluster or arm alone."""

import numpy as np
import pytest

from heorsynth.estimators.clusters.effects import effect_variance
from heorsynth.estimators.clusters.variance import Grouping
from heorsynth.generators.clusters.effects import EffectShares, arms_of_rows, effects_by_arm
from heorsynth.generators.clusters.placing import Placed

RNG = np.random.default_rng(1)
CLUSTER, ARM = RNG.integers(0, 12, 300), RNG.integers(0, 2, 300)


def test_effects_have_the_variance_that_an_analysis_of_variance_finds() -> None:
    found = effects_by_arm(CLUSTER, ARM, 3, np.random.default_rng(2))
    told = effect_variance(CLUSTER, ARM, found)
    assert told.variance == pytest.approx(1.0) and told.within == pytest.approx(0.0, abs=1e-9)
    for group in (CLUSTER, ARM):
        means = [found[group == one].mean(axis=0) for one in np.unique(group)]
        assert np.array(means) == pytest.approx(0, abs=1e-9)


def test_a_row_of_unknown_arm_and_clusters_of_one_arm_have_none() -> None:
    unknown = np.where(np.arange(300) % 7 == 0, -1, ARM)
    found = effects_by_arm(CLUSTER, unknown, 2, np.random.default_rng(3))
    assert not found[unknown < 0].any() and found[unknown >= 0].any(axis=1).all()
    assert not effects_by_arm(CLUSTER, CLUSTER % 2, 2, np.random.default_rng(3)).any()


def test_effects_of_columns_go_together_as_their_factor_says() -> None:
    factor = np.linalg.cholesky(np.array([[1.0, 0.8], [0.8, 1.0]]))
    draws = [effects_by_arm(CLUSTER, ARM, 2, np.random.default_rng(seed), factor) for seed in range(60)]
    assert np.mean([np.corrcoef(one.T)[0, 1] for one in draws]) == pytest.approx(0.8, abs=0.08)


def test_the_arm_of_rows_is_that_of_their_cell() -> None:
    members = (("", "f"), ("new", "f"), ("usual", "f"), ("usual", "m"))
    assert arms_of_rows(members, np.array([1, 2, 0, 1])).tolist() == [-1, 1, 1, 2]


def test_outcomes_and_noise_share_what_the_law_says_by_arm_in_a_cluster() -> None:
    placed = Placed(CLUSTER, np.zeros(12, dtype=int), ARM)
    score, cell = np.random.default_rng(5).standard_normal(300), ARM
    outcome, noise = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        order = placed.arranged(cell, score, 0.1, rng, effect=0.3)
        assert sorted(order) == list(range(300)) and (cell[order] == cell).all()
        outcome.append(effect_variance(CLUSTER, ARM, score[order][:, None]).share[0])
        mixed = placed.mixed(rng.standard_normal((300, 2)), np.full(2, 0.1), np.eye(2), rng, np.array([0.3, 0.0]))
        noise.append(effect_variance(CLUSTER, ARM, mixed).share)
    expected = 0.3 / (0.6 + 0.1 + 0.3 * 0.48)  # of two arms, nearly half of such a variance counts within an arm
    assert np.mean(outcome) == pytest.approx(expected, abs=0.04)  # 60 draws; ranks in place of normal numbers
    assert np.mean(noise, axis=0) == pytest.approx([expected, 0.0], abs=0.04)


def test_without_effects_placed_rows_are_drawn_as_before() -> None:
    plain, armed = Placed(CLUSTER, np.zeros(12, dtype=int)), Placed(CLUSTER, np.zeros(12, dtype=int), ARM)
    noise, share = np.random.default_rng(6).standard_normal((300, 2)), np.full(2, 0.2)
    one, other = (held.mixed(noise, share, np.eye(2), np.random.default_rng(7)) for held in (plain, armed))
    assert (one == other).all()


def test_shares_are_what_patients_show_and_none_where_arms_are_of_whole_clusters() -> None:
    own = effects_by_arm(CLUSTER, ARM, 1, np.random.default_rng(8))[:, 0]
    values = own + np.random.default_rng(9).standard_normal(300)
    known = np.ones((300, 1), dtype=bool)
    seen = EffectShares.seen(Grouping.of(CLUSTER, ARM), values, values[:, None], known)
    assert seen is not None
    assert seen[0].outcome == seen[0].columns[0] == pytest.approx(1 / 1.48, abs=0.1)  # of 300 patients
    assert 0 < seen[1].outcome < 0.1
    assert EffectShares.seen(Grouping.of(CLUSTER, CLUSTER % 2), values, values[:, None], known) is None
    assert EffectShares.seen(Grouping.of(CLUSTER), values, values[:, None], known) is None


def test_shares_move_by_what_is_lacking_within_their_room_and_zero_stays() -> None:
    law = EffectShares(0.2, np.array([0.2, 0.0, 0.5]))
    wanted, reached = EffectShares(0.1, np.array([0.3, 0.0, 0.5])), EffectShares(0.15, np.array([0.1, -0.1, 0.3]))
    moved = law.moved(wanted, reached)
    assert moved.outcome == pytest.approx(0.15) and moved.columns == pytest.approx([0.4, 0.0, 0.7])
    assert moved.within(0.9, np.array([0.0, 0.0, 0.5])).columns == pytest.approx([0.4, 0.0, 0.48])
    assert moved.within(0.9, np.zeros(3)).outcome == pytest.approx(0.08)
    assert EffectShares(0.0, np.zeros(2)).none and not moved.none
    assert EffectShares.from_dict(moved.to_dict()).to_dict() == moved.to_dict()
