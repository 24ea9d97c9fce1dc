"""Patients from a draw: the times of deaths and losses within the pieces of the curve."""

from __future__ import annotations

import numpy as np

from heorsynth.published.reconstruction.arm import Arm
from heorsynth.published.reconstruction.path import AXIS
from heorsynth.published.reconstruction.sampler import Draw
from heorsynth.published.reconstruction.stations import Stations

NARROW = 1.5
"""A piece of the curve narrower than so many pixels has no corner of its own between its ends."""

HIDDEN = 2.0
"""A wide piece that falls by more pixels was clicked at other places than the ends of the steps."""

SOONEST = 1e-4
"""The earliest time of a patient, as a share of the follow-up: no time is 0."""

PIXEL = 1 / AXIS[1]
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
    seen = (at.level[:, run] / np.maximum(at_risk, 1) > PIXEL)[pieces]
    narrow = ((ends - starts) * AXIS[0] < NARROW * arm.end)[pieces]
    hidden = (falls < HIDDEN * PIXEL)[pieces]
    part = rng.uniform(size=len(pieces))
    wide = np.where(hidden, np.where(seen, np.rint(part), 0.0), part)
    part = np.where(narrow, np.where(seen, 1.0, part), wide)
    died = starts[pieces] + part * (ends - starts)[pieces]
    pieces = np.repeat(np.arange(len(ends)), draw.losses[:, run])
    lost = starts[pieces] + rng.uniform(size=len(pieces)) * (ends - starts)[pieces]
    left = np.full(max(arm.n - len(died) - len(lost), 0), max(arm.end, float(ends[-1])))
    time = np.concatenate([died, lost, left])
    time = np.maximum(time, SOONEST * arm.end)
    return time, np.repeat([1, 0], [len(died), len(lost) + len(left)])
