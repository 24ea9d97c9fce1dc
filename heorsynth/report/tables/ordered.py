"""Levels in a reader's order."""

from __future__ import annotations

from collections.abc import Iterable

from heorsynth.data.cohort.cohort import Cohort


def ordered_levels(cohort: Cohort, name: str, levels: Iterable[str]) -> list[str]:
    """The levels of a column: the reference arm or the lowest band first, then by name; missing ('') last."""
    declared = list(cohort.arm_levels) if name == cohort.schema.arm else []
    if name in cohort.schema.bands:
        declared = list(cohort.schema.bands[name].labels)
    place = {level: index for index, level in enumerate(declared)}
    return sorted(levels, key=lambda level: (level == "", place.get(level, len(place)), level))
