"""The arms, cost and effect of an economic evaluation, from the roles of a cohort."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from heorsynth.checks.core.groups import comparisons, names_of
from heorsynth.checks.core.observed import follow_up_times, joint, ranked
from heorsynth.checks.core.strata import Observed, at_level
from heorsynth.checks.economics.analysis import Analysis, analysis_of
from heorsynth.core.disclosure import small
from heorsynth.core.errors import NotEstimableError, Problem, UnknownNameError, nearest, unknown_name
from heorsynth.data.columns.schema import Schema
from heorsynth.data.visits.units import TIME_UNITS
from heorsynth.estimators.economics.increments import Increments, Joint, increments_of


@dataclass(frozen=True)
class Evaluation:
    """A comparison of two arms: the comparator, the treatment, the cost columns and the effect column.

    `analysis` is the analysis of all arms if covariates, imputation or clusters are declared, else None.
    """

    comparator: str
    treatment: str
    costs: tuple[str, ...]
    effect: str
    analysis: Analysis | None = None

    def per(self, schema: Schema) -> str:
        """Return the denominator of a threshold (`threshold_unit`)."""
        return threshold_unit(schema, self.effect)

    def joints(self, data: Observed) -> dict[str, Joint]:
        """Return mean and covariance of cost and effect in each arm, over the patients with both known."""
        joints = {}
        for arm in (self.comparator, self.treatment):
            try:
                joints[arm] = joint(data, at_level(data, str(data.schema.arm), arm), self.costs, self.effect)
            except NotEstimableError as error:
                raise NotEstimableError(error.subject.replace("patients", f"patients of arm {arm!r}")) from None
        return joints

    def increments(self, data: Observed) -> Increments:
        """Return unadjusted incremental cost and effect of the treatment, over the patients with both known."""
        parts = self.joints(data)
        treated, others = parts[self.treatment], parts[self.comparator]
        return increments_of(treated, others, treated.n + others.n)


def threshold_unit(schema: Schema, effect: object = None) -> str:
    """Return the denominator of a threshold: "QALY" if that is the unit of the effect, else "unit of" its column.

    Examples
    --------
    >>> schema = Schema(endpoints={}, utilities=("life_years", "qaly"))
    >>> threshold_unit(schema, "life_years"), threshold_unit(schema, "qaly"), threshold_unit(schema)
    ('unit of life_years', 'QALY', 'unit of effect')
    """
    names = list(schema.utilities) if effect is None else [str(effect)]
    return (schema.unit_of(names[0]) or f"unit of {names[0]}") if len(names) == 1 else "unit of effect"


def unnamed_comparator(real: Observed, comparator: object) -> tuple[str, ...]:
    """Return a note if no comparator is declared."""
    if comparator is not None or real.schema.arm_reference is not None or len(real.arm_levels) < 2:
        return ()
    first = names_of(real, str(real.schema.arm))[real.arm_levels[0]]
    return (f"No comparator is declared: {first!r} is used, the first in alphabetical order.",)


def odd_effects(real: Observed, effect: str) -> tuple[str, ...]:
    """Return a note on implausible effects: above 1, or above the longest follow-up in years."""
    try:
        values = ranked(real, effect)
    except NotEstimableError:
        return ()
    longest = max((float(follow_up_times(real, name).values[-1]) for name in real.schema.endpoints), default=math.inf)
    years = max(longest * TIME_UNITS[real.schema.unit] / TIME_UNITS["year"], 1.0)
    if beyond := values.above(years):
        return (
            f"{small(beyond)} of {real.n:,} values of {effect} are above 1 and above the longest follow-up in years: "
            "is the scale 0 to 100?",
        )
    if above := values.above(1.0):
        return (
            f"{small(above)} of {real.n:,} values of {effect} are above 1: possible for QALYs over more than a year, "
            "impossible for a utility.",
        )
    return ()


def evaluations(real: Observed, settings: Mapping[str, object]) -> list[Evaluation]:
    """Return the comparisons of each arm with the comparator, from settings and roles.

    Where the cohort declares a cluster, errors allow for it.

    Raises
    ------
    UnknownNameError       a comparator, cost or effect that the cohort does not have
    NotEstimableError      no patient has an arm, or several effects and none named
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
    others = comparisons(real, comparator)
    cluster = schema.cluster if settings.get("cluster") is None else settings["cluster"]
    analysis = analysis_of((comparator, *others), costs, effect, {**settings, "cluster": cluster})
    return [Evaluation(comparator, arm, costs, effect, analysis) for arm in others]


def economics_problems(real: Observed, settings: Mapping[str, object]) -> list[Problem]:
    """Return the problems of the columns of an adjusted evaluation; none if cost, effect or arms are unknown.

    Those are refused where the arms are compared (`evaluations`).
    """
    try:
        pairs = evaluations(real, settings)
    except (NotEstimableError, UnknownNameError):
        return []
    return pairs[0].analysis.problems(real) if pairs and pairs[0].analysis is not None else []


def outcome_problems(real: Observed, settings: Mapping[str, object]) -> list[Problem]:
    """Return the problems of a cost and an effect that the cohort does not declare, each with the nearest name."""
    known = {"cost": real.schema.costs, "effect": real.schema.utilities}
    return [
        Problem(role, f"no {role} {settings[role]!r} is declared", nearest(str(settings[role]), names))
        for role, names in known.items()
        if settings.get(role) is not None and settings[role] not in names
    ]


def _named_arms(real: Observed) -> list[str]:
    """Return the arms whose names may be shown."""
    return [level for level, name in names_of(real, str(real.schema.arm)).items() if level and level == name]


def _named(role: str, name: object, known: Sequence[str]) -> str:
    if name not in known:
        raise unknown_name(role, str(name), known)
    return str(name)


def thresholds(settings: Mapping[str, object]) -> tuple[float, ...]:
    """Return the declared willingness-to-pay thresholds."""
    given = settings.get("wtp") or ()
    numbers = (given,) if isinstance(given, (int, float)) else tuple(cast(Sequence[float], given))
    return tuple(dict.fromkeys(float(number) for number in numbers))
