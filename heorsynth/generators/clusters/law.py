"""What the patients of a cluster have in common: its law, learnt from a source and never from one cluster alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.clusters.variance import Grouping
from heorsynth.generators.clusters.effects import EffectShares, arms_of_rows
from heorsynth.generators.clusters.placing import Cell, Placed, Placing, shrunk

WHOLE = 0.98
"""The share of a latent that clusters have in common, at most; that of a column which is the same within each."""

_CLOSEST = 0.95
"""Largest correlation between clusters that a source is taken to show."""


@dataclass(frozen=True)
class Wanted:
    """The intracluster correlations that drawn rows are to have.

    Attributes
    ----------
    outcome : float          of the martingale residual of the primary endpoint
    columns : array (p,)     of the columns: of numbers themselves, and of indicators
    effects : EffectShares   the same of the patients of one arm in a cluster; None where nothing is wanted
    """

    outcome: float
    columns: np.ndarray
    effects: EffectShares | None = None


@dataclass(frozen=True)
class ClusterLaw:
    """How rows lie in clusters, and what those of one cluster have in common.

    Attributes
    ----------
    column : str               the column of the clusters
    placing : Placing          which rows share a cluster
    outcome : float            share of the latent of follow-up that the rows of a cluster have in common
    shares : array (p,)        the same of the latents of the columns
    factor : array (p, p)      Cholesky factor of the correlations of these common parts
    whole : tuple of str       columns that are the same within every cluster
    effects : EffectShares     shares that the rows of one arm in a cluster have in common: the effect of the arms
                               differs between clusters. None where it does not, or clusters have one arm
    """

    column: str
    placing: Placing
    outcome: float
    shares: np.ndarray
    factor: np.ndarray
    whole: tuple[str, ...] = ()
    effects: EffectShares | None = None

    @property
    def count(self) -> int:
        """Number of clusters of the source."""
        return sum(count for _, count in self.placing.homes)

    def placed(self, members: Sequence[Cell], counts: np.ndarray, rng: np.random.Generator) -> Placed:
        """Rows in the cells of `np.repeat(..., counts)`, in as many clusters as the source has."""
        found = self.placing.placed(members, counts, rng)
        return found if self.effects is None else replace(found, arm=arms_of_rows(members, counts))

    def with_shares(self, outcome: float, shares: np.ndarray, effects: EffectShares | None = None) -> ClusterLaw:
        """The same law, with other shares in common."""
        return replace(self, outcome=outcome, shares=shares, effects=effects)

    def to_dict(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "placing": self.placing.to_dict(),
            "outcome": self.outcome,
            "shares": self.shares.tolist(),
            "factor": self.factor.tolist(),
            "whole": list(self.whole),
            **({} if self.effects is None else {"effects": self.effects.to_dict()}),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> ClusterLaw:
        shares = np.array(facts["shares"], dtype=float)
        factor = np.array(facts["factor"], dtype=float).reshape(len(shares), len(shares))
        placing = Placing.from_dict(facts["placing"])
        effects = EffectShares.from_dict(facts["effects"]) if "effects" in facts else None
        return cls(facts["column"], placing, facts["outcome"], shares, factor, tuple(facts["whole"]), effects)


@dataclass(frozen=True)
class ClusterFacts:
    """What the patients of a source show of their clusters.

    Attributes
    ----------
    column : str
    placing : Placing
    wanted : Wanted               shrunk: what a source without any variance between clusters shows by chance is 0
    seen : array (p, p)           correlations between clusters of the columns' scores
    certain : array (p, p)        patients' worth of these: degrees of freedom times how reliable two columns' means are
    whole : tuple of str          columns that are the same within every cluster
    whole_latents : array (p,)    True for their latents
    """

    column: str
    placing: Placing
    wanted: Wanted
    seen: np.ndarray
    certain: np.ndarray
    whole: tuple[str, ...]
    whole_latents: np.ndarray

    @classmethod
    def of(
        cls,
        column: str,
        placing: Placing,
        grouping: Grouping,
        residual: np.ndarray,
        scores: tuple[np.ndarray, np.ndarray, np.ndarray],
        whole: Sequence[str],
        owner: np.ndarray,
        threshold: float,
    ) -> ClusterFacts:
        """The facts of patients.

        Parameters
        ----------
        grouping : Grouping        clusters and arms
        residual : array (n,)      martingale residual of the primary endpoint
        scores : array (n, p)      of the columns, where they are known, and with numbers in place of their scores
        whole : sequence of str    columns that are the same within every cluster
        owner : array (p,)         the name of each score's column
        threshold : float          how strong a correlation must be to be kept, in squared standard errors
        """
        held, known, measured = scores
        count = held.shape[1]
        always = np.isin(owner, list(whole))
        try:
            every = grouping.one_way(np.column_stack([residual, np.where(known, held, 0.0)]))
            own = grouping.one_way(measured, known) if count else every
            seen, certain = _between(grouping, np.where(known, held, 0.0))
        except NotEstimableError:
            nothing = Wanted(0.0, np.zeros(count))
            return cls(column, placing, nothing, np.eye(count), np.zeros((count, count)), tuple(whole), always)
        icc = shrunk(own.icc, own.chance, threshold) if count else np.zeros(0)
        outcome = float(shrunk(every.icc[:1], every.chance[:1], threshold)[0])
        effects = _effects(EffectShares.seen(grouping, residual, measured, known), always, threshold)
        return cls(column, placing, Wanted(outcome, icc, effects), seen, certain, tuple(whole), always)

    def law(self, factor: np.ndarray) -> ClusterLaw:
        """A law to start from, for latents whose noise has this Cholesky factor (p, p).

        Between clusters two columns go together as within them, unless the source's clusters show otherwise beyond
        chance.
        """
        shares = np.where(self.whole_latents, WHOLE, np.clip(self.wanted.columns, 0.0, WHOLE))
        within = factor @ factor.T
        spread = np.sqrt(np.diag(within))
        return ClusterLaw(
            self.column,
            self.placing,
            min(self.wanted.outcome, WHOLE),
            shares,
            self._common(within / np.outer(spread, spread)),
            self.whole,
            None
            if self.wanted.effects is None
            else self.wanted.effects.within(min(self.wanted.outcome, WHOLE), shares),
        )

    def _common(self, within: np.ndarray) -> np.ndarray:
        """Cholesky factor of the correlations between clusters."""
        apart = self.seen - within
        seen, expected = (np.arctanh(np.clip(held, -_CLOSEST, _CLOSEST)) for held in (self.seen, within))
        square = (seen - expected) ** 2 * np.clip(self.certain - 3, 0.0, None)  # Fisher's z
        kept = np.clip(1 - np.divide(1.0, square, out=np.full_like(square, np.inf), where=square > 0), 0.0, 1.0)
        found = within + kept * apart
        np.fill_diagonal(found, 1.0)
        values, vectors = np.linalg.eigh((found + found.T) / 2)
        mended = (vectors * np.clip(values, 1e-3, None)) @ vectors.T
        spread = np.sqrt(np.diag(mended))
        return np.linalg.cholesky(mended / np.outer(spread, spread)) if len(found) else found


def _effects(
    seen: tuple[EffectShares, EffectShares] | None, whole: np.ndarray, threshold: float
) -> EffectShares | None:
    """The shares beyond chance; None if there are none. What is the same within clusters has no effect of its own."""
    if seen is None:
        return None
    share, chance = seen
    outcome = float(shrunk(np.array([share.outcome]), np.array([chance.outcome]), threshold)[0])
    found = EffectShares(outcome, np.where(whole, 0.0, shrunk(share.columns, chance.columns, threshold)))
    return None if found.none else found


def _between(grouping: Grouping, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations (p, p) between clusters of scores (n, p), and how much each is worth."""
    count = held.shape[1]
    if not count:
        return np.zeros((0, 0)), np.zeros((0, 0))
    found, own = grouping.covariances(held), grouping.one_way(held)
    spread = np.sqrt(np.clip(np.diag(found), 0.0, None))
    both = np.outer(spread, spread)
    seen = np.clip(np.divide(found, both, out=np.zeros_like(found), where=both > 0), -_CLOSEST, _CLOSEST)
    reliable = np.divide(
        np.clip(own.between - own.within, 0.0, None), own.between, out=np.zeros(count), where=own.between > 0
    )
    return seen, float(own.df_between.min()) * np.outer(reliable, reliable)
