"""Incremental cost and effect of two arms, and what follows from them: ICER, net benefit, acceptability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from heorsynth.core.errors import HorizonError, NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile, significant
from heorsynth.estimators.resampling import bootstrap_weights

NONE = 1e-12
"""A difference this small, of what it is a difference of, is none."""


@dataclass(frozen=True)
class Icer:
    """An incremental cost-effectiveness ratio that says where on the plane it lies.

    Attributes
    ----------
    quadrant : str        NE dearer and better, SE cheaper and better (dominant), SW cheaper and worse,
                          NW dearer and worse (dominated), or "" where the effects do not differ
    value : float         cost per unit of effect gained (NE), or saved per unit lost (SW); NaN elsewhere
    low, high : float     Fieller interval; NaN where the interval of the effect holds 0, so that there is none
    level : float         of the interval
    """

    quadrant: str
    value: float
    low: float
    high: float
    level: float

    def __str__(self) -> str:
        words = {
            "SE": "dominant: cheaper and better",
            "NW": "dominated: dearer and worse",
            "": "no ratio: the effects do not differ",
        }
        if self.quadrant in words:
            return words[self.quadrant]
        what = "per unit gained" if self.quadrant == "NE" else "saved per unit lost"
        if math.isnan(self.low):
            return f"{significant(self.value)} {what} (no interval: the effect may be 0)"
        return f"{significant(self.value)} {what} ({self.level:.0%} interval {_bounds(self.low, self.high)})"

    __repr__ = __str__


def _bounds(low: float, high: float) -> str:
    return f"{significant(low)} to {significant(high)}"


@dataclass(frozen=True)
class Increments:
    """Incremental cost and effect of a treatment, with their sampling covariance.

    Attributes
    ----------
    cost, effect : float             treatment less comparator, per patient
    covariance : array (2, 2)        of (cost, effect)
    n_used, n_total : int            patients with both known, and patients there were
    freedom : float                  degrees of freedom of the covariance; infinite for a normal reference
    """

    cost: float
    effect: float
    covariance: np.ndarray
    n_used: int = 0
    n_total: int = 0
    freedom: float = math.inf

    def delta_cost(self, level: float = 0.95, unit: str = "") -> Estimate:
        """Incremental cost per patient."""
        return self._combined(np.array([1.0, 0.0]), level, unit, "incremental cost")

    def delta_effect(self, level: float = 0.95, unit: str = "QALY") -> Estimate:
        """Incremental effect per patient."""
        return self._combined(np.array([0.0, 1.0]), level, unit, "incremental effect")

    def icer(self, level: float = 0.95) -> Icer:
        """The ratio with its quadrant and its Fieller interval.

        References
        ----------
        Fieller (1954) J R Stat Soc B 16:175; Willan & O'Brien (1996) Health Econ 5:297.
        """
        if abs(self.effect) <= NONE:
            return Icer("", math.nan, math.nan, math.nan, level)
        dearer, better = self.cost > 0, self.effect > 0
        quadrant = ("N" if dearer else "S") + ("E" if better else "W")
        if dearer != better:
            return Icer(quadrant, math.nan, math.nan, math.nan, level)
        low, high = self._fieller(normal_quantile(level))
        return Icer(quadrant, self.cost / self.effect, low, high, level)

    def _fieller(self, z: float) -> tuple[float, float]:
        """The roots R of (ΔC - R·ΔE)² = z²·(v_C - 2R·c + R²·v_E), if they enclose the ratio."""
        (v_cost, c), (_, v_effect) = self.covariance
        a = self.effect**2 - z**2 * v_effect
        b = self.cost * self.effect - z**2 * c
        inside = b**2 - a * (self.cost**2 - z**2 * v_cost)
        if a <= 0 or inside < 0:
            return math.nan, math.nan
        return (b - math.sqrt(inside)) / a, (b + math.sqrt(inside)) / a

    def inmb(self, wtp: float, level: float = 0.95, unit: str = "") -> Estimate:
        """Incremental net monetary benefit, wtp·ΔE - ΔC, in money per patient.

        References
        ----------
        Stinnett & Mullahy (1998) Med Decis Making 18:S68.
        """
        return self._combined(np.array([-1.0, wtp]), level, unit, f"INMB at {significant(wtp)}")

    def inhb(self, wtp: float, level: float = 0.95, unit: str = "QALY") -> Estimate:
        """Incremental net health benefit, ΔE - ΔC/wtp, in units of effect per patient."""
        return self._combined(np.array([-1.0 / wtp, 1.0]), level, unit, f"INHB at {significant(wtp)}")

    def _combined(self, weights: np.ndarray, level: float, unit: str, method: str) -> Estimate:
        value = float(weights @ [self.cost, self.effect])
        se = math.sqrt(max(float(weights @ self.covariance @ weights), 0.0))
        half = (normal_quantile(level) if math.isinf(self.freedom) else float(
            special.stdtrit(self.freedom, 0.5 + level / 2)
        )) * se  # fmt: skip
        return Estimate(value, value - half, value + half, se, level, unit, method, self.n_used, self.n_total)

    def ceac(self, wtps: Sequence[float] | np.ndarray) -> np.ndarray:
        """Probability (w,) that the treatment is cost-effective at each threshold, by the normal law of the INMB.

        References
        ----------
        van Hout, Al, Gordon & Rutten (1994) Health Econ 3:309.
        """
        points = np.asarray(wtps, dtype=float)
        weights = np.column_stack([np.full(len(points), -1.0), points])
        value = weights @ [self.cost, self.effect]
        se = np.sqrt(np.maximum(np.einsum("wi,ij,wj->w", weights, self.covariance, weights), 0.0))
        z = np.divide(value, se, out=np.sign(value) * math.inf, where=se > 0)
        return np.asarray(special.ndtr(np.nan_to_num(z, nan=0.0, posinf=np.inf, neginf=-np.inf)))

    def evpi(self, wtp: float) -> float:
        """Expected value of perfect information, per patient, in money: the unit normal loss of the INMB.

        References
        ----------
        Raiffa & Schlaifer (1961) Applied Statistical Decision Theory; Claxton (1999) J Health Econ 18:341.
        """
        found = self.inmb(wtp)
        z = abs(found.value) / found.se if found.se > 0 else math.inf
        return found.se * (math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) - z * float(special.ndtr(-z)))

    def plane(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Points (draws, 2) of (cost, effect) on the cost-effectiveness plane, from their normal law."""
        return rng.multivariate_normal([self.cost, self.effect], self.covariance, size=draws, method="eigh")


def increments(cost: np.ndarray, effect: np.ndarray, treated: np.ndarray) -> Increments:
    """Difference of two arms in mean cost and mean effect, over patients for whom both are known.

    Parameters
    ----------
    cost, effect : array (n,)       per patient; NaN where missing
    treated : array of bool (n,)    the arm

    Returns
    -------
    Increments      covariance: that of the arm's means, each arm with its own (Welch's for each part)

    Raises
    ------
    NotEstimableError      an arm with fewer than two patients whose cost and effect are known

    Examples
    --------
    >>> found = increments(np.array([5, 7, 1, 3.0]), np.array([1, 2, 1, 1.0]), np.array([True, True, False, False]))
    >>> found.cost, found.effect
    (4.0, 0.5)
    """
    both, arm = _known(cost, effect, treated)
    return increments_of(Joint.of(both[arm]), Joint.of(both[~arm]), len(cost))


@dataclass(frozen=True)
class Joint:
    """Cost and effect of the n patients of one arm in whom both are known: mean (2,) and covariance (2, 2), n - 1."""

    n: int
    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, both: np.ndarray) -> Joint:
        """Of rows (n, 2) of cost and effect, two or more."""
        return cls(len(both), both.mean(axis=0), np.cov(both.T, ddof=1))


def increments_of(treated: Joint, others: Joint, n_total: int) -> Increments:
    """One arm's means less another's; see `increments`."""
    covariance = treated.covariance / treated.n + others.covariance / others.n
    delta = treated.mean - others.mean
    return Increments(float(delta[0]), float(delta[1]), covariance, treated.n + others.n, n_total)


def _known(cost: np.ndarray, effect: np.ndarray, treated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = np.column_stack([np.asarray(cost, float), np.asarray(effect, float)])
    rows = np.isfinite(both).all(axis=1)
    arm = np.asarray(treated, bool)[rows]
    fewest = min(int(arm.sum()), int((~arm).sum()))
    if fewest < 2:
        raise NotEstimableError(
            "economic evaluation", Problem("cost, effect", f"{fewest} patients of an arm with both known")
        )
    return both[rows], arm


def bootstrap_plane(
    cost: np.ndarray, effect: np.ndarray, treated: np.ndarray, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Incremental cost and effect (draws, 2) in bootstrap samples, resampled within arms.

    References
    ----------
    Briggs, Wonderling & Mooney (1997) Health Econ 6:327.
    """
    both, arm = _known(cost, effect, treated)
    weights = bootstrap_weights(len(both), draws, rng, strata=arm).astype(float)
    means = [weights[:, rows] @ both[rows] / rows.sum() for rows in (arm, ~arm)]
    return np.asarray(means[0] - means[1])


def acceptability(plane: np.ndarray, wtps: Sequence[float] | np.ndarray) -> np.ndarray:
    """Share (w,) of points (draws, 2) of (cost, effect) with a net benefit above 0 at each threshold.

    References
    ----------
    Fenwick, Claxton & Sculpher (2001) Health Econ 10:779.
    """
    return np.asarray((np.asarray(wtps, float)[:, None] * plane[:, 1] - plane[:, 0] > 0).mean(axis=1))


def pooled_means(
    points: np.ndarray, covariances: np.ndarray, n_source: int, n_rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Means of m synthetic cohorts, pooled so that they claim the source's information and no more.

    Parameters
    ----------
    points : array (m, p)            a vector of means in each cohort
    covariances : array (m, p, p)    its sampling covariance there, computed as if the rows were patients
    n_source, n_rows : int           patients the generator learnt from, and rows in each cohort

    Returns
    -------
    array (p,), array (p, p)         centre, and T = (n_rows/n_source)·mean covariance + B/m with B the covariance
                                     between the cohorts; with m = 1, (n_rows/n_source + 1)·covariance: the rule
                                     of `estimators.combining.pool`, for a vector
    """
    if not len(points):
        raise NotEstimableError("pooling", Problem("points", "no cohort"))
    within = covariances.mean(axis=0)
    drawn = np.cov(points.T, ddof=1) / len(points) if len(points) > 1 else within
    return points.mean(axis=0), n_rows / n_source * within + drawn


def discounted(streams: np.ndarray, rate: float = 0.035, first: int = 0, horizon: int | None = None) -> np.ndarray:
    """Present value (n,) of yearly amounts (n, years), the first of which falls in year `first`.

    Parameters
    ----------
    rate : float         a year; 3.5% is the reference case of NICE (manual PMG36, 2022)
    horizon : int        years from now that count; all of them by default

    Raises
    ------
    HorizonError         a horizon that lies beyond the last amount: what follows is not known to be nothing

    Examples
    --------
    >>> float(discounted(np.array([[100.0, 103.5]]))[0])
    200.0
    """
    amounts = np.atleast_2d(np.asarray(streams, float))
    years = first + np.arange(amounts.shape[1])
    if horizon is not None and (horizon < 1 or horizon > years[-1] + 1):
        raise HorizonError("discounting", Problem("horizon", f"{horizon} years", f"amounts end after {years[-1] + 1}"))
    kept = years < (np.inf if horizon is None else horizon)
    return np.asarray(amounts[:, kept] @ (1 + rate) ** -years[kept].astype(float))
