"""Who attends which visit: dropout for good, gaps between visits, and nothing after death and the end of follow-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.visits import ends
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.schema import Schema
from heorsynth.generators.latent.quantiles import Quantiles, shared_values
from heorsynth.generators.visits.completion import arm_codes
from heorsynth.generators.visits.grid import VisitGrid
from heorsynth.generators.visits.hazards import Hazard, chosen

_MANY = 4
"""A correlation rests on this many times the patients that a share does."""

_CLOSE = 0.99
"""Two visits that are nearer to one another are left as they are."""

_FARTHEST = 0.6
"""Values are moved by at most this share of the visit before."""

_FEW_AFTER = 0.05
"""Visits after the end of follow-up of those alive take place, if more than this share of them has a value."""


@dataclass(frozen=True)
class Attendance:
    """The law of the visits that a patient attends.

    Attributes
    ----------
    arms : tuple of str           the levels of the arm; ("",) without an arm
    plan : tuple of float         the planned times of all measures, rising
    dropout : Hazard              of not coming to a visit and to any later one
    staying : array (a, k)        share of those followed at a visit who come to it or to a later one, by arm; NaN where
                                  too few are followed
    gap : Hazard                  of missing a visit, of those who come to a later one
    items : Mapping               measure to its share (k, 2) known at a visit that is attended: while no other
                                  measure before it is known, and while one is
    last : Mapping                measure to its share known in the period in which the patient dies, and in which
                                  follow-up ends otherwise
    follows : bool                nothing is known after the end of follow-up of those alive
    full : tuple of str           columns of values that every patient has
    observed : Mapping            column to its quantile function in each arm, of the patients who attended
    carried : Mapping             column to its correlation with the visit before, within arms
    decimals : Mapping            column of times to its decimals; -1 for more than are rounded to
    """

    arms: tuple[str, ...]
    plan: tuple[float, ...]
    dropout: Hazard
    staying: np.ndarray
    gap: Hazard
    items: Mapping[str, np.ndarray]
    last: Mapping[str, tuple[float, float]]
    follows: bool
    full: tuple[str, ...]
    observed: Mapping[str, tuple[Quantiles, ...]]
    carried: Mapping[str, float]
    decimals: Mapping[str, int]

    @classmethod
    def of(cls, cohort: Cohort, complete: Cohort, least: int) -> Attendance:
        """The law of a cohort, given the same patients with a value at every visit.

        `least` patients are behind every share.
        """
        schema = cohort.schema
        arms = cohort.arm_levels or ("",)
        plan = tuple(sorted({time for held in schema.visits.values() for time, _ in held}))
        grid = VisitGrid.of(cohort.arrays, schema, plan)
        alive = ~grid.dead
        beyond = np.concatenate([grid.gone[measure][alive].ravel() for measure in schema.visits])
        known = np.concatenate([grid.known[measure][alive].ravel() for measure in schema.visits])
        follows = bool(not beyond.any() or known[beyond].mean() <= _FEW_AFTER)
        if not follows:
            grid = VisitGrid.of(cohort.arrays, schema, plan, follows=False)
        arm, past = arm_codes(cohort.rows, schema, arms), _past(complete.arrays, schema, plan)
        due, here = grid.any(grid.due), grid.any(grid.attended)
        stays = np.flip(np.maximum.accumulate(np.flip(here, axis=1), axis=1), axis=1)
        came = np.column_stack([np.ones(len(arm), dtype=bool), stays[:, :-1]])
        returns = np.column_stack([stays[:, 1:], np.zeros(len(arm), dtype=bool)])
        return cls(
            arms,
            plan,
            _hazard(due & came, ~stays, arm, past, len(arms), least),
            np.array([_shares(due[arm == one], stays[arm == one], least) for one in range(len(arms))]),
            _hazard(due & returns, ~here, arm, past, len(arms), least),
            _items(grid, here, least),
            {measure: _last(grid, measure, least) for measure in schema.visits},
            follows,
            tuple(name for name in schema.schedule.values if not cohort.missing(name).any()),
            {name: _observed(cohort.numbers(name), arm, len(arms), least) for name in schema.schedule.values},
            _carried(cohort.arrays, schema, arm, least),
            {name: _decimals(cohort.numbers(name)) for name in schema.schedule.times.values()},
        )

    def attended(self, frame: pd.DataFrame, schema: Schema, rng: np.random.Generator) -> pd.DataFrame:
        """Return drawn rows, which have a value at every visit, without the visits that are not attended."""
        frame = self._timed(frame, schema)
        table = Arrays(frame)
        grid = VisitGrid.of(table, schema, self.plan, follows=self.follows)
        arm, past = arm_codes(frame, schema, self.arms), _past(table, schema, self.plan)
        due = grid.any(grid.due)
        stays, here = np.ones(len(frame), dtype=bool), np.zeros(due.shape, dtype=bool)
        left = np.full(due.shape, False)
        for visit in range(len(self.plan)):
            risk = due[:, visit] & stays
            rates = self._leaving(due[:, visit], risk, arm, visit)
            leaves = _drawn(self.dropout, risk, arm, past[:, visit], rates, rng)
            stays &= ~leaves
            left[:, visit] = stays & due[:, visit]
        final = left & ~np.column_stack([left[:, 1:], np.zeros(len(left), dtype=bool)])
        for visit in range(len(self.plan)):
            returns = left[:, visit] & ~final[:, visit]
            misses = _drawn(self.gap, returns, arm, past[:, visit], self.gap.rates[:, visit], rng)
            here[:, visit] = left[:, visit] & ~misses
        known = self._known(grid, here, rng)
        made: dict[str, pd.Series] = {}
        for measure, held in schema.visits.items():
            before = np.full(len(frame), np.nan)
            for (_, column), one in zip(held, known[measure].T, strict=True):
                drawn = table.numbers(column)
                if not one.all() and column not in self.full:
                    drawn = self._replaced(column, np.where(one, drawn, np.nan), before, arm, rng)
                    made[column] = pd.Series(drawn, index=frame.index).astype(frame[column].dtype)
                    if (clock := schema.schedule.times.get(column)) is not None:
                        made[clock] = frame[clock].where(one)
                before = drawn
        return frame.assign(**made) if made else frame

    def _leaving(self, due: np.ndarray, risk: np.ndarray, arm: np.ndarray, visit: int) -> np.ndarray:
        """Return the rate (a,) of leaving before a visit after which the patients' share of each arm is left."""
        found = self.dropout.rates[:, visit].copy()
        for one in np.flatnonzero(~np.isnan(self.staying[:, visit])):
            followed, still = int((due & (arm == one)).sum()), int((risk & (arm == one)).sum())
            if still:
                found[one] = np.clip(1 - self.staying[one, visit] * followed / still, 0.0, 1.0)
        return found

    def _replaced(
        self, column: str, values: np.ndarray, before: np.ndarray, arm: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return the values (n,) of those who attend, in their order, with the distribution of the patients who did.

        Without this the distribution would be that of all patients with some taken away, as far as the law knows why.
        The order is moved along the visit before (n,), so that the two are as correlated as in the patients.
        """
        found, known = values.copy(), ~np.isnan(values)
        if column in self.carried:
            values = _moved(values, before, arm, self.carried[column])
        for one in np.unique(arm[known]):
            rows = np.flatnonzero(known & (arm == one))
            order = rows[np.lexsort((rng.random(len(rows)), values[rows]))]
            found[order] = self.observed[column][one]((np.arange(len(rows)) + rng.random(len(rows))) / len(rows))
        return found

    def _known(self, grid: VisitGrid, here: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return which value (n, k) of each measure is known, given the visits attended (n, K)."""
        found: dict[str, np.ndarray] = {}
        some = np.zeros(here.shape, dtype=bool)
        names = list(self.items)
        for place, measure in enumerate(names):
            columns, known = grid.place[measure], np.zeros(grid.due[measure].shape, dtype=bool)
            for index, visit in enumerate(columns):
                can = here[:, visit] & grid.due[measure][:, index]
                later = np.zeros(len(can), dtype=bool)
                for other in names[place + 1 :]:
                    if visit in grid.place[other]:
                        later |= grid.due[other][:, grid.place[other].index(visit)]
                earlier = some[:, visit]
                share = np.where(earlier, self.items[measure][index, 1], self.items[measure][index, 0])
                share = np.where(can & ~earlier & ~later, 1.0, np.where(can, share, 0.0))
                known[:, index] = chosen(share, earlier.astype(int), rng) & can
                part = grid.part[measure][:, index]
                dead, alive = self.last[measure]
                known[:, index] |= part & chosen(np.where(part, np.where(grid.dead, dead, alive), 0.0), grid.dead, rng)
                some[:, visit] |= known[:, index]
            found[measure] = known
        return found

    def _timed(self, frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
        """Return the rows with times of visits that rise and that no visit has after the end of follow-up."""
        made: dict[str, pd.Series] = {}
        end, dead = ends(Arrays(frame), schema)
        end = np.where(dead | self.follows, end, np.inf)
        for held in schema.visits.values():
            before = np.full(len(frame), -np.inf)
            for time, column in held:
                clock = schema.schedule.times.get(column)
                if clock is None:
                    before = np.full(len(frame), time)
                    continue
                step = 10.0 ** -(self.decimals[clock] if self.decimals[clock] >= 0 else 6)
                moment = np.maximum(frame[clock].to_numpy(float), before + step)
                moment = np.where(time <= end, np.minimum(moment, end), moment)
                before = moment = np.floor(moment / step + 1e-6) * step
                made[clock] = pd.Series(np.round(moment, 9), index=frame.index).astype(frame[clock].dtype)
        return frame.assign(**made) if made else frame

    def to_dict(self) -> dict[str, Any]:
        """The law as data for JSON."""
        return {
            "arms": list(self.arms),
            "plan": list(self.plan),
            "dropout": self.dropout.to_dict(),
            "staying": [[None if np.isnan(one) else one for one in row] for row in self.staying.tolist()],
            "gap": self.gap.to_dict(),
            "items": [[measure, shares.tolist()] for measure, shares in self.items.items()],
            "last": [[measure, list(shares)] for measure, shares in self.last.items()],
            "follows": self.follows,
            "full": list(self.full),
            "observed": {name: [one.to_dict() for one in held] for name, held in self.observed.items()},
            "carried": dict(self.carried),
            "decimals": dict(self.decimals),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Attendance:
        """The law that `to_dict` wrote."""
        return cls(
            tuple(facts["arms"]),
            tuple(facts["plan"]),
            Hazard.from_dict(facts["dropout"]),
            np.array(facts["staying"], dtype=float),
            Hazard.from_dict(facts["gap"]),
            {measure: np.array(shares) for measure, shares in facts["items"]},
            {measure: (shares[0], shares[1]) for measure, shares in facts["last"]},
            facts["follows"],
            tuple(facts["full"]),
            {name: tuple(map(Quantiles.from_dict, held)) for name, held in facts["observed"].items()},
            dict(facts["carried"]),
            dict(facts["decimals"]),
        )


def _observed(values: np.ndarray, arm: np.ndarray, arms: int, least: int) -> tuple[Quantiles, ...]:
    """Return the quantile function of the known values in each arm; of too few, that of all arms."""
    known, shared = values[~np.isnan(values)], shared_values(values, least)
    whole = Quantiles.of(known if len(known) else np.zeros(1), least)
    held = [values[(arm == one) & ~np.isnan(values)] for one in range(arms)]
    return tuple(Quantiles.of(one, least, shared=shared) if len(one) >= least else whole for one in held)


def _within(values: np.ndarray, arm: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the values (n,) as distances from the mean of their arm, over the mean spread, among some rows."""
    found = np.zeros(len(values))
    for one in np.unique(arm[rows]):
        mine = rows & (arm == one)
        found[mine] = values[mine] - values[mine].mean()
    spread = float(np.sqrt((found[rows] ** 2).mean())) if rows.any() else 0.0
    return found / spread if spread > 0 else found


def _carried(table: Arrays, schema: Schema, arm: np.ndarray, least: int) -> dict[str, float]:
    """Return the correlation of each visit with the one before it, within arms, where enough patients attended both."""
    found = {}
    for held in schema.visits.values():
        for (_, first), (_, second) in pairwise(held):
            one, other = table.numbers(first), table.numbers(second)
            both = ~np.isnan(one) & ~np.isnan(other)
            if both.sum() >= _MANY * least:
                found[second] = float((_within(one, arm, both) * _within(other, arm, both))[both].mean())
    return found


def _moved(values: np.ndarray, before: np.ndarray, arm: np.ndarray, wanted: float) -> np.ndarray:
    """Return the values (n,), moved along those of the visit before so that the two have the wanted correlation."""
    both = ~np.isnan(values) & ~np.isnan(before)
    if both.sum() < _MANY:
        return values
    one, other = _within(before, arm, both), _within(values, arm, both)
    now = float((one * other)[both].mean())
    if abs(now) > _CLOSE or abs(wanted) > _CLOSE:
        return values
    slope = wanted * np.sqrt((1 - now**2) / (1 - wanted**2)) - now
    spread = float(np.std(values[both]))
    return np.where(both, values + np.clip(slope, -_FARTHEST, _FARTHEST) * one * spread, values)


def _past(table: Arrays, schema: Schema, plan: tuple[float, ...]) -> np.ndarray:
    """Return the last value (n, K, p) of each measure before each visit; NaN before its first."""
    found = np.full((table.n, len(plan), len(schema.visits)), np.nan)
    for place, held in enumerate(schema.visits.values()):
        for visit, moment in enumerate(plan):
            before = [column for time, column in held if time < moment]
            if before:
                found[:, visit, place] = table.numbers(before[-1])
    return found


def _hazard(risk: np.ndarray, event: np.ndarray, arm: np.ndarray, past: np.ndarray, arms: int, least: int) -> Hazard:
    rows, visits = np.nonzero(risk)
    return Hazard.of(arm[rows], visits, past[rows, visits], event[rows, visits], arms, risk.shape[1], least)


def _shares(due: np.ndarray, stays: np.ndarray, least: int) -> np.ndarray:
    """Return the share (k,) of those due who stay; NaN where fewer than `least` are due."""
    counts = due.sum(axis=0)
    share = (due & stays).sum(axis=0) / np.maximum(counts, 1)
    return np.asarray(np.where(counts >= least, share, np.nan))


def _drawn(
    hazard: Hazard, risk: np.ndarray, arm: np.ndarray, past: np.ndarray, rates: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return True (n,) for the rows at risk to which the event happens."""
    found = np.zeros(len(risk), dtype=bool)
    if risk.any():
        found[risk] = chosen(hazard.probabilities(arm[risk], past[risk], rates), arm[risk], rng)
    return found


def _items(grid: VisitGrid, here: np.ndarray, least: int) -> dict[str, np.ndarray]:
    """Return the share (k, 2) of each measure known at attended visits: while no earlier one is, and while one is."""
    found: dict[str, np.ndarray] = {}
    some = np.zeros(here.shape, dtype=bool)
    for measure, columns in grid.place.items():
        shares = np.ones((len(columns), 2))
        for index, visit in enumerate(columns):
            rows, known = here[:, visit] & grid.due[measure][:, index], grid.known[measure][:, index]
            for state in (0, 1):
                mine = rows & (some[:, visit] == bool(state))
                pool = mine if mine.sum() >= least else rows
                shares[index, state] = known[pool].mean() if pool.sum() >= least else 1.0
            some[:, visit] |= known & rows
        found[measure] = shares
    return found


def _last(grid: VisitGrid, measure: str, least: int) -> tuple[float, float]:
    """Return the share known of the amounts of the period of death, and of that in which follow-up ends otherwise."""
    part, known = grid.part[measure], grid.known[measure]
    cells = [part & grid.dead[:, None], part & ~grid.dead[:, None]]
    dead, alive = (float(known[one].mean()) if one.sum() >= least else 0.0 for one in cells)
    return dead, alive


def _decimals(values: np.ndarray) -> int:
    known = values[~np.isnan(values)]
    return next((d for d in range(7) if np.allclose(known, np.round(known, d), atol=1e-9)), -1)
