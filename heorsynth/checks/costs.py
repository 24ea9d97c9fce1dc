"""Are costs reproduced: their mean, which decides, their zeros and their tail?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.comparison import compare
from heorsynth.checks.finding import Finding
from heorsynth.checks.groups import ALL, Group, comparisons, groups_of
from heorsynth.checks.margin import Margin
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort import Cohort
from heorsynth.estimators.costs import mean, mean_difference, quantile, zero_share


def check(
    real: Cohort,
    synthetic: Sequence[Cohort],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
) -> list[Finding]:
    """Findings on each cost column, over patients whose cost is known, for the estimands `margins` asks for."""
    found: list[Finding] = []
    for group in groups_of(real, synthetic):
        for name in real.schema.costs:
            asked = {key: margin for key, margin in margins.items() if margin.settings.get("cost") in (None, name)}
            found += of_group(group, name, asked)
    if "costs.difference" in margins and real.schema.arm is not None:
        for name in real.schema.costs:
            if margins["costs.difference"].settings.get("cost") in (None, name):
                found += differences(real, synthetic, name, margins["costs.difference"])
    return found


def of_group(group: Group, name: str, asked: Mapping[str, Margin]) -> list[Finding]:
    """Mean, zero share and quantile of one cost column in one group."""
    found, money = [], group.real.schema.money
    if margin := asked.get("costs.mean"):
        found.append(
            compare(
                "costs.mean", f"mean of {name}", group, lambda cohort: mean(cohort.column(name)), margin, unit=money
            )
        )
    if margin := asked.get("costs.zero_share"):
        found.append(
            compare(
                "costs.zero_share",
                f"share with no {name}",
                group,
                lambda cohort: zero_share(cohort.column(name)),
                margin,
            )
        )
    if margin := asked.get("costs.quantile"):
        share = float(cast(float, margin.settings["quantile"]))
        found.append(
            compare(
                "costs.quantile",
                f"P{100 * share:g} of {name}",
                group,
                lambda cohort: quantile(cohort.column(name), share),
                margin,
                unit=money,
            )
        )
    return found


def differences(real: Cohort, synthetic: Sequence[Cohort], name: str, margin: Margin) -> list[Finding]:
    """Difference in mean cost of each arm to the reference; a relative margin is a share of the reference's mean."""
    usual = real.arm_levels[0]
    column, assigned = real.column(name).astype(float), real.levels(str(real.schema.arm))
    known = np.isfinite(column) & (assigned == usual)
    width = margin.resolved(float(column[known].mean()) if known.any() else 0.0)
    return [
        compare(
            "costs.difference",
            f"difference in mean of {name}",
            Group(f"{real.schema.arm}={arm} vs {usual}", ALL, real, tuple(synthetic)),
            partial(between, name=name, arm=arm, usual=usual),
            width,
            unit=real.schema.money,
        )
        for arm in comparisons(real, usual)
    ]


def between(cohort: Cohort, name: str, arm: str, usual: str) -> Estimate:
    """Mean of a column in one arm less that in another, Welch."""
    assigned = cohort.levels(str(cohort.schema.arm))
    rows = (assigned == arm) | (assigned == usual)
    if not (assigned == arm).any() or not (assigned == usual).any():
        raise NotEstimableError("an arm has no patients")
    return mean_difference(cohort.column(name)[rows], assigned[rows] == arm)
