"""Bootstrap counts keep the size of every stratum, and many curves at once are the curves one by one."""

import numpy as np
import pytest

from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.estimators.survival.bootstrap import bootstrap_weights, km_matrix
from heorsynth.estimators.survival.kaplan_meier import kaplan_meier

TIME, EVENT = np.array([4.0, 1, 2, 2]), np.array([False, True, True, False])


def test_each_stratum_keeps_its_size_in_every_sample() -> None:
    weights = bootstrap_weights(5, 40, np.random.default_rng(3), np.array(["a", "b", "a", "a", "b"]))
    assert set(weights[:, [0, 2, 3]].sum(axis=1)) == {3} and set(weights[:, [1, 4]].sum(axis=1)) == {2}
    assert len(np.unique(weights, axis=0)) > 10


def test_a_weighted_curve_by_hand() -> None:
    """Weights 2, 1, 0, 1: of four one dies at 1; of three at 2 nobody, as the one who died has no weight."""
    curves = km_matrix(TIME, EVENT, np.array([[2, 1, 0, 1], [1, 1, 1, 1]]), np.array([0.5, 1, 2, 4]))
    assert curves.tolist() == [[1, 0.75, 0.75, 0.75], [1, 0.75, 0.5, 0.5]]


def test_many_curves_are_the_curves_one_by_one() -> None:
    weights, grid = bootstrap_weights(4, 20, np.random.default_rng(1)) + 1, np.array([1.0, 2.0])
    one_by_one = [kaplan_meier(TIME, EVENT, weights=row).at(grid) for row in weights]
    assert km_matrix(TIME, EVENT, weights, grid) == pytest.approx(np.array(one_by_one))


def test_a_time_past_follow_up_and_weights_of_others_are_refused() -> None:
    with pytest.raises(HorizonError):
        km_matrix(TIME, EVENT, np.ones((1, 4)), np.array([5.0]))
    with pytest.raises(NotEstimableError, match="one column a patient"):
        km_matrix(TIME, EVENT, np.ones((1, 3)), np.array([1.0]))
