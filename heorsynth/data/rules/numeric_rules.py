"""Rules of numbers: equal columns, one never above another, sums with their areas and differences, and steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.rules.rule import RELATIVE, Rule, name_text, near, number_text, visit_of, with_values

_MOST_EXCHANGED, _DONORS = 2000, 5000
"""Rows that may take another row's value, and rows that may give theirs."""


@dataclass(frozen=True)
class Equal(Rule):
    """Two columns have the same value in every row, or both are missing."""

    kind: ClassVar[str] = "equal"
    first: str
    second: str

    @property
    def columns(self) -> tuple[str, ...]:
        return self.first, self.second

    @property
    def text(self) -> str:
        return f"{name_text(self.second)} = {name_text(self.first)}"

    @property
    def targets(self) -> tuple[str, ...]:
        return self.second, self.first

    def about(self, table: Arrays) -> np.ndarray:
        return np.asarray(~table.missing(self.first))

    def derived(self, table: Arrays, target: str) -> np.ndarray | None:
        source = self.first if target == self.second else self.second
        numbers = table.numbers(source)
        return table.text(source) if np.isnan(numbers[~table.missing(source)]).any() else numbers

    def broken_rows(self, table: Arrays) -> np.ndarray:
        one, other = table.numbers(self.first), table.numbers(self.second)
        same = near(one, other) & ~np.isnan(one)
        return np.asarray(~same & (table.text(self.first) != table.text(self.second)))

    def mended(self, table: Arrays, target: str) -> pd.Series:
        source = self.first if target == self.second else self.second
        found = table.frame[source]
        try:
            return found.astype(table.frame[target].dtype)
        except (TypeError, ValueError):
            return found


@dataclass(frozen=True)
class Order(Rule):
    """Where both are known, the first column is never above the second; with `strict`, always below it."""

    kind: ClassVar[str] = "order"
    low: str
    high: str
    strict: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return self.low, self.high

    @property
    def text(self) -> str:
        return f"{name_text(self.low)} {'<' if self.strict else '<='} {name_text(self.high)}"

    @property
    def targets(self) -> tuple[str, ...]:
        return self.low, self.high

    def about(self, table: Arrays) -> np.ndarray:
        return np.asarray(~np.isnan(table.numbers(self.low)) & ~np.isnan(table.numbers(self.high)))

    def broken_rows(self, table: Arrays) -> np.ndarray:
        low, high = table.numbers(self.low), table.numbers(self.high)
        with np.errstate(invalid="ignore"):
            if self.strict:
                return np.asarray(low >= high)
            return np.asarray((low > high) & ~near(low, high))

    def mended(self, table: Arrays, target: str) -> pd.Series:
        low, high, rows = table.numbers(self.low), table.numbers(self.high), self.broken_rows(table)
        column, bound = table.frame[target], (high if target == self.low else low)[rows]
        if self.strict:
            whole = bool(np.all(np.mod(column.dropna().to_numpy(float), 1) == 0))
            step = np.ones(len(bound)) if whole else np.maximum(1e-6 * np.abs(bound), 1e-9)
            bound = bound - step if target == self.low else bound + step
        return with_values(column, rows, bound)

    def exchanged(self, table: Arrays, target: str) -> pd.Series:
        """The column with values exchanged between rows, so that its distribution stays; a few rows may stay broken.

        A row that breaks the rule takes the value of another row, the nearest one that fits it and whose own bound the
        given value fits.
        """
        column, values = table.frame[target], table.numbers(target)
        upper = target == self.low
        sign = 1.0 if upper else -1.0
        mine, bound = sign * values, sign * table.numbers(self.high if upper else self.low)
        rows = np.flatnonzero(self.broken_rows(table))
        rows = rows[np.argsort(-mine[rows], kind="stable")][:_MOST_EXCHANGED]
        others = np.flatnonzero(~self.broken_rows(table) & ~np.isnan(mine) & ~np.isnan(bound))
        others = others[np.unique(np.linspace(0, max(len(others) - 1, 0), min(len(others), _DONORS)).astype(int))]
        place = np.arange(table.n)
        for row in rows:
            fits = (mine[others] <= bound[row]) & (bound[others] >= mine[row])
            if fits.any():
                best = int(np.argmax(np.where(fits, mine[others], -np.inf)))
                other = others[best]
                place[row], place[other] = place[other], place[row]
                others = np.delete(others, best)
        return pd.Series(column.iloc[place].array, index=column.index, name=column.name)


@dataclass(frozen=True)
class Sum(Rule):
    """A column is a constant plus multiples of other columns; it is missing where one of them is.

    `terms` are pairs of factor and column. `within` is the rounding of the column's decimals: its values may have been
    rounded after they were calculated. Differences, unit conversions, dates with durations, and areas under utilities
    of visits are of this kind.
    """

    kind: ClassVar[str] = "sum"
    whole: str
    terms: tuple[tuple[float, str], ...]
    constant: float = 0.0
    within: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.whole, *(name for _, name in self.terms))

    @property
    def text(self) -> str:
        parts = "".join(
            f" {'-' if factor < 0 else '+'} "
            + ("" if abs(factor) == 1 else f"{number_text(abs(factor))} * ")
            + name_text(name)
            for factor, name in self.terms
        )
        parts = parts.removeprefix(" + ")
        parts = f"-{parts[3:]}" if parts.startswith(" - ") else parts
        if self.constant:
            parts += f" {'-' if self.constant < 0 else '+'} {number_text(abs(self.constant))}"
        rounding = f", within {number_text(self.within)}" if self.within else ""
        return f"{name_text(self.whole)} = {parts}{rounding}"

    @property
    def plain_sum(self) -> bool:
        """True if the column is the sum of its parts: no factor but 1, and no constant."""
        return not self.constant and all(factor == 1 for factor, _ in self.terms)

    @property
    def area(self) -> bool:
        """True if the factors are those of the area under a line through visits, by the numbers in their names."""
        visits = [visit_of(name) for _, name in self.terms]
        if len(visits) < 2 or None in visits or self.constant:
            return False
        named = [one for one in visits if one is not None]
        if len({stem for stem, _ in named}) > 1:
            return False
        order = np.argsort([time for _, time in named])
        times = np.array([time for _, time in named])[order]
        gaps = np.diff(times)
        wanted = (np.append(gaps, 0) + np.append(0, gaps)) / 2
        factors = np.array([factor for factor, _ in self.terms])[order]
        return bool(gaps.min() > 0 and np.allclose(factors / factors.sum(), wanted / wanted.sum(), atol=1e-3))

    @property
    def targets(self) -> tuple[str, ...]:
        return self.columns

    def total(self, table: Arrays) -> np.ndarray:
        """What the terms add up to (n,)."""
        return np.asarray(sum(factor * table.numbers(name) for factor, name in self.terms) + self.constant)

    def about(self, table: Arrays) -> np.ndarray:
        return np.asarray(~np.isnan(table.numbers(self.whole)))

    def broken_rows(self, table: Arrays) -> np.ndarray:
        return ~near(table.numbers(self.whole), self.total(table), self.within)

    def derived(self, table: Arrays, target: str) -> np.ndarray | None:
        if target == self.whole:
            return self.total(table)
        factor = next(factor for factor, name in self.terms if name == target)
        rest = sum(other * table.numbers(name) for other, name in self.terms if name != target) + self.constant
        return np.asarray((table.numbers(self.whole) - rest) / factor)

    def mended(self, table: Arrays, target: str) -> pd.Series:
        rows, wanted = self.broken_rows(table), np.asarray(self.derived(table, target))
        if target != self.whole:
            gaps = np.isnan(wanted) & ~np.isnan(table.numbers(target))
            wanted = np.where(gaps, table.numbers(target), wanted)
        return with_values(table.frame[target], rows, np.round(wanted[rows], 9))


@dataclass(frozen=True)
class Steps(Rule):
    """Every known value is a multiple of one number."""

    kind: ClassVar[str] = "steps"
    column: str
    step: float

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def text(self) -> str:
        return f"{name_text(self.column)} in steps of {number_text(self.step)}"

    @property
    def targets(self) -> tuple[str, ...]:
        return self.columns

    def about(self, table: Arrays) -> np.ndarray:
        return np.asarray(~np.isnan(table.numbers(self.column)))

    def broken_rows(self, table: Arrays) -> np.ndarray:
        values = table.numbers(self.column)
        nearest = self.step * np.round(values / self.step)
        return ~near(values, nearest, RELATIVE * self.step)

    def mended(self, table: Arrays, target: str) -> pd.Series:
        rows = self.broken_rows(table)
        return with_values(table.frame[target], rows, self._nearest(table.numbers(target)[rows]))

    def _nearest(self, values: np.ndarray) -> np.ndarray:
        """The nearest multiples of the step (n,); what is above 0 stays above 0."""
        found = self.step * np.round(values / self.step)
        return np.round(np.where((values > 0) & (found == 0), self.step, found), 9)
