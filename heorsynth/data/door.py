"""What a folder of patients must pass to be a cohort: each partition seen by itself, and then all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.core import errors
from heorsynth.core.errors import HeorsynthError, Problem
from heorsynth.data.cohort import too_few_rows
from heorsynth.data.domain import ColumnDomain, Domain, columns_of, joined_columns
from heorsynth.data.inspection import Found, nobody_censored
from heorsynth.data.partitions import Partitions, Refusal
from heorsynth.data.schema import Schema
from heorsynth.data.source_checks import (
    ROW_CHECKS,
    arm_problems,
    id_problems,
    lonely_levels,
    mixed_column,
    no_events,
    tells_nothing,
)
from heorsynth.data.tally import Cell, cells_of


@dataclass(frozen=True, repr=False)
class Seen:
    """What one partition shows at the door: facts that can be joined, and never a patient's value.

    Attributes
    ----------
    refusals : tuple         what is wrong with it by itself; where there is something, the rest may be empty
    codes : Mapping          endpoint to the codes of how follow-up ended
    cells : Mapping          combinations of arm and subgroup levels to patients
    known : Mapping          column to patients in whom it is known
    same : Mapping           column that is the same for all of them to a hash of its value; others are not in it
    ids : array (k,)         hashes of the known ids
    columns : Mapping        what each column holds
    """

    refusals: tuple[Refusal, ...]
    codes: Mapping[str, frozenset[int]]
    cells: Mapping[Cell, int]
    known: Mapping[str, int]
    same: Mapping[str, int]
    ids: np.ndarray
    columns: Mapping[str, ColumnDomain]


@dataclass(frozen=True)
class Door:
    """How partitions are read at the door."""

    partitions: Partitions
    schema: Schema
    event_map: Mapping[object, object] | None


def seen(door: Door, part: int) -> Seen:
    """What one partition shows."""
    file = door.partitions.files[part]
    try:
        cohort = door.partitions.cohort(part, door.schema, door.event_map)
    except HeorsynthError as error:
        wrong = [Problem(_within(file, one.where), one.found, one.fix) for one in error.problems]
        return Seen(tuple((type(error), one) for one in wrong), {}, {}, {}, {}, np.zeros(0, np.uint64), {})
    frame, schema = cohort.rows, door.schema
    found: list[Found] = []
    known, same = {}, {}
    if not cohort.synthetic:
        found = [one for check in ROW_CHECKS for one in check(frame, schema)]
        for name in map(str, frame.columns):
            held = frame[name].dropna()
            found += mixed_column(name, held)
            known[name] = len(held)
            if len(held) and not (held != held.iloc[0]).any():
                same[name] = int(_hashes(held.iloc[:1])[0])
    cell, members = cells_of(cohort)
    counts = np.bincount(cell, minlength=len(members)).tolist()
    return Seen(
        tuple((kind, Problem(_within(file, one.where), one.found, one.fix)) for kind, one in found),
        {name: frozenset(np.unique(cohort.outcome(name)[1]).tolist()) for name in schema.endpoints},
        dict(zip(members, counts, strict=True)),
        known,
        same,
        _ids(frame, schema),
        columns_of(cohort),
    )


def _within(file: str, where: str) -> str:
    return f"{file}, {where}" if where else file


def _ids(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    return np.zeros(0, np.uint64) if schema.id is None else _hashes(frame[schema.id].dropna())


def _hashes(column: pd.Series) -> np.ndarray:
    """A number for each value, equal for equal ones; among 20 million ids two agree by chance once in 90,000."""
    return pd.util.hash_pandas_object(
        column.astype(object) if column.dtype == object else column, index=False
    ).to_numpy()


def require_passed(name: str, parts: Sequence[Seen], schema: Schema, *, synthetic: bool) -> None:
    """Nothing, if the partitions are a cohort; one error for all that is wrong with them otherwise.

    Raises
    ------
    CohortError           of its own kind where there is only one
    DamagedFileError      where nothing is wrong but that partitions cannot be read
    """
    refusals: list[Refusal] = [one for part in parts for one in part.refusals]
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
        found += arm_problems(sorted(levels[schema.arm]), schema)
    if schema.id is not None:
        ids = np.concatenate([part.ids for part in parts])
        _, counts = np.unique(ids, return_counts=True)
        found += id_problems(schema.id, int(counts[counts > 1].sum()), n - len(ids), n)
    for name in parts[0].known:
        known = [part for part in parts if part.known[name]]
        alike = {part.same.get(name) for part in known}
        constant = len(alike) == 1 and None not in alike
        found += tells_nothing(name, len(known), constant, schema)
    for name in schema.subgroups:
        found += lonely_levels(name, sum(count == 1 for count in levels[name].values()))
    return found


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
