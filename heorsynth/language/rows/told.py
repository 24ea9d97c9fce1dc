"""What a model is told of a published trial, and the columns that its rows must have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from heorsynth.core.estimate import significant
from heorsynth.language.models.prompts import PublishedText
from heorsynth.published.schema.facts import Fact
from heorsynth.published.trial.trial import PublishedTrial

_BOUNDS = {"time": (0.0, math.inf), "cost": (0.0, math.inf), "utility": (-math.inf, math.inf),
           "characteristic": (-math.inf, math.inf)}  # fmt: skip
"""Kind of a column of numbers to the smallest and largest value; a time lies above 0."""


@dataclass(frozen=True)
class Wanted:
    """One column of the rows that are asked for.

    Attributes
    ----------
    name, kind : str         kind is time, event, characteristic, cost or utility
    meaning : str            as the model is told
    levels : tuple of str    the values of a column of levels; empty for numbers
    """

    name: str
    kind: str
    meaning: str
    levels: tuple[str, ...] = ()

    def fault(self, value: Any) -> str:
        """Return why a value cannot stand in this column, "" if it can. Nothing is converted.

        Examples
        --------
        >>> age = Wanted("age", "characteristic", "age in years")
        >>> age.fault(64), age.fault("64"), Wanted("sex", "characteristic", "", ("f", "m")).fault("F")
        ('', 'no number', 'unknown level')
        """
        if self.levels:
            return "" if value in self.levels else "unknown level"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return "no number"
        if self.kind == "event":
            return "" if value in (0, 1) else "not 0 or 1"
        low, high = _BOUNDS[self.kind]
        return "" if low <= value <= high and (value > 0 or self.kind != "time") else "out of range"


def wanted_of(trial: PublishedTrial) -> tuple[Wanted, ...]:
    """Return the columns of the cohorts of a trial, without the arm."""
    schema, found = trial.schema, []
    for name, endpoint in schema.endpoints.items():
        found.append(Wanted(endpoint.time, "time", f"{schema.unit}s from entry to {name} or to the end of follow-up"))
        found.append(Wanted(endpoint.event, "event", f"1 if {name} was observed, 0 if censored"))
    about = trial.characteristics
    for column in () if about is None else about.columns:
        found.append(Wanted(column.name, column.kind, column.name, column.levels))
    return tuple(found)


def fault_of(row: Any, wanted: tuple[Wanted, ...]) -> str:
    """Return why a row is refused, "" if it is not: "age: no number", "sex: missing", "unknown column"."""
    if not isinstance(row, Mapping):
        return "no row"
    names = {one.name for one in wanted}
    if set(row) - names:
        return "unknown column"
    for one in wanted:
        fault = one.fault(row[one.name]) if one.name in row else "missing"
        if fault:
            return f"{one.name}: {fault}"
    return ""


def told(trial: PublishedTrial, arm: str) -> PublishedText:
    """Return what a model is told: the printed facts of the trial, the columns, and the arm. No point of a curve."""
    columns = [f"- {one.name}: {one.meaning}{_levels(one)}" for one in wanted_of(trial)]
    lines = [f"Trial: {trial.name}", "Published facts:", *_facts(trial), "Columns of a row:", *columns]
    return PublishedText("\n".join([*lines, f"Arm of the rows: {arm}"]), "; ".join(trial.paper.citations.values()))


def _levels(one: Wanted) -> str:
    return f", one of {', '.join(one.levels)}" if one.levels else ""


def _facts(trial: PublishedTrial) -> Iterator[str]:
    for fact in trial.facts:
        if not math.isnan(fact.value):
            yield f"- {fact.fact}: {_number(fact)} {fact.unit}".rstrip()


def _number(fact: Fact) -> str:
    value = "not reached" if math.isinf(fact.value) else significant(fact.value, 6)
    bounds = [significant(one, 6) if math.isfinite(one) else "not reached" for one in (fact.low, fact.high)]
    return value if math.isnan(fact.low) and math.isnan(fact.high) else f"{value} ({bounds[0]} to {bounds[1]})"
