"""How columns hang together: a latent normal law given arm, subgroups and outcome, with the noise shrunk away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

ROUNDS = 8
"""Corrections of the latent correlations until those of the drawn columns are the wanted ones."""

LARGEST = 0.98


@dataclass(frozen=True)
class Thresholds:
    """How strong an association must be to be kept, in squared standard errors (`shrunk`).

    A sample of n patients shows associations that the population does not have, and a generator that repeats
    them gives its training patients away. `residual` holds for pairs of columns given the outcome, `hazard` for
    a column's tie to the martingale residual (its Cox effect), `score` for its other ties to arm, subgroup and
    outcome.
    """

    residual: float
    score: float
    hazard: float


def shrunk(correlation: np.ndarray, patients: np.ndarray | float, threshold: np.ndarray | float) -> np.ndarray:
    """Correlations times max(0, 1 - threshold / z²), z their distance from 0 in standard errors.

    References
    ----------
    Efron & Morris (1973) J Am Stat Assoc 68:117, the positive-part James-Stein rule, here entry by entry.
    """
    square = correlation**2
    wald = square * patients / np.clip(1 - square, 0.05, None)
    return np.asarray(correlation * np.clip(1 - threshold / np.maximum(wald, 1e-12), 0.0, 1.0))


def correlations(columns: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations (k, k) over the rows where both columns are known, and the number of such rows."""
    counts = np.maximum(known.sum(axis=0), 1)
    held = np.where(known, columns - np.where(known, columns, 0.0).sum(axis=0) / counts, 0.0)
    weights = known.astype(float)
    products, squares, rows = held.T @ held, (held**2).T @ weights, weights.T @ weights
    scale = np.sqrt(squares * squares.T)
    found = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    np.fill_diagonal(found, 1.0)
    return np.clip(found, -1.0, 1.0), rows


@dataclass(frozen=True)
class Dependence:
    """Latents = scores · slopes + normal noise · factor.T, for standardised scores.

    Attributes
    ----------
    center, scale : array (q,)     of the scores in the source
    slopes : array (q, p)
    factor : array (p, p)          a Cholesky factor of the noise's covariance
    """

    center: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray
    factor: np.ndarray

    def latents(self, scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Latents (n, p) for rows with these scores (n, q).

        Where there are rows enough, the noise is made exactly uncorrelated with the scores and with itself, so
        that one cohort's correlations do not stray from the law by chance.
        """
        standard = (scores - self.center) / self.scale
        noise = rng.standard_normal((len(scores), len(self.factor)))
        if len(scores) > 2 * (noise.shape[1] + scores.shape[1]) + 10 and noise.shape[1]:
            design = np.column_stack([np.ones(len(scores)), standard])
            noise = noise - design @ np.linalg.lstsq(design, noise, rcond=None)[0]
            noise = np.linalg.solve(np.linalg.cholesky(noise.T @ noise / len(noise)), noise.T).T
        return standard @ self.slopes + noise @ self.factor.T

    def to_dict(self) -> dict[str, Any]:
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Dependence:
        columns = len(facts["factor"])
        slopes = np.array(facts["slopes"], dtype=float).reshape(len(facts["center"]), columns)
        factor = np.array(facts["factor"], dtype=float).reshape(columns, columns)
        return cls(np.array(facts["center"], dtype=float), np.array(facts["scale"], dtype=float), slopes, factor)


@dataclass(frozen=True)
class Lent:
    """Correlations (p, p) of columns given the scores in other patients, and how many of them each counts for."""

    partial: np.ndarray
    patients: np.ndarray


def given_scores(
    scores: np.ndarray, columns: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Correlations of scores (n, q) and columns (n, p), and those of the columns given the scores.

    Returns
    -------
    found, rows : array (q + p, q + p)     correlations, and the rows each rests on
    root : array (q, q)                    Cholesky factor of the scores' correlations
    ties : array (q, p)                    the columns' correlations with uncorrelated scores
    partial : array (p, p)                 the columns' partial correlations
    """
    count = scores.shape[1]
    both = np.column_stack([scores, columns])
    found, rows = correlations(both, np.column_stack([np.ones_like(scores, dtype=bool), known]))
    root = np.linalg.cholesky(found[:count, :count] + 1e-9 * np.eye(count))
    ties = np.linalg.solve(root, found[:count, count:])
    rest = found[count:, count:] - ties.T @ ties
    spread = np.sqrt(np.clip(np.diag(rest), 1e-6, None))
    return found, rows, root, ties, rest / np.outer(spread, spread)


def wanted(
    scores: np.ndarray,
    columns: np.ndarray,
    known: np.ndarray,
    owner: np.ndarray,
    n_cells: int,
    n_hazards: int,
    thresholds: Thresholds,
    lent: Lent | None = None,
) -> np.ndarray:
    """The correlations (q + p, q + p) of scores and columns to be reached: the source's, with the noise shrunk away.

    Parameters
    ----------
    scores : array (n, q)       indicators of cells, then martingale residuals, then the rest
    columns : array (n, p)      what stands for the columns, known where `known` (n, p)
    owner : array (p,)          the column each belongs to; ties within one column are kept as they are
    n_cells, n_hazards : int    how many of the scores are of the first and the second kind
    lent : Lent, optional       what other patients say of the columns given their scores
    """
    count = scores.shape[1]
    found, rows, root, ties, partial = given_scores(scores, columns, known)
    limits = np.full(count, thresholds.score)
    limits[n_cells : n_cells + n_hazards] = thresholds.hazard
    kept = shrunk(ties, rows[:count, count:], limits[:, None])
    same, patients = owner[:, None] == owner[None, :], rows[count:, count:]
    if lent is not None:
        total = np.maximum(patients + lent.patients, 1.0)
        partial = np.where(same, partial, (patients * partial + lent.patients * lent.partial) / total)
        patients = total
    partial = np.where(same, partial, shrunk(partial, patients, thresholds.residual))
    left = np.sqrt(np.clip(1 - (kept**2).sum(axis=0), 1e-3, None))
    goal = found.copy()
    goal[:count, count:] = root @ kept
    goal[count:, :count] = goal[:count, count:].T
    goal[count:, count:] = kept.T @ kept + partial * np.outer(left, left)
    np.fill_diagonal(goal, 1.0)
    return goal


def solved(
    goal: np.ndarray,
    scores: np.ndarray,
    center: np.ndarray,
    scale: np.ndarray,
    emitted: Callable[[Dependence], tuple[np.ndarray, np.ndarray]],
) -> Dependence:
    """The latent law whose drawn columns have the wanted correlations.

    A correlation of levels or rounded numbers is weaker than that of the latents behind them; it is corrected
    by what a large draw shows, `ROUNDS` times.

    Parameters
    ----------
    scores : array (N, q)     of a large draw, standardised
    emitted : callable        from a latent law to the columns (N, p) drawn with it, and where they are known
    """
    count = scores.shape[1]
    among = correlations(scores, np.ones_like(scores, dtype=bool))[0] if count else np.zeros((0, 0))
    latent = goal.copy()
    law = _law(latent, among, center, scale)
    for _ in range(ROUNDS):
        columns, known = emitted(law)
        both = np.column_stack([scores, columns])
        reached, _rows = correlations(both, np.column_stack([np.ones_like(scores, dtype=bool), known]))
        step = goal - reached
        step[:count, :count] = 0.0
        latent = np.clip(latent + step, -LARGEST, LARGEST)
        np.fill_diagonal(latent, 1.0)
        law = _law(latent, among, center, scale)
    return law


def _law(latent: np.ndarray, among: np.ndarray, center: np.ndarray, scale: np.ndarray) -> Dependence:
    count = len(among)
    slopes = np.linalg.pinv(among) @ latent[:count, count:]
    noise = latent[count:, count:] - latent[count:, :count] @ slopes
    values, vectors = np.linalg.eigh((noise + noise.T) / 2)
    covariance = (vectors * np.clip(values, 1e-3, None)) @ vectors.T
    return Dependence(center, scale, slopes, np.linalg.cholesky(covariance))
