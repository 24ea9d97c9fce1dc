"""Which arms, which cost and which effect an economic evaluation compares, from a cohort's roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from heorsynth.checks.groups import comparisons
from heorsynth.checks.observed import Observed, joint
from heorsynth.core.errors import NotEstimableError, unknown_name
from heorsynth.data.cohort import Cohort
from heorsynth.estimators.economics import Increments, Joint, increments_of


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

    def joints(self, data: Observed) -> dict[str, Joint]:
        """Mean and covariance of cost and effect in each arm, over the patients for whom both are known."""
        assigned, found = data.levels(str(data.schema.arm)), {}
        for arm in (self.comparator, self.treatment):
            try:
                found[arm] = joint(data, assigned == arm, self.costs, self.effect)
            except NotEstimableError as error:
                raise NotEstimableError(error.subject.replace("patients", f"patients of arm {arm!r}")) from None
        return found

    def increments(self, data: Observed) -> Increments:
        """Incremental cost and effect of the treatment."""
        parts = self.joints(data)
        treated, others = parts[self.treatment], parts[self.comparator]
        return increments_of(treated, others, treated.n + others.n)


def evaluations(real: Observed, settings: Mapping[str, object]) -> list[Evaluation]:
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
