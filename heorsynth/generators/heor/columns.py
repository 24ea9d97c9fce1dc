"""The law of one column: its levels or its quantile function, and its share of missing values, by group of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from heorsynth.core.ranks import highest, rising
from heorsynth.generators.heor.groups import ALL, Groups
from heorsynth.generators.latent.quantiles import MIN_PATIENTS, PIECES, Quantiles, normal_scores, shared_values
from heorsynth.generators.protection.guard import Mover
from heorsynth.generators.sampling.target_shares import allocate

_TABLE = np.linspace(0.0, 1.0, 201)
"""Shares at which the quantiles of a column's latents are tabulated."""

_OUTER = 0.05
"""Tabulated quantiles within this share of an end are too uncertain to be used."""


@dataclass(frozen=True)
class Table:
    """Thresholds and quantiles of a column's latents in the population, to place rows that are a part of it."""

    thresholds: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()


@dataclass(frozen=True)
class ColumnLaw:
    """Maps latent normal scores to the values of a column.

    Attributes
    ----------
    name : str
    group : str                     the column its law depends on, or `ALL`
    levels : tuple of str           of a column of levels, most frequent first; empty for numbers
    shares : Mapping                group to the share of each level
    quantiles : Mapping             group to the quantile function of the numbers
    missing : Mapping               group to the share of missing values
    tables : Mapping                group to the tables of the latents; empty until their law is known
    """

    name: str
    group: str
    levels: tuple[str, ...]
    shares: Mapping[str, tuple[float, ...]]
    quantiles: Mapping[str, Quantiles]
    missing: Mapping[str, float]
    tables: Mapping[str, Mapping[str, Table]] = field(default_factory=dict)

    @classmethod
    def of_levels(
        cls, name: str, values: np.ndarray, group: str, groups: np.ndarray | Groups, weights: np.ndarray | None = None
    ) -> ColumnLaw:
        """The law of a column of levels (n,), '' for missing; patients count by their weights (n,), 1 unless given."""
        weight = np.ones(len(values)) if weights is None else weights
        code, present = pd.factorize(values, sort=True)
        counts = np.where(present == "", 0, np.bincount(code, minlength=len(present)))
        order = np.lexsort((present, -counts))[: int((counts > 0).sum())]
        levels = tuple(str(level) for level in present[order])
        known, shares, missing = present[code] != "" if "" in present else np.ones(len(code), bool), {}, {}
        for key, rows in Groups.of(groups).parts.items():
            missing[key] = _share(weight[rows], ~known[rows])
            source = rows[known[rows]] if known[rows].any() else np.flatnonzero(known)
            shares[key] = tuple(_share(weight[source], code[source] == place) for place in order)
        return cls(name, group, levels, shares, {}, missing)

    @classmethod
    def of_numbers(
        cls,
        name: str,
        values: np.ndarray,
        group: str,
        groups: np.ndarray | Groups,
        *,
        least: int = MIN_PATIENTS,
        open_top: bool = False,
        stand_in: Mapping[str, float] | None = None,
        weights: np.ndarray | None = None,
        most: int = PIECES,
    ) -> ColumnLaw:
        """The law of a column of numbers (n,), NaN for missing.

        A group with fewer than `least` known values has the law of all rows, or the value that `stand_in` has for it.
        """
        quantiles, missing = {}, {}
        shared, seen = shared_values(values, least), ~np.isnan(values)
        weight = np.ones(len(values)) if weights is None else weights

        def law(rows: np.ndarray, shared: np.ndarray | None) -> Quantiles:
            counted = None if weights is None or not len(rows) else weights[rows]
            known = values[rows] if len(rows) else np.zeros(1)
            return Quantiles.of(known, least, counted, open_top=open_top, shared=shared, most=most)

        whole = cache(lambda: law(np.flatnonzero(seen), None))
        for key, rows in Groups.of(groups).parts.items():
            known = rows[seen[rows]]
            missing[key] = _share(weight[rows], ~seen[rows])
            if len(known) >= least:
                quantiles[key] = law(known, shared)
            elif stand_in is not None and key in stand_in:
                quantiles[key] = replace(Quantiles.of(np.array([stand_in[key]])), decimals=whole().decimals)
            else:
                quantiles[key] = whole()
        return cls(name, group, (), {}, quantiles, missing)

    def moved(self, mover: Mover, patients: Mapping[str, float], spread: float, *, values: bool) -> ColumnLaw:
        """The same law with the shares of levels, pieces and missing values in each group moved by chance.

        Parameters
        ----------
        patients : Mapping      group to its number of patients
        spread : float          see `Mover`
        values : bool           whether the values of pieces move too
        """

        def of(group: str, shares: np.ndarray) -> np.ndarray:
            return mover(shares, patients.get(group, 1.0), spread)

        missing = {group: float(of(group, np.array([m, 1 - m]))[0]) for group, m in self.missing.items()}
        shares = {group: tuple(of(group, np.array(held)).tolist()) for group, held in self.shares.items()}
        quantiles = {
            group: law.moved(mover, patients.get(group, 1.0), spread, values=values)
            for group, law in self.quantiles.items()
        }
        return replace(self, missing=missing, shares=shares, quantiles=quantiles)

    @classmethod
    def of_shares(cls, name: str) -> ColumnLaw:
        """The law of a share that is uniform on 0 to 1 and never missing."""
        even = Quantiles(np.array([0.0, 1.0]), np.zeros(1), np.ones(1), np.ones(1), None)
        return cls(name, ALL, (), {}, {ALL: even}, {ALL: 0.0})

    @property
    def constant(self) -> bool:
        """True if every known value that is drawn is the same."""
        if self.levels:
            return len(self.levels) == 1
        return all(not law.rise.any() and len(np.unique(law.left)) == 1 for law in self.quantiles.values())

    @cached_property
    def may_miss(self) -> bool:
        """True if a group has both known and missing values: missingness then has a latent of its own."""
        return any(0 < share < 1 for share in self.missing.values())

    @property
    def width(self) -> int:
        """Number of latents of this column."""
        return int(self.may_miss) + (len(self.levels) - 1 if self.levels else 1)

    def scores(self, values: np.ndarray, groups: np.ndarray | Groups) -> tuple[np.ndarray, np.ndarray]:
        """The scores (n, width) that represent the column in correlations, and where they are known (n, width)."""
        known = values != "" if self.levels else ~np.isnan(values)
        columns, observed = [], []
        if self.may_miss:
            columns.append((~known).astype(float))
            observed.append(np.ones(len(values), dtype=bool))
        if self.levels:
            columns += [(values == level).astype(float) for level in self.levels[:-1]]
            observed += [known] * (len(self.levels) - 1)
        else:
            scored = np.zeros(len(values))
            for rows in Groups.of(groups).parts.values():
                scored[rows] = normal_scores(values[rows])
            columns.append(scored)
            observed.append(known)
        empty = np.zeros((len(values), 0))
        return np.column_stack([empty, *columns]), np.column_stack([empty.astype(bool), *observed])

    def measured(self, values: np.ndarray, groups: np.ndarray | Groups) -> tuple[np.ndarray, np.ndarray]:
        """The same with numbers (n,) themselves in place of their scores."""
        found, known = self.scores(values, groups)
        if not self.levels:
            found[:, -1] = np.where(known[:, -1], values, 0.0)
        return found, known

    def values(
        self,
        latents: np.ndarray,
        groups: np.ndarray | Groups,
        rng: np.random.Generator,
        *,
        exactly: bool,
        whole: frozenset[str] = frozenset(),
    ) -> np.ndarray:
        """Values (n,) from latents (n, width): text with '' for missing, or numbers with NaN.

        With `exactly`, the rows are a whole population and every share is exact to rounding. Otherwise they are a part
        of one and are placed by the tables, except in the groups named in `whole`, of which all rows are here.
        """
        found: np.ndarray = np.full(len(latents), "", dtype=object) if self.levels else np.full(len(latents), np.nan)
        for key, rows in Groups.of(groups).parts.items():
            self._fill(found, rows, latents, key, rng, exactly or key in whole)
        return found

    def _fill(
        self,
        found: np.ndarray,
        rows: np.ndarray,
        latents: np.ndarray,
        key: str,
        rng: np.random.Generator,
        exactly: bool,
    ) -> None:
        missing = self.missing[key]
        tables = {} if exactly else self.tables[key]
        if missing == 1:
            return
        if self.may_miss:
            split = _highest(latents[rows, 0], missing, None if exactly else tables["missing"].thresholds[0])
            rows = rows[~split]
        first = int(self.may_miss)
        if not self.levels and exactly:
            order = rising(latents[rows, first])
            shares = np.arange(len(rows)) + rng.random(len(rows))[order]
            found[rows[order]] = self.quantiles[key].rising(shares / max(len(rows), 1))
            return
        if not self.levels:
            found[rows] = self.quantiles[key](_along(latents[rows, first], np.asarray(tables["values"].quantiles)))
            return
        shares = np.array(self.shares[key])
        counts = allocate(shares, len(rows)) if exactly else np.zeros(len(shares), dtype=int)
        for index, level in enumerate(self.levels[:-1]):
            column = latents[rows, first + index]
            taken = highest(column, int(counts[index])) if exactly else column > tables["values"].thresholds[index]
            found[rows[taken]] = level
            rows = rows[~taken]
        found[rows] = self.levels[-1]

    def tabulated(self, latents: np.ndarray, groups: np.ndarray | Groups) -> ColumnLaw:
        """The same law, with tables from the latents (n, width) of a whole population."""
        tables: dict[str, dict[str, Table]] = {}
        for key, every in Groups.of(groups).parts.items():
            rows, found = every, dict[str, Table]()
            if self.may_miss:
                cut = _cut(latents[rows, 0], self.missing[key])
                found["missing"] = Table((cut,))
                rows = rows[latents[rows, 0] <= cut]
            first = int(self.may_miss)
            if self.levels:
                found["values"] = Table(self._thresholds(latents[:, first:], rows, key))
            else:
                held = latents[rows, first] if len(rows) else np.zeros(1)
                found["values"] = Table(quantiles=tuple(np.quantile(held, _TABLE).tolist()))
            tables[key] = found
        return ColumnLaw(self.name, self.group, self.levels, self.shares, self.quantiles, self.missing, tables)

    def _thresholds(self, latents: np.ndarray, rows: np.ndarray, key: str) -> tuple[float, ...]:
        cuts, left = [], 1.0
        for index, share in enumerate(self.shares[key][:-1]):
            cut = _cut(latents[rows, index], min(1.0, share / left) if left > 1e-12 else 0.0)
            cuts.append(cut)
            rows, left = rows[latents[rows, index] <= cut], left - share
        return tuple(cuts)

    def to_dict(self) -> dict[str, Any]:
        tables = {
            group: {name: [list(table.thresholds), list(table.quantiles)] for name, table in found.items()}
            for group, found in self.tables.items()
        }
        return {
            "name": self.name,
            "group": self.group,
            "levels": list(self.levels),
            "shares": {key: list(shares) for key, shares in self.shares.items()},
            "quantiles": {key: law.to_dict() for key, law in self.quantiles.items()},
            "missing": dict(self.missing),
            "tables": tables,
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> ColumnLaw:
        tables = {
            group: {name: Table(tuple(parts[0]), tuple(parts[1])) for name, parts in found.items()}
            for group, found in facts["tables"].items()
        }
        quantiles = {key: Quantiles.from_dict(law) for key, law in facts["quantiles"].items()}
        shares = {key: tuple(values) for key, values in facts["shares"].items()}
        return cls(facts["name"], facts["group"], tuple(facts["levels"]), shares, quantiles, facts["missing"], tables)


def bent_by(columns: Sequence[ColumnLaw], kept: Sequence[str]) -> np.ndarray:
    """For each latent (p,) the place of its column; -1 where no product moves it.

    These are the latents of missing values, and those of columns whose moments are kept.
    """
    owner = []
    for place, column in enumerate(columns):
        mine = -1 if column.name in kept else place
        owner += [-1] * column.may_miss + [mine] * (column.width - column.may_miss)
    return np.array(owner, dtype=int)


def _share(weights: np.ndarray, some: np.ndarray) -> float:
    """The share of the weight of patients (n,) that some of them have; 0 where they have none."""
    whole = float(weights.sum())
    return float(weights[some].sum()) / whole if whole > 0 else 0.0


def _highest(latent: np.ndarray, share: float, cut: float | None) -> np.ndarray:
    """The rows (n,) with a latent above the cut; without a cut, the given share of rows with the highest latents."""
    if cut is not None:
        return latent > cut
    return highest(latent, round(share * len(latent)))


def _cut(latent: np.ndarray, share: float) -> float:
    """The value above which this share of the latents lies. It is finite, so that JSON can hold it."""
    if share <= 0 or not len(latent):
        return 1e9
    return -1e9 if share >= 1 else float(np.quantile(latent, 1 - share))


def _along(latent: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Shares in (0, 1) of latents (n,), from the quantiles (201,) of a large draw.

    Shares are interpolated on the normal scale, where they are nearly linear in the latent. Beyond the outermost
    usable quantiles they are extrapolated along a line. The ends of a finite draw are not those of the population: if
    they were used, all larger latents would have the largest value.
    """
    inner = (_OUTER <= _TABLE) & (_TABLE <= 1 - _OUTER)
    scores, points = ndtri(_TABLE[inner]), quantiles[inner]
    spread = points[-1] - points[0]
    if spread <= 0:
        return np.clip(np.interp(latent, quantiles, _TABLE), _OUTER / 2, 1 - _OUTER / 2)
    slope = (scores[-1] - scores[0]) / spread
    found = np.interp(latent, points, scores)
    found += slope * (np.minimum(latent - points[0], 0) + np.maximum(latent - points[-1], 0))
    return np.asarray(ndtr(found))


def side_by_side(blocks: Sequence[tuple[np.ndarray, np.ndarray]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """The scores (n, k) of all columns, and where they are known (n, k)."""
    scores = np.column_stack([np.zeros((n, 0)), *(block[0] for block in blocks)])
    return scores, np.column_stack([np.zeros((n, 0), dtype=bool), *(block[1] for block in blocks)])
