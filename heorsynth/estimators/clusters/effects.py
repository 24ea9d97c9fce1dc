"""The variance of the effect of the arms between clusters that have several arms side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem


@dataclass(frozen=True)
class Additive:
    """Clusters and arms as two sets of effects that add up, and what is left of them: the effect that differs.

    Attributes
    ----------
    counts : array (G, A)     patients of each cluster in each arm
    inverse : array (A, A)    inverse of the arms' normal equations, clusters taken off
    df : int                  degrees of freedom of what is left: cells less clusters less arms, plus 1
    size : float              the size of a cell that its mean square counts with

    Notes
    -----
    With N patients, Z the indicators of cells and P the projection on the effects that add up, `size` is
    (N - tr(ZᵀPZ)) / df: m where every cell has m patients (Searle, Casella & McCulloch 1992, Variance Components, 5.3).
    """

    counts: np.ndarray
    inverse: np.ndarray
    df: int
    size: float

    @classmethod
    def of(cls, counts: np.ndarray) -> Additive:
        """The effects of clusters and arms with these patients (G, A)."""
        held = counts.astype(float)
        own = held.sum(axis=1)
        share = held / np.where(own > 0, own, 1.0)[:, None]
        equations = np.diag(held.sum(axis=0)) - held.T @ share
        inverse, rank = np.linalg.pinv(equations, rcond=1e-9, hermitian=True), np.linalg.matrix_rank(equations)
        moved = (held[:, :, None] * (np.eye(held.shape[1])[None] - share[:, None, :])).reshape(-1, held.shape[1])
        lost = float((held * share).sum() + np.trace(inverse @ (moved.T @ moved)))
        df = int((held > 0).sum() - (own > 0).sum() - rank)
        return cls(held, inverse, df, (held.sum() - lost) / df if df > 0 else 0.0)

    def left(self, means: np.ndarray) -> np.ndarray:
        """What means (G, A, k) of cells are apart from effects of cluster and arm that add up; 0 in an empty cell."""
        weights = self.counts[:, :, None]
        own = np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
        centred = means - (weights * means).sum(axis=1, keepdims=True) / own
        arms = np.einsum("ab,bk->ak", self.inverse, (weights * centred).sum(axis=0))
        found = means - arms[None]
        found = found - (weights * found).sum(axis=1, keepdims=True) / own
        return np.where(weights > 0, found, 0.0)


@dataclass(frozen=True)
class _EffectVariance:
    """A two-way analysis of variance of columns (k,) by cluster and arm: how the effect of arms differs by cluster.

    Attributes
    ----------
    interaction, within : array (k,)     mean squares of what does not add up, and within cells
    size : array (k,)                    the size of a cell that the first counts with
    total : array (k,)                   variance within arms
    df_interaction, df_within : array (k,)
    """

    interaction: np.ndarray
    within: np.ndarray
    size: np.ndarray
    total: np.ndarray
    df_interaction: np.ndarray
    df_within: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Variance (k,) of the cells' own effects: half that of a difference of two arms between clusters."""
        return np.asarray((self.interaction - self.within) / self.size)

    @property
    def share(self) -> np.ndarray:
        """It as a share (k,) of the variance within arms; NaN without any variance. It may be negative by chance."""
        return np.divide(self.variance, self.total, out=np.full(len(self.total), np.nan), where=self.total > 0)

    @property
    def chance(self) -> np.ndarray:
        """Standard error (k,) of the share where it is 0: mean squares of normal numbers, 2·MS²/df each."""
        error = self.within / self.size * np.sqrt(2 / self.df_interaction + 2 / self.df_within)
        return np.divide(error, self.total, out=np.full(len(self.total), np.nan), where=self.total > 0)


def effect_variance(
    cluster: np.ndarray, arm: np.ndarray, columns: np.ndarray, known: np.ndarray | None = None
) -> _EffectVariance:
    """The analysis of variance of columns (n, k) by cluster (n,) and arm (n,), each where it is known (n, k).

    Raises
    ------
    NotEstimableError      too few clusters have two arms, or no two patients share a cluster and an arm

    Examples
    --------
    >>> cluster, arm = np.repeat([1, 2], 4), np.tile([0, 0, 1, 1], 2)
    >>> found = effect_variance(cluster, arm, np.array([[0.0], [2], [4], [6], [1], [3], [1], [3]]))
    >>> found.interaction, found.within, found.size  # means 1, 5 and 2, 2: effects of 4 and 0
    (array([8.]), array([2.]), array([2.]))
    """
    seen = np.isfinite(columns) if known is None else known
    codes, arms = (np.unique(held, return_inverse=True)[1] for held in (cluster, arm))
    found = [_of_column(codes[rows], arms[rows], column[rows]) for column, rows in zip(columns.T, seen.T, strict=True)]
    return _EffectVariance(*np.array(found, dtype=float).reshape(len(found), 6).T)


def table_of(cluster: np.ndarray, arm: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The patients (G, A), or the sum of their weights (n,), of each cluster (n,) in each arm (n,), both from 0 up."""
    many = int(arm.max(initial=-1)) + 1
    sums = np.bincount(cluster * many + arm, weights, minlength=(int(cluster.max(initial=-1)) + 1) * many)
    return sums.reshape(-1, max(many, 1)) if len(sums) else np.zeros((0, 1))


def _of_column(cluster: np.ndarray, arm: np.ndarray, values: np.ndarray) -> tuple[float, ...]:
    counts = table_of(cluster, arm)
    additive = Additive.of(counts)
    df_within = len(values) - int((counts > 0).sum())
    if additive.df < 1 or df_within < 1 or additive.size <= 0:
        fix = "it takes two clusters with two arms each, and two patients of one arm in a cluster"
        raise NotEstimableError("variance of the effect", Problem("cluster", "too few clusters have two arms", fix))
    means = table_of(cluster, arm, values) / np.maximum(counts, 1)
    centred = values - (np.bincount(arm, values) / np.maximum(np.bincount(arm), 1))[arm]
    within = float(((values - means[cluster, arm]) ** 2).sum()) / df_within
    left = float((counts * additive.left(means[:, :, None])[:, :, 0] ** 2).sum())
    arms = int((np.bincount(arm) > 0).sum())
    total = float((centred**2).sum()) / (len(values) - arms)
    return left / additive.df, within, additive.size, total, additive.df, df_within
