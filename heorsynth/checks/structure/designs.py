"""The columns of many cohorts as one array of ranks and indicators, and the correlations of all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from heorsynth.core.ranks import ranks
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.arrays import Levels
from heorsynth.estimators.association import TINY

_CELLS = 250_000
"""Designs of about this many numbers are computed together: they stay in the processor's cache."""

_MANY = 5000
"""Cohorts of so many rows are ranked alone, through the coding of each column that other checks use too."""


def width(name: str, levels: Mapping[str, Sequence[str]]) -> int:
    """Return the number of columns of a design: one for a number or two levels, else one a level."""
    return 1 if name not in levels or len(levels[name]) == 2 else len(levels[name])


def designs(
    cohorts: Sequence[Cohort], names: Sequence[str], levels: Mapping[str, Sequence[str]]
) -> Iterator[np.ndarray]:
    """Yield the designs (b, n, k) of a few cohorts at a time: ranks of numbers, and indicators of levels.

    Parameters
    ----------
    cohorts : sequence of m Cohorts
    names : sequence of str      columns; NaN in a cohort that lacks one
    levels : dict                the levels of a column; columns that are not in it are numbers

    Notes
    -----
    A missing value is NaN. A cohort with fewer than n rows has rows of NaN at its end, which change no correlation.
    """
    widths = [width(name, levels) for name in names]
    columns = dict(zip(names, np.cumsum([0, *widths]).tolist(), strict=False))
    numeric = tuple(name for name in names if name not in levels)
    ranked = [columns[name] for name in numeric]
    step = max(1, _CELLS // max(sum(widths) * max(cohort.n for cohort in cohorts), 1))
    for begin in range(0, len(cohorts), step):
        several = cohorts[begin : begin + step]
        if len(several) == 1 and several[0].n >= _MANY:
            yield _one(several[0], names, levels, sum(widths))[None]
            continue
        made = np.full((len(several), sum(widths), max(cohort.n for cohort in several)), np.nan)
        for one, cohort in zip(made, several, strict=True):
            one[ranked, : cohort.n] = cohort.arrays.several_numbers(numeric)
            for name in (name for name in names if name in levels and cohort.has(name)):
                one[columns[name] : columns[name] + width(name, levels), : cohort.n] = _indicators(
                    cohort.coded(name), levels[name]
                )
        made[:, ranked] = ranks(made[:, ranked])
        yield made.swapaxes(1, 2)


def _one(cohort: Cohort, names: Sequence[str], levels: Mapping[str, Sequence[str]], columns: int) -> np.ndarray:
    """Return the design (n, k) of one cohort, the values of a column after each other."""
    made = np.empty((columns, cohort.n))
    tables = (table for name in names for table in _tables(cohort, name, levels))
    for row, (places, values) in zip(made, tables, strict=True):
        np.take(values, places, mode="wrap", out=row)  # a missing value has place -1, the last
    return made.T


def _tables(cohort: Cohort, name: str, levels: Mapping[str, Sequence[str]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each column of the design a code of each row (n,), and what stands there for each code (c,)."""
    if not cohort.has(name):
        yield from [(np.zeros(cohort.n, dtype=int), np.full(1, np.nan))] * width(name, levels)
    elif name in levels:
        held = cohort.coded(name)
        own = Levels(held.names, np.append(np.arange(len(held.names) - 1), -1))
        yield from ((held.codes, values) for values in _indicators(own, levels[name]))
    else:
        coded = cohort.arrays.distinct(name)
        yield coded.codes, coded.rank_of_code


def _indicators(held: Levels, wanted: Sequence[str]) -> np.ndarray:
    """Return the indicators (L, n) of levels; of two levels the second (1, n)."""
    places = held.among(wanted)
    shown = np.arange(len(wanted))[1 if len(wanted) == 2 else 0 :, None]
    return np.where(places < 0, np.nan, places == shown)


def correlations(design: np.ndarray) -> np.ndarray:
    """Return Pearson correlations (..., k, k) of the columns of designs (..., n, k); NaN without variation.

    Each is over the rows with both values known.
    """
    if np.isfinite(design.sum()):
        return np.array([_whole(one) for one in design.reshape(-1, *design.shape[-2:])]).reshape(
            *design.shape[:-2], design.shape[-1], design.shape[-1]
        )
    known = np.isfinite(design)
    seen = known.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        rows = seen.sum(axis=-2, keepdims=True)
        centred = np.where(known, design, 0.0)
        centred = np.where(known, centred - centred.sum(axis=-2, keepdims=True) / rows, 0.0)
        scaled = centred / np.sqrt((centred**2).sum(axis=-2, keepdims=True) / rows)
        across = scaled.swapaxes(-1, -2)
        count = seen.swapaxes(-1, -2) @ seen
        mean = across @ seen / count
        spread = across**2 @ seen / count - mean**2
        product = spread * spread.swapaxes(-1, -2)
        covariance = across @ scaled / count - mean * mean.swapaxes(-1, -2)
        return np.asarray(covariance / np.sqrt(np.where(product > TINY, product, np.nan)))


def _whole(design: np.ndarray) -> np.ndarray:
    """Return `correlations` (k, k) of a design (n, k) without missing values."""
    middle = design.mean(axis=0)
    product = np.zeros((design.shape[1], design.shape[1]))
    step = max(1, _CELLS // max(design.shape[1], 1))
    for begin in range(0, len(design), step):
        part = design[begin : begin + step] - middle
        product += part.T @ part
    product /= len(design)
    spread = np.diagonal(product)
    varies = (spread > 0)[:, None] & (spread > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(product / np.sqrt(np.where(varies, spread[:, None] * spread, np.nan)))
