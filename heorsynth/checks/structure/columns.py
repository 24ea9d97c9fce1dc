"""The columns of a cohort that are compared, as numbers or as levels."""

from __future__ import annotations

import numpy as np

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.arrays import Distinct
from heorsynth.data.columns.kinds import MAX_LEVELS


def compared_columns(real: Cohort) -> list[str]:
    """Return every column except those that name a patient or a cluster, whatever its number of levels."""
    return [str(name) for name in real.arrays.columns if name not in real.schema.identifiers]


def paired_columns(real: Cohort) -> list[str]:
    """Return the columns whose associations are compared: those with at most `MAX_LEVELS` levels.

    Each level is an indicator, so a column with thousands of levels would dominate an average over pairs.
    """
    return [
        name
        for name in compared_columns(real)
        if real.schema.holds_levels(name) or is_numeric(real, name) or len(levels_of(real, name)) <= MAX_LEVELS
    ]


def is_numeric(real: Cohort, name: str) -> bool:
    """Return whether a column is numeric; arms, subgroups, events and codes are levels, whatever their type."""
    return not real.schema.holds_levels(name) and real.arrays.holds_numbers(name)


def numbers(cohort: Cohort, name: str) -> np.ndarray:
    """Return a numeric column (n,), NaN where it is missing or the cohort lacks it."""
    return cohort.numbers(name) if cohort.has(name) else np.full(cohort.n, np.nan)


def distinct(cohort: Cohort, name: str) -> Distinct:
    """Return a numeric column, coded; without any value if the cohort lacks it."""
    return cohort.arrays.distinct(name) if cohort.has(name) else Distinct.of(np.full(cohort.n, np.nan))


def levels_of(cohort: Cohort, name: str) -> list[str]:
    """Return the levels of a column, in order."""
    return list(cohort.coded(name).counts)
