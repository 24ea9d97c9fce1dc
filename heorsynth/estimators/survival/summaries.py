"""Summaries of a survival curve, from rows or from counts: area, height and quantiles."""

from __future__ import annotations

import math

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.estimators.basics.ties import TOLERANCE, slack
from heorsynth.estimators.survival.counts import share_or_zero
from heorsynth.estimators.survival.curve import SurvivalCurve, check_horizon


def restricted_mean(curve: SurvivalCurve, horizon: float, *, level: float = 0.95, unit: str = "") -> Estimate:
    """Return the area under a curve up to `horizon`, with its Greenwood-type error; see `rmst`.

    Raises
    ------
    HorizonError           horizon past the last follow-up, where the curve is not identified
    """
    if horizon <= 0:
        check_horizon(-1.0, curve.reach)
    check_horizon(horizon, curve.reach)
    inside = curve.times < horizon
    edges = np.concatenate([[0.0], curve.times[inside], [horizon]])
    pieces = np.diff(edges) * np.concatenate([[1.0], curve.survival[inside]])
    beyond = np.cumsum(pieces[::-1])[::-1][1:]
    events, at_risk = curve.events[inside], curve.at_risk[inside]
    variance = float(np.sum(beyond**2 * share_or_zero(events, at_risk * (at_risk - events))))
    return Estimate.normal(
        float(pieces.sum()),
        math.sqrt(variance),
        level=level,
        unit=unit,
        n_used=curve.n_used,
        n_total=curve.n_total,
        method=f"restricted mean to {horizon:g}, Greenwood",
    )


def restricted_mean_difference(
    first: Estimate, second: Estimate, horizon: float, n_total: int, *, level: float = 0.95, unit: str = ""
) -> Estimate:
    """Return one arm's restricted mean minus another's. The variance is the sum of theirs."""
    return Estimate.normal(
        first.value - second.value,
        math.hypot(first.se, second.se),
        level=level,
        unit=unit,
        n_used=first.n_used + second.n_used,
        n_total=n_total,
        method=f"difference in restricted mean to {horizon:g}",
    )


def landmark(curve: SurvivalCurve, at: float, *, level: float = 0.95) -> Estimate:
    """Return the height of a curve at one time, with its interval on the log-log scale; see `landmark_survival`."""
    value, se = float(curve.at(at)), float(curve.se_at(at))
    if value in (0.0, 1.0):
        last = len(curve.times) - 1
        place = min(int(np.searchsorted(curve.times, at - slack(curve.times))), last)
        trials = int(curve.events.sum()) if value == 0 else int(curve.at_risk[place])
        bound = proportion(int(value) * trials, trials, level=level)
        low, high, se = bound.low, bound.high, bound.se
    else:
        spread = normal_quantile(level) * se / (value * abs(math.log(value)))
        low, high = value ** math.exp(spread), value ** math.exp(-spread)
    return Estimate(
        value, low, high, se, level, "", f"Kaplan-Meier at {at:g}, log-log interval", curve.n_used, curve.n_total
    )


def curve_quantile(curve: SurvivalCurve, share: float, *, level: float = 0.95, unit: str = "") -> Estimate:
    """Return the time by which a curve has fallen by a share, with its Brookmeyer-Crowley interval.

    See `quantile_survival`.

    Raises
    ------
    NotEstimableError      fewer than that share of patients had the event
    """
    if not 0 < share < 1:
        raise NotEstimableError("survival quantile", Problem("share", "must lie between 0 and 1", "0.5 is the median"))
    value = _crossing(curve.times, curve.survival, 1 - share, float(curve.times[-1]))
    if math.isinf(value) or value > curve.reach:
        raise NotEstimableError(
            "survival quantile",
            Problem(
                f"share {share:g}",
                "not reached while the curve is identified: fewer patients had the event during follow-up",
                "ask for restricted mean survival or a landmark instead",
            ),
        )
    low, high = _limits(curve, 1 - share, normal_quantile(level))
    near, far = _limits(curve, 1 - share, 1.0)
    return Estimate(
        value,
        low,
        high,
        (far - near) / 2,
        level,
        unit,
        f"Kaplan-Meier quantile {share:g}, Brookmeyer-Crowley (log-log)",
        curve.n_used,
        curve.n_total,
    )


def _limits(curve: SurvivalCurve, level: float, z: float) -> tuple[float, float]:
    """Return the times at which the lower and upper log-log confidence curves, at z standard errors, cross `level`."""
    inner = (curve.survival > 0) & (curve.survival < 1)
    value = np.where(inner, curve.survival, 0.5)
    spread = z * curve.se / (value * np.abs(np.log(value)))
    lower = np.where(inner, value ** np.exp(spread), curve.survival)
    upper = np.where(inner, value ** np.exp(-spread), curve.survival)
    identified = (curve.survival > 0) | (curve.times < curve.times[-1])
    end = float(curve.times[-1]) if identified[-1] else math.inf
    low = _crossing(curve.times, lower, level, end)
    return low, _crossing(curve.times[identified], upper[identified], level, end)


def _crossing(times: np.ndarray, values: np.ndarray, level: float, end: float) -> float:
    """Return the first time at which a decreasing step function is at or below `level`.

    If it equals `level` over a period, the middle of the period is returned. The period ends where the function falls
    below `level`, or at `end`. Values within `TOLERANCE` of `level` count as equal, as in R's ``quantile.survfit``,
    because a product of shares is rarely exactly one half.
    """
    reached, below = (np.flatnonzero(values <= level + side) for side in (TOLERANCE, -TOLERANCE))
    if not len(reached):
        return math.inf
    return float(times[reached[0]] + (times[below[0]] if len(below) else end)) / 2
