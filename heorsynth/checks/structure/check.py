"""Do the columns look and move together as they do in the real cohort?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.checks.core.distance import average, distance_finding, largest, with_synthesis
from heorsynth.checks.core.finding import Finding, not_estimable
from heorsynth.checks.core.groups import ALL, Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed, columns, missing
from heorsynth.checks.core.scalar import compare
from heorsynth.checks.structure.columns import compared_columns, is_numeric, paired_columns
from heorsynth.checks.structure.joint import (
    DISTANCES,
    associations,
    conditional_associations,
    joint_ranks,
    told_apart,
)
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text
from heorsynth.data.folders.tally import Tally
from heorsynth.estimators.proportions import proportion

DRAWS = 200
"""Bootstrap draws of the real cohort behind the interval of a distance."""

GRID = 100
"""A numeric distribution is compared at this many quantiles of the real column."""


def check(
    real: Any,
    synthetic: Sequence[Any],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
) -> list[Finding]:
    """Findings on marginals, associations and missingness, as far as `margins` asks; of tallies the last alone."""
    group = Group("all", ALL, real, tuple(synthetic))
    names = columns(real) if isinstance(real, Tally) else compared_columns(real)
    paired = names if isinstance(real, Tally) else paired_columns(real)
    found: list[Finding] = []
    if "structure.marginals" in margins:
        found += [marginal(group, name, margins["structure.marginals"], rng) for name in names]
    if asked := {key: margins[key] for key in DISTANCES if key in margins}:
        found += associations(group, paired, asked, rng)
    if margin := margins.get("structure.conditional_associations"):
        found += conditional_associations(real, synthetic, paired, margin, rng)
    if margin := margins.get("structure.joint_ranks"):
        found += joint_ranks(real, synthetic, margin)
    if margin := margins.get("structure.propensity"):
        found.append(told_apart(group, paired, margin))
    if "structure.missingness" in margins:
        found += [
            missingness(group, name, margins["structure.missingness"])
            for name in names
            if any(name in columns(data) and missing(data, name) for data in (real, *synthetic))
        ]
    return found


def marginal(group: Group, name: str, margin: Margin, rng: np.random.Generator) -> Finding:
    """How far the distribution of one column is from the real one, missing values left out.

    Notes
    -----
    Kolmogorov-Smirnov: the largest distance between the distribution functions, at up to 101 quantiles of the real
    column and just before each, so that a spike moved to a value nobody real has is seen. Total variation: half the sum
    of the distances between the shares of the levels.
    """
    label = f"distribution of {name}"
    known = [
        cohort.rows[name].dropna() if name in cohort.rows else pd.Series(dtype=object)
        for cohort in (group.real, *group.synthetic)
    ]
    if min(map(len, known)) < 2:
        return replace(
            not_estimable(
                "structure", label, "all", "fewer than two known values in some cohort", margin, n_real=len(known[0])
            ),
            key="structure.marginals",
        )
    if is_numeric(group.real, name):
        numbers = [column.to_numpy(float) for column in known]
        points = np.unique(np.quantile(numbers[0], np.linspace(0, 1, GRID + 1), method="lower"))
        shares = np.array([_below_and_upto(np.sort(values), points) for values in numbers])
        label, measure = f"{label} (Kolmogorov-Smirnov)", largest
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
    sizes = np.mean([len(column) for column in known[1:]])
    noise = with_synthesis(real_noise, shares[1:], len(known[0]) / float(sizes), rng)
    return distance_finding(
        "structure.marginals", label, group, measure(shares[1:].mean(axis=0) - shares[0], noise, real_noise), margin
    )


def _below_and_upto(ordered: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Both limits of the distribution function at each of J points, F(x-) and F(x) in turn (2 J,)."""
    sides = [np.searchsorted(ordered, points, side="left"), np.searchsorted(ordered, points, side="right")]
    both: np.ndarray = np.column_stack(sides).ravel() / len(ordered)
    return both


def _total_variation(gaps: np.ndarray, noise: np.ndarray, real_noise: np.ndarray) -> tuple[float, float, float, float]:
    return average(gaps, noise, real_noise, np.full(len(gaps), 0.5))


def missingness(group: Group, name: str, margin: Margin) -> Finding:
    """The share of a column that is missing."""

    def share(data: Observed) -> Estimate:
        return proportion(missing(data, name), data.n)

    return compare("structure.missingness", f"missing in {name}", group, share, margin)
