"""Would the same one of three options or more be chosen: by one synthetic cohort, and by all of them pooled?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from heorsynth.checks.core.finding import FAIL, LEVEL, Finding
from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.scalar import reason_of
from heorsynth.checks.economics.arms import Evaluation, thresholds
from heorsynth.checks.economics.compared import Options
from heorsynth.checks.economics.decisions import (
    AGREEMENT,
    NO_THRESHOLD,
    POOLED,
    agreement_finding,
    cannot,
    luck,
    may_be_luck,
    require_several,
    share_with_interval,
)
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import significant
from heorsynth.estimators.economics.agreement import joint_agreement
from heorsynth.estimators.economics.options import first_of_best, net_benefits

DRAWS = 4000
"""Of the real means, to count how often a resample of the patients would choose otherwise."""


def choice_agreement(
    group: Group, pairs: Sequence[Evaluation], margin: Margin, rng: np.random.Generator
) -> list[Finding]:
    """Share of synthetic cohorts in which the real cohort's best option is the best too; Clopper-Pearson's interval."""
    found: list[Finding] = []
    for wtp in thresholds(margin.settings):
        try:
            options = Options.of(group, pairs)
        except NotEstimableError as error:
            return [cannot(AGREEMENT, reason_of(error), margin, group)]
        chosen, floor, benefits = _choice(options, wtp, rng)
        same = int((first_of_best(benefits) == chosen).sum())
        label = f"agreement on the option chosen at {significant(wtp)} per {pairs[0].per(group.real.schema)}"
        chance = share_with_interval(same, len(benefits))
        found.append(agreement_finding(AGREEMENT, label, group, chance, floor, margin))
    return found or [cannot(AGREEMENT, NO_THRESHOLD, margin, group)]


def pooled_choice(group: Group, pairs: Sequence[Evaluation], margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """How surely the mean net benefits of m synthetic cohorts put the real cohort's best option first.

    Notes
    -----
    `estimators.agreement.joint_agreement` of how much more that option is worth than each other one. Another choice
    fails only where the net benefit between the two choices differs by more than both samplings explain.
    """
    found: list[Finding] = []
    for wtp in thresholds(margin.settings):
        try:
            options = Options.of(group, pairs)
            chosen, floor, benefits = _choice(options, wtp, rng)
            others = [place for place in range(len(options.arms)) if place != chosen]
            ahead = benefits[:, [chosen]] - benefits[:, others]
            chance = joint_agreement(require_several(ahead), LEVEL, rng)
        except NotEstimableError as error:
            return [cannot(POOLED, reason_of(error), margin, group)]
        unit = pairs[0].per(group.real.schema)
        label = f"option chosen by the pooled {len(benefits)} at {significant(wtp)} per {unit}"
        finding = agreement_finding(POOLED, label, group, chance, floor, margin)
        instead = int(first_of_best(benefits.mean(axis=0)))
        if finding.verdict == FAIL and instead != chosen and _near(options, chosen, instead, wtp):
            finding = luck(finding)
        told = f"the patients choose {options.arms[chosen]!r}, the pooled cohorts {options.arms[instead]!r}"
        found.append(replace(finding, because=f"{told}; {finding.because}"))
    return found or [cannot(POOLED, NO_THRESHOLD, margin, group)]


def _choice(options: Options, wtp: float, rng: np.random.Generator) -> tuple[int, float, np.ndarray]:
    """The real cohort's best option, the chance that a resample takes another, and net benefits (m, a)."""
    real = options.real
    chosen = int(first_of_best(net_benefits(real.means, wtp)))
    drawn = rng.multivariate_normal(real.means.ravel(), real.covariance, size=DRAWS, method="eigh")
    again = first_of_best(net_benefits(drawn.reshape(DRAWS, -1, 2), wtp))
    benefits = np.array([net_benefits(one.means, wtp) for one in options.synthetic])
    return chosen, float((again != chosen).mean()), benefits


def _near(options: Options, chosen: int, instead: int, wtp: float) -> bool:
    """Whether the patients may as well have chosen the other one, by chance."""
    real = options.real.increments(chosen, instead)
    return may_be_luck(real, [one.increments(chosen, instead) for one in options.synthetic], wtp)
