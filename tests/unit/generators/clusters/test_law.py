"""What clusters have in common: shrunk from the source, and how columns go together between clusters."""

import numpy as np
import pytest

from heorsynth.estimators.clusters.variance import Grouping
from heorsynth.generators.clusters.law import WHOLE, ClusterFacts, ClusterLaw
from heorsynth.generators.clusters.placing import Placing


def facts(between: float, groups: int = 150, rho: float = 0.3, whole: tuple[str, ...] = ()) -> ClusterFacts:
    """Two columns of uncorrelated patients, whose cluster means have the correlation `between`."""
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(groups), 20)
    effects = rng.multivariate_normal([0, 0], [[1, between], [between, 1]], groups)[cluster]
    held = np.sqrt(rho) * effects + np.sqrt(1 - rho) * rng.standard_normal((len(cluster), 2))
    placing = Placing.of((), ((),), np.zeros(len(cluster), dtype=int), cluster)
    known = np.ones_like(held, dtype=bool)
    told = held, known, held
    grouping = Grouping.of(cluster)
    return ClusterFacts.of("site", placing, grouping, held[:, 0], told, whole, np.array(["a", "b"]), 1.0)


@pytest.mark.parametrize("between", [0.0, 0.8, -0.8])
def test_columns_go_together_between_clusters_as_in_the_source(between: float) -> None:
    law = facts(between).law(np.eye(2))
    assert (law.factor @ law.factor.T)[0, 1] == pytest.approx(between, abs=0.2)  # of 150 means
    assert law.shares == pytest.approx([0.3, 0.3], abs=0.1)


def test_few_clusters_do_not_say_how_columns_go_together_between_them() -> None:
    law = facts(0.0, groups=4).law(np.array([[1.0, 0.0], [0.6, 0.8]]))
    assert (law.factor @ law.factor.T)[0, 1] == pytest.approx(0.6, abs=1e-9)


def test_a_column_that_is_the_same_within_clusters_is_all_in_common() -> None:
    assert facts(0.0, whole=("b",)).law(np.eye(2)).shares[1] == WHOLE


def test_a_source_without_enough_clusters_has_nothing_in_common() -> None:
    cluster, held = np.repeat([0, 1], 10), np.random.default_rng(1).standard_normal((20, 1))
    placing = Placing.of((), ((),), np.zeros(20, dtype=int), cluster)
    grouping = Grouping.of(cluster, cluster)
    told = held, np.ones_like(held, dtype=bool), held
    found = ClusterFacts.of("site", placing, grouping, held[:, 0], told, (), np.array(["a"]), 1.0)
    assert found.wanted.outcome == 0 and not found.wanted.columns.any()


def test_a_law_of_clusters_is_written_and_read() -> None:
    law = facts(0.5).law(np.eye(2))
    again = ClusterLaw.from_dict(law.to_dict())
    assert again.to_dict() == law.to_dict() and again.count == 150
