"""Effects of one arm against another in many cohorts: restricted means, Cox and Fine-Gray regression, from counts.

Arm 0 of the stack is the treated one, arm 1 the other. A value is NaN where the estimators of single cohorts decide:
without a maximum of the likelihood, or without convergence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heorsynth.estimators.basics.ties import TOLERANCE as TIED
from heorsynth.estimators.stacked.counts import Stack
from heorsynth.estimators.stacked.curves import Curves, Found, restricted_means
from heorsynth.estimators.survival.counts import share_or_zero

MAX_STEPS, TOLERANCE, _LONGEST_STEP = 30, 1e-10, 2.0
"""The limit of Newton's steps, the length of the last one, and the length of the longest."""


def restricted_mean_differences(stack: Stack, horizon: float) -> Found:
    """Return the restricted mean of arm 0 minus that of arm 1; see `summaries.restricted_mean_difference`."""
    arms = [restricted_means(Curves.of(stack.counts(slice(1, 2), arm)), horizon) for arm in (0, 1)]
    return arms[0][0] - arms[1][0], np.hypot(arms[0][1], arms[1][1])


def log_hazard_ratios(stack: Stack) -> Found:
    """Return log hazard ratios by Cox regression with Efron's treatment of ties; see `cox_two_arms`."""
    return _cox(stack, np.isfinite(stack.times))


def log_hazard_ratio_changes(stack: Stack, at: float) -> Found:
    """Return log hazard ratios after a time minus those up to it, and the error of two independent estimates."""
    inside = np.isfinite(stack.times)
    mean = np.where(inside, stack.times, 0.0).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    early = stack.times <= (at + TIED * mean)[:, None]
    before, after = _cox(stack, early), _cox(stack, inside & ~early)
    return after[0] - before[0], np.hypot(before[1], after[1])


def _cox(stack: Stack, used: np.ndarray) -> Found:
    """Return log hazard ratios from the events at some of the times (m, k).

    Each of the d events tied at a time has a term of its own, in which l / d of the tied events have left the risk set.
    """
    events = stack.ends[:, 1] * used
    deaths = events.sum(axis=0).astype(int).ravel()
    place = np.repeat(np.arange(len(deaths)), deaths)
    fraction = (np.arange(len(place)) - (np.cumsum(deaths) - deaths)[place]) / deaths[place]
    left = (part.reshape(2, -1)[:, place] for part in (stack.at_risk, events))
    treated, others = next(left) - fraction * next(left)
    terms = _Terms(treated, others, np.ones(len(place)), place // used.shape[1])
    value, information = _maximum(terms, events, stack.at_risk)
    with np.errstate(divide="ignore"):
        return value, 1 / np.sqrt(information)


@dataclass(frozen=True, eq=False)
class _Terms:
    """Terms of the partial likelihoods of all cohorts, in one row.

    Attributes
    ----------
    treated, others : array (e,)   weight of each arm in the risk set
    weight : array (e,)            events that share the term
    row : array (e,)               cohort of the term
    """

    treated: np.ndarray
    others: np.ndarray
    weight: np.ndarray
    row: np.ndarray

    def at(self, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return expected events of the treated at log hazard ratios (m,), and the information, (m,) each."""
        treated = np.exp(value)[self.row] * self.treated
        share = treated / (self.others + treated)
        expected = self.weight * share
        m = len(value)
        return np.bincount(self.row, expected, m), np.bincount(self.row, expected * (1 - share), m)


def _maximum(terms: _Terms, events: np.ndarray, at_risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the log hazard ratios with the largest likelihoods, and the information there, by Newton's method.

    There is a maximum exactly if each arm has an event at a time at which the other has somebody at risk.
    """
    exists = np.asarray(((events > 0) & (at_risk[::-1] > 0)).any(axis=2).all(axis=0))
    observed = events[0].sum(axis=1)
    value, step = np.zeros_like(observed), np.ones_like(observed)
    with np.errstate(all="ignore"):  # a cohort without a maximum may overflow
        for _ in range(MAX_STEPS):
            expected, information = terms.at(value)
            step = np.where(exists, (observed - expected) / information, 0.0)
            value = value + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
            if not (np.abs(step) >= TOLERANCE).any():
                break
        information = terms.at(value)[1]
    return np.where(exists & (np.abs(step) < TOLERANCE), value, np.nan), information


def log_subdistribution_ratios(stack: Stack) -> Found:
    """Return log subdistribution hazard ratios of cause 1 with robust errors; see `fine_gray.fine_gray`.

    Notes
    -----
    Y are the patients at risk, d, c and z the events of cause 1, the other events and the censorings at each time. With
    G the Kaplan-Meier curve of censoring, just before each time, the weighted risk set of an arm is
    Y(t) + G(t) · sum of c(s) / G(s) over s < t. All patients of an arm who leave at a time for the same reason have the
    same residual, so the sums over patients are sums over counts.
    """
    at_risk, events, others = stack.at_risk, stack.ends[:, 1], stack.ends[:, 2:].sum(axis=1)
    whole, censored = at_risk.sum(axis=0), stack.ends[:, 0].sum(axis=0)
    still = _before(np.cumprod(1 - share_or_zero(censored, whole), axis=-1), 1.0)
    own = 1 / np.maximum(still, 1e-300)
    gone = _before(np.cumsum(others * own, axis=-1), 0.0)
    risk = np.where(np.isfinite(stack.times), at_risk + still * gone, 0.0)
    deaths = events.sum(axis=0)
    place = np.flatnonzero(deaths)
    treated, untreated = risk.reshape(2, -1)[:, place]
    terms = _Terms(treated, untreated, deaths.ravel()[place], place // deaths.shape[1])
    value, information = _maximum(terms, events, risk)
    with np.errstate(all="ignore"):
        ratio = np.stack([np.exp(value), np.ones(len(value))])[:, :, None]
        total = (ratio * risk).sum(axis=0)
        hazard, mean = share_or_zero(deaths, total), share_or_zero(ratio[0] * risk[0], total)
        plain = np.cumsum(np.stack([hazard, hazard * mean]), axis=-1)
        onward = np.cumsum(np.stack([hazard, hazard * mean])[..., ::-1] * still[..., ::-1], axis=-1)[..., ::-1]
        later = onward - np.stack([hazard, hazard * mean]) * still
        weighted = ratio * gone
        q = weighted[0] * onward[0] - weighted.sum(axis=0) * onward[1]
        of_censoring = share_or_zero(q, whole)
        shift = -np.cumsum(of_censoring * share_or_zero(censored, whole), axis=-1)
        meat = np.zeros(len(value))
        for arm, x in enumerate((1.0, 0.0)):
            score = shift - ratio[arm] * (x * plain[0] - plain[1])
            of_others = score - ratio[arm] * own * (x * later[0] - later[1])
            for count, residual in (
                (stack.ends[arm, 0], score + of_censoring),
                (events[arm], score + x - mean),
                (others[arm], of_others),
            ):
                meat += (count * np.where(count > 0, residual, 0.0) ** 2).sum(axis=1)
        return value, np.sqrt(meat) / information


def _before(values: np.ndarray, start: float) -> np.ndarray:
    """Return the values (..., k) just before each time."""
    return np.concatenate([np.full((*values.shape[:-1], 1), start), values[..., :-1]], axis=-1)
