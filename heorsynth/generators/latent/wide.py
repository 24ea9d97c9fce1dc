"""The dependence between many columns: a few common factors, and blocks of columns that depend on one another.

With more columns than patients, most pairs that a sample shows are chance. So only what patients show beyond chance,
over all pairs together, is kept; the rest of the columns is independent, given the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from heorsynth.generators.latent.blocks import joined, pairs_beyond_chance
from heorsynth.generators.latent.dependence import Spared, Thresholds, correlations, james_stein
from heorsynth.generators.latent.factors import factors_of, standardised, without_factors
from heorsynth.generators.latent.products import Basis, Products

MOST_DENSE = 300
"""More latents than this have factors and blocks; fewer have one dense covariance. A block has no more either.

The dense form takes a minute for 300 latents, and its time grows with the cube of their number. Factors and blocks keep
more of a planted truth and invent less at every size (benchmarks/wide.py), but narrow cohorts keep the rows that they
have had.
"""

_ROUNDS = 3
"""Number of corrections of the latent correlations; each takes into account by how much a column weakens them."""

_WEAKEST = 0.3
"""A column is taken to weaken the correlation of its latent to this share at most."""

_LEAST_RUN, _FLATTEST, _STEEPEST = 0.02, 0.3, 2.0
"""Least move of a latent correlation from which a slope is taken, and the slopes that are believed."""

_LARGEST = 0.98
"""Largest latent correlation."""


@dataclass(frozen=True)
class Block:
    """Places (b,) of latents, and a matrix (b, b): their correlations, or a Cholesky factor of their covariance."""

    places: np.ndarray
    matrix: np.ndarray

    def moved(self, size: int, rng: np.random.Generator) -> Block:
        """The Cholesky factor of the covariance in a sample of so many rows; the same if they are too few for it."""
        if size <= 2 * len(self.places):
            return self
        drawn = rng.standard_normal((size, len(self.places))) @ self.matrix.T
        return replace(self, matrix=np.linalg.cholesky(drawn.T @ drawn / size))

    def to_dict(self) -> dict[str, Any]:
        lower = np.tril_indices(len(self.places))
        return {"places": self.places.tolist(), "factor": self.matrix[lower].tolist()}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Block:
        """The block that `to_dict` wrote: the matrix is lower triangular."""
        places = np.array(facts["places"], dtype=int)
        matrix = np.zeros((len(places), len(places)))
        matrix[np.tril_indices(len(places))] = facts["factor"]
        return cls(places, matrix)


@dataclass(frozen=True)
class WideTarget:
    """The correlations that drawn columns are to have.

    Attributes
    ----------
    root : array (q, q)       Cholesky factor of the correlations of the scores
    ties : array (q, p)       correlations of scores and columns
    loadings : array (k, p)   correlations of factors and columns
    blocks : tuple of Block   correlations of the columns of a block
    """

    root: np.ndarray
    ties: np.ndarray
    loadings: np.ndarray
    blocks: tuple[Block, ...]

    @property
    def basis(self) -> Basis:
        """The scores made uncorrelated, and what is left of each column given them."""
        free = np.linalg.solve(self.root, self.ties) if len(self.root) else self.ties
        return Basis(self.root, free, np.sqrt(np.clip(1 - (free**2).sum(axis=0), 1e-3, None)))

    def products(
        self,
        scores: np.ndarray,
        columns: np.ndarray,
        known: np.ndarray,
        owner: np.ndarray,
        least: int,
        thresholds: Thresholds,
    ) -> Products:
        """The products of two scores that patients show beyond chance; see `Products.of`."""
        return Products.of(self.basis, scores, columns, known, owner, least, thresholds.product, thresholds.residual)


@dataclass(frozen=True)
class WideDependence:
    """Latents = scores · slopes + factors · loadings + noise, which is correlated within blocks only.

    Attributes
    ----------
    center, scale : array (q,)     of the scores in the source
    slopes : array (q, p)
    loadings : array (k, p)
    spread : array (p,)            standard deviation of the noise
    blocks : tuple of Block        Cholesky factors of the noise's covariance
    products : Products            what two scores and a column say together
    """

    center: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray
    loadings: np.ndarray
    spread: np.ndarray
    blocks: tuple[Block, ...]
    products: Products = field(default_factory=Products.none)

    def latents(self, scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Latents (n, p) for rows with these scores (n, q).

        With enough rows for a block, its noise is made exactly uncorrelated with scores and factors and within the
        block. Then the correlations of a cohort do not deviate from the law by chance.
        """
        standard = (scores - self.center) / self.scale
        factors = drawn_factors(standard, len(self.loadings), rng)
        noise = rng.standard_normal((len(scores), len(self.spread)))
        taken = standard.shape[1] + factors.shape[1]
        if _enough(len(scores), 1 + taken):
            noise = _unit(_apart(noise, np.column_stack([standard, factors])))
        for block in self.blocks:
            mine = noise[:, block.places]
            if _enough(len(scores), len(block.places) + taken):
                mine = _white(mine)
            noise[:, block.places] = mine @ block.matrix.T
        single = np.ones(len(self.spread), dtype=bool)
        single[[place for block in self.blocks for place in block.places]] = False
        noise[:, single] *= self.spread[single]
        noise += factors @ self.loadings
        if len(self.products):
            whole = np.sqrt((self.loadings**2).sum(axis=0) + self.spread**2)
            noise = self.products.moved(standard, noise / whole) * whole
        return np.asarray(standard @ self.slopes + noise)

    def moved(self, patients: int, spread: float, rng: np.random.Generator) -> WideDependence:
        """The same law with slopes, loadings and the covariance of blocks moved by chance.

        They are moved `spread` times as far as another sample of so many patients would move them. Where there are
        too few patients for the covariance of a block, it stays.
        """
        size = int(patients / spread**2) if spread > 0 else 0
        if not size or not len(self.spread):
            return self
        products = self.products.jittered(size, rng) if len(self.products) else self.products
        noise = rng.standard_normal(self.slopes.shape)
        factors = rng.standard_normal((len(noise), len(self.loadings)))
        covered = noise * self.spread
        for block in self.blocks:
            covered[:, block.places] = noise[:, block.places] @ block.matrix.T
        blocks = [block.moved(size, rng) for block in self.blocks]
        slopes = self.slopes + (factors @ self.loadings + covered) / np.sqrt(size)
        loadings = self.loadings + rng.standard_normal(self.loadings.shape) * self.spread / np.sqrt(size)
        return replace(self, slopes=slopes, loadings=loadings, blocks=tuple(blocks), products=products)

    def to_dict(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in ("center", "scale", "slopes", "loadings", "spread")}
        products = {"products": self.products.to_dict()} if len(self.products) else {}
        return arrays | {"blocks": [block.to_dict() for block in self.blocks]} | products

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> WideDependence:
        center, scale, spread = (np.array(facts[name], dtype=float) for name in ("center", "scale", "spread"))
        slopes, loadings = (
            np.array(facts[name], dtype=float).reshape(len(facts[name]), len(spread)) for name in ("slopes", "loadings")
        )
        products = Products.from_dict(facts["products"]) if "products" in facts else Products.none()
        return cls(center, scale, slopes, loadings, spread, tuple(map(Block.from_dict, facts["blocks"])), products)


def wide_target(
    scores: np.ndarray,
    columns: np.ndarray,
    known: np.ndarray,
    owner: np.ndarray,
    n_cells: int,
    n_hazards: int,
    thresholds: Thresholds,
    rng: np.random.Generator,
    spared: Spared | None = None,
) -> WideTarget:
    """The correlations that drawn columns are to have: those of the source, as far as they are beyond chance.

    Parameters
    ----------
    scores : array (n, q)       indicators of cells, then martingale residuals, then the rest
    columns : array (n, p)      the scores of the columns; `known` (n, p) says where they are known
    owner : array (p,)          the column that each belongs to; correlations within a column are not shrunk
    n_cells, n_hazards : int    number of indicators, and of martingale residuals, among the scores
    spared : Spared, optional   the correlations that are not shrunk

    Notes
    -----
    1. Ties of columns with scores are shrunk one by one, as in the dense form.
    2. Of what is left, the factors are taken (`factors_of`), then the pairs beyond chance (`pairs_beyond_chance`).
    3. Pairs join columns to blocks (`joined`). In a block, a pair is kept if it is beyond chance, or if both of its
       columns are, with a third one. Kept pairs are shrunk like those of the dense form.

    References
    ----------
    Fan, Liao & Mincheva (2013) JRSS B 75:603: factors, then a covariance of the rest with few entries.
    """
    count = scores.shape[1]
    held, seen = standardised(columns, known), known.sum(axis=0)
    root = np.linalg.cholesky(correlations(scores, np.ones_like(scores, dtype=bool))[0] + 1e-9 * np.eye(count))
    ties = np.linalg.solve(root, _tied(scores, held, known))
    limits = np.full(count, thresholds.score)
    limits[n_cells : n_cells + n_hazards] = thresholds.hazard
    bounds = limits[:, None] if spared is None else np.where(spared.ties, 0.0, limits[:, None])
    kept = james_stein(ties, seen[None, :], bounds)
    rest = standardised(held - np.linalg.solve(root, scores.T).T @ ties, known)
    loadings = factors_of(rest, known, owner, rng)
    rest = without_factors(rest, known, len(loadings))
    lost = 1 + count + len(loadings)
    one, other, strength = pairs_beyond_chance(rest, known, owner, lost, rng)
    start = owner if spared is None else np.where(spared.partial.any(axis=0), -1, owner)
    left = np.sqrt(np.clip(1 - (kept**2).sum(axis=0), 1e-3, None))
    own = np.sqrt(1 - (loadings**2).sum(axis=0))
    blocks = []
    for places in joined(len(owner), one, other, strength, MOST_DENSE, start):
        partial, rows = correlations(rest[:, places], known[:, places])
        shrunk = james_stein(partial, rows, thresholds.residual)
        free = owner[places][:, None] == owner[places][None, :]
        free |= False if spared is None else spared.partial[np.ix_(places, places)]
        partial = np.where(free, partial, np.where(_near(places, one, other), shrunk, 0.0))
        partial = loadings[:, places].T @ loadings[:, places] + partial * np.outer(own[places], own[places])
        matrix = kept[:, places].T @ kept[:, places] + partial * np.outer(left[places], left[places])
        np.fill_diagonal(matrix, 1.0)
        blocks.append(Block(places, matrix))
    return WideTarget(root, root @ kept, loadings * left, tuple(blocks))


def solve_wide(
    target: WideTarget,
    scores: np.ndarray,
    center: np.ndarray,
    scale: np.ndarray,
    drawn: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    seed: int,
    products: Products,
) -> WideDependence:
    """The latent law under which drawn columns have the target correlations.

    Parameters
    ----------
    scores : array (N, q)     of a large draw, standardised
    drawn : callable          takes latents; returns the columns (N, p) drawn from them, and where they are known
    seed : int                of the noise of the large draw
    products : Products       what two scores and a column say together; their weights are corrected in the same way
    """
    count = scores.shape[1]
    among = correlations(scores, np.ones_like(scores, dtype=bool))[0] if count else np.zeros((0, 0))
    factors = drawn_factors(scores, len(target.loadings), np.random.default_rng(seed))
    beside = np.column_stack([scores, factors])
    wanted = np.vstack([target.ties, target.loadings])
    ties, blocks, basis = wanted, target.blocks, target.basis
    law = _law(ties, blocks, among, center, scale, products)
    before: list[tuple[np.ndarray, np.ndarray] | None] = [None] * len(blocks)
    for _ in range(_ROUNDS):
        latents = law.latents(scores * scale + center, np.random.default_rng(seed))
        columns, known = drawn(latents)
        if len(products):
            products = products.corrected(basis, scores, columns, known)
        held = standardised(columns, known)
        kept = np.clip((held * standardised(latents, known)).sum(axis=0) / known.sum(axis=0).clip(1), _WEAKEST, 1.0)
        ties = np.clip(ties + (wanted - _tied(beside, held, known)) / kept, -_LARGEST, _LARGEST)
        found = [correlations(columns[:, one.places], known[:, one.places])[0] for one in blocks]
        after = [
            _corrected(now, to, reached, last, kept)
            for now, to, reached, last in zip(blocks, target.blocks, found, before, strict=True)
        ]
        before = [(one.matrix, reached) for one, reached in zip(blocks, found, strict=True)]
        blocks = tuple(after)
        law = _law(ties, blocks, among, center, scale, products)
    return law


def drawn_factors(standard: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Standard normal factors (n, k) for rows with these standardised scores (n, q).

    With enough rows, they are made exactly uncorrelated with the scores and with one another.
    """
    factors = rng.standard_normal((len(standard), count))
    if count and _enough(len(standard), count + standard.shape[1]):
        factors = _white(_apart(factors, standard))
    return factors


def _law(
    ties: np.ndarray,
    blocks: Sequence[Block],
    among: np.ndarray,
    center: np.ndarray,
    scale: np.ndarray,
    products: Products,
) -> WideDependence:
    """The law with these correlations of latents with scores and factors, and with one another."""
    slopes, loadings = np.linalg.pinv(among) @ ties[: len(among)], ties[len(among) :]
    shared = (ties[: len(among)] * slopes).sum(axis=0) + (loadings**2).sum(axis=0)
    spread = np.sqrt(np.clip(1 - shared, 1e-3, None))
    made = []
    for block in blocks:
        mine = block.places
        noise = block.matrix - ties[: len(among), mine].T @ slopes[:, mine] - loadings[:, mine].T @ loadings[:, mine]
        values, vectors = np.linalg.eigh((noise + noise.T) / 2)
        factor = np.linalg.cholesky((vectors * np.clip(values, 1e-3, None)) @ vectors.T)
        made.append(Block(mine, factor))
        spread[mine] = np.sqrt((factor**2).sum(axis=1))
    return WideDependence(center, scale, slopes, loadings, spread, tuple(made), products)


def _corrected(
    now: Block, to: Block, reached: np.ndarray, before: tuple[np.ndarray, np.ndarray] | None, kept: np.ndarray
) -> Block:
    """The latent correlations of a block, moved by what its drawn columns lack of the target.

    A step is divided by the slope of drawn on latent correlations: the secant through this round and the one before,
    whose matrices and drawn correlations are `before`; in the first round a guess that no column overshoots.
    """
    kept = kept[now.places]
    slope = np.sqrt(np.outer(kept, kept))
    if before is not None:
        run = now.matrix - before[0]
        rise = np.divide(reached - before[1], run, out=slope.copy(), where=np.abs(run) > _LEAST_RUN)
        slope = np.clip(rise, _FLATTEST, _STEEPEST)
    matrix = np.clip(now.matrix + (to.matrix - reached) / slope, -_LARGEST, _LARGEST)
    np.fill_diagonal(matrix, 1.0)
    return replace(now, matrix=matrix)


def _tied(scores: np.ndarray, held: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Correlations (q, p) of scores (n, q) with standardised columns (n, p), over the rows in which these are known."""
    centred, weights = scores - scores.mean(axis=0), known.astype(float)
    spread = np.sqrt((centred**2).T @ weights * weights.sum(axis=0))
    found = np.divide(centred.T @ held, spread, out=np.zeros(spread.shape), where=spread > 0)
    return np.asarray(np.clip(found, -1.0, 1.0))


def _near(places: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The pairs (b, b) of a block that are beyond chance, or whose two columns are with a third one."""
    where = np.full(max(int(places.max()), int(max(first.max(initial=0), second.max(initial=0)))) + 1, -1)
    where[places] = np.arange(len(places))
    one, other = where[first], where[second]
    inside = (one >= 0) & (other >= 0)
    shown = np.eye(len(places), dtype=np.float32)
    shown[one[inside], other[inside]] = shown[other[inside], one[inside]] = 1
    return np.asarray(shown @ shown > 0)


def _enough(rows: int, columns: int) -> bool:
    """True if so many rows can be made uncorrelated in so many columns without becoming alike."""
    return rows > 2 * columns + 10


def _apart(noise: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Noise (n, p) without its mean and without what it shares with a design (n, d)."""
    left, sizes, _ = np.linalg.svd(np.column_stack([np.ones(len(design)), design]), full_matrices=False)
    left = left[:, sizes > 1e-9 * sizes[0]]
    return np.asarray(noise - left @ (left.T @ noise))


def _unit(noise: np.ndarray) -> np.ndarray:
    return np.asarray(noise / np.sqrt((noise**2).mean(axis=0)))


def _white(noise: np.ndarray) -> np.ndarray:
    """Noise (n, p) that is exactly uncorrelated between columns, with mean square 1."""
    return np.asarray(np.linalg.solve(np.linalg.cholesky(noise.T @ noise / len(noise)), noise.T).T)
