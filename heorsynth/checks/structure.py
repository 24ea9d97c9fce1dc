"""Do the columns look and move together as they do in the real cohort?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.checks.comparison import compare
from heorsynth.checks.distance import average, distance_finding, largest, with_synthesis
from heorsynth.checks.finding import Finding, not_estimable
from heorsynth.checks.groups import ALL, Group
from heorsynth.checks.margin import Margin
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort import Cohort
from heorsynth.data.domain import MAX_LEVELS
from heorsynth.data.levels import as_text
from heorsynth.estimators.proportions import proportion

DRAWS = 200
"""Bootstrap draws of the real cohort behind the interval of a distance."""

TINY = 1e-12
"""A product of two variances, of columns scaled to 1, that is no variation at all."""

GRID = 100
"""A numeric distribution is compared at this many quantiles of the real column."""


def check(
    real: Cohort,
    synthetic: Sequence[Cohort],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
) -> list[Finding]:
    """Findings on marginals, associations and missingness, as far as `margins` asks for them."""
    group = Group("all", ALL, real, tuple(synthetic))
    names = [str(name) for name in real.frame.columns if name != real.schema.id and not _free_text(real, str(name))]
    found: list[Finding] = []
    if "structure.marginals" in margins:
        found += [marginal(group, name, margins["structure.marginals"], rng) for name in names]
    asked = [key for key in ("structure.associations", "structure.association_max") if key in margins]
    if asked:
        found += associations(group, names, {key: margins[key] for key in asked}, rng)
    if "structure.missingness" in margins:
        found += [
            missingness(group, name, margins["structure.missingness"])
            for name in names
            if any(cohort.frame[name].isna().any() for cohort in (real, *synthetic) if name in cohort.frame)
        ]
    return found


def _numeric(real: Cohort, name: str) -> bool:
    column = real.frame[name]
    levelled = name == real.schema.arm or name in real.schema.subgroups or name in real.schema.events
    return not levelled and types.is_numeric_dtype(column) and not types.is_bool_dtype(column)


def _free_text(real: Cohort, name: str) -> bool:
    roles = (real.schema.arm, *real.schema.subgroups, *real.schema.events)
    return name not in roles and not _numeric(real, name) and len(_levels(real, name)) > MAX_LEVELS


def marginal(group: Group, name: str, margin: Margin, rng: np.random.Generator) -> Finding:
    """How far the distribution of one column is from the real one, missing values left out.

    Notes
    -----
    Kolmogorov-Smirnov: the largest distance between the distribution functions at up to 100 quantiles of the
    real column. Total variation: half the sum of the distances between the shares of the levels.
    """
    label = f"distribution of {name}"
    columns = [
        cohort.frame[name].dropna() if name in cohort.frame else pd.Series(dtype=object)
        for cohort in (group.real, *group.synthetic)
    ]
    if min(map(len, columns)) < 2:
        return replace(
            not_estimable(
                "structure", label, "all", "fewer than two known values in some cohort", margin, n_real=len(columns[0])
            ),
            key="structure.marginals",
        )
    if _numeric(group.real, name):
        numbers = [column.to_numpy(float) for column in columns]
        points = np.unique(np.quantile(numbers[0], np.linspace(0, 1, GRID + 1), method="lower"))
        shares = np.array([np.searchsorted(np.sort(values), points, side="right") / len(values) for values in numbers])
        label, measure = f"{label} (Kolmogorov-Smirnov)", largest
        cells = np.diff(np.concatenate([[0.0], shares[0], [1.0]]))
    else:
        texts = [as_text(column) for column in columns]
        levels = sorted(set().union(*(set(column) for column in texts)))
        shares = np.array([column.value_counts(normalize=True).reindex(levels).fillna(0.0) for column in texts])
        label, measure = f"{label} (total variation)", _total_variation
        cells = shares[0]
    drawn = rng.multinomial(len(columns[0]), cells / cells.sum(), size=DRAWS) / len(columns[0])
    if measure is largest:
        drawn = np.cumsum(drawn, axis=1)[:, :-1]
    real_noise = drawn - shares[0]
    sizes = np.mean([len(column) for column in columns[1:]])
    noise = with_synthesis(real_noise, shares[1:], len(columns[0]) / float(sizes), rng)
    return distance_finding(
        "structure.marginals", label, group, measure(shares[1:].mean(axis=0) - shares[0], noise, real_noise), margin
    )


def _total_variation(gaps: np.ndarray, noise: np.ndarray, real_noise: np.ndarray) -> tuple[float, float, float, float]:
    return average(gaps, noise, real_noise, np.full(len(gaps), 0.5))


def associations(
    group: Group,
    names: Sequence[str],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
) -> list[Finding]:
    """How far pairwise rank correlations are from the real ones: on average, and at most.

    Notes
    -----
    Numbers enter as ranks (so the correlation of two is Spearman's), columns of levels as one indicator a level
    (one for two levels); pairs of indicators of one column are left out. Each pair uses the rows where both are
    known. Identical information (a band and its number) is compared like any other pair.
    """
    levels = {name: _levels(group.real, name) for name in names if not _numeric(group.real, name)}
    kept = [name for name in names if name not in levels or len(levels[name]) >= 2]
    real = _design(group.real, kept, levels)
    owner = [name for name in kept for _ in range(_width(name, levels))]
    pairs = np.triu_indices(len(owner), 1)
    different = np.array([owner[i] != owner[j] for i, j in zip(*pairs, strict=True)], dtype=bool)
    pairs = (pairs[0][different], pairs[1][different])
    of_real = correlations(real)[pairs]
    of_synthetic = np.array([correlations(_design(cohort, kept, levels))[pairs] for cohort in group.synthetic])
    known = np.isfinite(of_real) if len(of_real) else np.zeros(0, dtype=bool)
    found = []
    if not known.any():
        return [
            replace(
                not_estimable(
                    "structure", "associations", "all", "no two columns vary together", margin, n_real=group.real.n
                ),
                key=key,
            )
            for key, margin in margins.items()
        ]
    of_synthetic = np.nan_to_num(of_synthetic[:, known])
    n = group.real.n
    draws = np.array([correlations(real[rng.integers(n, size=n)])[pairs][known] for _ in range(DRAWS)])
    real_noise = np.nan_to_num(draws - of_real[known])
    real_noise -= real_noise.mean(axis=0)
    ratio = n / float(np.mean([cohort.n for cohort in group.synthetic]))
    noise = with_synthesis(real_noise, of_synthetic, ratio, rng)
    gaps = of_synthetic.mean(axis=0) - of_real[known]
    for key, label, measure in (
        ("structure.associations", "mean distance of rank correlations", average),
        ("structure.association_max", "largest distance of rank correlations", largest),
    ):
        if key in margins:
            found.append(distance_finding(key, label, group, measure(gaps, noise, real_noise), margins[key]))
    return found


def _levels(cohort: Cohort, name: str) -> list[str]:
    return sorted(set(as_text(cohort.frame[name]).dropna()))


def _width(name: str, levels: Mapping[str, list[str]]) -> int:
    return 1 if name not in levels or len(levels[name]) == 2 else len(levels[name])


def _design(cohort: Cohort, names: Sequence[str], levels: Mapping[str, list[str]]) -> np.ndarray:
    """Ranks and indicators (n, k), NaN where missing or where the cohort lacks the column."""
    columns: list[np.ndarray] = []
    frame = cohort.frame
    for name in names:
        if name not in frame:
            columns += [np.full(cohort.n, np.nan)] * _width(name, levels)
        elif name not in levels:
            columns.append(pd.to_numeric(frame[name], errors="coerce").rank().to_numpy(float))
        else:
            text = as_text(frame[name])
            shown = levels[name][1:] if len(levels[name]) == 2 else levels[name]
            columns += [np.where(text.isna(), np.nan, (text == level).to_numpy(float)) for level in shown]
    return np.column_stack(columns)


def correlations(design: np.ndarray) -> np.ndarray:
    """Pearson correlations (k, k) of the columns, each over the rows where both are known; NaN without variation."""
    known = np.isfinite(design)
    seen = known.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = np.where(known, design, 0.0)
        centred = np.where(known, centred - centred.sum(axis=0) / seen.sum(axis=0), 0.0)
        scaled = centred / np.sqrt((centred**2).sum(axis=0) / seen.sum(axis=0))
        count = seen.T @ seen
        mean = scaled.T @ seen / count
        spread = (scaled**2).T @ seen / count - mean**2
        product = spread * spread.T
        covariance = scaled.T @ scaled / count - mean * mean.T
        return covariance / np.sqrt(np.where(product > TINY, product, np.nan))


def missingness(group: Group, name: str, margin: Margin) -> Finding:
    """The share of a column that is missing."""

    def share(cohort: Cohort) -> Estimate:
        missing = int(cohort.frame[name].isna().sum()) if name in cohort.frame else cohort.n
        return proportion(missing, cohort.n)

    return compare("structure.missingness", f"missing in {name}", group, share, margin)
