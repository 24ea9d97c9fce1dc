"""Incremental cost and effect of two arms, with ICER, net benefit and acceptability curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from heorsynth.core.disclosure import RULES
from heorsynth.core.display import counted
from heorsynth.core.errors import HorizonError, NotEstimableError, Problem, RoleError
from heorsynth.core.estimate import Estimate, normal_quantile, significant

Parts = tuple[tuple[np.ndarray, float], ...]
"""Independent parts of a covariance, each with its degrees of freedom."""

_ROUNDS = 25
"""Iterations for a bound of Fieller's interval, because its t quantile depends on the bound."""

NONE = 1e-9
"""A smaller difference, in money or QALYs, counts as 0: it is a rounding error of equal means."""

_ROUNDING = 1e-14
"""A variance below this share of the sum of its largest possible terms counts as 0."""

_WORDS = {
    "SE": "dominant: cheaper and better",
    "E": "dominant: better at the same cost",
    "S": "dominant: cheaper and as good",
    "NW": "dominated: dearer and worse",
    "W": "dominated: worse at the same cost",
    "N": "dominated: dearer and no better",
    "": "no ratio: neither cost nor effect differs",
}
"""The text shown if there is no ratio."""


@dataclass(frozen=True)
class _Icer:
    """An incremental cost-effectiveness ratio with its quadrant on the cost-effectiveness plane.

    Attributes
    ----------
    quadrant : str        NE more costly and more effective, SE less costly and more effective (dominant), SW less
                          costly and less effective, NW more costly and less effective (dominated); one letter if cost
                          (E, W) or effect (N, S) does not differ; "" if neither does
    value : float         cost per unit of effect gained (NE), or saved per unit lost (SW); NaN elsewhere
    low, high : float     Fieller interval; NaN if the interval of the effect includes 0. Never negative: `low` is -inf
                          if dominance (NE) or being dominated (SW) is not excluded
    level : float         of the interval
    """

    quadrant: str
    value: float
    low: float
    high: float
    level: float

    def __str__(self) -> str:
        if self.quadrant in _WORDS:
            return _WORDS[self.quadrant]
        what = "per unit gained" if self.quadrant == "NE" else "saved per unit lost"
        if math.isnan(self.low):
            return f"{significant(self.value)} {what} (no interval: the effect may be 0)"
        beyond = "dominant" if self.quadrant == "NE" else "dominated"
        low = beyond if math.isinf(self.low) else significant(self.low)
        return f"{significant(self.value)} {what} ({self.level:.0%} interval {low} to {significant(self.high)})"

    __repr__ = __str__


@dataclass(frozen=True)
class Increments:
    """Incremental cost and effect of a treatment, with their sampling covariance.

    Attributes
    ----------
    cost, effect : float             treatment less comparator, per patient
    covariance : array (2, 2)        of (cost, effect)
    n_used, n_total : int            patients with both known, and patients in the data
    parts : tuple                    independent parts (covariance, degrees of freedom) whose sum is the covariance,
                                     such as one per arm; empty for a normal reference
    effect_unit : str                of the effect, such as "QALY"; empty if none was declared
    """

    cost: float
    effect: float
    covariance: np.ndarray
    n_used: int = 0
    n_total: int = 0
    parts: Parts = ()
    effect_unit: str = ""

    @property
    def published(self) -> Increments:
        """The increments as a run may publish them: each rounded by its standard error, which is within 10%."""
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        both = float(errors[0] * errors[1])
        related = round(float(self.covariance[0, 1]) / both, 1) + 0.0 if both > 0 else 0.0
        shown = np.array([RULES.spread(float(one)) for one in errors])
        cost, effect = (
            RULES.signed(value, float(error)) for value, error in zip((self.cost, self.effect), shown, strict=True)
        )
        covariance = np.outer(shown, shown) * np.array([[1.0, related], [related, 1.0]])
        return replace(self, cost=cost, effect=effect, covariance=covariance, parts=())

    def freedom(self, weights: np.ndarray) -> float:
        """Return the degrees of freedom of weights (2,) · (cost, effect), after Welch and Satterthwaite.

        Notes
        -----
        With v_i the variance of part i and ν_i its degrees of freedom: (Σ v_i)² / Σ v_i²/ν_i. Infinite without parts.

        References
        ----------
        Satterthwaite (1946) Biometrics Bull 2:110; Welch (1947) Biometrika 34:28.
        """
        found = [(float(weights @ part @ weights), degrees) for part, degrees in self.parts]
        rest = sum(variance**2 / degrees for variance, degrees in found)
        return sum(variance for variance, _ in found) ** 2 / rest if rest > 0 else math.inf

    def _quantile(self, weights: np.ndarray, level: float) -> float:
        degrees = self.freedom(weights)
        return normal_quantile(level) if math.isinf(degrees) else float(special.stdtrit(degrees, 0.5 + level / 2))

    def delta_cost(self, level: float = 0.95, unit: str = "") -> Estimate:
        """Return the incremental cost per patient."""
        return self._combined(np.array([1.0, 0.0]), level, unit, "incremental cost")

    def delta_effect(self, level: float = 0.95, unit: str | None = None) -> Estimate:
        """Return the incremental effect per patient, in `effect_unit` unless another unit is given."""
        named = self.effect_unit if unit is None else unit
        return self._combined(np.array([0.0, 1.0]), level, named, "incremental effect")

    def icer(self, level: float = 0.95) -> _Icer:
        """Return the ratio with its quadrant and its Fieller interval.

        References
        ----------
        Fieller (1954) J R Stat Soc B 16:175; Willan & O'Brien (1996) Health Econ 5:297.
        """
        dearer = "N" if self.cost > NONE else "S" if self.cost < -NONE else ""
        better = "E" if self.effect > NONE else "W" if self.effect < -NONE else ""
        quadrant = dearer + better
        if quadrant in _WORDS:
            return _Icer(quadrant, math.nan, math.nan, math.nan, level)
        low, high = (self._bound(side, level) for side in (-1, 1))
        return _Icer(quadrant, self.cost / self.effect, low if low >= 0 or math.isnan(low) else -math.inf, high, level)

    def _bound(self, side: int, level: float) -> float:
        """Return a root R of (ΔC - R·ΔE)² = t²·(v_C - 2R·c + R²·v_E), with Student's t for the net benefit at R."""
        t, root = normal_quantile(level), math.nan
        for _ in range(_ROUNDS):
            root = self._root(side, t)
            if math.isnan(root):
                return root
            before, t = t, self._quantile(np.array([-1.0, root]), level)
            if abs(t - before) < 1e-13:
                break
        return root

    def _root(self, side: int, t: float) -> float:
        (v_cost, c), (_, v_effect) = self.covariance
        a = self.effect**2 - t**2 * v_effect
        b = self.cost * self.effect - t**2 * c
        inside = b**2 - a * (self.cost**2 - t**2 * v_cost)
        return math.nan if a <= 0 or inside < 0 else float((b + side * math.sqrt(inside)) / a)

    def inmb(self, wtp: float, level: float = 0.95, unit: str = "") -> Estimate:
        """Return the incremental net monetary benefit, wtp·ΔE - ΔC, in money per patient.

        Raises
        ------
        RoleError      the threshold is negative or not a number

        References
        ----------
        Stinnett & Mullahy (1998) Med Decis Making 18:S68.
        """
        return self._combined(np.array([-1.0, checked_threshold(wtp)]), level, unit, f"INMB at {significant(wtp)}")

    def inhb(self, wtp: float, level: float = 0.95, unit: str | None = None) -> Estimate:
        """Return the incremental net health benefit, ΔE - ΔC/wtp, in units of effect. `wtp` must be positive."""
        weights = np.array([-1.0 / checked_threshold(wtp, above=True), 1.0])
        named = self.effect_unit if unit is None else unit
        return self._combined(weights, level, named, f"INHB at {significant(wtp)}")

    def _combined(self, weights: np.ndarray, level: float, unit: str, method: str) -> Estimate:
        value = float(weights @ [self.cost, self.effect])
        se = float(self._se(weights))
        half = self._quantile(weights, level) * se
        return Estimate(value, value - half, value + half, se, level, unit, method, self.n_used, self.n_total)

    def _se(self, weights: np.ndarray) -> np.ndarray:
        """Return standard errors of weights (..., 2) · (cost, effect), and 0 if the variance is only rounding error."""
        variance = np.einsum("...i,ij,...j->...", weights, self.covariance, weights)
        largest = np.abs(weights) @ np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        return np.asarray(np.sqrt(np.where(variance > _ROUNDING * largest**2, variance, 0.0)))

    def ceac(self, wtps: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the probability (w,) that the treatment is cost-effective at each threshold, by the normal INMB.

        If the INMB does not vary, it is 0 or 1, and one half if the INMB is 0.

        References
        ----------
        van Hout, Al, Gordon & Rutten (1994) Health Econ 3:309.
        """
        return np.asarray(self.ceacs(wtps, np.array([[self.cost, self.effect]]))[0])

    def ceacs(self, wtps: Sequence[float] | np.ndarray, means: np.ndarray) -> np.ndarray:
        """Return `ceac` (b, w) at other incremental costs and effects (b, 2) with the same covariance."""
        points = np.asarray(wtps, dtype=float)
        weights = np.column_stack([np.full(len(points), -1.0), points])
        value, se = means @ weights.T, self._se(weights)
        sure = np.where(value > NONE, np.inf, np.where(value < -NONE, -np.inf, 0.0))
        return np.asarray(special.ndtr(np.divide(value, se, out=sure, where=se > 0)))

    def evpi(self, wtp: float) -> float:
        """Return the expected value of perfect information per patient, in money: the unit normal loss of the INMB.

        References
        ----------
        Raiffa & Schlaifer (1961) Applied Statistical Decision Theory; Claxton (1999) J Health Econ 18:341.
        """
        found = self.inmb(wtp)
        if found.se == 0:
            return 0.0
        z = abs(found.value) / found.se
        return found.se * (math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) - z * float(special.ndtr(-z)))

    def plane(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Return points (draws, 2) of (cost, effect) on the cost-effectiveness plane, drawn from a normal."""
        return rng.multivariate_normal([self.cost, self.effect], self.covariance, size=draws, method="eigh")


def checked_threshold(wtp: float, *, above: bool = False) -> float:
    """Return the willingness to pay, in money per unit of effect. Raise RoleError unless it is at least 0 (or above 0).

    Raises
    ------
    RoleError      the threshold is not a number, or is too small
    """
    number = isinstance(wtp, (int, float, np.integer, np.floating)) and not isinstance(wtp, bool)
    if not number or not math.isfinite(wtp) or wtp < 0 or (above and wtp == 0):
        least = "above 0" if above else "from 0 up"
        raise RoleError("threshold", Problem("wtp", f"must be a number {least}", "money per unit of effect: 20000"))
    return float(wtp)


def increments(cost: np.ndarray, effect: np.ndarray, treated: np.ndarray) -> Increments:
    """Return the differences of two arms in mean cost and mean effect, over patients with both known.

    Parameters
    ----------
    cost, effect : array (n,)       per patient; NaN where missing
    treated : array of bool (n,)    the arm

    Returns
    -------
    Increments      with the covariance of the arms' means, estimated separately in each arm (as by Welch)

    Raises
    ------
    NotEstimableError      an arm has fewer than two patients with known cost and effect

    See Also
    --------
    arm_means : Means of more than two arms.
    seemingly_unrelated : Increments adjusted for covariates.

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
    """Cost and effect of the n patients of one arm with both known: mean (2,) and covariance (2, 2) with n - 1."""

    n: int
    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, both: np.ndarray) -> Joint:
        """Return the summary of rows (n, 2) of cost and effect. A constant column has a variance of exactly 0."""
        away = both - both[0]
        return cls(len(both), both[0] + away.mean(axis=0), np.cov(away.T, ddof=1))


def increments_of(treated: Joint, others: Joint, n_total: int) -> Increments:
    """Return one arm's means minus another's; see `increments`."""
    parts = tuple((one.covariance / one.n, float(one.n - 1)) for one in (treated, others))
    delta = treated.mean - others.mean
    covariance = parts[0][0] + parts[1][0]
    return Increments(float(delta[0]), float(delta[1]), covariance, treated.n + others.n, n_total, parts)


def _known(cost: np.ndarray, effect: np.ndarray, treated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = np.column_stack([np.asarray(cost, float), np.asarray(effect, float)])
    rows = np.isfinite(both).all(axis=1)
    arm = np.asarray(treated, bool)[rows]
    fewest = min(int(arm.sum()), int((~arm).sum()))
    if fewest < 2:
        raise NotEstimableError(
            "economic evaluation", Problem("cost, effect", f"{counted(fewest, 'patient')} of an arm with both known")
        )
    return both[rows], arm


def pooled_means(
    points: np.ndarray, covariances: np.ndarray, n_source: int, n_rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of m synthetic cohorts, pooled with the information of the source and no more.

    Parameters
    ----------
    points : array (m, p)            a vector of means in each cohort
    covariances : array (m, p, p)    its sampling covariance in each cohort, computed as if the rows were patients
    n_source, n_rows : int           patients the generator was trained on, and rows in each cohort

    Returns
    -------
    array (p,), array (p, p)         centre, and T = (n_rows/n_source)·mean covariance + B/m with B the covariance
                                     between the cohorts; with m = 1, (n_rows/n_source + 1)·covariance. It is the rule
                                     of `economics.pooling.pool` for a vector
    """
    if not len(points):
        raise NotEstimableError("pooling", Problem("points", "no cohort"))
    within = covariances.mean(axis=0)
    drawn = np.cov(points.T, ddof=1) / len(points) if len(points) > 1 else within
    return points.mean(axis=0), n_rows / n_source * within + drawn


def discounted(streams: np.ndarray, rate: float = 0.035, first: int = 0, horizon: int | None = None) -> np.ndarray:
    """Return the present value (n,) of yearly amounts (n, years), the first of them due in `first` years.

    Parameters
    ----------
    rate : float         yearly rate; 3.5% is the reference case of NICE (manual PMG36, 2022)
    first : int          0: amounts are due at the start of each year, the first one now. 1: they are due at the end of
                         each year, the first one in one year. k > 1: likewise, the first in k years
    horizon : int        years from now that count; by default all

    Raises
    ------
    HorizonError         a horizon below 1, or beyond the year of the last amount, after which amounts are unknown

    Notes
    -----
    An amount due in t years is divided by (1 + rate)^t. It belongs to year t + 1 if amounts are due at the start of
    years, and to year t if they are due at the end. Years up to `horizon` count.

    Examples
    --------
    >>> float(discounted(np.array([[100.0, 103.5]]))[0])
    200.0
    >>> round(float(discounted(np.array([[1.0, 1.0, 1.0]]), rate=0.1, first=1, horizon=3)[0]), 4)
    2.4869
    """
    amounts = np.atleast_2d(np.asarray(streams, float))
    falls = first + np.arange(amounts.shape[1])
    years = falls + (1 if first == 0 else 0)
    if horizon is not None and not 1 <= horizon <= years[-1]:
        late = horizon > years[-1]
        found = f"{horizon} years, but amounts end after {years[-1]}" if late else f"{horizon} years, must be 1 or more"
        fix = f"use horizon={years[-1]} or less" + (", or add amounts" if late else "")
        raise HorizonError("discounting", Problem("horizon", found, fix))
    kept = years <= (np.inf if horizon is None else horizon)
    return np.asarray(amounts[:, kept] @ (1 + rate) ** -falls[kept].astype(float))
