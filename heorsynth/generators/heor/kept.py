"""Keeps what adjusted analyses rest on: means of declared covariates by arm, and covariances with the outcomes.

The means and covariances of a normal latent are those of ranks. An adjusted analysis needs them on the scale of the
values. So the latents of a drawn covariate are moved until its values meet the moments of the patients. The values
themselves stay as they were drawn: only their order over the rows changes, so range, rounding and spikes are kept.

Where every column is kept, a relation need not be straight: the upper half of each number has moments of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from heorsynth.core.ranks import rising
from heorsynth.generators.heor.columns import ColumnLaw
from heorsynth.generators.heor.groups import Groups
from heorsynth.generators.latent.quantiles import MIN_PATIENTS

_PATIENTS_PER_MOMENT = 10
"""An arm has covariances of its own if it has so many patients for each moment of a covariate; else arms share one."""

_STEPS = 40
"""Largest number of moves of a covariate's latents."""

_CLOSE = 0.02
"""A moment is met within this many standard errors of the drawn rows."""

_SMALLEST_SLOPE = 0.1
"""Least slope of values on latents that a move assumes, in standard deviations."""


@dataclass(frozen=True)
class _Moment:
    """The distance of an arm's mean from the mean of all, or a covariance with another quantity.

    Attributes
    ----------
    arm : str or None    the arm whose patients it is of; None for a covariance within arms that all arms share
    other : str          the other quantity of a covariance; "" for a mean
    value : float
    """

    arm: str | None
    other: str
    value: float


@dataclass(frozen=True)
class Unit:
    """What of a kept column has moments: its numbers, or an indicator of a level, missing values or high numbers.

    Attributes
    ----------
    column : str
    level : str        the level of an indicator; "" otherwise
    moments : tuple    in the source
    missing : bool     True for the indicator of missing values
    high : bool        True for the indicator of numbers above the median, or at it if none is above
    """

    column: str
    level: str
    moments: tuple[_Moment, ...] = ()
    missing: bool = False
    high: bool = False

    @property
    def name(self) -> str:
        """The column, with what the indicator is of."""
        if self.missing or self.high:
            return f"{self.column} {'missing' if self.missing else 'high'}"
        return f"{self.column}={self.level}" if self.level else self.column

    def numbers(self, values: np.ndarray) -> np.ndarray:
        """The numbers (n,) of this unit in a column of values (n,): 0 and 1 for an indicator, NaN where unknown."""
        known = _known(values)
        if self.missing:
            return (~known).astype(float)
        if self.level:
            return np.where(known, (values == self.level).astype(float), np.nan)
        return upper_half(values) if self.high else values.astype(float)


@dataclass(frozen=True)
class Drawn:
    """Rows of one column: its values (n,), their latents (n, width) and their groups (n,)."""

    law: ColumnLaw
    values: np.ndarray
    latents: np.ndarray
    groups: Groups


Quantities = Mapping[str, tuple[np.ndarray, frozenset[str]]]
"""Quantity to its values (n,), NaN where unknown, and the columns that it is made of."""


@dataclass(frozen=True)
class KeptMoments:
    """The moments that every whole cohort is to have. Each is of `least` patients or more.

    Attributes
    ----------
    columns : tuple of str     the kept columns
    units : tuple of Unit      in the order in which they are met; empty moments where nothing can be kept
    reasons : Mapping          column to what of it is not kept, and why
    horizon : float or None    of the restricted time that is among the quantities
    """

    columns: tuple[str, ...]
    units: tuple[Unit, ...]
    reasons: Mapping[str, str]
    horizon: float | None = None

    @classmethod
    def of(
        cls,
        columns: Sequence[ColumnLaw],
        values: Mapping[str, np.ndarray],
        quantities: Quantities,
        arm: np.ndarray,
        weights: np.ndarray,
        least: int = MIN_PATIENTS,
        *,
        halves: bool = False,
    ) -> KeptMoments:
        """The moments of these columns in the source.

        Parameters
        ----------
        values : Mapping      column to its values (n,), as `Shape.encoded` gives them
        quantities            costs, utilities and residuals of the outcome
        arm : array (n,)      one text for all where there are no arms
        weights : array (n,)  patients of the source that a row stands for
        least : int           patients of a moment
        halves : bool         whether the upper half of each number has moments too
        """
        units: list[Unit] = []
        reasons: dict[str, str] = {}
        before: dict[str, tuple[np.ndarray, frozenset[str]]] = {}
        for column in columns:
            for unit in _units(column, halves and bool(np.isin([0, 1], upper_half(values[column.name])).all())):
                held = unit.numbers(values[column.name])
                moments, reason = _moments(column.name, held, quantities, before, arm, weights, least, halves)
                units.append(replace(unit, moments=moments))
                if reason:
                    reasons[unit.name] = reason
                if unit.name not in quantities and not unit.missing:
                    before[unit.name] = held, frozenset([column.name])
        return cls(tuple(column.name for column in columns), tuple(units), reasons)

    def met(self, drawn: Mapping[str, Drawn], quantities: Quantities, arm: np.ndarray) -> dict[str, np.ndarray]:
        """Column to its values (n,) in the order over the rows in which the moments are met.

        A moment that no order gives is met as nearly as the search finds.
        """
        found: dict[str, np.ndarray] = {}
        known: dict[str, tuple[np.ndarray, frozenset[str]]] = dict(quantities)
        for name, units in groupby(self.units, key=lambda unit: unit.column):
            found[name] = _ordered(drawn[name], list(units), known, arm)
            for total, (_, made_of) in quantities.items():
                if name in made_of and name != total:
                    known[total] = known[total][0] + (found[name] - drawn[name].values), made_of
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "columns": list(self.columns),
            "units": [asdict(unit) for unit in self.units],
            "reasons": self.reasons,
        } | ({} if self.horizon is None else {"horizon": self.horizon})

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> KeptMoments:
        units = tuple(
            Unit(**{**unit, "moments": tuple(_Moment(**one) for one in unit["moments"])}) for unit in facts["units"]
        )
        return cls(tuple(facts["columns"]), units, dict(facts["reasons"]), facts.get("horizon"))


def upper_half(values: np.ndarray) -> np.ndarray:
    """The indicator (n,) of numbers above their median, or at it if none is above; NaN where unknown or text."""
    if values.dtype == object or not np.isfinite(values).any():
        return np.full(len(values), np.nan)
    known, middle = np.isfinite(values), np.nanmedian(values)
    high = values > middle if (values[known] > middle).any() else values >= middle
    return np.where(known, high, np.nan)


def _units(column: ColumnLaw, halved: bool) -> list[Unit]:
    """The units of a column in the order in which they are placed: missing values, then levels, or half and numbers."""
    missing = [Unit(column.name, "", missing=True)] if column.may_miss else []
    halves = [Unit(column.name, "", high=True)] if halved and not column.levels else []
    return [
        *missing,
        *halves,
        *(Unit(column.name, level) for level in (column.levels[:-1] if column.levels else ("",))),
    ]


def _known(values: np.ndarray) -> np.ndarray:
    """Where a column of text, "" for missing, or of numbers has a value (n,)."""
    return np.asarray(values != "" if values.dtype == object else ~np.isnan(values))


def _telling(values: np.ndarray) -> int:
    """Number of values beside the most frequent one: a moment is of these, however many have the one."""
    return len(values) - int(np.unique(values, return_counts=True)[1].max()) if len(values) else 0


def _moments(
    column: str,
    held: np.ndarray,
    quantities: Quantities,
    before: Quantities,
    arm: np.ndarray,
    weights: np.ndarray,
    least: int,
    halves: bool,
) -> tuple[tuple[_Moment, ...], str]:
    """The moments of one unit, and what is not kept with its reason; "" if everything is."""
    known = np.isfinite(held)
    filled = np.where(known, held, 0.0)
    levels = np.unique(arm)
    others = {name: other for name, (other, made_of) in quantities.items() if column not in made_of}
    arms = _arms_told(levels, np.array([_telling(held[known & (arm == level)]) for level in levels]), least)
    found = [
        _Moment(level, "", float(_direction(level, None, known, arm, weights) @ filled))
        for level in arms
        if len(levels) > 1
    ]
    short = ["means by arm"] if set(levels[[(known & (arm == level)).any() for level in levels]]) - set(arms) else []
    enough = least if halves else _PATIENTS_PER_MOMENT * (1 + len(others))
    for name, other in {**others, **{name: numbers for name, (numbers, _) in before.items()}}.items():
        both = known & np.isfinite(other)
        if min(_telling(held[both]), _telling(other[both])) < least:
            short.append(f"covariance with {name}")
            continue
        parts = {str(level): both & (arm == level) for level in np.unique(arm[both])}
        decide = [min(_telling(held[part]), _telling(other[part])) for part in parts.values()]
        own = name not in before and min(decide) >= least and min(part.sum() for part in parts.values()) >= enough
        for level in parts if own else [None]:
            found.append(_Moment(level, name, float(_direction(level, other, known, arm, weights) @ filled)))
    reason = f"decided by fewer than {least} patients: {', '.join(short)}" if short else ""
    return tuple(found), reason


def _arms_told(levels: np.ndarray, counts: np.ndarray, least: int) -> list[str]:
    """The arms (a,) whose mean is kept, given the number of patients (a,) that decide each.

    The mean of all rows is kept too, so the means of all arms but one give away that of the last. Arms are left out,
    smallest first, until those left out have `least` patients together, or none.
    """
    order = np.argsort(counts, kind="stable")
    left = 0
    while left < len(order) and (counts[order[left]] < least or 0 < counts[order[:left]].sum() < least):
        left += 1
    return sorted(str(levels[place]) for place in order[left:])


def _direction(
    level: str | None, other: np.ndarray | None, known: np.ndarray, arm: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """The direction (n,) whose product with the numbers of a unit is a moment; 0 in rows that do not count.

    For an arm's mean, it is the arm's weights less those of all; for a covariance, the other quantity, centred within
    arms. So no direction depends on the mean of all, which the order of the values cannot change.
    """
    rows = known if level is None else known & (arm == level)
    if other is not None:
        rows = rows & np.isfinite(other)
    share = np.where(rows, weights, 0.0)
    share = share / max(share.sum(), 1e-12)
    if other is None:
        return np.asarray(share - np.where(known, weights, 0.0) / max(weights[known].sum(), 1e-12))
    filled = np.where(rows, other, 0.0)
    _, inverse = np.unique(arm, return_inverse=True)
    centre = np.bincount(inverse, share * filled) / np.maximum(np.bincount(inverse, share), 1e-12)
    return np.asarray(share * (filled - centre[inverse]))


def _ordered(
    drawn: Drawn, units: Sequence[Unit], known: dict[str, tuple[np.ndarray, frozenset[str]]], arm: np.ndarray
) -> np.ndarray:
    """The values (n,) of one column in the order that meets its moments; adds its units to the known quantities."""
    levels, values = drawn.law.levels, np.full(len(arm), "" if drawn.law.levels else np.nan, drawn.values.dtype)
    present = _known(drawn.values) | drawn.law.may_miss
    left = present.copy()
    own = mine = drawn.groups.codes.astype(int)  # the pool of each drawn value, and of each row
    latent = 0
    for unit in units:
        rows, numbers = np.flatnonzero(left), unit.numbers(drawn.values)
        within = [mine[rows] == pool for pool in np.unique(mine[rows])]
        parts = [
            (np.flatnonzero(held), _highest(numbers[own == mine[rows][held][0]], int(held.sum()))) for held in within
        ]
        directions = [
            _direction(moment.arm, known[moment.other][0] if moment.other else None, present, arm, np.ones(len(arm)))
            for moment in unit.moments
        ]
        along = np.array(directions).reshape(len(directions), len(arm))[:, rows]
        found = _moved(drawn.latents[rows, latent], parts, along, np.array([one.value for one in unit.moments]))
        if unit.missing:
            left[rows[found > 0]] = False
            present = left.copy()
        elif unit.high:
            placed = np.full(len(arm), np.nan)
            placed[rows] = found
            own, mine = 2 * own + (numbers > 0), 2 * mine + (placed > 0)
        elif unit.level:
            values[rows[found > 0]] = unit.level
            left[rows[found > 0]] = False
        else:
            values[rows] = found
        latent += not unit.high
        if unit.high:
            known[unit.name] = placed, frozenset([unit.column])
        elif not unit.missing:
            told = unit.numbers(values)
            known[unit.name] = np.where(left & (values == ""), 0.0, told) if levels else told, frozenset([unit.column])
    if levels:
        values[left] = levels[-1]
    return values


def _highest(numbers: np.ndarray, count: int) -> np.ndarray:
    """The largest `count` of the known numbers, sorted: of an indicator, all ones and as many zeros as rows remain."""
    return np.sort(numbers[np.isfinite(numbers)])[-count:] if count else numbers[:0]


_Placed = Sequence[tuple[np.ndarray, np.ndarray]]
"""For each group its rows, and the sorted numbers that these rows share out by the rank of their latents."""


def _placed(latents: np.ndarray, parts: _Placed) -> np.ndarray:
    """The numbers (n,) of rows with these latents (n,)."""
    found = np.empty(len(latents))
    for rows, numbers in parts:
        found[rows[rising(latents[rows])]] = numbers
    return found


def _moved(latents: np.ndarray, parts: _Placed, directions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The numbers (n,) placed by latents that are moved along the directions (p, n) until they meet the targets (p,).

    Each move is a Newton step with the mean slope of the numbers on the latents. The nearest of all moves is returned.
    """
    start = _placed(latents, parts)
    spread, sizes = float(start.std()) if len(start) else 0.0, np.linalg.norm(directions, axis=1)
    usable = sizes > 1e-12
    if not usable.any() or spread <= 0:
        return start
    along = directions[usable] / sizes[usable, None]
    wanted = targets[usable] / sizes[usable]
    step, tilt = np.linalg.pinv(along @ along.T, rcond=1e-6, hermitian=True), np.zeros(int(usable.sum()))
    found, nearest = start, np.inf
    for _ in range(_STEPS):
        moved = latents + along.T @ tilt
        numbers = _placed(moved, parts)
        gap = wanted - along @ numbers
        worst = float(np.abs(gap).max()) / spread
        if worst < nearest:
            found, nearest = numbers, worst
        if worst < _CLOSE:
            break
        width = float(moved.std())
        slope = float(np.cov(numbers, moved)[0, 1]) / max(width**2, 1e-12)
        slope = max(slope, _SMALLEST_SLOPE * spread / max(width, 1e-12))
        tilt = tilt + step @ gap / slope
    return found
