"""Would an economic evaluation of the synthetic cohorts say what one of the real cohort says?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, SUBGROUP, Group, groups_of
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed
from heorsynth.checks.core.scalar import compare, reason_of
from heorsynth.checks.economics.arms import Evaluation, evaluations, thresholds
from heorsynth.checks.economics.compared import Compared
from heorsynth.checks.economics.decisions import (
    AGREEMENT,
    NO_THRESHOLD,
    POOLED,
    acceptability_gap,
    cannot,
    decision_agreement,
    pooled_decision,
)
from heorsynth.checks.economics.options import choice_agreement, pooled_choice
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
    groups = [part for part in groups_of(real, synthetic) if part.kind in (ALL, SUBGROUP)]
    held: dict[tuple[str, Evaluation], Compared] = {}
    for key, margin in margins.items():
        try:
            pairs = evaluations(real, margin.settings)
        except NotEstimableError as error:
            found.append(cannot(key, reason_of(error), margin, groups[0]))
            continue
        if not pairs:
            found.append(cannot(key, "one arm: a comparison needs two", margin, groups[0]))
        for group in groups if key in BY_SUBGROUP and thresholds(margin.settings) else groups[:1]:
            for pair in pairs:
                within = group.against(str(real.schema.arm), pair.treatment, pair.comparator)
                compared = held.setdefault((group.label, pair), Compared(within, pair))
                found += ASKED[key](compared, margin, rng)
            if len(pairs) > 1 and key in CHOICES:
                found += CHOICES[key](_of_all(group, pairs, real), pairs, margin, rng)
    return found


def _of_all(group: Group, pairs: Sequence[Evaluation], real: Observed) -> Group:
    """The group, labelled by all the arms that are compared."""
    label = f"{real.schema.arm}: {', '.join([pairs[0].comparator, *(pair.treatment for pair in pairs)])}"
    return replace(group, label=label if group.kind == ALL else f"{label}, {group.label}")


def _reference(evaluation: Evaluation, cohort: Observed, part: int) -> float:
    """The comparator's mean cost (part 0) or effect (part 1): what a relative margin is a share of."""
    try:
        return float(evaluation.joints(cohort)[evaluation.comparator].mean[part])
    except NotEstimableError:
        return 0.0


def incremental_cost(compared: Compared, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """Incremental cost per patient; a relative margin is a share of the comparator's mean cost."""
    return [
        compare(
            "economics.incremental_cost",
            "incremental cost",
            compared.group,
            lambda cohort: compared.of(cohort).delta_cost(),
            margin.resolved(_reference(compared.evaluation, compared.group.real, 0)),
            unit=compared.group.real.schema.money,
            effect=True,
        )
    ]


def incremental_qaly(compared: Compared, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """Incremental effect per patient, in its column's unit; a relative margin is a share of the comparator's mean."""
    return [
        compare(
            "economics.incremental_qaly",
            f"incremental {compared.evaluation.effect}",
            compared.group,
            lambda cohort: compared.of(cohort).delta_effect(),
            margin.resolved(_reference(compared.evaluation, compared.group.real, 1)),
            unit=compared.group.real.schema.unit_of(compared.evaluation.effect),
            effect=True,
        )
    ]


def net_benefit(compared: Compared, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """Incremental net monetary benefit at each threshold; a relative margin is a share of the threshold.

    Notes
    -----
    INMB = λ·ΔE - ΔC. A relative margin of 0.05 is therefore 0.05 QALY per patient, in money.
    """
    found = []
    for wtp in thresholds(margin.settings):

        def benefit(cohort: Observed, wtp: float = wtp) -> Estimate:
            return compared.of(cohort).inmb(wtp)

        found.append(
            compare(
                "economics.inmb",
                f"INMB at {significant(wtp)} per {compared.per}",
                compared.group,
                benefit,
                margin.resolved(wtp),
                unit=compared.group.real.schema.money,
            )
        )
    return found or [cannot("economics.inmb", NO_THRESHOLD, margin, compared.group)]


Asked = Callable[[Compared, Margin, np.random.Generator], list[Finding]]
ASKED: Mapping[str, Asked] = {
    "economics.inmb": net_benefit,
    "economics.incremental_cost": incremental_cost,
    "economics.incremental_qaly": incremental_qaly,
    "economics.ceac": acceptability_gap,
    AGREEMENT: decision_agreement,
    POOLED: pooled_decision,
}
Chosen = Callable[[Group, Sequence[Evaluation], Margin, np.random.Generator], list[Finding]]
CHOICES: Mapping[str, Chosen] = {AGREEMENT: choice_agreement, POOLED: pooled_choice}
"""Asked once more of all arms together, where there are three or more: pairs may all agree, and the choice not."""

BY_SUBGROUP = ("economics.inmb", AGREEMENT, POOLED)
"""Asked once more within every subgroup level, in support."""
