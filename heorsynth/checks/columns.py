"""Which columns of a cohort are compared, and as what: numbers, or levels."""

from __future__ import annotations

from pandas.api import types

from heorsynth.data.cohort import Cohort
from heorsynth.data.domain import MAX_LEVELS
from heorsynth.data.levels import as_text


def compared_columns(real: Cohort) -> list[str]:
    """Every column but the patients' id and free text, which has too many levels to compare."""
    return [str(name) for name in real.rows.columns if name != real.schema.id and not _free_text(real, str(name))]


def is_numeric(real: Cohort, name: str) -> bool:
    """Whether a column's values are numbers; arms, subgroups and events are levels whatever they are coded as."""
    column = real.rows[name]
    levelled = name == real.schema.arm or name in real.schema.subgroups or name in real.schema.events
    return not levelled and types.is_numeric_dtype(column) and not types.is_bool_dtype(column)


def levels_of(cohort: Cohort, name: str) -> list[str]:
    """The levels a column holds, in order."""
    return sorted(set(as_text(cohort.rows[name]).dropna()))


def _free_text(real: Cohort, name: str) -> bool:
    roles = (real.schema.arm, *real.schema.subgroups, *real.schema.events)
    return name not in roles and not is_numeric(real, name) and len(levels_of(real, name)) > MAX_LEVELS
