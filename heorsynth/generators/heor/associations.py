"""The associations that a law keeps: dense for few latents, and as factors and blocks for many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heorsynth.core.errors import GeneratorError, Problem
from heorsynth.engine.task import one_thread
from heorsynth.generators.heor.columns import ColumnLaw, bent_by
from heorsynth.generators.latent.dependence import (
    ExternalCorrelations,
    Spared,
    Thresholds,
    products_of,
    target_correlations,
)
from heorsynth.generators.latent.products import Products
from heorsynth.generators.latent.wide import MOST_DENSE, WideTarget, wide_target
from heorsynth.generators.protection.guard import Guard, Noise

_MOST_CORRELATED = 50_000
"""Correlations are taken of at most so many patients: their standard error is then below 0.005."""

Target = np.ndarray | WideTarget
"""The correlations that drawn columns are to have: a matrix (q + p, q + p), or factors and blocks."""


def correlated_patients(n: int, rng: np.random.Generator, guard: Guard | None, noise: Noise | None) -> np.ndarray:
    """The patients whose correlations are taken: all, or a sample of many; with noise, some more often than others."""
    seen = np.arange(n) if n <= _MOST_CORRELATED else np.sort(rng.choice(n, _MOST_CORRELATED, replace=False))
    return seen if guard is None or noise is None else np.repeat(seen, guard.repeats("ties", len(seen), noise.ties))


def is_wide(columns: Sequence[ColumnLaw]) -> bool:
    """True if these columns have more latents than one dense covariance is made for."""
    return sum(column.width for column in columns) > MOST_DENSE


def require_dense(columns: Sequence[ColumnLaw], **asked: bool) -> None:
    """Raise GeneratorError if an option that needs every correlation is asked of too many columns."""
    if not is_wide(columns):
        return
    latents = sum(column.width for column in columns)
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
    columns: Sequence[ColumnLaw],
    n_cells: int,
    n_hazards: int,
    thresholds: Thresholds,
    least: int,
    fixed: Sequence[str],
    rng: np.random.Generator,
    external: ExternalCorrelations | None = None,
    spared: Spared | None = None,
) -> tuple[Target, Products]:
    """The target correlations of scores and columns, and the products beside them.

    Parameters
    ----------
    scores : array (n, q)            standardised
    held, known : array (n, p)       the scores of the columns, and where they are known
    n_cells, n_hazards : int         number of indicators, and of martingale residuals, among the scores
    least : int                      patients to a product
    fixed : sequence of str          columns that no product moves
    rng : Generator                  of the shuffled cohorts that tell what chance shows in many columns
    """
    owner = np.repeat(np.arange(len(columns)), [column.width for column in columns])
    shown = scores, held, known
    bent = bent_by(columns, fixed)
    if is_wide(columns):
        with one_thread():
            wide = wide_target(*shown, owner, n_cells, n_hazards, thresholds, rng, spared)
            return wide, wide.products(*shown, bent, least, thresholds)
    target = target_correlations(*shown, owner, n_cells, n_hazards, thresholds, external, spared)
    return target, products_of(target, *shown, bent, least, thresholds)
