"""Makes the events of a draw exact: exchanges of a death and a loss at one place, where the curve changes least."""

from __future__ import annotations

import numpy as np

from heorsynth.published.reconstruction.arm import Arm
from heorsynth.published.reconstruction.sampler import Draw
from heorsynth.published.reconstruction.stations import Stations


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
        misfit = [_misfit(arm, at.height[:, run], _moved(deaths, place, step), _moved(losses, place, -step)) for place in places]
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
