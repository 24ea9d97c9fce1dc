"""Distances between the synthetic survival curves and the real one."""

from __future__ import annotations

import numpy as np

from heorsynth.checks.core.distance import Gaps, Measure, average, largest, root_mean_square
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.observed import curve
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.survival.horizon import horizon_of, spans
from heorsynth.checks.survival.together import stacks_of
from heorsynth.core.errors import HorizonError, NotEstimableError

GRID, DRAWS = 100, 400
"""Number of times at which curves are compared; number of draws of their error."""


def largest_gap(ask: Ask) -> list[Finding]:
    """Return the largest distance between the curves up to the horizon."""
    return [_gap(ask, "largest", largest)]


def mean_gap(ask: Ask) -> list[Finding]:
    """Return the mean distance between the curves up to the horizon."""
    return [_gap(ask, "mean", average)]


def rmse_gap(ask: Ask) -> list[Finding]:
    """Return the root mean square distance between the curves up to the horizon."""
    return [_gap(ask, "root mean square", root_mean_square)]


def _gap(ask: Ask, name: str, measure: Measure) -> Finding:
    """Return a distance between the mean synthetic Kaplan-Meier curve and the real one, up to the horizon.

    Notes
    -----
    The curves are compared at 100 equally spaced times. The floor uses errors of the real curve, drawn from its
    large-sample distribution S(t)·W(g(t)), with W a Brownian motion and g Greenwood's sum.
    """
    horizon, group = horizon_of(ask), ask.group
    question = ask.question(f"{name} distance of curves {spans(ask, horizon)}")
    grid = np.linspace(horizon / GRID, horizon, GRID)
    if few := too_few(group.real):
        return question.refuse(few)
    try:
        real = curve(group.real, ask.endpoint)
        of_real, error = real.at(grid), real.se_at(grid)
        of_synthetic = _synthetic_at(ask, grid)
        if not error.any():
            raise NotEstimableError("no event before the horizon in the real cohort")
    except (NotEstimableError, HorizonError) as refusal:
        return question.refuse(reason_of(refusal))
    spread = np.divide(error, of_real, out=np.zeros_like(error), where=of_real > 0) ** 2
    steps = np.sqrt(np.maximum(np.diff(np.maximum.accumulate(spread), prepend=0.0), 0.0))
    real_noise = ask.rng.standard_normal((DRAWS, GRID))
    real_noise *= steps
    np.cumsum(real_noise, axis=1, out=real_noise)
    real_noise *= of_real
    gaps = Gaps.of(of_synthetic - of_real, real_noise, ask.rng, *ask.scope.standing.for_gaps)
    return question.answer(measure(gaps))


def _synthetic_at(ask: Ask, grid: np.ndarray) -> np.ndarray:
    """Return the curves of the synthetic cohorts at times (g,): (m, g)."""
    parts = [stack.curves.at(grid) for stack in stacks_of(ask, ask.group) or () if stack.sound.all()]
    found = np.concatenate([*parts, np.empty((0, len(grid)))])[1:]
    if len(found) == len(ask.group.synthetic) and np.isfinite(found).all():
        return found
    return np.array([_curve_at(cohort, ask.endpoint, grid) for cohort in ask.group.synthetic])


def _curve_at(cohort: Observed, endpoint: str, grid: np.ndarray) -> np.ndarray:
    if cohort.n == 0:
        raise NotEstimableError("a synthetic cohort has no patients in this group")
    return curve(cohort, endpoint).at(grid)
