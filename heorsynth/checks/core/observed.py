"""The data that estimands need, read from the rows of a cohort or from a tally.

Every function takes a cohort or a tally. A mask of "chosen" patients has one entry a row (n,) of a cohort, or one entry
a cell (c,) of a tally; it is computed from `levels`.

The first function of each pair handles the rows of a cohort. Its argument has the type of both, because the type
checker reads callers against it; `_rows` narrows the type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any, cast

import numpy as np

from heorsynth.checks.core.coded_rows import ended_rows, ranked_rows
from heorsynth.checks.core.strata import Observed, rows_of
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.folders.moments import SPIKES
from heorsynth.data.folders.tally import Tally
from heorsynth.data.folders.value_counts import ValueCounts
from heorsynth.estimators.basics.ties import any_tied, as_one_time, slack
from heorsynth.estimators.costs.costs import Moments, known
from heorsynth.estimators.costs.quantiles import Ranked
from heorsynth.estimators.economics.increments import Joint
from heorsynth.estimators.survival.aalen_johansen import cumulative_incidence, incidence_of
from heorsynth.estimators.survival.counts import EventCounts
from heorsynth.estimators.survival.cox_two_arms import ArmCounts, hazard_ratio_of_rows, log_hazard_ratio
from heorsynth.estimators.survival.curve import IncidenceCurve, SurvivalCurve
from heorsynth.estimators.survival.estimates import kaplan_meier, reverse_kaplan_meier
from heorsynth.estimators.survival.kaplan_meier import curve_of, reverse_curve_of

_COX = "log hazard ratio, Cox (Efron)"


@singledispatch
def curve(data: Observed, endpoint: str) -> SurvivalCurve:
    """Return the Kaplan-Meier curve of the event of interest; other causes censor."""
    if (ended := ended_rows(rows_of(data), endpoint)) is not None:
        times, at_risk, by_cause, n = ended
        return curve_of(_counts(times, at_risk, by_cause, (1,)), n, data.n)
    time, cause, entry = rows_of(data).outcome(endpoint)
    return kaplan_meier(time, cause == 1, entry)


@curve.register
def _(data: Tally, endpoint: str) -> SurvivalCurve:
    def made() -> SurvivalCurve:
        times, at_risk, by_cause, n = _tallied(data, endpoint)
        return curve_of(_counts(times, at_risk, by_cause, (1,)), n, data.n)

    return data.shared(("curve", endpoint), made)


@singledispatch
def reverse_curve(data: Observed, endpoint: str) -> SurvivalCurve:
    """Return the reverse Kaplan-Meier curve: censoring is the event, and an event of any cause censors."""
    if (ended := ended_rows(rows_of(data), endpoint)) is not None:
        times, at_risk, by_cause, n = ended
        return reverse_curve_of(_counts(times, at_risk, by_cause, tuple(code for code in by_cause if code)), n, data.n)
    time, cause, entry = rows_of(data).outcome(endpoint)
    return reverse_kaplan_meier(time, cause > 0, entry)


@reverse_curve.register
def _(data: Tally, endpoint: str) -> SurvivalCurve:
    times, at_risk, by_cause, n = _tallied(data, endpoint)
    return reverse_curve_of(_counts(times, at_risk, by_cause, tuple(code for code in by_cause if code)), n, data.n)


@singledispatch
def incidence(data: Observed, endpoint: str) -> dict[int, IncidenceCurve]:
    """Return the Aalen-Johansen curve of each cause that occurs."""
    return cumulative_incidence(*rows_of(data).outcome(endpoint))


@incidence.register
def _(data: Tally, endpoint: str) -> dict[int, IncidenceCurve]:
    times, at_risk, by_cause, n = _tallied(data, endpoint)
    codes = tuple(code for code in by_cause if code)
    if not codes:
        raise NotEstimableError("cumulative incidence", Problem("cause", "nobody had any event"))
    counts = _counts(times, at_risk, by_cause, codes)
    return incidence_of(counts, {code: by_cause[code] for code in codes}, n, data.n)


@singledispatch
def causes(data: Observed, endpoint: str) -> list[int]:
    """Return the event codes that occur, sorted, with 0 for censored."""
    return sorted(set(rows_of(data).outcome(endpoint)[1].tolist()))


@causes.register
def _(data: Tally, endpoint: str) -> list[int]:
    return sorted(set(data.outcomes[endpoint].code.tolist()))


@singledispatch
def follow_up_times(data: Observed, endpoint: str) -> Ranked:
    """Return ranked follow-up times, without missing ones."""
    return ranked_rows(rows_of(data), rows_of(data).schema.endpoints[endpoint].time)


@follow_up_times.register
def _(data: Tally, endpoint: str) -> Ranked:
    def made() -> Ranked:
        values, _, counts = data.outcomes[endpoint].by_value
        return _ranked(values, counts)

    return data.shared(("follow-up", endpoint), made)


@singledispatch
def followed(data: Observed, endpoint: str, horizon: float) -> tuple[int, int]:
    """Return the number of patients followed to the horizon or longer, and the number with a known time."""
    time = rows_of(data).outcome(endpoint)[0]
    known = time[np.isfinite(time)]
    return int((known >= horizon - slack(known)).sum()), len(known)


@followed.register
def _(data: Tally, endpoint: str, horizon: float) -> tuple[int, int]:
    held = data.outcomes[endpoint]
    return int(held.count[held.value >= horizon - slack(held.value)].sum()), int(held.count.sum())


@singledispatch
def arm_curves(data: Observed, treated: np.ndarray, endpoint: str) -> tuple[SurvivalCurve, SurvivalCurve]:
    """Return the Kaplan-Meier curves of treated and untreated patients."""
    time, cause, entry = rows_of(data).outcome(endpoint)
    of = [
        kaplan_meier(time[own], cause[own] == 1, None if entry is None else entry[own]) for own in (treated, ~treated)
    ]
    return of[0], of[1]


@arm_curves.register
def _(data: Tally, treated: np.ndarray, endpoint: str) -> tuple[SurvivalCurve, SurvivalCurve]:
    return curve(data.take(treated), endpoint), curve(data.take(~treated), endpoint)


@singledispatch
def hazard(data: Observed, treated: np.ndarray, endpoint: str) -> Estimate:
    """Return the log hazard ratio of treated to untreated patients."""
    time, cause, entry = rows_of(data).outcome(endpoint)
    return hazard_ratio_of_rows(time, cause == 1, treated, entry)


@hazard.register
def _(data: Tally, treated: np.ndarray, endpoint: str) -> Estimate:
    return log_hazard_ratio(arms(data, treated, endpoint), method=_COX)


@singledispatch
def hazard_change(data: Observed, treated: np.ndarray, endpoint: str, at: float) -> Estimate:
    """Return the log hazard ratio after a time minus the one before it."""
    time, cause, entry = rows_of(data).outcome(endpoint)
    event = cause == 1
    time, start, (at,) = as_one_time(time, np.zeros(len(time)) if entry is None else entry, np.array([at]))
    early, late = start < at, time > at
    before = hazard_ratio_of_rows(
        np.minimum(time, at)[early], (event & (time <= at))[early], treated[early], start[early]
    )
    after = hazard_ratio_of_rows(time[late], event[late], treated[late], np.maximum(start, at)[late])
    return Estimate.normal(after.value - before.value, float(np.hypot(after.se, before.se)), n_used=data.n)


@hazard_change.register
def _(data: Tally, treated: np.ndarray, endpoint: str, at: float) -> Estimate:
    both = arms(data, treated, endpoint)
    cut = at + slack(both.times)
    before, after = (log_hazard_ratio(both.within(kept)) for kept in (both.times <= cut, both.times > cut))
    return Estimate.normal(after.value - before.value, float(np.hypot(after.se, before.se)), n_used=data.n)


def arms(data: Tally, treated: np.ndarray, endpoint: str) -> ArmCounts:
    """Return events and numbers at risk of treated and untreated patients, at each time with an event in either."""
    return data.shared(("arms", endpoint, treated.tobytes()), lambda: _arms(data, treated, endpoint))


def _arms(data: Tally, treated: np.ndarray, endpoint: str) -> ArmCounts:
    data = _with_ties(data, endpoint)
    parts = [_tallied(data.take(cells), endpoint) for cells in (treated, ~treated)]
    ended = [(times, by_cause.get(1, np.zeros(len(times)))) for times, _, by_cause, _ in parts]
    at = np.unique(np.concatenate([times[events > 0] for times, events in ended]))
    found = np.zeros((2, len(at)))
    for row, (times, events) in enumerate(ended):
        found[row, np.searchsorted(at, times[events > 0])] = events[events > 0]
    at_risk = np.stack([_at_risk(data.take(cells), endpoint, at) for cells in (treated, ~treated)])
    return ArmCounts(at, found, at_risk)


@singledispatch
def moments(data: Observed, name: str, at_least: int = 2) -> Moments:
    """Return mean and variance of a cost or utility over the patients with a known value."""
    return Moments.of(rows_of(data).column(name), at_least)


@moments.register
def _(data: Tally, name: str, at_least: int = 2) -> Moments:
    n, mean, comoment = _over(data, [name], at_least)
    variance = float(comoment[0, 0]) / (n - 1) if n > 1 else float("nan")
    return Moments(n, data.n, float(mean[0]), variance)


@singledispatch
def weighted(data: Observed, names: Sequence[str], weights: np.ndarray) -> Moments:
    """Return mean and variance of a weighted sum of costs or utilities, over patients with all values known."""
    values = np.column_stack([rows_of(data).column(name).astype(float) for name in names])
    return Moments.of(values @ weights)


@weighted.register
def _(data: Tally, names: Sequence[str], weights: np.ndarray) -> Moments:
    n, mean, comoment = _over(data, names, 2)
    return Moments(n, data.n, float(weights @ mean), float(weights @ comoment @ weights) / (n - 1))


@singledispatch
def arm_moments(data: Observed, treated: np.ndarray, name: str) -> tuple[Moments, Moments]:
    """Return the moments of a cost or utility of treated and untreated patients."""
    values = rows_of(data).column(name)
    return Moments.of(values[treated]), Moments.of(values[~treated])


@arm_moments.register
def _(data: Tally, treated: np.ndarray, name: str) -> tuple[Moments, Moments]:
    return moments(data.take(treated), name), moments(data.take(~treated), name)


def total_cost(cohort: Cohort, costs: Sequence[str]) -> np.ndarray:
    """Return the sum (n,) of cost columns, NaN where one of them is missing."""
    return np.asarray(np.sum([cohort.column(name).astype(float) for name in costs], axis=0))


@singledispatch
def joint(data: Observed, chosen: np.ndarray, costs: Sequence[str], effect: str) -> Joint:
    """Return mean and covariance of total cost and effect, over the chosen patients with all values known."""
    cost, effects = total_cost(rows_of(data), costs), rows_of(data).column(effect).astype(float)
    places = np.flatnonzero(chosen & np.isfinite(cost) & np.isfinite(effects))
    both = np.column_stack([cost[places], effects[places]])
    _require_two(len(both))
    return Joint.of(both)


@joint.register
def _(data: Tally, chosen: np.ndarray, costs: Sequence[str], effect: str) -> Joint:
    place = list(data.numbers)
    n, mean, comoment = data.take(chosen).moments.over([place.index(name) for name in (*costs, effect)])
    _require_two(n)
    summed = np.zeros((2, len(mean)))
    summed[0, :-1], summed[1, -1] = 1.0, 1.0
    return Joint(n, summed @ mean, summed @ comoment @ summed.T / (n - 1))


@singledispatch
def ranked(data: Observed, name: str) -> Ranked:
    """Return the ranked values of a cost or utility, without missing ones."""
    return ranked_rows(rows_of(data), name)


@ranked.register
def _(data: Tally, name: str) -> Ranked:
    def made() -> Ranked:
        _over(data, [name], 1)
        values, _, counts = data.numbers[name].by_value
        return _ranked(values, counts)

    return data.shared(("ranked", name), made)


@singledispatch
def spike(data: Observed, name: str, what: str) -> tuple[int, int]:
    """Return the number of patients whose value is "zero", "one" or "negative", and the number with a known value."""
    values = known(rows_of(data).column(name))
    return int({"zero": values == 0, "one": values == 1, "negative": values < 0}[what].sum()), len(values)


@spike.register
def _(data: Tally, name: str, what: str) -> tuple[int, int]:
    n, _, _ = _over(data, [name], 1)
    return int(data.moments.spikes[:, list(data.numbers).index(name), SPIKES.index(what)].sum()), n


@singledispatch
def missing(data: Observed, name: str) -> int:
    """Return the number of patients with a missing value; all patients if there is no such column."""
    held = rows_of(data)
    return int(held.missing(name).sum()) if held.has(name) else data.n


@missing.register
def _(data: Tally, name: str) -> int:
    return int(data.missing[name].sum()) if name in data.missing else data.n


def columns(data: Observed) -> list[str]:
    """Return the names of all columns; a tally has no id column."""
    return list(data.missing) if isinstance(data, Tally) else [str(name) for name in data.rows.columns]


def _over(data: Tally, names: Sequence[str], at_least: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Return moments of columns; NotEstimableError for too few known values or infinite ones, as for rows."""
    places = [list(data.numbers).index(name) for name in names]
    n, mean, comoment, endless = data.shared(
        ("moments", *names), lambda: (*data.moments.over(places), int(data.moments.infinite[:, places].sum()))
    )
    if n + endless < at_least:
        found = f"{n + endless} patients with a known value"
        raise NotEstimableError("estimate", Problem("values", found, f"at least {at_least} are needed"))
    if endless:
        raise NotEstimableError("estimate", Problem("values", "some are infinite"))
    return n, mean, comoment


def _require_two(n: int) -> None:
    if n < 2:
        raise NotEstimableError(f"{n} patients with cost and effect known")


def _ranked(values: np.ndarray, counts: np.ndarray) -> Ranked:
    if not len(values):
        found = Problem("values", "0 patients with a known value", "at least 1 are needed")
        raise NotEstimableError("estimate", found)
    return Ranked(values, np.cumsum(counts.sum(axis=1)).astype(np.int64))


def _tallied(data: Tally, endpoint: str) -> tuple[np.ndarray, np.ndarray, dict[int, np.ndarray], int]:
    """Return times (k,), numbers at risk (k,), ends of follow-up by event code (k,), and patients with a known time."""
    return data.shared(("ended", endpoint), lambda: _ended(data, endpoint))


def _ended(data: Tally, endpoint: str) -> tuple[np.ndarray, np.ndarray, dict[int, np.ndarray], int]:
    data = _with_ties(data, endpoint)
    held = data.outcomes[endpoint]
    n, n_exit_not_after_entry = int(held.count.sum()), int(data.n_exit_not_after_entry[endpoint].sum())
    if not n:
        raise NotEstimableError("follow-up", Problem("time", f"none of {data.n} patients has a known time"))
    if n_exit_not_after_entry:
        raise _not_after_start(n_exit_not_after_entry, n)
    times, codes, counts = held.by_value
    by_code = {int(code): counts[:, column] for column, code in enumerate(codes)}
    ends = counts.sum(axis=1)
    at_risk = ends.sum() - np.cumsum(ends) + ends
    if endpoint in data.entries:
        at_risk = at_risk - _from(data.entries[endpoint], times)
        if short := int(np.maximum(ends - at_risk, 0).sum()):
            raise _not_after_start(short, n)
    return times, at_risk, by_code, n


def _not_after_start(count: int, n: int) -> NotEstimableError:
    found = Problem("time", f"{count} of {n} times are not after the start of follow-up", "drop those rows")
    return NotEstimableError("follow-up", found)


def _with_ties(data: Tally, endpoint: str) -> Tally:
    """Return the tally with near ties of exit and entry times joined, as `follow_up` does for rows."""
    return data.shared(("ties", endpoint), lambda: _ties_joined(data, endpoint))


def _ties_joined(data: Tally, endpoint: str) -> Tally:
    held = [name for name in ("outcomes", "entries") if endpoint in getattr(data, name)]
    counts = [getattr(data, name)[endpoint] for name in held]
    if len(counts) == 1 and not any_tied(counts[0].by_value[0]):
        return data
    times = as_one_time(*(one.value for one in counts))
    for name, one, joined in zip(held, counts, times, strict=True):
        if joined is not one.value:
            changed = {name: {**getattr(data, name), endpoint: replace(one, value=joined)}}
            data = replace(data, **cast(Any, changed), _made={}, _taken_from=None)
    return data


def _at_risk(data: Tally, endpoint: str, at: np.ndarray) -> np.ndarray:
    """Return the number at risk at each time: entry < t <= time."""
    risk = _from(data.outcomes[endpoint], at)
    return risk - _from(data.entries[endpoint], at) if endpoint in data.entries else risk


def _from(held: ValueCounts, at: np.ndarray) -> np.ndarray:
    """Return the number of patients with a value at or after each time."""
    values, _, counts = held.by_value
    before = np.concatenate([[0.0], np.cumsum(counts.sum(axis=1))])
    return np.asarray(before[-1] - before[np.searchsorted(values, at, side="left")])


def _counts(
    times: np.ndarray, at_risk: np.ndarray, by_code: dict[int, np.ndarray], wanted: tuple[int, ...]
) -> EventCounts:
    """Return event counts with these codes as the event and all others as censoring."""
    leaving = np.sum(list(by_code.values()), axis=0)
    events = np.sum([np.zeros(len(times)), *(by_code[code] for code in wanted if code in by_code)], axis=0)
    return EventCounts(times, at_risk, events, leaving - events)
