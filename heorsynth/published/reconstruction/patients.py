"""Patients from a draw: events made exact, and the times of deaths and losses within the pieces of the curve."""

from __future__ import annotations

import numpy as np

from heorsynth.published.reconstruction.arm import Arm
from heorsynth.published.reconstruction.path import AXIS
from heorsynth.published.reconstruction.sampler import Draw
from heorsynth.published.reconstruction.stations import Stations

_NARROW = 1.5
"""A piece of the curve narrower than so many pixels has no corner of its own between its ends."""

_HIDDEN = 2.0
"""A wide piece that falls by more pixels was clicked at other places than the ends of the steps."""

_BEFORE = 0.999
"""Those who are counted out before a number at risk left before its time."""

_SOONEST = 1e-4
"""The earliest time of a patient, as a share of the follow-up: no time is 0."""

_PIXEL = 1 / AXIS[1]
"""A fall that can be seen: a smaller step is clicked together with the ones beside it."""


def patients(arm: Arm, at: Stations, draw: Draw, run: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Follow-up times and events (n,) of the patients of one run.

    A step too small to be seen is clicked where the curve has gone a pixel on. So the deaths of a wide piece stand at
    its start, those of a narrow one anywhere on it. A step that is seen ends its narrow piece, because only the corner
    before it can be missing.
    """
    ends = at.time[:, run]
    starts = np.append(0.0, ends[:-1])
    falls = np.append(1.0, at.level[:-1, run]) - at.level[:, run]
    pieces = np.repeat(np.arange(len(ends)), draw.deaths[:, run])
    at_risk = arm.n - np.append(0, np.cumsum(draw.deaths[:, run] + draw.losses[:, run])[:-1])
    seen = (at.level[:, run] / np.maximum(at_risk, 1) > _PIXEL)[pieces]
    narrow = ((ends - starts) * AXIS[0] < _NARROW * arm.end)[pieces]
    hidden = (falls < _HIDDEN * _PIXEL)[pieces]
    part = rng.uniform(size=len(pieces))
    wide = np.where(hidden, np.where(seen, np.rint(part), 0.0), part)
    part = np.where(narrow, np.where(seen, 1.0, part), wide)
    part = np.where(at.boundary[pieces, run], np.minimum(part, _BEFORE), part)
    died = starts[pieces] + part * (ends - starts)[pieces]
    pieces = np.repeat(np.arange(len(ends)), draw.losses[:, run])
    lost = starts[pieces] + rng.uniform(size=len(pieces)) * (ends - starts)[pieces]
    left = np.full(max(arm.n - len(died) - len(lost), 0), max(arm.end, float(ends[-1])))
    time = np.concatenate([died, lost, left])
    time = np.maximum(time, _SOONEST * arm.end)
    return time, np.repeat([1, 0], [len(died), len(lost) + len(left)])


def settle(arm: Arm, at: Stations, draw: Draw, run: int) -> bool:
    """Exchange deaths and losses of one run until its events are the published total; return whether they are.

    An exchange at one station leaves every number at risk as it is. Of all stations the one is taken whose exchange
    gives the smallest sum of squared distances from the clicked heights.

    Notes
    -----
    Those left at the end of the curve are losses of the last station.
    """
    if arm.events is None:
        return True
    deaths, losses = draw.deaths[:, run], draw.losses[:, run]
    left = arm.n - int(deaths.sum() + losses.sum())
    while (missed := arm.events - int(deaths.sum())) != 0:
        step = 1 if missed > 0 else -1
        free = losses > 0 if step > 0 else deaths > 0
        if step > 0:
            free[-1] |= left > 1
        places = np.flatnonzero(free)
        if not len(places):
            return False
        misfit = [
            _misfit(arm, at.height[:, run], _moved(deaths, place, step), _moved(losses, place, -step))
            for place in places.tolist()
        ]
        best = int(places[int(np.argmin(misfit))])
        deaths[best] += step
        if step > 0 and losses[best] == 0:
            left -= 1
        else:
            losses[best] -= step
    return True


def _moved(counts: np.ndarray, place: int, step: int) -> np.ndarray:
    moved = counts.copy()
    moved[place] = max(moved[place] + step, 0)
    return moved


def _misfit(arm: Arm, height: np.ndarray, deaths: np.ndarray, losses: np.ndarray) -> float:
    """Sum of squared distances of the curve of these counts from the clicked heights; losses come before deaths."""
    before = arm.n - np.append(0, np.cumsum(deaths + losses)[:-1]) - losses
    curve = np.cumprod(1 - deaths / np.maximum(before, 1))
    return float(np.nansum((curve - height) ** 2))
