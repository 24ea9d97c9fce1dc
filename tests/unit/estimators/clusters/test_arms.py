"""Whether clusters have one arm."""

import numpy as np
import pytest

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.clusters.arms import is_constant_within, share_of_one_arm

CLUSTERS = np.repeat(np.arange(8), 6)


def test_a_patient_without_an_arm_does_not_make_two_arms_of_a_cluster() -> None:
    arm = np.where(CLUSTERS % 2 == 0, "new", "usual").astype(object)
    arm[3] = ""
    assert share_of_one_arm(CLUSTERS, arm) == 1.0
    assert is_constant_within(CLUSTERS, arm)


def test_one_exception_among_eight_clusters_is_seen() -> None:
    arm = np.where(CLUSTERS % 2 == 0, "new", "usual").astype(object)
    arm[0] = "usual"
    assert share_of_one_arm(CLUSTERS, arm) == 7 / 8
    assert not is_constant_within(CLUSTERS, arm)


def test_clusters_of_one_patient_say_nothing() -> None:
    with pytest.raises(NotEstimableError, match="no cluster has two patients"):
        share_of_one_arm(np.arange(4), np.array(list("abab")))


def test_a_rare_level_that_is_alone_by_chance_is_not_constant() -> None:
    """47 of 48 patients have one level: six clusters of it show nothing."""
    assert not is_constant_within(np.repeat(np.arange(24), 2), np.array(["yes"] * 2 + ["no"] * 46))
