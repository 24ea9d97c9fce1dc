"""The Aalen-Johansen estimator: cumulative incidence with competing causes of the event."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.survival.counts import EventCounts, event_counts, follow_up
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
    times, at_risk, events = counts.times, counts.at_risk, counts.events
    survival = np.cumprod(1 - events / at_risk)
    before = np.concatenate([[1.0], survival[:-1]])
    left = at_risk * (at_risk - events)
    greenwood = np.divide(events, left, out=np.zeros_like(left), where=left > 0)
    reach = reach_of(times, survival)
    curves = {}
    for code, happened in own.items():
        incidence = np.cumsum(before * happened / at_risk)
        direct = before**2 * happened * (at_risk - happened) / at_risk**3
        shared = before * happened / at_risk**2
        variance = (
            incidence**2 * np.cumsum(greenwood)
            - 2 * incidence * np.cumsum(greenwood * incidence)
            + np.cumsum(greenwood * incidence**2)
            + np.cumsum(direct)
            - 2 * (incidence * np.cumsum(shared) - np.cumsum(shared * incidence))
        )
        curves[code] = IncidenceCurve(
            times, incidence, np.sqrt(np.maximum(variance, 0)), at_risk, happened, n_used, n_total, reach
        )
    return curves
