"""Patients from a draw: the times of deaths and losses within the pieces of the curve."""

from __future__ import annotations

import numpy as np

from heorsynth.published.reconstruction.arm import Arm
from heorsynth.published.reconstruction.sampler import Draw
from heorsynth.published.reconstruction.stations import Stations

LEVEL = 2.5
"""A fall of less than so many clicking errors is a level: a death on it stands at one of its ends."""


def patients(arm: Arm, at: Stations, draw: Draw, run: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Follow-up times and events (n,) of the patients of one run."""
    ends = at.time[:, run]
    starts = np.append(0.0, ends[:-1])
    falls = np.append(1.0, at.level[:-1, run]) - at.level[:, run]
    pieces = np.repeat(np.arange(len(ends)), draw.deaths[:, run])
    vertical, flat = at.vertical[pieces, run], falls[pieces] < LEVEL * arm.height_error
    part = np.where(vertical, 1.0, rng.uniform(size=len(pieces)))
    part = np.where(~vertical & flat, np.rint(part), part)
    died = starts[pieces] + part * (ends - starts)[pieces]
    pieces = np.repeat(np.arange(len(ends)), draw.losses[:, run])
    lost = starts[pieces] + rng.uniform(size=len(pieces)) * (ends - starts)[pieces]
    left = np.full(max(arm.n - len(died) - len(lost), 0), max(arm.end, float(ends[-1])))
    time = np.concatenate([died, lost, left])
    return time, np.repeat([1, 0], [len(died), len(lost) + len(left)])
