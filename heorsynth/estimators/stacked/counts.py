"""Follow-up of many cohorts as counts at the distinct times of each, one cohort a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from heorsynth.estimators.basics.ties import TOLERANCE
from heorsynth.estimators.stacked.curves import Curves
from heorsynth.estimators.survival.counts import EventCounts

Outcome = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""Follow-up (n,), event codes (n,; 0 = censored, 1.. = causes) and entry (n,), or None if all start at 0."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Counts of m cohorts at up to k distinct times at which follow-up ends.

    Attributes
    ----------
    times : array (m, k)         ascending; infinite after the last time of a cohort, where all counts are 0
    ends : array (g, c, m, k)    follow-up that ends, by arm (g = 1 without arms) and by code (0 = censored)
    at_risk : array (g, m, k)    with entry < t <= time
    sound : array of bool (m,)   False for a cohort that `counts.follow_up` refuses, and for one with an empty arm
    """

    times: np.ndarray
    ends: np.ndarray
    at_risk: np.ndarray
    sound: np.ndarray

    def counts(self, codes: slice, arm: int | slice = slice(None)) -> EventCounts:
        """Return counts (m, k) of some arms, with these codes as the event and all others as censoring."""
        ends, at_risk = self.ends[np.atleast_1d(np.arange(len(self.ends))[arm])], self.at_risk
        at_risk = at_risk[np.atleast_1d(np.arange(len(at_risk))[arm])].sum(axis=0)
        events = ends[:, codes].sum(axis=(0, 1))
        return EventCounts(self.times, at_risk, events, ends.sum(axis=(0, 1)) - events)

    @cached_property
    def curves(self) -> Curves:
        """Kaplan-Meier curves of cause 1, with other causes as censoring."""
        return Curves.of(self.counts(slice(1, 2)))

    @cached_property
    def follow_up(self) -> Curves:
        """Reverse Kaplan-Meier curves: censoring is the event, and events of any cause censor just before it."""
        counts = self.counts(slice(1, None))
        return Curves.of(EventCounts(counts.times, counts.at_risk - counts.events, counts.censored, counts.events))


_Coded = tuple[np.ndarray, np.ndarray]
"""The different values (d,) of a column, ascending, and each row's place among them (n,); -1 if missing."""


def stacked(
    outcomes: Sequence[Outcome], arms: Sequence[np.ndarray] | None = None, coded: Sequence[_Coded] | None = None
) -> Stack:
    """Return the counts of cohorts.

    Parameters
    ----------
    outcomes : sequence of m            follow-up, event codes and entry of each cohort; all or none have entry times
    arms : sequence of m arrays (n,)    the patients' arms 0 .. g - 1, and -1 for patients to leave out; None: one arm
    coded : sequence of m               the follow-up of each cohort, coded, if all start at 0: nothing is sorted again

    Returns
    -------
    Stack                  without patients whose time or entry is missing

    Notes
    -----
    Times of a cohort that differ only by rounding are equal (`ties.as_one_time`), also between its arms.

    Examples
    --------
    >>> stack = stacked([(np.array([3.0, 1.0, 3.0]), np.array([0, 1, 1]), None), (np.ones(2), np.array([0, 2]), None)])
    >>> stack.times.tolist(), stack.at_risk[0].tolist(), stack.ends[0, 1].tolist()
    ([[1.0, 3.0], [1.0, inf]], [[3.0, 2.0], [2.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]])
    """
    if coded is not None and all(entry is None for _, _, entry in outcomes):
        return _of_coded([cause for _, cause, _ in outcomes], arms, coded)
    m = len(outcomes)
    row = np.repeat(np.arange(m), [len(time) for time, _, _ in outcomes])
    time, cause = (np.concatenate([one[part] for one in outcomes]) for part in (0, 1))
    entries = [entry for _, _, entry in outcomes if entry is not None]
    entry = np.concatenate(entries) if entries else np.zeros(len(time))
    arm = np.zeros(len(time), int) if arms is None else np.concatenate(list(arms))
    known = ~(np.isnan(time) | np.isnan(entry)) & (arm >= 0)
    row, time, cause, entry, arm = (part[known] for part in (row, time, cause, entry, arm))
    points, rows = (np.append(time, entry), np.append(row, row)) if entries else (time, row)
    place, value, row_of = _distinct(points, rows, m)
    ended, n_times, n_arms = place[: len(time)], len(value), 1 if arms is None else 1 + int(arm.max(initial=0))
    n_codes = 2 + int(np.maximum(cause, 1).max(initial=1)) - 1
    shape = (n_arms, n_codes, n_times)
    ends = np.bincount((arm * n_codes + cause) * n_times + ended, minlength=int(np.prod(shape))).reshape(shape)
    net = ends.sum(axis=1)
    late = entry >= time if not entries else place[len(time) :] >= ended
    if entries:
        started = arm * n_times + place[len(time) :]
        net = net - np.bincount(started, minlength=n_arms * n_times).reshape(n_arms, n_times)
    at_or_after = np.append(np.cumsum(net[:, ::-1], axis=1)[:, ::-1], np.zeros((n_arms, 1)), axis=1)
    at_risk = at_or_after[:, :-1] - at_or_after[:, np.searchsorted(row_of, row_of, side="right")]
    kept = np.flatnonzero(ends.sum(axis=(0, 1)))
    row_of = row_of[kept]
    column = np.arange(len(kept)) - np.searchsorted(row_of, row_of)
    k = 1 + int(column.max(initial=0))
    times = np.full((m, k), np.inf)
    of_ends, of_risk = np.zeros((n_arms, n_codes, m, k)), np.zeros((n_arms, m, k))
    times[row_of, column] = value[kept]
    of_ends[:, :, row_of, column] = ends[:, :, kept]
    of_risk[:, row_of, column] = at_risk[:, kept]
    sound = (of_risk > 0).any(axis=2).all(axis=0) & (np.bincount(row, late, m) == 0)
    return Stack(times, of_ends, of_risk, sound)


def _distinct(points: np.ndarray, rows: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the place of each point among the distinct times of all rows, these times (k,), and their rows (k,)."""
    order = np.lexsort((points, rows))
    value, row = points[order], rows[order]
    new_row = np.diff(row, prepend=-1) > 0
    gap = np.diff(value, prepend=0.0)
    other = new_row | (gap > 0)
    total, count = np.bincount(row[other], np.abs(value[other]), m), np.bincount(row[other], minlength=m)
    slack = TOLERANCE * total / np.maximum(count, 1)
    first = new_row | (gap > slack[row])
    place = np.empty(len(order), int)
    place[order] = np.cumsum(first) - 1
    return place, value[first], row[first]


def _of_coded(causes: Sequence[np.ndarray], arms: Sequence[np.ndarray] | None, coded: Sequence[_Coded]) -> Stack:
    """Return `stacked` of follow-up that is coded and starts at 0: rows are only counted."""
    groups: Sequence[np.ndarray | None] = [None] * len(coded) if arms is None else arms
    found = [_counted(*one) for one in zip(coded, causes, groups, strict=True)]
    n_arms, n_codes = (max(ends.shape[side] for _, ends, _ in found) for side in (0, 1))
    shape = len(found), max(1, *(len(value) for value, _, _ in found))
    times, all_ends, at_risk = np.full(shape, np.inf), np.zeros((n_arms, n_codes, *shape)), np.zeros((n_arms, *shape))
    for row, (value, ends, _) in enumerate(found):
        times[row, : len(value)] = value
        all_ends[: len(ends), : ends.shape[1], row, : len(value)] = ends
        at_risk[: len(ends), row, : len(value)] = np.cumsum(ends.sum(axis=1)[:, ::-1], axis=1)[:, ::-1]
    in_all_arms = (at_risk > 0).any(axis=2).all(axis=0)
    return Stack(times, all_ends, at_risk, in_all_arms & np.array([sound for _, _, sound in found]))


def _counted(coded: _Coded, cause: np.ndarray, arm: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the distinct times (k,) of a cohort, its `ends` (g, c, k), and whether all times are above 0."""
    times, codes = coded
    known = codes >= 0 if arm is None else (codes >= 0) & (arm >= 0)
    if not known.all():
        codes, cause, arm = codes[known], cause[known], None if arm is None else arm[known]
    n_codes, n_arms = max(2, 1 + int(cause.max(initial=1))), 1 if arm is None else 1 + int(arm.max(initial=0))
    outer = cause if arm is None else cause + n_codes * arm
    cells = outer * len(times) + codes
    ends = np.bincount(cells, minlength=n_arms * n_codes * len(times)).reshape(n_arms, n_codes, len(times))
    held = np.flatnonzero(ends.any(axis=(0, 1)))
    value = times[held]
    first = np.ones(len(value), dtype=bool)
    first[1:] = np.diff(value) > (TOLERANCE * np.abs(value).mean() if len(value) else 0.0)
    sound = not len(value) or bool(value[0] > 0)
    return value[first], np.add.reduceat(ends, held[first], axis=2) if len(value) else ends[:, :, :0], sound
