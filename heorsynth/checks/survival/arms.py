"""Is what an arm does to survival reproduced: the gain in time, the hazard ratio, and how it changes with time?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ARM, comparisons, fewest, groups_of, two_levels
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed, arm_curves, hazard, hazard_change
from heorsynth.checks.core.scalar import compare
from heorsynth.checks.survival.horizon import competing, horizon_of, spans
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.survival.fine_gray import fine_gray
from heorsynth.estimators.survival.summaries import restricted_mean, restricted_mean_difference

Contrast = Callable[[Observed, np.ndarray], Estimate]
"""An estimate from the patients of two arms, and which of them are of the first."""


def arm_differences(real: Observed, synthetic: Sequence[Observed], endpoint: str, margin: Margin) -> list[Finding]:
    """Difference in restricted mean of each arm to the reference; a relative margin is a share of the horizon."""
    horizon = horizon_of(real, endpoint, margin)

    def gained(both: Observed, treated: np.ndarray) -> Estimate:
        first, second = (restricted_mean(one, horizon) for one in arm_curves(both, treated, endpoint))
        return restricted_mean_difference(first, second, horizon, both.n)

    label = f"rmst difference {spans(real, endpoint, horizon)}"
    key, width = "survival.rmst_difference", margin.resolved(horizon)
    return _contrasts(key, label, real, synthetic, gained, width, unit=real.schema.unit, effect=True)


def hazard_ratios(real: Observed, synthetic: Sequence[Observed], endpoint: str, margin: Margin) -> list[Finding]:
    """Hazard ratio of each arm to the reference."""

    def ratio(both: Observed, treated: np.ndarray) -> Estimate:
        return hazard(both, treated, endpoint)

    label = f"hazard ratio of {endpoint}"
    return _contrasts("survival.hazard_ratio", label, real, synthetic, ratio, margin, log=True, effect=True)


def hazard_ratio_changes(real: Observed, synthetic: Sequence[Observed], endpoint: str, margin: Margin) -> list[Finding]:
    """Whether hazards stay proportional as in the real cohort: the hazard ratio after a time over that before it.

    Notes
    -----
    Two Cox models, of follow-up censored at the time and of follow-up that begins there. They share no event, so
    their log ratios are independent and their variances add. 1 is proportional hazards.
    """
    declared = margin.settings.get("at")
    at = horizon_of(real, endpoint, margin) / 2 if declared is None else float(cast(float, declared))

    def change(both: Observed, treated: np.ndarray) -> Estimate:
        return hazard_change(both, treated, endpoint, at)

    label = f"change of the hazard ratio of {endpoint} at {significant(at)} {real.schema.unit}"
    return _contrasts("survival.hazard_ratio_change", label, real, synthetic, change, margin, log=True)


def subdistribution_ratios(
    real: Observed, synthetic: Sequence[Observed], endpoint: str, margin: Margin
) -> list[Finding]:
    """Subdistribution hazard ratio of each arm to the reference (Fine-Gray); nothing where no cause competes."""
    if not competing(real, endpoint):
        return []

    def ratio(both: Observed, treated: np.ndarray) -> Estimate:
        time, cause, entry = cast(Cohort, both).outcome(endpoint)
        if entry is not None and (entry > 0).any():
            raise NotEstimableError("the Fine-Gray model is not fitted to delayed entry")
        fit = fine_gray(time, cause, treated.astype(float)[:, None])
        return Estimate.normal(float(fit.coef[0]), float(fit.se[0]), n_used=both.n)

    label = f"subdistribution hazard ratio of {endpoint}"
    return _contrasts("survival.subdistribution_ratio", label, real, synthetic, ratio, margin, log=True, effect=True)


def _contrasts(
    key: str,
    label: str,
    real: Observed,
    synthetic: Sequence[Observed],
    contrast: Contrast,
    margin: Margin,
    *,
    unit: str = "",
    log: bool = False,
    effect: bool = False,
) -> list[Finding]:
    """A finding for each arm against the reference, among all patients and within each subgroup level."""
    column, usual = str(real.schema.arm), real.arm_levels[0]

    def between(cohort: Observed, arm: str) -> Estimate:
        return contrast(*two_levels(cohort, column, arm, usual))

    return [
        compare(
            key,
            label,
            group.against(column, arm, usual),
            partial(between, arm=arm),
            margin,
            unit=unit,
            log=log,
            effect=effect,
        )
        for group in groups_of(real, synthetic, fewest([margin]))
        if group.kind != ARM
        for arm in comparisons(real, usual)
    ]
