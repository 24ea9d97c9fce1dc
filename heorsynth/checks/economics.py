"""Would an economic evaluation of the synthetic cohorts say what one of the real cohort says?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from heorsynth.checks.comparison import compare, reason_of
from heorsynth.checks.decisions import NO_THRESHOLD, acceptability_gap, cannot, decision_agreement, pooled_decision
from heorsynth.checks.evaluation import Evaluation, evaluations, thresholds
from heorsynth.checks.finding import Finding
from heorsynth.checks.groups import ALL, SUBGROUP, Group, groups_of
from heorsynth.checks.margin import Margin
from heorsynth.checks.observed import Observed
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant


def check(
    real: Observed,
    synthetic: Sequence[Observed],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Observed | None = None,
) -> list[Finding]:
    """Findings on incremental cost and QALY, net benefit at each threshold, and the decision, as `margins` asks."""
    found: list[Finding] = []
    for key, margin in margins.items():
        try:
            compared = evaluations(real, margin.settings)
        except NotEstimableError as error:
            found.append(cannot(key, reason_of(error), margin, Group("all", ALL, real, tuple(synthetic))))
            continue
        for evaluation in compared:
            label = f"{real.schema.arm}={evaluation.treatment} vs {evaluation.comparator}"
            group = Group(label, ALL, real, tuple(synthetic))
            found += ASKED[key](group, evaluation, margin, rng)
            if key in BY_SUBGROUP:
                for part in groups_of(real, synthetic):
                    if part.kind == SUBGROUP:
                        within = replace(part, label=f"{part.label}, {label}")
                        found += ASKED[key](within, evaluation, margin, rng)
    return found


def _reference(evaluation: Evaluation, cohort: Observed, part: int) -> float:
    """The comparator's mean cost (part 0) or effect (part 1): what a relative margin is a share of."""
    try:
        return float(evaluation.joints(cohort)[evaluation.comparator].mean[part])
    except NotEstimableError:
        return 0.0


def incremental_cost(group: Group, evaluation: Evaluation, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """Incremental cost per patient; a relative margin is a share of the comparator's mean cost."""
    return [
        compare(
            "economics.incremental_cost",
            "incremental cost",
            group,
            lambda cohort: evaluation.increments(cohort).delta_cost(),
            margin.resolved(_reference(evaluation, group.real, 0)),
            unit=group.real.schema.money,
        )
    ]


def incremental_qaly(group: Group, evaluation: Evaluation, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """Incremental QALY per patient; a relative margin is a share of the comparator's mean QALY."""
    return [
        compare(
            "economics.incremental_qaly",
            f"incremental {evaluation.effect}",
            group,
            lambda cohort: evaluation.increments(cohort).delta_effect(),
            margin.resolved(_reference(evaluation, group.real, 1)),
            unit="QALY",
        )
    ]


def net_benefit(group: Group, evaluation: Evaluation, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """Incremental net monetary benefit at each threshold; a relative margin is a share of the threshold.

    Notes
    -----
    INMB = λ·ΔE - ΔC. A relative margin of 0.05 is therefore 0.05 QALY per patient, in money.
    """
    found = []
    for wtp in thresholds(margin.settings):

        def benefit(cohort: Observed, wtp: float = wtp) -> Estimate:
            return evaluation.increments(cohort).inmb(wtp)

        found.append(
            compare(
                "economics.inmb",
                f"INMB at {significant(wtp)} per QALY",
                group,
                benefit,
                margin.resolved(wtp),
                unit=group.real.schema.money,
            )
        )
    return found or [cannot("economics.inmb", NO_THRESHOLD, margin, group)]


Asked = Callable[[Group, Evaluation, Margin, np.random.Generator], list[Finding]]
ASKED: Mapping[str, Asked] = {
    "economics.inmb": net_benefit,
    "economics.incremental_cost": incremental_cost,
    "economics.incremental_qaly": incremental_qaly,
    "economics.ceac": acceptability_gap,
    "economics.decision_agreement": decision_agreement,
    "economics.pooled_decision": pooled_decision,
}
BY_SUBGROUP = ("economics.decision_agreement",)
"""Asked once more within every subgroup level, in support."""
