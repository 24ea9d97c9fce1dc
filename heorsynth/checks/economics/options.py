"""Would the same one of three options or more be chosen: by one synthetic cohort, and by all of them pooled?"""

from __future__ import annotations

import numpy as np

from heorsynth.checks.core.finding import FAIL, LEVEL, Finding
from heorsynth.checks.core.question import reason_of
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.economics.arms import thresholds
from heorsynth.checks.economics.compared import AllArms, Options
from heorsynth.checks.economics.decisions import NOT_CERTAIN, may_be_luck, require_several, share_with_interval
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import significant
from heorsynth.estimators.economics.agreement import joint_agreement
from heorsynth.estimators.economics.options import first_of_best, net_benefits

DRAWS = 4000
"""Of the real means, to count how often a resample of the patients would choose otherwise."""


def choice_agreement(ask: AllArms) -> list[Finding]:
    """Share of synthetic cohorts in which the real cohort's best option is the best too; Clopper-Pearson's interval."""
    found: list[Finding] = []
    for wtp in thresholds(ask.margin.settings):
        question = ask.at(wtp, f"agreement on the option chosen at {significant(wtp)} per {ask.per}")
        try:
            options = Options.of(ask.group, ask.pairs)
        except NotEstimableError as error:
            return [question.refuse(reason_of(error))]
        chosen, floor, benefits = _choice(options, wtp, ask.rng)
        same = int((first_of_best(benefits) == chosen).sum())
        found.append(question.answer(Numbers.of_agreement(*share_with_interval(same, len(benefits)), floor)))
    return found or [ask.without_threshold("decision agreement")]


def pooled_choice(ask: AllArms) -> list[Finding]:
    """How surely the mean net benefits of m synthetic cohorts put the real cohort's best option first.

    Notes
    -----
    `estimators.economics.agreement.joint_agreement` of how much more that option is worth than each other one. Another
    choice fails only if the net benefit between the two choices differs by more than both samplings explain.
    """
    found: list[Finding] = []
    for wtp in thresholds(ask.margin.settings):
        m = len(ask.group.synthetic)
        question = ask.at(wtp, f"option chosen by the pooled {m} at {significant(wtp)} per {ask.per}")
        try:
            options = Options.of(ask.group, ask.pairs)
            chosen, floor, benefits = _choice(options, wtp, ask.rng)
            others = [place for place in range(len(options.arms)) if place != chosen]
            ahead = benefits[:, [chosen]] - benefits[:, others]
            chance = joint_agreement(require_several(ahead), LEVEL, ask.rng)
        except NotEstimableError as error:
            return [question.refuse(reason_of(error))]
        instead = int(first_of_best(benefits.mean(axis=0)))

        def doubt(
            verdict: str, options: Options = options, chosen: int = chosen, instead: int = instead, wtp: float = wtp
        ) -> str:
            reversed_ = verdict == FAIL and instead != chosen
            return NOT_CERTAIN if reversed_ and _near(options, chosen, instead, wtp) else ""

        told = f"the patients choose {options.arms[chosen]!r}, the pooled cohorts {options.arms[instead]!r}"
        found.append(question.answer(Numbers.of_agreement(*chance, floor), before=told, doubt=doubt))
    return found or [ask.without_threshold("pooled decision")]


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
