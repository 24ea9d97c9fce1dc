"""Which arms, which cost and which effect an economic evaluation compares, from a cohort's roles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from heorsynth.checks.core.groups import comparisons, names_of
from heorsynth.checks.core.observed import Observed, follow_up_times, joint, ranked
from heorsynth.core.errors import NotEstimableError, unknown_name
from heorsynth.data.cohort.cohort import small
from heorsynth.data.columns.schema import TIME_UNITS, Schema
from heorsynth.estimators.economics.increments import Increments, Joint, increments_of


@dataclass(frozen=True)
class Evaluation:
    """Which arms, which cost and which effect are compared: the roles of an economic evaluation."""

    comparator: str
    treatment: str
    costs: tuple[str, ...]
    effect: str

    def per(self, schema: Schema) -> str:
        """What a threshold is money for."""
        return threshold_unit(schema, self.effect)

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


def threshold_unit(schema: Schema, effect: object = None) -> str:
    """What a threshold is money for: "QALY" where the effect's column is one by its unit, else a unit of that column.

    Examples
    --------
    >>> schema = Schema(endpoints={}, utilities=("life_years", "qaly"))
    >>> threshold_unit(schema, "life_years"), threshold_unit(schema, "qaly"), threshold_unit(schema)
    ('unit of life_years', 'QALY', 'unit of effect')
    """
    names = list(schema.utilities) if effect is None else [str(effect)]
    return (schema.unit_of(names[0]) or f"unit of {names[0]}") if len(names) == 1 else "unit of effect"


def unnamed_comparator(real: Observed, comparator: object) -> tuple[str, ...]:
    """What is to be told where nobody said which arm is the comparator."""
    if comparator is not None or real.schema.arm_reference is not None or len(real.arm_levels) < 2:
        return ()
    first = names_of(real, str(real.schema.arm))[real.arm_levels[0]]
    return (f"No comparator was named: {first!r} is taken, the first in alphabetical order.",)


def odd_effects(real: Observed, effect: str) -> tuple[str, ...]:
    """What is to be told of effects that no utility can have: above 1, or above the years anyone was followed."""
    try:
        values = ranked(real, effect)
    except NotEstimableError:
        return ()
    longest = max((float(follow_up_times(real, name).values[-1]) for name in real.schema.endpoints), default=math.inf)
    years = max(longest * TIME_UNITS[real.schema.unit] / TIME_UNITS["year"], 1.0)
    if beyond := values.above(years):
        told = "longer than the follow-up is in years: are they on a scale of 0 to 100?"
        return (f"{small(beyond)} of {real.n:,} values of {effect} are above 1 and {told}",)
    if above := values.above(1.0):
        told = "possible for QALYs of more than a year, impossible for a utility."
        return (f"{small(above)} of {real.n:,} values of {effect} are above 1: {told}",)
    return ()


def evaluations(real: Observed, settings: Mapping[str, object]) -> list[Evaluation]:
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
        raise unknown_name("comparator", comparator, _named_arms(real))
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


def _named_arms(real: Observed) -> list[str]:
    """The arms whose names may be shown."""
    return [level for level, name in names_of(real, str(real.schema.arm)).items() if level and level == name]


def _named(role: str, name: object, known: Sequence[str]) -> str:
    if name not in known:
        raise unknown_name(role, str(name), known)
    return str(name)


def thresholds(settings: Mapping[str, object]) -> tuple[float, ...]:
    """The declared willingness-to-pay thresholds, one or several."""
    given = settings.get("wtp") or ()
    numbers = (given,) if isinstance(given, (int, float)) else tuple(cast(Sequence[float], given))
    return tuple(dict.fromkeys(float(number) for number in numbers))
