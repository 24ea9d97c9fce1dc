"""Mean, zeros, quantiles, spread and tail of a cost, and the effect of an arm on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.core.distance import Gaps, average
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, ARM, Group, comparisons, two_levels
from heorsynth.checks.core.observed import arm_moments, moments, ranked, spike
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.checks.core.strata import Observed, at_level
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.estimators.costs.costs import (
    cv,
    difference_of,
    known,
    mean_of,
    resampled_slice_means,
    slice_means,
    top_share,
)
from heorsynth.estimators.costs.quantiles import quantile_of
from heorsynth.estimators.costs.two_part import any_cost, positive_cost

SLICES, DRAWS = 200, 200
"""Number of equal slices of ranked patients whose means are compared; number of bootstrap draws of their error."""


def mean(ask: Ask) -> list[Finding]:
    """Return the mean cost of the patients with a known cost."""
    question = ask.question(f"mean of {ask.column}", unit=ask.scope.real.schema.money)
    return [question.judge(lambda data: mean_of(moments(data, ask.column)))]


def zero_share(ask: Ask) -> list[Finding]:
    """Return the share of patients without cost."""
    question = ask.question(f"share with no {ask.column}")
    return [question.judge(lambda data: proportion(*spike(data, ask.column, "zero")))]


def quantiles(ask: Ask) -> list[Finding]:
    """Return one or several quantiles of cost."""
    declared = ask.margin.settings["quantile"]
    shares = declared if isinstance(declared, (list, tuple)) else [declared]

    def estimate(data: Observed, share: float) -> Estimate:
        return quantile_of(ranked(data, ask.column), share, data.n)

    def around(data: Observed, share: float) -> tuple[float, float]:
        return ranked(data, ask.column).around(share)

    return [
        ask.question(f"P{100 * share:g} of {ask.column}", unit=ask.scope.real.schema.money).judge(
            partial(estimate, share=share), around=partial(around, share=share)
        )
        for share in map(float, shares)
    ]


def spread(ask: Ask) -> list[Finding]:
    """Return the coefficient of variation of a cost."""
    question = ask.question(f"coefficient of variation of {ask.column}")
    return [question.judge(lambda cohort: cv(cohort.column(ask.column)))]


def tail(ask: Ask) -> list[Finding]:
    """Return the share of total cost of the most expensive patients."""
    share = float(cast(float, ask.margin.settings["share"]))
    question = ask.question(f"part of {ask.column} that the top {share:.0%} bear")
    return [question.judge(lambda cohort: top_share(cohort.column(ask.column), share))]


def wasserstein(ask: Ask) -> list[Finding]:
    """Return the Wasserstein-1 distance between the distributions of a cost, divided by the real mean.

    Notes
    -----
    Patients are ranked by cost and divided into 200 equal slices; the distance is the mean absolute difference between
    the slice means. This equals the Wasserstein distance, including the last patient of the tail, unless the quantile
    functions cross within a slice; then it is smaller. The floor comes from `DRAWS` bootstrap resamples of the real
    cohort; for the interval see `distance.average`.
    """
    name, group, rng = ask.column, ask.group, ask.rng
    question = ask.question(f"Wasserstein-1 distance of {name}, over its mean")
    if few := too_few(group.real):
        return [question.refuse(few)]
    try:
        real, *drawn = (known(cohort.column(name), 2) for cohort in (group.real, *group.synthetic))
    except NotEstimableError as refusal:
        return [question.refuse(reason_of(refusal))]
    centre = float(real.mean())
    if centre <= 0:
        return [question.refuse("the real mean is not above 0")]
    of_real = slice_means(real, SLICES) / centre
    of_synthetic = np.array([slice_means(costs, SLICES) / centre for costs in drawn])
    real_noise = resampled_slice_means(real, SLICES, DRAWS, rng) / centre - of_real
    real_noise -= real_noise.mean(axis=0)
    gaps = Gaps.of(of_synthetic - of_real, real_noise, rng, *ask.scope.standing.for_gaps)
    return [question.answer(average(gaps))]


def differences(ask: Ask) -> list[Finding]:
    """Return the difference in mean cost to the reference arm; a relative margin is a share of the reference mean."""
    real, name = ask.scope.real, ask.column
    column, usual = str(real.schema.arm), real.arm_levels[0]
    margin = ask.margin.resolved(_mean_of_level(real, name, usual), own=True)
    return [
        ask.question(
            f"difference in mean of {name}", group.against(column, arm, usual), margin, unit=real.schema.money
        ).judge(partial(_between, name=name, arm=arm, usual=usual), effect=True)
        for group in ask.scope.groups(ask.fewest)
        if group.kind != ARM
        for arm in comparisons(real, usual)
    ]


def _mean_of_level(real: Observed, name: str, arm: str) -> float:
    """Return the mean of a column in an arm, 0 if no value is known."""
    try:
        return moments(real.take(at_level(real, str(real.schema.arm), arm)), name, 1).mean
    except NotEstimableError:
        return 0.0


def _between(data: Observed, name: str, arm: str, usual: str) -> Estimate:
    """Return the mean of a column in one arm minus the mean in another (Welch)."""
    both, treated = two_levels(data, str(data.schema.arm), arm, usual)
    return difference_of(*arm_moments(both, treated, name))


def two_part(ask: Ask) -> list[Finding]:
    """Return the effects of an arm in a two-part model: on the odds of any cost, and on the mean positive cost.

    The first part is left out if all patients have a cost.
    """
    real, name = cast(Cohort, ask.scope.real), ask.column
    column, usual = str(real.schema.arm), real.arm_levels[0]
    spent = real.column(name).astype(float)
    parts = {"odds of any": any_cost} if (spent == 0).any() else {}

    def effect(cohort: Cohort, arm: str, part: Callable[..., Estimate]) -> Estimate:
        both, treated = two_levels(cohort, column, arm, usual)
        return part(both.column(name), treated, _indicators(both, real))

    return [
        ask.question(
            f"arm's ratio in the {what} of {name}, given the subgroups",
            Group(f"{column}={arm} vs {usual}", ALL, real, tuple(ask.scope.synthetic)),
        ).judge(partial(effect, arm=arm, part=part), log=True)
        for arm in comparisons(real, usual)
        for what, part in {**parts, "mean of positive": positive_cost}.items()
    ]


def _indicators(cohort: Cohort, real: Cohort) -> np.ndarray:
    """Return indicators (n, k) of real subgroup levels, without the most frequent level of each subgroup."""
    columns = []
    for subgroup in real.schema.subgroups:
        counts = real.coded(subgroup).counts
        gaps = {"": real.n - sum(counts.values())} if sum(counts.values()) < real.n else {}
        counts = dict(sorted({**gaps, **counts}.items()))
        usual = max(counts, key=lambda level: counts[level])
        columns += [at_level(cohort, subgroup, level) for level in counts if level != usual]
    return np.column_stack(columns).astype(float) if columns else np.zeros((cohort.n, 0))
