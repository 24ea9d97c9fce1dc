"""Patients and rows as points on one scale, so that distances between them mean something."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heorsynth.checks.structure.columns import is_numeric
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import as_text


@dataclass(frozen=True, repr=False)
class Points:
    """Of n people or rows: `points` (n, k), standardised coordinates; `codes` (n, p), one number a column."""

    points: np.ndarray
    codes: np.ndarray

    def some(self, most: int, rng: np.random.Generator) -> Points:
        """These, or a random part of `most` of them."""
        if len(self.points) <= most:
            return self
        kept = rng.permutation(len(self.points))[:most]
        return Points(self.points[kept], self.codes[kept])

    def known(self, coordinates: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Some coordinates and one column, of those in whom the column is not missing."""
        held = ~np.isnan(self.codes[:, column])
        return self.points[held][:, coordinates], self.codes[held, column]


@dataclass(frozen=True, repr=False)
class Space:
    """How columns become coordinates, the same for patients, unseen people and rows.

    A number is one coordinate, a column of L levels L - 1 indicators, a missing value an indicator of its own.
    Each is centred and scaled by the people: source and hold-out together.
    """

    names: tuple[str, ...]
    levels: Mapping[str, Mapping[str, int]]
    owners: tuple[str, ...]
    gaps: frozenset[str]
    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, real: Cohort, synthetic: Sequence[Cohort], holdout: Cohort | None) -> Space:
        """The space of the columns that all cohorts have: no id, no band, no total."""
        cohorts = [real, *synthetic, *([] if holdout is None else [holdout])]
        schema = real.schema
        derived = {schema.id, *schema.bands, *schema.totals}
        names = tuple(
            str(name)
            for name in real.rows.columns
            if name not in derived and all(name in cohort.rows.columns for cohort in cohorts)
        )
        levels = {
            name: {level: place for place, level in enumerate(_levels(cohorts, name))}
            for name in names
            if not is_numeric(real, name)
        }
        gaps = frozenset(name for name in names if any(cohort.rows[name].isna().any() for cohort in cohorts))
        owners = tuple(
            name
            for name in names
            for _ in range((max(len(levels[name]) - 1, 1) if name in levels else 1) + (name in gaps))
        )
        bare = cls(names, levels, owners, gaps, np.zeros(len(owners)), np.ones(len(owners)))
        people = np.concatenate([bare._raw(cohort)[0] for cohort in ([real] if holdout is None else [real, holdout])])
        spread = np.nanstd(people, axis=0)
        return cls(names, levels, owners, gaps, np.nanmean(people, axis=0), np.where(spread > 0, spread, np.nan))

    @property
    def numeric(self) -> np.ndarray:
        """Which columns (p,) are numbers."""
        return np.array([name not in self.levels for name in self.names])

    def coordinates(self, names: Collection[str]) -> np.ndarray:
        """The places of the coordinates of some columns."""
        return np.array([place for place, owner in enumerate(self.owners) if owner in names], dtype=int)

    def of_cohort(self, cohort: Cohort) -> Points:
        """A cohort's rows as points. A missing number, and a column no person varies in, lie at the centre."""
        columns, codes = self._raw(cohort)
        return Points(np.nan_to_num((columns - self.centre) / self.scale), codes)

    def _raw(self, cohort: Cohort) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates (n, k) before scaling, NaN where a number is missing, and codes (n, p)."""
        codes = [self._code(cohort.rows[name]) for name in self.names]
        columns = [part for name, code in zip(self.names, codes, strict=True) for part in self._coordinates(name, code)]
        return np.column_stack(columns), np.column_stack(codes)

    def joined(self, cohorts: Sequence[Cohort]) -> Points:
        """The rows of several cohorts together."""
        parts = [self.of_cohort(cohort) for cohort in cohorts]
        return Points(np.concatenate([part.points for part in parts]), np.concatenate([part.codes for part in parts]))

    def _code(self, column: pd.Series) -> np.ndarray:
        if column.name in self.levels:
            return as_text(column).map(dict(self.levels[str(column.name)])).to_numpy(dtype=float, na_value=np.nan)
        return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)

    def _coordinates(self, name: str, code: np.ndarray) -> list[np.ndarray]:
        """A column's coordinates; a missing level is none of them."""
        if name in self.levels:
            found = [(code == place).astype(float) for place in range(1, max(len(self.levels[name]), 2))]
        else:
            found = [code]
        return [*found, np.isnan(code).astype(float)] if name in self.gaps else found


def _levels(cohorts: Sequence[Cohort], name: str) -> list[str]:
    return sorted(set().union(*(set(as_text(cohort.rows[name]).dropna()) for cohort in cohorts)))
