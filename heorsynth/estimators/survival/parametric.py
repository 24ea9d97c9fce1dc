"""Parametric survival models, used to extrapolate beyond follow-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.survival.counts import follow_up
from heorsynth.estimators.survival.parametric_maximum import Slopes, gradient, maximum, maximum_by_slopes

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
"""Nodes of the numerical integration of a survival curve."""

_NORMAL_BELOW = 1e-4
"""A generalised gamma with |Q| below this is evaluated as its limit, the log-normal."""

_LIMIT_BEYOND = 12.0
"""A generalised gamma with |Q| above this equals its limit up to rounding: a power law with an end point. A likelihood
that increases up to there has no maximum."""

MOST, GROUPS = 20_000, 5_000
"""More than `MOST` patients without delayed entry are combined into this many groups of neighbouring times."""

_Logs = tuple[np.ndarray, np.ndarray]
"""The logarithms of hazard and survival at given times."""

_Terms = Callable[[np.ndarray], tuple[np.ndarray, ...]]
"""z = (log t - location) / scale -> first and second derivatives by z of the log hazard plus log t and log scale, and
first and second derivatives by z of the log survival."""


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
    survival = _gamma_survival(t, theta)
    return _gamma_density(t, theta) - survival, survival


def _gamma_survival(t: np.ndarray, theta: np.ndarray) -> np.ndarray:
    q = theta[2]
    if abs(q) < _NORMAL_BELOW:
        return _log_normal(t, theta[:2])[1]
    if abs(q) > _LIMIT_BEYOND:
        return np.full_like(t, np.nan)
    z, shape = q * (np.log(t) - theta[0]) * np.exp(-theta[1]), q**-2
    part = special.gammaincc if q > 0 else special.gammainc
    survival: np.ndarray = np.log(np.maximum(part(shape, shape * np.exp(z)), np.finfo(float).tiny))
    return survival


def _gamma_density(t: np.ndarray, theta: np.ndarray) -> np.ndarray:
    q = theta[2]
    if abs(q) < _NORMAL_BELOW:
        hazard, survival = _log_normal(t, theta[:2])
        return hazard + survival
    if abs(q) > _LIMIT_BEYOND:
        return np.full_like(t, np.nan)
    z, shape = q * (np.log(t) - theta[0]) * np.exp(-theta[1]), q**-2
    constant = np.log(abs(q)) + shape * np.log(shape) - special.gammaln(shape) - theta[1]
    density: np.ndarray = constant + shape * (z - np.exp(z)) - np.log(t)
    return density


def _weibull_terms(z: np.ndarray) -> tuple[np.ndarray, ...]:
    grown = np.exp(z)
    return np.ones_like(z), np.zeros_like(z), -grown, -grown


def _log_normal_terms(z: np.ndarray) -> tuple[np.ndarray, ...]:
    mills = np.exp(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - special.log_ndtr(-z))
    bend = mills * (mills - z)
    return mills - z, bend - 1, -mills, -bend


def _log_logistic_terms(z: np.ndarray) -> tuple[np.ndarray, ...]:
    share = special.expit(z)
    bend = share * (1 - share)
    return 1 - share, -bend, -share, -bend


@dataclass(frozen=True)
class _Family:
    """A parametric family.

    Attributes
    ----------
    logs : callable    maps times (k,) > 0 and parameters (p,) to the logarithms of hazard and survival, (k,) each
    starts : tuple     start values for times with mean about 1; the first that leads to a maximum is used
    terms : callable   of a law with a location and a log scale of log time: see `_Terms`
    """

    logs: Callable[[np.ndarray, np.ndarray], _Logs]
    starts: tuple[tuple[float, ...], ...]
    terms: _Terms | None = None


FAMILIES: Mapping[str, _Family] = {
    "exponential": _Family(_exponential, ((0.0,),)),
    "Weibull": _Family(_weibull, ((0.0, 0.0),), _weibull_terms),
    "Gompertz": _Family(_gompertz, ((0.0, 0.0),)),
    "log-normal": _Family(_log_normal, ((0.0, 0.0),), _log_normal_terms),
    "log-logistic": _Family(_log_logistic, ((0.0, -0.3),), _log_logistic_terms),
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

        slope = gradient(area, self.theta)
        se = float(np.sqrt((np.outer(slope, slope) * self.covariance).sum()))
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

    ended, alive = died > 0, count > died

    def loss(theta: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            if logs is _generalised_gamma:  # the survival, which takes longest, is needed of the censored only
                total = float((_gamma_density(times[ended], theta) * died[ended]).sum())
                total += float((_gamma_survival(times[alive], theta) * (count - died)[alive]).sum())
            else:
                hazard, survival = logs(times, theta)
                total = float((hazard[ended] * died[ended]).sum() + (survival * count).sum())
            if delayed is not None:
                total -= float(logs(delayed, theta)[1].sum())
        return -total / events if np.isfinite(total) else np.inf

    terms = FAMILIES[family].terms
    if terms is None:
        reached = (maximum(loss, np.array(start)) for start in FAMILIES[family].starts)
    else:
        slopes = _slopes(terms, times, died, count, delayed)
        reached = (maximum_by_slopes(loss, slopes, np.array(start)) for start in FAMILIES[family].starts)
    found = next((one for one in reached if one is not None), None)
    if found is None:
        raise NotEstimableError(family, Problem("time", f"the likelihood of the {family} has no maximum"))
    theta, covariance = found[0], found[1] / events
    loglik = -loss(theta) * events - events * np.log(scale)
    return ParametricFit(family, theta, covariance, float(loglik), scale, patients.n, patients.n_total, events)


def _slopes(
    terms: _Terms, times: np.ndarray, died: np.ndarray, count: np.ndarray, delayed: np.ndarray | None
) -> Slopes:
    """Return the derivatives of the loss by location and log scale.

    Notes
    -----
    With a = exp(-log scale) and z = a (log t - location), z falls by a with the location and by z with the log scale.
    The terms of a patient, p(z) - log scale if the event was observed, then have the derivatives -a p' and -z p' - 1,
    and the second ones a^2 p'', a (p' + z p'') and z (p' + z p'').
    """
    log_times, n_died = np.log(times), float(died.sum())
    late = None if delayed is None else np.log(delayed)

    def sums(z: np.ndarray, first: np.ndarray, second: np.ndarray, a: float) -> tuple[np.ndarray, np.ndarray]:
        mixed = first + z * second
        cross = a * float(mixed.sum())
        slope = np.array([-a * float(first.sum()), -float((z * first).sum())])
        return slope, np.array([[a * a * float(second.sum()), cross], [cross, float((z * mixed).sum())]])

    def slopes(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a = float(np.exp(-theta[1]))
        z = a * (log_times - theta[0])
        hazard, bend, survival, fall = terms(z)
        slope, curvature = sums(z, died * hazard + count * survival, died * bend + count * fall, a)
        if late is not None:
            z = a * (late - theta[0])
            _, _, survival, fall = terms(z)
            before = sums(z, survival, fall, a)
            slope, curvature = slope - before[0], curvature - before[1]
        slope[1] -= n_died
        return -slope / n_died, -curvature / n_died

    return slopes


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
