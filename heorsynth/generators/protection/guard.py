"""_Bounds how far one patient can move a law that is shared or made public: caps, weights by chance, rounded counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from heorsynth.data.labels.levels import PUBLIC_LEVEL, SHARED

ROUNDED_TO = 5
"""Counts of cells are rounded at random to a multiple of this."""

MOST_PIECES = 3
"""A number that is no cost, utility or time has at most so many pieces beside its spikes."""

_MOST_WEIGHTED = 0.8
"""Largest standard deviation of a patient's weight. What exceeds it moves shares, whoever has them."""

_FAR = 8.0
"""An amount so many times as far from the median as one that enough patients reach would tell its patient."""

_SMALLEST_SHARE = 0.05
"""Least parameter of a gamma variate: smaller ones underflow to 0."""


@dataclass(frozen=True)
class _Bounds:
    """The settings of a level of release; `benchmarks/release.py` measures what each costs and what attacks find.

    Attributes
    ----------
    pieces : int       patients to a piece of a number; along follow-up half as many
    level : int        patients that a level must have; the threshold is up to half as much higher, by chance
    hidden : int       patients who share the largest, and the smallest, value of a number
    patients : float   the noise in survival, costs and utilities is as large as so many patients move them
    ties : float       the same in correlations, for each square root of a column
    told : float       share of the log-likelihood by which all margins together may tell a patient
    """

    pieces: int
    level: int
    hidden: int
    patients: float
    ties: float
    told: float


BOUNDS = {
    SHARED: _Bounds(pieces=20, level=10, hidden=5, patients=3.0, ties=1.2, told=0.045),
    PUBLIC_LEVEL: _Bounds(pieces=40, level=20, hidden=10, patients=6.0, ties=2.4, told=0.01),
}


@dataclass(frozen=True)
class Noise:
    """The standard deviation of the noise in a law, in standard errors of the patients' own estimates.

    Attributes
    ----------
    outcome : float         in survival, costs and utilities
    covariates : float      in shares, pieces and missing values of other columns
    ties : float            in correlations
    values : bool           whether the values of pieces move beside their shares; not where they are public
    """

    outcome: float
    covariates: float
    ties: float
    values: bool = True

    @classmethod
    def of(cls, bounds: _Bounds, patients: int, columns: int, free: int) -> Noise:
        """The noise for so many patients, columns, and free numbers in the margins of covariates.

        Notes
        -----
        A margin of k free numbers raises the expected log-likelihood of a patient who made it by k / (2n); noise of c
        standard errors divides this by 1 + c². So all margins together tell a patient by z² = k / (n (1 + c²)), and an
        attacker who knows the population exactly reaches an AUC of Phi(z / sqrt(2)).
        """
        own = bounds.patients / math.sqrt(patients)
        needed = math.sqrt(max(0.0, free / (patients * bounds.told) - 1))
        return cls(min(own, 1.0), max(own, needed), min(1.0, bounds.ties * math.sqrt(columns / patients)))

    def to_dict(self) -> dict[str, Any]:
        facts = asdict(self)
        return facts if not self.values else {name: value for name, value in facts.items() if name != "values"}


@dataclass(frozen=True, repr=False)
class Guard:
    """What hides one patient in a law.

    Attributes
    ----------
    chance : callable     name to its random stream, which nobody without the release key can repeat
    bounds : _Bounds
    """

    chance: Callable[[str], np.random.Generator]
    bounds: _Bounds

    def weights(self, name: str, n: int, spread: float) -> np.ndarray:
        """Weights (n,) between 0 and 2, with mean 1 and this standard deviation, at most `_MOST_WEIGHTED`.

        They follow the symmetric beta distribution on 0 to 2, so nobody counts more than twice.
        """
        spread = min(spread, _MOST_WEIGHTED)
        shape = (1 / spread**2 - 1) / 2
        return 2 * self.chance(f"weights {name}").beta(shape, shape, n)

    def repeats(self, name: str, n: int, spread: float) -> np.ndarray:
        """How often each patient (n,) counts, 0, 1 or 2 times, with mean 1 and this standard deviation, at most 1."""
        half = spread**2 / 2
        return np.asarray(1 + self.chance(f"repeats {name}").choice([-1, 0, 1], n, p=[half, 1 - 2 * half, half]))

    def mover(self, name: str) -> Mover:
        """What moves the shares of a column beyond its weights."""
        return Mover(self.chance(f"shares {name}"))

    def rounded(self, counts: np.ndarray) -> np.ndarray:
        """Counts (c,) as multiples of `ROUNDED_TO`, each right on average; so are sums of neighbours, to one step.

        References
        ----------
        Cox (1987) J Am Stat Assoc 82:520, controlled rounding; here by systematic sampling.
        """
        upto = np.concatenate([[0.0], np.cumsum(counts) / ROUNDED_TO])
        found = np.diff(np.floor(upto + self.chance("cells").random())).astype(int) * ROUNDED_TO
        return found if found.any() else np.where(counts == counts.max(), ROUNDED_TO, 0)

    def level(self, name: str) -> int:
        """Patients that a level of this column must have."""
        return self.bounds.level + int(self.chance(f"level {name}").integers(self.bounds.level // 2 + 1))

    def capped(self, values: np.ndarray) -> np.ndarray:
        """Numbers (n,), NaN for missing, of which at least `hidden` patients share the largest and the smallest."""
        hidden = self.bounds.hidden
        known = np.sort(values[~np.isnan(values)])
        return values if len(known) < 2 * hidden else np.clip(values, known[hidden - 1], known[-hidden])

    def common(self, name: str, values: np.ndarray) -> np.ndarray:
        """Numbers (n,) of which only two differ, all as the more frequent one if too few patients have the other."""
        known = ~np.isnan(values)
        distinct, counts = np.unique(values[known], return_counts=True)
        if len(distinct) != 2 or counts.min() >= self.level(name):
            return values
        return np.where(known, distinct[counts.argmax()], np.nan)

    def stands_out(self, values: np.ndarray) -> bool:
        """True if fewer than `hidden` patients have amounts (n,) far beyond those of all others.

        Far is `_FAR` times as far from the median amount as the largest amount that `hidden` patients reach.
        """
        hidden = self.bounds.hidden
        paid = np.sort(values[values > 0])
        if len(paid) < 2 * hidden:
            return bool(len(paid))
        middle = float(np.median(paid))
        return bool(paid[-1] - middle > _FAR * max(paid[-hidden] - middle, 1e-12))


@dataclass(frozen=True, repr=False)
class Mover:
    """Moves shares by chance."""

    chance: np.random.Generator

    def normal(self, size: int) -> np.ndarray:
        """Standard normal numbers (size,)."""
        return self.chance.standard_normal(size)

    def __call__(self, shares: np.ndarray, n: float, spread: float) -> np.ndarray:
        """Shares (k,) of n patients, moved `spread` times as far as another sample of n patients would move them.

        They follow the Dirichlet distribution with these means, so they stay positive and sum to 1.
        """
        held = shares > 0
        if spread <= 0 or held.sum() < 2:
            return shares
        means = shares[held] / shares.sum()
        drawn = self.chance.gamma(np.maximum(means * max(n / spread**2 - 1, 1.0), _SMALLEST_SHARE))
        found = np.zeros(len(shares))
        found[held] = drawn / drawn.sum() if drawn.sum() > 0 else means
        return found


def beyond_weights(spread: float) -> float:
    """The noise that shares still need beside weights of at most `_MOST_WEIGHTED`."""
    return math.sqrt(max(0.0, spread**2 - _MOST_WEIGHTED**2))
