"""How far the synthetic survival curves run from the real one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heorsynth.checks.core.distance import average, distance_finding, largest, root_mean_square, with_synthesis
from heorsynth.checks.core.finding import Finding, not_estimable
from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed, curve
from heorsynth.checks.core.scalar import reason_of, too_few
from heorsynth.checks.survival.horizon import spans
from heorsynth.core.errors import HeorsynthError, HorizonError, NotEstimableError

GRID, DRAWS = 100, 400
"""Times at which curves are compared, and draws of their error."""

GAPS = {
    "survival.km_gap": ("largest", largest),
    "survival.km_gap_mean": ("mean", average),
    "survival.km_gap_rmse": ("root mean square", root_mean_square),
}
"""Key to what is taken of the distances over time."""


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
    label = f"{name} distance of curves {spans(group.real, endpoint, horizon)}"
    grid = np.linspace(horizon / GRID, horizon, GRID)
    if few := too_few(group.real):
        return _cannot(key, label, group, NotEstimableError(few), margin)
    try:
        real = curve(group.real, endpoint)
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


def _curve_at(cohort: Observed, endpoint: str, grid: np.ndarray) -> np.ndarray:
    if cohort.n == 0:
        raise NotEstimableError("a synthetic cohort has no patient of this group")
    return curve(cohort, endpoint).at(grid)


def _cannot(key: str, label: str, group: Group, refusal: HeorsynthError, margin: Margin) -> Finding:
    found = not_estimable(
        "survival", label, group.label, reason_of(refusal), margin, n_real=group.real.n, decisive=group.decisive
    )
    return replace(found, key=key)
