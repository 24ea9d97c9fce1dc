"""Finds the shares of latents that clusters have in common under which drawn rows have the correlations wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.clusters.variance import Grouping
from heorsynth.generators.clusters.effects import EffectShares
from heorsynth.generators.clusters.law import WHOLE, ClusterFacts, ClusterLaw, Wanted

_ROUNDS = 6
"""Number of corrections."""

_ROWS, _MOST_DRAWS = 4000, 20
"""Cohorts are drawn until they have so many rows together, but no more cohorts than that."""


@dataclass(frozen=True)
class Rows:
    """Drawn rows: clusters and arms (n,), the martingale residual (n,), and numbers and indicators (n, p)."""

    cluster: np.ndarray
    arm: np.ndarray
    residual: np.ndarray
    scores: np.ndarray
    known: np.ndarray


def draws_of(patients: int) -> tuple[int, int]:
    """The number of cohorts that a law is corrected by, and the rows of each.

    They are as large as the source if they can be. Where clusters are few, some of their variance goes with the
    outcome by chance, and a cohort whose columns depend on the outcome as the law says has less of its own.
    """
    rows = min(patients, _ROWS)
    return min(_MOST_DRAWS, -(-_ROWS // rows)), rows


def calibrated(facts: ClusterFacts, law: ClusterLaw, simulate: Callable[[ClusterLaw], list[Rows]]) -> ClusterLaw:
    """The law under which cohorts have, on average, the intracluster correlations that are wanted.

    The correlation of levels or rounded numbers is weaker than that of their latents, and a column that depends on
    the outcome has some of its variance between clusters from there. So the shares are corrected `_ROUNDS` times by
    the difference that drawn cohorts show. What is wanted to be 0 stays without a common part of its own.
    """
    wanted = facts.wanted
    for _ in range(_ROUNDS):
        drawn = simulate(law)
        reached = np.mean([_reached(rows) for rows in drawn], axis=0)
        outcome = law.outcome + wanted.outcome - float(reached[0])
        outcome = float(np.clip(outcome, 0.0, WHOLE)) if wanted.outcome > 0 else 0.0
        shares = law.shares
        if len(shares):
            step = wanted.columns - reached[1:]
            moved = np.where(wanted.columns > 0, np.clip(shares + step, 0.0, WHOLE), 0.0)
            shares = np.where(facts.whole_latents, shares, moved)
        law = law.with_shares(outcome, shares, _with_effects(law, wanted, drawn, outcome, shares))
    return law


def _with_effects(
    law: ClusterLaw, wanted: Wanted, drawn: list[Rows], outcome: float, shares: np.ndarray
) -> EffectShares | None:
    """The shares of arms in clusters, corrected by what drawn cohorts show; beside those of clusters there is room."""
    if law.effects is None or wanted.effects is None:
        return None
    seen = [EffectShares.seen(Grouping.of(one.cluster, one.arm), one.residual, one.scores, one.known) for one in drawn]
    found = [one[0] for one in seen if one is not None]
    if not found:
        return law.effects
    reached = EffectShares(
        float(np.mean([one.outcome for one in found])), np.mean([one.columns for one in found], axis=0)
    )
    return law.effects.moved(wanted.effects, reached).within(outcome, shares)


def _reached(rows: Rows) -> np.ndarray:
    """The intracluster correlations (1 + p,) of the residual and the columns of a cohort; 0 where there is none."""
    grouping = Grouping.of(rows.cluster, rows.arm)
    try:
        found = [grouping.one_way(rows.residual[:, None]).icc, grouping.one_way(rows.scores, rows.known).icc]
    except NotEstimableError:
        return np.zeros(1 + rows.scores.shape[1])
    return np.nan_to_num(np.concatenate(found))
