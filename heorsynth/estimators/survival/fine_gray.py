"""The Fine-Gray model: effects of covariates on the cumulative incidence with competing causes."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.basics.separation import RiskSets, separated, uninformative
from heorsynth.estimators.survival.counts import FollowUp, event_counts, follow_up
from heorsynth.estimators.survival.cox import CoxFit, standardised
from heorsynth.estimators.survival.kaplan_meier import curve_of

MAX_STEPS, TOLERANCE = 30, 1e-10

_LEAST_INFORMATION = 1e-9
"""With less information than this share of an event, the existence of a maximum is checked."""


def fine_gray(time: np.ndarray, cause: np.ndarray, covariates: np.ndarray) -> CoxFit:
    """Fit proportional subdistribution hazards of cause 1 by Newton's method.

    Parameters
    ----------
    time : array (n,)              follow-up; > 0
    cause : array of int (n,)      0 = censored, 1 = of interest, 2.. = competing
    covariates : array (n, p)      numbers; patients with a missing one are left out and counted

    Returns
    -------
    CoxFit                         log subdistribution hazard ratios; the covariance is robust and allows for the
                                   estimated censoring weights

    Raises
    ------
    NotEstimableError              no event of cause 1, covariates that are constant or dependent, or a likelihood
                                   without a maximum

    Notes
    -----
    A patient with a competing event at T stays at risk at t > T with weight G(t-) / G(T-), where G is the Kaplan-Meier
    curve of the time to censoring. Ties are treated as by Breslow. With eta_i the weighted martingale score residuals
    and psi_i the contribution of estimating G, the covariance is I^-1 [sum of (eta_i + psi_i)(eta_i + psi_i)'] I^-1.
    Tied times are treated as in crr: a censoring at u changes the weights, at event times t >= u, of patients with a
    competing event before u, and events at the same time count as at risk of censoring.

    References
    ----------
    Fine & Gray (1999) JASA 94:496, doi:10.1080/01621459.1999.10474144.  Against R's cmprsk::crr:
    tests/reference/models.R
    """
    matrix = np.asarray(covariates, float)
    times = np.where(np.isnan(matrix).any(axis=1), np.nan, np.asarray(time, float))
    patients = follow_up(times, cause)
    order = np.argsort(patients.time, kind="stable")
    scaled, scale = standardised(matrix[~np.isnan(times)], "Fine-Gray model")
    weighing = _Weighing(patients.time[order], np.asarray(patients.event)[order], scaled[order])
    coef = np.zeros(scaled.shape[1])
    point = weighing.at(coef)
    null, _, at_no_effect = point
    for _ in range(MAX_STEPS):
        loglik, gradient, information = point
        if np.linalg.eigvalsh(information)[0] < _LEAST_INFORMATION * weighing.n_events:
            break
        step = np.linalg.solve(information, gradient)
        settled = np.abs(step).max() < TOLERANCE
        point = weighing.at(coef + step)
        while point[0] < loglik - 1e-9 * abs(loglik) and np.abs(step).max() > TOLERANCE:
            step = step / 2
            point = weighing.at(coef + step)
        coef = coef + step
        if settled:
            bread = np.linalg.inv(point[2])
            residuals = weighing.residuals(coef)
            covariance = bread @ (residuals.T @ residuals) @ bread
            return CoxFit(
                coef / scale,
                covariance / np.outer(scale, scale),
                loglik,
                null,
                patients.n,
                len(times),
                weighing.n_events,
            )
    sets = weighing.risk_sets()
    if separated(sets):
        told = Problem("covariates", "the likelihood has no maximum: a level has no events of cause 1")
    elif uninformative(sets, at_no_effect):
        told = Problem("covariates", "the events carry no information about one of them", "leave it out")
    else:
        told = Problem("covariates", f"no convergence in {MAX_STEPS} steps", "rescale them, or leave out rare levels")
    raise NotEstimableError("Fine-Gray model", told)


class _Weighing:
    """Weighted risk sets of patients sorted by time, as sums over those followed and those with a competing event.

    At the k-th distinct event time t, all patients with time >= t count once, and all with a competing event before t
    count G(t-) / G(their own time -).
    """

    def __init__(self, time: np.ndarray, cause: np.ndarray, X: np.ndarray) -> None:
        of_interest = cause == 1
        if not of_interest.any():
            raise NotEstimableError("Fine-Gray model", Problem("cause", "nobody had the event of cause 1"))
        self.time, self.cause, self.X = time, cause, X
        self.n_events = int(of_interest.sum())
        self.t, events = np.unique(time[of_interest], return_counts=True)
        self.d = events.astype(float)
        self.sums = np.zeros((len(self.t), X.shape[1]))
        np.add.at(self.sums, np.searchsorted(self.t, time[of_interest]), X[of_interest])
        self.G = self._censoring(self.t)
        self.own = np.where(cause > 1, 1 / np.maximum(self._censoring(time), 1e-300), 0.0)
        self.first = np.searchsorted(time, self.t, side="left")
        """Number of patients whose follow-up ended before t."""

    def risk_sets(self) -> RiskSets:
        """Return the risk sets. A patient with a competing event stays at risk with a positive weight."""
        rows = np.flatnonzero(self.cause == 1)
        upper = np.searchsorted(self.t, self.time, side="right")
        upper[self.cause > 1] = len(self.t)
        return RiskSets(self.X, rows, np.searchsorted(self.t, self.time[rows]), np.zeros(len(upper), int), upper)

    def _censoring(self, at: np.ndarray) -> np.ndarray:
        """Return G just before each time."""
        if not (self.cause == 0).any():
            return np.ones(len(at))
        n = len(self.time)
        curve = curve_of(event_counts(FollowUp(self.time, self.cause == 0, None, None, n)), n, n)
        return np.concatenate([[1.0], curve.survival])[np.searchsorted(curve.times, at, side="left")]

    def _sums(self, risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sums of 1 and of X over the weighted risk set at each event time: (k,), (k, p)."""
        both = np.column_stack([risk, risk[:, None] * self.X])
        still = _from_end(both)[self.first]
        gone = _from_start(both * self.own[:, None])[self.first]
        total = still + self.G[:, None] * gone
        return total[:, 0], total[:, 1:]

    def at(self, coef: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the log pseudo-likelihood, its gradient (p,) and the information (p, p)."""
        eta = self.X @ coef
        shift = float(eta.max())
        risk = np.exp(eta - shift)
        total, first = self._sums(risk)
        mean = first / total[:, None]
        p = self.X.shape[1]
        squares = (self.X[:, :, None] * self.X[:, None, :]).reshape(-1, p * p)
        both = risk[:, None] * squares
        second = _from_end(both)[self.first] + self.G[:, None] * _from_start(both * self.own[:, None])[self.first]
        spread = (second / total[:, None]).reshape(-1, p, p) - mean[:, :, None] * mean[:, None, :]
        loglik = float(eta[self.cause == 1].sum() - self.d @ (np.log(total) + shift))
        gradient = (self.sums - self.d[:, None] * mean).sum(axis=0)
        return loglik, gradient, np.tensordot(self.d, spread, axes=1)

    def residuals(self, coef: np.ndarray) -> np.ndarray:
        """Return eta_i + psi_i of every patient (n, p)."""
        risk = np.exp(self.X @ coef - float((self.X @ coef).max()))
        total, first = self._sums(risk)
        mean, hazard = first / total[:, None], self.d / total
        through = np.searchsorted(self.t, self.time, side="right")
        """Event times up to and including each patient's own."""
        plain = _both(hazard, mean, through)
        later = _later(hazard * self.G, mean, through)
        score = np.zeros_like(self.X)
        place = through[self.cause == 1] - 1
        score[self.cause == 1] = self.X[self.cause == 1] - mean[place]
        score -= risk[:, None] * (self.X * plain[0][:, None] - plain[1])
        score -= (risk * self.own)[:, None] * (self.X * later[0][:, None] - later[1])
        return score + self._of_censoring(risk, mean, hazard)

    def _of_censoring(self, risk: np.ndarray, mean: np.ndarray, hazard: np.ndarray) -> np.ndarray:
        """Return psi_i: each patient's contribution to the covariance through the estimate of G."""
        censored = self.cause == 0
        if not censored.any():
            return np.zeros_like(self.X)
        u, count = np.unique(self.time[censored], return_counts=True)
        place = np.searchsorted(self.time, u, side="left")
        at_risk = len(self.time) - place
        weight = (risk * self.own)[:, None]
        gone = _from_start(np.column_stack([weight, weight * self.X]))[place]
        after = _later(hazard * self.G, mean, np.searchsorted(self.t, u, side="left"))
        q = gone[:, 1:] * after[0][:, None] - gone[:, :1] * after[1]
        psi = np.zeros_like(self.X)
        own = np.searchsorted(u, self.time[censored])
        psi[censored] = (q / at_risk[:, None])[own]
        steps = _from_start(q * (count / at_risk**2)[:, None])
        return psi - steps[np.searchsorted(u, self.time, side="right")]


def _from_start(values: np.ndarray) -> np.ndarray:
    """Return sums of the first 0, 1, .., n rows (n + 1, k)."""
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def _from_end(values: np.ndarray) -> np.ndarray:
    """Return sums of the rows from 0, 1, .., n on (n + 1, k)."""
    sums = _from_start(values)
    rest: np.ndarray = sums[-1] - sums
    return rest


def _both(hazard: np.ndarray, mean: np.ndarray, upto: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sums of hazard, and of hazard times mean, over the first `upto` event times: (n,), (n, p)."""
    sums = _from_start(np.column_stack([hazard, hazard[:, None] * mean]))[upto]
    return sums[:, 0], sums[:, 1:]


def _later(hazard: np.ndarray, mean: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same sums over the event times from index `after` on."""
    sums = _from_end(np.column_stack([hazard, hazard[:, None] * mean]))[after]
    return sums[:, 0], sums[:, 1:]
