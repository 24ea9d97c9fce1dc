"""Covariates given to reconstructed patients, so that published subgroup effects hold in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from heorsynth.published.covariates.columns import Column
from heorsynth.published.covariates.copula import Drawn, scores
from heorsynth.published.covariates.permutation import permuted
from heorsynth.published.covariates.prior import Effects
from heorsynth.published.covariates.subgroup_facts import FollowUps, SubgroupFact, error_and_moves, log_ratio

_ROUNDS = 6
"""Assignments drawn with the same random numbers, each with the effects of subgroups moved by the last one's error."""

_PAIRS = 1000
"""Pairs of an arm's patients whose exchange is considered at each step."""

_EXCHANGES, _EVALUATIONS = 6, 40
"""Exchanges of two patients' covariates between evaluations of the hazard ratios, and evaluations, at most."""

_UNLIKELY = 20.0
"""Squared tolerances that an exchange may cost for each unit by which it changes the log partial likelihood."""

_SURELY = 0.5
"""Tolerances within which a fact is taken as met before the next evaluation."""

_TARGET, _WITHIN = 0.6, 0.35
"""In half units of the last printed digit: the target is drawn so far from the printed ratio, and met so closely."""


@dataclass(frozen=True)
class _Wanted:
    """A subgroup's fact in one cohort: members by arm, target and tolerance of the log ratio, and both arms by time."""

    fact: SubgroupFact
    members: Mapping[str, np.ndarray]
    target: float
    tolerance: float
    order: np.ndarray
    follow: FollowUps

    def states(self, place: Mapping[str, np.ndarray]) -> np.ndarray:
        """Who of the two arms, by time, is in the subgroup."""
        both = [self.members[arm][place[arm]] for arm in (self.fact.arm, self.fact.reference)]
        return np.asarray(np.concatenate(both)[self.order])


@dataclass(frozen=True)
class _Gap:
    """How far a fact is from its target, in tolerances; and what each follow-up of an arm adds to it as a member."""

    wanted: _Wanted
    value: float
    moves: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class _Law:
    """The partial likelihood of an arm's assignment: event, log risk and cumulative hazard of each follow-up."""

    event: np.ndarray
    risk: np.ndarray
    hazard: np.ndarray

    @classmethod
    def of(cls, event: np.ndarray, risk: np.ndarray) -> _Law:
        at_risk = np.cumsum(np.exp(risk)[::-1])[::-1]
        return cls(event.astype(float), risk, np.cumsum(event / at_risk))

    def change(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Size (pairs,) of the change of the log partial likelihood by exchanges, with the hazard as it is."""
        risk, event, hazard = (one[second] - one[first] for one in (self.risk, self.event, self.hazard))
        weight = np.exp(self.risk[second]) - np.exp(self.risk[first])
        return np.asarray(np.abs(weight * hazard - risk * event))


Rows = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Arm to times and events (n,), by time with events before censoring."""


def assigned(
    rows: Rows,
    drawn: Drawn,
    columns: Sequence[Column],
    effects: Effects,
    facts: Sequence[SubgroupFact],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return for each arm the covariates (n, k) of its follow-ups.

    Notes
    -----
    Patients get their follow-ups by the permutation algorithm (`permuted`) with the drawn effects. To these, each
    subgroup with a published hazard ratio has a term in its treated arm, and one in an arm whose events it states;
    both are moved by the error until it is small, with the same random numbers. Then pairs of patients of one arm
    exchange their covariates, the pair of a random sample first that brings all facts nearest, until every ratio is
    printed alike and events are exact. No exchange changes Table 1, a correlation or a curve.
    """
    arms = list(rows)
    sizes = [len(drawn.values[arm]) for arm in arms]
    together = scores(np.concatenate([drawn.values[arm] for arm in arms]), columns)
    ends = np.cumsum([0, *sizes])
    risks = {
        arm: effects.log_risk(arm, [one[start:end] for one in together]) if columns else np.zeros(end - start)
        for arm, start, end in zip(arms, ends[:-1], ends[1:], strict=True)
    }
    wanted = [_wanted(one, rows, drawn, columns, rng) for one in facts]
    place, risks = _calibrated(rows, risks, wanted, rng)
    _exchange(rows, wanted, place, {arm: _Law.of(rows[arm][1], risks[arm][place[arm]]) for arm in rows}, rng)
    return {arm: drawn.values[arm][place[arm]] for arm in arms}


def _wanted(
    fact: SubgroupFact, rows: Rows, drawn: Drawn, columns: Sequence[Column], rng: np.random.Generator
) -> _Wanted:
    pair = fact.arm, fact.reference
    time, event = (np.concatenate([rows[arm][part] for arm in pair]) for part in (0, 1))
    treated = np.repeat([True, False], [len(rows[arm][0]) for arm in pair])
    order = np.argsort(time, kind="stable")
    members = {arm: fact.members(drawn.values[arm], columns) for arm in pair}
    target = math.log(max(fact.value + _TARGET * fact.half * rng.uniform(-1, 1), fact.value / 2))
    return _Wanted(
        fact, members, target, _WITHIN * fact.half / fact.value, order,
        FollowUps(time[order], event[order] > 0, treated[order]),
    )  # fmt: skip


def _calibrated(
    rows: Rows, risks: Mapping[str, np.ndarray], wanted: Sequence[_Wanted], rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The assignment, of `_ROUNDS`, that is nearest to the published facts, and its log risks."""
    clocks = {arm: rng.exponential(size=len(risk)) for arm, risk in risks.items()}
    leaving = {arm: rng.permutation(len(risk)) for arm, risk in risks.items()}
    terms = [dict.fromkeys(one.members, 0.0) for one in wanted]
    for one, term in zip(wanted, terms, strict=True):
        overall = log_ratio(one.follow, np.ones(len(one.order), dtype=bool))
        term[one.fact.arm] = one.target - overall if math.isfinite(overall) else 0.0
    best, law, least = {}, dict(risks), math.inf
    for _ in range(_ROUNDS if wanted else 1):
        moved = {arm: risk.copy() for arm, risk in risks.items()}
        for one, term in zip(wanted, terms, strict=True):
            for arm, by in term.items():
                moved[arm][one.members[arm]] += by
        place = {arm: permuted(rows[arm][1] > 0, moved[arm], clocks[arm], leaving[arm]) for arm in rows}
        gaps = [_gap(one, place) for one in wanted]
        missed = [_events_missed(one, rows, place) for one in wanted]
        size = sum(one.value**2 for one in gaps) + sum(n**2 for one in missed for n in one.values())
        if size < least:
            best, law, least = place, moved, size
        for one, term, gap, events in zip(wanted, terms, gaps, missed, strict=True):
            term[one.fact.arm] -= float(np.clip(gap.value * one.tolerance, -1, 1))
            for arm, n in events.items():
                by = n / max(one.fact.events[arm], 1)
                term[arm] -= by
                if arm != one.fact.arm:
                    term[one.fact.arm] -= by
    return best, law


def _gap(one: _Wanted, place: Mapping[str, np.ndarray]) -> _Gap:
    error, moves = error_and_moves(one.follow, one.states(place), one.target)
    by_row = np.empty(len(moves))
    by_row[one.order] = moves / one.tolerance
    n = len(place[one.fact.arm])
    return _Gap(one, error / one.tolerance, {one.fact.arm: by_row[:n], one.fact.reference: by_row[n:]})


def _events_missed(one: _Wanted, rows: Rows, place: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Events of the subgroup above the stated number, by arm."""
    return {
        arm: int((one.members[arm][place[arm]] & (rows[arm][1] > 0)).sum()) - n
        for arm, n in one.fact.events.items()
        if arm in one.members
    }


def _exchange(
    rows: Rows,
    wanted: Sequence[_Wanted],
    place: dict[str, np.ndarray],
    laws: Mapping[str, _Law],
    rng: np.random.Generator,
) -> None:
    """Exchanges patients of one arm until every fact is met, in `place`.

    A few exchanges are made by the moves of one evaluation, which are linear, before the next one.
    """
    arms = [arm for arm in rows if any(arm in one.members for one in wanted)]
    for _ in range(_EVALUATIONS if wanted else 0):
        gaps = [_gap(one, place) for one in wanted]
        missed = [_events_missed(one, rows, place) for one in wanted]
        if _met(gaps, missed, 1.0):
            return
        for _ in range(_EXCHANGES):
            best: tuple[float, str, int, int] | None = None
            for arm in arms:
                first, second = rng.integers(0, len(place[arm]), (2, _PAIRS))
                size = _UNLIKELY * laws[arm].change(first, second)
                size += sum(one**2 for one in _after(arm, first, second, rows, gaps, missed, place))
                at = int(np.argmin(size))
                if best is None or size[at] < best[0]:
                    best = float(size[at]), arm, int(first[at]), int(second[at])
            assert best is not None
            _, arm, one, other = best
            pair = np.array([one]), np.array([other])
            left = iter([float(value[0]) for value in _after(arm, *pair, rows, gaps, missed, place)])
            gaps = [replace(gap, value=next(left)) for gap in gaps]
            missed = [{own: round(next(left)) for own in events} for events in missed]
            place[arm][[one, other]] = place[arm][[other, one]]
            laws[arm].risk[[one, other]] = laws[arm].risk[[other, one]]
            if _met(gaps, missed, _SURELY):
                break


def _met(gaps: Sequence[_Gap], missed: Sequence[Mapping[str, int]], within: float) -> bool:
    return all(abs(one.value) <= within for one in gaps) and not any(n for one in missed for n in one.values())


def _after(
    arm: str,
    first: np.ndarray,
    second: np.ndarray,
    rows: Rows,
    gaps: Sequence[_Gap],
    missed: Sequence[Mapping[str, int]],
    place: Mapping[str, np.ndarray],
) -> list[np.ndarray]:
    """What is left (pairs,) of each gap, and then of each number of events, after an exchange of these patients."""
    event = rows[arm][1].astype(float)
    values, counts, nothing = [], [], np.zeros(len(first))
    for gap, events in zip(gaps, missed, strict=True):
        change = nothing
        if arm in gap.moves:
            held = gap.wanted.members[arm][place[arm]].astype(float)
            change = held[second] - held[first]
            moves = gap.moves[arm]
            values.append(gap.value + change * (moves[first] - moves[second]))
        else:
            values.append(nothing + gap.value)
        for own, n in events.items():
            counts.append(n + (change * (event[first] - event[second]) if own == arm else nothing))
    return values + counts
