"""The Aalen-Johansen estimator: cumulative incidence with competing causes of the event."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.survival.counts import EventCounts, event_counts, follow_up, share_or_zero
from heorsynth.estimators.survival.curve import IncidenceCurve, reach_of


def cumulative_incidence(
    time: np.ndarray,
    cause: np.ndarray,
    entry: np.ndarray | None = None,
) -> dict[int, IncidenceCurve]:
    """Return the Aalen-Johansen cumulative incidence of each cause, with its standard error.

    Parameters
    ----------
    time : array (n,)              follow-up, in the cohort's unit; > 0; missing ones are left out and counted
    cause : array of int (n,)      0 = censored, 1.. = causes
    entry : array (n,), optional   start of follow-up (left truncation), < time

    Returns
    -------
    dict of int to IncidenceCurve  one for each cause that occurs; with S(t) they sum to 1

    Raises
    ------
    NotEstimableError              nobody had any event

    Notes
    -----
    F_k(t) = sum over t_i <= t of S(t_i-) d_ki / Y_i. Its variance is the delta-method one of Marubini &
    Valsecchi: with F = F_k(t) and F_i = F_k(t_i),
    sum of (F - F_i)^2 d_i / (Y_i (Y_i - d_i)) + S(t_i-)^2 d_ki (Y_i - d_ki) / Y_i^3
    - 2 (F - F_i) S(t_i-) d_ki / Y_i^2.
    Without delayed entry this is the infinitesimal jackknife, the sum of the patients' squared influences, and equals
    R's ``survfit`` up to rounding. R's ``cmprsk::cuminc`` uses Aalen's estimator, which differs by a few per cent, and
    by more if few patients are left. With delayed entry, ``survfit`` sums squared influences for several causes and
    Greenwood's terms, as here, for one cause; the two differ by at most 1.6% in the tests.

    References
    ----------
    Aalen & Johansen (1978) Scand J Stat 5:141; Marubini & Valsecchi (1995), Analysing Survival Data from
    Clinical Trials and Observational Studies, 10.3.  Against R's survival and cmprsk: tests/reference/survival.R,
    tests/reference/incidence.R

    Examples
    --------
    >>> curves = cumulative_incidence(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 1]))
    >>> curves[1].incidence.tolist(), curves[2].incidence.tolist()
    ([0.25, 0.25, 0.25, 0.75], [0.0, 0.25, 0.25, 0.25])
    """
    patients = follow_up(time, cause, entry)
    causes = [int(code) for code in np.unique(patients.event) if code > 0]
    if not causes:
        raise NotEstimableError("cumulative incidence", Problem("cause", "nobody had any event"))
    counts = event_counts(patients)
    place = np.searchsorted(counts.times, patients.time)
    own = {
        code: np.bincount(place[patients.event == code], minlength=len(counts.times)).astype(float) for code in causes
    }
    return incidence_of(counts, own, patients.n, patients.n_total)


def incidence_of(
    counts: EventCounts, own: Mapping[int, np.ndarray], n_used: int, n_total: int
) -> dict[int, IncidenceCurve]:
    """Return the curve of each cause, from counts of all events and from `own`, the events (k,) of each cause."""
    reach = reach_of(counts.times, np.cumprod(1 - counts.events / counts.at_risk))
    return {
        code: IncidenceCurve(
            counts.times,
            incidence,
            np.sqrt(np.maximum(variance, 0)),
            counts.at_risk,
            own[code],
            n_used,
            n_total,
            reach,
        )
        for code, (incidence, variance) in incidence_and_variance(counts, own).items()
    }


def incidence_and_variance(
    counts: EventCounts, own: Mapping[int, np.ndarray]
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Return incidence (..., k) of each cause and its variance, from counts (..., k); one curve a row."""
    at_risk, events = counts.at_risk, counts.events
    survival = np.cumprod(1 - share_or_zero(events, at_risk), axis=-1)
    before = np.concatenate([np.ones((*survival.shape[:-1], 1)), survival[..., :-1]], axis=-1)
    greenwood = share_or_zero(events, at_risk * (at_risk - events))
    found = {}
    for code, happened in own.items():
        share = before * share_or_zero(happened, at_risk)
        shared = share_or_zero(share, at_risk)
        incidence = np.cumsum(share, axis=-1)
        direct = before * shared * share_or_zero(at_risk - happened, at_risk)
        terms = np.stack(
            [greenwood, greenwood * incidence, greenwood * incidence**2 + direct, shared, shared * incidence]
        )
        greenwood_sum, linear, rest, cross, crossed = np.cumsum(terms, axis=-1)
        variance = incidence**2 * greenwood_sum - 2 * incidence * linear + rest - 2 * (incidence * cross - crossed)
        found[code] = incidence, variance
    return found
