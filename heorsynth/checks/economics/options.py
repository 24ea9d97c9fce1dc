"""The choice between three options or more, from one synthetic cohort and from all cohorts pooled."""

from __future__ import annotations

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.refusals import reason_of
from heorsynth.checks.core.scalar import Numbers, share_with_interval
from heorsynth.checks.economics.arms import thresholds
from heorsynth.checks.economics.compared import AllArms, Options
from heorsynth.checks.economics.decisions import certainty, require_several
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import significant
from heorsynth.estimators.economics.agreement import joint_agreement
from heorsynth.estimators.economics.options import first_of_best, net_benefits

DRAWS = 4000
"""Number of draws of the real means, to estimate how often a resample of the patients chooses otherwise."""


def choice_agreement(ask: AllArms) -> list[Finding]:
    """Return the share of synthetic cohorts with the best option of the real cohort (Clopper-Pearson interval)."""
    findings: list[Finding] = []
    for wtp in thresholds(ask.margin.settings):
        question = ask.at(wtp, f"agreement on the option chosen at {significant(wtp)} per {ask.per}")
        try:
            options = Options.of(ask.group, ask.pairs, ask.adjusted)
        except NotEstimableError as error:
            return [question.refuse(reason_of(error))]
        chosen, floor, benefits = _choice(options, wtp, ask.rng)
        same = int((first_of_best(benefits) == chosen).sum())
        findings.append(
            question.answer(
                Numbers.of_agreement(*share_with_interval(same, len(benefits), ask.scope.standing.level), floor)
            )
        )
    return findings or [ask.without_threshold("decision agreement")]


def pooled_choice(ask: AllArms) -> list[Finding]:
    """Return the probability that the mean net benefits of m synthetic cohorts rank the real best option first.

    Notes
    -----
    Uses `estimators.economics.agreement.joint_agreement` of the net benefit of that option minus each other one.
    """
    findings: list[Finding] = []
    for wtp in thresholds(ask.margin.settings):
        m = len(ask.group.synthetic)
        question = ask.at(wtp, f"option chosen by the pooled {m} at {significant(wtp)} per {ask.per}")
        try:
            options = Options.of(ask.group, ask.pairs, ask.adjusted)
            chosen, floor, benefits = _choice(options, wtp, ask.rng)
            others = [place for place in range(len(options.arms)) if place != chosen]
            ahead = benefits[:, [chosen]] - benefits[:, others]
            chance = joint_agreement(require_several(ahead), ask.scope.standing.level, ask.rng)
        except NotEstimableError as error:
            return [question.refuse(reason_of(error))]
        instead = int(first_of_best(benefits.mean(axis=0)))

        choices = (
            f"best option: {options.arms[chosen]!r} in the real cohort, {options.arms[instead]!r} in the pooled cohorts"
        )
        numbers = Numbers.of_agreement(*chance, floor)
        findings.append(question.answer(numbers, before=choices, after=certainty(floor)))
    return findings or [ask.without_threshold("pooled decision")]


def _choice(options: Options, wtp: float, rng: np.random.Generator) -> tuple[int, float, np.ndarray]:
    """Return the real best option, the probability that a resample chooses another, and net benefits (m, a)."""
    real = options.real
    chosen = int(first_of_best(net_benefits(real.means, wtp)))
    drawn = rng.multivariate_normal(real.means.ravel(), real.covariance, size=DRAWS, method="eigh")
    again = first_of_best(net_benefits(drawn.reshape(DRAWS, -1, 2), wtp))
    benefits = np.array([net_benefits(one.means, wtp) for one in options.synthetic])
    return chosen, float((again != chosen).mean()), benefits
