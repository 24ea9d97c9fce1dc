"""Effects of an arm on survival: gain in restricted mean, hazard ratio, and its change over time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ARM, Group, comparisons, two_levels
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import arm_curves, hazard, hazard_change
from heorsynth.checks.core.question import Ask, Estimator
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.survival.horizon import competing, horizon_of, spans
from heorsynth.checks.survival.together import Many, together
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.stacked import arms as stacked_arms
from heorsynth.estimators.survival.fine_gray import fine_gray
from heorsynth.estimators.survival.summaries import restricted_mean, restricted_mean_difference

_Contrast = Callable[[Observed, np.ndarray], Estimate]
"""Patients of two arms, and a mask of the first arm -> an estimate of the effect."""


def rmst_differences(ask: Ask) -> list[Finding]:
    """Return the difference in restricted mean to the reference arm; a relative margin is a share of the horizon."""
    horizon = horizon_of(ask)

    def difference(both: Observed, treated: np.ndarray) -> Estimate:
        first, second = (restricted_mean(one, horizon) for one in arm_curves(both, treated, ask.endpoint))
        return restricted_mean_difference(first, second, horizon, both.n)

    label, unit = f"rmst difference {spans(ask, horizon)}", ask.scope.real.schema.unit
    margin = ask.margin.resolved(horizon)
    all_at_once = partial(stacked_arms.restricted_mean_differences, horizon=horizon)
    return _contrasts(ask, label, difference, margin, all_at_once, unit=unit, effect=True)


def hazard_ratios(ask: Ask) -> list[Finding]:
    """Return the hazard ratio of each arm to the reference arm."""

    def ratio(both: Observed, treated: np.ndarray) -> Estimate:
        return hazard(both, treated, ask.endpoint)

    label, all_at_once = f"hazard ratio of {ask.endpoint}", stacked_arms.log_hazard_ratios
    return _contrasts(ask, label, ratio, ask.margin, all_at_once, log=True, effect=True)


def hazard_ratio_changes(ask: Ask) -> list[Finding]:
    """Return the hazard ratio after a time divided by the one before it; 1 means proportional hazards.

    Notes
    -----
    Two Cox models are fitted: one to follow-up censored at the time, one to follow-up that begins at the time. They
    share no event, so their log ratios are independent and the variances add.
    """
    declared = ask.margin.settings.get("at")
    at = horizon_of(ask) / 2 if declared is None else float(cast(float, declared))

    def change(both: Observed, treated: np.ndarray) -> Estimate:
        return hazard_change(both, treated, ask.endpoint, at)

    label = f"change of the hazard ratio of {ask.endpoint} at {significant(at)} {ask.scope.real.schema.unit}"
    all_at_once = partial(stacked_arms.log_hazard_ratio_changes, at=at)
    return _contrasts(ask, label, change, ask.margin, all_at_once, log=True)


def subdistribution_ratios(ask: Ask) -> list[Finding]:
    """Return the Fine-Gray subdistribution hazard ratio of each arm; an empty list without competing causes."""
    if not competing(ask.scope.real, ask.endpoint):
        return []

    def ratio(both: Observed, treated: np.ndarray) -> Estimate:
        time, cause, entry = cast(Cohort, both).outcome(ask.endpoint)
        if entry is not None and (entry > 0).any():
            raise NotEstimableError("the Fine-Gray model is not fitted to delayed entry")
        fit = fine_gray(time, cause, treated.astype(float)[:, None])
        return Estimate.normal(float(fit.coef[0]), float(fit.se[0]), n_used=both.n)

    label = f"subdistribution hazard ratio of {ask.endpoint}"
    all_at_once = None if ask.scope.real.schema.entry else stacked_arms.log_subdistribution_ratios
    return _contrasts(ask, label, ratio, ask.margin, all_at_once, log=True, effect=True)


def _contrasts(
    ask: Ask,
    label: str,
    contrast: _Contrast,
    margin: Margin,
    many: Many | None,
    *,
    unit: str = "",
    log: bool = False,
    effect: bool = False,
) -> list[Finding]:
    """Return a finding for each arm against the reference, in all patients and in each subgroup level."""
    real = ask.scope.real
    column, usual = str(real.schema.arm), real.arm_levels[0]

    def both(cohort: Observed, arm: str) -> tuple[Observed, np.ndarray]:
        if not ask.scope.holds_groups:
            return two_levels(cohort, column, arm, usual)
        made = ask.scope.shared(
            ("two arms", id(cohort), arm), lambda: (cohort, two_levels(cohort, column, arm, usual))
        )  # the cohort is held too, so that no other one can get its id
        return made[1]

    def between(cohort: Observed, arm: str) -> Estimate:
        return contrast(*both(cohort, arm))

    def estimator(group: Group, arm: str) -> Estimator:
        plain = partial(between, arm=arm)
        return plain if many is None else together(ask, many, plain, group, (column, arm, usual))

    return [
        ask.question(label, group.against(column, arm, usual), margin, unit=unit).judge(
            estimator(group, arm), log=log, effect=effect
        )
        for group in ask.scope.groups(ask.fewest)
        if group.kind != ARM
        for arm in comparisons(real, usual)
    ]
