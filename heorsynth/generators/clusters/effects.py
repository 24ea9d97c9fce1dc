"""The effect of the arms that differs between clusters: what a source shows of it, and effects drawn with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.clusters.effects import Additive, effect_variance, table_of
from heorsynth.estimators.clusters.variance import Grouping

_MOST = 0.98
"""Largest share of a latent that clusters, and arms within them, have in common together."""


@dataclass(frozen=True)
class EffectShares:
    """Shares of variance that the patients of one arm in a cluster have in common, beside what is of cluster and arm.

    Attributes
    ----------
    outcome : float         of the martingale residual of the primary endpoint, or of the latent of follow-up
    columns : array (p,)    of the columns, or of their latents
    """

    outcome: float
    columns: np.ndarray

    @classmethod
    def seen(
        cls, grouping: Grouping, residual: np.ndarray, measured: np.ndarray, known: np.ndarray
    ) -> tuple[EffectShares, EffectShares] | None:
        """The shares that patients show, and how large they are by chance; None where no two arms share clusters."""
        if grouping.nested or not grouping.stratum.any():
            return None
        columns = np.column_stack([residual, measured])
        try:
            found = effect_variance(
                grouping.cluster, grouping.stratum, columns, np.column_stack([np.ones(len(residual), bool), known])
            )
        except NotEstimableError:
            return None
        share, chance = np.nan_to_num(found.share), np.nan_to_num(found.chance)
        return cls(float(share[0]), share[1:]), cls(float(chance[0]), chance[1:])

    @property
    def none(self) -> bool:
        """True where nothing is in common."""
        return self.outcome == 0 and not np.any(self.columns)

    def within(self, outcome: float, columns: np.ndarray) -> EffectShares:
        """These shares, as far as there is room beside those of clusters, of the outcome and of the columns (p,)."""
        room = np.clip(_MOST - columns, 0.0, None)
        return EffectShares(min(self.outcome, max(_MOST - outcome, 0.0)), np.minimum(self.columns, room))

    def moved(self, wanted: EffectShares, reached: EffectShares) -> EffectShares:
        """These shares of latents, moved by what drawn rows lack; what is wanted to be 0 stays 0."""
        outcome = max(self.outcome + wanted.outcome - reached.outcome, 0.0)
        columns = np.clip(self.columns + wanted.columns - reached.columns, 0.0, None)
        return EffectShares(outcome if wanted.outcome > 0 else 0.0, np.where(wanted.columns > 0, columns, 0.0))

    def to_dict(self) -> dict[str, Any]:
        return {"outcome": self.outcome, "columns": np.asarray(self.columns).tolist()}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> EffectShares:
        return cls(float(facts["outcome"]), np.array(facts["columns"], dtype=float))


def arms_of_rows(members: Sequence[tuple[str, ...]], counts: np.ndarray) -> np.ndarray:
    """The arm (n,), from 0 up, of rows in the cells of `np.repeat(..., counts)`; -1 where it is not known."""
    levels = np.array([member[0] for member in members], dtype=str)
    codes = np.unique(levels, return_inverse=True)[1]
    return np.repeat(np.where(levels == "", -1, codes), counts)


def effects_by_arm(
    cluster: np.ndarray, arm: np.ndarray, count: int, rng: np.random.Generator, factor: np.ndarray | None = None
) -> np.ndarray:
    """Effects (n, count) that patients of one arm in a cluster share, with nothing that is of cluster or arm alone.

    The variance of each is the 1 that an analysis of variance finds. A row of unknown arm (below 0) has none.

    Parameters
    ----------
    factor : array (count, count)      Cholesky factor of their covariance, if they have one
    """
    rows, found = arm >= 0, np.zeros((len(cluster), count))
    arms = np.unique(arm[rows], return_inverse=True)[1]
    counts = table_of(cluster[rows], arms)
    drawn = rng.standard_normal((counts.size, count))
    drawn = drawn if factor is None else drawn @ factor.T
    additive = Additive.of(counts)
    if additive.df < 1 or additive.size <= 0:
        return found
    left = additive.left(drawn.reshape(*counts.shape, count))
    squares = (counts[:, :, None] * left**2).sum(axis=(0, 1))
    scale = np.sqrt(np.divide(additive.df * additive.size, squares, out=np.zeros(count), where=squares > 0))
    found[rows] = (left * scale)[cluster[rows], arms]
    return found
