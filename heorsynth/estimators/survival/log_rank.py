"""The log-rank test: do groups differ in their hazard at any time?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.survival.counts import FollowUp, at_risk_just_before, event_counts, follow_up, share_or_zero


@dataclass(frozen=True)
class LogRank:
    """The log-rank test of equal survival: chi-square statistic, degrees of freedom, p-value, counts by group."""

    statistic: float
    df: int
    p_value: float
    observed: dict[str, float]
    expected: dict[str, float]


def log_rank(time: np.ndarray, event: np.ndarray, group: np.ndarray, entry: np.ndarray | None = None) -> LogRank:
    """Compare the survival of the levels of `group` (array (n,)) by the log-rank test with hypergeometric variance.

    References
    ----------
    Mantel (1966) Cancer Chemother Rep 50:163.  Against R's survdiff: tests/reference/survival.R

    Examples
    --------
    >>> test = log_rank(np.array([1, 2, 3, 4]), np.ones(4, bool), np.array(["a", "b", "a", "b"]))
    >>> test.df, round(test.expected["a"], 4)
    (1, 1.3333)
    """
    patients = follow_up(time, event, entry)
    whole = event_counts(patients)
    times = whole.times[whole.events > 0]
    known = ~np.isnan(time) if entry is None else ~(np.isnan(time) | np.isnan(entry))
    held = np.asarray(group)[known]
    levels = np.unique(held)
    if len(levels) < 2 or not len(times):
        raise NotEstimableError("log-rank test", Problem("group", "needs two groups and an event"))
    members = [_members(patients, held == level) for level in levels]
    risk = np.stack([at_risk_just_before(part, times) for part in members])
    ended = [part.time[part.event != 0] for part in members]
    events = np.stack([np.bincount(np.searchsorted(times, ends), minlength=len(times)).astype(float) for ends in ended])
    return log_rank_of(events, risk, [str(level) for level in levels])


def _members(patients: FollowUp, rows: np.ndarray) -> FollowUp:
    """Return the follow-up of some patients, with ties decided among all patients."""
    entry = None if patients.entry is None else patients.entry[rows]
    return FollowUp(patients.time[rows], patients.event[rows], entry, None, int(rows.sum()))


def log_rank_of(events: np.ndarray, at_risk: np.ndarray, names: Sequence[str]) -> LogRank:
    """Return the log-rank test from events (g, k) and patients at risk (g, k) of each group at k event times."""
    deaths, whole = events.sum(axis=0), at_risk.sum(axis=0)
    observed = events.sum(axis=1)
    share = at_risk / whole
    expected = (share * deaths).sum(axis=1)
    scale = deaths * share_or_zero(whole - deaths, whole - 1)
    covariance = np.diag((share * scale).sum(axis=1)) - (share * scale) @ share.T
    gap = (observed - expected)[:-1]
    statistic = float(gap @ np.linalg.pinv(covariance[:-1, :-1]) @ gap)
    df = len(names) - 1
    p_value = float(special.chdtrc(df, statistic))
    return LogRank(
        statistic,
        df,
        p_value,
        dict(zip(names, observed.tolist(), strict=True)),
        dict(zip(names, expected.tolist(), strict=True)),
    )
