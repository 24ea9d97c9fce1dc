"""The Cox log hazard ratio of two arms of weighted patients, with the residuals of a robust variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem

_MOST_STEPS, _TOLERANCE, _LONGEST_STEP = 100, 1e-10, 1.0


@dataclass(frozen=True)
class WeightedCox:
    """A weighted Cox model of two arms.

    Attributes
    ----------
    value : float              log hazard ratio of the treated to the others
    information : float        of the weighted partial likelihood
    residuals : array (n,)     score residual of each patient, without its weight
    weights : array (n,)
    """

    value: float
    information: float
    residuals: np.ndarray
    weights: np.ndarray

    @property
    def variance(self) -> float:
        """Robust variance with known weights: sum of (w_i r_i)² / information² (Lin & Wei 1989)."""
        return self.variance_of(self.weights * self.residuals)

    def variance_of(self, influence: np.ndarray) -> float:
        """Return the variance from influence terms (n,), such as `MatchingWeights.adjusted` gives."""
        return float((influence**2).sum() / self.information**2)


def weighted_cox(time: np.ndarray, event: np.ndarray, treated: np.ndarray, weights: np.ndarray) -> WeightedCox:
    """Return the log hazard ratio of two arms with weighted patients.

    Parameters
    ----------
    time : array (n,)               follow-up
    event, treated : array of bool  (n,)
    weights : array (n,)            positive

    Returns
    -------
    WeightedCox

    Raises
    ------
    NotEstimableError               an arm has no event, or no patient at risk while the other has its events

    Notes
    -----
    Ties as in Breslow (1974). With x = 1 for the treated, S0(t) = sum of w_j exp(b x_j) over those at risk and x̄(t) the
    mean of x with these weights, b solves sum over events of w_i (x_i - x̄(t_i)) = 0. The score residual is
    event_i (x_i - x̄(t_i)) - exp(b x_i) · sum over t <= t_i of (x_i - x̄(t)) dN(t) / S0(t), dN the weight of the events.

    References
    ----------
    Lin & Wei (1989) JASA 84:1074, doi:10.1080/01621459.1989.10478874.  Against R: tests/reference/comparison.R

    Examples
    --------
    >>> fit = weighted_cox(np.arange(1.0, 5), np.ones(4, bool), np.array([True, False, True, False]), np.ones(4))
    >>> round(fit.value, 4)
    0.9406
    """
    order = np.argsort(time, kind="stable")
    moment, happened, first, weight = (np.asarray(one)[order] for one in (time, event, treated, weights))
    happened, first = happened.astype(bool), first.astype(bool)
    times, place = np.unique(moment, return_inverse=True)
    at_risk, events = (np.zeros((2, len(times))) for _ in range(2))
    for arm, mine in enumerate((first, ~first)):
        leaving = np.bincount(place[mine], weight[mine], len(times))
        at_risk[arm] = leaving[::-1].cumsum()[::-1]
        events[arm] = np.bincount(place[mine & happened], weight[mine & happened], len(times))
    value, information = _solved(at_risk, events)
    share = math.exp(value) * at_risk[0]
    total = share + at_risk[1]
    mean = np.divide(share, total, out=np.zeros_like(total), where=total > 0)
    increments = np.divide(events.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    hazard, weighted = np.cumsum(increments), np.cumsum(increments * mean)
    risk = np.where(first, math.exp(value), 1.0)
    residuals = happened * (first - mean[place]) - risk * (first * hazard[place] - weighted[place])
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return WeightedCox(value, information, residuals[back], np.asarray(weights, float))


def _solved(at_risk: np.ndarray, events: np.ndarray) -> tuple[float, float]:
    """The log hazard ratio and the information from weighted counts (2, k)."""
    both = events.sum(axis=0)
    if not all((events[own] > 0)[at_risk[1 - own] > 0].any() for own in (0, 1)):
        problem = Problem("event", "an arm has no event while the other arm is at risk", "compare other arms")
        raise NotEstimableError("weighted Cox model", problem)
    value = 0.0
    for _ in range(_MOST_STEPS):
        share = math.exp(value) * at_risk[0]
        mean = np.divide(share, share + at_risk[1], out=np.zeros_like(share), where=share + at_risk[1] > 0)
        information = float((both * mean * (1 - mean)).sum())
        step = float((events[0] - both * mean).sum()) / information
        value += math.copysign(min(abs(step), _LONGEST_STEP), step)
        if abs(step) < _TOLERANCE:
            return value, information
    raise NotEstimableError("weighted Cox model", Problem("event", "the likelihood has no maximum"))
