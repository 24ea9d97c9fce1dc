"""Cox proportional hazards regression, which refuses data without a maximum of the likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile
from heorsynth.estimators.basics.separation import RiskSets, separated, uninformative
from heorsynth.estimators.survival.counts import FollowUp, follow_up

MAX_STEPS = 30
"""Newton's method needs fewer than ten steps. After this many, the existence of a maximum is checked."""

MOST_STEPS = 300
"""The limit of steps for a likelihood that has a maximum."""

TOLERANCE = 1e-9
"""The fit has converged at this largest Newton step, in standard deviations of each covariate."""

_LEAST_INFORMATION = 1e-6
"""With less information than this share of an event, the existence of a maximum is checked."""

_DEPENDENT = 1e-9
"""Covariates (scaled to 1) are dependent if their smallest singular value is below this share of the largest."""


@dataclass(frozen=True)
class CoxFit:
    """A converged Cox model.

    Attributes
    ----------
    coef : array (p,)            log hazard ratios, per unit of each covariate
    covariance : array (p, p)    inverse of the observed information
    loglik, loglik_null : float  partial log-likelihood at `coef` and at 0
    n_used, n_total : int        patients with known time and covariates, and patients in the data
    n_events : int               events among the patients used
    """

    coef: np.ndarray
    covariance: np.ndarray
    loglik: float
    loglik_null: float
    n_used: int
    n_total: int
    n_events: int

    @property
    def se(self) -> np.ndarray:
        """Standard errors of `coef` (p,)."""
        return np.sqrt(np.diag(self.covariance))


def cox(time: np.ndarray, event: np.ndarray, covariates: np.ndarray, entry: np.ndarray | None = None) -> CoxFit:
    """Fit a Cox regression by Newton's method, with Efron's treatment of ties.

    Parameters
    ----------
    time : array (n,)              follow-up; > 0
    event : array of bool (n,)     True where the event was observed
    covariates : array (n, p)      numbers; patients with a missing one are left out and counted
    entry : array (n,), optional   start of follow-up (left truncation), < time

    Returns
    -------
    CoxFit

    Raises
    ------
    NotEstimableError              no events, covariates that are constant or dependent, or a likelihood without a
                                   maximum, for example because all events fall in one level

    Notes
    -----
    With r_i = exp(x_i b), the d events tied at t contribute, for l = 0 .. d-1,
    x b - log(sum of r over those at risk - (l / d) · sum of r over the tied events).

    References
    ----------
    Efron (1977) JASA 72:557, doi:10.1080/01621459.1977.10480613.  Against R's coxph: tests/reference/survival.R

    Examples
    --------
    >>> fit = cox(np.array([1, 2, 3, 4]), np.ones(4, bool), np.array([[1.0], [0.0], [1.0], [0.0]]))
    >>> round(float(fit.coef[0]), 4)
    0.9406
    """
    matrix = np.asarray(covariates, float)
    times = np.where(np.isnan(matrix).any(axis=1), np.nan, np.asarray(time, float))
    patients = follow_up(times, event, entry)
    kept = ~np.isnan(times) if entry is None else ~(np.isnan(times) | np.isnan(entry))
    scaled, scale = standardised(matrix[kept])
    likelihood = _PartialLikelihood.of(patients, scaled)
    sets = likelihood.risk_sets(matrix[kept] if scaled.shape[1] == 1 else scaled)
    start = likelihood.at(np.zeros(scaled.shape[1]))
    coef, loglik, information = _maximum(likelihood, sets, start)
    covariance = _solve(information, np.eye(len(coef)))
    return CoxFit(
        coef / scale,
        covariance / np.outer(scale, scale),
        loglik,
        start[0],
        patients.n,
        len(times),
        int((patients.event != 0).sum()),
    )


_Point = tuple[float, np.ndarray, np.ndarray]
"""The log-likelihood at given coefficients, with its gradient and information."""


def _maximum(likelihood: _PartialLikelihood, sets: RiskSets, point: _Point) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the coefficients with the largest likelihood, the likelihood and the information. `point` is that at 0.

    Newton's steps find the maximum but do not decide whether it exists. That is checked on the risk sets as soon as a
    step is not clearly that of a concave function.
    """
    coef, at_no_effect, exists = np.zeros(sets.X.shape[1]), point[2], False
    for taken in range(MOST_STEPS):
        clear = np.linalg.eigvalsh(point[2])[0] > _LEAST_INFORMATION * max(len(sets.rows), 1)
        if not exists and (taken == MAX_STEPS or not clear):
            _require_maximum(sets, at_no_effect)
            exists = True
        step = _solve(point[2], point[1])
        point, coef = _ascend(likelihood, coef, step, point[0])
        if float(np.abs(step).max()) < TOLERANCE:
            return coef, point[0], point[2]
    raise NotEstimableError("Cox model", Problem("covariates", f"no convergence in {MOST_STEPS} steps", "rescale them"))


def _require_maximum(sets: RiskSets, information: np.ndarray) -> None:
    if separated(sets):
        raise without_maximum()
    if uninformative(sets, information):
        raise _without_information()


def without_maximum() -> NotEstimableError:
    """Return the error for a likelihood without a maximum."""
    return NotEstimableError(
        "Cox model",
        Problem(
            "covariates",
            "the likelihood has no maximum: a coefficient runs off to infinity",
            "a level has no events, or nobody at risk beside it; leave it out or join it with another",
        ),
    )


def hazard_ratio(
    time: np.ndarray,
    event: np.ndarray,
    treated: np.ndarray,
    entry: np.ndarray | None = None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Return the hazard ratio of the treated to the others by Cox regression, with a Wald interval on the log scale.

    Returns
    -------
    Estimate               the ratio; `se` is the standard error of its log

    Examples
    --------
    >>> found = hazard_ratio(np.array([1, 2, 3, 4]), np.ones(4, bool), np.array([True, False, True, False]))
    >>> round(found.value, 3), round(found.se, 3)
    (2.562, 1.24)
    """
    fit = cox(time, event, np.asarray(treated, float)[:, None], entry)
    log, se = float(fit.coef[0]), float(fit.se[0])
    half = normal_quantile(level) * se
    return Estimate(
        math.exp(log),
        math.exp(log - half),
        math.exp(log + half),
        se,
        level,
        "",
        "hazard ratio, Cox (Efron); se of the log",
        fit.n_used,
        fit.n_total,
    )


def standardised(matrix: np.ndarray, model: str = "Cox model") -> tuple[np.ndarray, np.ndarray]:
    """Return covariates (n, p) centred and scaled to 1, and their scales (p,). Refuse constant or dependent ones."""
    scale = matrix.std(axis=0)
    centred = matrix - matrix.mean(axis=0)
    varies = bool((matrix.max(axis=0) > matrix.min(axis=0)).all() and (scale > 0).all())
    if not varies or np.linalg.matrix_rank(centred / scale, tol=_DEPENDENT * math.sqrt(matrix.size)) < matrix.shape[1]:
        raise NotEstimableError(
            model, Problem("covariates", "one is constant or follows from the others", "leave it out")
        )
    return centred / scale, scale


def _solve(information: np.ndarray, right: np.ndarray) -> np.ndarray:
    try:
        found = np.linalg.solve(information, right)
    except np.linalg.LinAlgError:
        found = np.full_like(right, np.nan)
    if not np.isfinite(found).all():
        raise _without_information()
    return found


def _without_information() -> NotEstimableError:
    found = "the events carry no information about one of them"
    return NotEstimableError("Cox model", Problem("covariates", found, "leave it out"))


def _ascend(
    likelihood: _PartialLikelihood,
    coef: np.ndarray,
    step: np.ndarray,
    loglik: float,
) -> tuple[_Point, np.ndarray]:
    """Return the likelihood after the step, halved until it does not decrease, and the coefficients there."""
    while True:
        with np.errstate(all="ignore"):  # a step that is too long may overflow; it is then halved
            found = likelihood.at(coef + step)
        if found[0] >= loglik - 1e-9 * abs(loglik) or float(np.abs(step).max()) < TOLERANCE:
            return found, coef + step
        step = step / 2


@dataclass(frozen=True)
class _PartialLikelihood:
    """The data of Efron's partial likelihood, sorted by time.

    `death` numbers the distinct event times. `lower` and `upper` give the event times in (entry, time] of each patient.
    `fraction` is l / d for each event, in the order of `rows`.
    """

    X: np.ndarray
    rows: np.ndarray
    death: np.ndarray
    fraction: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @classmethod
    def of(cls, patients: FollowUp, X: np.ndarray) -> _PartialLikelihood:
        happened = patients.event != 0
        if not happened.any():
            raise NotEstimableError("Cox model", Problem("event", "nobody had the event"))
        rows = np.flatnonzero(happened)
        rows = rows[np.argsort(patients.time[rows], kind="stable")]
        times, first, death, tied = np.unique(
            patients.time[rows], return_index=True, return_inverse=True, return_counts=True
        )
        fraction = (np.arange(len(rows)) - first[death]) / tied[death]
        upper = np.searchsorted(times, patients.time, side="right")
        entry = patients.entry
        lower = np.zeros(len(upper), int) if entry is None else np.searchsorted(times, entry, side="right")
        return cls(X, rows, death, fraction, lower, upper)

    def risk_sets(self, X: np.ndarray) -> RiskSets:
        """Return the risk sets, with covariates (n, p) on any scale."""
        return RiskSets(X, self.rows, self.death, self.lower, self.upper)

    def at(self, coef: np.ndarray) -> _Point:
        """Return the log-likelihood, its gradient (p,) and the observed information (p, p)."""
        eta = self.X @ coef
        shift = eta.max()
        risk = np.exp(eta - shift)
        weighted = risk[:, None] * self.X
        k, rows, fraction = int(self.death[-1]) + 1, self.rows, self.fraction
        total = self._at_risk(risk[:, None], k)[self.death, 0] - fraction * self._tied(risk[rows][:, None], k)[:, 0]
        mean = self._at_risk(weighted, k)[self.death] - fraction[:, None] * self._tied(weighted[rows], k)
        mean /= total[:, None]
        loglik = float(np.sum(eta[rows] - shift - np.log(total)))
        gradient = (self.X[rows] - mean).sum(axis=0)
        hazard = np.bincount(self.death, 1 / total, k)
        given_up = np.bincount(self.death, fraction / total, k)
        cumulative = np.concatenate([[0.0], np.cumsum(hazard)])
        weight = cumulative[self.upper] - cumulative[self.lower]
        weight[rows] -= given_up[self.death]
        return loglik, gradient, self.X.T @ ((risk * weight)[:, None] * self.X) - mean.T @ mean

    def _at_risk(self, values: np.ndarray, k: int) -> np.ndarray:
        """Return sums over those at risk at each of the k event times (k, p).

        They are summed from the last time backwards, so that nothing is subtracted without delayed entry. With a large
        coefficient, the last patients have almost no weight relative to all others, but not relative to each other.
        """
        sums = self._after(self.upper, values, k)
        return sums - self._after(self.lower, values, k) if self.lower.any() else sums

    @staticmethod
    def _after(place: np.ndarray, values: np.ndarray, k: int) -> np.ndarray:
        """Return sums over those with an index after each of the k event times (k, p)."""
        ends = np.zeros((k + 1, values.shape[1]))
        np.add.at(ends, place, values)
        sums: np.ndarray = np.cumsum(ends[:0:-1], axis=0)[::-1]
        return sums

    def _tied(self, values: np.ndarray, k: int) -> np.ndarray:
        """Return sums over the events at the same time, for each event (events, p)."""
        sums = np.zeros((k, values.shape[1]))
        np.add.at(sums, self.death, values)
        return sums[self.death]
