"""Would an economic evaluation of the synthetic cohorts say what one of the real cohort says?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from scipy import stats

from heorsynth.checks.comparison import compare, reason_of
from heorsynth.checks.finding import LEVEL, Finding, because, decide, not_estimable
from heorsynth.checks.groups import ALL, Group, comparisons
from heorsynth.checks.margin import Margin
from heorsynth.core.errors import NotEstimableError, unknown_name
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort import Cohort
from heorsynth.estimators.costs import mean_difference


@dataclass(frozen=True)
class Evaluation:
    """Which arms, which cost and which effect are compared: the roles of an economic evaluation."""

    comparator: str
    treatment: str
    costs: tuple[str, ...]
    effect: str

    def parts(self, cohort: Cohort) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Cost and effect (n_arm,) of each arm, over the patients for whom both are known."""
        assigned = cohort.levels(str(cohort.schema.arm))
        cost = np.sum([cohort.column(name).astype(float) for name in self.costs], axis=0)
        effect = cohort.column(self.effect).astype(float)
        known = np.isfinite(cost) & np.isfinite(effect)
        found = {}
        for arm in (self.comparator, self.treatment):
            rows = known & (assigned == arm)
            if rows.sum() < 2:
                raise NotEstimableError(f"{int(rows.sum())} patients of arm {arm!r} with cost and effect known")
            found[arm] = (cost[rows], effect[rows])
        return found

    def incremental(self, cohort: Cohort, per_cost: float, per_effect: float) -> Estimate:
        """Difference between the arms in the mean of per_effect·effect + per_cost·cost, with Welch's error."""
        of_arm = {arm: per_effect * effect + per_cost * cost for arm, (cost, effect) in self.parts(cohort).items()}
        both = np.concatenate([of_arm[self.treatment], of_arm[self.comparator]])
        return mean_difference(both, np.arange(len(both)) < len(of_arm[self.treatment]))


def evaluations(real: Cohort, settings: Mapping[str, object]) -> list[Evaluation]:
    """The pairwise comparisons that the settings (comparator, cost, effect) and the cohort's roles define.

    Raises
    ------
    UnknownNameError       a comparator, cost or effect that the cohort does not have
    NotEstimableError      several effects, none of them named
    """
    schema = real.schema
    comparator = str(settings.get("comparator") or real.arm_levels[0])
    if comparator not in real.arm_levels:
        raise unknown_name("comparator", comparator, real.arm_levels)
    if settings.get("cost") is not None:
        costs: tuple[str, ...] = (_named("cost", settings["cost"], schema.costs),)
    else:
        totals = tuple(name for name in schema.costs if name in schema.totals)
        within = {part for total in totals for part in schema.totals[total]}
        costs = tuple(name for name in schema.costs if name not in within)
    if settings.get("effect") is not None:
        effect = _named("effect", settings["effect"], schema.utilities)
    elif len(schema.utilities) == 1:
        effect = schema.utilities[0]
    else:
        count = len(schema.utilities)
        raise NotEstimableError(f"{count} utilities are declared: name one with economics={{'effect': …}}")
    return [Evaluation(comparator, arm, costs, effect) for arm in comparisons(real, comparator)]


def _named(role: str, name: object, known: Sequence[str]) -> str:
    if name not in known:
        raise unknown_name(role, str(name), known)
    return str(name)


def thresholds(settings: Mapping[str, object]) -> tuple[float, ...]:
    """The declared willingness-to-pay thresholds, one or several."""
    given = settings.get("wtp") or ()
    numbers = (given,) if isinstance(given, (int, float)) else tuple(cast(Sequence[float], given))
    return tuple(float(number) for number in numbers)


def check(
    real: Cohort,
    synthetic: Sequence[Cohort],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
) -> list[Finding]:
    """Findings on incremental cost and QALY, net benefit at each threshold, and the decision, as `margins` asks."""
    found: list[Finding] = []
    for key, margin in margins.items():
        try:
            compared = evaluations(real, margin.settings)
        except NotEstimableError as error:
            found.append(_cannot(key, reason_of(error), margin, real))
            continue
        for evaluation in compared:
            label = f"{real.schema.arm}={evaluation.treatment} vs {evaluation.comparator}"
            group = Group(label, ALL, real, tuple(synthetic))
            found += ASKED[key](group, evaluation, margin)
    return found


def _cannot(key: str, reason: str, margin: Margin, real: Cohort) -> Finding:
    what = key.split(".")[1].replace("_", " ")
    return replace(not_estimable("economics", what, "all", reason, margin, n_real=real.n), key=key)


def _reference(evaluation: Evaluation, cohort: Cohort, part: int) -> float:
    """The comparator's mean cost (part 0) or effect (part 1): what a relative margin is a share of."""
    try:
        return float(np.mean(evaluation.parts(cohort)[evaluation.comparator][part]))
    except NotEstimableError:
        return 0.0


def incremental_cost(group: Group, evaluation: Evaluation, margin: Margin) -> list[Finding]:
    """Incremental cost per patient; a relative margin is a share of the comparator's mean cost."""
    return [
        compare(
            "economics.incremental_cost",
            "incremental cost",
            group,
            lambda cohort: evaluation.incremental(cohort, 1.0, 0.0),
            margin.resolved(_reference(evaluation, group.real, 0)),
            unit=group.real.schema.money,
        )
    ]


def incremental_qaly(group: Group, evaluation: Evaluation, margin: Margin) -> list[Finding]:
    """Incremental QALY per patient; a relative margin is a share of the comparator's mean QALY."""
    return [
        compare(
            "economics.incremental_qaly",
            f"incremental {evaluation.effect}",
            group,
            lambda cohort: evaluation.incremental(cohort, 0.0, 1.0),
            margin.resolved(_reference(evaluation, group.real, 1)),
            unit="QALY",
        )
    ]


def net_benefit(group: Group, evaluation: Evaluation, margin: Margin) -> list[Finding]:
    """Incremental net monetary benefit at each threshold; a relative margin is a share of the threshold.

    Notes
    -----
    INMB = λ·ΔE - ΔC. A relative margin of 0.05 is therefore 0.05 QALY per patient, in money.
    """
    found = []
    for wtp in thresholds(margin.settings):

        def benefit(cohort: Cohort, wtp: float = wtp) -> Estimate:
            return evaluation.incremental(cohort, -1.0, wtp)

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
    return found or [_cannot("economics.inmb", NO_THRESHOLD, margin, group.real)]


def decision_agreement(group: Group, evaluation: Evaluation, margin: Margin) -> list[Finding]:
    """Share of synthetic cohorts that alone would give the real cohort's decision (the sign of the INMB).

    Notes
    -----
    The interval is Clopper-Pearson's over the syntheses: the real decision is the one that was taken, so it has
    no sampling error here. The floor is the chance that a resample of the real cohort reverses its own decision,
    Φ(-|INMB| / SE).
    """
    found = []
    for wtp in thresholds(margin.settings):
        label = f"decision agreement at {significant(wtp)} per QALY"
        try:
            original = evaluation.incremental(group.real, -1.0, wtp)
            drawn = [evaluation.incremental(cohort, -1.0, wtp).value for cohort in group.synthetic]
        except NotEstimableError as error:
            found.append(_cannot("economics.decision_agreement", reason_of(error), margin, group.real))
            continue
        same, m = sum((value > 0) == (original.value > 0) for value in drawn), len(drawn)
        tail = (1 - LEVEL) / 2
        lower = float(stats.beta.ppf(tail, same, m - same + 1)) if same else 0.0
        upper = float(stats.beta.ppf(1 - tail, same + 1, m - same)) if same < m else 1.0
        verdict = decide(lower - 1, upper - 1, margin.width)
        floor = float(stats.norm.cdf(-abs(original.value) / original.se)) if original.se > 0 else 0.0
        found.append(
            Finding(
                "economics",
                label,
                group.label,
                1.0,
                same / m,
                same / m - 1,
                lower - 1,
                upper - 1,
                margin.width,
                floor,
                verdict,
                because(verdict, lower - 1, upper - 1, margin),
                margin.scale,
                "",
                group.real.n,
                True,
                key="economics.decision_agreement",
            )
        )
    return found or [_cannot("economics.decision_agreement", NO_THRESHOLD, margin, group.real)]


NO_THRESHOLD = "no willingness-to-pay threshold is declared: give economics={'wtp': [20000]}"

ASKED: Mapping[str, Callable[[Group, Evaluation, Margin], list[Finding]]] = {
    "economics.inmb": net_benefit,
    "economics.incremental_cost": incremental_cost,
    "economics.incremental_qaly": incremental_qaly,
    "economics.decision_agreement": decision_agreement,
}
