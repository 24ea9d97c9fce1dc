"""The values each column may have, learnt from the source, and how many rows of another frame break these limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.source_checks import differs_from_parts, order_breaks
from heorsynth.data.cohort.visits import visit_breaks
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.columns.clusters import NAME_DTYPE
from heorsynth.data.columns.levels import POOLED, as_text, band_texts
from heorsynth.data.columns.schema import CODE, Schema

MAX_LEVELS = 20
"""A text column with more levels than this is treated as free text: its levels are not listed."""

_FIRST_ROWS = 1000
"""This many rows are usually enough to recognise free text."""


@dataclass(frozen=True)
class ColumnDomain:
    """The values that one column may have: its type, its levels or its range, and whether it may be missing.

    `low` and `high` are the source's own extremes, and `levels` includes levels of a single patient. These are real
    values: they are used to judge rows and are never shown. `counts` holds the number of patients with each level.
    `declared` is True if all levels may be published, however rare they are: the levels of arm, subgroups and events,
    and those read from a saved generator.
    """

    dtype: str
    whole: bool
    may_miss: bool
    levels: frozenset[str] | None = field(default=None, repr=False)
    low: float = field(default=-np.inf, repr=False)
    high: float = field(default=np.inf, repr=False)
    counts: Mapping[str, int] = field(default_factory=dict, repr=False)
    declared: bool = False

    @property
    def numeric(self) -> bool:
        """True if the column has a finite range and no levels."""
        return self.levels is None and np.isfinite(self.low)


@dataclass(frozen=True, repr=False)
class Domain:
    """The domain of each column of a source, in the source's column order, with its roles."""

    schema: Schema
    columns: Mapping[str, ColumnDomain]
    n_source: int

    @classmethod
    def of(cls, cohort: Cohort) -> Domain:
        """Return the domain of a cohort's columns, except its id."""
        return cls.of_columns(cohort.schema, columns_of(cohort), cohort.n)

    @classmethod
    def of_columns(cls, schema: Schema, columns: Mapping[str, ColumnDomain], n_source: int) -> Domain:
        """Return the domain of a source with these columns.

        Times start at 0, costs have no upper limit, and the range of a total is the sum of the ranges of its parts.
        """
        domains = dict(columns)
        longest = max((domains[name].high for name in schema.times), default=0.0)
        domains |= {name: replace(domains[name], low=0.0, high=longest) for name in schema.times}
        paid = [part for total in schema.costs for part in (total, *schema.totals.get(total, ()))]
        domains |= {name: replace(domains[name], high=np.inf) for name in paid}
        for total, parts in schema.totals.items():
            low, high = (sum(getattr(domains[part], end) for part in parts) for end in ("low", "high"))
            domains[total] = replace(domains[total], low=low, high=high)
        return cls(schema, domains, n_source)

    def to_dict(self, least: int) -> dict[str, Any]:
        """Return the columns as JSON-ready data, without the value of any single patient.

        Ranges are rounded outward. A covariate's level with fewer than `least` patients is left out. The levels of arm,
        subgroups and events are declared, so all of them are written.
        """
        columns = [[name, _written(held, least)] for name, held in self.columns.items()]
        return {"n_source": self.n_source, "columns": columns}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any], schema: Schema) -> Domain:
        """Read what `to_dict` wrote, for these roles."""
        return cls(schema, {name: _read(held) for name, held in facts["columns"]}, facts["n_source"])

    def __repr__(self) -> str:
        return f"Domain of {len(self.columns)} columns of {self.n_source:,} patients"

    def breaks(self, rows: pd.DataFrame | Arrays) -> dict[str, int]:
        """Return the number of rows that break each post-condition. Conditions without such rows are not listed.

        Checked are: columns and types, levels, whole numbers, missing values in columns without any in the source,
        times > 0, event codes, entry before the end of follow-up, negative costs if the source has none, the order
        of endpoints, bands, totals, and values outside the source's range plus 10% of its width on either side.
        """
        table = rows if isinstance(rows, Arrays) else Arrays(rows)
        schema = self.schema
        found: dict[str, int] = {}
        types_of = {name: str(dtype) for name, dtype in table.frame.dtypes.items()}
        for name, domain in self.columns.items():
            if name not in table.names:
                found[f"{name}: column is absent"] = table.n
                continue
            breaks = _column_breaks(table, name, domain, types_of[name])
            found |= {f"{name}: {what}": count for what, count in breaks.items()}
        times = [name for name in schema.times if name in table.names]
        for name in times:
            found[f"{name}: not positive"] = _count(~(table.numbers(name) > 0))
        if schema.entry is not None and schema.entry in table.names:
            entry = table.numbers(schema.entry)
            found |= {f"{name}: not after {schema.entry}": _count(~(table.numbers(name) > entry)) for name in times}
        for name in (name for name in schema.costs if name in table.names and self.columns[name].low >= 0):
            found[f"{name}: negative cost"] = _count(table.numbers(name) < 0)
        return {what: count for what, count in (found | self._derived_breaks(table)).items() if count}

    def _derived_breaks(self, table: Arrays) -> dict[str, int]:
        """Return the number of rows that break the order of endpoints, or a band or total that other columns give."""
        found: dict[str, int] = {}
        schema, frame = self.schema, table.frame
        if set(schema.times) <= table.names:
            found |= {f"{first} after {last}": count for (first, last), count in order_breaks(frame, schema).items()}
        for name, band in schema.bands.items():
            if {name, band.source} <= table.names:
                expected = band_texts(table.numbers(band.source), band.edges, band.labels)
                found[f"{name}: not the band of {band.source}"] = _count(table.text(name) != expected)
        for total, parts in schema.totals.items():
            if {total, *parts} <= table.names:
                found[f"{total}: not the sum of its parts"] = _count(differs_from_parts(frame, total, parts))
        if {*schema.schedule.values, *schema.schedule.times.values(), *schema.times} <= table.names:
            found |= visit_breaks(table, schema)
        return found


def _count(rows: np.ndarray) -> int:
    return int(np.count_nonzero(rows))


def columns_of(cohort: Cohort) -> dict[str, ColumnDomain]:
    """Return the domain of each column of a cohort or of a part of one, except its id."""
    names = [str(name) for name in cohort.rows.columns if name != cohort.schema.id]
    return {name: _column_domain(cohort.arrays, name, cohort.schema) for name in names}


def joined_columns(parts: Sequence[Mapping[str, ColumnDomain]], schema: Schema) -> dict[str, ColumnDomain]:
    """Return the domain of each column over all parts of a cohort."""
    return {name: _joined([part[name] for part in parts], coded=_is_declared(name, schema)) for name in parts[0]}


def _joined(parts: Sequence[ColumnDomain], *, coded: bool) -> ColumnDomain:
    """Return the domain over all parts. A level that is rare in each part may be common in all of them together."""
    levels, counts = None, Counter[str]()
    if all(part.levels is not None for part in parts):
        levels = frozenset[str]().union(*(part.levels or () for part in parts))
        levels = levels if coded or len(levels) <= MAX_LEVELS else None
    for part in parts if levels is not None else ():
        counts.update(part.counts)
    return ColumnDomain(
        parts[0].dtype,
        all(part.whole for part in parts),
        any(part.may_miss for part in parts),
        levels,
        min(part.low for part in parts),
        max(part.high for part in parts),
        dict(counts),
        coded,
    )


def _column_domain(table: Arrays, name: str, schema: Schema) -> ColumnDomain:
    """Return the domain of one column. A copy gives its clusters names of its own."""
    if name == schema.cluster:
        return ColumnDomain(NAME_DTYPE, False, False)
    column, may_miss = table.frame[name], bool(table.missing(name).any())
    categorical = _is_declared(name, schema)
    if schema.holds_levels(name) or not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        if not categorical:
            patients = _patients_of(table, name)
            known = None if patients is None else frozenset(patients)
            return ColumnDomain(str(column.dtype), False, may_miss, known, counts=patients or {})
        known = frozenset(table.levels(name).counts) | set(schema.levels.get(name, ()))
        if name in schema.events:
            causes = {str(code) for part in schema.endpoints.values() if part.event == name for code in part.causes}
            known = known | {"0", "1"} | causes
        return ColumnDomain(str(column.dtype), False, may_miss, known, declared=True)
    known_values = table.numbers(name)[~table.missing(name)] if may_miss else table.numbers(name)
    if not len(known_values):
        return ColumnDomain(str(column.dtype), True, may_miss, None, np.inf, -np.inf)
    whole = bool(np.all(known_values == np.floor(known_values)))
    return ColumnDomain(str(column.dtype), whole, may_miss, None, float(known_values.min()), float(known_values.max()))


def _is_declared(name: str, schema: Schema) -> bool:
    """Return True if all levels of a column may be published, however rare. This never holds for codes."""
    return schema.holds_levels(name) and schema.kind.get(name) != CODE


def _patients_of(table: Arrays, name: str) -> dict[str, int] | None:
    """Return the number of patients with each level. None for free text, whose values are never collected."""
    if as_text(table.frame[name].iloc[:_FIRST_ROWS]).nunique() > MAX_LEVELS:
        return None
    counts = table.levels(name).counts
    return None if len(counts) > MAX_LEVELS else counts


def _column_breaks(table: Arrays, name: str, domain: ColumnDomain, dtype: str) -> dict[str, int]:
    """Return the number of values of one column, of this type, that break each of its conditions."""
    found = {"missing where the source never is": 0 if domain.may_miss else _count(table.missing(name))}
    counts = {} if domain.numeric else table.levels(name).counts
    pooled = not domain.declared and POOLED in counts
    if dtype != domain.dtype and not pooled:
        found["another type than the source"] = table.n
    if domain.levels is not None:
        known = domain.levels | {POOLED} if pooled else domain.levels
        found["level unknown to the source"] = sum(count for level, count in counts.items() if level not in known)
    elif domain.numeric:
        values = table.numbers(name)
        slack = (domain.high - domain.low) / 10
        outside = (values < domain.low - slack) | (values > domain.high + slack)
        found["outside the source's range"] = _count(outside)
        if domain.whole:
            known_values = values[~np.isnan(values)]
            found["not a whole number"] = _count(known_values != np.floor(known_values))
    return found


def _written(domain: ColumnDomain, least: int) -> dict[str, Any]:
    wide = _outward(domain)
    enough = [level for level in domain.levels or () if domain.declared or domain.counts.get(level, 0) >= least]
    levels = None if domain.levels is None else sorted(enough)
    ends = {name: None if np.isinf(getattr(wide, name)) else getattr(wide, name) for name in ("low", "high")}
    return {"dtype": domain.dtype, "whole": domain.whole, "may_miss": domain.may_miss, "levels": levels, **ends}


def _read(facts: Mapping[str, Any]) -> ColumnDomain:
    levels = None if facts["levels"] is None else frozenset(facts["levels"])
    low = -np.inf if facts["low"] is None else facts["low"]
    high = np.inf if facts["high"] is None else facts["high"]
    return ColumnDomain(facts["dtype"], facts["whole"], facts["may_miss"], levels, low, high, declared=True)


def _outward(domain: ColumnDomain) -> ColumnDomain:
    """Return the domain with its range rounded outward, so that its limits are not the values of single patients.

    The limits are rounded to one significant digit of the range's width.
    """
    width = domain.high - domain.low
    if not np.isfinite(width) or width <= 0:
        return replace(domain, low=min(domain.low, 0.0), high=np.inf) if np.isfinite(domain.low) else domain
    step = 10.0 ** np.floor(np.log10(width))
    return replace(
        domain, low=float(np.floor(domain.low / step) * step), high=float(np.ceil(domain.high / step) * step)
    )
