"""Are costs reproduced: their mean, which decides, their zeros and their tail?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.core.distance import average, distance_finding, with_synthesis
from heorsynth.checks.core.finding import INCONCLUSIVE, PASS, Finding, not_estimable
from heorsynth.checks.core.groups import ALL, ARM, Group, asked_of, comparisons, fewest, groups_of, two_levels
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed, arm_moments, moments, ranked, spike
from heorsynth.checks.core.scalar import compare, reason_of, too_few
from heorsynth.checks.costs.censored import censored_means
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.costs.costs import cv, difference_of, known, mean_of, slice_means, spread_patients, top_share
from heorsynth.estimators.costs.quantiles import quantile_of
from heorsynth.estimators.costs.two_part import any_cost, positive_cost
from heorsynth.estimators.proportions import proportion

SLICES, DRAWS = 200, 200
"""Equal slices of ranked patients whose means are compared, and bootstrap draws of their error."""


SPREAD_PATIENTS = 50
"""Of fewer equal patients' spread no interval is trusted to pass."""


def check(
    real: Observed,
    synthetic: Sequence[Observed],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Observed | None = None,
) -> list[Finding]:
    """Findings on each cost column, over patients whose cost is known, for the estimands `margins` asks for."""
    found: list[Finding] = []
    for group in groups_of(real, synthetic, fewest(margins.values())):
        here = asked_of(group, margins)
        for name in real.schema.costs:
            asked = {key: margin for key, margin in here.items() if margin.settings.get("cost") in (None, name)}
            found += of_group(group, name, asked, rng)
    for key, contrast in BY_ARM.items():
        if key in margins and real.schema.arm is not None:
            for name in real.schema.costs:
                if margins[key].settings.get("cost") in (None, name):
                    found += contrast(cast(Cohort, real), cast(Sequence[Cohort], synthetic), name, margins[key])
    return found


def of_group(group: Group, name: str, asked: Mapping[str, Margin], rng: np.random.Generator) -> list[Finding]:
    """Mean, zeros, quantiles, spread and tail of one cost column in one group."""
    found, money = [], group.real.schema.money
    if margin := asked.get("costs.mean"):
        found.append(
            compare(
                "costs.mean", f"mean of {name}", group, lambda data: mean_of(moments(data, name)), margin, unit=money
            )
        )
    if margin := asked.get("costs.zero_share"):
        found.append(
            compare(
                "costs.zero_share",
                f"share with no {name}",
                group,
                lambda data: proportion(*spike(data, name, "zero")),
                margin,
            )
        )
    if margin := asked.get("costs.quantile"):
        declared = margin.settings["quantile"]
        shares = declared if isinstance(declared, (list, tuple)) else [declared]
        for share in map(float, shares):
            label = f"P{100 * share:g} of {name}"
            found.append(
                compare("costs.quantile", label, group, partial(_quantile, name=name, share=share), margin, unit=money)
            )
    if margin := asked.get("costs.cv"):
        found.append(spread(group, name, margin))
    if margin := asked.get("costs.top_share"):
        share = float(cast(float, margin.settings["share"]))
        label = f"part of {name} that the top {share:.0%} bear"
        found.append(
            compare("costs.top_share", label, group, lambda cohort: top_share(cohort.column(name), share), margin)
        )
    if margin := asked.get("costs.wasserstein"):
        found.append(wasserstein(group, name, margin, rng))
    if margin := asked.get("costs.censored_mean"):
        found += censored_means(group, name, margin)
    return found


def _quantile(data: Observed, name: str, share: float) -> Estimate:
    return quantile_of(ranked(data, name), share, data.n)


def spread(group: Group, name: str, margin: Margin) -> Finding:
    """The coefficient of variation of a cost. It passes only where its spread rests on enough patients.

    Notes
    -----
    The standard error of a spread is itself an average of fourth powers: with a long tail few patients carry it, it is
    too small wherever the largest costs of the law were not drawn, and passes would be wrong in up to four of ten
    (benchmarks/heavy_tails.py). So what passes on the spread of fewer than `SPREAD_PATIENTS` equal patients is
    inconclusive. What fails, fails.
    """
    found = compare(
        "costs.cv", f"coefficient of variation of {name}", group, lambda cohort: cv(cohort.column(name)), margin
    )
    if found.verdict != PASS:
        return found
    carried = spread_patients(group.real.column(name))
    if carried >= SPREAD_PATIENTS:
        return found
    told = f"the spread rests on the equal of {significant(carried, 2)} patients"
    return replace(found, verdict=INCONCLUSIVE, because=f"{found.because}, but {told}")


def wasserstein(group: Group, name: str, margin: Margin, rng: np.random.Generator) -> Finding:
    """The area between the distributions of a cost (Wasserstein-1), over the real mean.

    Notes
    -----
    The mean distance of the means of 200 equal slices of ranked patients: the distance itself, the last patient of the
    tail with it, but for quantile functions that cross within a slice, which make it smaller. The error is that of
    `DRAWS` bootstrap resamples of the real cohort, and chance can only widen a distance (`distance.average`).
    """
    key, label = "costs.wasserstein", f"Wasserstein-1 distance of {name}, over its mean"

    def cannot(reason: str) -> Finding:
        found = not_estimable("costs", label, group.label, reason, margin, n_real=group.real.n)
        return replace(found, key=key, decisive=group.decisive)

    if few := too_few(group.real):
        return cannot(few)
    try:
        real, *drawn = (known(cohort.column(name), 2) for cohort in (group.real, *group.synthetic))
    except NotEstimableError as refusal:
        return cannot(reason_of(refusal))
    centre = float(real.mean())
    if centre <= 0:
        return cannot("the real mean is not above 0")
    of_real = slice_means(real, SLICES) / centre
    of_synthetic = np.array([slice_means(costs, SLICES) / centre for costs in drawn])
    resampled = real[rng.integers(len(real), size=(DRAWS, len(real)))]
    real_noise = slice_means(resampled, SLICES) / centre - of_real
    real_noise -= real_noise.mean(axis=0)
    noise = with_synthesis(real_noise, of_synthetic, len(real) / float(np.mean([len(costs) for costs in drawn])), rng)
    found = average(of_synthetic.mean(axis=0) - of_real, noise, real_noise)
    return distance_finding(key, label, group, found, margin)


def differences(real: Observed, synthetic: Sequence[Observed], name: str, margin: Margin) -> list[Finding]:
    """Difference in mean cost of each arm to the reference; a relative margin is a share of the reference's mean."""
    column, usual = str(real.schema.arm), real.arm_levels[0]
    width = margin.resolved(_mean_of_level(real, name, usual))
    label = f"difference in mean of {name}"
    return [
        compare(
            "costs.difference",
            label,
            group.against(column, arm, usual),
            partial(between, name=name, arm=arm, usual=usual),
            width,
            unit=real.schema.money,
            effect=True,
        )
        for group in groups_of(real, synthetic, fewest([margin]))
        if group.kind != ARM
        for arm in comparisons(real, usual)
    ]


def _mean_of_level(real: Observed, name: str, arm: str) -> float:
    """The mean of a column in an arm, 0 where it is known of nobody."""
    try:
        return moments(real.take(real.levels(str(real.schema.arm)) == arm), name, 1).mean
    except NotEstimableError:
        return 0.0


def between(data: Observed, name: str, arm: str, usual: str) -> Estimate:
    """Mean of a column in one arm less that in another, Welch."""
    both, treated = two_levels(data, str(data.schema.arm), arm, usual)
    return difference_of(*arm_moments(both, treated, name))


def two_part(real: Cohort, synthetic: Sequence[Cohort], name: str, margin: Margin) -> list[Finding]:
    """What an arm does in a two-part model of cost: to the odds of any, and to its mean where there is any.

    Where everybody has a cost there is no first part, and it is left out.
    """
    column, usual = str(real.schema.arm), real.arm_levels[0]
    spent = real.column(name).astype(float)
    parts = {"odds of any": any_cost} if (spent == 0).any() else {}
    label = "arm's ratio in the {} of {}, given the subgroups"

    def effect(cohort: Cohort, arm: str, part: Callable[..., Estimate]) -> Estimate:
        both, treated = two_levels(cohort, column, arm, usual)
        return part(both.column(name), treated, _indicators(both, real))

    return [
        compare(
            "costs.two_part",
            label.format(what, name),
            Group(f"{column}={arm} vs {usual}", ALL, real, tuple(synthetic)),
            partial(effect, arm=arm, part=part),
            margin,
            log=True,
        )
        for arm in comparisons(real, usual)
        for what, part in {**parts, "mean of positive": positive_cost}.items()
    ]


def _indicators(cohort: Cohort, real: Cohort) -> np.ndarray:
    """Indicators (n, k) of every subgroup level of the real cohort but the most frequent of each."""
    columns = []
    for subgroup in real.schema.subgroups:
        levels, counts = np.unique(real.levels(subgroup), return_counts=True)
        held = cohort.levels(subgroup)
        columns += [held == level for level in levels if level != levels[counts.argmax()]]
    return np.column_stack(columns).astype(float) if columns else np.zeros((cohort.n, 0))


BY_ARM: Mapping[str, Callable[[Cohort, Sequence[Cohort], str, Margin], list[Finding]]] = {
    "costs.difference": differences,
    "costs.two_part": two_part,
}
