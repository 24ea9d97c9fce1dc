"""Parametric survival models, used to extrapolate beyond follow-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy import optimize, special

from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.survival.counts import follow_up

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
"""Nodes of the numerical integration of a survival curve."""

_NORMAL_BELOW = 1e-4
"""A generalised gamma with |Q| below this is evaluated as its limit, the log-normal."""

_LIMIT_BEYOND = 12.0
"""A generalised gamma with |Q| above this equals its limit up to rounding: a power law with an end point. A likelihood
that increases up to there has no maximum."""

MOST, GROUPS = 20_000, 5_000
"""More than `MOST` patients without delayed entry are combined into this many groups of neighbouring times."""

_STEP = 5e-3
"""Step of the numerical derivatives. Parameters are logarithms or of order 1."""

_FIRST = (-1 / 60, 9 / 60, -45 / 60, 0.0, 45 / 60, -9 / 60, 1 / 60)
_SECOND = (2 / 180, -27 / 180, 270 / 180, -490 / 180, 270 / 180, -27 / 180, 2 / 180)
"""Weights of the values at -3 to 3 steps in the first and second derivative (Fornberg 1988 Math Comp 51:699)."""

MOST_STEPS, CLOSE = 12, 1e-6
"""The limit of Newton's steps, and the step length at convergence: after a step of 1e-6 the error is about 1e-10."""

_MOST_HALVINGS = 40
"""A descent step is halved at most down to this share of its length."""

_FLAT = 1e-8
"""A second derivative counts as 0 if the others explain it to within this share of itself."""

_ROUNDING = 1e-13
"""Losses, which are of order 1, count as equal if they differ by less than this."""

_Logs = tuple[np.ndarray, np.ndarray]
"""The logarithms of hazard and survival at given times."""


def _exponential(t: np.ndarray, theta: np.ndarray) -> _Logs:
    return np.full_like(t, theta[0]), -np.exp(theta[0]) * t


def _weibull(t: np.ndarray, theta: np.ndarray) -> _Logs:
    z = (np.log(t) - theta[0]) * np.exp(-theta[1])
    return z - theta[1] - np.log(t), -np.exp(z)


def _gompertz(t: np.ndarray, theta: np.ndarray) -> _Logs:
    rate, shape = np.exp(theta[0]), theta[1]
    return theta[0] + shape * t, -rate * t * special.exprel(shape * t)


def _log_normal(t: np.ndarray, theta: np.ndarray) -> _Logs:
    z = (np.log(t) - theta[0]) * np.exp(-theta[1])
    survival = special.log_ndtr(-z)
    return -0.5 * z**2 - 0.5 * np.log(2 * np.pi) - theta[1] - np.log(t) - survival, survival


def _log_logistic(t: np.ndarray, theta: np.ndarray) -> _Logs:
    z = (np.log(t) - theta[0]) * np.exp(-theta[1])
    survival = -np.logaddexp(0.0, z)
    return z + survival - theta[1] - np.log(t), survival


def _generalised_gamma(t: np.ndarray, theta: np.ndarray) -> _Logs:
    q = theta[2]
    if abs(q) < _NORMAL_BELOW:
        return _log_normal(t, theta[:2])
    if abs(q) > _LIMIT_BEYOND:
        return np.full_like(t, np.nan), np.full_like(t, np.nan)
    z, shape = q * (np.log(t) - theta[0]) * np.exp(-theta[1]), q**-2
    part = special.gammaincc if q > 0 else special.gammainc
    survival = np.log(np.maximum(part(shape, shape * np.exp(z)), np.finfo(float).tiny))
    density = np.log(abs(q)) + shape * np.log(shape) - special.gammaln(shape) + shape * (z - np.exp(z))
    return density - theta[1] - np.log(t) - survival, survival


@dataclass(frozen=True)
class _Family:
    """A parametric family.

    Attributes
    ----------
    logs : callable    maps times (k,) > 0 and parameters (p,) to the logarithms of hazard and survival, (k,) each
    starts : tuple     start values for times with mean about 1; the first that leads to a maximum is used
    """

    logs: Callable[[np.ndarray, np.ndarray], _Logs]
    starts: tuple[tuple[float, ...], ...]


FAMILIES: Mapping[str, _Family] = {
    "exponential": _Family(_exponential, ((0.0,),)),
    "Weibull": _Family(_weibull, ((0.0, 0.0),)),
    "Gompertz": _Family(_gompertz, ((0.0, 0.0),)),
    "log-normal": _Family(_log_normal, ((0.0, 0.0),)),
    "log-logistic": _Family(_log_logistic, ((0.0, -0.3),)),
    "generalised gamma": _Family(_generalised_gamma, ((0.0, 0.0, 1.0), (0.0, 0.0, 0.1), (0.0, 0.3, -0.5))),
}
"""The six families recommended for technology appraisals (Latimer 2013 Med Decis Making 33:743; NICE DSU TSD 14)."""


@dataclass(frozen=True)
class ParametricFit:
    """A parametric survival model fitted by maximum likelihood.

    Attributes
    ----------
    family : str               one of `FAMILIES`
    theta : array (p,)         parameters for times divided by `scale`: log rate of the exponential; location and log
                               scale of log time (and Prentice's shape Q); log rate and shape of the Gompertz
    covariance : array (p, p)  inverse of the observed information
    loglik : float             for times in the cohort's unit
    scale : float              person-time per event, in the cohort's unit
    n_used, n_total, n_events  patients with known time, patients in the data, events
    """

    family: str
    theta: np.ndarray
    covariance: np.ndarray
    loglik: float
    scale: float
    n_used: int
    n_total: int
    n_events: int

    @cached_property
    def aic(self) -> float:
        """Akaike's criterion: twice the number of parameters minus twice the log-likelihood."""
        return 2 * len(self.theta) - 2 * self.loglik

    def survival(self, t: np.ndarray) -> np.ndarray:
        """Return survival at each time > 0."""
        return self._survival(np.asarray(t, float), self.theta)

    def contributions(self, time: np.ndarray, event: np.ndarray, entry: np.ndarray | None = None) -> np.ndarray:
        """Return the log-likelihood of each patient (n,). Its sum over the fitted patients is `loglik`."""
        patients = follow_up(time, event, entry)
        happened, logs = patients.event != 0, FAMILIES[self.family].logs
        with np.errstate(all="ignore"):
            hazard, survival = logs(patients.time / self.scale, self.theta)
            found: np.ndarray = np.where(happened, hazard - np.log(self.scale), 0.0) + survival
            if patients.entry is not None and (late := patients.entry > 0).any():
                found[late] -= logs(patients.entry[late] / self.scale, self.theta)[1]
        return found

    def restricted_mean(self, horizon: float, *, level: float = 0.95, unit: str = "") -> Estimate:
        """Return the restricted mean time to the event, also beyond follow-up, with a delta-method interval.

        Notes
        -----
        The integral of the survival curve, by 200 Gauss-Legendre nodes in the square root of time.
        """
        share = (NODES + 1) / 2
        times, weights = horizon * share**2, horizon * share * WEIGHTS

        def area(theta: np.ndarray) -> float:
            return float((weights * self._survival(times, theta)).sum())

        gradient = _gradient(area, self.theta)
        se = float(np.sqrt((np.outer(gradient, gradient) * self.covariance).sum()))
        method = f"mean to {horizon:g}, {self.family}"
        return Estimate.normal(
            area(self.theta), se, level=level, unit=unit, method=method, n_used=self.n_used, n_total=self.n_total
        )

    def _survival(self, t: np.ndarray, theta: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.exp(FAMILIES[self.family].logs(t / self.scale, theta)[1])


def fit_parametric(family: str, time: np.ndarray, event: np.ndarray, entry: np.ndarray | None = None) -> ParametricFit:
    """Fit a parametric survival model by maximum likelihood.

    Parameters
    ----------
    family : str                   one of `FAMILIES`
    time : array (n,)              follow-up; > 0; missing ones are left out and counted
    event : array of bool (n,)     True where the event was observed
    entry : array (n,), optional   start of follow-up (left truncation), < time

    Raises
    ------
    NotEstimableError              fewer events than parameters, or a likelihood without a maximum

    Notes
    -----
    The log-likelihood is the sum of log h(t) over events and of log S(t) - log S(entry) over all.

    References
    ----------
    Cox, Chu, Schneider & Muñoz (2007) Stat Med 26:4352 for the generalised gamma.  Against R's survreg, and R's optim
    on the closed forms: tests/reference/models.R

    Examples
    --------
    >>> fit = fit_parametric("exponential", np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, True]))
    >>> round(float(np.exp(fit.theta[0])) / fit.scale, 3), round(fit.aic, 3)
    (0.3, 15.224)
    """
    patients = follow_up(time, event, entry)
    happened = patients.event != 0
    events = int(happened.sum())
    if events <= len(FAMILIES[family].starts[0]):
        raise NotEstimableError(
            family, Problem("event", f"{counted(events, 'event')} {agreeing(events, 'is', 'are')} too few for {family}")
        )
    scale = float(patients.time.sum() - (0.0 if patients.entry is None else patients.entry.sum())) / events
    late = None if patients.entry is None else patients.entry / scale
    delayed = None if late is None or not (late > 0).any() else late[late > 0]
    times, died, count = patients.time / scale, happened.astype(float), np.ones(patients.n)
    if patients.n > MOST and delayed is None:
        times, died, count = _grouped(times, happened)
    logs = FAMILIES[family].logs

    def loss(theta: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            hazard, survival = logs(times, theta)
            total = float((hazard[died > 0] * died[died > 0]).sum() + (survival * count).sum())
            if delayed is not None:
                total -= float(logs(delayed, theta)[1].sum())
        return -total / events if np.isfinite(total) else np.inf

    reached = (_maximum(loss, np.array(start)) for start in FAMILIES[family].starts)
    found = next((one for one in reached if one is not None), None)
    if found is None:
        raise NotEstimableError(family, Problem("time", f"the likelihood of the {family} has no maximum"))
    theta, covariance = found[0], found[1] / events
    loglik = -loss(theta) * events - events * np.log(scale)
    return ParametricFit(family, theta, covariance, float(loglik), scale, patients.n, patients.n_total, events)


def _grouped(times: np.ndarray, happened: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean time, events and patients of groups of neighbouring times, separately with and without the event."""
    found = []
    for event in (True, False):
        own = np.sort(times[happened == event])
        groups = min(GROUPS, len(own))
        starts = np.linspace(0, len(own), groups, endpoint=False).astype(int)
        if groups:
            size = np.diff(np.append(starts, len(own)))
            found.append((np.add.reduceat(own, starts) / size, size * float(event), size.astype(float)))
    mean, died, count = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return mean, died, count


def _maximum(loss: Callable[[np.ndarray], float], start: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the minimum of the loss and the inverse of its second derivatives there, or None without convergence.

    A likelihood without a maximum (a generalised gamma with growing Q) has steps that stay large, or second
    derivatives that vanish. This criterion does not depend on where a search stops.
    """
    with np.errstate(all="ignore"):
        rough = {"xatol": 0.01, "fatol": 1e-5, "maxiter": 400}
        theta = optimize.minimize(loss, start, method="Nelder-Mead", options=rough).x
        for _ in range(MOST_STEPS):
            inverse = _inverse(_curvature(loss, theta))
            if inverse is None:
                return None
            step = (inverse * _gradient(loss, theta)).sum(axis=1)
            shortened = _descending(loss, theta, step)
            if shortened is None:
                return None
            step, theta = shortened, theta - shortened
            if np.abs(step).max() < CLOSE:
                inverse = _inverse(_second_derivatives(loss, theta))
                return None if inverse is None else (theta, inverse)
    return None


def _descending(loss: Callable[[np.ndarray], float], theta: np.ndarray, step: np.ndarray) -> np.ndarray | None:
    """Return the step, halved until the loss does not increase; None if it is not finite or never descends."""
    here = loss(theta)
    if not np.isfinite(step).all():
        return None
    for _ in range(_MOST_HALVINGS):
        if loss(theta - step) <= here + _ROUNDING:
            return step
        step = step / 2
    return None


def _along(loss: Callable[[np.ndarray], float], theta: np.ndarray, step: np.ndarray) -> list[float]:
    """Return the loss at -3, -2, -1, 0, 1, 2 and 3 steps."""
    return [loss(theta + count * step) for count in range(-3, 4)]


def _gradient(loss: Callable[[np.ndarray], float], theta: np.ndarray) -> np.ndarray:
    """Return first derivatives by central differences of sixth order."""
    used = [(count, weight) for count, weight in zip(range(-3, 4), _FIRST, strict=True) if weight]
    return np.array([sum(weight * loss(theta + count * step) for count, weight in used) / _STEP
                     for step in _STEP * np.eye(len(theta))])  # fmt: skip


def _curvature(loss: Callable[[np.ndarray], float], theta: np.ndarray) -> np.ndarray:
    """Return second derivatives by differences of second order, accurate enough for the direction of a step."""
    steps, here = _STEP * np.eye(len(theta)), loss(theta)

    def along(step: np.ndarray) -> float:
        return (loss(theta + step) - 2 * here + loss(theta - step)) / _STEP**2

    found = np.diag([along(step) for step in steps])
    for i, j in combinations(range(len(theta)), 2):
        found[i, j] = found[j, i] = (along(steps[i] + steps[j]) - found[i, i] - found[j, j]) / 2
    return found


def _second_derivatives(loss: Callable[[np.ndarray], float], theta: np.ndarray) -> np.ndarray:
    """Return second derivatives by central differences of sixth order, for each parameter and each pair."""
    steps = _STEP * np.eye(len(theta))
    found = np.diag([_product(_SECOND, _along(loss, theta, step)) / _STEP**2 for step in steps])
    for i, j in combinations(range(len(theta)), 2):
        both = _product(_SECOND, _along(loss, theta, steps[i] + steps[j])) / _STEP**2
        found[i, j] = found[j, i] = (both - found[i, i] - found[j, j]) / 2
    return found


def _product(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def _inverse(matrix: np.ndarray) -> np.ndarray | None:
    """Return the inverse of a small matrix by elimination, or None unless it is clearly positive definite.

    A linear algebra library is not used, because its last digits differ between processors.
    """
    count = len(matrix)
    work = np.hstack([matrix, np.eye(count)])
    for place in range(count):
        pivot = work[place, place]
        if not pivot > _FLAT * matrix[place, place]:
            return None
        work[place] /= pivot
        for other in set(range(count)) - {place}:
            work[other] -= work[other, place] * work[place]
    return work[:, count:]
