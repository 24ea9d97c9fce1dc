"""The prior of what a paper does not state: correlations, effects on the outcome, and their interaction with arms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import PaperError, Problem

_OF_A_LEVEL = 1.2
"""Standard deviation of a level's effect, in those of one standard deviation of a number: two levels then differ by 1.7
of them, about what a binary cut through a latent normal score gives (1.6 to 2)."""


@dataclass(frozen=True)
class Prior:
    """The law of what a paper does not state, fixed before any cohort is drawn.

    Parameters
    ----------
    correlation : float    standard deviation of a correlation between two latent normal scores, within an arm; below 1
    effect : float         standard deviation of the log hazard ratio of a characteristic, by one standard deviation of
                           its normal score
    interaction : float    the same of what an arm adds to that effect

    Raises
    ------
    PaperError             a value below 0, or a correlation of 1 or above

    Notes
    -----
    The correlation matrix of the k scores is that of 1 / correlation² independent rows of k standard normals, which is
    the LKJ law with 2 eta = 1 / correlation² - k + 1. With more than that many characteristics the rows are k + 1.
    Effects are normal with mean 0; those of a level have 1.2 times the standard deviation.

    The defaults are near the spread in six data sets of patients (pbc, lung, rossi, gbsg2, veterans, whas500; 137 to
    686 patients, 5 to 17 characteristics): correlations .13 to .26, log hazard ratios .17 to .31 adjusted and .21 to
    .50 alone, interactions about .08.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009) J Multivar Anal 100:1989, doi:10.1016/j.jmva.2009.04.008.

    Examples
    --------
    >>> Prior(effect=0.5)
    Prior(correlation=0.2, effect=0.5, interaction=0.15)
    """

    correlation: float = 0.2
    effect: float = 0.3
    interaction: float = 0.15

    def __post_init__(self) -> None:
        problems = [
            Problem(name, "not a number from 0 up" + (" and below 1" if name == "correlation" else ""), "such as 0.2")
            for name, most in (("correlation", 1.0), ("effect", math.inf), ("interaction", math.inf))
            if not 0 <= getattr(self, name) < most
        ]
        if problems:
            raise PaperError("prior", problems)

    def correlations(self, k: int, rng: np.random.Generator) -> np.ndarray:
        """Return a correlation matrix (k, k)."""
        if k < 2 or self.correlation == 0:
            return np.eye(k)
        rows = rng.normal(size=(max(round(self.correlation**-2), k + 1), k))
        rows /= np.sqrt((rows**2).sum(axis=0))
        return np.asarray(rows.T @ rows)

    def effects(self, n_levels: Sequence[int], arms: Sequence[str], rng: np.random.Generator) -> Effects:
        """Return effects of columns with so many levels each (0 for a number); the first arm has no interaction."""
        scale = [(_OF_A_LEVEL, n) if n else (1.0, 1) for n in n_levels]
        shared = [self.effect * times * rng.normal(size=n) for times, n in scale]
        own = {arm: [self.interaction * times * rng.normal(size=n) for times, n in scale] for arm in arms[1:]}
        return Effects({arm: [one + more for one, more in zip(shared, own[arm], strict=True)]
                        if arm in own else shared for arm in arms})  # fmt: skip


@dataclass(frozen=True)
class Effects:
    """Log hazard ratios of each column in each arm: of one standard deviation of a number, or of each level."""

    by_arm: dict[str, list[np.ndarray]]

    def log_risk(self, arm: str, scores: Sequence[np.ndarray]) -> np.ndarray:
        """Return the log relative hazard (n,) of patients.

        Parameters
        ----------
        scores : sequence of array    of each column, normal scores (n,) or indicators of its levels (n, levels)
        """
        return np.asarray(sum(one.reshape(len(one), -1) @ b for one, b in zip(scores, self.by_arm[arm], strict=True)))
