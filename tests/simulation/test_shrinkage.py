"""Partial pooling: what it gains over groups looked at one by one, and that its intervals hold what they say."""

import numpy as np
import pytest

from heorsynth.estimators.shrinkage import partially_pooled


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("k", [6, 12])
def test_intervals_hold_nine_in_ten_true_effects_and_errors_are_smaller(k, spread):
    rng, held, better = np.random.default_rng(k), [], []
    for _ in range(400):
        se = rng.uniform(0.5, 2.0, k)
        truth = 0.3 + spread * rng.standard_normal(k)
        own = truth + se * rng.standard_normal(k)
        found = partially_pooled(own, se)
        held += ((found.lower < truth) & (truth < found.upper)).tolist()
        better.append(np.mean((found.value - truth) ** 2) / np.mean((own - truth) ** 2))
    assert 0.88 <= np.mean(held) <= (0.96 if spread else 1.0), "with no spread the intervals are wider than need be"
    assert np.mean(better) < (0.75 if spread < 1 else 1.0)


def test_fewer_than_four_groups_keep_their_own():
    own, se = np.array([0.1, 0.5, -0.2]), np.array([0.1, 0.2, 0.1])
    assert partially_pooled(own, se).value.tolist() == own.tolist()


def test_the_estimates_of_a_published_example():
    """Eight schools (Rubin 1981): the spread by Paule and Mandel is 0, as its Q of 4.7 is below 7."""
    own, se = np.array([28, 8, -3, 7, -1, 1, 18, 12.0]), np.array([15, 10, 16, 11, 9, 11, 10, 18.0])
    found = partially_pooled(own, se)
    assert found.spread == 0 and found.mean == pytest.approx(7.69, abs=0.01)
    assert found.value[0] == pytest.approx(28 - 5 / 7 * (28 - 7.686), abs=0.01)


def test_groups_that_do_not_vary_keep_their_own():
    own, se = np.full(5, -1.0), np.zeros(5)
    found = partially_pooled(own, se)
    assert found.value.tolist() == found.lower.tolist() == own.tolist() and found.mean == -1.0
    mixed = partially_pooled(np.array([1.0, 2.0, 3.0, 9.0]), np.array([0.0, 1.0, 1.0, 1.0]))
    assert mixed.mean == 1.0 and mixed.value[3] == 9.0
