"""What a user states of each column beforehand, so that nothing of it is learnt from patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from heorsynth.core.errors import GeneratorError, Problem, as_yaml, nearest
from heorsynth.core.numbers import is_number, is_whole
from heorsynth.data.cohort.domain import ColumnDomain, Domain
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.schema import CODE, NUMBER, Schema
from heorsynth.generators.sampling.formats import Format

_MOST_LEVELS = 50
"""The largest number of levels, or of edges, of one column."""

_DIGITS = 3
"""Digits to which numbers that are not whole are drawn, of the width of their range."""


@dataclass(frozen=True)
class PublicColumn:
    """What is public of a column.

    Attributes
    ----------
    values : tuple       its levels; empty for numbers
    edges : tuple        two ends of its range, or rising edges of intervals; empty for levels
    whole : bool         its numbers are whole: its edges are written without a decimal point
    may_miss : bool      values may be missing: None is among what is stated
    """

    values: tuple[object, ...] = ()
    edges: tuple[float, ...] = ()
    whole: bool = False
    may_miss: bool = False

    @classmethod
    def of(cls, stated: Sequence[object], *, levels: bool) -> PublicColumn | str:
        """What a list states of a column of levels or of numbers; or, as text, what is wrong with it."""
        known = tuple(one for one in stated if one is not None)
        may_miss = len(known) < len(stated)
        if levels or not all(is_number(one) for one in known):
            texts = [_text(one) for one in known]
            plain = all(isinstance(one, str | bool) or is_number(one) for one in known)
            if not plain or not 2 <= len(set(texts)) == len(texts) <= _MOST_LEVELS or "" in texts:
                return f"is no list of 2 to {_MOST_LEVELS} different levels"
            return cls(known, may_miss=may_miss)
        edges = tuple(float(one) for one in known if is_number(one))
        if not 2 <= len(edges) <= _MOST_LEVELS or any(low >= high for low, high in pairwise(edges)):
            return "is no range [lowest, highest], nor rising edges"
        return cls((), edges, all(is_whole(one) for one in known), may_miss)

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels as text."""
        return tuple(map(_text, self.values))

    @property
    def decimals(self) -> int:
        """Decimals of the numbers that are drawn."""
        if self.whole:
            return 0
        return max(0, _DIGITS - 1 - int(np.floor(np.log10(self.edges[-1] - self.edges[0]))))

    @property
    def format(self) -> Format:
        """The format of the column that is drawn: its type follows from what is stated, and from no patient."""
        values = dict(zip(self.levels, self.values, strict=True))
        return Format(self._dtype, values, None if values else self.decimals)

    @property
    def domain(self) -> ColumnDomain:
        """What the column may hold."""
        if self.values:
            return ColumnDomain(str(self._dtype), False, self.may_miss, frozenset(self.levels), declared=True)
        return ColumnDomain(str(self._dtype), self.whole, self.may_miss, None, self.edges[0], self.edges[-1])

    def codes(self, column: pd.Series) -> np.ndarray:
        """The place (n,) of each value among the levels; -1 for a missing value, or one that is not stated."""
        places = {level: place for place, level in enumerate(self.levels)}
        return as_text(column).map(places).fillna(-1).to_numpy(dtype=int)

    def numbers(self, column: pd.Series) -> np.ndarray:
        """The numbers (n,), those outside the range at its nearer end; NaN for missing."""
        held = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        return np.clip(held, self.edges[0], self.edges[-1])

    @property
    def _dtype(self) -> np.dtype:
        if not self.values:
            return np.dtype("int64" if self.whole and not self.may_miss else "float64")
        if all(isinstance(value, bool) for value in self.values):
            return np.dtype(object if self.may_miss else bool)
        if not all(is_number(value) for value in self.values):
            return np.dtype(object)
        return np.dtype("int64" if not self.may_miss and all(map(is_whole, self.values)) else "float64")


def _text(value: object) -> str:
    """A stated level as `as_text` writes it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def public_problems(public: object) -> list[Problem]:
    """Return what is wrong with the form of `public`, before a cohort is seen."""
    fix = "write public={'age': [0, 110], 'sex': ['f', 'm']}"
    if not isinstance(public, Mapping):
        return [Problem("public", f"{type(public).__name__}, not column to list", fix)]
    return [
        Problem(f"public: {name!r}", "is not a list", fix)
        for name, stated in public.items()
        if not isinstance(name, str) or not isinstance(stated, list | tuple)
    ]


def public_columns(
    public: Mapping[str, Sequence[object]], schema: Schema, columns: Iterable[str]
) -> dict[str, PublicColumn]:
    """Return what is public of each column but the id, totals and bands, which are computed from others.

    Levels that the cohort declares (`levels`), the labels of bands, and the codes of an endpoint's causes need not be
    stated again.

    Raises
    ------
    GeneratorError      a column of which nothing is stated, all of them by name; what is stated is impossible; or
                        delayed entry or added rules, which have no private law
    """
    names = [str(name) for name in columns]
    needed = [name for name in names if name not in (schema.id, *schema.totals, *schema.bands)]
    problems = [
        Problem(f"public: {name!r}", "no such column", nearest(str(name), needed))
        for name in public
        if name not in needed
    ]
    found: dict[str, PublicColumn] = {}
    for name in needed:
        stated = public.get(name, _declared(name, schema))
        levels = name in (*schema.strata, *schema.events, *schema.levels)
        if stated is None:
            lacking = "its levels" if levels else "its range, or its levels"
            what = "[f, m]" if levels else "[0, 110]"
            told = Problem(f"public: {name!r}", f"{lacking} must be stated", f"public: {{{as_yaml(name)}: {what}}}")
            problems.append(told)
            continue
        column = PublicColumn.of(stated, levels=levels)
        if isinstance(column, str):
            problems.append(Problem(f"public: {name!r}", column, "write [0, 110], or ['f', 'm']"))
        elif wrong := _of_role(name, column, schema):
            problems.append(Problem(f"public: {name!r}", *wrong))
        else:
            found[name] = column
    problems += _impossible(schema, found)
    if problems:
        raise GeneratorError("generator 'heor'", problems)
    return found


def stated_schema(schema: Schema, public: Mapping[str, PublicColumn]) -> Schema:
    """Return the roles with the kinds of columns that are stated: those of a cohort may be detected from its values."""
    free = {name: one for name, one in public.items() if name not in (*schema.columns, *schema.levels)}
    return schema.with_roles(kind={name: CODE if one.values else NUMBER for name, one in free.items()})


def public_domain(public: Mapping[str, PublicColumn], schema: Schema, columns: Iterable[str], n: int) -> Domain:
    """Return what each of these columns may hold, as it is public, for a source of n patients."""
    found = dict[str, ColumnDomain]()
    for name in map(str, columns):
        if name in schema.bands:
            band = schema.bands[name]
            found[name] = replace(PublicColumn(band.labels).domain, may_miss=public[band.source].may_miss)
        elif name in schema.totals:
            parts = [public[part] for part in schema.totals[name]]
            whole, missing = all(one.whole for one in parts), any(one.may_miss for one in parts)
            found[name] = PublicColumn((), (0.0, 1.0), whole, missing).domain
        elif name in public:
            found[name] = public[name].domain
    return Domain.of_columns(schema, found, n)


def _impossible(schema: Schema, public: Mapping[str, PublicColumn]) -> list[Problem]:
    """Why a cohort with these roles has no private law."""
    problems = []
    if schema.entry is not None:
        problems.append(Problem("epsilon", "delayed entry has no private law", "drop the role entry, or drop epsilon"))
    if schema.rules.add:
        fix = "drop rules: add, or drop epsilon"
        problems.append(Problem("epsilon", "a private law does not keep the rules that are added", fix))
    for name, band in schema.bands.items():
        column = public.get(band.source, PublicColumn((), (-np.inf, np.inf)))
        if not column.edges or not column.edges[0] < band.edges[0] <= band.edges[-1] < column.edges[-1]:
            found = f"its range does not hold the edges of the band {name!r}"
            problems.append(Problem(f"public: {band.source!r}", found, "state a range beyond the edges on both sides"))
    return problems


def _declared(name: str, schema: Schema) -> Sequence[object] | None:
    """What the roles say of a column: its levels, or the codes of an endpoint."""
    for endpoint in schema.endpoints.values():
        if endpoint.event == name:
            return sorted({0, 1, *endpoint.causes})
    return schema.levels.get(name)


def _of_role(name: str, column: PublicColumn, schema: Schema) -> tuple[str, str] | None:
    """What of a column its role forbids, and how to mend it."""
    if name in schema.numeric and not column.edges:
        return "its role asks for numbers", "write its range: [0, 5000]"
    if (name in schema.times or name in schema.events) and column.may_miss:
        return "an endpoint is never missing", "leave out None"
    if name in schema.times and column.edges[-1] <= 0:
        return "the range of a time ends at 0 or below", "write [0, 5000]"
    codes = {"0", "1"}
    if name in schema.events and not (codes <= set(column.levels) and all(map(is_whole, column.values))):
        return "codes of an endpoint are 0, 1 and so on", "write [0, 1]"
    return None
