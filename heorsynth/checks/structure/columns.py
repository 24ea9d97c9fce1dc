"""Which columns of a cohort are compared, and as what: numbers, or levels."""

from __future__ import annotations

from pandas.api import types

from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.kinds import MAX_LEVELS
from heorsynth.data.columns.levels import as_text


def compared_columns(real: Cohort) -> list[str]:
    """Every column but the patients' id: what a generator writes anew is compared, however many levels it has."""
    return [str(name) for name in real.rows.columns if name != real.schema.id]


def paired_columns(real: Cohort) -> list[str]:
    """The compared columns whose associations are: all but those of more than `MAX_LEVELS` levels.

    Each level is an indicator, so a column of thousands would be all that an average over pairs shows.
    """
    return [
        name
        for name in compared_columns(real)
        if real.schema.holds_levels(name) or is_numeric(real, name) or len(levels_of(real, name)) <= MAX_LEVELS
    ]


def is_numeric(real: Cohort, name: str) -> bool:
    """Whether a column's values are numbers; arms, subgroups, events and codes are levels, whatever their type."""
    column = real.rows[name]
    return not real.schema.holds_levels(name) and types.is_numeric_dtype(column) and not types.is_bool_dtype(column)


def levels_of(cohort: Cohort, name: str) -> list[str]:
    """The levels a column holds, in order."""
    return sorted(set(as_text(cohort.rows[name]).dropna()))
