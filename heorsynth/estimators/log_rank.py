"""The log-rank test: do groups differ in their hazard at any time?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.counts import at_risk_just_before, event_counts, follow_up, share_or_zero


@dataclass(frozen=True)
class LogRank:
    """The log-rank test of equal survival: chi-square statistic, degrees of freedom, p-value, counts by group."""

    statistic: float
    df: int
    p_value: float
    observed: dict[str, float]
    expected: dict[str, float]


def log_rank(time: np.ndarray, event: np.ndarray, group: np.ndarray, entry: np.ndarray | None = None) -> LogRank:
    """The log-rank test across the levels of `group` (array (n,)), with the hypergeometric variance.

    References
    ----------
    Mantel (1966) Cancer Chemother Rep 50:163.  Against R's survdiff: tests/reference/survival.R

    Examples
    --------
    >>> test = log_rank(np.array([1, 2, 3, 4]), np.ones(4, bool), np.array(["a", "b", "a", "b"]))
    >>> test.df, round(test.expected["a"], 4)
    (1, 1.3333)
    """
    whole = event_counts(follow_up(time, event, entry))
    at_event = whole.events > 0
    times, deaths, at_risk = whole.times[at_event], whole.events[at_event], whole.at_risk[at_event]
    levels = np.unique(group)
    if len(levels) < 2 or not len(times):
        raise NotEstimableError("log-rank test", Problem("group", "needs two groups and an event"))
    members = [
        follow_up(time[group == g], event[group == g], None if entry is None else entry[group == g]) for g in levels
    ]
    risk = np.stack([at_risk_just_before(part, times) for part in members])
    observed = np.array([float((part.event != 0).sum()) for part in members])
    share = risk / at_risk
    expected = (share * deaths).sum(axis=1)
    scale = deaths * share_or_zero(at_risk - deaths, at_risk - 1)
    covariance = np.diag((share * scale).sum(axis=1)) - (share * scale) @ share.T
    gap = (observed - expected)[:-1]
    statistic = float(gap @ np.linalg.pinv(covariance[:-1, :-1]) @ gap)
    df = len(levels) - 1
    names = [str(level) for level in levels]
    p_value = float(special.chdtrc(df, statistic))
    return LogRank(
        statistic,
        df,
        p_value,
        dict(zip(names, observed.tolist(), strict=True)),
        dict(zip(names, expected.tolist(), strict=True)),
    )
