"""Patients and rows as points on a common scale, so that distances can be compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from heorsynth.checks.structure.columns import is_numeric
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.attacks import members
from heorsynth.estimators.attacks.members import Scores
from heorsynth.estimators.attacks.records import Neighbours

_MOST_HELD = 2_000_000
"""Coordinates that are kept for further attacks on the same rows."""


@dataclass(frozen=True, repr=False)
class _Points:
    """n people or rows: `points` (n, k) are standardised coordinates, `codes` (n, p) one number for each column."""

    points: np.ndarray
    codes: np.ndarray

    def some(self, most: int, rng: np.random.Generator) -> _Points:
        """Return all points, or a random sample of `most` of them."""
        if len(self.points) <= most:
            return self
        kept = rng.permutation(len(self.points))[:most]
        return _Points(self.points[kept], self.codes[kept])

    def known(self, coordinates: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Return some coordinates and one column, for those with a known value of the column."""
        held = ~np.isnan(self.codes[:, column])
        return self.points[held][:, coordinates], self.codes[held, column]


@dataclass(frozen=True, repr=False, eq=False)
class Parts:
    """The rows of all cohorts, the patients and the people of the hold-out, with what several attacks ask of them.

    Attributes
    ----------
    rows, source, unseen : _Points
    numeric : array (p,)           a mask of the numeric columns
    """

    rows: _Points
    source: _Points
    unseen: _Points
    numeric: np.ndarray

    def __iter__(self) -> Iterator[_Points]:
        return iter((self.rows, self.source, self.unseen))

    def some(self, rows: int, people: int, rng: np.random.Generator) -> Parts:
        """Return these, or random samples if there are more than so many rows, or people of either kind."""
        parts = self.rows.some(rows, rng), self.source.some(people, rng), self.unseen.some(people, rng)
        same = all(one is other for one, other in zip(parts, self, strict=True))
        return self if same else Parts(*parts, self.numeric)

    @cached_property
    def neighbours(self) -> Neighbours:
        """Which people are nearest to the rows, and how near."""
        return Neighbours.of(self.rows.points, np.concatenate([self.source.points, self.unseen.points]))

    @cached_property
    def nearest_record(self) -> Scores:
        """The scores of the attack by the nearest row."""
        rows, source, unseen = (part.points for part in self)
        return members.nearest_record(rows, source, unseen, self.neighbours.apart)

    @cached_property
    def density_ratio(self) -> Scores:
        """The scores of the attack by a density ratio."""
        rows, source, unseen = (part.points for part in self)
        return members.density_ratio(rows, source, unseen, self.neighbours.apart)

    @cached_property
    def marginal(self) -> Scores:
        """The scores of the attack by single columns."""
        return members.marginal(self.rows.codes, self.source.codes, self.unseen.codes, self.numeric)


@dataclass(frozen=True, repr=False, eq=False)
class Space:
    """The coordinates of columns, common to patients, hold-out and rows.

    A number is one coordinate. A column of L levels is L - 1 indicators. A column with missing values has one more
    indicator. Each coordinate is centred and scaled by the source and the hold-out together.
    """

    names: tuple[str, ...]
    levels: Mapping[str, Mapping[str, int]]
    owners: tuple[str, ...]
    gaps: frozenset[str]
    people: tuple[Cohort, ...]
    _held: dict[int, tuple[Cohort, _Points]] = field(default_factory=dict, compare=False)
    _parts: dict[tuple[int, ...], tuple[tuple[Cohort, ...], Parts]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, real: Cohort, synthetic: Sequence[Cohort], holdout: Cohort | None) -> Space:
        """Return the space of the columns that all cohorts have, without ids, bands and totals."""
        cohorts = [real, *synthetic, *([] if holdout is None else [holdout])]
        schema = real.schema
        derived = {*schema.identifiers, *schema.bands, *schema.totals}
        names = tuple(
            str(name)
            for name in real.arrays.columns
            if name not in derived and all(cohort.has(name) for cohort in cohorts)
        )
        levels = {
            name: {level: place for place, level in enumerate(_levels(cohorts, name))}
            for name in names
            if not is_numeric(real, name)
        }
        gaps = frozenset(name for name in names if any(cohort.missing(name).any() for cohort in cohorts))
        owners = tuple(
            name
            for name in names
            for _ in range((max(len(levels[name]) - 1, 1) if name in levels else 1) + (name in gaps))
        )
        return cls(names, levels, owners, gaps, (real,) if holdout is None else (real, holdout))

    @cached_property
    def _scaling(self) -> tuple[np.ndarray, np.ndarray]:
        people = np.concatenate([self._raw(cohort)[0] for cohort in self.people])
        spread = np.nanstd(people, axis=0)
        return np.nanmean(people, axis=0), np.where(spread > 0, spread, np.nan)

    @property
    def centre(self) -> np.ndarray:
        """The mean of each coordinate (k,)."""
        return self._scaling[0]

    @property
    def scale(self) -> np.ndarray:
        """The standard deviation of each coordinate (k,); NaN without variation."""
        return self._scaling[1]

    @property
    def numeric(self) -> np.ndarray:
        """A mask (p,) of the numeric columns."""
        return np.array([name not in self.levels for name in self.names])

    def coordinates(self, names: Collection[str]) -> np.ndarray:
        """Return the indices of the coordinates of some columns."""
        return np.array([place for place, owner in enumerate(self.owners) if owner in names], dtype=int)

    def of_cohort(self, cohort: Cohort) -> _Points:
        """Return the rows of a cohort as points. A missing number, or a column without variation, is at the centre."""
        if id(cohort) in self._held:
            return self._held[id(cohort)][1]
        columns, codes = self._raw(cohort)
        found = _Points(np.nan_to_num((columns - self.centre) / self.scale), codes)
        if sum(points.points.size for _, points in self._held.values()) + columns.size <= _MOST_HELD:
            self._held[id(cohort)] = cohort, found  # the cohort too, so that no other gets its id
        return found

    def codes_of(self, *cohorts: Cohort) -> np.ndarray:
        """Return the codes (n, p) of the rows of cohorts together."""
        codes = np.empty((len(self.names), sum(cohort.n for cohort in cohorts)))
        for place, name in enumerate(self.names):
            np.concatenate([self._code(cohort, name) for cohort in cohorts], out=codes[place])
        return codes.T

    def _raw(self, cohort: Cohort) -> tuple[np.ndarray, np.ndarray]:
        """Return unscaled coordinates (n, k), NaN where a number is missing, and codes (n, p)."""
        codes = [self._code(cohort, name) for name in self.names]
        columns = [part for name, code in zip(self.names, codes, strict=True) for part in self._coordinates(name, code)]
        return np.column_stack(columns), np.column_stack(codes)

    def joined(self, cohorts: Sequence[Cohort]) -> _Points:
        """Return the rows of several cohorts together."""
        parts = [self.of_cohort(cohort) for cohort in cohorts]
        return _Points(np.concatenate([part.points for part in parts]), np.concatenate([part.codes for part in parts]))

    def parts(self, synthetic: Sequence[Cohort], real: Cohort, unseen: Cohort) -> Parts:
        """Return the rows of several cohorts, the patients and the hold-out; kept for further attacks on the same."""
        cohorts = (*synthetic, real, unseen)
        key = tuple(map(id, cohorts))
        if key in self._parts:
            return self._parts[key][1]
        found = Parts(self.joined(synthetic), self.of_cohort(real), self.of_cohort(unseen), self.numeric)
        if sum(parts.rows.points.size for _, parts in self._parts.values()) + found.rows.points.size <= _MOST_HELD:
            self._parts[key] = cohorts, found  # the cohorts too, so that no others get their ids
        return found

    def _code(self, cohort: Cohort, name: str) -> np.ndarray:
        if name not in self.levels:
            return cohort.numbers(name)
        held = cohort.coded(name)
        place = self.levels[name]
        return np.array([*(place.get(str(level), np.nan) for level in held.names[:-1]), np.nan], dtype=float)[
            held.codes
        ]

    def _coordinates(self, name: str, code: np.ndarray) -> list[np.ndarray]:
        """Return the coordinates of a column; for a missing level all indicators of levels are 0."""
        if name in self.levels:
            parts = [(code == place).astype(float) for place in range(1, max(len(self.levels[name]), 2))]
        else:
            parts = [code]
        return [*parts, np.isnan(code).astype(float)] if name in self.gaps else parts


def _levels(cohorts: Sequence[Cohort], name: str) -> list[str]:
    return sorted(set().union(*(map(str, cohort.coded(name).counts) for cohort in cohorts)))
