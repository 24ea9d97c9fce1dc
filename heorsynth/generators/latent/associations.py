"""The associations that a law keeps: dense for few latents, and as factors and blocks for many."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.generators.latent.dependence import (
    ExternalCorrelations,
    Spared,
    Thresholds,
    products_of,
    target_correlations,
)
from heorsynth.generators.latent.products import Products
from heorsynth.generators.latent.wide import MOST_DENSE, WideTarget, wide_target

_MOST_CORRELATED = 50_000
"""Correlations are taken of at most so many patients: their standard error is then below 0.005."""

Target = np.ndarray | WideTarget
"""The correlations that drawn columns are to have: a matrix (q + p, q + p), or factors and blocks."""


def correlated_patients(n: int, rng: np.random.Generator) -> np.ndarray:
    """The patients whose correlations are taken: all of n, or a sample of many."""
    return np.arange(n) if n <= _MOST_CORRELATED else np.sort(rng.choice(n, _MOST_CORRELATED, replace=False))


def require_dense(latents: int, **asked: bool) -> None:
    """Raise GeneratorError if an option that needs every correlation is asked of too many latent columns."""
    if latents <= MOST_DENSE:
        return
    found = f"it needs all correlations of {latents} latent columns, and {MOST_DENSE} is the most"
    fixes = {
        "keep": "name the covariates of your analyses: keep=['age', 'u0']",
        "borrow": "drop borrow",
        "cluster": "drop cluster",
    }
    problems = [
        Problem(name, found, f"{fixes.get(name, f'drop {name}')}, or drop columns")
        for name, one in asked.items()
        if one
    ]
    if problems:
        raise GeneratorError("generator 'heor'", problems)


def associations(
    scores: np.ndarray,
    held: np.ndarray,
    known: np.ndarray,
    owner: np.ndarray,
    bent: np.ndarray,
    n_cells: int,
    n_hazards: int,
    thresholds: Thresholds,
    least: int,
    rng: np.random.Generator,
    external: ExternalCorrelations | None = None,
    spared: Spared | None = None,
) -> tuple[Target, Products]:
    """The target correlations of scores and columns, and the products beside them.

    Parameters
    ----------
    scores : array (n, q)            standardised
    held, known : array (n, p)       the scores of the columns, and where they are known
    owner : array (p,)               the column that each belongs to
    bent : array (p,)                the same, -1 where no product moves the latent
    n_cells, n_hazards : int         number of indicators, and of martingale residuals, among the scores
    least : int                      patients to a product
    rng : Generator                  of the shuffled cohorts that tell what chance shows in many columns
    """
    shown = scores, held, known
    if len(owner) > MOST_DENSE:
        wide = wide_target(*shown, owner, n_cells, n_hazards, thresholds, rng, spared)
        return wide, wide.products(*shown, bent, least, thresholds)
    target = target_correlations(*shown, owner, n_cells, n_hazards, thresholds, external, spared)
    return target, products_of(target, *shown, bent, least, thresholds)
