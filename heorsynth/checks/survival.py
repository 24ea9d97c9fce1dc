"""Is survival reproduced: its curve, its restricted mean, the arms' difference, and how patients were followed?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.comparison import compare
from heorsynth.checks.finding import Finding
from heorsynth.checks.groups import SUBGROUP, Group, groups_of
from heorsynth.checks.margin import Margin
from heorsynth.checks.outcomes import horizon_of, outcome, spans
from heorsynth.checks.survival_arms import (
    arm_differences,
    hazard_ratio_changes,
    hazard_ratios,
    subdistribution_ratios,
)
from heorsynth.checks.survival_curves import GAPS, curve_gap
from heorsynth.checks.survival_lifetime import lifetimes
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort import Cohort
from heorsynth.estimators.cost_quantiles import quantile
from heorsynth.estimators.curve import SurvivalCurve
from heorsynth.estimators.proportions import proportion
from heorsynth.estimators.survival import (
    cumulative_incidence,
    landmark_survival,
    median_survival,
    reverse_kaplan_meier,
    rmst,
)


def check(
    real: Cohort,
    synthetic: Sequence[Cohort],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
) -> list[Finding]:
    """Findings on every endpoint, in every group, for the survival estimands that `margins` asks for."""
    found: list[Finding] = []
    groups = list(groups_of(real, synthetic))
    for endpoint in real.schema.endpoints:
        asked = {key: margin for key, margin in margins.items() if margin.settings.get("endpoint") in (None, endpoint)}
        for group in groups:
            for key, margin in asked.items():
                if key in SCALAR:
                    found += SCALAR[key](group, endpoint, margin, horizon_of(real, endpoint, margin))
                elif key in GAPS:
                    found.append(curve_gap(key, group, endpoint, margin, horizon_of(real, endpoint, margin), rng))
            if group.kind != SUBGROUP:
                found += lifetimes(real, group, endpoint, {key: asked[key] for key in LIFETIMES if key in asked})
        for key, margin in asked.items():
            if key in BY_ARM:
                found += BY_ARM[key](real, synthetic, endpoint, margin)
    return found


def restricted_mean(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Restricted mean time to the event."""

    def estimate(cohort: Cohort) -> Estimate:
        time, event, entry = outcome(cohort, endpoint)
        return rmst(time, event, horizon, entry)

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

        def estimate(cohort: Cohort, moment: float = float(moment)) -> Estimate:
            time, event, entry = outcome(cohort, endpoint)
            return landmark_survival(time, event, moment, entry)

        label = f"event-free share of {endpoint} at {significant(float(moment))} {group.real.schema.unit}"
        found.append(compare("survival.landmark", label, group, estimate, margin))
    return found


def median(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Median time to the event."""

    def estimate(cohort: Cohort) -> Estimate:
        time, event, entry = outcome(cohort, endpoint)
        return median_survival(time, event, entry)

    return [compare("survival.median", f"median of {endpoint}", group, estimate, margin, unit=group.real.schema.unit)]


def censoring(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Mean potential follow-up: the restricted mean of the reverse Kaplan-Meier curve.

    Every event, of whatever cause, ends observation without being a censoring. The curve's own identification
    is not an issue: it falls to 0 where the last patient is censored.
    """

    def estimate(cohort: Cohort) -> Estimate:
        time, cause, entry = cohort.outcome(endpoint)
        return _area(reverse_kaplan_meier(time, cause > 0, entry), horizon)

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


def _area(curve: SurvivalCurve, horizon: float) -> Estimate:
    """Area under a curve up to a horizon, with its Greenwood-type error."""
    inside = curve.times < horizon
    edges = np.concatenate([[0.0], curve.times[inside], [horizon]])
    if horizon > curve.reach:
        raise NotEstimableError("the last follow-up ended before the horizon in an event")
    pieces = np.diff(edges) * np.concatenate([[1.0], curve.survival[inside]])
    beyond = np.cumsum(pieces[::-1])[::-1][1:]
    events, left = curve.events[inside], curve.at_risk[inside] * (curve.at_risk[inside] - curve.events[inside])
    shares = np.divide(events, left, out=np.zeros_like(left, dtype=float), where=left > 0)
    return Estimate.normal(float(pieces.sum()), float(np.sqrt(np.sum(beyond**2 * shares))))


def followed(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Share of patients whose follow-up, however it ended, reached the horizon."""

    def estimate(cohort: Cohort) -> Estimate:
        time = cohort.outcome(endpoint)[0]
        return proportion(int((time >= horizon).sum()), int(np.isfinite(time).sum()))

    label = f"followed for {endpoint} to {significant(horizon)} {group.real.schema.unit}"
    return [compare("survival.follow_up", label, group, estimate, margin)]


def optimism(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Mean event-free share up to the horizon: how much too rosy, or too grim, the curve is on average.

    References
    ----------
    Norcliffe, Cebere, Imrie, Lió & van der Schaar (2023) AISTATS, PMLR 206:1279 (SurvivalGAN).
    """

    def estimate(cohort: Cohort) -> Estimate:
        time, event, entry = outcome(cohort, endpoint)
        area = rmst(time, event, horizon, entry)
        return Estimate.normal(area.value / horizon, area.se / horizon)

    label = f"mean event-free share {spans(group.real, endpoint, horizon)}"
    return [compare("survival.optimism", label, group, estimate, margin)]


def reach(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """The time that a twentieth of the patients are followed beyond: whether the cohorts are short-sighted."""

    def estimate(cohort: Cohort) -> Estimate:
        return quantile(cohort.outcome(endpoint)[0], 0.95)

    label = f"P95 of follow-up for {endpoint}"
    return [compare("survival.reach", label, group, estimate, margin, unit=group.real.schema.unit)]


def incidence(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Cumulative incidence of each cause at a time, where causes compete (Aalen-Johansen)."""
    causes = sorted(set(group.real.outcome(endpoint)[1].tolist()) - {0})
    if len(causes) < 2:
        return []
    declared = margin.settings.get("at")
    at = horizon if declared is None else float(cast(float, declared))
    names = group.real.schema.endpoints[endpoint].causes

    def estimate(cohort: Cohort, cause: int) -> Estimate:
        found = cumulative_incidence(*cohort.outcome(endpoint))
        if cause not in found:
            raise NotEstimableError("nobody had an event of this cause")
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
        for cause in causes
    ]


Scalar = Callable[[Group, str, Margin, float], list[Finding]]
SCALAR: Mapping[str, Scalar] = {
    "survival.rmst": restricted_mean,
    "survival.landmark": landmark,
    "survival.median": median,
    "survival.censoring": censoring,
    "survival.follow_up": followed,
    "survival.optimism": optimism,
    "survival.reach": reach,
    "survival.incidence": incidence,
}
LIFETIMES = ("survival.extrapolation", "survival.extrapolation_ranking")
BY_ARM = {
    "survival.rmst_difference": arm_differences,
    "survival.hazard_ratio": hazard_ratios,
    "survival.hazard_ratio_change": hazard_ratio_changes,
    "survival.subdistribution_ratio": subdistribution_ratios,
}
