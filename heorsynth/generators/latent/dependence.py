"""The dependence between columns: latent normal scores, whose weak associations are shrunk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from heorsynth.core.blocks import blocks
from heorsynth.generators.latent.products import Basis, Products, uncorrelated

_ROUNDS = 8
"""Number of corrections of the latent correlations."""

_MORE_ROUNDS = 4
"""Number of further corrections of the correlations where products move the latents."""

_LARGEST = 0.98
"""Largest latent correlation."""


@dataclass(frozen=True)
class Thresholds:
    """How strong an association must be to be kept, in squared standard errors (`james_stein`).

    A sample shows associations by chance that the population does not have. A generator that repeats them discloses
    its training patients.

    Attributes
    ----------
    residual : float      for two columns, given arm, subgroups and outcome
    score : float         for a column and arm, subgroups or outcome, except as follows
    hazard : float        for a column and the martingale residual: its Cox effect
    product : float       for a column and a product of two of them: how it changes the effect of the arm
    cluster : float       for the variance of a column, or of the outcome, between clusters
    """

    residual: float
    score: float
    hazard: float
    product: float = 2.0
    cluster: float = 1.0


def james_stein(correlation: np.ndarray, patients: np.ndarray | float, threshold: np.ndarray | float) -> np.ndarray:
    """Correlations times max(0, 1 - threshold / z²), where z is their distance from 0 in standard errors.

    References
    ----------
    Efron & Morris (1973) J Am Stat Assoc 68:117, the positive-part James-Stein rule, here for each entry.
    """
    square = correlation**2
    wald = square * patients / np.clip(1 - square, 0.05, None)
    return np.asarray(correlation * np.clip(1 - threshold / np.maximum(wald, 1e-12), 0.0, 1.0))


def correlations(columns: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations (k, k) over the rows in which both columns are known, and the number of these rows (k, k)."""
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
    """Latents = scores · slopes + (normal noise + products) · factor.T, for standardised scores.

    Attributes
    ----------
    center, scale : array (q,)     of the scores in the source
    slopes : array (q, p)
    factor : array (p, p)          a Cholesky factor of the noise's covariance
    products : Products            what three columns say together
    """

    center: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray
    factor: np.ndarray
    products: Products = field(default_factory=Products.none)

    @classmethod
    def blank(cls, center: np.ndarray, scale: np.ndarray) -> Dependence:
        """The law of no column, for scores with this center and scale (q,)."""
        return cls(center, scale, np.zeros((0, 0)), np.zeros((0, 0)))

    def latents(
        self,
        scores: np.ndarray,
        rng: np.random.Generator,
        shared: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> np.ndarray:
        """Latents (n, p) for rows with these scores (n, q).

        With enough rows, the noise is made exactly uncorrelated with the scores and between columns. Then the
        correlations of a cohort do not deviate from the law by chance. `shared` changes the noise (n, p) of the
        latents where rows have some of it in common.
        """
        standard = (scores - self.center) / self.scale
        noise, root = _noise(standard, len(self.factor), rng)
        for some in blocks(len(noise)):
            own = _white(noise[some], root)
            if shared is None:
                noise[some] = self.of_noise(standard[some], own)
            else:
                noise[some] = self.products.moved(standard[some], own) if len(self.products) else own
        if shared is None:
            return noise
        mixed = shared(noise @ self.factor.T)
        exact = root is not None
        return standard @ self.slopes + (_uncorrelated(mixed, standard) @ self.factor.T if exact else mixed)

    def of_noise(self, standard: np.ndarray, noise: np.ndarray, apart: np.ndarray | None = None) -> np.ndarray:
        """Latents (n, p) for rows with these standardised scores (n, q) and this noise (n, p).

        `apart` are the scores made uncorrelated, if they are known; see `Products.moved`.
        """
        own = self.products.moved(standard, noise, apart) if len(self.products) else noise
        return np.asarray(standard @ self.slopes + own @ self.factor.T)

    def moved(self, patients: int, spread: float, rng: np.random.Generator) -> Dependence:
        """The same law with its slopes and its noise's covariance moved by chance.

        They are moved `spread` times as far as another sample of so many patients would move them. Where there are
        too few patients for a covariance, only the slopes are.
        """
        count, size = len(self.factor), int(patients / spread**2) if spread > 0 else 0
        if not size or not count:
            return self
        products = self.products.jittered(size, rng) if len(self.products) else self.products
        slopes = self.slopes + rng.standard_normal(self.slopes.shape) @ self.factor.T / np.sqrt(size)
        factor = self.factor
        if size > 2 * count:
            drawn = rng.standard_normal((size, count)) @ self.factor.T
            factor = np.linalg.cholesky(drawn.T @ drawn / size)
        return replace(self, slopes=slopes, factor=factor, products=products)

    def to_dict(self) -> dict[str, Any]:
        products = {"products": self.products.to_dict()} if len(self.products) else {}
        return {name: getattr(self, name).tolist() for name in ("center", "scale", "slopes", "factor")} | products

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Dependence:
        columns = len(facts["factor"])
        slopes = np.array(facts["slopes"], dtype=float).reshape(len(facts["center"]), columns)
        factor = np.array(facts["factor"], dtype=float).reshape(columns, columns)
        products = Products.from_dict(facts["products"]) if "products" in facts else Products.none()
        center, scale = np.array(facts["center"], dtype=float), np.array(facts["scale"], dtype=float)
        return cls(center, scale, slopes, factor, products)


def with_same_noise(
    standard: np.ndarray, count: int, products: Products, rng: np.random.Generator
) -> Callable[[Dependence], np.ndarray]:
    """What gives the latents (n, p) of rows with these standardised scores (n, q) under one law after another.

    They are those of `Dependence.latents`, with noise that is made once. The laws differ in the weights of their
    products only, and in slopes and factor.
    """
    noise, root = _noise(standard, count, rng)
    parts = [(standard[some], _white(noise[some], root)) for some in blocks(len(noise))]
    apart = [uncorrelated(rows, products.root) for rows, _ in parts]
    return lambda law: np.concatenate(
        [law.of_noise(rows, own, beside) for (rows, own), beside in zip(parts, apart, strict=True)]
    )


def _noise(standard: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
    """Normal noise (n, count). With enough rows, scores (n, q) explain none of it, and `_white` gets its factor."""
    noise = rng.standard_normal((len(standard), count))
    exact = len(noise) > 2 * (count + standard.shape[1]) + 10 and count > 0
    return noise, _cleared(noise, standard) if exact else None


def _white(noise: np.ndarray, root: np.ndarray | None) -> np.ndarray:
    """Noise (n, p) without correlations, by the Cholesky factor of its covariance; itself without one."""
    return noise if root is None else np.linalg.solve(root, noise.T).T


def _uncorrelated(noise: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Noise (n, p) made exactly uncorrelated with scores (n, q) and between columns, with variance 1."""
    noise = noise.copy()
    root = _cleared(noise, scores)
    for some in blocks(len(noise)):
        noise[some] = _white(noise[some], root)
    return noise


def _cleared(noise: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Takes out of noise (n, p), in place, what scores (n, q) explain; the Cholesky factor of the covariance left."""
    design = np.column_stack([np.ones(len(scores)), scores])
    explained = np.linalg.lstsq(design, noise, rcond=None)[0]
    for some in blocks(len(noise)):
        noise[some] -= design[some] @ explained
    return np.asarray(np.linalg.cholesky(noise.T @ noise / len(noise)))


@dataclass(frozen=True)
class ExternalCorrelations:
    """Partial correlations (p, p) of columns given the scores in external patients, and their weighted number."""

    partial: np.ndarray
    patients: np.ndarray


@dataclass(frozen=True)
class Spared:
    """Correlations that are not shrunk: of scores with columns (q, p), and of columns given the scores (p, p)."""

    ties: np.ndarray
    partial: np.ndarray


def given_scores(
    scores: np.ndarray, columns: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Correlations of scores (n, q) and columns (n, p), and partial correlations of the columns given the scores.

    Returns
    -------
    found, rows : array (q + p, q + p)     correlations, and the number of rows of each
    root : array (q, q)                    Cholesky factor of the scores' correlations
    ties : array (q, p)                    correlations of the columns with uncorrelated scores
    partial : array (p, p)                 partial correlations of the columns
    """
    count = scores.shape[1]
    both = np.column_stack([scores, columns])
    found, rows = correlations(both, np.column_stack([np.ones_like(scores, dtype=bool), known]))
    root = np.linalg.cholesky(found[:count, :count] + 1e-9 * np.eye(count))
    ties = np.linalg.solve(root, found[:count, count:])
    rest = found[count:, count:] - ties.T @ ties
    spread = np.sqrt(np.clip(np.diag(rest), 1e-6, None))
    return found, rows, root, ties, rest / np.outer(spread, spread)


def target_correlations(
    scores: np.ndarray,
    columns: np.ndarray,
    known: np.ndarray,
    owner: np.ndarray,
    n_cells: int,
    n_hazards: int,
    thresholds: Thresholds,
    external: ExternalCorrelations | None = None,
    spared: Spared | None = None,
) -> np.ndarray:
    """The correlations (q + p, q + p) that drawn scores and columns are to have: those of the source, shrunk.

    Parameters
    ----------
    scores : array (n, q)       indicators of cells, then martingale residuals, then the rest
    columns : array (n, p)      the scores of the columns; `known` (n, p) says where they are known
    owner : array (p,)          the column that each belongs to; correlations within a column are not shrunk
    n_cells, n_hazards : int    number of indicators, and of martingale residuals, among the scores
    external : ExternalCorrelations, optional       partial correlations in external patients
    spared : Spared, optional   the correlations that are not shrunk
    """
    count = scores.shape[1]
    found, rows, root, ties, partial = given_scores(scores, columns, known)
    limits = np.full(count, thresholds.score)
    limits[n_cells : n_cells + n_hazards] = thresholds.hazard
    bounds, weakest = limits[:, None], np.full(partial.shape, thresholds.residual)
    if spared is not None:
        bounds, weakest = np.where(spared.ties, 0.0, bounds), np.where(spared.partial, 0.0, weakest)
    kept = james_stein(ties, rows[:count, count:], bounds)
    same, patients = owner[:, None] == owner[None, :], rows[count:, count:]
    if external is not None:
        total = np.maximum(patients + external.patients, 1.0)
        partial = np.where(same, partial, (patients * partial + external.patients * external.partial) / total)
        patients = total
    partial = np.where(same, partial, james_stein(partial, patients, weakest))
    left = np.sqrt(np.clip(1 - (kept**2).sum(axis=0), 1e-3, None))
    target = found.copy()
    target[:count, count:] = root @ kept
    target[count:, :count] = target[:count, count:].T
    target[count:, count:] = kept.T @ kept + partial * np.outer(left, left)
    np.fill_diagonal(target, 1.0)
    return target


def products_of(
    target: np.ndarray,
    scores: np.ndarray,
    columns: np.ndarray,
    known: np.ndarray,
    owner: np.ndarray,
    least: int,
    thresholds: Thresholds,
) -> Products:
    """The products that patients show beside these target correlations; see `Products.of`."""
    basis = Basis.under(target, scores.shape[1])
    return Products.of(basis, scores, columns, known, owner, least, thresholds.product, thresholds.residual)


def solve(
    target: np.ndarray,
    scores: np.ndarray,
    center: np.ndarray,
    scale: np.ndarray,
    simulate: Callable[[Dependence], tuple[np.ndarray, np.ndarray]],
    products: Products | None = None,
) -> Dependence:
    """The latent law under which drawn columns have the target correlations.

    A correlation of levels or rounded numbers is weaker than that of their latents. So the latent correlations are
    corrected `_ROUNDS` times by the difference that a large draw shows.

    Parameters
    ----------
    scores : array (N, q)     of a large draw, standardised
    simulate : callable        takes a latent law; returns the columns (N, p) drawn with it, and where they are known
    products : Products        what three columns say together; their weights are corrected in the same way
    """
    count = scores.shape[1]
    among = correlations(scores, np.ones_like(scores, dtype=bool))[0] if count else np.zeros((0, 0))
    latent = target.copy()
    products = Products.none() if products is None else products
    basis = Basis.under(target, count)
    law, apart = _law(latent, among, center, scale, products), uncorrelated(scores, basis.root)
    for turn in range(_ROUNDS + (_MORE_ROUNDS if len(products) else 0)):
        columns, known = simulate(law)
        if len(products) and turn < _ROUNDS:
            products = products.corrected(basis, scores, columns, known, apart)
        both = np.column_stack([scores, columns])
        reached, _rows = correlations(both, np.column_stack([np.ones_like(scores, dtype=bool), known]))
        step = target - reached
        step[:count, :count] = 0.0
        latent = np.clip(latent + step, -_LARGEST, _LARGEST)
        np.fill_diagonal(latent, 1.0)
        law = _law(latent, among, center, scale, products)
    return law


def _law(
    latent: np.ndarray, among: np.ndarray, center: np.ndarray, scale: np.ndarray, products: Products
) -> Dependence:
    count = len(among)
    slopes = np.linalg.pinv(among) @ latent[:count, count:]
    noise = latent[count:, count:] - latent[count:, :count] @ slopes
    values, vectors = np.linalg.eigh((noise + noise.T) / 2)
    covariance = (vectors * np.clip(values, 1e-3, None)) @ vectors.T
    return Dependence(center, scale, slopes, np.linalg.cholesky(covariance), products)
