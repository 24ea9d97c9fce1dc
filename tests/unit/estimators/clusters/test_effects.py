"""The variance of the effect between clusters: by hand, against statsmodels, and on draws of known variance."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.clusters.effects import Additive, effect_variance, table_of


def unbalanced(seed: int, n: int = 240, clusters: int = 14, arms: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, clusters, n), rng.integers(0, arms, n)


def test_the_mean_squares_are_those_of_two_linear_models() -> None:
    cluster, arm = unbalanced(1)
    values = np.random.default_rng(2).standard_normal(len(cluster))
    found = effect_variance(cluster, arm, values[:, None])
    frame = pd.DataFrame({"cluster": cluster, "arm": arm, "value": values})
    adding, full = (smf.ols(f"value ~ C(cluster) {sign} C(arm)", frame).fit() for sign in "+*")
    assert found.df_interaction[0] == adding.df_resid - full.df_resid and found.df_within[0] == full.df_resid
    assert found.interaction[0] * found.df_interaction[0] == pytest.approx(adding.ssr - full.ssr)
    assert found.within[0] == pytest.approx(full.mse_resid)
    cells = pd.get_dummies(frame["cluster"].astype(str) + "/" + frame["arm"].astype(str)).to_numpy(float)
    design = adding.model.exog
    lost = np.trace(cells.T @ design @ np.linalg.pinv(design) @ cells)
    assert found.size[0] == pytest.approx((len(values) - lost) / found.df_interaction[0])


def test_the_variance_and_its_error_by_chance_are_right_on_average() -> None:
    cluster, arm = unbalanced(3, arms=2)
    rng, shares, chance = np.random.default_rng(4), [], []
    variances = []
    for _ in range(400):
        noise = rng.standard_normal(len(cluster))
        own = 0.5 * rng.standard_normal((14, 2))[cluster, arm]
        both = effect_variance(cluster, arm, np.column_stack([noise, noise + own + arm + 2.0 * (cluster % 3)]))
        variances.append(both.variance[1])
        shares.append(both.share[0])
        chance.append(both.chance[0])
    assert np.mean(variances) == pytest.approx(0.25, abs=0.025)  # four standard errors of 400 draws
    assert np.mean(shares) == pytest.approx(0.0, abs=4 * np.std(shares) / 20)
    assert np.mean(chance) == pytest.approx(np.std(shares), rel=0.15)  # 400 draws: 3.5% a standard error


def test_a_column_is_taken_over_the_rows_in_which_it_is_known() -> None:
    cluster, arm = unbalanced(5, arms=2)
    values = np.random.default_rng(6).standard_normal(len(cluster))
    rows = np.arange(len(cluster)) % 3 > 0
    gaps = np.where(rows, values, np.nan)
    part = effect_variance(cluster[rows], arm[rows], values[rows, None])
    assert effect_variance(cluster, arm, gaps[:, None]).share[0] == pytest.approx(part.share[0])


def test_what_adds_up_leaves_nothing() -> None:
    cluster, arm = unbalanced(7)
    counts = table_of(cluster, arm)
    adding = np.arange(14.0)[:, None, None] + np.array([0.0, 5.0, -2.0])[None, :, None]
    additive = Additive.of(counts)
    assert additive.left(adding) == pytest.approx(np.zeros((14, 3, 1)), abs=1e-9)
    left = additive.left(np.random.default_rng(1).standard_normal((14, 3, 2)))
    weights = counts[:, :, None]
    assert (weights * left).sum(axis=0) == pytest.approx(0, abs=1e-9)
    assert (weights * left).sum(axis=1) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("arm", [np.repeat([0, 1], 10), np.zeros(20, dtype=int)])
def test_clusters_of_one_arm_have_no_effect_that_differs(arm: np.ndarray) -> None:
    with pytest.raises(NotEstimableError, match="too few clusters have two arms"):
        effect_variance(np.repeat([0, 1, 2, 3], 5), arm, np.arange(20.0)[:, None])
