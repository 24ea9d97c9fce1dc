"""Parametric survival models, used to extrapolate beyond follow-up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.maximum import gradient, maximum
from heorsynth.estimators.survival.counts import follow_up
from heorsynth.estimators.survival.parametric_families import FAMILIES, Ends, Family

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
"""Nodes of the numerical integration of a survival curve."""

MOST, GROUPS = 20_000, 5_000
"""More than `MOST` patients without delayed entry are combined into this many groups of neighbouring times."""


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

        def areas(thetas: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):
                survival = np.exp(FAMILIES[self.family].survivals(times / self.scale, thetas))
            return np.asarray((weights * survival).sum(axis=1))

        slope = gradient(areas, self.theta)
        se = float(np.sqrt((np.outer(slope, slope) * self.covariance).sum()))
        method = f"mean to {horizon:g}, {self.family}"
        return Estimate.normal(
            float(areas(self.theta[None])[0]),
            se,
            level=level,
            unit=unit,
            method=method,
            n_used=self.n_used,
            n_total=self.n_total,
        )

    def _survival(self, t: np.ndarray, theta: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.exp(FAMILIES[self.family].logs(t / self.scale, theta)[1])


def fit_parametric(
    family: str,
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None = None,
    case: ParametricFit | None = None,
) -> ParametricFit:
    """Fit a parametric survival model by maximum likelihood.

    Parameters
    ----------
    family : str                   one of `FAMILIES`
    time : array (n,)              follow-up; > 0; missing ones are left out and counted
    event : array of bool (n,)     True where the event was observed
    entry : array (n,), optional   start of follow-up (left truncation), < time
    case : ParametricFit           fit of a case of the family (`Family.case`) to the same patients, where there is
                                   one already: the search starts there

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
    if events <= len(FAMILIES[family].start):
        raise NotEstimableError(
            family, Problem("event", f"{counted(events, 'event')} {agreeing(events, 'is', 'are')} too few for {family}")
        )
    scale = float(patients.time.sum() - (0.0 if patients.entry is None else patients.entry.sum())) / events
    late = np.zeros(0) if patients.entry is None else patients.entry[patients.entry > 0] / scale
    ends = Ends(patients.time / scale, happened.astype(float), np.ones(patients.n), late)
    if patients.n > MOST and not len(late):
        ends = Ends(*_grouped(ends.times, happened), late)
    law = FAMILIES[family]
    start = np.array(law.start)
    if law.case:
        first = _found(FAMILIES[law.case], ends, np.array(FAMILIES[law.case].start)) if case is None else (case.theta,)
        start = start if first is None else np.append(first[0], start[len(first[0]) :])
    found = _found(law, ends, start)
    if found is None:
        raise NotEstimableError(family, Problem("time", f"the likelihood of the {family} has no maximum"))
    theta, covariance = found[0], found[1] / events
    loglik = -law.loss(ends, theta) * events - events * np.log(scale)
    return ParametricFit(family, theta, covariance, float(loglik), scale, patients.n, patients.n_total, events)


def _found(law: Family, ends: Ends, start: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the parameters with the largest likelihood, and their covariance times the events; None if it has none."""
    rough = None if law.rough is None else law.rough(ends)
    return maximum(partial(law.loss, ends), law.slopes(ends), start, rough)


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
