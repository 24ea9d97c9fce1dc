"""How the law keeps rules: columns that others decide are left out, and others are drawn given what decides them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core.ranks import ranks
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.schema import Band, Endpoint, Schema
from heorsynth.data.rules.level_rules import Bands, Gives, Implies, Statement, Together
from heorsynth.data.rules.mending import Mending
from heorsynth.data.rules.numeric_rules import Equal, Order, Sum
from heorsynth.data.rules.rule import Rule, as_level
from heorsynth.generators.rules.drawn import GAP, OWN, RATIO, Bounded, States
from heorsynth.generators.sampling.formats import Format

RULED = "what rules say of it"
"""The group of a column whose law differs by what its rules read."""

_OFTEN_EQUAL, _RISE_TOGETHER = 0.2, 0.5
"""Share of equal rows, and rank correlation, from which a column is drawn relative to its bound."""

_MOST_TESTS = 4
"""The law of a column differs by at most so many statements."""


@dataclass(frozen=True)
class RulePlan:
    """How a law keeps its rules.

    Attributes
    ----------
    mending : Mending           the rules with the columns they change
    bounded : tuple             columns drawn relative to another, in an order in which they can be decoded
    states : Mapping            column to what decides its law
    """

    mending: Mending = field(default_factory=Mending)
    bounded: tuple[Bounded, ...] = ()
    states: Mapping[str, States] = field(default_factory=dict)

    @property
    def worked_out(self) -> dict[str, Rule]:
        """Columns that the law leaves out, with the rule that gives each."""
        return self.mending.worked_out

    @property
    def parts(self) -> frozenset[str]:
        """The columns that a column which is worked out is the sum of."""
        return frozenset(name for rule in self.worked_out.values() if isinstance(rule, Sum) for name in rule.columns)

    def schema(self, schema: Schema) -> Schema:
        """The roles that the law works with.

        A cost or utility that is worked out, or derived from visits, hands its role to its parts. A band that is an arm
        or subgroup decides the law of its number, and an endpoint that is never after the primary one is drawn along
        it, like declared ones.
        """
        roles: dict[str, tuple[str, ...]] = {"costs": schema.costs, "utilities": schema.utilities}
        for target, rule in reversed(self.worked_out.items()):
            parts = tuple(name for name in rule.columns if name != target) if isinstance(rule, Sum) else ()
            for role, names in roles.items():
                if target in names:
                    roles[role] = _replaced(names, target, parts)
        for name, one in schema.derived.items():
            parts = tuple(column for _, column in schema.visits[one.measure])
            for role, names in roles.items():
                if name in names:
                    roles[role] = _replaced(names, name, parts)
        bands = {
            rule.group: Band(rule.number, rule.edges, tuple(map(as_level, rule.labels)))
            for rule, target in self.mending.steps
            if isinstance(rule, Bands) and target == rule.number and rule.group in schema.strata
        }
        primary = primary_of(schema)
        ordered = {
            rule.low
            for rule, _ in self.mending.steps
            if isinstance(rule, Order) and primary and rule.high == primary.time
        }
        order = [
            (end.name, primary.name)
            for end in schema.endpoints.values()
            if primary and end.time in ordered and end.event != primary.event
        ]
        known = dict.fromkeys((*order, *schema.order))
        return schema.with_roles(**roles, bands={**schema.bands, **bands}, order=tuple(known))

    def ordered(self, names: Sequence[str]) -> list[str]:
        """These columns, each after those that decide its law."""
        found: list[str] = []

        def add(name: str) -> None:
            if name in found or name not in names:
                return
            for other in sorted(self.states[name].columns) if name in self.states else ():
                add(other)
            found.append(name)

        for name in names:
            add(name)
        return found

    def written(self, frame: pd.DataFrame, formats: Mapping[str, Format]) -> pd.DataFrame:
        """The frame with the columns that are worked out, each in its format."""
        for target, rule in self.worked_out.items():
            values = np.asarray(rule.derived(Arrays(frame), target))
            if formats[target].values:
                values = as_text(pd.Series(values)).fillna("").to_numpy(dtype=object)
            frame[target] = formats[target].column(values)
        return frame

    def to_dict(self) -> dict[str, Any]:
        """The plan as data for JSON."""
        return {
            "rules": self.mending.to_dict(),
            "bounded": [asdict(one) for one in self.bounded],
            "states": [[name, asdict(one)] for name, one in self.states.items()],
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> RulePlan:
        """The plan that `to_dict` wrote."""
        bounded = tuple(
            Bounded(**{**one, "whens": tuple(Statement(**when) for when in one["whens"])}) for one in facts["bounded"]
        )
        states = {
            name: States(tuple(Statement(**test) for test in one["tests"]), tuple(one["known"]))
            for name, one in facts["states"]
        }
        return cls(Mending.from_dict(facts["rules"]), bounded, states)


@dataclass(frozen=True)
class Planner:
    """What a plan is made from.

    Attributes
    ----------
    frame : DataFrame           the patients
    numbers : collection        columns that are drawn as numbers and whose law no role decides
    free : collection           columns whose law no role decides
    first : collection          columns that are drawn before all others: cells, the event of the primary endpoint
    time : str                  the time of the primary endpoint; "" without any
    keep : collection           columns whose own values must be drawn
    """

    frame: pd.DataFrame
    numbers: Collection[str]
    free: Collection[str]
    first: Collection[str]
    time: str
    keep: Collection[str] = ()

    def plan(self, mending: Mending) -> RulePlan:
        """The plan for these rules."""
        out = mending.worked_out
        bounded = self._bounded(mending, out)
        relative = {one.column for one in bounded}
        states: dict[str, States] = {}
        for one in bounded:
            if one.whens:
                states[one.column] = States(one.whens)
        for rule, target in mending.steps:
            test = _test(rule, target)
            if test is not None and test.column in self.keep:
                continue  # its values are moved after those of the target are drawn
            readable = test is not None and (
                test.column in self.first
                or (test.column in self.free and test.column not in out and test.column not in relative)
            )
            free = target in self.free and target not in out and target not in relative
            if test is None or not readable or not free or _circular(states, test.column, target):
                continue
            tests = states[target].tests if target in states else ()
            if len(tests) < _MOST_TESTS and test not in tests:
                states[target] = States((*tests, test))
        return RulePlan(mending, bounded, states)

    def _bounded(self, mending: Mending, out: Mapping[str, Rule]) -> tuple[Bounded, ...]:
        """The columns that are drawn relative to another: those that an order or an implied equality ties to it."""
        table, found = Arrays(self.frame), dict[str, Bounded]()
        for rule, target in mending.steps:
            pair = _pair(rule)
            if pair is None or target not in pair or target in found or target in out:
                continue
            bound = pair[1] if target == pair[0] else pair[0]
            usable = bound == self.time or (bound in self.numbers and bound not in out)
            if target not in self.numbers or target in self.keep or not usable or _chained(found, bound, target):
                continue
            values, limit = table.numbers(target), table.numbers(bound)
            if np.any(~np.isnan(values) & np.isnan(limit)):
                continue
            orders = [
                one for one, _ in mending.steps if isinstance(one, Order) and {one.low, one.high} == {target, bound}
            ]
            whens = tuple(
                one.when
                for one, where in mending.steps
                if isinstance(one, Implies) and where == target and {*one.then.columns} == {target, bound}
                and one.when.column not in found
                and (one.when.column in self.first or (one.when.column in self.free and one.when.column not in out))
            )  # fmt: skip
            below = orders[0].low == target if orders else True
            shares = below and np.nanmin(values) >= 0 and np.nanmin(limit) > 0
            form = OWN if not orders else RATIO if shares else GAP
            if whens or (orders and _tied(values, limit)):
                found[target] = Bounded(target, bound, form, below, bool(np.nanmin(values) > 0), whens[:_MOST_TESTS])
        relative = {name: one for name, one in found.items()}
        return tuple(sorted(relative.values(), key=lambda one: _rank(relative, one.column)))


def _tied(values: np.ndarray, bound: np.ndarray) -> bool:
    """True if a bound decides much of a column: they are often equal, or rise together.

    Otherwise the column is drawn by itself, as a share of an unrelated bound would not give its distribution back, and
    the few values beyond the bound are moved to it.
    """
    known = ~np.isnan(values) & ~np.isnan(bound)
    one, other = values[known], bound[known]
    if np.mean(one == other) >= _OFTEN_EQUAL:
        return True
    return bool(np.corrcoef(ranks(one), ranks(other))[0, 1] >= _RISE_TOGETHER)


def _pair(rule: Rule) -> tuple[str, str] | None:
    """The two columns that an order or an implied equality ties."""
    if isinstance(rule, Order) and not rule.strict:
        return rule.low, rule.high
    if isinstance(rule, Implies) and rule.then.other:
        return rule.then.column, rule.then.other
    return None


def _chained(found: Mapping[str, Bounded], start: str, goal: str) -> bool:
    """True if a column's bound leads back to another column."""
    while start in found:
        start = found[start].bound
        if start == goal:
            return True
    return False


def _rank(found: Mapping[str, Bounded], name: str) -> int:
    return 0 if name not in found else 1 + _rank(found, found[name].bound)


def _test(rule: Rule, target: str) -> Statement | None:
    """The statement on another column that decides the law of the target, if the rule has one."""
    if isinstance(rule, Gives):
        return Statement(rule.code if target == rule.label else rule.label)
    if isinstance(rule, Bands) and target == rule.number:
        return Statement(rule.group)
    if isinstance(rule, Together):
        return Statement(next(name for name in rule.names if name != target), state="missing")
    if isinstance(rule, Implies) and not rule.then.other and not rule.when.other:
        return rule.when if target == rule.then.column else rule.then
    return None


def _circular(states: Mapping[str, States], start: str, goal: str) -> bool:
    """True if the law of a column already depends on the goal."""
    if start == goal:
        return True
    return start in states and any(_circular(states, name, goal) for name in states[start].columns)


def mending_of(rules: Iterable[Rule], schema: Schema, aimed: Iterable[str] = (), keep: Collection[str] = ()) -> Mending:
    """The columns that these rules change, and in which order.

    The arm, subgroups, the id, what roles work out, and columns that are calibrated (`aimed`) never change. The primary
    endpoint, the endpoints that precede it and the entry change only where no other column can.
    """
    primary = primary_of(schema)
    ends = [schema.endpoints[first] for first, _ in schema.order] + ([primary] if primary else [])
    drawn = {name for end in ends for name in (end.time, end.event)} | ({schema.entry} if schema.entry else set())
    never = {*schema.strata, *schema.identifiers, *schema.bands, *schema.totals, *schema.derived, *aimed}
    return Mending.of(rules, schema, drawn - never, never, keep)


def kept_parts(keep: Sequence[str], mending: Mending) -> tuple[str, ...]:
    """The columns to keep (`keep_columns`): the parts in place of a sum or copy, and no label beside its code."""
    found: list[str] = []
    given = {target: rule.code for rule, target in mending.steps if isinstance(rule, Gives) and target == rule.label}
    waiting = [name for name in keep if given.get(name) not in keep]
    while waiting:
        name = waiting.pop(0)
        rule = mending.worked_out.get(name)
        if isinstance(rule, Sum | Equal):
            waiting = [*(other for other in rule.columns if other != name), *waiting]
        elif name not in found:
            found.append(name)
    return tuple(found)


def _replaced(names: Sequence[str], one: str, parts: Sequence[str]) -> tuple[str, ...]:
    """These names with others in the place of one."""
    return tuple(dict.fromkeys(new for name in names for new in (parts if name == one else (name,))))


def in_shown_order(schema: Schema, rules: Iterable[Rule]) -> Schema:
    """The schema with the order of endpoints that rules show, if none is declared and the first one is not the last.

    The endpoint that comes last is modelled first, and those before it given it. The other way round, an endpoint would
    be drawn by what it adds to an earlier one: past the data cut, and with deaths at other times in each.
    """
    name = {end.time: end.name for end in schema.endpoints.values()}
    pairs = [(name[rule.low], name[rule.high]) for rule in rules
             if isinstance(rule, Order) and rule.low in name and rule.high in name]  # fmt: skip
    first = next(iter(schema.endpoints), "")
    after = [high for low, high in pairs if low == first]
    if schema.order or not after:
        return schema
    last = max(after, key=[high for _, high in pairs].count)
    return schema.with_roles(order=tuple(pair for pair in pairs if pair[1] == last))


def primary_of(schema: Schema) -> Endpoint | None:
    """The endpoint that is modelled first: last in the declared order, else the first declared; None without any."""
    if schema.order:
        return schema.endpoints[schema.order[-1][1]]
    return next(iter(schema.endpoints.values()), None)
