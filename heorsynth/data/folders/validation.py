"""Check that a folder of patients is a cohort: each partition by itself, then all of them together."""

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
    no_events_problem,
    repeated_ids_problem,
    uninformative_column,
)
from heorsynth.data.columns.identifiers import is_id_like, n_persons_from_counts
from heorsynth.data.columns.role_checks import TypedProblem, nobody_censored
from heorsynth.data.columns.schema import Schema
from heorsynth.data.files.limits import Excerpt
from heorsynth.data.folders.partitions import Partitions, Refusal, grouped_by_file
from heorsynth.data.folders.tally import Cell, Tally

_FIRST_ROWS = 1000
"""This many rows are usually enough to see that a column is not constant."""


@dataclass(frozen=True, repr=False)
class _PartitionFacts:
    """The summary of one partition: facts that can be joined, without any patient's value.

    Attributes
    ----------
    refusals : tuple         problems of the partition; if there are any, the other fields are empty
    codes : Mapping          endpoint to its event codes
    cells : Mapping          combination of arm and subgroup levels to number of patients
    known : Mapping          column to number of known values
    same : Mapping           constant column to a hash of its value
    ids : Mapping            the declared id, and columns named like an id, to hashes of their known values
    columns : Mapping        the domain of each column
    """

    refusals: tuple[Refusal, ...]
    codes: Mapping[str, frozenset[int]]
    cells: Mapping[Cell, int]
    known: Mapping[str, int]
    same: Mapping[str, int]
    ids: Mapping[str, np.ndarray]
    columns: Mapping[str, ColumnDomain]


@dataclass(frozen=True)
class PartitionReader:
    """Reads partitions with the declared roles."""

    partitions: Partitions
    schema: Schema
    event_map: Mapping[object, object] | None
    missing: tuple[str, ...] = ()

    def cohort(self, part: int) -> Cohort:
        """Return one partition as a cohort."""
        return self.partitions.cohort(part, self.schema, self.event_map, self.missing)

    def rows(self, part: int, rows: np.ndarray) -> Cohort:
        """Return some rows of a partition that was looked over, ascending: no others become a frame."""
        return self.partitions.cohort(part, self.schema, self.event_map, self.missing, Excerpt(rows=rows))

    def strata(self, part: int) -> Cohort:
        """Return the arm and the subgroups of a partition that was looked over: no other column is read."""
        schema = self.schema
        of_strata = Schema(
            endpoints={},
            arm=schema.arm,
            arm_reference=schema.arm_reference,
            subgroups=schema.subgroups,
            kind={name: kind for name, kind in schema.kind.items() if name in schema.strata},
            levels={name: levels for name, levels in schema.levels.items() if name in schema.strata},
        )
        excerpt = Excerpt(columns=schema.strata) if schema.strata else None
        return self.partitions.cohort(part, of_strata, None, self.missing, excerpt)


def partition_facts(reader: PartitionReader, part: int) -> tuple[_PartitionFacts, Tally | None]:
    """Return the summary of one partition, and its tally unless it has problems."""
    try:
        cohort = reader.cohort(part)
    except HeorsynthError as error:
        return _refused([(type(error), one) for one in error.problems]), None
    frame, schema = cohort.rows, reader.schema
    problems: list[TypedProblem] = []
    known, same, ids = {}, {}, {}
    if not cohort.synthetic:
        problems = [one for check in ROW_CHECKS for one in check(frame, schema)]
        for name in map(str, frame.columns):
            missing = cohort.arrays.missing(name)
            values = frame[name][~missing] if missing.any() else frame[name]
            problems += mixed_column(name, values)
            known[name] = len(values)
            if _constant(values):
                same[name] = int(_hashes(values.iloc[:1])[0])
            if name == schema.id or (name not in schema.columns and is_id_like(values)):
                ids[name] = _hashes(values)
    if problems:
        return _refused(problems), None
    tally = Tally.of(cohort)
    facts = _PartitionFacts(
        (),
        {one.name: frozenset(frame[one.event].astype(int).unique().tolist()) for one in schema.endpoints.values()},
        dict(zip(tally.members, tally.patients.tolist(), strict=True)),
        known,
        same,
        ids,
        columns_of(cohort),
    )
    return facts, tally


def _constant(values: pd.Series) -> bool:
    """Return True if there are known values (n,), all of them equal; most columns differ within their first rows."""
    first = values.iloc[:_FIRST_ROWS]
    return bool(len(values) and not (first != first.iloc[0]).any() and not (values != first.iloc[0]).any())


def _refused(problems: Sequence[Refusal]) -> _PartitionFacts:
    """Return the summary of a partition with problems. Its other facts are left out, because they cannot be joined."""
    return _PartitionFacts(tuple(problems), {}, {}, {}, {}, {}, {})


def _hashes(column: pd.Series) -> np.ndarray:
    """Return a hash for each value. Among 20 million ids, two share a hash by chance with probability 1 in 90,000."""
    return pd.util.hash_pandas_object(
        column.astype(object) if column.dtype == object else column, index=False
    ).to_numpy()


def require_passed(
    name: str, files: Sequence[str], parts: Sequence[_PartitionFacts], schema: Schema, *, synthetic: bool
) -> None:
    """Raise one error for all problems if the partitions are not a cohort.

    Raises
    ------
    CohortError           of its own kind if all problems are of one kind
    DamagedFileError      if the only problem is that partitions cannot be read
    """
    refusals = grouped_by_file([(file, one) for file, part in zip(files, parts, strict=True) for one in part.refusals])
    if not refusals and not synthetic:
        refusals = list(_joint_problems(parts, schema))
    if not refusals:
        return
    kinds = {kind for kind, _ in refusals}
    kind = kinds.pop() if len(kinds) == 1 else errors.CohortError
    raise kind(f"cohort {name!r}", [problem for _, problem in refusals])


def _joint_problems(parts: Sequence[_PartitionFacts], schema: Schema) -> list[TypedProblem]:
    """Return the problems of all partitions together."""
    cells = joined_cells(parts)
    n = sum(cells.values())
    problems: list[TypedProblem] = [] if n >= 2 else [(errors.TooFewPatientsError, too_few_rows(n))]
    for endpoint in schema.endpoints.values():
        codes = frozenset[int]().union(*(part.codes[endpoint.name] for part in parts))
        if 1 not in codes:
            problems.append(no_events_problem(endpoint, n))
        if 0 not in codes and max(codes) > 1:
            problems.append((errors.EventCodingError, nobody_censored(endpoint, ", ".join(map(str, sorted(codes))))))
    levels = _levels(cells, schema)
    if schema.arm is not None:
        problems += arm_problems(levels[schema.arm], schema)
    if schema.id is not None:
        _, twice, known_ids = _repeats([part.ids[schema.id] for part in parts])
        problems += id_problems(schema.id, twice, n - known_ids, n)
    for name in parts[0].ids:
        if name != schema.id and all(name in part.ids for part in parts):
            distinct, _, known_ids = _repeats([part.ids[name] for part in parts])
            persons = n_persons_from_counts(distinct, known_ids)
            problems += [repeated_ids_problem(name, persons, n)] if persons else []
    for name in parts[0].known:
        known = [part for part in parts if part.known[name]]
        alike = {part.same.get(name) for part in known}
        constant = len(alike) == 1 and None not in alike
        problems += uninformative_column(name, len(known), constant, schema)
    for name in schema.subgroups:
        problems += rare_levels(name, levels[name])
    return problems


def _repeats(hashes: Sequence[np.ndarray]) -> tuple[int, int, int]:
    """Return the number of different values, of rows that share their value with another row, and of all rows."""
    values = np.concatenate(hashes)
    values.sort()
    again = values[1:] == values[:-1]
    shared = np.zeros(len(values), dtype=bool)
    shared[1:] |= again
    shared[:-1] |= again
    return len(values) - int(again.sum()), int(shared.sum()), len(values)


def _levels(cells: Mapping[Cell, int], schema: Schema) -> dict[str, Counter[str]]:
    """Return the number of patients with each level of arm and subgroups, without missing values."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in schema.strata}
    for cell, count in cells.items():
        for name, level in zip(schema.strata, cell, strict=True):
            if level:
                counts[name][level] += count
    return counts


def joined_cells(parts: Sequence[_PartitionFacts]) -> dict[Cell, int]:
    """Return the number of patients in each cell over all partitions, sorted."""
    total: Counter[Cell] = Counter()
    for part in parts:
        total.update(part.cells)
    return dict(sorted(total.items()))


def joined_domain(parts: Sequence[_PartitionFacts], schema: Schema) -> Domain:
    """Return the domain of the columns over all partitions."""
    columns: list[Mapping[str, Any]] = [part.columns for part in parts]
    return Domain.of_columns(schema, joined_columns(columns, schema), sum(joined_cells(parts).values()))
