"""The success of an attack with its standard error, and what all attacks share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

RELABELLINGS = 200
"""Random reassignments of people to source and control, for a standard error without a formula."""

CLOSE = 1e-9
"""Distances closer than this are equal up to rounding. A point at this distance from another is its copy."""


@dataclass(frozen=True)
class Attack:
    """The success rate of an attack.

    Attributes
    ----------
    success : float      on training patients, or the share of rows nearer to one
    control : float      on people the generator never saw; the success without memorisation
    se : float           standard error of success - control
    guessing : float     success of an attacker without the joint distribution in the synthetic rows; NaN if `control`
                         is this baseline
    """

    success: float
    control: float
    se: float
    guessing: float = math.nan

    @property
    def excess(self) -> float:
        """The success on training patients minus the success on people the generator never saw."""
        return self.success - self.control


def dealings(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return 1 for source (2 size, 1 + RELABELLINGS) and 0 for control: as it was, then randomly reassigned."""
    ours = np.repeat([1.0, 0.0], size)
    return np.column_stack([ours, *(rng.permutation(ours) for _ in range(RELABELLINGS))])


def share_error(share: float, n: int) -> float:
    """Return the standard error of a share, with one success and one failure added (Agresti & Caffo 2000)."""
    padded = (share * n + 1) / (n + 2)
    return math.sqrt(padded * (1 - padded) / (n + 2))


def two_groups(ours: np.ndarray, theirs: np.ndarray, guessing: float) -> Attack:
    """Return the attack from two independent means of successes in [0, 1], with one success and one failure added."""
    errors = []
    for hits in (ours, theirs):
        padded = np.concatenate([hits, [0.0, 1.0]])
        errors.append(float(padded.std()) / math.sqrt(len(padded)))
    return Attack(float(ours.mean()), float(theirs.mean()), math.hypot(*errors), guessing)
