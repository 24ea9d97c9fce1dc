"""The columns of a panel of analyses: outcomes, groups and covariates as numbers, made alike for every cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from heorsynth.checks.structure.columns import compared_columns, distinct, is_numeric, numbers
from heorsynth.checks.survival.horizon import default_horizon, outcome
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.arrays import Distinct
from heorsynth.estimators.survival.pseudo_values import restricted_time

FEWEST = 10
"""A smaller group is not analysed: Table 1 would not show its mean, and its standard error would be a guess."""

_HEAD = 2_000
"""Rows looked at first: groups that are large enough among them, and vary, are so among all."""

_VARIES = 1e-6
"""A sum of squares around a mean above this share of the sum of squares is no rounding error: the values differ."""

_MOST_LEVELS = 10
"""Only this many of the commonest levels are analysed, so that a list of hospitals does not fill the panel."""


class Column(Protocol):
    """One column of the panel. Cuts and units come from the patients, so it means the same in every cohort."""

    @property
    def source(self) -> str:
        """The column of the cohort, or the endpoint, that it is made from."""

    @property
    def words(self) -> str:
        """What it is, for a reader."""

    @property
    def spread(self) -> float:
        """Its unit in units of the cohort's column, in which estimates are shown."""

    def of(self, cohort: Cohort) -> np.ndarray:
        """Return its values (n,), NaN where unknown."""


@dataclass(frozen=True)
class Number:
    """A number in standard deviations of the patients, as an outcome or a covariate."""

    source: str
    centre: float
    spread: float

    @property
    def words(self) -> str:
        """The column's name."""
        return self.source

    def of(self, cohort: Cohort) -> np.ndarray:
        """Return its values, standardised with the patients' mean and standard deviation."""
        return (numbers(cohort, self.source) - self.centre) / self.spread


@dataclass(frozen=True)
class High:
    """Whether a number is high: above the patients' median, or at it if no patient is above."""

    source: str
    cut: float
    at_cut: bool

    @property
    def words(self) -> str:
        """The two groups that are compared."""
        return f"high and low {self.source}"

    @property
    def spread(self) -> float:
        """An indicator has no unit."""
        return 1.0

    def of(self, cohort: Cohort) -> np.ndarray:
        """Return 1 for high and 0 for low."""
        values = numbers(cohort, self.source)
        high = values >= self.cut if self.at_cut else values > self.cut
        return np.where(np.isnan(values), np.nan, high)


@dataclass(frozen=True)
class Level:
    """Whether a column has a level; with `against`, only rows of these two levels are used."""

    source: str
    level: str
    against: str | None = None

    @property
    def words(self) -> str:
        """Column and level."""
        return f"{self.source}={self.level}"

    @property
    def spread(self) -> float:
        """An indicator has no unit."""
        return 1.0

    def of(self, cohort: Cohort) -> np.ndarray:
        """Return 1 for the level and 0 for the others."""
        if not cohort.has(self.source):
            return np.full(cohort.n, np.nan)
        held = cohort.coded(self.source)
        chosen = held.names == self.level
        known = held.names != "" if self.against is None else chosen | (held.names == self.against)
        return np.asarray(np.where(known, chosen, np.nan)[held.codes])


@dataclass(frozen=True)
class RestrictedTime:
    """The pseudo-value of the time without an endpoint's event up to a horizon, in standard deviations.

    It is the outcome of an endpoint as a number that allows for censoring, in the unit of time, so that a group
    contrast is a difference of restricted means. A log-rank score or a martingale residual is also a number, but in no
    unit that a reader knows.
    """

    source: str
    horizon: float
    unit: str
    spread: float

    @property
    def words(self) -> str:
        """What it is, with the horizon."""
        return f"restricted mean time of {self.source} to {significant(self.horizon)} {self.unit}s"

    def of(self, cohort: Cohort) -> np.ndarray:
        """Return its values; all unknown where the cohort's follow-up allows no curve."""
        time, event, entry = outcome(cohort, self.source)
        try:
            return restricted_time(time, event, self.horizon, entry) / self.spread
        except NotEstimableError:
            return np.full(cohort.n, np.nan)


@dataclass(frozen=True)
class PanelColumns:
    """What the analyses of a cohort are made of.

    Attributes
    ----------
    numbers : tuple       numbers that are outcomes or covariates
    times : tuple         pseudo-values of the endpoints
    levels : dict         column: its levels with enough patients, the commonest first
    high : dict           number: its two groups; also follow-up times
    arms : tuple          each arm against the reference
    values : dict         pseudo-value: its values (n,) in the patients
    """

    numbers: tuple[Number, ...]
    times: tuple[RestrictedTime, ...]
    levels: dict[str, tuple[Level, ...]]
    high: dict[str, High]
    arms: tuple[Level, ...]
    values: Mapping[RestrictedTime, np.ndarray]


def panel_columns(real: Cohort, names: Sequence[str] | None = None) -> PanelColumns:
    """Return these columns of the patients, by default all but the id. It reads nothing but the patients."""
    schema = real.schema
    names = compared_columns(real) if names is None else names
    values = {name: numbers(real, name) for name in names if is_numeric(real, name)}
    high = {name: cut for name in values if (cut := _high(name, distinct(real, name))) is not None}
    kept = [name for name in high if name not in schema.times]
    standard = tuple(Number(name, float(np.nanmean(values[name])), float(np.nanstd(values[name]))) for name in kept)
    levels = {name: found for name in names if name not in values and (found := _levels(real, name))}
    arms = real.arm_levels
    common = {one.level for one in levels.get(schema.arm or "", ())}
    pairs = tuple(Level(schema.arm or "", arm, arms[0]) for arm in arms[1:] if {arm, arms[0]} <= common)
    times = _times(real)
    return PanelColumns(standard, tuple(times), levels, high, pairs, times)


def values_of(cohort: Cohort, columns: Sequence[Column]) -> list[np.ndarray]:
    """Return the values (n,) of each column in a cohort."""
    return [column.of(cohort) for column in columns]


def _high(name: str, held: Distinct) -> High | None:
    n = held.n_known
    if n < 2 * FEWEST:
        return None
    cut = float(held.at(np.array([(n - 1) // 2, n // 2])).mean())
    at_cut = not (held.values[held.counts > 0] > cut).any()
    above = int(held.counts[held.values >= cut if at_cut else held.values > cut].sum())
    return High(name, cut, at_cut) if min(above, n - above) >= FEWEST else None


def _levels(real: Cohort, name: str) -> tuple[Level, ...]:
    held = real.coded(name).counts
    found, counts = list(held), np.array([*held.values()], dtype=int)
    total = int(counts.sum())
    order = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
    return tuple(Level(name, found[i]) for i in order if FEWEST <= counts[i] <= total - FEWEST)


def _times(real: Cohort) -> dict[RestrictedTime, np.ndarray]:
    found = {}
    for name in real.schema.endpoints:
        column = RestrictedTime(name, default_horizon(real, name), real.schema.unit, 1.0)
        values = column.of(real)
        spread = float(np.nanstd(values)) if np.isfinite(values).any() else 0.0
        if spread > 0:
            found[RestrictedTime(name, column.horizon, column.unit, spread)] = values / spread
    return found


def upper(values: np.ndarray) -> np.ndarray:
    """Return whether each value is above the median, or is the larger of one or two."""
    return _is_upper(values, _middle(values))


def _middle(values: np.ndarray) -> tuple[float, bool]:
    least, most = values.min(), values.max()
    several = ((values > least) & (values < most)).any()
    return (float(np.median(values)), False) if several else (float(most), True)


def _is_upper(values: np.ndarray, middle: tuple[float, bool]) -> np.ndarray:
    cut, at_cut = middle
    return np.asarray(values >= cut if at_cut else values > cut)


def middle_of(column: Column, real: Cohort, values: np.ndarray) -> tuple[float, bool]:
    """Return where the upper values (n,) of a column without gaps begin, and whether the cut belongs to them."""
    if isinstance(column, (High, Level)):
        return float(values.max()), True
    if not isinstance(column, Number):
        return _middle(values)
    held = distinct(real, column.source)
    present = np.flatnonzero(held.counts)
    if len(present) < 3:
        return float(values.max()), True
    middle = float(held.at(np.array([(len(values) - 1) // 2, len(values) // 2])).mean())
    return (middle - column.centre) / column.spread, False


def filled(outcome: np.ndarray, high: Sequence[np.ndarray]) -> bool:
    """Return whether each cell of upper and lower values has enough patients whose outcome varies."""
    for rows in (slice(_HEAD), slice(None)):
        cell = sum(one[rows].astype(np.int8) << place for place, one in enumerate(high))
        parts = [outcome[rows][cell == place] for place in range(2 ** len(high))]
        if all(len(part) >= FEWEST and np.ptp(part) > 0 for part in parts):
            return True
    return False


class Head:
    """What the first rows of columns without gaps show: all outcomes in the cells of a term at once."""

    def __init__(self, values: Mapping[Column, np.ndarray], cuts: Mapping[Column, tuple[float, bool]]) -> None:
        self.place = {column: place for place, column in enumerate(values)}
        self.values = {column: held[:_HEAD] for column, held in values.items()}
        self.cuts = cuts
        self.both = np.array([*self.values.values()])
        self.both = np.concatenate([self.both, self.both**2]) if len(self.both) else self.both
        self.found: dict[tuple[Column, ...], np.ndarray] = {}

    def shows(self, outcome: Column, term: tuple[Column, ...]) -> bool:
        """Return whether each cell has enough of these rows, whose outcome varies; False says nothing of all rows."""
        if term not in self.found:
            self.found[term] = self._shown(term)
        return bool(self.found[term][self.place[outcome]])

    def _shown(self, term: tuple[Column, ...]) -> np.ndarray:
        high = [_is_upper(self.values[column], self.cuts[column]) for column in term]
        cell = sum(one.astype(np.int8) << place for place, one in enumerate(high))
        cells = (np.arange(2 ** len(term))[:, None] == cell).astype(float)
        rows = cells.sum(axis=1, keepdims=True)
        summed, squared = np.split(cells @ self.both.T, 2, axis=1)
        varies = squared - summed**2 / np.maximum(rows, 1) > _VARIES * squared
        return np.asarray(((rows >= FEWEST) & varies).all(axis=0))
