"""Parametric survival models, used to extrapolate beyond follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from heorsynth.core.display import agreeing, counted
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.maximum import gradient, maxima
from heorsynth.estimators.survival.counts import FollowUp, follow_up
from heorsynth.estimators.survival.parametric_families import FAMILIES, Derivatives, Ends, Family

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


@dataclass(frozen=True, eq=False)
class Samples:
    """The follow-up of several samples, made ready once for the fits of all families.

    Attributes
    ----------
    ends : Ends               follow-up of each, in units of its scale
    scale : array (c,)        person-time per event
    events, n, n_total        of each: events, patients with known time, patients in the data
    """

    ends: Ends
    scale: np.ndarray
    events: np.ndarray
    n: list[int]
    n_total: list[int]

    @classmethod
    def of(cls, samples: Sequence[FollowUp]) -> Samples:
        """Return the samples together."""
        events = np.array([int((one.event != 0).sum()) for one in samples])
        spans = [float(one.time.sum() - (0.0 if one.entry is None else one.entry.sum())) for one in samples]
        scale = np.array(spans) / np.maximum(events, 1)
        scaled = [_scaled(one, size) for one, size in zip(samples, scale.tolist(), strict=True)]
        return cls(Ends.of(scaled), scale, events, [one.n for one in samples], [one.n_total for one in samples])


def _scaled(patients: FollowUp, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return times, events and patients at each, and entry times > 0, all in units of the scale."""
    times, happened = patients.time / scale, patients.event != 0
    late = np.zeros(0) if patients.entry is None else patients.entry[patients.entry > 0] / scale
    if patients.n > MOST and not len(late):
        return (*_grouped(times, happened), late)
    return times, happened.astype(float), np.ones(patients.n), late


@dataclass(frozen=True, eq=False)
class _Likelihoods:
    """A family's losses in samples, for `maxima`."""

    family: Family
    ends: Ends

    @property
    def hasty(self) -> bool:
        """Whether the family has rough derivatives."""
        return self.family.rough is not None

    def take(self, rows: np.ndarray) -> _Likelihoods:
        """Return the losses in some samples."""
        return _Likelihoods(self.family, self.ends.take(rows))

    def loss(self, thetas: np.ndarray) -> np.ndarray:
        """Return the loss of each sample (c,)."""
        return self.family.losses(self.ends, thetas)

    def slopes(self, thetas: np.ndarray, rough: bool) -> Derivatives:
        """Return the derivatives of the loss of each sample."""
        chosen = self.family.rough if rough and self.family.rough else self.family.slopes
        return chosen(self.ends, thetas)


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
    (found,) = fit_each(family, Samples.of([follow_up(time, event, entry)]))
    if isinstance(found, NotEstimableError):
        raise found
    return found


def fit_each(
    family: str, samples: Samples, cases: Sequence[ParametricFit | NotEstimableError] | None = None
) -> list[ParametricFit | NotEstimableError]:
    """Fit a family to each of several samples, all searches step by step together; the reason where there is no fit.

    Parameters
    ----------
    family : str      one of `FAMILIES`
    samples : Samples
    cases : sequence  the fits of the case of the family (`Family.case`) to the same samples, where there are some
                      already: the searches start there

    Examples
    --------
    >>> died = np.array([True, True, False, True])
    >>> samples = Samples.of([follow_up(time, died) for time in (np.arange(1.0, 5.0), np.arange(2.0, 10.0, 2.0))])
    >>> [round(float(np.exp(fit.theta[0])) / fit.scale, 3) for fit in fit_each("exponential", samples)]
    [0.3, 0.15]
    """
    law = FAMILIES[family]
    start = np.tile(law.start, (len(samples.n), 1))
    if law.case:
        for place, case in enumerate(fit_each(law.case, samples) if cases is None else cases):
            if isinstance(case, ParametricFit):
                start[place, : len(case.theta)] = case.theta
    fits: list[ParametricFit | NotEstimableError] = [_few(family, int(events)) for events in samples.events]
    enough = np.flatnonzero(samples.events > len(law.start))
    if not len(enough):
        return fits
    losses = _Likelihoods(law, samples.ends.take(enough))
    thetas, inverses, found = maxima(losses, start[enough])
    for row, (place, least) in enumerate(zip(enough.tolist(), losses.loss(thetas).tolist(), strict=True)):
        scale, events = float(samples.scale[place]), int(samples.events[place])
        fits[place] = (
            ParametricFit(
                family, thetas[row], inverses[row] / events, -least * events - events * float(np.log(scale)), scale,
                samples.n[place], samples.n_total[place], events,
            )
            if found[row]
            else NotEstimableError(family, Problem("time", f"the likelihood of the {family} has no maximum"))
        )  # fmt: skip
    return fits


def _few(family: str, events: int) -> NotEstimableError:
    told = f"{counted(events, 'event')} {agreeing(events, 'is', 'are')} too few for {family}"
    return NotEstimableError(family, Problem("event", told))


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
