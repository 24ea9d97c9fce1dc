"""Relations between columns: in pairs, within groups, and all columns at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import combinations

import numpy as np

from heorsynth.checks.core.distance import Gaps, Measure, average, largest
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, Group
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.checks.core.scalar import Numbers, half_width
from heorsynth.checks.structure.columns import is_numeric, levels_of, paired_columns
from heorsynth.checks.structure.designs import correlations, designs, width
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.core.ranks import ranks
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.association import (
    LEAST_PAIRS,
    correlation_of_ranks,
    rank_correlation,
    resampled_correlations,
)
from heorsynth.estimators.propensity import propensity

_MOST_PAIRS = 20_000
"""Of more pairs of columns, about so many are compared: a random sample of them gives the same mean."""

_LEAST_ROWS, _ROWS_PER_COLUMN = 2, 20
"""A model with more than one column for two rows separates any rows. One for twenty is then used: what chance explains,
half of the share of columns to rows, is small beside the margin."""

_MANY = 5000
"""From so many rows on, ranks come from the coding of a column, which other checks use too."""

DRAWS = 200
"""Bootstrap draws of the real cohort behind the floor of a distance, and draws behind its interval."""


def associations(ask: Ask) -> list[Finding]:
    """Return the mean distance of pairwise rank correlations."""
    return [_distance(ask, "mean distance of rank correlations", average)]


def largest_association(ask: Ask) -> list[Finding]:
    """Return the largest distance of pairwise rank correlations."""
    return [_distance(ask, "largest distance of rank correlations", largest)]


def conditional_associations(ask: Ask) -> list[Finding]:
    """Return the mean distance of rank correlations within each arm and each subgroup level."""
    label = "mean distance of rank correlations within the group"
    groups = (group for group in ask.scope.groups() if group.kind != ALL)
    return [_distance(replace(ask, group=group), label, average) for group in groups]


def _distance(ask: Ask, label: str, measure: Measure) -> Finding:
    """Return a distance between real and synthetic pairwise rank correlations.

    Notes
    -----
    Numbers enter as ranks, so the correlation of two numbers is Spearman's. A column of levels enters as one indicator
    for each level (one indicator for two levels); pairs of indicators of the same column are left out. Each pair uses
    the rows with both values known. A number and its band are compared like any other pair. Of more than `_MOST_PAIRS`
    pairs, about so many are compared, drawn at random, and the finding says so: each column with as many others.
    """
    question = ask.question(label)
    try:
        gaps, told = ask.scope.shared(("gaps", ask.group.label), lambda: _gaps(ask))
    except NotEstimableError as refusal:
        return question.refuse(reason_of(refusal))
    return question.answer(measure(gaps), before=told)


def joint_ranks(ask: Ask) -> list[Finding]:
    """Return the rank correlation of each pair of costs, utilities and follow-up times, in every group."""
    schema = ask.scope.real.schema
    totalled = {part for parts in schema.totals.values() for part in parts}
    columns = tuple(name for name in (*schema.costs, *schema.utilities, *schema.times) if name not in totalled)

    return [
        ask.question(f"rank correlation of {columns[one]} and {columns[other]}", group).judge(
            partial(_rank_correlation, ranked, columns, one, other)
        )
        for group in ask.scope.groups()
        for ranked in [cache(partial(_ranks, columns))]
        for one, other in combinations(range(len(columns)), 2)
    ]


def _ranks(columns: tuple[str, ...], cohort: Cohort) -> np.ndarray | None:
    """Return the ranks of columns (k, n) of few rows; None if a value is missing, or for too few of them."""
    if not LEAST_PAIRS <= cohort.n < _MANY:
        return None
    values = cohort.arrays.several_numbers(columns)
    return ranks(values) if np.isfinite(values).all() else None


def _rank_correlation(
    ranked: Callable[[Cohort], np.ndarray | None], columns: tuple[str, ...], first: int, second: int, cohort: Cohort
) -> Estimate:
    one, other, held = columns[first], columns[second], ranked(cohort)
    if held is not None:
        return correlation_of_ranks(held[first], held[second], cohort.n)
    if cohort.n >= _MANY and not (cohort.missing(one).any() or cohort.missing(other).any()):
        return correlation_of_ranks(cohort.arrays.distinct(one).ranks, cohort.arrays.distinct(other).ranks, cohort.n)
    return rank_correlation(cohort.column(one), cohort.column(other))


def told_apart(ask: Ask) -> list[Finding]:
    """Return how well a logistic model of all columns separates synthetic rows from patients (propensity score, pMSE).

    Notes
    -----
    Numbers enter as they are; a missing number enters as 0, with an indicator. Levels enter as indicators, including
    levels that only synthetic rows have. More columns than half the rows would separate any two sets of rows: then as
    many columns as a twentieth of the rows are drawn at random, and the finding says so. `real` is the null
    expectation and `synthetic` the mean pMSE over the cohorts; the difference is the mean share of the variance that
    the scores explain beyond chance.
    """
    group = ask.group
    question = ask.question("explained variance of being synthetic (propensity score)")
    if few := too_few(group.real):
        return [question.refuse(few)]
    names = [name for name in paired_columns(group.real) if all(cohort.has(name) for cohort in group.synthetic)]
    levels = {name: _all_levels(group, name) for name in names if not is_numeric(group.real, name)}
    rows = group.real.n + min(cohort.n for cohort in group.synthetic)
    used = _few(names, levels, rows, ask.rng)
    told = "" if len(used) == len(names) else f"of {len(used)} of {len(names):,} columns, drawn at random; "
    names = used
    gaps = {name for name in names if any(cohort.missing(name).any() for cohort in (group.real, *group.synthetic))}
    real = _numbers(group.real, names, levels, gaps)
    try:
        each = [propensity(real, _numbers(cohort, names, levels, gaps)) for cohort in group.synthetic]
    except NotEstimableError as refusal:
        return [question.refuse(reason_of(refusal))]
    mean = replace(each[0], pmse=float(np.mean([one.pmse for one in each])))
    explained = np.array([one.explained for one in each])
    middle, half = float(explained.mean()), half_width(explained, ask.scope.standing.level)
    floor = mean.null / (mean.share * (1 - mean.share))
    single = tuple(map(float, explained))
    numbers = Numbers(mean.null, mean.pmse, middle, middle - half, middle + half, floor, single=single)
    ratio = f"{told}pMSE is {significant(mean.ratio, 3)} times that of rows with the real distribution"
    return [question.answer(numbers, before=ratio)]


def _few(names: Sequence[str], levels: Mapping[str, list[str]], rows: int, rng: np.random.Generator) -> list[str]:
    """Return the columns that a model of so many rows can hold: all, or some that are drawn at random."""
    widths = [max(1, len(levels[name]) - 1) if name in levels else 1 for name in names]
    if sum(widths) <= rows / _LEAST_ROWS:
        return list(names)
    order = rng.permutation(len(names))
    kept = order[np.cumsum(np.array(widths)[order]) <= max(rows / _ROWS_PER_COLUMN, 1)]
    return [names[place] for place in sorted(kept)]


def _all_levels(group: Group, name: str) -> list[str]:
    return sorted(set().union(*(levels_of(cohort, name) for cohort in (group.real, *group.synthetic))))


def _numbers(cohort: Cohort, names: Sequence[str], levels: Mapping[str, list[str]], gaps: set[str]) -> np.ndarray:
    """Return numbers, indicators of levels and indicators of missing values as columns (n, k), without NaN.

    `gaps` are the columns with a missing value in some cohort.
    """
    columns: list[np.ndarray] = []
    for name in names:
        if name in levels:
            places = cohort.coded(name).among(levels[name])
            columns += list((places == np.arange(len(levels[name]))[:, None]).astype(float))
        else:
            values = cohort.numbers(name)
            missing = np.isnan(values)
            if name in gaps or missing.any():
                columns += [np.where(missing, 0.0, values), missing.astype(float)]
            else:
                columns.append(values)
    return np.array(columns).T


def _gaps(ask: Ask) -> tuple[Gaps, str]:
    """Return the difference in correlation of every pair, in each cohort, and which pairs these are if not all."""
    group, names = ask.group, paired_columns(ask.scope.real)
    if reason := too_few(group.real):
        raise NotEstimableError(reason)
    if min(cohort.n for cohort in group.synthetic) == 0:
        raise NotEstimableError("a synthetic cohort has no patients in this group")
    levels = {name: levels_of(group.real, name) for name in names if not is_numeric(group.real, name)}
    kept = [name for name in names if name not in levels or len(levels[name]) >= 2]
    real = next(designs([group.real], kept, levels))[0]
    owner = np.repeat(np.arange(len(kept)), [width(name, levels) for name in kept])
    parts, told = _parts(len(owner), ask.rng)
    places = [np.triu_indices(len(part), 1) for part in parts]
    pairs = tuple(
        np.concatenate([part[pair[side]] for part, pair in zip(parts, places, strict=True)]) for side in (0, 1)
    )
    different = owner[pairs[0]] != owner[pairs[1]]

    def of_pairs(several: np.ndarray) -> np.ndarray:
        if len(parts) == 1:
            return correlations(several)[..., pairs[0][different], pairs[1][different]]
        held = [
            correlations(several[..., part])[..., one, other] for part, (one, other) in zip(parts, places, strict=True)
        ]
        return np.concatenate(held, axis=-1)[..., different]

    of_real = of_pairs(real)
    of_synthetic = np.concatenate([of_pairs(several) for several in designs(group.synthetic, kept, levels)])
    known = np.isfinite(of_real)
    if not known.any():
        raise NotEstimableError("no two columns vary together")
    of_synthetic = np.nan_to_num(of_synthetic[:, known])
    first, second = (side[different][known] for side in pairs)
    draws = resampled_correlations(real, (first, second), DRAWS, ask.rng, parts if told else None)
    real_noise = np.nan_to_num(draws - of_real[known])
    real_noise -= real_noise.mean(axis=0)
    return Gaps.of(of_synthetic - of_real[known], real_noise, ask.rng, *ask.scope.standing.for_gaps), told


def _parts(columns: int, rng: np.random.Generator) -> tuple[list[np.ndarray], str]:
    """Return sets of places whose pairs are compared: one of all columns, or random ones with `_MOST_PAIRS` pairs."""
    pairs = columns * (columns - 1) // 2
    if pairs <= _MOST_PAIRS:
        return [np.arange(columns)], ""
    parts = np.array_split(rng.permutation(columns), max(2, round(columns / (1 + 2 * _MOST_PAIRS / columns))))
    compared = sum(len(part) * (len(part) - 1) // 2 for part in parts)
    return [np.sort(part) for part in parts], f"{compared:,} of {pairs:,} pairs, drawn at random"
