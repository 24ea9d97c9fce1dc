"""Relations between columns: in pairs, within groups, and all columns at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
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
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.association import rank_correlation, resampled_correlations
from heorsynth.estimators.propensity import propensity

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
    the rows with both values known. A number and its band are compared like any other pair.
    """
    question = ask.question(label)
    try:
        gaps = ask.scope.shared(("gaps", ask.group.label), lambda: _gaps(ask))
    except NotEstimableError as refusal:
        return question.refuse(reason_of(refusal))
    return question.answer(measure(gaps))


def joint_ranks(ask: Ask) -> list[Finding]:
    """Return the rank correlation of each pair of costs, utilities and follow-up times, in every group."""
    schema = ask.scope.real.schema
    totalled = {part for parts in schema.totals.values() for part in parts}
    columns = [name for name in (*schema.costs, *schema.utilities, *schema.times) if name not in totalled]

    def together(cohort: Cohort, one: str, other: str) -> Estimate:
        return rank_correlation(cohort.column(one), cohort.column(other))

    return [
        ask.question(f"rank correlation of {one} and {other}", group).judge(partial(together, one=one, other=other))
        for group in ask.scope.groups()
        for one, other in combinations(columns, 2)
    ]


def told_apart(ask: Ask) -> list[Finding]:
    """Return how well a logistic model of all columns separates synthetic rows from patients (propensity score, pMSE).

    Notes
    -----
    Numbers enter as they are; a missing number enters as 0, with an indicator. Levels enter as indicators, including
    levels that only synthetic rows have. `real` is the null expectation and `synthetic` the mean pMSE over the
    cohorts; the difference is the mean share of the variance that the scores explain beyond chance.
    """
    group = ask.group
    question = ask.question("explained variance of being synthetic (propensity score)")
    if few := too_few(group.real):
        return [question.refuse(few)]
    names = [name for name in paired_columns(group.real) if all(cohort.has(name) for cohort in group.synthetic)]
    levels = {name: _all_levels(group, name) for name in names if not is_numeric(group.real, name)}
    real = _numbers(group.real, names, levels)
    try:
        each = [propensity(real, _numbers(cohort, names, levels)) for cohort in group.synthetic]
    except NotEstimableError as refusal:
        return [question.refuse(reason_of(refusal))]
    mean = replace(each[0], pmse=float(np.mean([one.pmse for one in each])))
    explained = np.array([one.explained for one in each])
    middle, half = float(explained.mean()), half_width(explained, ask.scope.standing.level)
    floor = mean.null / (mean.share * (1 - mean.share))
    single = tuple(map(float, explained))
    numbers = Numbers(mean.null, mean.pmse, middle, middle - half, middle + half, floor, single=single)
    ratio = f"pMSE is {significant(mean.ratio, 3)} times that of rows with the real distribution"
    return [question.answer(numbers, before=ratio)]


def _all_levels(group: Group, name: str) -> list[str]:
    return sorted(set().union(*(levels_of(cohort, name) for cohort in (group.real, *group.synthetic))))


def _numbers(cohort: Cohort, names: Sequence[str], levels: Mapping[str, list[str]]) -> np.ndarray:
    """Return numbers, indicators of levels and indicators of missing values as columns (n, k), without NaN."""
    columns: list[np.ndarray] = []
    for name in names:
        if name in levels:
            places = cohort.coded(name).among(levels[name])
            columns += list((places == np.arange(len(levels[name]))[:, None]).astype(float))
        else:
            values = cohort.numbers(name)
            missing = np.isnan(values)
            columns += [np.where(missing, 0.0, values), missing.astype(float)]
    return np.column_stack(columns)


def _gaps(ask: Ask) -> Gaps:
    """Return the difference in correlation of every pair, in each cohort."""
    group, names = ask.group, paired_columns(ask.scope.real)
    if reason := too_few(group.real):
        raise NotEstimableError(reason)
    if min(cohort.n for cohort in group.synthetic) == 0:
        raise NotEstimableError("a synthetic cohort has no patients in this group")
    levels = {name: levels_of(group.real, name) for name in names if not is_numeric(group.real, name)}
    kept = [name for name in names if name not in levels or len(levels[name]) >= 2]
    real = next(designs([group.real], kept, levels))[0]
    owner = [name for name in kept for _ in range(width(name, levels))]
    pairs = np.triu_indices(len(owner), 1)
    different = np.array([owner[i] != owner[j] for i, j in zip(*pairs, strict=True)], dtype=bool)
    pairs = (pairs[0][different], pairs[1][different])
    of_real = correlations(real)[pairs]
    few = designs(group.synthetic, kept, levels)
    of_synthetic = np.concatenate([correlations(several)[:, pairs[0], pairs[1]] for several in few])
    known = np.isfinite(of_real) if len(of_real) else np.zeros(0, dtype=bool)
    if not known.any():
        raise NotEstimableError("no two columns vary together")
    of_synthetic = np.nan_to_num(of_synthetic[:, known])
    draws = resampled_correlations(real, (pairs[0][known], pairs[1][known]), DRAWS, ask.rng)
    real_noise = np.nan_to_num(draws - of_real[known])
    real_noise -= real_noise.mean(axis=0)
    return Gaps.of(of_synthetic - of_real[known], real_noise, ask.rng, *ask.scope.standing.for_gaps)
