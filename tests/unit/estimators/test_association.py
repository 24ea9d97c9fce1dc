"""Rank correlation of ten pairs by hand, with its interval; bootstrap correlations against numpy's."""

import math

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators import association
from heorsynth.estimators.association import rank_correlation, resampled_correlations
from heorsynth.estimators.survival.bootstrap import bootstrap_weights

X = np.arange(10.0)
SWAPPED = np.array([1.0, 0, 2, 3, 4, 5, 6, 7, 8, 9])


def test_two_swapped_ranks_of_ten_give_1_less_12_in_990() -> None:
    found = rank_correlation(X, np.exp(SWAPPED))
    r = 1 - 6 * 2 / (10 * 99)
    assert found.value == pytest.approx(r)
    half = 1.959963985 * math.sqrt((1 + r**2 / 2) / 7)
    assert found.low == pytest.approx(math.tanh(math.atanh(r) - half))
    assert found.se == pytest.approx(0.1 * math.sqrt((1 + r**2 / 2) / 7))


def test_pairs_with_a_missing_value_are_left_out_and_counted() -> None:
    found = rank_correlation(np.append(X, np.nan), np.append(-X, 3.0))
    assert found.value == pytest.approx(-1.0) and (found.n_used, found.n_total) == (10, 11)


def test_nine_pairs_or_a_column_that_does_not_vary_are_not_estimable() -> None:
    with pytest.raises(NotEstimableError, match="9 pairs"):
        rank_correlation(X[:9], X[:9])
    with pytest.raises(NotEstimableError, match="does not vary"):
        rank_correlation(X, np.zeros(10))


def test_a_bootstrap_correlation_is_that_of_the_drawn_rows() -> None:
    columns = np.column_stack([X, X**2, np.where(X == 3, np.nan, SWAPPED)])
    found = resampled_correlations(columns, (np.array([0, 0]), np.array([1, 2])), 6, np.random.default_rng(5))
    for weights, row in zip(bootstrap_weights(10, 6, np.random.default_rng(5)), found, strict=True):
        drawn = np.repeat(columns, weights, axis=0)
        known = drawn[~np.isnan(drawn[:, 2])]
        expected = [np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1], np.corrcoef(known[:, 0], known[:, 2])[0, 1]]
        assert row == pytest.approx(expected, abs=1e-10)


def test_columns_summed_in_parts_have_the_correlations_of_columns_summed_together() -> None:
    columns = np.random.default_rng(1).normal(size=(30, 6))
    columns[:4, 3] = np.nan
    pairs = np.array([0, 1, 2, 0]), np.array([3, 4, 5, 3])
    whole = resampled_correlations(columns, pairs, 8, np.random.default_rng(2))
    parts = [np.array([0, 3]), np.array([1, 4, 2, 5])]
    assert np.allclose(resampled_correlations(columns, pairs, 8, np.random.default_rng(2), parts), whole, atol=1e-12)


def test_groups_of_many_sorted_rows_have_the_spread_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    columns = rng.standard_normal((4000, 3)) @ np.array([[1.0, 0.6, 0.0], [0.0, 0.8, 0.3], [0.0, 0.0, 1.0]])
    columns = np.exp(columns[np.argsort(columns[:, 0])])
    columns[rng.random(columns.shape) < 0.1] = np.nan
    pairs = np.array([0, 0, 1]), np.array([1, 2, 2])
    rows = resampled_correlations(columns, pairs, 2000, np.random.default_rng(6))
    monkeypatch.setattr(association, "_GROUPS", 500)
    groups = resampled_correlations(columns, pairs, 2000, np.random.default_rng(7))
    # 2,000 samples know a spread within 1.6%, 500 groups within 3%; heavy tails add some
    np.testing.assert_allclose(groups.std(axis=0), rows.std(axis=0), rtol=0.12)
    np.testing.assert_allclose(groups.mean(axis=0), rows.mean(axis=0), atol=0.1 * rows.std(axis=0).min())
