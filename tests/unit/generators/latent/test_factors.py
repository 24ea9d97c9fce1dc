"""Factors of many columns are found if patients show them, are none under independence, and have the right size."""

import numpy as np
import pytest

from heorsynth.generators.latent.factors import factors_of, shuffled, spikes, standardised, without_factors

N, P = 100, 400


def held(columns, known=None):
    """Standardised columns, where they are known, and the column each belongs to."""
    known = np.ones(columns.shape, dtype=bool) if known is None else known
    return standardised(columns, known), known, np.arange(columns.shape[1])


def common(seed, n=N, p=P, size=0.5):
    """Columns with one factor, and their loadings."""
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=p) * size
    loadings = np.clip(loadings, -0.9, 0.9)
    return rng.normal(size=(n, 1)) * loadings + rng.normal(size=(n, p)) * np.sqrt(1 - loadings**2), loadings


@pytest.mark.parametrize(("n", "p"), [(100, 500), (20, 400), (400, 350)])
def test_independent_columns_have_no_factor(n, p):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        columns = rng.normal(size=(n, p))
        columns[:, ::3] = columns[:, ::3] > 1  # two levels, one of them rare
        assert not len(factors_of(*held(columns), rng))


def test_one_factor_is_found_with_its_loadings():
    columns, loadings = common(1)
    found = factors_of(*held(columns), np.random.default_rng(1))
    assert len(found) == 1
    found = found[0] * np.sign(found[0] @ loadings)
    assert np.corrcoef(found, loadings)[0, 1] > 0.85
    assert 0.7 < found @ loadings / (loadings @ loadings) < 1.1  # shrunk, as the direction is uncertain


def test_missing_values_do_not_weaken_a_loading():
    columns, loadings = common(2, n=300)
    known = np.ones(columns.shape, dtype=bool)
    known[:, ::2] = np.random.default_rng(3).random((300, P // 2)) < 0.5
    found = factors_of(*held(columns, known), np.random.default_rng(1))[0]
    half, whole = (np.abs(found[start::2]) @ np.abs(loadings[start::2]) for start in (0, 1))
    assert abs(half / (loadings[::2] @ loadings[::2]) / (whole / (loadings[1::2] @ loadings[1::2])) - 1) < 0.15


def test_a_few_columns_that_belong_together_are_no_factor():
    rng = np.random.default_rng(4)
    columns = rng.normal(size=(N, P))
    columns[:, :10] = 0.8 * rng.normal(size=(N, 1)) + 0.6 * columns[:, :10]
    assert not len(factors_of(*held(columns), rng))


def test_columns_without_their_factor_are_uncorrelated():
    columns, _ = common(5, n=2000, p=310)
    rest, known, _owner = held(columns)
    left = np.corrcoef(without_factors(rest, known, 1).T)[np.triu_indices(310, 1)]
    assert np.abs(np.corrcoef(rest.T)[np.triu_indices(310, 1)]).mean() > 3 * np.abs(left).mean()
    assert without_factors(rest, known, 0) is rest


def test_the_spike_of_a_large_sample_is_that_of_the_population():
    assert np.allclose(spikes(np.array([3.0, 9.0]), 1e-9), [2.0, 8.0])


def test_shuffled_columns_keep_their_values_and_those_of_one_column_stay_together():
    columns = np.arange(40.0).reshape(10, 4)
    drawn = shuffled(columns, [np.array([0, 1]), np.array([2]), np.array([3])], np.random.default_rng(1))
    assert np.array_equal(np.sort(drawn, axis=0), columns)
    assert np.array_equal(drawn[:, 1] - drawn[:, 0], np.ones(10)) and not np.array_equal(drawn, columns)


def test_a_column_that_does_not_vary_is_0():
    assert not standardised(np.full((5, 1), 3.0), np.ones((5, 1), dtype=bool)).any()
