"""Which arms, which cost and which effect an economic evaluation compares, from a cohort's roles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from heorsynth.checks.groups import comparisons
from heorsynth.core.errors import NotEstimableError, unknown_name
from heorsynth.data.cohort import Cohort, small
from heorsynth.data.schema import TIME_UNITS
from heorsynth.estimators.economics import Increments, increments


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
        cost = total_cost(cohort, self.costs)
        effect = cohort.column(self.effect).astype(float)
        known = np.isfinite(cost) & np.isfinite(effect)
        found = {}
        for arm in (self.comparator, self.treatment):
            rows = known & (assigned == arm)
            if rows.sum() < 2:
                raise NotEstimableError(f"{int(rows.sum())} patients of arm {arm!r} with cost and effect known")
            found[arm] = (cost[rows], effect[rows])
        return found

    def increments(self, cohort: Cohort) -> Increments:
        """Incremental cost and effect of the treatment."""
        parts = self.parts(cohort)
        cost, effect = (
            np.concatenate([parts[arm][part] for arm in (self.treatment, self.comparator)]) for part in (0, 1)
        )
        return increments(cost, effect, np.arange(len(cost)) < len(parts[self.treatment][0]))


def total_cost(cohort: Cohort, costs: Sequence[str]) -> np.ndarray:
    """The sum (n,) of cost columns, NaN where one of them is missing."""
    return np.asarray(np.sum([cohort.column(name).astype(float) for name in costs], axis=0))


def unnamed_comparator(cohort: Cohort, comparator: object) -> tuple[str, ...]:
    """What is to be told where nobody said which arm is the comparator."""
    if comparator is not None or cohort.schema.arm_reference is not None or len(cohort.arm_levels) < 2:
        return ()
    return (f"No comparator was named: {cohort.arm_levels[0]!r} is taken, the first in alphabetical order.",)


def odd_effects(cohort: Cohort, effect: str) -> tuple[str, ...]:
    """What is to be told of effects that no utility can have: above 1, or above the years anyone was followed."""
    values = cohort.column(effect).astype(float)
    longest = max((cohort.outcome(name)[0].max() for name in cohort.schema.endpoints), default=math.inf)
    years = max(longest * TIME_UNITS[cohort.schema.unit] / TIME_UNITS["year"], 1.0)
    beyond, above = int((values > years).sum()), int((values > 1).sum())
    if beyond:
        told = "longer than the follow-up is in years: are they on a scale of 0 to 100?"
        return (f"{small(beyond)} of {cohort.n:,} values of {effect} are above 1 and {told}",)
    if above:
        told = "possible for QALYs of more than a year, impossible for a utility."
        return (f"{small(above)} of {cohort.n:,} values of {effect} are above 1: {told}",)
    return ()


def evaluations(real: Cohort, settings: Mapping[str, object]) -> list[Evaluation]:
    """The pairwise comparisons that the settings (comparator, cost, effect) and the cohort's roles define.

    Raises
    ------
    UnknownNameError       a comparator, cost or effect that the cohort does not have
    NotEstimableError      several effects, none of them named
    """
    schema = real.schema
    if not real.arm_levels:
        raise NotEstimableError("no patient has an arm")
    comparator = str(real.arm_levels[0] if settings.get("comparator") is None else settings["comparator"])
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
    return tuple(dict.fromkeys(float(number) for number in numbers))
