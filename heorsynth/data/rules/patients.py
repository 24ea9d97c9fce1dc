"""The columns of a cohort as rules are looked for in them: numbers and levels, without those that a role explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.schema import Schema
from heorsynth.data.rules.rule import Value, plain

_MOST_LEVELS = 50
"""A column with more levels is not looked at as a column of levels."""

_FEW_NUMBERS = 12
"""A column of at most so many different whole numbers is also looked at as a column of levels."""

MOST_COLUMNS = 600
"""Rules are looked for in at most so many columns of each kind: those with a role and then the first ones."""


@dataclass(frozen=True)
class Patients:
    """The columns to look for rules in.

    Attributes
    ----------
    table : Arrays
    schema : Schema
    least : int               patients that every rule must be about
    numeric : tuple of str    columns of numbers
    levels : tuple of str     columns of levels
    skipped : int             columns that were left out because there are too many
    alike : frozenset         columns that are the same within every cluster
    """

    table: Arrays
    schema: Schema
    least: int
    numeric: tuple[str, ...]
    levels: tuple[str, ...]
    skipped: int = 0
    alike: frozenset[str] = frozenset()
    _declared: frozenset[frozenset[str]] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, frame: pd.DataFrame, schema: Schema, least: int, table: Arrays | None = None) -> Patients:
        """The columns of a frame with these roles."""
        table, numeric, levels = table or Arrays(frame), [], []
        hidden = {*schema.derived, *schema.schedule.times.values()}
        roles = [name for name in schema.columns if name in frame.columns]
        names = list(dict.fromkeys([*roles, *map(str, frame.columns)]))
        for name in names:
            if name in schema.identifiers or name in hidden:
                continue
            column = frame[name]
            counted = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
            coded = schema.holds_levels(name)
            if counted and not coded and table.numbers(name)[~table.missing(name)].size:
                numeric.append(name)
            if coded or not counted or _few_whole(table.numbers(name)):
                levels.append(name)
        levels = [name for name in levels if 1 < _n_levels(frame[name]) <= _MOST_LEVELS]
        skipped = max(0, len(numeric) - MOST_COLUMNS) + max(0, len(levels) - MOST_COLUMNS)
        kept = tuple(numeric[:MOST_COLUMNS]), tuple(levels[:MOST_COLUMNS])
        return cls(table, schema, least, *kept, skipped, _alike(frame, schema), _pairs_of(schema))

    @property
    def n(self) -> int:
        """Number of patients."""
        return self.table.n

    def declared(self, *columns: str) -> bool:
        """True if the roles already tie these columns: a band, a total, an entry, or the order of endpoints."""
        wanted = frozenset(columns)
        return any(wanted <= pair for pair in self._declared)

    def value_of(self, name: str) -> Mapping[str, Value]:
        """Level as text to its value in the column's own type."""
        levels = self.table.levels(name)
        known = np.flatnonzero(levels.codes >= 0)
        codes, first = np.unique(levels.codes[known], return_index=True)
        values = self.table.frame[name].iloc[known[first]].tolist()
        return {str(levels.names[code]): plain(value) for code, value in zip(codes, values, strict=True)}

    def same_scale(self, one: str, other: str) -> bool:
        """True if two columns are measured on one scale by their roles: times, costs, utilities or dates."""
        schema = self.schema
        parts = {part for cost in schema.costs for part in schema.totals.get(cost, ())}
        dates = {name for name, kind in schema.kind.items() if kind == "date"}
        entry = {schema.entry} if schema.entry else set()
        families: tuple[set[str], ...] = (
            {*schema.times, *entry},
            {*schema.costs, *parts},
            {*schema.utilities},
            dates,
        )
        return any(one in family and other in family for family in families)


def _alike(frame: pd.DataFrame, schema: Schema) -> frozenset[str]:
    """The columns that are the same within every cluster."""
    if schema.cluster is None or schema.cluster not in frame:
        return frozenset()
    kinds = frame.groupby(schema.cluster, observed=True).nunique(dropna=False).max()
    return frozenset(str(name) for name in kinds.index[kinds == 1])


def _n_levels(column: pd.Series) -> int:
    """The number of levels of a column, or one above `_MOST_LEVELS` if its first rows already have more."""
    first = column.iloc[: 20 * _MOST_LEVELS].nunique()
    return int(first if first > _MOST_LEVELS else column.nunique())


def _few_whole(values: np.ndarray) -> bool:
    """True if a column has at most `_FEW_NUMBERS` different values, and all are whole."""
    for part in (values[: 20 * _FEW_NUMBERS], values):
        different = np.unique(part[~np.isnan(part)])
        if len(different) > _FEW_NUMBERS or np.any(different % 1 != 0):
            return False
    return True


def _pairs_of(schema: Schema) -> frozenset[frozenset[str]]:
    """The sets of columns that a role ties."""
    found = {frozenset((name, band.source)) for name, band in schema.bands.items()}
    found |= {frozenset((total, *parts)) for total, parts in schema.totals.items()}
    found |= {frozenset((schema.entry, name)) for name in schema.times if schema.entry}
    ends = schema.endpoints
    found |= {frozenset((ends[a].time, ends[b].time)) for a, b in schema.order if {a, b} <= ends.keys()}
    return frozenset(found)
