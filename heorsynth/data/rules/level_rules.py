"""Rules of levels: bands of a number, levels that follow from another column's, and values implied by a condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.levels import band_texts
from heorsynth.data.rules.rule import Rule, Value, as_level, name_text, near, number_text, value_text, with_values


@dataclass(frozen=True)
class Bands(Rule):
    """A column names the band of a number, and is missing where the number is; see `columns.schema.Band`."""

    kind: ClassVar[str] = "band"
    group: str
    number: str
    edges: tuple[float, ...]
    labels: tuple[Value, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.group, self.number

    @property
    def text(self) -> str:
        below = [
            f"{value_text(label)} below {number_text(edge)}"
            for label, edge in zip(self.labels[:-1], self.edges, strict=True)
        ]
        bands = ", ".join([*below, f"else {value_text(self.labels[-1])}"])
        return f"{name_text(self.group)} is the band of {name_text(self.number)}: {bands}"

    @property
    def targets(self) -> tuple[str, ...]:
        return self.columns

    def about(self, table: Arrays) -> np.ndarray:
        return np.asarray(~np.isnan(table.numbers(self.number)))

    def derived(self, table: Arrays, target: str) -> np.ndarray | None:
        if target != self.group:
            return None
        return band_texts(table.numbers(self.number), self.edges, tuple(map(as_level, self.labels)))

    def broken_rows(self, table: Arrays) -> np.ndarray:
        labels = tuple(map(as_level, self.labels))
        return np.asarray(table.text(self.group) != band_texts(table.numbers(self.number), self.edges, labels))

    def mended(self, table: Arrays, target: str) -> pd.Series:
        rows, column = self.broken_rows(table), table.frame[target]
        if target == self.group:
            place = np.searchsorted(np.asarray(self.edges), table.numbers(self.number)[rows], side="right")
            known = ~np.isnan(table.numbers(self.number)[rows])
            return with_values(column, rows, _picked(self.labels, np.where(known, place, -1)))
        labels = [as_level(label) for label in self.labels]
        ends = [-np.inf, *self.edges, np.inf]
        values = table.numbers(self.number).copy()
        for place, label in enumerate(labels):
            held = rows & (table.text(self.group) == label)
            low, high = ends[place], ends[place + 1]
            inside = high - max(1e-6, 1e-6 * abs(high)) if np.isfinite(high) else np.inf
            values[held] = np.clip(np.where(np.isnan(values[held]), max(low, -1e300), values[held]), low, inside)
        values[rows & (table.text(self.group) == "")] = np.nan
        return with_values(column, rows, values[rows])


@dataclass(frozen=True)
class Gives(Rule):
    """The level of a column decides that of another, as a code does its label and a site its arm.

    `pairs` are the levels of the first column as text, each with the value of the second; None is a missing value.
    Only pairs that enough patients have are listed: other levels decide nothing.
    """

    kind: ClassVar[str] = "gives"
    code: str
    label: str
    pairs: tuple[tuple[str, Value | None], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.code, self.label

    @property
    def text(self) -> str:
        return f"{name_text(self.code)} gives {name_text(self.label)}"

    @property
    def targets(self) -> tuple[str, ...]:
        return self.label, self.code

    def _places(self, table: Arrays) -> np.ndarray:
        """The pair (n,) that each row's code is of; -1 for none."""
        held = table.levels(self.code)
        places = held.among([code for code, _ in self.pairs])
        return np.where(places < len(self.pairs), places, -1)

    def about(self, table: Arrays) -> np.ndarray:
        return np.asarray(self._places(table) >= 0)

    def broken_rows(self, table: Arrays) -> np.ndarray:
        places = self._places(table)
        wanted = np.array([*("" if label is None else as_level(label) for _, label in self.pairs), ""], dtype=object)
        return np.asarray((places >= 0) & (table.text(self.label) != wanted[places]))

    def mended(self, table: Arrays, target: str) -> pd.Series:
        rows, column = self.broken_rows(table), table.frame[target]
        if target == self.label:
            return with_values(column, rows, _picked([label for _, label in self.pairs], self._places(table)[rows]))
        fine, labels = ~rows, table.text(self.label)
        for label in np.unique(labels[rows]):
            column = _donated(column, rows & (labels == label), np.flatnonzero(fine & (labels == label)))
        return column


@dataclass(frozen=True)
class Statement:
    """A statement on one row: a column has a value, is missing or is known, or equals another column.

    Exactly one of `value`, `state` ("missing", "known") and `other` is set.
    """

    column: str
    value: Value | None = None
    state: str = ""
    other: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, self.other) if self.other else (self.column,)

    @property
    def text(self) -> str:
        if self.state:
            return f"{name_text(self.column)} is {self.state}"
        what = name_text(self.other) if self.other else value_text(self.value if self.value is not None else "")
        return f"{name_text(self.column)} = {what}"

    def holds(self, table: Arrays) -> np.ndarray:
        """True (n,) where the statement is true."""
        if self.state:
            return np.asarray(table.missing(self.column) == (self.state == "missing"))
        if self.other:
            one, other = table.numbers(self.column), table.numbers(self.other)
            numbers = near(one, other) & ~np.isnan(one)
            return np.asarray(numbers | (table.text(self.column) == table.text(self.other)))
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            numbers = table.numbers(self.column)
            return near(numbers, np.full(table.n, float(self.value)))
        return np.asarray(table.text(self.column) == as_level(self.value if self.value is not None else ""))


@dataclass(frozen=True)
class Implies(Rule):
    """Where one statement on a row is true, so is another."""

    kind: ClassVar[str] = "implies"
    when: Statement
    then: Statement

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.when.columns, *self.then.columns)))

    @property
    def text(self) -> str:
        return f"{self.when.text} implies {self.then.text}"

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.then.columns, *self.when.columns)))

    def about(self, table: Arrays) -> np.ndarray:
        return self.when.holds(table)

    def broken_rows(self, table: Arrays) -> np.ndarray:
        return np.asarray(self.when.holds(table) & ~self.then.holds(table))

    def mended(self, table: Arrays, target: str) -> pd.Series:
        rows, column = self.broken_rows(table), table.frame[target]
        then = self.then
        if target in then.columns and then.state != "known":
            if then.other:
                source = then.other if target == then.column else then.column
                return with_values(column, rows, table.frame[source].to_numpy()[rows])
            return with_values(column, rows, None if then.state == "missing" else then.value)
        donors = np.flatnonzero(~self.when.holds(table) if target in self.when.columns else then.holds(table))
        return _donated(column, rows, donors)


@dataclass(frozen=True)
class Together(Rule):
    """Columns are missing in the same rows, as those of a visit that did not take place."""

    kind: ClassVar[str] = "together"
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names

    @property
    def text(self) -> str:
        return f"{', '.join(map(name_text, self.names))} are missing together"

    @property
    def targets(self) -> tuple[str, ...]:
        return self.names

    def about(self, table: Arrays) -> np.ndarray:
        return np.asarray(table.missing(self.names[0]))

    def _missing(self, table: Arrays) -> np.ndarray:
        """True where a column (k, n) is missing."""
        return np.array([table.missing(name) for name in self.names])

    def broken_rows(self, table: Arrays) -> np.ndarray:
        missing = self._missing(table)
        return np.asarray(missing.any(axis=0) & ~missing.all(axis=0))

    def mended(self, table: Arrays, target: str) -> pd.Series:
        source = next(name for name in self.names if name != target)
        missing, held = table.missing(source), table.missing(target)
        column = with_values(table.frame[target], missing & ~held, None)
        return _donated(column, held & ~missing, np.flatnonzero(~held))


def _donated(column: pd.Series, rows: np.ndarray, donors: np.ndarray) -> pd.Series:
    """The column with the values of donors, in turn, in these rows (a mask); unchanged without a donor."""
    taken = np.flatnonzero(rows)
    if not len(donors) or not len(taken):
        return column
    found, values = column.copy(), column.iloc[donors[np.arange(len(taken)) % len(donors)]]
    found.iloc[taken] = values.array if isinstance(column.dtype, pd.CategoricalDtype) else values.to_numpy()
    return found


def _picked(values: Sequence[Value | None], places: np.ndarray) -> np.ndarray:
    """The values (n,) at these places (n,); None at -1."""
    held: np.ndarray = np.empty(len(values) + 1, dtype=object)
    held[:] = [*values, None]
    found: Any = held[places]
    return np.asarray(found)
