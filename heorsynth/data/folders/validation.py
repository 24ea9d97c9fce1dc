"""What a folder of patients must pass to be a cohort: each partition seen by itself, and then all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core import errors
from heorsynth.core.errors import HeorsynthError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.declared import too_few_rows
from heorsynth.data.cohort.domain import ColumnDomain, Domain, columns_of, joined_columns
from heorsynth.data.cohort.level_checks import rare_levels
from heorsynth.data.cohort.source_checks import (
    ROW_CHECKS,
    arm_problems,
    id_problems,
    mixed_column,
    no_events,
    tells_nothing,
    visits,
)
from heorsynth.data.columns.identifiers import may_count_persons, persons_behind
from heorsynth.data.columns.role_checks import Found, nobody_censored
from heorsynth.data.columns.schema import Schema
from heorsynth.data.folders.partitions import Partitions, Refusal, told_by_file
from heorsynth.data.folders.tally import Cell, cells_of


@dataclass(frozen=True, repr=False)
class Seen:
    """What one partition shows at the door: facts that can be joined, and never a patient's value.

    Attributes
    ----------
    refusals : tuple         what is wrong with it by itself; where there is something, the rest is empty
    codes : Mapping          endpoint to the codes of how follow-up ended
    cells : Mapping          combinations of arm and subgroup levels to patients
    known : Mapping          column to patients in whom it is known
    same : Mapping           column that is the same for all of them to a hash of its value; others are not in it
    ids : Mapping            the declared id, and columns named like one, to hashes of their known values
    columns : Mapping        what each column holds
    """

    refusals: tuple[Refusal, ...]
    codes: Mapping[str, frozenset[int]]
    cells: Mapping[Cell, int]
    known: Mapping[str, int]
    same: Mapping[str, int]
    ids: Mapping[str, np.ndarray]
    columns: Mapping[str, ColumnDomain]


@dataclass(frozen=True)
class Door:
    """How partitions are read at the door."""

    partitions: Partitions
    schema: Schema
    event_map: Mapping[object, object] | None
    missing: tuple[str, ...] = ()

    def cohort(self, part: int) -> Cohort:
        """One partition as a cohort."""
        return self.partitions.cohort(part, self.schema, self.event_map, self.missing)


def seen(door: Door, part: int) -> Seen:
    """What one partition shows."""
    try:
        cohort = door.cohort(part)
    except HeorsynthError as error:
        return _refused([(type(error), one) for one in error.problems])
    frame, schema = cohort.rows, door.schema
    found: list[Found] = []
    known, same, ids = {}, {}, {}
    if not cohort.synthetic:
        found = [one for check in ROW_CHECKS for one in check(frame, schema)]
        for name in map(str, frame.columns):
            held = frame[name].dropna()
            found += mixed_column(name, held)
            known[name] = len(held)
            if len(held) and not (held != held.iloc[0]).any():
                same[name] = int(_hashes(held.iloc[:1])[0])
            if name == schema.id or (name not in schema.columns and may_count_persons(held)):
                ids[name] = _hashes(held)
    if found:
        return _refused(found)
    cell, members = cells_of(cohort)
    counts = np.bincount(cell, minlength=len(members)).tolist()
    return Seen(
        (),
        {one.name: frozenset(frame[one.event].astype(int).unique().tolist()) for one in schema.endpoints.values()},
        dict(zip(members, counts, strict=True)),
        known,
        same,
        ids,
        columns_of(cohort),
    )


def _refused(found: Sequence[Refusal]) -> Seen:
    """A partition of which nothing more is asked, since what else it shows could not be joined."""
    return Seen(tuple(found), {}, {}, {}, {}, {}, {})


def _hashes(column: pd.Series) -> np.ndarray:
    """A number for each value, equal for equal ones; among 20 million ids two agree by chance once in 90,000."""
    return pd.util.hash_pandas_object(
        column.astype(object) if column.dtype == object else column, index=False
    ).to_numpy()


def require_passed(name: str, files: Sequence[str], parts: Sequence[Seen], schema: Schema, *, synthetic: bool) -> None:
    """Nothing, if the partitions are a cohort; one error for all that is wrong with them otherwise.

    Raises
    ------
    CohortError           of its own kind where there is only one
    DamagedFileError      where nothing is wrong but that partitions cannot be read
    """
    refusals = told_by_file([(file, one) for file, part in zip(files, parts, strict=True) for one in part.refusals])
    if not refusals and not synthetic:
        refusals = list(_together(parts, schema))
    if not refusals:
        return
    kinds = {kind for kind, _ in refusals}
    kind = kinds.pop() if len(kinds) == 1 else errors.CohortError
    raise kind(f"cohort {name!r}", [problem for _, problem in refusals])


def _together(parts: Sequence[Seen], schema: Schema) -> list[Found]:
    """What is wrong with all partitions together."""
    cells = joined_cells(parts)
    n = sum(cells.values())
    found: list[Found] = [] if n >= 2 else [(errors.TooFewPatientsError, too_few_rows(n))]
    for endpoint in schema.endpoints.values():
        codes = frozenset[int]().union(*(part.codes[endpoint.name] for part in parts))
        if 1 not in codes:
            found.append(no_events(endpoint, n))
        if 0 not in codes and max(codes) > 1:
            found.append((errors.EventCodingError, nobody_censored(endpoint, ", ".join(map(str, sorted(codes))))))
    levels = _levels(cells, schema)
    if schema.arm is not None:
        found += arm_problems(levels[schema.arm], schema)
    if schema.id is not None:
        _, twice, known_ids = _repeats([part.ids[schema.id] for part in parts])
        found += id_problems(schema.id, twice, n - known_ids, n)
    for name in parts[0].ids:
        if name != schema.id and all(name in part.ids for part in parts):
            distinct, _, known_ids = _repeats([part.ids[name] for part in parts])
            found += [visits(name, persons, n)] if (persons := persons_behind(distinct, known_ids)) else []
    for name in parts[0].known:
        known = [part for part in parts if part.known[name]]
        alike = {part.same.get(name) for part in known}
        constant = len(alike) == 1 and None not in alike
        found += tells_nothing(name, len(known), constant, schema)
    for name in schema.subgroups:
        found += rare_levels(name, levels[name])
    return found


def _repeats(hashes: Sequence[np.ndarray]) -> tuple[int, int, int]:
    """How many different values there are, how many rows share theirs with another, and how many rows there are."""
    held = np.concatenate(hashes)
    held.sort()
    again = held[1:] == held[:-1]
    shared = np.zeros(len(held), dtype=bool)
    shared[1:] |= again
    shared[:-1] |= again
    return len(held) - int(again.sum()), int(shared.sum()), len(held)


def _levels(cells: Mapping[Cell, int], schema: Schema) -> dict[str, Counter[str]]:
    """The levels of arm and subgroups with their patients, missing left out."""
    found: dict[str, Counter[str]] = {name: Counter() for name in schema.strata}
    for cell, count in cells.items():
        for name, level in zip(schema.strata, cell, strict=True):
            if level:
                found[name][level] += count
    return found


def joined_cells(parts: Sequence[Seen]) -> dict[Cell, int]:
    """The cells of all partitions with their patients, sorted."""
    total: Counter[Cell] = Counter()
    for part in parts:
        total.update(part.cells)
    return dict(sorted(total.items()))


def joined_domain(parts: Sequence[Seen], schema: Schema) -> Domain:
    """What values the columns of all partitions hold."""
    columns: list[Mapping[str, Any]] = [part.columns for part in parts]
    return Domain.of_columns(schema, joined_columns(columns, schema), sum(joined_cells(parts).values()))
