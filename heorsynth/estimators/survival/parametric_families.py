"""The parametric survival families: hazard and survival, and the derivatives of their likelihoods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy import special

from heorsynth.estimators.basics.maximum import FIRST, SECOND, STEP, STEPS

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

Derivatives = tuple[np.ndarray, np.ndarray]
"""First (c, p) and second (c, p, p) derivatives of the losses of c samples."""

_Slopes = Callable[["Ends", np.ndarray], Derivatives]

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
    z = (np.log(t) - theta[0]) * np.exp(-theta[1])
    q = np.asarray(theta[2])
    shapes = q[..., 0] if q.ndim else q
    survival = _shape_survivals(z, shapes)
    return _shape_densities(z, shapes) - theta[1] - np.log(t) - survival, survival


def _gamma_totals(ends: Ends, thetas: np.ndarray) -> np.ndarray:
    """Return the log-likelihoods (c,). Only the censored need the survival, which takes longest."""
    totals = -thetas[:, 1] * ends.n_died
    for log_times, weight, survives in ends.log_parts:
        z = (log_times - thetas[:, :1]) * np.exp(-thetas[:, 1:2])
        logs = _shape_survivals(z, thetas[:, 2]) if survives else _shape_densities(z, thetas[:, 2]) - log_times
        totals += (logs * weight).sum(axis=1)
    return np.asarray(totals)


def _shape_survivals(z: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Return the log survival (…, k) under each shape Q (…), at places z = (log t - location) / scale (…, k)."""
    places, size = np.broadcast_to(z, (*shapes.shape, z.shape[-1])), np.abs(shapes)
    near, beyond = size < _NORMAL_BELOW, size > _LIMIT_BEYOND
    survival = np.full(places.shape, np.nan)
    if near.any():
        survival[near] = special.log_ndtr(-places[near])
    for part, sign in ((special.gammaincc, 1), (special.gammainc, -1)):
        own = ~(near | beyond) & (sign * shapes > 0)
        if own.any():
            shape, q = np.array([q**-2 for q in shapes[own].tolist()])[:, None], shapes[own][:, None]
            share = part(shape, shape * np.exp(q * places[own]))
            survival[own] = np.log(np.maximum(share, np.finfo(float).tiny))
    return survival


def _shape_densities(z: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Return the log density (…, k) of places z (…, k) under each shape Q (…)."""
    size = np.abs(shapes)
    near, beyond = size < _NORMAL_BELOW, size > _LIMIT_BEYOND
    q = np.where(near, 1.0, shapes)[..., None]
    w, shape = q * z, q**-2
    density: np.ndarray = np.log(np.abs(q)) + shape * np.log(shape) - special.gammaln(shape) + shape * (w - np.exp(w))
    if near.any():
        density[near] = -0.5 * np.broadcast_to(z, density.shape)[near] ** 2 - 0.5 * np.log(2 * np.pi)
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
    """Follow-up of c samples, each on a scale on which its mean time is about 1.

    Attributes
    ----------
    times, died, count : array (c, k)    times > 0, and the events and patients at each; a shorter sample repeats its
                                         first time, with no patients
    delayed, entered : array (c, j)      entry times > 0, and the patients at each
    """

    times: np.ndarray
    died: np.ndarray
    count: np.ndarray
    delayed: np.ndarray
    entered: np.ndarray

    @classmethod
    def of(cls, samples: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> Ends:
        """Return the samples together: times, events and patients at each, and entry times > 0."""
        columns = [
            np.zeros((len(samples), max((len(one[place]) for one in samples), default=0))) for place in (0, 1, 2, 3, 3)
        ]
        times, died, count, delayed, entered = columns
        for row, one in enumerate(samples):
            times[row] = delayed[row] = one[0][0]
            for column, values in zip((times, died, count, delayed), one, strict=True):
                column[row, : len(values)] = values
            entered[row, : len(one[3])] = 1.0
        return cls(*columns)

    def take(self, rows: np.ndarray) -> Ends:
        """Return some samples."""
        if len(rows) == len(self.times) and (rows == np.arange(len(rows))).all():
            return self
        return Ends(self.times[rows], self.died[rows], self.count[rows], self.delayed[rows], self.entered[rows])

    @cached_property
    def exposed(self) -> tuple[np.ndarray, np.ndarray]:
        """Times of end and entry, and the weight of the log survival at each: patients, and minus those who enter."""
        return np.hstack([self.times, self.delayed]), np.hstack([self.count, -self.entered])

    @cached_property
    def n_died(self) -> np.ndarray:
        """The number of events (c,)."""
        return np.asarray(self.died.sum(axis=1))

    @cached_property
    def logs(self) -> tuple[np.ndarray, np.ndarray]:
        """Logarithms of the times of end and of entry."""
        return np.log(self.times), np.log(self.delayed)

    @cached_property
    def log_parts(self) -> tuple[tuple[np.ndarray, np.ndarray, bool], ...]:
        """Logarithms of the times of events, of censoring and of entry, their weights, and whether these survive."""
        ended, late = self.logs
        return (
            (*_packed(ended, self.died), False),
            (*_packed(ended, self.count - self.died), True),
            (late, -self.entered, True),
        )


def _packed(values: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of weight > 0 of each row, and their weights; shorter rows repeat a value with no weight."""
    used = weight > 0
    first = np.argsort(~used, axis=1, kind="stable")[:, : used.sum(axis=1).max()]
    weight = np.take_along_axis(weight, first, axis=1)
    values = np.take_along_axis(values, first, axis=1)
    return np.where(weight > 0, values, values[:, :1]), weight


def _exponential_slopes(ends: Ends, thetas: np.ndarray) -> Derivatives:
    times, count = ends.exposed
    hazard = np.exp(thetas[:, 0]) * (times * count).sum(axis=1) / ends.n_died
    return hazard[:, None] - 1, hazard[:, None, None]


def _gompertz_slopes(ends: Ends, thetas: np.ndarray) -> Derivatives:
    """Return the derivatives of the loss by log rate and shape s: the cumulative hazard is rate · t · E(s t)."""
    times, count = ends.exposed
    hazard = np.exp(thetas[:, :1]) * count * times / ends.n_died[:, None]
    summed = (ends.died * ends.times).sum(axis=1)
    plain, once, twice = ((hazard * times**order * part).sum(axis=1) for order, part in
                          enumerate(_exprel_derivatives(thetas[:, 1:] * times)))  # fmt: skip
    return np.stack([plain - 1, once - summed / ends.n_died], axis=1), _symmetric([[plain, once], [once, twice]])


def _symmetric(rows: list[list[np.ndarray]]) -> np.ndarray:
    """Return matrices (c, p, p) from their elements (c,)."""
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)


def _exprel_derivatives(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return E(x) = (exp(x) - 1) / x and its first two derivatives; near 0 by their series."""
    small, grown, relative = np.abs(x) < _SERIES_BELOW, np.exp(x), special.exprel(x)
    safe = np.where(small, 1.0, x)
    first = np.where(small, 1 / 2 + x / 3 + x**2 / 8 + x**3 / 30 + x**4 / 144, (grown - relative) / safe)
    second = np.where(small, 1 / 3 + x / 4 + x**2 / 10 + x**3 / 36 + x**4 / 168, (grown - 2 * first) / safe)
    return relative, first, second


def _scale_slopes(terms: _Terms, ends: Ends, thetas: np.ndarray) -> Derivatives:
    """Return the derivatives of the loss by location and log scale.

    Notes
    -----
    With a = exp(-log scale) and z = a (log t - location), z falls by a with the location and by z with the log scale.
    The terms of a patient, p(z) - log scale if the event was observed, then have the derivatives -a p' and -z p' - 1,
    and the second ones a^2 p'', a (p' + z p'') and z (p' + z p'').
    """
    a, died, count = np.exp(-thetas[:, 1:2]), ends.died, ends.count
    log_times, late = ends.logs

    def sums(z: np.ndarray, first: np.ndarray, second: np.ndarray) -> Derivatives:
        mixed, by = first + z * second, a[:, 0]
        cross = by * mixed.sum(axis=1)
        slope = np.stack([-by * first.sum(axis=1), -(z * first).sum(axis=1)], axis=1)
        return slope, _symmetric([[by * by * second.sum(axis=1), cross], [cross, (z * mixed).sum(axis=1)]])

    z = a * (log_times - thetas[:, :1])
    hazard, bend, survival, fall = terms(z)
    slope, curvature = sums(z, died * hazard + count * survival, died * bend + count * fall)
    if late.size:
        z = a * (late - thetas[:, :1])
        _, _, survival, fall = terms(z)
        before = sums(z, ends.entered * survival, ends.entered * fall)
        slope, curvature = slope - before[0], curvature - before[1]
    slope[:, 1] -= ends.n_died
    return -slope / ends.n_died[:, None], -curvature / ends.n_died[:, None, None]


def _gamma_slopes(stencil: _Stencil, ends: Ends, thetas: np.ndarray) -> Derivatives:
    """Return the derivatives of the loss of a generalised gamma by location, log scale and shape Q.

    Notes
    -----
    At a fixed z = (log t - location) / scale, the derivatives by Q of the log density and the log survival are central
    differences of sixth order; those by z are exact. With f the density of z and S its survival, g = f / S and ' the
    derivative by z, log S has the derivatives -g and -g (log f' + g), and the mixed one -g times the derivative by Q
    of log f - log S. The derivatives by location and scale then follow as in `_scale_slopes`.
    """
    a, q = np.exp(-thetas[:, 1]), thetas[:, 2]
    slope, curvature = np.zeros((len(a), 3)), np.zeros((len(a), 3, 3))
    slope[:, 1] = ends.n_died
    for log_times, weight, survives in ends.log_parts:
        if not weight.size:
            continue
        z = a[:, None] * (log_times - thetas[:, :1])
        first, second, by_q, by_q_twice, mixed = (weight * part for part in _gamma_terms(z, q, survives, stencil))
        both = first + z * second
        cross, by_location, by_scale = a * both.sum(axis=1), -a * mixed.sum(axis=1), -(z * mixed).sum(axis=1)
        rows = [
            [a * a * second.sum(axis=1), cross, by_location],
            [cross, (z * both).sum(axis=1), by_scale],
            [by_location, by_scale, by_q_twice.sum(axis=1)],
        ]
        slope -= np.stack([-a * first.sum(axis=1), -(z * first).sum(axis=1), by_q.sum(axis=1)], axis=1)
        curvature -= _symmetric(rows)
    return slope / ends.n_died[:, None], curvature / ends.n_died[:, None, None]


def _weighted(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the weighted sum (c, n) of rows (c, s, n), added in their order.

    Differences lose digits. With a linear algebra library, whose last digits differ between processors, the intervals
    of a flat likelihood would differ in digits that are written.
    """
    return np.asarray((weights[:, None] * values).sum(axis=1))


def _gamma_terms(z: np.ndarray, q: np.ndarray, survives: bool, stencil: _Stencil) -> tuple[np.ndarray, ...]:
    """Return first and second derivatives by z, the same by Q, and the mixed one, of the log density or survival."""
    steps, first, second = stencil
    shapes = q[:, None] + steps
    density, middle = _shape_densities(z[:, None], shapes), len(steps) // 2
    density_by_q = _weighted(first, density)
    near = (np.abs(q) < _NORMAL_BELOW)[:, None]
    by = np.where(near, 1.0, q[:, None])
    slope = np.where(near, -z, -np.expm1(by * z) / by)
    bend = np.where(near, -1.0, -np.exp(by * z))
    mixed = np.where(near, -(z**2) / 2, (z * bend - slope) / by)
    if not survives:
        return slope, bend, density_by_q, _weighted(second, density), mixed
    survival = _shape_survivals(z[:, None], shapes)
    by_q, rate = _weighted(first, survival), np.exp(density[:, middle] - survival[:, middle])
    return -rate, -rate * (slope + rate), by_q, _weighted(second, survival), -rate * (density_by_q - by_q)


@dataclass(frozen=True)
class Family:
    """A parametric family.

    Attributes
    ----------
    logs : callable    maps times (k,) > 0 and parameters (p,) to the logarithms of hazard and survival, (k,) each
    start : tuple      start values for times with mean about 1
    slopes : callable  follow-up of samples, and the parameters of each (c, p) -> the first (c, p) and second (c, p, p)
                       derivatives of minus the log-likelihood an event
    rough : callable   the same in less time, accurate enough for a long step; None if that does not pay
    case : str         a family that is a case of this one: the search starts at its maximum, with the further
                       parameters of `start`
    """

    logs: Callable[[np.ndarray, np.ndarray], _Logs]
    start: tuple[float, ...]
    slopes: _Slopes
    rough: _Slopes | None = None
    case: str = ""

    def survivals(self, t: np.ndarray, thetas: np.ndarray) -> np.ndarray:
        """Return the log survival (s, k) at times (k,) > 0 under each of several parameters (s, p)."""
        by_parameter = thetas.T[:, :, None]
        if self.logs is _generalised_gamma:
            return _shape_survivals((np.log(t) - by_parameter[0]) * np.exp(-by_parameter[1]), thetas[:, 2])
        return self.logs(t[None], by_parameter)[1]

    def losses(self, ends: Ends, thetas: np.ndarray) -> np.ndarray:
        """Return minus the log-likelihood an event of each sample (c,) at its parameters (c, p).

        It is infinite where it is not defined.
        """
        with np.errstate(all="ignore"):
            if self.logs is _generalised_gamma:
                totals = _gamma_totals(ends, thetas)
            else:
                by_parameter = thetas.T[:, :, None]
                hazard, survival = self.logs(ends.times, by_parameter)
                totals = np.where(ends.died > 0, hazard * ends.died, 0.0).sum(axis=1)
                totals += (survival * ends.count).sum(axis=1)
                if ends.delayed.size:
                    totals -= (self.logs(ends.delayed, by_parameter)[1] * ends.entered).sum(axis=1)
        return np.where(np.isfinite(totals), -totals / ends.n_died, np.inf)


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
