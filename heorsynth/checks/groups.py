"""The groups a check looks at: everyone, each arm, each level of each subgroup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

import numpy as np

from heorsynth.core.errors import NotEstimableError
from heorsynth.data.cohort import Cohort
from heorsynth.data.tally import Tally

ALL, ARM, SUBGROUP = "all", "arm", "subgroup"


Seen = TypeVar("Seen", bound=Cohort | Tally)
"""Rows, or a tally of them: whichever, the real and the synthetic patients are the same kind."""


@dataclass(frozen=True)
class Group(Generic[Seen]):
    """The same patients by description in the real cohort and in each synthetic one."""

    label: str
    kind: str
    real: Seen
    synthetic: tuple[Seen, ...]

    @property
    def decisive(self) -> bool:
        """Whether a verdict may rest on it: everyone and the arms do, subgroup levels support."""
        return self.kind != SUBGROUP

    def against(self, column: str, arm: str, usual: str) -> Group[Seen]:
        """The same patients, looked at for what an arm does against another."""
        pair = f"{column}={arm} vs {usual}"
        return replace(self, label=pair if self.kind == ALL else f"{pair}, {self.label}")


def groups_of(real: Seen, synthetic: Sequence[Seen]) -> Iterator[Group[Seen]]:
    """Everyone; then each arm and each subgroup level of the real cohort, missing levels left out."""
    yield Group("all", ALL, real, tuple(synthetic))
    schema = real.schema
    columns = [(schema.arm, ARM)] if schema.arm is not None else []
    columns += [(name, SUBGROUP) for name in schema.subgroups]
    for name, kind in columns:
        of_real, of_synthetic = real.levels(name), [cohort.levels(name) for cohort in synthetic]
        for level in sorted(set(of_real.tolist()) - {""}):
            parts = tuple(_taken(cohort, held == level) for cohort, held in zip(synthetic, of_synthetic, strict=True))
            yield Group(f"{name}={level}", kind, _taken(real, of_real == level), parts)


def comparisons(real: Cohort | Tally, reference: str) -> list[str]:
    """The arms to set against a reference arm, in order."""
    return [level for level in real.arm_levels if level != reference]


def two_levels(cohort: Seen, column: str, first: str, second: str) -> tuple[Seen, np.ndarray]:
    """The patients of two levels of a column, and which of them are of the first.

    Raises
    ------
    NotEstimableError      a level without a patient
    """
    held = cohort.levels(column)
    rows = (held == first) | (held == second)
    chosen = held[rows] == first
    if chosen.all() or not chosen.any():
        raise NotEstimableError(f"{first!r} or {second!r} has no patients")
    return _taken(cohort, rows), chosen


def _taken(data: Seen, chosen: np.ndarray) -> Seen:
    return cast(Seen, data.take(chosen))
