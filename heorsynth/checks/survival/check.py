"""Is survival reproduced: its curve, its restricted mean, the arms' difference, and how patients were followed?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import Group, asked_of, fewest, groups_of
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import (
    Observed,
    causes,
    curve,
    follow_up_times,
    followed,
    incidence,
    reverse_curve,
)
from heorsynth.checks.core.scalar import compare
from heorsynth.checks.survival.arms import (
    arm_differences,
    hazard_ratio_changes,
    hazard_ratios,
    subdistribution_ratios,
)
from heorsynth.checks.survival.curves import GAPS, curve_gap
from heorsynth.checks.survival.extrapolation import lifetimes
from heorsynth.checks.survival.horizon import horizon_of, spans
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.costs.quantiles import quantile_of
from heorsynth.estimators.proportions import proportion
from heorsynth.estimators.survival import summaries as curve_summaries
from heorsynth.estimators.survival.curve import check_horizon


def check(
    real: Observed,
    synthetic: Sequence[Observed],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Observed | None = None,
) -> list[Finding]:
    """Findings on every endpoint, in every group, for the survival estimands that `margins` asks for."""
    found: list[Finding] = []
    groups = list(groups_of(real, synthetic, fewest(margins.values())))
    for endpoint in real.schema.endpoints:
        asked = {key: margin for key, margin in margins.items() if margin.settings.get("endpoint") in (None, endpoint)}
        for group in groups:
            for key, margin in asked_of(group, asked).items():
                if key in SCALAR:
                    found += SCALAR[key](group, endpoint, margin, horizon_of(real, endpoint, margin))
                elif key in GAPS:
                    found.append(curve_gap(key, group, endpoint, margin, horizon_of(real, endpoint, margin), rng))
            if group.decisive:
                wanted = {key: asked[key] for key in LIFETIMES if key in asked}
                found += lifetimes(cast(Cohort, real), group, endpoint, wanted)
        for key, margin in asked.items():
            if key in BY_ARM:
                found += BY_ARM[key](real, synthetic, endpoint, margin)
    return found


def restricted_mean(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Restricted mean time to the event."""

    def estimate(data: Observed) -> Estimate:
        return curve_summaries.restricted_mean(curve(data, endpoint), horizon)

    unit = group.real.schema.unit
    return [
        compare("survival.rmst", f"rmst {spans(group.real, endpoint, horizon)}", group, estimate, margin, unit=unit)
    ]


def landmark(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Event-free share at one or several times."""
    at = margin.settings.get("at")
    times = [horizon / 2] if at is None else [at] if isinstance(at, (int, float)) else list(cast(Sequence[float], at))
    found = []
    for moment in times:

        def estimate(data: Observed, moment: float = float(moment)) -> Estimate:
            return curve_summaries.landmark(curve(data, endpoint), moment)

        label = f"event-free share of {endpoint} at {significant(float(moment))} {group.real.schema.unit}"
        found.append(compare("survival.landmark", label, group, estimate, margin))
    return found


def median(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Median time to the event."""

    def estimate(data: Observed) -> Estimate:
        return curve_summaries.curve_quantile(curve(data, endpoint), 0.5)

    return [compare("survival.median", f"median of {endpoint}", group, estimate, margin, unit=group.real.schema.unit)]


def censoring(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Mean potential follow-up: the restricted mean of the reverse Kaplan-Meier curve.

    Every event, of whatever cause, ends observation without being a censoring. The curve's own identification
    is not an issue: it falls to 0 where the last patient is censored.
    """

    def estimate(data: Observed) -> Estimate:
        still = reverse_curve(data, endpoint)
        if horizon > still.reach:
            raise NotEstimableError("the last follow-up ended before the horizon in an event")
        return curve_summaries.restricted_mean(still, horizon)

    unit = group.real.schema.unit
    return [
        compare(
            "survival.censoring",
            f"potential follow-up {spans(group.real, endpoint, horizon)}",
            group,
            estimate,
            margin,
            unit=unit,
        )
    ]


def follow_up(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Share of patients whose follow-up, however it ended, reached the horizon."""

    def estimate(data: Observed) -> Estimate:
        return proportion(*followed(data, endpoint, horizon))

    label = f"followed for {endpoint} to {significant(horizon)} {group.real.schema.unit}"
    return [compare("survival.follow_up", label, group, estimate, margin)]


def optimism(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Mean event-free share up to the horizon: how much too rosy, or too grim, the curve is on average.

    References
    ----------
    Norcliffe, Cebere, Imrie, Lió & van der Schaar (2023) AISTATS, PMLR 206:1279 (SurvivalGAN).
    """

    def estimate(data: Observed) -> Estimate:
        area = curve_summaries.restricted_mean(curve(data, endpoint), horizon)
        return Estimate.normal(area.value / horizon, area.se / horizon)

    label = f"mean event-free share {spans(group.real, endpoint, horizon)}"
    return [compare("survival.optimism", label, group, estimate, margin)]


def reach(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """The time that a twentieth of the patients are followed beyond: whether the cohorts are short-sighted."""

    def estimate(data: Observed) -> Estimate:
        return quantile_of(follow_up_times(data, endpoint), 0.95, data.n)

    label = f"P95 of follow-up for {endpoint}"
    return [compare("survival.reach", label, group, estimate, margin, unit=group.real.schema.unit)]


def incidences(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Cumulative incidence of each cause at a time, where causes compete (Aalen-Johansen).

    Where nobody had an event of a cause, but somebody of another, its incidence is known, and 0.
    """
    competing = sorted(set(causes(group.real, endpoint)) - {0})
    if len(competing) < 2:
        return []
    declared = margin.settings.get("at")
    at = horizon if declared is None else float(cast(float, declared))
    names = group.real.schema.endpoints[endpoint].causes

    def estimate(data: Observed, cause: int) -> Estimate:
        found = incidence(data, endpoint)
        if cause not in found:
            check_horizon(at, next(iter(found.values())).reach)
            return Estimate.normal(0.0, 0.0)
        return Estimate.normal(float(found[cause].at(at)), float(found[cause].se_at(at)))

    return [
        compare(
            "survival.incidence",
            f"cumulative incidence of {names.get(cause, f'cause {cause}')} by {significant(at)} "
            f"{group.real.schema.unit} ({endpoint})",
            group,
            partial(estimate, cause=cause),
            margin,
        )
        for cause in competing
    ]


Scalar = Callable[[Group, str, Margin, float], list[Finding]]
SCALAR: Mapping[str, Scalar] = {
    "survival.rmst": restricted_mean,
    "survival.landmark": landmark,
    "survival.median": median,
    "survival.censoring": censoring,
    "survival.follow_up": follow_up,
    "survival.optimism": optimism,
    "survival.reach": reach,
    "survival.incidence": incidences,
}
LIFETIMES = ("survival.extrapolation", "survival.extrapolation_ranking")
BY_ARM = {
    "survival.rmst_difference": arm_differences,
    "survival.hazard_ratio": hazard_ratios,
    "survival.hazard_ratio_change": hazard_ratio_changes,
    "survival.subdistribution_ratio": subdistribution_ratios,
}
