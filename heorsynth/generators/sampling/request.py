"""What a draw is asked for, once it is known that it can be: rows, levels, shares, and the patients they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heorsynth.core.errors import GeneratorError, Problem, TooFewPatientsError
from heorsynth.core.numbers import is_whole
from heorsynth.core.random import check_seed
from heorsynth.generators.sampling.target_shares import cells_for_targets, checked_where

if TYPE_CHECKING:
    from heorsynth.generators.sampling.sampler import Sampler


@dataclass(frozen=True)
class Asked:
    """What a draw is asked for: rows in a cohort, seed, levels, shares, and whose mark.

    Attributes
    ----------
    rows, seed : int
    where : Mapping          column to the level that all rows have
    targets : Mapping        subgroup to the share of each level, as asked
    cells : list or None     levels to the rows that have them, where there are targets
    rests_on : int           patients an analysis of the rows rests on
    owner : bytes            whose key half of the mark follows, if anybody's
    """

    rows: int
    seed: int
    where: dict[str, str]
    targets: Mapping[str, Mapping[str, float]] | None
    cells: list[tuple[dict[str, str], int]] | None
    rests_on: int
    owner: bytes | None

    @classmethod
    def of(
        cls,
        sampler: Sampler,
        what: str,
        n: int | None,
        seed: int,
        where: Mapping[str, object] | None,
        targets: Mapping[str, Mapping[str, float]] | None,
        owner: bytes | None,
    ) -> Asked:
        """What is asked of a sampler; `what` names the call in errors.

        Raises
        ------
        TooFewPatientsError    an n that is no whole number from 2 up
        GeneratorError         levels or shares that cannot be had, or any of a sampler that draws whole cohorts
        """
        rows = count_of(what, "n", sampler.n_source if n is None else n, 2)
        seed = check_seed(seed)
        wanted = checked_where(where or {}, sampler.domain)
        if sampler.aims and (wanted or targets):
            fix = "draw without where and targets, or fit without calibrate"
            raise GeneratorError(what, Problem("where, targets", "a calibrated sampler draws whole cohorts", fix))
        cells = cells_for_targets(rows, sampler.shares, targets, sampler.domain, wanted) if targets else None
        return cls(rows, seed, wanted, targets or None, cells, _rests_on(sampler, rows, wanted, cells), owner)


def count_of(what: str, name: str, number: object, least: int) -> int:
    """A number of rows or cohorts as an int, so that the label can be written as JSON; or TooFewPatientsError."""
    if not is_whole(number, least):
        raise TooFewPatientsError(what, Problem(name, f"asked for {number!r}", f"a whole number from {least} up"))
    return int(number)


def _rests_on(
    sampler: Sampler, n: int, where: Mapping[str, str], cells: list[tuple[dict[str, str], int]] | None
) -> int:
    """The patients an analysis of n such rows rests on.

    Those that `where` selects; where `targets` re-balance, the number at which the most inflated combination
    of levels is still inflated by no more than all rows are.
    """
    if cells is None:
        return max(1, _patients(sampler, where))
    return max(1, min([sampler.n_learnt, *(n * _patients(sampler, cell) // count for cell, count in cells if count)]))


def _patients(sampler: Sampler, where: Mapping[str, str]) -> int:
    """Patients learnt from that have these levels; all of them where none is named."""
    if not where:
        return sampler.n_learnt
    names = sampler.domain.schema.strata
    places = {names.index(name): level for name, level in where.items()}
    return sum(
        count
        for cell, count in (sampler.learnt or sampler.cells).items()
        if all(cell[place] == level for place, level in places.items())
    )
