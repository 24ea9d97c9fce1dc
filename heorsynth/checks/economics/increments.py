"""Incremental cost, incremental effect and net benefit of a treatment."""

from __future__ import annotations

from functools import partial

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.economics.arms import Evaluation, thresholds
from heorsynth.checks.economics.compared import Pair
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant


def incremental_cost(ask: Pair) -> list[Finding]:
    """Return the incremental cost per patient; a relative margin is a share of the mean cost of the comparator."""
    compared, real = ask.compared, ask.group.real
    margin = ask.margin.resolved(_reference(compared.evaluation, real, 0), own=True)
    question = ask.question("incremental cost", margin=margin, unit=real.schema.money)
    return [question.judge(lambda cohort: compared.of(cohort).delta_cost(), effect=True)]


def incremental_qaly(ask: Pair) -> list[Finding]:
    """Return the incremental effect per patient; a relative margin is a share of the mean of the comparator."""
    compared, real = ask.compared, ask.group.real
    effect = compared.evaluation.effect
    margin = ask.margin.resolved(_reference(compared.evaluation, real, 1), own=True)
    question = ask.question(f"incremental {effect}", margin=margin, unit=real.schema.unit_of(effect))
    return [question.judge(lambda cohort: compared.of(cohort).delta_effect(), effect=True)]


def net_benefits(ask: Pair) -> list[Finding]:
    """Return the incremental net monetary benefit at each threshold; a relative margin is a share of the threshold.

    Notes
    -----
    INMB = λ·ΔE - ΔC. So a relative margin of 0.05 is the monetary value of 0.05 QALY per patient.
    """

    def benefit(cohort: Observed, wtp: float) -> Estimate:
        return ask.compared.of(cohort).inmb(wtp)

    findings = [
        ask.at(
            wtp,
            f"INMB at {significant(wtp)} per {ask.per}",
            margin=ask.margin.resolved(wtp),
            unit=ask.group.real.schema.money,
        ).judge(partial(benefit, wtp=wtp))
        for wtp in thresholds(ask.margin.settings)
    ]
    return findings or [ask.without_threshold("inmb")]


def _reference(evaluation: Evaluation, cohort: Observed, part: int) -> float:
    """Return the mean cost (part 0) or effect (part 1) of the comparator, 0 if not estimable."""
    try:
        return float(evaluation.joints(cohort)[evaluation.comparator].mean[part])
    except NotEstimableError:
        return 0.0
