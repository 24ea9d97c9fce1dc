"""The groups of a check: everyone, each arm, each subgroup level, and on request two subgroup levels together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Generic, TypeVar, cast

import numpy as np

from heorsynth.checks.core.observed import patients_by
from heorsynth.core.errors import NotEstimableError
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.levels import shown_names
from heorsynth.data.folders.tally import Tally

ALL, ARM, SUBGROUP, INTERSECTION = "all", "arm", "subgroup", "intersection"


Seen = TypeVar("Seen", bound=Cohort | Tally)
"""A cohort or a tally: the real and the synthetic data of a group are of the same type."""


@dataclass(frozen=True)
class Group(Generic[Seen]):
    """One group of patients in the real cohort and in each synthetic cohort."""

    label: str
    kind: str
    real: Seen
    synthetic: tuple[Seen, ...]

    @property
    def decisive(self) -> bool:
        """Whether findings in it can decide: those on everyone and on arms can, those on subgroups support."""
        return self.kind in (ALL, ARM)

    def against(self, column: str, arm: str, usual: str) -> Group[Seen]:
        """Return the same patients, labelled as a comparison of an arm with the reference arm."""
        pair = f"{column}={arm} vs {usual}"
        return replace(self, label=pair if self.kind == ALL else f"{pair}, {self.label}")


def groups_of(real: Seen, synthetic: Sequence[Seen], least: int | None = None) -> Iterator[Group[Seen]]:
    """Yield everyone, then each arm and each subgroup level of the real cohort, without missing levels.

    With `least`, also yield intersections: two levels of two subgroups with at least that many real patients.
    """
    yield Group("all", ALL, real, tuple(synthetic))
    schema = real.schema
    columns = [(schema.arm, ARM)] if schema.arm is not None else []
    columns += [(name, SUBGROUP) for name in schema.subgroups]
    for name, kind in columns:
        of_real, of_synthetic = real.levels(name), [cohort.levels(name) for cohort in synthetic]
        shown = names_of(real, name)
        for level in sorted(set(of_real.tolist()) - {""}):
            parts = tuple(_taken(cohort, held == level) for cohort, held in zip(synthetic, of_synthetic, strict=True))
            yield Group(f"{name}={shown[level]}", kind, _taken(real, of_real == level), parts)
    if least is not None:
        yield from _intersections(real, synthetic, least)


def _intersections(real: Seen, synthetic: Sequence[Seen], least: int) -> Iterator[Group[Seen]]:
    for pair in combinations(real.schema.subgroups, 2):
        everyone = (real, *synthetic)
        held = [[cohort.levels(name) for name in pair] for cohort in everyone]
        shown = [names_of(real, name) for name in pair]
        for cell in product(*(sorted(set(levels.tolist()) - {""}) for levels in held[0])):
            chosen = [(one == cell[0]) & (other == cell[1]) for one, other in held]
            of_real, *parts = (_taken(cohort, rows) for cohort, rows in zip(everyone, chosen, strict=True))
            if of_real.n >= least:
                named = zip(pair, shown, cell, strict=True)
                label = ", ".join(f"{name}={names[level]}" for name, names, level in named)
                yield Group(label, INTERSECTION, of_real, tuple(parts))


def names_of(real: Cohort | Tally, name: str) -> dict[str, str]:
    """Return each level of a column with the name that may be shown for it (`shown_names`)."""
    return shown_names({level: count for (level,), count in patients_by(real, [name]).items()})


def comparisons(real: Cohort | Tally, reference: str) -> list[str]:
    """Return the arms to compare with a reference arm, in order."""
    return [level for level in real.arm_levels if level != reference]


def two_levels(cohort: Seen, column: str, first: str, second: str) -> tuple[Seen, np.ndarray]:
    """Return the patients of two levels of a column, and a mask of those with the first level.

    Raises
    ------
    NotEstimableError      a level has no patients
    """
    held = cohort.levels(column)
    rows = (held == first) | (held == second)
    chosen = held[rows] == first
    if chosen.all() or not chosen.any():
        raise NotEstimableError(f"{first!r} or {second!r} has no patients")
    return _taken(cohort, rows), chosen


def _taken(data: Seen, chosen: np.ndarray) -> Seen:
    return cast(Seen, data.take(chosen))
