"""Keeps what adjusted analyses rest on: means of declared covariates by arm, and covariances with the outcomes.

The means and covariances of a normal latent are those of ranks. An adjusted analysis needs them on the scale of the
values. So the latents of a drawn covariate are moved until its values meet the moments of the patients. The values
themselves stay as they were drawn: only their order over the rows changes, so range, rounding and spikes are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np

from heorsynth.generators.heor.columns import ColumnLaw
from heorsynth.generators.heor.quantiles import MIN_PATIENTS, rising

_PATIENTS_PER_MOMENT = 10
"""An arm has covariances of its own if it has so many patients for each moment of a covariate; else arms share one."""

_STEPS = 40
"""Largest number of moves of a covariate's latents."""

_CLOSE = 0.02
"""A moment is met within this many standard errors of the drawn rows."""

_SMALLEST_SLOPE = 0.1
"""Least slope of values on latents that a move assumes, in standard deviations."""

OTHER_ARMS = ""
"""The arm of a moment of all arms together."""


@dataclass(frozen=True)
class Moment:
    """The distance of an arm's mean from the mean of all, or a covariance with another quantity.

    Attributes
    ----------
    arm : str        the arm whose patients it is of; `OTHER_ARMS` for a covariance within arms, common to all
    other : str      the other quantity of a covariance; "" for a mean
    value : float
    """

    arm: str
    other: str
    value: float


@dataclass(frozen=True)
class Unit:
    """The numbers of a kept column, or the indicator of one of its levels, with its moments in the source."""

    column: str
    level: str
    moments: tuple[Moment, ...]

    @property
    def name(self) -> str:
        """The column, with the level where it has levels."""
        return f"{self.column}={self.level}" if self.level else self.column


@dataclass(frozen=True)
class Drawn:
    """Rows of one column: its values (n,), their latents (n, width) and their groups (n,)."""

    law: ColumnLaw
    values: np.ndarray
    latents: np.ndarray
    groups: np.ndarray


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
    """

    columns: tuple[str, ...]
    units: tuple[Unit, ...]
    reasons: Mapping[str, str]

    @classmethod
    def of(
        cls,
        columns: Sequence[ColumnLaw],
        values: Mapping[str, np.ndarray],
        quantities: Quantities,
        arm: np.ndarray,
        weights: np.ndarray,
        least: int = MIN_PATIENTS,
    ) -> KeptMoments:
        """The moments of these columns in the source.

        Parameters
        ----------
        values : Mapping      column to its values (n,), as `Shape.encoded` gives them
        quantities            costs, utilities and residuals of the outcome
        arm : array (n,)      one text for all where there are no arms
        weights : array (n,)  patients of the source that a row stands for
        least : int           patients of a moment
        """
        units: list[Unit] = []
        reasons: dict[str, str] = {}
        before: dict[str, tuple[np.ndarray, frozenset[str]]] = {}
        for column in columns:
            for level in column.levels[:-1] if column.levels else ("",):
                held = _numbers(values[column.name], level)
                moments, reason = _moments(column.name, held, quantities, before, arm, weights, least)
                unit = Unit(column.name, level, moments)
                units.append(unit)
                if reason:
                    reasons[column.name] = reason
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
        return found

    def to_dict(self) -> dict[str, Any]:
        return {"columns": list(self.columns), "units": [asdict(unit) for unit in self.units], "reasons": self.reasons}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> KeptMoments:
        units = tuple(
            Unit(unit["column"], unit["level"], tuple(Moment(**moment) for moment in unit["moments"]))
            for unit in facts["units"]
        )
        return cls(tuple(facts["columns"]), units, dict(facts["reasons"]))


def _numbers(values: np.ndarray, level: str) -> np.ndarray:
    """The numbers (n,) of a unit: the values, or 1 for the level and 0 for others; NaN where missing."""
    if not level:
        return values.astype(float)
    return np.where(values == "", np.nan, (values == level).astype(float))


def _moments(
    column: str,
    held: np.ndarray,
    quantities: Quantities,
    before: Quantities,
    arm: np.ndarray,
    weights: np.ndarray,
    least: int,
) -> tuple[tuple[Moment, ...], str]:
    """The moments of one unit, and what is not kept with its reason; "" if everything is."""
    known = np.isfinite(held)
    filled = np.where(known, held, 0.0)
    others = {name: other for name, (other, made_of) in quantities.items() if column not in made_of}
    arms = _arms_told(arm, known, least)
    found = [
        Moment(level, "", float(_direction(level, None, known, arm, weights) @ filled))
        for level in arms
        if len(arms) > 1 or len(np.unique(arm)) > 1
    ]
    reasons = []
    if len(arms) < len(np.unique(arm)):
        reasons.append(f"no mean of an arm with fewer than {least} patients, nor of one that would give it away")
    enough = _PATIENTS_PER_MOMENT * (1 + len(others))
    for name, other in {**others, **{name: held for name, (held, _) in before.items()}}.items():
        both = known & np.isfinite(other)
        own = name not in before and all((both & (arm == level)).sum() >= enough for level in np.unique(arm))
        if both.sum() < least:
            reasons.append(f"no covariance with {name}: known together for fewer than {least} patients")
            continue
        for level in np.unique(arm).tolist() if own else [OTHER_ARMS]:
            direction = _direction(level, other, known, arm, weights)
            found.append(Moment(level, name, float(direction @ filled)))
    return tuple(found), "; ".join(reasons)


def _arms_told(arm: np.ndarray, known: np.ndarray, least: int) -> list[str]:
    """The arms whose mean is kept.

    The mean of all rows is kept too, so the means of all arms but one give away that of the last. Arms are left out,
    smallest first, until those left out have `least` patients together, or none.
    """
    levels, inverse = np.unique(arm, return_inverse=True)
    counts = np.bincount(inverse, known, minlength=len(levels))
    order = np.argsort(counts, kind="stable")
    left = 0
    while left < len(order) and (counts[order[left]] < least or 0 < counts[order[:left]].sum() < least):
        left += 1
    return sorted(str(levels[place]) for place in order[left:])


def _direction(
    level: str, other: np.ndarray | None, known: np.ndarray, arm: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """The direction (n,) whose product with the numbers of a unit is a moment; 0 in rows that do not count.

    For an arm's mean, it is the arm's weights less those of all; for a covariance, the other quantity, centred within
    arms. So no direction depends on the mean of all, which the order of the values cannot change.
    """
    rows = known & ((arm == level) | (level == OTHER_ARMS))
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
    law, values = drawn.law, drawn.values.copy()
    first = int(law.may_miss)
    present = values != "" if law.levels else np.isfinite(values)
    left = present.copy()
    for place, unit in enumerate(units):
        rows = np.flatnonzero(left)
        latents, groups = drawn.latents[rows, first + place], drawn.groups[rows]
        held = _numbers(drawn.values, unit.level)
        if len(rows):
            targets = np.array([moment.value for moment in unit.moments])
            directions = [
                _direction(
                    moment.arm, known[moment.other][0] if moment.other else None, present, arm, np.ones(len(arm))
                )[rows]
                for moment in unit.moments
            ]
            order = _placing(drawn.values, unit.level, present, drawn.groups, groups)
            placed = _moved(latents, order, np.array(directions).reshape(len(targets), len(rows)), targets)
            if unit.level:
                values[rows] = np.where(placed > 0, unit.level, law.levels[place + 1])
                left[rows[placed > 0]] = False
            else:
                values[rows] = placed
            held = _numbers(values, unit.level)
        known[unit.name] = held, frozenset([unit.column])
    return values


def _placing(
    drawn: np.ndarray, level: str, present: np.ndarray, groups: np.ndarray, among: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """The function from latents (k,) to numbers (k,): by rank within each group, in the numbers that were drawn."""
    parts = []
    for key in np.unique(among):
        rows = np.flatnonzero(among == key)
        whole = drawn[present & (groups == key)]
        if level:
            values = np.zeros(len(rows))
            values[len(rows) - int((whole == level).sum()) :] = 1.0
        else:
            values = np.sort(whole.astype(float))
        parts.append((rows, values))

    def placed(latents: np.ndarray) -> np.ndarray:
        found = np.empty(len(latents))
        for rows, values in parts:
            found[rows[rising(latents[rows])]] = values
        return found

    return placed


def _moved(
    latents: np.ndarray, place: Callable[[np.ndarray], np.ndarray], directions: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """The numbers (n,) placed by latents that are moved along the directions (p, n) until they meet the targets (p,).

    Each move is a Newton step with the mean slope of the numbers on the latents. The nearest of all moves is returned.
    """
    start = place(latents)
    spread, sizes = float(start.std()), np.linalg.norm(directions, axis=1)
    usable = sizes > 1e-12
    if not usable.any() or spread <= 0:
        return start
    along = directions[usable] / sizes[usable, None]
    wanted = targets[usable] / sizes[usable]
    gram, tilt = along @ along.T, np.zeros(int(usable.sum()))
    found, nearest = start, np.inf
    for _ in range(_STEPS):
        moved = latents + along.T @ tilt
        numbers = place(moved)
        gap = wanted - along @ numbers
        worst = float(np.abs(gap).max()) / spread
        if worst < nearest:
            found, nearest = numbers, worst
        if worst < _CLOSE:
            break
        width = float(moved.std())
        slope = float(np.cov(numbers, moved)[0, 1]) / max(width**2, 1e-12)
        slope = max(slope, _SMALLEST_SLOPE * spread / max(width, 1e-12))
        tilt = tilt + np.linalg.lstsq(slope * gram, gap, rcond=1e-6)[0]
    return found
