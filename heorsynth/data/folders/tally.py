"""A cohort as counts and moments that can be added up, for checks of more patients than memory holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial, reduce
from operator import add
from typing import Any, TypeVar, cast

import numpy as np

from heorsynth.core.display import Card, facts_card
from heorsynth.core.errors import Problem, RoleError, unknown_name
from heorsynth.core.ranks import unique
from heorsynth.data.cohort.cohort import Cohort, arms_in_order
from heorsynth.data.columns.schema import Schema
from heorsynth.data.folders.moments import MomentBlocks
from heorsynth.data.folders.value_counts import ValueCounts

Cell = tuple[str, ...]

_Made = TypeVar("_Made")

_MOST_MADE = 200
"""A tally keeps at most so many of its groups, curves and moments."""


@dataclass(frozen=True, repr=False)
class Tally:
    """A summary of a cohort by cells, the combinations of arm and subgroup levels. It is used like a cohort.

    Attributes
    ----------
    schema : Schema
    members : tuple of Cell      the cells with patients, sorted; '' means missing
    patients : array (c,)        patients in each cell
    outcomes : Mapping           endpoint to counts of follow-up times by event code
    entries : Mapping            endpoint to counts of entry times; empty without delayed entry
    n_exit_not_after_entry : Mapping  endpoint to patients (c,) whose follow-up does not end after entry
    numbers : Mapping            cost or utility to counts of its values
    moments : MomentBlocks       moments of costs and utilities, in the order of `numbers`
    missing : Mapping            column to patients (c,) with a missing value

    Notes
    -----
    The tallies of parts add up to the tally of the whole, `a + b`. Counts are exact in any order; moments are exact to
    rounding, and identical if added in the same order. Times that differ only by rounding are kept apart here. They are
    joined when events are counted (`checks.core.observed`, with `estimators.ties`), because a part alone cannot decide.
    Up to `value_counts.EXACT` different times or values are exact. With more, each has a relative error of at most
    0.00024 (`value_counts.LARGEST_ERROR`), and so has every quantile. If d events and c censorings then share a step
    with Y at risk, the events come first: the factor of the curve is 1 - d/Y, and the exact factor lies between
    1 - d/(Y - c) and 1 - d/Y. The error of a restricted mean is at most its horizon times
    0.00024 + sum of d·c / (Y (Y - c)).
    """

    schema: Schema
    members: tuple[Cell, ...]
    patients: np.ndarray
    outcomes: Mapping[str, ValueCounts]
    entries: Mapping[str, ValueCounts]
    n_exit_not_after_entry: Mapping[str, np.ndarray]
    numbers: Mapping[str, ValueCounts]
    moments: MomentBlocks
    missing: Mapping[str, np.ndarray]
    _made: dict[Hashable, Any] = field(default_factory=dict, compare=False)
    _taken_from: tuple[Tally, np.ndarray] | None = field(default=None, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"_made": {}, "_taken_from": None}

    def shared(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """Return what several estimands need of this tally, such as a curve or a group; it is made once.

        Only the last `_MOST_MADE` are kept.
        """
        if key not in self._made:
            if len(self._made) >= _MOST_MADE:
                del self._made[next(iter(self._made))]
            self._made[key] = make()
        return cast(_Made, self._made[key])

    @classmethod
    def of(cls, cohort: Cohort) -> Tally:
        """Return the tally of a cohort's rows."""
        schema = cohort.schema
        cell, members = cells_of(cohort)
        outcomes, entries, n_exit_not_after_entry = {}, {}, {}
        for endpoint in schema.endpoints:
            ended = _outcome(cohort, endpoint, cell, len(members))
            outcomes[endpoint], began, n_exit_not_after_entry[endpoint] = ended
            if began is not None:
                entries[endpoint] = began
        names = _money(schema)
        columns = np.column_stack([np.zeros((cohort.n, 0)), *(cohort.numbers(name) for name in names)])
        numbers = {name: _known(cohort, name, cell) for name in names}
        gaps = {str(name): _missing(cohort, name) for name in cohort.arrays.columns if name != schema.id}
        return cls(
            schema,
            members,
            np.bincount(cell, minlength=len(members)),
            outcomes,
            entries,
            n_exit_not_after_entry,
            numbers,
            MomentBlocks.of(cell, columns),
            {name: np.bincount(cell[gap], minlength=len(members)) for name, gap in gaps.items()},
        )._aligned()

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of both. Raise RoleError if their roles or columns differ."""
        if self.schema != other.schema or set(self.missing) != set(other.missing):
            fix = "add up tallies of one cohort's parts"
            raise RoleError("tally", Problem("", "the cohorts have different roles or columns", fix))
        members = tuple(sorted({*self.members, *other.members}))
        place = {member: at for at, member in enumerate(members)}
        one, two = (
            part._renumbered(np.array([place[member] for member in part.members], dtype=np.int64), members)
            for part in (self, other)
        )
        both: dict[str, Any] = {
            name: {key: held + getattr(two, name)[key] for key, held in getattr(one, name).items()}
            for name in ("outcomes", "entries", "n_exit_not_after_entry", "numbers", "missing")
        }
        patients, moments = one.patients + two.patients, one.moments + two.moments
        return replace(one, patients=patients, moments=moments, **both)._aligned()

    @classmethod
    def total(cls, parts: Sequence[Tally]) -> Tally:
        """Return the sum of all parts, added in their order."""
        return reduce(add, parts)

    @cached_property
    def n(self) -> int:
        """Number of patients."""
        return int(self.patients.sum())

    @property
    def exact(self) -> bool:
        """True if no time or value was rounded."""
        return not any(
            held.coarse for held in (*self.outcomes.values(), *self.entries.values(), *self.numbers.values())
        )

    def levels(self, name: str) -> np.ndarray:
        """Return the level (c,) of an arm or subgroup in each cell, with '' for missing."""
        if name not in self.schema.strata:
            raise unknown_name("arm or subgroup", name, self.schema.strata)
        place = self.schema.strata.index(name)
        return self.shared(("levels", name), lambda: np.array([member[place] for member in self.members], dtype=str))

    @property
    def arm_levels(self) -> tuple[str, ...]:
        """The arms as text: the reference first, then sorted. Empty without an arm."""
        return () if self.schema.arm is None else arms_in_order(self.levels(self.schema.arm), self.schema)

    def take(self, cells: np.ndarray) -> Tally:
        """Return the tally of some cells, given as a boolean mask (c,).

        It is the same object however it is come by: the women of an arm are those of the arm among the women.
        """
        if cells.all():
            return self
        if self._taken_from is None:
            return self.shared(("cells", cells.tobytes()), lambda: self._taken(cells))
        whole, places = self._taken_from
        wanted = np.zeros(len(whole.members), dtype=bool)
        wanted[places[cells]] = True
        return whole.take(wanted)

    def _taken(self, cells: np.ndarray) -> Tally:
        kept = np.flatnonzero(cells)
        places = np.full(len(cells), -1)
        places[kept] = np.arange(len(kept))
        part = self._renumbered(places, tuple(self.members[place] for place in kept.tolist()))
        part.__dict__["_taken_from"] = self, kept
        return part

    def _renumbered(self, places: np.ndarray, members: tuple[Cell, ...]) -> Tally:
        """Return the tally with cell i at places[i] of `members`, in the same order. A cell at -1 is left out."""
        counts: dict[str, Any] = {
            name: _OnUse(getattr(self, name), partial(ValueCounts.renumbered, places=places))
            for name in ("outcomes", "entries", "numbers")
        }
        move = partial(_moved, places=places, cells=len(members))
        patients: dict[str, Any] = {
            name: _OnUse(getattr(self, name), move) for name in ("n_exit_not_after_entry", "missing")
        }
        moved, moments = move(self.patients), self.moments.renumbered(places)
        return Tally(self.schema, members, moved, moments=moments, **counts, **patients)

    def _aligned(self) -> Tally:
        """Return the tally with an endpoint's exit and entry times both rounded or both exact, so entry stays first."""
        coarse = [key for key, began in self.entries.items() if began.coarse or self.outcomes[key].coarse]
        outcomes = {key: held.coarsened() if key in coarse else held for key, held in self.outcomes.items()}
        entries = {key: held.coarsened() if key in coarse else held for key, held in self.entries.items()}
        return replace(self, outcomes=outcomes, entries=entries)

    def same_as(self, other: Tally) -> bool:
        """Return True if all counts and moments are identical, to the last bit."""
        return _bytes(self) == _bytes(other)

    def card(self) -> Card:
        """Return a summary in counts."""
        kept = "exact" if self.exact else "some rounded, with a relative error of at most 0.00024"
        rows = [("patients", f"{self.n:,}"), ("cells", f"{len(self.members):,}"), ("times and values", kept)]
        return facts_card("Tally of a cohort", rows)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


class _OnUse(Mapping[str, _Made]):
    """Counts with other numbers of cells; each is changed when it is first asked for."""

    def __init__(self, held: Mapping[str, _Made], change: Callable[[_Made], _Made]) -> None:
        self._held, self._change, self._done = held, change, dict[str, _Made]()

    def __getitem__(self, key: str) -> _Made:
        if key not in self._done:
            self._done[key] = self._change(self._held[key])
        return self._done[key]

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


def _moved(counts: np.ndarray, places: np.ndarray, cells: int) -> np.ndarray:
    """Return the counts (c,) of cells at their new places, 0 elsewhere."""
    kept, moved = places >= 0, np.zeros(cells, dtype=np.int64)
    moved[places[kept]] = counts[kept]
    return moved


def cells_of(cohort: Cohort) -> tuple[np.ndarray, tuple[Cell, ...]]:
    """Return the cell (n,) of each row, and all cells: the combinations of arm and subgroup levels, sorted."""
    texts, key = [], np.zeros(cohort.n, dtype=np.int64)
    for held in map(cohort.coded, cohort.schema.strata):
        levels, place = np.unique(held.names, return_inverse=True)  # '' first
        key *= len(levels)
        key += place[held.codes]
        texts.append(levels)
    keys, cell = unique(key)[:2]
    rest, members = keys.copy(), []
    for levels in reversed(texts):
        rest, place = np.divmod(rest, len(levels))
        members.append(levels[place].tolist())
    cells: list[Cell] = list(zip(*reversed(members), strict=True)) if members else [()] * len(keys)
    return cell.astype(np.intp), tuple(cells)


def _money(schema: Schema) -> tuple[str, ...]:
    """Return the cost and utility columns, each once."""
    return tuple(dict.fromkeys((*schema.costs, *schema.utilities)))


def _outcome(
    cohort: Cohort, endpoint: str, cell: np.ndarray, cells: int
) -> tuple[ValueCounts, ValueCounts | None, np.ndarray]:
    """Return counts of exits, counts of entries, and patients whose exit is not after entry, without missing times."""
    time, cause, entry = cohort.outcome(endpoint)
    coded = cohort.arrays.distinct(cohort.schema.endpoints[endpoint].time)
    known = coded.codes >= 0 if entry is None else (coded.codes >= 0) & ~np.isnan(entry)
    codes = coded.codes
    if not known.all():
        time, cause, cell, codes = time[known], cause[known], cell[known], codes[known]
        entry = None if entry is None else entry[known]
    n_exit_not_after_entry = np.bincount(cell[time <= (0.0 if entry is None else entry)], minlength=cells)
    began = None if entry is None else ValueCounts.of(cell, entry, np.zeros(len(cell), int), starts=True)
    return ValueCounts.of_coded(cell, coded.values, codes, cause), began, n_exit_not_after_entry


def _known(cohort: Cohort, name: str, cell: np.ndarray) -> ValueCounts:
    """Return counts of the finite values of a column."""
    coded = cohort.arrays.distinct(name)
    finite = np.append(np.isfinite(coded.values), False)  # the last one is of missing values
    codes = coded.codes
    if not finite[:-1].all() or codes.min(initial=0) < 0:
        held = finite[codes]
        cell, codes = cell[held], codes[held]
    return ValueCounts.of_coded(cell, coded.values, codes, np.zeros(len(cell), int))


def _missing(cohort: Cohort, name: str) -> np.ndarray:
    """Return True (n,) where a column is missing; a column of levels is coded already."""
    return cohort.coded(name).codes < 0 if name in cohort.schema.strata else cohort.missing(name)


def _bytes(held: object) -> object:
    """Return all data of a tally in a form that is equal only if it is equal to the last bit."""
    if isinstance(held, np.ndarray):
        return held.dtype.str, held.shape, held.tobytes()
    if isinstance(held, Mapping):
        return {key: _bytes(value) for key, value in held.items()}
    if isinstance(held, (Tally, ValueCounts, MomentBlocks)):
        return [_bytes(getattr(held, one.name)) for one in fields(held) if one.compare]
    return held
