"""`Rules`: the rules of a cohort, discovered in its rows, added and struck by its user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd

from heorsynth.core.disclosure import RULES, small
from heorsynth.core.display import Card, counted
from heorsynth.data.rules.grammar import rule_from_dict
from heorsynth.data.rules.rule import Rule

MIN_PATIENTS = 10
"""A rule is about at least so many patients, unless more are asked for."""


@dataclass(frozen=True, repr=False)
class Rules(Sequence[Rule]):
    """Rules in a fixed order; those that columns are calculated by come first.

    Attributes
    ----------
    rules : tuple of Rule
    least : int              patients that each discovered rule is about, at least
    skipped : int            columns in which no rule was looked for, because there are too many
    added : frozenset        texts of the rules that the user added
    """

    rules: tuple[Rule, ...] = ()
    least: int = MIN_PATIENTS
    skipped: int = 0
    added: frozenset[str] = frozenset()

    @overload
    def __getitem__(self, place: int) -> Rule: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Rule]: ...
    def __getitem__(self, place: int | slice) -> Rule | Sequence[Rule]:
        return self.rules[place]

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    @property
    def texts(self) -> tuple[str, ...]:
        """Each rule in words."""
        return tuple(rule.text for rule in self.rules)

    def broken(self, frame: pd.DataFrame) -> dict[str, int]:
        """Rule in words to the number of rows of a frame that break it; rules that no row breaks are not listed."""
        found = {rule.text: int(rule.broken(frame).sum()) for rule in self.rules}
        return {text: count for text, count in found.items() if count}

    def _surely(self, rule: Rule) -> str:
        return "added" if rule.text in self.added else f"10^{max(round(rule.log_chance), -300)}"

    def to_frame(self) -> pd.DataFrame:
        """One row a rule: rule, kind, columns, patients (a multiple of five; 0 for fewer), log10_chance, added."""
        return pd.DataFrame(
            {
                "rule": self.texts,
                "kind": [rule.kind for rule in self.rules],
                "columns": [", ".join(rule.columns) for rule in self.rules],
                "patients": [RULES.floor(rule.support) for rule in self.rules],
                "log10_chance": [np.nan if rule.text in self.added else round(rule.log_chance) for rule in self.rules],
                "added": [rule.text in self.added for rule in self.rules],
            }
        )

    def card(self) -> Card:
        """The table that `repr` and its HTML show."""
        note = "patients: whom a rule is about, at least; chance: that shuffled columns obey one of all rules tried"
        if self.skipped:
            note += f"\nNot looked at, as there are so many: {counted(self.skipped, 'column')}"
        rows = [(rule.text, rule.kind, _about(rule.support), self._surely(rule)) for rule in self.rules]
        return Card(f"{counted(len(self.rules), 'rule')}", ("rule", "kind", "patients", "chance"), tuple(rows), note)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()

    def to_dict(self) -> list[dict[str, Any]]:
        """The rules as data for JSON."""
        return [rule.to_dict() for rule in self.rules]

    @classmethod
    def from_dict(cls, facts: Iterable[Mapping[str, Any]]) -> Rules:
        """The rules that `to_dict` wrote."""
        return cls(tuple(rule_from_dict(dict(one)) for one in facts))


def _about(support: int) -> str:
    """A number of patients as text: rounded down to a multiple of five, "<5" for one to four."""
    return small(support) if support < RULES.smallest else f"{RULES.floor(support):,}"
