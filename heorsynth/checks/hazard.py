"""The log hazard ratio of two arms: Cox's model with the arm as its only covariate."""

from __future__ import annotations

import math

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.counts import at_risk_just_before, event_counts, follow_up

STEPS, TOLERANCE = 50, 1e-10


def log_hazard_ratio(
    time: np.ndarray,
    event: np.ndarray,
    treated: np.ndarray,
    entry: np.ndarray | None = None,
) -> Estimate:
    """The log hazard ratio of the treated to the others, by Cox's partial likelihood with Efron's ties.

    Parameters
    ----------
    time, event, entry           as in `kaplan_meier`
    treated : bool array (n,)    the arm

    Raises
    ------
    NotEstimableError            an arm without an event, where the likelihood has no maximum

    Notes
    -----
    With d events at a time, d1 of them treated, and n1, n0 at risk, the l-th of the d tied events falls on the
    treated with probability p_l = (n1 - l·d1/d)·e^b / ((n1 - l·d1/d)·e^b + n0 - l·d0/d). The score is
    sum(d1) - sum(p_l), the information sum(p_l·(1 - p_l)); Newton's steps from b = 0.

    References
    ----------
    Cox (1972) J R Stat Soc B 34:187. Efron (1977) J Am Stat Assoc 72:557.

    Examples
    --------
    >>> time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4, bool)
    >>> round(log_hazard_ratio(time, event, np.array([True, False, False, True])).value, 4)
    -0.4812
    """
    arm = np.asarray(treated, bool)
    whole = event_counts(follow_up(time, event, entry))
    part = follow_up(time[arm], event[arm], None if entry is None else entry[arm]) if arm.any() else None
    happened = np.asarray(event) != 0
    if part is None or not happened[arm].any() or not happened[~arm].any():
        raise NotEstimableError("log hazard ratio", Problem("", "no events in an arm"))
    at_event = whole.events > 0
    times, deaths = whole.times[at_event], whole.events[at_event].astype(int)
    risk_treated = at_risk_just_before(part, times)
    risk_others = whole.at_risk[at_event] - risk_treated
    ends = np.sort(part.time[part.event != 0])
    deaths_treated = np.searchsorted(ends, times, side="right") - np.searchsorted(ends, times, side="left")
    row = np.repeat(np.arange(len(times)), deaths)
    tied = (np.arange(len(row)) - np.repeat(np.cumsum(deaths) - deaths, deaths)) / deaths[row]
    treated_left = risk_treated[row] - tied * deaths_treated[row]
    others_left = risk_others[row] - tied * (deaths - deaths_treated)[row]
    value, observed = 0.0, float(deaths_treated.sum())
    for _ in range(STEPS):
        chance = treated_left * math.exp(value) / (treated_left * math.exp(value) + others_left)
        information = float(np.sum(chance * (1 - chance)))
        step = (observed - float(chance.sum())) / information if information > 0 else math.inf
        if not abs(step) < 20:
            break
        value += step
        if abs(step) < TOLERANCE:
            return Estimate.normal(
                value, 1 / math.sqrt(information), method="Cox, Efron ties", n_used=len(arm), n_total=len(arm)
            )
    raise NotEstimableError("log hazard ratio", Problem("", "the partial likelihood has no maximum"))
