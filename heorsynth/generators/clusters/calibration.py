"""Finds the shares of latents that clusters have in common under which drawn rows have the correlations wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from heorsynth.estimators.clusters.variance import Grouping
from heorsynth.generators.clusters.law import WHOLE, ClusterFacts, ClusterLaw

_ROUNDS = 6
"""Number of corrections."""

_LARGEST_CLUSTER, _FEWEST_CLUSTERS = 40, 100
"""A large draw has clusters of at most so many rows, and at least so many clusters: many tell more of the variance."""


@dataclass(frozen=True)
class Rows:
    """Drawn rows: clusters and arms (n,), the martingale residual (n,), and the scores of the columns (n, p)."""

    cluster: np.ndarray
    arm: np.ndarray
    residual: np.ndarray
    scores: np.ndarray
    known: np.ndarray


def scale_of(facts: ClusterFacts, patients: int, rows: int) -> float:
    """How many times as many clusters as the source has are in a large draw of so many rows."""
    clusters = sum(count for _, count in facts.placing.homes)
    size = min(patients / clusters, _LARGEST_CLUSTER, rows / _FEWEST_CLUSTERS)
    return rows / max(size, 2.0) / clusters


def calibrated(facts: ClusterFacts, law: ClusterLaw, simulate: Callable[[ClusterLaw], Rows]) -> ClusterLaw:
    """The law under which a large draw has the intracluster correlations that are wanted.

    The correlation of levels or rounded numbers is weaker than that of their latents, and a column that depends on
    the outcome has some of its variance between clusters from there. So the shares are corrected `_ROUNDS` times by
    the difference that a large draw shows. What is wanted to be 0 stays without a common part of its own.
    """
    wanted = facts.wanted
    for _ in range(_ROUNDS):
        rows = simulate(law)
        grouping = Grouping.of(rows.cluster, rows.arm)
        reached = grouping.one_way(rows.residual[:, None]).icc[0]
        outcome = law.outcome + wanted.outcome - float(np.nan_to_num(reached))
        outcome = float(np.clip(outcome, 0.0, WHOLE)) if wanted.outcome > 0 else 0.0
        shares = law.shares
        if len(shares):
            step = wanted.columns - np.nan_to_num(grouping.one_way(rows.scores, rows.known).icc)
            moved = np.where(wanted.columns > 0, np.clip(shares + step, 0.0, WHOLE), 0.0)
            shares = np.where(facts.whole_latents, shares, moved)
        law = law.with_shares(outcome, shares)
    return law
