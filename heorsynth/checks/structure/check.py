"""Distributions of single columns, and missing values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from heorsynth.checks.core.distance import Gaps, Measure, average, largest
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.observed import Observed, columns, missing
from heorsynth.checks.core.question import Ask, Scope
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.structure.columns import compared_columns, is_numeric, numbers
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import POOLED
from heorsynth.data.folders.tally import Tally
from heorsynth.estimators.basics.proportions import proportion

DRAWS = 200
"""Bootstrap draws of the real cohort behind the floor of a distance, and draws behind its interval."""

_CHANCE = 3
"""Of so many expected rows there is none with a probability of 5%."""

_GRID = 100
"""Numeric distributions are compared at this many quantiles of the real column."""


def check(scope: Scope) -> list[Finding]:
    """Return the findings on distributions, associations and missingness; for tallies, only on missingness."""
    return [finding for ask in scope.asks() for finding in ask.estimand.answer(ask)]


def marginals(ask: Ask) -> list[Finding]:
    """Return the distance between the real and the synthetic distribution of each column, without missing values."""
    return [_marginal(ask, name) for name in compared_columns(ask.scope.real)]


def _marginal(ask: Ask, name: str) -> Finding:
    """Return the finding on one column.

    Notes
    -----
    Kolmogorov-Smirnov: the largest distance between the distribution functions, at up to 101 quantiles of the real
    column and just before each of them. So a spike at a value that no real patient has is detected. Total variation:
    half the sum of the absolute differences between the shares of the levels. A column of which one value is left has
    the distance 1, however few patients have another.
    """
    group, rng, label = ask.group, ask.rng, f"distribution of {name}"
    numeric = is_numeric(group.real, name)
    counts = (_counts_at_points if numeric else _counts_of_levels)((group.real, *group.synthetic), name)
    n_known = counts.sum(axis=1)
    if n_known.min() < 2:
        question = ask.question(label, column=name, n_real=int(n_known[0]))
        return question.refuse("fewer than two known values in some cohort")
    lost, told = _left(ask, name, numeric)
    if lost:
        nothing = Numbers.of_distance(1.0, 1.0, 1.0, math.nan, [1.0] * len(group.synthetic))
        return ask.question(label, column=name).answer(nothing, before=told)
    if numeric:
        shares = np.cumsum(counts, axis=1)[:, :-1] / n_known[:, None]
        label = f"{label} (Kolmogorov-Smirnov)"
        measure: Measure = largest
        cells = np.diff(np.concatenate([[0.0], shares[0], [1.0]]))
    else:
        shares = counts / n_known[:, None]
        label, measure = f"{label} (total variation)", _total_variation
        cells = shares[0]
    drawn = rng.multinomial(n_known[0], cells / cells.sum(), size=DRAWS) / n_known[0]
    if measure is largest:
        drawn = np.cumsum(drawn, axis=1)[:, :-1]
    real_noise = drawn - shares[0]
    gaps = Gaps.of(shares[1:] - shares[0], real_noise, rng, *ask.scope.standing.for_gaps)
    return ask.question(label, column=name).answer(measure(gaps), after=told)


def _left(ask: Ask, name: str, numeric: bool) -> tuple[bool, str]:
    """Return whether one value of a column is left in the copies, and a sentence on what is left of it, or "".

    It is not said where it may be chance: copies drawn from the patients would have three rows or fewer with another
    value.
    """
    held = [numbers(one, name) if numeric else one.levels(name) for one in (ask.group.real, *ask.group.synthetic)]
    real, *copies = (one[~np.isnan(one)] if numeric else one[one != ""].astype(str) for one in held)
    left = np.unique(drawn := np.concatenate(copies))
    values = np.unique(real)
    if len(values) == 2 and POOLED in left and len(np.intersect1d(values, left)) == 1:
        return False, f"; too few patients have its other level: it is written as {POOLED!r}"
    others = float(np.mean(~np.isin(real, left)))
    if len(values) < 2 or len(left) > 1 or others * len(drawn) <= _CHANCE:
        return False, ""
    return True, "the patients' values differ, and the copies have one value: nothing of this column is left"


def _counts_at_points(cohorts: Sequence[Cohort], name: str) -> np.ndarray:
    """Return how many values of each cohort (1 + m, 2 J + 1) lie below, at and between J points, and above them."""
    held = [numbers(cohort, name) for cohort in cohorts]
    real = held[0][~np.isnan(held[0])] if not np.isnan(held[0]).all() else np.zeros(1)
    points = np.unique(np.quantile(real, np.linspace(0, 1, _GRID + 1), method="lower"))
    values, row = np.concatenate(held), np.repeat(np.arange(len(held)), [len(one) for one in held])
    known = ~np.isnan(values)
    cell = sum(np.searchsorted(points, values[known], side=side) for side in ("left", "right"))
    n_cells = 2 * len(points) + 1
    return np.bincount(row[known] * n_cells + cell, minlength=len(held) * n_cells).reshape(len(held), n_cells)


def _counts_of_levels(cohorts: Sequence[Cohort], name: str) -> np.ndarray:
    """Return the number of rows of each cohort with each level (1 + m, L)."""
    held = [cohort.coded(name).counts if cohort.has(name) else {} for cohort in cohorts]
    levels = sorted(set().union(*held))
    return np.array([[counts.get(level, 0) for level in levels] for counts in held], dtype=int)


def _total_variation(gaps: Gaps) -> Numbers:
    return average(gaps, np.full(gaps.each.shape[1], 0.5))


def missingness(ask: Ask) -> list[Finding]:
    """Return the share of missing values of each column that has any in some cohort."""
    real = ask.scope.real
    names = columns(real) if isinstance(real, Tally) else compared_columns(real)
    held = [(data, frozenset(columns(data))) for data in (real, *ask.scope.synthetic)]

    def share(data: Observed, name: str) -> Estimate:
        return proportion(missing(data, name), data.n)

    return [
        ask.question(f"missing in {name}", column=name).judge(partial(share, name=name))
        for name in names
        if any(name in its and missing(data, name) for data, its in held)
    ]
