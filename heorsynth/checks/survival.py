"""Is survival reproduced: its curve, its restricted mean, the arms' difference, and how patients were followed?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.comparison import compare, reason_of, too_few
from heorsynth.checks.distance import average, distance_finding, largest, with_synthesis
from heorsynth.checks.finding import Finding, not_estimable
from heorsynth.checks.groups import ALL, Group, comparisons, groups_of, two_levels
from heorsynth.checks.horizon import horizon_of
from heorsynth.checks.margin import Margin
from heorsynth.core.errors import HeorsynthError, HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort import Cohort
from heorsynth.estimators.cox import cox
from heorsynth.estimators.curve import SurvivalCurve
from heorsynth.estimators.proportions import proportion
from heorsynth.estimators.survival import (
    kaplan_meier,
    landmark_survival,
    median_survival,
    reverse_kaplan_meier,
    rmst,
    rmst_difference,
)

GRID, DRAWS = 100, 400
"""Times at which curves are compared, and draws of their error."""


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
            gaps = {key: margin for key, margin in asked.items() if key in GAPS}
            for key, margin in gaps.items():
                found.append(curve_gap(key, group, endpoint, margin, horizon_of(real, endpoint, margin), rng))
        for key, margin in asked.items():
            if key in BY_ARM:
                found += BY_ARM[key](real, synthetic, endpoint, margin)
    return found


def outcome(cohort: Cohort, endpoint: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Follow-up (n,), whether it ended in the event of interest (n,; other causes censor), and entry."""
    time, cause, entry = cohort.outcome(endpoint)
    return time, cause == 1, entry


def restricted_mean(group: Group, endpoint: str, margin: Margin, horizon: float) -> list[Finding]:
    """Restricted mean time to the event."""

    def estimate(cohort: Cohort) -> Estimate:
        time, event, entry = outcome(cohort, endpoint)
        return rmst(time, event, horizon, entry)

    unit = group.real.schema.unit
    return [
        compare(
            "survival.rmst", f"rmst of {endpoint} to {significant(horizon)} {unit}", group, estimate, margin, unit=unit
        )
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
            f"potential follow-up of {endpoint} to {significant(horizon)} {unit}",
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


def curve_gap(
    key: str,
    group: Group,
    endpoint: str,
    margin: Margin,
    horizon: float,
    rng: np.random.Generator,
) -> Finding:
    """How far the mean of the synthetic Kaplan-Meier curves is from the real one, up to the horizon.

    Notes
    -----
    Compared at 100 equally spaced times. The real curve's error is drawn as S(t)·W(g(t)), with W a Brownian
    motion and g Greenwood's sum, its large-sample law.
    """
    name, measure = GAPS[key]
    label = f"{name} distance of curves of {endpoint} to {significant(horizon)} {group.real.schema.unit}"
    grid = np.linspace(horizon / GRID, horizon, GRID)
    if few := too_few(group.real):
        return _cannot(key, label, group, NotEstimableError(few), margin)
    try:
        real = kaplan_meier(*outcome(group.real, endpoint))
        of_real, error = real.at(grid), real.se_at(grid)
        of_synthetic = np.array([_curve_at(cohort, endpoint, grid) for cohort in group.synthetic])
        if not error.any():
            raise NotEstimableError("no event before the horizon among the real patients")
    except (NotEstimableError, HorizonError) as refusal:
        return _cannot(key, label, group, refusal, margin)
    spread = np.divide(error, of_real, out=np.zeros_like(error), where=of_real > 0) ** 2
    steps = np.sqrt(np.maximum(np.diff(np.maximum.accumulate(spread), prepend=0.0), 0.0))
    real_noise = of_real * np.cumsum(rng.standard_normal((DRAWS, GRID)) * steps, axis=1)
    sizes = float(np.mean([cohort.n for cohort in group.synthetic]))
    noise = with_synthesis(real_noise, of_synthetic, group.real.n / sizes, rng)
    gaps = of_synthetic.mean(axis=0) - of_real
    return distance_finding(key, label, group, measure(gaps, noise, real_noise), margin)


def _curve_at(cohort: Cohort, endpoint: str, grid: np.ndarray) -> np.ndarray:
    if cohort.n == 0:
        raise NotEstimableError("a synthetic cohort has no patient of this group")
    return kaplan_meier(*outcome(cohort, endpoint)).at(grid)


def _cannot(key: str, label: str, group: Group, refusal: HeorsynthError, margin: Margin) -> Finding:
    found = not_estimable(
        "survival", label, group.label, reason_of(refusal), margin, n_real=group.real.n, decisive=group.decisive
    )
    return replace(found, key=key)


def arm_differences(real: Cohort, synthetic: Sequence[Cohort], endpoint: str, margin: Margin) -> list[Finding]:
    """Difference in restricted mean of each arm to the reference; a relative margin is a share of the horizon."""
    horizon, unit = horizon_of(real, endpoint, margin), real.schema.unit
    label = f"rmst difference of {endpoint} to {significant(horizon)} {unit}"
    return [
        compare(
            "survival.rmst_difference",
            label,
            group,
            partial(_between, endpoint=endpoint, arm=arm, usual=usual, horizon=horizon),
            margin.resolved(horizon),
            unit=unit,
        )
        for group, arm, usual in _pairs(real, synthetic)
    ]


def hazard_ratios(real: Cohort, synthetic: Sequence[Cohort], endpoint: str, margin: Margin) -> list[Finding]:
    """Hazard ratio of each arm to the reference."""
    return [
        compare(
            "survival.hazard_ratio",
            f"hazard ratio of {endpoint}",
            group,
            partial(_hazards, endpoint=endpoint, arm=arm, usual=usual),
            margin,
            log=True,
        )
        for group, arm, usual in _pairs(real, synthetic)
    ]


def _pairs(real: Cohort, synthetic: Sequence[Cohort]) -> list[tuple[Group, str, str]]:
    usual = real.arm_levels[0]
    return [
        (Group(f"{real.schema.arm}={arm} vs {usual}", ALL, real, tuple(synthetic)), arm, usual)
        for arm in comparisons(real, usual)
    ]


def _between(cohort: Cohort, endpoint: str, arm: str, usual: str, horizon: float) -> Estimate:
    both, treated = two_levels(cohort, str(cohort.schema.arm), arm, usual)
    time, event, entry = outcome(both, endpoint)
    return rmst_difference(time, event, treated, horizon, entry)


def _hazards(cohort: Cohort, endpoint: str, arm: str, usual: str) -> Estimate:
    both, treated = two_levels(cohort, str(cohort.schema.arm), arm, usual)
    time, event, entry = outcome(both, endpoint)
    fit = cox(time, event, treated.astype(float)[:, None], entry)
    return Estimate.normal(float(fit.coef[0]), float(fit.se[0]), method="log hazard ratio, Cox (Efron)", n_used=both.n)


Scalar = Callable[[Group, str, Margin, float], list[Finding]]
SCALAR: Mapping[str, Scalar] = {
    "survival.rmst": restricted_mean,
    "survival.landmark": landmark,
    "survival.median": median,
    "survival.censoring": censoring,
    "survival.follow_up": followed,
}
GAPS = {"survival.km_gap": ("largest", largest), "survival.km_gap_mean": ("mean", average)}
BY_ARM = {"survival.rmst_difference": arm_differences, "survival.hazard_ratio": hazard_ratios}
