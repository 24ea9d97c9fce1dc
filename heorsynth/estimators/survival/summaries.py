"""Summaries of a survival curve, from rows or from counts: area, height and quantiles."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from heorsynth.core.disclosure import RULES
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
    inside = slice(int(np.searchsorted(curve.times, horizon)))
    value, variance = curve.shared(
        ("area", horizon),
        lambda: area(curve.times[inside], curve.survival[inside], curve.events[inside], curve.at_risk[inside], horizon),
    )
    return Estimate.normal(
        float(value),
        math.sqrt(variance),
        level=level,
        unit=unit,
        n_used=curve.n_used,
        n_total=curve.n_total,
        method=f"restricted mean to {horizon:g}, Greenwood",
    )


def area(
    times: np.ndarray, survival: np.ndarray, events: np.ndarray, at_risk: np.ndarray, horizon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the area under curves (..., k) up to a horizon, and its variance; one curve a row.

    A row may be padded by infinite times without events.
    """
    inner = np.minimum(times, horizon)
    ends = np.zeros((*times.shape[:-1], 1))
    edges = np.concatenate([ends, inner, ends + horizon], axis=-1)
    pieces = np.diff(edges) * np.concatenate([ends + 1, survival], axis=-1)
    beyond = np.cumsum(pieces[..., ::-1], axis=-1)[..., ::-1][..., 1:]
    variance = np.sum(beyond**2 * share_or_zero(events, at_risk * (at_risk - events)), axis=-1)
    return pieces.sum(axis=-1), variance


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
    shape = curve.times, curve.survival, curve.se, 1 - share, curve.times[-1]
    value, near, far = (float(part) for part in crossings(*shape))
    if math.isinf(value) or value > curve.reach:
        raise NotEstimableError(
            "survival quantile",
            Problem(
                f"share {share:g}",
                "not reached while the curve is identified: fewer patients had the event during follow-up",
                "ask for restricted mean survival or a landmark instead",
            ),
        )
    low, high = (float(part) for part in _limits(*shape, normal_quantile(level)))
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


def around_quantile(curve: SurvivalCurve, share: float) -> tuple[float, float]:
    """Return the mean of the five event times around a quantile of a curve, with its error; NaN for fewer events.

    The quantile is the time of one patient's event; this mean is not.
    """
    up_to = np.cumsum(np.rint(curve.events).astype(int))
    at = float(_crossing(curve.times, curve.survival, 1 - share, curve.times[-1]))
    if not at <= curve.reach:
        at = curve_quantile(curve, share).value  # it says why there is none
    before = int(np.searchsorted(curve.times, at))
    places = RULES.places(int(up_to[before - 1]) if before else 0, int(up_to[-1]))
    return RULES.mean_around(curve.times[np.searchsorted(up_to, places, side="right")])


def crossings(
    times: np.ndarray, survival: np.ndarray, se: np.ndarray, level: float, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the times at which curves (..., k) and their confidence curves at one standard error cross `level`.

    `last` is the last time of each curve. A row may be padded by infinite times with the last survival and error.
    """
    low, high = _limits(times, survival, se, level, last, 1.0)
    return _crossing(times, survival, level, last), low, high


def _limits(
    times: np.ndarray, survival: np.ndarray, se: np.ndarray, level: float, last: np.ndarray, z: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the times at which the lower and upper log-log confidence curves, at z standard errors, cross `level`."""
    inner = (survival > 0) & (survival < 1)
    value = np.where(inner, survival, 0.5)
    logs = np.log(value)
    stretch = np.exp(z * se / (value * -logs))
    edge = np.where(survival > 0, 0.0, -np.inf)  # the logarithm where the curve is at 1 or at 0
    lower, upper = np.where(inner, logs * stretch, edge), np.where(inner, logs / stretch, edge)
    identified = (survival > 0) | (times < last[..., None])
    end = np.where(survival[..., -1] > 0, last, np.inf)
    upper = np.where(identified, upper, np.inf)
    near, far = (_crossing(times, curve, level, end, math.log) for curve in (lower, upper))
    return near, far


def _crossing(
    times: np.ndarray,
    values: np.ndarray,
    level: float,
    end: np.ndarray,
    scale: Callable[[float], float] = float,
) -> np.ndarray:
    """Return the first time at which each decreasing step function (..., k) is at or below `level`; infinite if never.

    If it equals `level` over a period, the middle of the period is returned. The period ends where the function falls
    below `level`, or at `end`. Values within `TOLERANCE` of `level` count as equal, as in R's ``quantile.survfit``,
    because a product of shares is rarely exactly one half. `values` are on the scale that is given, such as logarithms.
    """
    reached, below = (_first(times, values <= scale(level + side)) for side in (TOLERANCE, -TOLERANCE))
    return np.where(np.isinf(reached), np.inf, (reached + np.where(np.isinf(below), end, below)) / 2)


def _first(times: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return the first time of each row at which the condition holds; infinite if it never does."""
    place = np.argmax(held, axis=-1)
    return np.where(held.any(axis=-1), np.take_along_axis(times, place[..., None], axis=-1)[..., 0], np.inf)
