"""The ensemble of one arm: independent runs of the sampler, of which those that fit are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heorsynth.core.errors import CurveError, Problem
from heorsynth.published.reconstruction.arm import Arm, ArmPatients
from heorsynth.published.reconstruction.patients import patients, settle
from heorsynth.published.reconstruction.sampler import Filter
from heorsynth.published.reconstruction.stations import stations

_SPARE = 1.5
"""Runs for each cohort that is kept."""

_FEWEST_KNOWN = 3
"""Numbers at risk below which a run has `_MANY` particles: the losses are then known only from the curve."""

_PARTICLES, _MANY = 16, 48
"""Particles of a run."""


def ensemble(arm: Arm, m: int, rng: np.random.Generator) -> Sequence[ArmPatients]:
    """Return m reconstructions of one arm, each consistent with its numbers at risk and its events.

    Notes
    -----
    Each run is a particle filter of its own, so the m reconstructions are independent draws. A run draws the true times
    of the clicked points first. Where these put a step on the wrong side of a number at risk, its weight is low. Runs
    are kept at random, by their weight as far as it is below the median: above it, the weight is mostly the noise of a
    filter with few particles.
    """
    n_runs = int(np.ceil(_SPARE * m)) + 2
    at = stations(arm, n_runs, rng)
    draw = Filter(arm, at, rng, _PARTICLES if len(arm.at_risk) >= _FEWEST_KNOWN else _MANY).run()
    weight = np.minimum(draw.weight - np.median(draw.weight), 0.0) - 50.0 * np.abs(draw.events_missed)
    kept = np.sort(np.argsort(-(weight + rng.gumbel(size=n_runs)), kind="stable")[:m])
    settled = [int(run) for run in kept if settle(arm, at, draw, int(run))]
    if not settled:
        found = f"no reconstruction has {arm.events} events and these numbers at risk"
        fix = "check the totals and the numbers at risk"
        raise CurveError("published curve", Problem(f"totals, arm {arm.name!r}", found, fix))
    runs = [settled[part % len(settled)] for part in range(m)]
    return [ArmPatients(*patients(arm, at, draw, run, rng)) for run in runs]
