"""Estimands of one reconstructed cohort: hazard ratio, median, restricted mean and landmark survival by arm."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.survival.cox_two_arms import hazard_ratio_of_rows
from heorsynth.estimators.survival.estimates import kaplan_meier
from heorsynth.estimators.survival.summaries import curve_quantile, landmark, restricted_mean

Pair = tuple[float, float]
"""An estimate and its variance; NaN where the patients do not give it."""


def estimates(
    cohort: Cohort, horizon: float | None = None, at: float | None = None, endpoint: str | None = None
) -> dict[tuple[str, str], Pair]:
    """Return estimand and arm to estimate and variance; the hazard ratio is the log of the second arm to the first.

    Parameters
    ----------
    horizon, at       as `ReconstructedCohorts.estimands`
    endpoint : str    of cohorts with several; by default the first
    """
    ends_of = cohort.schema.endpoints
    end_of = ends_of[next(iter(ends_of)) if endpoint is None else endpoint]
    time, event, arm = (cohort.frame[name].to_numpy() for name in (end_of.time, end_of.event, "arm"))
    names = list(dict.fromkeys(sorted(arm, key=list(cohort.arm_levels or sorted(set(arm))).index)))
    ends = [float(time[arm == name].max()) for name in names]
    end = min(ends) if horizon is None else horizon
    place = end / 2 if at is None else at
    found: dict[tuple[str, str], Pair] = {}
    for other in names[1:]:
        kept = (arm == names[0]) | (arm == other)
        log_ratio = _pair(partial(hazard_ratio_of_rows, time[kept], event[kept], arm[kept] == other))
        found["hazard_ratio", other] = log_ratio
    for name in names:
        own = arm == name
        curve = kaplan_meier(time[own], event[own])
        found["median", name] = _pair(partial(curve_quantile, curve, 0.5))
        found["rmst", name] = _pair(partial(restricted_mean, curve, end))
        found["landmark", name] = _pair(partial(landmark, curve, place))
    return found


def _pair(estimate: Callable[[], Estimate]) -> Pair:
    try:
        one = estimate()
    except (NotEstimableError, HorizonError):
        return math.nan, math.nan
    return one.value, float(np.square(one.se))
