"""Covariates of each arm through a Gaussian copula: ladders met exactly, stated correlations by search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from heorsynth.core.errors import PaperError, Problem, nearest
from heorsynth.core.ranks import ranks
from heorsynth.published.covariates.columns import Column
from heorsynth.published.covariates.prior import Prior
from heorsynth.published.schema.document import Document

_STEPS, _SEARCHED = 15, 0.01
"""Most steps of the search for the latent correlation that gives a stated one, and how near it comes."""

_PAIRS, _EXCHANGES, _ROUNDS = 500, 10, 3
"""Pairs of patients whose exchange of a value is considered, exchanges for a correlation, and rounds over them all."""

_NEAR = 0.2
"""A stated correlation is met when it is within so much of half a unit of its last digit, or 0.002."""


@dataclass(frozen=True)
class Stated:
    """A stated correlation of two columns, by their places; of all patients if `arm` is empty."""

    fact: str
    places: tuple[int, int]
    value: float
    half: float
    kind: str
    arm: str


@dataclass(frozen=True)
class Drawn:
    """Covariates by arm.

    Attributes
    ----------
    values : dict       arm to values (n, k); levels are their places, NaN is missing
    correlation : array (k, k)    of the latent normal scores
    shapes : tuple of str         of each column
    """

    values: Mapping[str, np.ndarray]
    correlation: np.ndarray
    shapes: tuple[str, ...]


def stated_correlations(document: Document, columns: Sequence[Column]) -> tuple[Stated, ...]:
    """Return the correlations that a paper states. Raise PaperError for a name that is no column."""
    names, found, problems = [one.name for one in columns], [], []
    for index, one in enumerate(document.correlations):
        unknown = [name for name in one.between if name not in names]
        problems += [
            Problem(f"correlations.{index}", f"{name!r} is no column", nearest(name, names)) for name in unknown
        ]
        if not unknown and one.between[0] != one.between[1]:
            places = names.index(one.between[0]), names.index(one.between[1])
            fact = f"correlation.{index + 1}"
            found.append(Stated(fact, places, one.value.value, one.value.half, one.kind, one.arm or ""))
    if problems:
        raise PaperError(f"paper {document.title!r}", problems)
    return tuple(found)


def draw(
    columns: Sequence[Column],
    sizes: Mapping[str, int],
    stated: Sequence[Stated],
    prior: Prior,
    rng: np.random.Generator,
) -> Drawn:
    """Return covariates of arms of these sizes.

    Notes
    -----
    Latent scores of each arm are normal, with exactly the drawn correlation matrix (their sample is whitened). The
    patient with the i-th smallest score gets the i-th value of the column's ladder, so Table 1 is met whatever the
    correlation. That of the latent scores is moved by the error of the stated one until it is near. Where this leaves
    no positive definite matrix, the correlations that are not stated are shrunk. Then single pairs of patients of an
    arm exchange their value of the second column.
    """
    k = len(columns)
    latent, shapes = prior.correlations(k, rng), [""] * k
    base, ladders = {}, {}
    for arm, n in sizes.items():
        base[arm] = _whitened(rng.normal(size=(n, k)))
        for place, column in enumerate(columns):
            values, shape = column.ladder(arm, n, rng)
            ladders[arm, place] = values, rng.permutation(n)[: len(values)]
            shapes[place] = shapes[place] or shape
    moved = {one.fact: _latent(one) for one in stated}
    last: dict[str, tuple[float, float]] = {}
    best, least = None, math.inf
    for _ in range(_STEPS if stated else 1):
        matrix = _joined(latent, stated, moved)
        root = np.linalg.cholesky(matrix)
        placed = {arm: _placed(base[arm] @ root.T, ladders, arm) for arm in sizes}
        errors = {one.fact: one.value - correlation(placed, one) for one in stated}
        worst = max((abs(error) - _SEARCHED for error in errors.values()), default=-1.0)
        if worst < least:
            best, least = Drawn(placed, matrix, tuple(shapes)), worst
        if worst <= 0:
            break
        steps = {fact: _step(moved[fact], error, last.get(fact)) for fact, error in errors.items()}
        last = {fact: (moved[fact], error) for fact, error in errors.items()}
        moved = steps
    assert best is not None
    for one in list(stated) * (_ROUNDS if len(stated) > 1 else 1):
        _exchange(best.values, one, rng)
    return best


def correlation(values: Mapping[str, np.ndarray], one: Stated) -> float:
    """Return the correlation of two columns among the patients who have both; 0 where it is undefined."""
    rows = values[one.arm] if one.arm else np.concatenate(list(values.values()))
    pair = rows[:, list(one.places)]
    pair = pair[np.isfinite(pair).all(axis=1)]
    if one.kind == "spearman":
        pair = np.ascontiguousarray(ranks(pair.T).T)
    if len(pair) < 3 or (pair.std(axis=0) == 0).any():
        return 0.0
    return float(np.corrcoef(pair.T)[0, 1])


def _exchange(values: Mapping[str, np.ndarray], one: Stated, rng: np.random.Generator) -> None:
    """Exchanges values of the second column within arms, in `values`, until the correlation is met."""
    arms = [one.arm] if one.arm else list(values)
    where = np.repeat(np.arange(len(arms)), [len(values[arm]) for arm in arms])
    row = np.concatenate([np.arange(len(values[arm])) for arm in arms])
    rows = np.concatenate([values[arm][:, list(one.places)] for arm in arms])
    known = np.isfinite(rows).all(axis=1)
    where, row = where[known], row[known]
    pair = rows[known] if one.kind == "pearson" else np.ascontiguousarray(ranks(rows[known].T).T)
    if len(pair) < 3 or (pair.std(axis=0) == 0).any():
        return
    x, y = ((pair - pair.mean(axis=0)) / pair.std(axis=0)).T
    for _ in range(_EXCHANGES):
        error = one.value - float(np.mean(x * y))
        if abs(error) <= max(_NEAR * one.half, 0.002):
            return
        first, second = rng.integers(0, len(x), (2, _PAIRS))
        change = np.where(where[first] == where[second], (x[second] - x[first]) * (y[first] - y[second]) / len(x), 0.0)
        best = int(np.argmin(np.abs(error - change)))
        i, j = first[best], second[best]
        y[[i, j]] = y[[j, i]]
        held, column = values[arms[where[i]]], one.places[1]
        held[[row[i], row[j]], column] = held[[row[j], row[i]], column]


def scores(values: np.ndarray, columns: Sequence[Column]) -> list[np.ndarray]:
    """Return what effects apply to: normal scores (n,) of a number, indicators (n, levels); 0 where it is missing."""
    found = []
    for place, column in enumerate(columns):
        own = values[:, place]
        known = np.isfinite(own)
        if column.levels:
            found.append((own[:, None] == np.arange(len(column.levels))).astype(float))
            continue
        score = np.zeros(len(own))
        score[known] = special.ndtri((ranks(own[known]) - 0.5) / max(known.sum(), 1))
        found.append(score)
    return found


def _whitened(rows: np.ndarray) -> np.ndarray:
    """Rows with mean 0 and exactly the unit matrix as covariance; as they are where there are too few."""
    n, k = rows.shape
    if n <= k + 1 or not k:
        return rows
    centred = rows - rows.mean(axis=0)
    root = np.linalg.cholesky(centred.T @ centred / n)
    return np.asarray(np.linalg.solve(root, centred.T).T)


def _placed(
    latent: np.ndarray, ladders: Mapping[tuple[str, int], tuple[np.ndarray, np.ndarray]], arm: str
) -> np.ndarray:
    found = np.full(latent.shape, np.nan)
    for place in range(latent.shape[1]):
        values, rows = ladders[arm, place]
        found[rows[np.argsort(latent[rows, place], kind="stable")], place] = values
    return found


def _step(latent: float, error: float, last: tuple[float, float] | None) -> float:
    """The next latent correlation by the secant through this and the last one, whose error stands second."""
    slope = 1.0
    if last is not None and abs(latent - last[0]) > 1e-4:
        slope = min(max((last[1] - error) / (latent - last[0]), 0.25), 1.5)
    return float(np.clip(latent + error / slope, -0.995, 0.995))


def _latent(one: Stated) -> float:
    """The latent correlation to begin with."""
    value = min(max(one.value, -0.99), 0.99)
    return 2 * math.sin(math.pi * value / 6) if one.kind == "spearman" else value


def _joined(matrix: np.ndarray, stated: Sequence[Stated], moved: Mapping[str, float]) -> np.ndarray:
    """The drawn matrix with the stated correlations; the others are shrunk until it is positive definite, then all."""
    if not stated:
        return matrix
    off = matrix - np.eye(len(matrix))
    fixed = np.zeros_like(off)
    for one in stated:
        for place in (one.places, one.places[::-1]):
            fixed[place], off[place] = moved[one.fact], 0.0
    for share in (1.0, 0.8, 0.6, 0.4, 0.2, 0.0):
        found = np.eye(len(matrix)) + fixed + share * off
        if np.linalg.eigvalsh(found)[0] > 1e-4:
            return found
    lowest = float(np.linalg.eigvalsh(np.eye(len(matrix)) + fixed)[0])
    return np.eye(len(matrix)) + fixed * 0.999 / (1 - lowest)
