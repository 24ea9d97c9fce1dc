"""Distributions of single columns, and missing values."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from heorsynth.checks.core.distance import Gaps, Measure, average, largest
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.observed import Observed, columns, missing
from heorsynth.checks.core.question import Ask, Scope
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.structure.columns import compared_columns, is_numeric
from heorsynth.core.estimate import Estimate
from heorsynth.data.columns.levels import as_text
from heorsynth.data.folders.tally import Tally
from heorsynth.estimators.basics.proportions import proportion

DRAWS = 200
"""Bootstrap draws of the real cohort behind the floor of a distance, and draws behind its interval."""

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
    half the sum of the absolute differences between the shares of the levels.
    """
    group, rng, label = ask.group, ask.rng, f"distribution of {name}"
    known = [
        cohort.rows[name].dropna() if name in cohort.rows else pd.Series(dtype=object)
        for cohort in (group.real, *group.synthetic)
    ]
    if min(map(len, known)) < 2:
        question = ask.question(label, column=name, n_real=len(known[0]))
        return question.refuse("fewer than two known values in some cohort")
    if is_numeric(group.real, name):
        numbers = [column.to_numpy(float) for column in known]
        points = np.unique(np.quantile(numbers[0], np.linspace(0, 1, _GRID + 1), method="lower"))
        shares = np.array([_below_and_upto(np.sort(values), points) for values in numbers])
        label = f"{label} (Kolmogorov-Smirnov)"
        measure: Measure = largest
        cells = np.diff(np.concatenate([[0.0], shares[0], [1.0]]))
    else:
        texts = [as_text(column) for column in known]
        levels = sorted(set().union(*(set(column) for column in texts)))
        shares = np.array([column.value_counts(normalize=True).reindex(levels).fillna(0.0) for column in texts])
        label, measure = f"{label} (total variation)", _total_variation
        cells = shares[0]
    drawn = rng.multinomial(len(known[0]), cells / cells.sum(), size=DRAWS) / len(known[0])
    if measure is largest:
        drawn = np.cumsum(drawn, axis=1)[:, :-1]
    real_noise = drawn - shares[0]
    gaps = Gaps.of(shares[1:] - shares[0], real_noise, rng, *ask.scope.standing.for_gaps)
    return ask.question(label, column=name).answer(measure(gaps))


def _below_and_upto(ordered: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the distribution function just before and at each of J points: F(x-), F(x), alternating (2 J,)."""
    sides = [np.searchsorted(ordered, points, side="left"), np.searchsorted(ordered, points, side="right")]
    both: np.ndarray = np.column_stack(sides).ravel() / len(ordered)
    return both


def _total_variation(gaps: Gaps) -> Numbers:
    return average(gaps, np.full(gaps.each.shape[1], 0.5))


def missingness(ask: Ask) -> list[Finding]:
    """Return the share of missing values of each column that has any in some cohort."""
    real = ask.scope.real
    names = columns(real) if isinstance(real, Tally) else compared_columns(real)

    def share(data: Observed, name: str) -> Estimate:
        return proportion(missing(data, name), data.n)

    return [
        ask.question(f"missing in {name}", column=name).judge(partial(share, name=name))
        for name in names
        if any(name in columns(data) and missing(data, name) for data in (real, *ask.scope.synthetic))
    ]
