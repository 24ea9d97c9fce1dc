"""The Kaplan-Meier product-limit estimator, of the event and of the censoring."""

from __future__ import annotations

import numpy as np

from heorsynth.estimators.survival.counts import EventCounts, event_counts, follow_up, share_or_zero
from heorsynth.estimators.survival.curve import SurvivalCurve


def kaplan_meier(
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> SurvivalCurve:
    """Return the Kaplan-Meier curve with Greenwood's standard error.

    Parameters
    ----------
    time : array (n,)              follow-up, in the cohort's unit; > 0; patients with missing times are left out
    event : array of bool (n,)     True if the event was observed
    entry : array (n,), optional   start of follow-up (left truncation), < time
    weights : array (n,), optional weight of each patient (frequencies, such as bootstrap counts)

    Returns
    -------
    SurvivalCurve                  S(t) = prod over t_i <= t of (1 - d_i / Y_i)

    Raises
    ------
    NotEstimableError              no known time, or follow-up that does not end after it starts

    See Also
    --------
    rmst : Area under the curve up to a horizon.
    reverse_kaplan_meier : The curve of follow-up.

    Notes
    -----
    Var S(t) = S(t)^2 · sum over t_i <= t of d_i / (Y_i (Y_i - d_i)). If S(t) = 0, the standard error is 0.

    References
    ----------
    Kaplan & Meier (1958) JASA 53:457, doi:10.1080/01621459.1958.10501452.  Against R: tests/reference/survival.R

    Examples
    --------
    >>> curve = kaplan_meier(np.array([1, 2, 3, 4]), np.array([True, False, True, False]))
    >>> curve.survival.tolist()
    [0.75, 0.75, 0.375, 0.375]
    """
    patients = follow_up(time, event, entry, weights)
    return curve_of(event_counts(patients), patients.n, patients.n_total)


def reverse_kaplan_meier(time: np.ndarray, event: np.ndarray, entry: np.ndarray | None = None) -> SurvivalCurve:
    """Return the Kaplan-Meier curve of follow-up: censoring counts as the event, and events censor.

    If both occur at the same time, the event comes first: a patient with the event is not at risk of censoring.

    References
    ----------
    Schemper & Smith (1996) Control Clin Trials 17:343, doi:10.1016/0197-2456(96)00075-X.

    Examples
    --------
    >>> reverse_kaplan_meier(np.array([1, 2, 3, 4]), np.array([True, False, True, False])).survival.round(3).tolist()
    [1.0, 0.667, 0.667, 0.0]
    """
    patients = follow_up(time, event, entry)
    return reverse_curve_of(event_counts(patients), patients.n, patients.n_total)


def curve_of(counts: EventCounts, n_used: int, n_total: int) -> SurvivalCurve:
    """Return the Kaplan-Meier curve of counts."""
    survival, se = survival_and_error(counts)
    return SurvivalCurve(counts.times, survival, se, counts.at_risk, counts.events, n_used, n_total)


def survival_and_error(counts: EventCounts) -> tuple[np.ndarray, np.ndarray]:
    """Return survival just after each time (..., k) and Greenwood's standard error; one curve a row."""
    survival = np.cumprod(1 - share_or_zero(counts.events, counts.at_risk), axis=-1)
    return survival, survival * np.sqrt(np.cumsum(_greenwood(counts), axis=-1))


def reverse_curve_of(counts: EventCounts, n_used: int, n_total: int) -> SurvivalCurve:
    """Return the curve of follow-up, from counts in which an event of any cause counts as one."""
    left = EventCounts(counts.times, counts.at_risk - counts.events, counts.censored, counts.events)
    return curve_of(left, n_used, n_total)


def _greenwood(counts: EventCounts) -> np.ndarray:
    """Return d / (Y (Y - d)) at each time, and 0 if all at risk have the event and the curve falls to 0."""
    return share_or_zero(counts.events, counts.at_risk * (counts.at_risk - counts.events))
