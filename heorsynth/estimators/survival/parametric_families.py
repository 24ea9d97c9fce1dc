"""The parametric survival families: hazard and survival, and the derivatives of their likelihoods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy import special

from heorsynth.estimators.basics.maximum import FIRST, SECOND, STEP, STEPS, Slopes

_NORMAL_BELOW = 1e-4
"""A generalised gamma with |Q| below this is evaluated as its limit, the log-normal."""

_LIMIT_BEYOND = 10.0
"""A generalised gamma with |Q| above this is close to its limit, a power law with an end point, and rounding decides
where its likelihood is largest. A likelihood that increases up to there has no maximum."""

_SERIES_BELOW = 0.02
"""Below this, the derivatives of (exp(x) - 1) / x are computed by their series."""

_Logs = tuple[np.ndarray, np.ndarray]
"""The logarithms of hazard and survival at given times."""

_Stencil = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Steps, and the weights of the values there in the first and the second derivative."""

_FINE = (STEP * STEPS, FIRST / STEP, SECOND / STEP**2)
_ROUGH = (STEP * np.array([-1.0, 0.0, 1.0]), np.array([-0.5, 0.0, 0.5]) / STEP, np.array([1.0, -2.0, 1.0]) / STEP**2)
"""Derivatives by differences of sixth and of second order."""

_Terms = Callable[[np.ndarray], tuple[np.ndarray, ...]]
"""z = (log t - location) / scale -> first and second derivatives by z of the log hazard plus log t and log scale, and
first and second derivatives by z of the log survival."""


def _exponential(t: np.ndarray, theta: np.ndarray) -> _Logs:
    return theta[0] + np.zeros_like(t), -np.exp(theta[0]) * t


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
    z = _scaled(log_times := np.log(t), theta)
    survival = _shape_survival(z, float(theta[2]))
    return _shape_densities(z, theta[2:])[0] - theta[1] - log_times - survival, survival


def _gamma_total(ends: Ends, theta: np.ndarray) -> float:
    """Return the log-likelihood. Only the censored need the survival, which takes longest."""
    total = -theta[1] * ends.n_died
    for log_times, weight, survives in ends.log_parts:
        z = _scaled(log_times, theta)
        logs = _shape_survival(z, float(theta[2])) if survives else _shape_densities(z, theta[2:])[0] - log_times
        total += float((logs * weight).sum())
    return float(total)


def _scaled(log_times: np.ndarray, theta: np.ndarray) -> np.ndarray:
    return (log_times - theta[0]) * float(np.exp(-theta[1]))


def _shape_survival(z: np.ndarray, q: float) -> np.ndarray:
    """Return the log survival at z = (log t - location) / scale."""
    if abs(q) < _NORMAL_BELOW:
        return np.asarray(special.log_ndtr(-z))
    if abs(q) > _LIMIT_BEYOND:
        return np.full_like(z, np.nan)
    shape, part = q**-2, special.gammaincc if q > 0 else special.gammainc
    survival: np.ndarray = np.log(np.maximum(part(shape, shape * np.exp(q * z)), np.finfo(float).tiny))
    return survival


def _shape_survivals(z: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Return the log survival under each shape Q (s, k), at places z (k,) or (s, k)."""
    size = np.abs(shapes)
    if not (size.min() >= _NORMAL_BELOW and size.max() <= _LIMIT_BEYOND and abs(np.sign(shapes).sum()) == len(shapes)):
        places = np.broadcast_to(z, (len(shapes), z.shape[-1]))
        return np.stack([_shape_survival(own, q) for own, q in zip(places, shapes.tolist(), strict=True)])
    part = special.gammaincc if shapes[0] > 0 else special.gammainc
    shape = np.array([q**-2 for q in shapes.tolist()])[:, None]
    return np.asarray(np.log(np.maximum(part(shape, shape * np.exp(shapes[:, None] * z)), np.finfo(float).tiny)))


def _shape_densities(z: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Return the log density of z under each shape Q (s, k)."""
    size = np.abs(shapes)
    near, beyond = size < _NORMAL_BELOW, size > _LIMIT_BEYOND
    q = np.where(near, 1.0, shapes)[:, None]
    w, shape = q * z, q**-2
    density = np.log(np.abs(q)) + shape * np.log(shape) - special.gammaln(shape) + shape * (w - np.exp(w))
    if near.any():
        density[near] = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
    if beyond.any():
        density[beyond] = np.nan
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


@dataclass(frozen=True, eq=False)
class Ends:
    """Follow-up on a scale on which the mean time is about 1.

    Attributes
    ----------
    times, died, count : array (k,)    times > 0, and the events and patients at each
    delayed : array (j,)               entry times > 0; empty if all follow-up starts at 0
    """

    times: np.ndarray
    died: np.ndarray
    count: np.ndarray
    delayed: np.ndarray

    @property
    def exposed(self) -> tuple[np.ndarray, np.ndarray]:
        """Times of end and entry, and the weight of the log survival at each: patients, and -1."""
        return np.append(self.times, self.delayed), np.append(self.count, -np.ones(len(self.delayed)))

    @cached_property
    def n_died(self) -> float:
        """The number of events."""
        return float(self.died.sum())

    @cached_property
    def ended(self) -> np.ndarray:
        """Whether there are events at each time (k,)."""
        return self.died > 0

    @cached_property
    def log_parts(self) -> tuple[tuple[np.ndarray, np.ndarray, bool], ...]:
        """Logarithms of the times of events, of censoring and of entry, their weights, and whether these survive."""
        alive = self.count > self.died
        return (
            (np.log(self.times[self.ended]), self.died[self.ended], False),
            (np.log(self.times[alive]), (self.count - self.died)[alive], True),
            (np.log(self.delayed), -np.ones(len(self.delayed)), True),
        )


def _exponential_slopes(ends: Ends) -> Slopes:
    times, count = ends.exposed
    n_died, exposure = ends.n_died, float((times * count).sum())

    def slopes(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hazard = np.exp(theta[0]) * exposure / n_died
        return np.array([hazard - 1]), np.array([[hazard]])

    return slopes


def _gompertz_slopes(ends: Ends) -> Slopes:
    """Return the derivatives of the loss by log rate and shape s: the cumulative hazard is rate · t · E(s t)."""
    times, count = ends.exposed
    n_died, summed = ends.n_died, float((ends.died * ends.times).sum())

    def slopes(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hazard = np.exp(theta[0]) * count * times / n_died
        plain, once, twice = (float((hazard * times**order * part).sum()) for order, part in
                              enumerate(_exprel_derivatives(theta[1] * times)))  # fmt: skip
        return np.array([plain - 1, once - summed / n_died]), np.array([[plain, once], [once, twice]])

    return slopes


def _exprel_derivatives(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return E(x) = (exp(x) - 1) / x and its first two derivatives; near 0 by their series."""
    small, grown, relative = np.abs(x) < _SERIES_BELOW, np.exp(x), special.exprel(x)
    safe = np.where(small, 1.0, x)
    first = np.where(small, 1 / 2 + x / 3 + x**2 / 8 + x**3 / 30 + x**4 / 144, (grown - relative) / safe)
    second = np.where(small, 1 / 3 + x / 4 + x**2 / 10 + x**3 / 36 + x**4 / 168, (grown - 2 * first) / safe)
    return relative, first, second


def _scale_slopes(terms: _Terms, ends: Ends) -> Slopes:
    """Return the derivatives of the loss by location and log scale.

    Notes
    -----
    With a = exp(-log scale) and z = a (log t - location), z falls by a with the location and by z with the log scale.
    The terms of a patient, p(z) - log scale if the event was observed, then have the derivatives -a p' and -z p' - 1,
    and the second ones a^2 p'', a (p' + z p'') and z (p' + z p'').
    """
    died, count, n_died = ends.died, ends.count, ends.n_died
    log_times, late = np.log(ends.times), np.log(ends.delayed)

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
        if len(late):
            z = a * (late - theta[0])
            _, _, survival, fall = terms(z)
            before = sums(z, survival, fall, a)
            slope, curvature = slope - before[0], curvature - before[1]
        slope[1] -= n_died
        return -slope / n_died, -curvature / n_died

    return slopes


def _gamma_slopes(stencil: _Stencil, ends: Ends) -> Slopes:
    """Return the derivatives of the loss of a generalised gamma by location, log scale and shape Q.

    Notes
    -----
    At a fixed z = (log t - location) / scale, the derivatives by Q of the log density and the log survival are central
    differences of sixth order; those by z are exact. With f the density of z and S its survival, g = f / S and ' the
    derivative by z, log S has the derivatives -g and -g (log f' + g), and the mixed one -g times the derivative by Q
    of log f - log S. The derivatives by location and scale then follow as in `_scale_slopes`.
    """
    n_died = ends.n_died

    def slopes(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        location, log_scale, q = theta
        a = float(np.exp(-log_scale))
        slope, curvature = np.array([0.0, n_died, 0.0]), np.zeros((3, 3))
        for log_times, weight, survives in ends.log_parts:
            z = a * (log_times - location)
            first, second, by_q, by_q_twice, mixed = (weight * part for part in _gamma_terms(z, q, survives, stencil))
            both = first + z * second
            cross, by_location, by_scale = a * both.sum(), -a * mixed.sum(), -(z * mixed).sum()
            rows = [
                [a * a * second.sum(), cross, by_location],
                [cross, (z * both).sum(), by_scale],
                [by_location, by_scale, by_q_twice.sum()],
            ]
            slope -= np.array([-a * first.sum(), -(z * first).sum(), by_q.sum()])
            curvature -= np.array(rows)
        return slope / n_died, curvature / n_died

    return slopes


def _weighted(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the weighted sum (n,) of rows (s, n), added in their order.

    Differences lose digits. With a linear algebra library, whose last digits differ between processors, the intervals
    of a flat likelihood would differ in digits that are written.
    """
    return np.asarray((weights[:, None] * values).sum(axis=0))


def _gamma_terms(z: np.ndarray, q: float, survives: bool, stencil: _Stencil) -> tuple[np.ndarray, ...]:
    """Return first and second derivatives by z, the same by Q, and the mixed one, of the log density or survival."""
    steps, first, second = stencil
    density, middle = _shape_densities(z, q + steps), len(steps) // 2
    density_by_q = _weighted(first, density)
    if abs(q) < _NORMAL_BELOW:
        slope, bend, mixed = -z, -np.ones_like(z), -(z**2) / 2
    else:
        slope, bend = -np.expm1(q * z) / q, -np.exp(q * z)
        mixed = (z * bend - slope) / q
    if not survives:
        return slope, bend, density_by_q, _weighted(second, density), mixed
    survival = _shape_survivals(z, q + steps)
    by_q, rate = _weighted(first, survival), np.exp(density[middle] - survival[middle])
    return -rate, -rate * (slope + rate), by_q, _weighted(second, survival), -rate * (density_by_q - by_q)


@dataclass(frozen=True)
class Family:
    """A parametric family.

    Attributes
    ----------
    logs : callable    maps times (k,) > 0 and parameters (p,) to the logarithms of hazard and survival, (k,) each
    start : tuple      start values for times with mean about 1
    slopes : callable  follow-up -> the derivatives of minus the log-likelihood an event
    rough : callable   the same in less time, accurate enough for a long step; None if that does not pay
    case : str         a family that is a case of this one: the search starts at its maximum, with the further
                       parameters of `start`
    """

    logs: Callable[[np.ndarray, np.ndarray], _Logs]
    start: tuple[float, ...]
    slopes: Callable[[Ends], Slopes]
    rough: Callable[[Ends], Slopes] | None = None
    case: str = ""

    def survivals(self, t: np.ndarray, thetas: np.ndarray) -> np.ndarray:
        """Return the log survival (s, k) at times (k,) > 0 under each of several parameters (s, p)."""
        by_parameter = thetas.T[:, :, None]
        if self.logs is _generalised_gamma:
            return _shape_survivals((np.log(t) - by_parameter[0]) * np.exp(-by_parameter[1]), thetas[:, 2])
        return self.logs(t[None], by_parameter)[1]

    def loss(self, ends: Ends, theta: np.ndarray) -> float:
        """Return minus the log-likelihood an event; infinite where it is not defined."""
        with np.errstate(all="ignore"):
            if self.logs is _generalised_gamma:
                total = _gamma_total(ends, theta)
            else:
                hazard, survival = self.logs(ends.times, theta)
                total = float((hazard[ends.ended] * ends.died[ends.ended]).sum() + (survival * ends.count).sum())
                if len(ends.delayed):
                    total -= float(self.logs(ends.delayed, theta)[1].sum())
        return -total / ends.n_died if np.isfinite(total) else np.inf


FAMILIES: Mapping[str, Family] = {
    "exponential": Family(_exponential, (0.0,), _exponential_slopes),
    "Weibull": Family(_weibull, (0.0, 0.0), partial(_scale_slopes, _weibull_terms)),
    "Gompertz": Family(_gompertz, (0.0, 0.0), _gompertz_slopes),
    "log-normal": Family(_log_normal, (0.0, 0.0), partial(_scale_slopes, _log_normal_terms)),
    "log-logistic": Family(_log_logistic, (0.0, -0.3), partial(_scale_slopes, _log_logistic_terms)),
    "generalised gamma": Family(
        _generalised_gamma, (0.0, 0.0, 1.0), partial(_gamma_slopes, _FINE), partial(_gamma_slopes, _ROUGH), "Weibull"
    ),
}
"""The six families recommended for technology appraisals (Latimer 2013 Med Decis Making 33:743; NICE DSU TSD 14)."""
