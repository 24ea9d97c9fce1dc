"""Distributions of single columns, and missing values."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.core.distance import Gaps, Measure, average, largest
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.kept import kept
from heorsynth.checks.core.observed import columns, missing
from heorsynth.checks.core.question import Ask, Scope
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.structure.columns import compared_columns, distinct, is_numeric
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import POOLED
from heorsynth.data.folders.tally import Tally
from heorsynth.estimators.basics.proportions import proportion

DRAWS = 200
"""Bootstrap draws of the real cohort behind the floor of a distance, and draws behind its interval."""

_CHANCE = 3
"""Of so many expected rows there is none with a probability of 5%."""

_SEVERAL = 1000
"""A column with more different values than this is looked at no further to say that it has several."""

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
    group, label = ask.group, f"distribution of {name}"
    key = "marginal", name, ask.scope.standing.for_gaps
    n_known, told, lost, numbers = kept(group.real, group.synthetic, key, ask.rng, lambda: _distance(ask, name))
    if numbers is None:
        question = ask.question(label, column=name, n_real=n_known)
        return question.refuse("fewer than two known values in some cohort")
    if lost:
        return ask.question(label, column=name).answer(numbers, before=told)
    label += " (Kolmogorov-Smirnov)" if is_numeric(group.real, name) else " (total variation)"
    return ask.question(label, column=name).answer(numbers, after=told)


def _distance(ask: Ask, name: str) -> tuple[int, str, bool, Numbers | None]:
    """Return how many values are known, what is left of the column, whether it is lost, and the distance, if any."""
    group, rng, numeric = ask.group, ask.rng, is_numeric(ask.group.real, name)
    counts = (_counts_at_points if numeric else _counts_of_levels)((group.real, *group.synthetic), name)
    n_known = counts.sum(axis=1)
    if n_known.min() < 2:
        return int(n_known[0]), "", False, None
    lost, told = _left(ask, name, numeric)
    if lost:
        nothing = Numbers.of_distance(1.0, 1.0, 1.0, math.nan, [1.0] * len(group.synthetic))
        return int(n_known[0]), told, True, nothing
    if numeric:
        shares = np.cumsum(counts, axis=1)[:, :-1] / n_known[:, None]
        measure: Measure = largest
        cells = np.diff(np.concatenate([[0.0], shares[0], [1.0]]))
    else:
        shares = counts / n_known[:, None]
        measure, cells = _total_variation, shares[0]
    drawn = rng.multinomial(n_known[0], cells / cells.sum(), size=DRAWS) / n_known[0]
    if measure is largest:
        drawn = np.cumsum(drawn, axis=1)[:, :-1]
    real_noise = drawn - shares[0]
    gaps = Gaps.of(shares[1:] - shares[0], real_noise, rng, *ask.scope.standing.for_gaps)
    return int(n_known[0]), told, False, measure(gaps)


def _left(ask: Ask, name: str, numeric: bool) -> tuple[bool, str]:
    """Return whether one value of a column is left in the copies, and a sentence on what is left of it, or "".

    It is not said where it may be chance: copies drawn from the patients would have three rows or fewer with another
    value.
    """
    real, *copies = (_counted(one, name, numeric) for one in (ask.group.real, *ask.group.synthetic))
    left: set[Hashable] = set().union(*copies)
    if len(real) == 2 and POOLED in left and len(left & real.keys()) == 1:
        return False, f"; too few patients have its other level: it is written as {POOLED!r}"
    if len(real) < 2 or len(left) > 1:
        return False, ""
    others = 1 - sum(real.get(value, 0) for value in left) / sum(real.values())
    if others * sum(sum(copy.values()) for copy in copies) <= _CHANCE:
        return False, ""
    return True, "the patients' values differ, and the copies have one value: nothing of this column is left"


def _counted(cohort: Cohort, name: str, numeric: bool) -> Mapping[Hashable, int]:
    """Return the number of rows with each known value."""
    if not numeric:
        return cast(Mapping[Hashable, int], cohort.coded(name).counts) if cohort.has(name) else {}
    held = distinct(cohort, name)
    places = np.flatnonzero(held.counts)
    if len(places) > _SEVERAL:  # it is only asked whether they are several
        places = places[:_SEVERAL]
    return dict(zip(held.values[places].tolist(), held.counts[places].tolist(), strict=True))


def _counts_at_points(cohorts: Sequence[Cohort], name: str) -> np.ndarray:
    """Return how many values of each cohort (1 + m, 2 J + 1) lie below, at and between J points, and above them."""
    held = [distinct(cohort, name) for cohort in cohorts]
    n_real = held[0].n_known
    places = np.floor((n_real - 1) * np.linspace(0, 1, _GRID + 1)).astype(np.int64)
    points = np.unique(held[0].at(places) if n_real else np.zeros(1))
    found = []
    for one in held:
        up_to = np.concatenate([[0], np.cumsum(one.counts)])
        below, upto = (up_to[np.searchsorted(one.values, points, side=side)] for side in ("left", "right"))
        found.append(np.diff(np.column_stack([below, upto]).ravel(), prepend=0, append=up_to[-1]))
    return np.array(found)


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
    held = [
        (data, frozenset(data.missing) if isinstance(data, Tally) else data.arrays.names)
        for data in (real, *ask.scope.synthetic)
    ]

    def share(data: Observed, name: str) -> Estimate:
        return proportion(missing(data, name), data.n)

    return [
        ask.question(f"missing in {name}", column=name).judge(partial(share, name=name))
        for name in names
        if any(name in its and missing(data, name) for data, its in held)
    ]
