"""The groups of a check: everyone, each arm, each subgroup level, and on request two subgroup levels together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Generic, TypeVar, cast

import numpy as np

from heorsynth.checks.core.strata import at_level, levels_in, patients_by
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
        shown = names_of(real, name)
        for level in levels_in(real, name):
            parts = tuple(_taken(cohort, at_level(cohort, name, level)) for cohort in synthetic)
            yield Group(f"{name}={shown[level]}", kind, _taken(real, at_level(real, name, level)), parts)
    if least is not None:
        yield from _intersections(real, synthetic, least)


def _intersections(real: Seen, synthetic: Sequence[Seen], least: int) -> Iterator[Group[Seen]]:
    for pair in combinations(real.schema.subgroups, 2):
        everyone = (real, *synthetic)
        shown = [names_of(real, name) for name in pair]
        for cell in product(*(levels_in(real, name) for name in pair)):
            chosen = [at_level(cohort, pair[0], cell[0]) & at_level(cohort, pair[1], cell[1]) for cohort in everyone]
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
    of_first = at_level(cohort, column, first)
    rows = of_first | at_level(cohort, column, second)
    chosen = of_first[rows]
    if chosen.all() or not chosen.any():
        raise NotEstimableError(f"{first!r} or {second!r} has no patients")
    return _taken(cohort, rows), chosen


def _taken(data: Seen, chosen: np.ndarray) -> Seen:
    return cast(Seen, data.take(chosen))
