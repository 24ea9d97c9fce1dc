"""A draw that was checked: how many rows, of which levels, and how many training patients they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from heorsynth.core.errors import Problem, TooFewPatientsError
from heorsynth.core.numbers import is_whole
from heorsynth.core.random import check_seed
from heorsynth.generators.sampling.target_shares import cells_for_targets, checked_where
from heorsynth.generators.sampling.training_counts import TrainingCounts

Where: TypeAlias = Mapping[str, object]
"""Column to the level that every row is to have."""

Targets: TypeAlias = Mapping[str, Mapping[str, float]]
"""Subgroup to the share that each of its levels is to have."""

CellRows: TypeAlias = Sequence[tuple[dict[str, str], int]]
"""Levels (column: level) with the number of rows that have them."""


@dataclass(frozen=True)
class DrawRequest:
    """The rows of one cohort as they were asked for, once it is known that they can be drawn.

    Attributes
    ----------
    rows, seed : int
    where : Mapping          column to the level that all rows have
    targets : Mapping        subgroup to the share of each level, as asked
    cells : list or None     levels with the number of rows that have them, where there are targets
    rests_on : int           training patients that an analysis of the rows rests on
    owner : bytes or None    the owner's key for half of the watermark
    """

    rows: int
    seed: int
    where: dict[str, str]
    targets: Targets | None
    cells: CellRows | None
    rests_on: int
    owner: bytes | None

    @classmethod
    def checked(
        cls,
        caller: str,
        counts: TrainingCounts,
        n: int | None,
        seed: int,
        where: Where | None,
        targets: Targets | None,
        owner: bytes | None,
    ) -> DrawRequest:
        """The request for n rows, as many as the source has by default; `caller` names the method in errors.

        Raises
        ------
        TooFewPatientsError    n is not a whole number of 2 or more
        GeneratorError         the source does not have these levels, or the shares cannot be met
        """
        rows = whole_number(caller, "n", counts.n_source if n is None else n, 2)
        seed = check_seed(seed)
        levels = checked_where(where or {}, counts.domain)
        cells = cells_for_targets(rows, counts.shares, targets, counts.domain, levels) if targets else None
        return cls(rows, seed, levels, targets or None, cells, _rests_on(counts, rows, levels, cells), owner)


def whole_number(caller: str, name: str, number: object, least: int) -> int:
    """A number of rows or cohorts as a Python int, which JSON can write.

    Raises
    ------
    TooFewPatientsError    not a whole number, or less than `least`
    """
    if not is_whole(number, least):
        raise TooFewPatientsError(caller, Problem(name, f"asked for {number!r}", f"a whole number from {least} up"))
    return int(number)


def _rests_on(counts: TrainingCounts, n: int, where: Mapping[str, str], cells: CellRows | None) -> int:
    """Training patients that an analysis of n such rows rests on.

    With `where`, the patients of these levels. With targets, the largest r for which r patients in the mix asked for
    could be taken from the training patients: r · count / n ≤ patients in every cell.
    """
    if cells is None:
        return max(1, counts.n_with(where))
    return max(1, min([counts.n_learnt, *(n * counts.n_with(cell) // count for cell, count in cells if count)]))
