"""Adversarial random forests: leaves of known make, the density they imply, and a relation shuffling would lose."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier

import heorsynth as hs
from heorsynth.core.errors import GeneratorError
from heorsynth.generators.peers import arf


def tree_of(rows: np.ndarray, least: int = 5):
    shuffled = np.column_stack([np.random.default_rng(1).permutation(column) for column in rows.T])
    forest = RandomForestClassifier(1, min_samples_leaf=least, random_state=1)
    return forest.fit(np.concatenate([rows, shuffled]), np.repeat([0, 1], len(rows))).estimators_[0]


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    rng = np.random.default_rng(3)
    first = rng.normal(size=300)
    return np.column_stack([first, first + rng.normal(0, 0.3, 300), np.where(rng.random(300) < 0.2, np.nan, first)])


def test_leaves_are_those_scikit_learn_puts_patients_in(rows: np.ndarray) -> None:
    tree = tree_of(rows)
    wanted = {frozenset(np.flatnonzero(held)) for held in _by_leaf(tree.apply(rows.astype(np.float32)))}
    assert {frozenset(leaf.rows) for leaf in arf._leaves(tree.tree_, rows, 1)} == wanted


def _by_leaf(nodes: np.ndarray) -> list[np.ndarray]:
    return [nodes == node for node in np.unique(nodes)]


@pytest.mark.parametrize("least", [2, 5, 20])
def test_every_leaf_holds_enough_patients_within_its_bounds_and_each_patient_once(rows: np.ndarray, least: int) -> None:
    leaves = list(arf._leaves(tree_of(rows, least=1).tree_, rows, least))
    assert min(len(leaf.rows) for leaf in leaves) >= least
    assert sorted(np.concatenate([leaf.rows for leaf in leaves])) == list(range(len(rows)))
    for leaf in leaves:
        held = rows[leaf.rows].astype(np.float32)
        assert np.all(np.isnan(held) | ((held > leaf.low) & (held <= leaf.high)))


def test_a_column_within_a_leaf_is_a_normal_between_the_leafs_bounds() -> None:
    rng = np.random.default_rng(5)
    law = np.tile([1.0, 2.0, 0.0, 2.5, 0.1], (40_000, 1))
    drawn = arf._truncated_normal(law, rng.random(40_000), rng.random(40_000))
    known = drawn[~np.isnan(drawn)]
    assert abs(np.isnan(drawn).mean() - 0.1) < 4 * np.sqrt(0.09 / 40_000)
    assert stats.kstest(known, stats.truncnorm(-0.5, 0.75, loc=1, scale=2).cdf).pvalue > 0.001


def test_a_column_without_spread_in_a_leaf_gives_its_value() -> None:
    law = np.array([[3.0, 0.0, -np.inf, np.inf, 0.0]])
    assert arf._truncated_normal(law, np.array([0.9]), np.array([0.5])).tolist() == [3.0]


def trial(n: int = 400) -> "hs.Cohort":
    rng = np.random.default_rng(8)
    x = rng.normal(size=n)
    frame = pd.DataFrame({
        "time": rng.exponential(np.exp(-x)) + 0.01, "event": rng.integers(0, 2, n), "x": x,
        "y": x + rng.normal(0, 0.4, n), "stage": np.where(x > 0.5, "late", "early"),
    })  # fmt: skip
    return hs.Cohort(frame, endpoints={"os": ("time", "event")}, subgroups=["stage"], unit="year")


def test_the_forest_learns_a_relation_that_shuffled_columns_do_not_have() -> None:
    drawn = hs.generators.create("arf").fit(trial()).sample(n=2000, m=1)[0].frame
    alone = hs.generators.create("marginals").fit(trial()).sample(n=2000, m=1)[0].frame
    assert abs(alone["x"].corr(alone["y"], "spearman")) < 0.1
    assert drawn["x"].corr(drawn["y"], "spearman") > 0.6
    late = drawn.groupby("stage")["x"].mean()
    assert late["late"] - late["early"] > 1.0


def test_moments_are_those_of_the_leaves() -> None:
    """Truncation moves a leaf's mean a little; over all leaves the column's mean stays within a tenth of its SD."""
    source, drawn = trial().frame, hs.generators.create("arf").fit(trial()).sample(n=20_000, m=1)[0].frame
    for name in ("x", "y"):
        assert abs(drawn[name].mean() - source[name].mean()) < 0.1 * source[name].std()
        assert abs(drawn[name].std() / source[name].std() - 1) < 0.1


@pytest.mark.parametrize("options", [{"trees": 0}, {"min_leaf": 1}, {"rounds": -1}, {"delta": 0.7}, {"trees": 2.5}])
def test_settings_without_meaning_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(GeneratorError, match=next(iter(options))):
        hs.generators.create("arf", **options)
