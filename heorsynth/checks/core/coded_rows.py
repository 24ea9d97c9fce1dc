"""Follow-up and amounts of many rows, from columns that are coded: each is sorted once for all groups and estimands."""

from __future__ import annotations

import numpy as np

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.basics.ties import slack
from heorsynth.estimators.costs.costs import known
from heorsynth.estimators.costs.quantiles import Ranked

_MANY = 5000
"""Fewer rows are sorted again: that costs less than their coding."""


def ranked_rows(rows: Cohort, name: str) -> Ranked:
    """Return the ranked values of a column, without missing ones."""
    if rows.n < _MANY or not np.isfinite((held := rows.arrays.distinct(name)).values).all() or not held.n_known:
        return Ranked.of(np.sort(known(rows.column(name))))
    return Ranked(*held.ranked)


def ended_rows(rows: Cohort, endpoint: str) -> tuple[np.ndarray, np.ndarray, dict[int, np.ndarray], int] | None:
    """Return times (k,), numbers at risk (k,), ends of follow-up by event code (k,), and patients with a known time.

    None for few rows, with delayed entry, and where follow-up is refused (`estimators.survival.counts.follow_up`).
    """
    _, cause, entry = rows.outcome(endpoint)
    if entry is not None or rows.n < _MANY:
        return None
    held = rows.arrays.distinct(rows.schema.endpoints[endpoint].time)
    found = np.flatnonzero(held.counts)
    if not len(found) or held.values[found[0]] <= 0 or not np.isfinite(held.values[found[-1]]):
        return None
    values = held.values[found]
    first = np.ones(len(values), dtype=bool)
    first[1:] = np.diff(values) > slack(values)
    place = np.zeros(len(held.values), dtype=np.int64)
    place[found] = np.cumsum(first) - 1
    seen = held.codes >= 0
    codes, ends = (held.codes, cause) if seen.all() else (held.codes[seen], cause[seen])
    place, size = place[codes], int(first.sum())
    by_code = {
        int(code): np.bincount(place[ends == code], minlength=size).astype(float)
        for code in np.flatnonzero(np.bincount(ends))
    }
    leaving = np.sum(list(by_code.values()), axis=0)
    return values[first], np.cumsum(leaving[::-1])[::-1], by_code, len(codes)
