"""The stations of an arm: its clicked points and the times of its numbers at risk, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from heorsynth.published.reconstruction.arm import Arm

_SHARED = 0.25
"""Error in time that all points of a curve share, in clicking errors: where steps too small to see stand."""


@dataclass(frozen=True, eq=False)
class Stations:
    """What the sampler passes in r independent runs: l stations each, of which k are times of numbers at risk.

    Attributes
    ----------
    time : array (l, r)          true time of each station, drawn: monotone, within the clicking error
    height : array (l, r)        clicked survival; NaN at a time of a number at risk
    level : array (l, r)         survival of the cleaned curve
    boundary : array of bool (l, r)
    interval : array (l, r)      the interval between numbers at risk that ends at or holds the station
    remaining : array (l, r)     survival of the cleaned curve at the end of the interval, divided by `level`
    carried : array (l, r)       mean of that ratio over the times from the station to the end of the interval
    vertical : array of bool (l, r)   the step to this station is a vertical one
    share : array (l, r)         position within the interval, 0 to 1
    leaving : array (k + 1,)     patients in follow-up at the end of each interval
    """

    time: np.ndarray
    height: np.ndarray
    level: np.ndarray
    boundary: np.ndarray
    interval: np.ndarray
    remaining: np.ndarray
    carried: np.ndarray
    vertical: np.ndarray
    share: np.ndarray
    leaving: np.ndarray


def drawn_times(arm: Arm, n_runs: int, rng: np.random.Generator) -> np.ndarray:
    """True times (p, r) of the points: the clicked ones with a new clicking error, made monotone again.

    Two ends of a vertical step have one true time, so their mean is taken.
    """
    drawn = arm.curve.time[:, None] + rng.normal(0.0, arm.curve.time_error, (len(arm.curve.time), n_runs))
    drawn += rng.normal(0.0, _SHARED * arm.curve.time_error, n_runs)
    drawn[0] = 0.0
    drawn = np.stack([scipy.optimize.isotonic_regression(column).x for column in drawn.T], axis=1)
    ends = np.flatnonzero(
        arm.curve.vertical & ~np.append(arm.curve.vertical[1:], False) & ~np.append(False, arm.curve.vertical[:-1])
    )
    drawn[ends] = drawn[ends - 1] = (drawn[ends] + drawn[ends - 1]) / 2
    drawn[0] = 0.0
    return np.maximum.accumulate(np.maximum(drawn, 0.0), axis=0)


def stations(arm: Arm, n_runs: int, rng: np.random.Generator) -> Stations:
    """The stations of an arm in independent runs, each with its own draw of the true times."""
    points = drawn_times(arm, n_runs, rng)
    bounds = np.broadcast_to(arm.at_risk_time[1:, None], (len(arm.at_risk_time) - 1, n_runs))
    end = np.maximum(points[-1], bounds[-1] if len(bounds) else 0.0)
    time = np.concatenate([bounds, points[1:]])
    order = np.argsort(time, axis=0, kind="stable")
    time = np.take_along_axis(time, order, axis=0)
    boundary = order < len(bounds)
    place = np.cumsum(~boundary, axis=0)
    height = np.where(boundary, np.nan, np.concatenate([[np.nan], arm.curve.clicked[1:]])[place])
    level = arm.curve.level[place]
    interval: np.ndarray = np.cumsum(boundary, axis=0) - boundary
    last = np.empty((len(bounds) + 1, n_runs))
    start, stop = np.zeros_like(last), np.empty_like(last)
    for number in range(len(bounds) + 1):
        inside: np.ndarray = interval == number
        last[number] = np.where(inside, level, np.inf).min(axis=0)
        stop[number] = arm.at_risk_time[number + 1] if number < len(bounds) else end
        start[number] = arm.at_risk_time[number]
    last[~np.isfinite(last)] = arm.curve.level[-1]
    runs = np.arange(n_runs)
    ratio = last[interval, runs] / np.maximum(level, 1e-9)
    width = np.maximum(stop - start, 1e-9)
    share = np.clip((time - start[interval, runs]) / width[interval, runs], 0.0, 1.0)
    vertical = ~boundary & np.concatenate([[False], arm.curve.vertical[1:]])[place]
    leaving = np.append(arm.at_risk[1:], 0 if arm.ends_at_zero else 1)
    carried = _carried(ratio, share, interval)
    return Stations(time, height, level, boundary, interval, ratio, carried, vertical, share, leaving)


def _carried(ratio: np.ndarray, share: np.ndarray, interval: np.ndarray) -> np.ndarray:
    """Mean of the ratio over the rest of each station's interval: 1 at its end."""
    total, found = np.zeros(ratio.shape[1]), np.ones_like(ratio)
    for place in range(len(ratio) - 2, -1, -1):
        same = interval[place] == interval[place + 1]
        piece = (share[place + 1] - share[place]) * ratio[place]
        total = np.where(same, total + piece, 0.0)
        rest = 1.0 - share[place]
        found[place] = np.where(same & (rest > 1e-9), np.minimum(total / np.maximum(rest, 1e-9), 1.0), 1.0)
    return found
