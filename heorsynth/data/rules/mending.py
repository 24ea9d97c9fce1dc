"""Chooses which column each rule changes, and mends rows in that order, so that no rule undoes another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.schema import Schema
from heorsynth.data.rules.grammar import rule_from_dict
from heorsynth.data.rules.level_rules import Bands, Implies, Together
from heorsynth.data.rules.numeric_rules import Equal, Order, Steps, Sum
from heorsynth.data.rules.rule import Rule

_PASSES = 6
"""Rules that share columns in a circle are applied again, at most so often, until no row breaks any."""

_LAST, _NEVER = 2, 3
"""Ranks of columns: those changed only if nothing else can be, and those that are never changed."""


@dataclass(frozen=True)
class Mending:
    """Rules, each with the column that it changes, in the order in which they are applied.

    Attributes
    ----------
    steps : tuple           the rules with their columns
    fixed : tuple of str    arm and subgroups
    """

    steps: tuple[tuple[Rule, str], ...] = ()
    fixed: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        rules: Iterable[Rule],
        schema: Schema,
        primary: Collection[str],
        never: Collection[str],
        rather_not: Collection[str] = (),
    ) -> Mending:
        """The order for these rules.

        Parameters
        ----------
        primary : collection of str   columns that are drawn first: they change only if no other column can
        never : collection of str     columns that may not change at all; rules among these alone are left out
        rather_not : collection       columns that change only if the others have a role too

        Notes
        -----
        Each rule takes the column that the fewest roles rest on. A copy, a sum and a band are worked out from the other
        columns. A column that a rule reads is not changed by a later rule, unless the rules form a circle.
        """
        rank = {name: 1 for name in (*schema.costs, *schema.utilities, *rather_not)}
        rank |= dict.fromkeys(primary, _LAST) | dict.fromkeys(never, _NEVER)
        reads: dict[str, set[str]] = {}
        chosen: list[tuple[Rule, str]] = []
        ordered = sorted(rules, key=lambda rule: not isinstance(rule, Equal | Sum | Bands))
        for rule in chain.from_iterable(_in_pairs(one, rank) for one in ordered):
            allowed = [name for name in rule.targets if rank.get(name, 0) < _NEVER]
            if not allowed:
                continue
            taken = {name for done, name in chosen if isinstance(done, Equal | Sum | Bands)}

            def cost(name: str, rule: Rule = rule, taken: set[str] = taken) -> tuple[bool, bool, int, int]:
                circular = any(_reaches(reads, other, name) for other in rule.columns if other != name)
                held = 0 if isinstance(rule, Sum) and name == rule.whole and rank.get(name, 0) < _LAST else 1
                return (
                    circular or name in taken,
                    rank.get(name, 0) == _LAST and not isinstance(rule, Steps),
                    held,
                    rank.get(name, 0),
                )

            target = min(allowed, key=cost)
            reads.setdefault(target, set()).update(name for name in rule.columns if name != target)
            chosen.append((rule, target))
        steps = sorted(chosen, key=lambda step: (_depth(reads, step[1], ()), step[1], _late(step[0])))
        return cls(tuple(steps), schema.strata)

    @property
    def revalued(self) -> frozenset[str]:
        """The columns of which known values are changed: not those that only become missing."""
        missing = [isinstance(rule, Together) or _only_missing(rule) for rule, _ in self.steps]
        return frozenset(target for (_, target), gone in zip(self.steps, missing, strict=True) if not gone)

    @property
    def worked_out(self) -> dict[str, Rule]:
        """Column that the others decide to the rule that says how, in an order in which each can be worked out."""
        found: dict[str, Rule] = {}
        for rule, target in self.steps:
            whole = isinstance(rule, Equal | Sum) or (isinstance(rule, Bands) and target == rule.group)
            if whole and target not in found:
                found[target] = rule
        circular = {name for name in found if name in _inputs(found, name)}
        return {name: rule for name, rule in found.items() if name not in circular}

    def mended(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same rows with every rule kept. Rules whose columns are absent are left out.

        A column of which an order is the only rule exchanges its values between rows, so that its distribution stays;
        values for which there is no exchange are moved to the bound. A row that still breaks a rule, where rules form a
        circle, is replaced by another drawn row of its arm and subgroups.
        """
        names = {*map(str, frame.columns)}
        steps = [(rule, target) for rule, target in self.steps if {*rule.columns} <= names]
        table = Arrays(frame)
        for rule, target in steps:
            alone = sum(target in other.columns for other, _ in steps) == 1
            if isinstance(rule, Order) and alone and table.n and rule.broken_rows(table).any():
                table = Arrays(table.frame.assign(**{target: rule.exchanged(table, target)}))
        for _ in range(_PASSES):
            before = table
            for rule, target in steps:
                if rule.broken_rows(table).any():
                    table = Arrays(table.frame.assign(**{target: rule.mended(table, target)}))
            if table is before:
                return table.frame
        return self._replaced(table.frame, [rule for rule, _ in steps])

    def _replaced(self, frame: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
        """The rows, with those that no mending can bring in line replaced by others of their arm and subgroups."""
        table = Arrays(frame)
        wrong = np.logical_or.reduce([rule.broken_rows(table) for rule in rules])
        place = np.arange(table.n)
        names = [name for name in self.fixed if name in table.names]
        groups = np.zeros(table.n, dtype=int)
        if names:
            groups = frame.groupby(names, dropna=False, observed=True, sort=False).ngroup().to_numpy()
        for group in np.unique(groups[wrong]):
            rows, donors = np.flatnonzero(wrong & (groups == group)), np.flatnonzero(~wrong & (groups == group))
            if len(donors):
                place[rows] = donors[np.linspace(0, len(donors) - 1, len(rows)).astype(int)]
        return frame.iloc[place].set_axis(frame.index)

    def to_dict(self) -> dict[str, Any]:
        """The steps as data for JSON."""
        return {
            "steps": [{**rule.to_dict(), "target": target} for rule, target in self.steps],
            "fixed": list(self.fixed),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Mending:
        """The steps that `to_dict` wrote."""
        steps = []
        for one in facts["steps"]:
            rule = rule_from_dict({name: part for name, part in one.items() if name != "target"})
            steps.append((rule, str(one["target"])))
        return cls(tuple(steps), tuple(facts["fixed"]))


def _in_pairs(rule: Rule, rank: Mapping[str, int]) -> list[Rule]:
    """Columns that are missing together as pairs with the one that changes least easily; any other rule as it is."""
    if not isinstance(rule, Together):
        return [rule]
    anchor = max(rule.names, key=lambda name: rank.get(name, 0))
    return [replace(rule, names=(anchor, name)) for name in rule.names if name != anchor]


def _late(rule: Rule) -> int:
    """The place of a rule among those that change the same column: steps come first, and sums last."""
    order = ("steps", "order", "gives", "together", "implies", "band", "sum", "equal")
    return order.index(rule.kind)


def _reaches(reads: Mapping[str, set[str]], start: str, goal: str) -> bool:
    """True if a column is worked out from another, directly or through others."""
    seen, waiting = {start}, [start]
    while waiting:
        for name in reads.get(waiting.pop(), ()):
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return False


def _depth(reads: Mapping[str, set[str]], name: str, path: tuple[str, ...]) -> int:
    """The number of steps before a column is final; a circle counts once."""
    below = [_depth(reads, other, (*path, name)) for other in reads.get(name, ()) if other not in (*path, name)]
    return 1 + max(below, default=0) if name in reads else 0


def _inputs(found: Mapping[str, Rule], name: str) -> set[str]:
    """The columns that a worked-out column rests on, through others that are worked out."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in found:
            new = {*found[one].columns} - {one} - seen
            seen |= new
            waiting += list(new)
    return seen


def _only_missing(rule: Rule) -> bool:
    """True for a rule by which a column is missing."""
    return isinstance(rule, Implies) and rule.then.state == "missing"
