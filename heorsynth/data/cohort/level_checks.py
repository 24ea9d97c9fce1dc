"""Checks of arm and subgroup levels: each is shared by enough patients, and none is free text."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from heorsynth.core import errors
from heorsynth.core.display import agreeing
from heorsynth.core.errors import Problem
from heorsynth.data.columns.levels import SMALL_COUNT, as_text
from heorsynth.data.columns.role_checks import TypedProblem

ENOUGH = 10
"""A cohort with fewer patients cannot be shared. This many rare levels indicate free text."""

_LONGEST = 100
"""The largest number of characters in the name of an arm or of a subgroup's level."""


def counts_of(column: pd.Series) -> dict[str, int]:
    """Return the number of patients with each level of a column."""
    return {str(level): int(count) for level, count in as_text(column).value_counts().items()}


def free_text_problem(where: str, levels: Mapping[str, int]) -> list[TypedProblem]:
    """Return the problem of levels that are free text: one is very long, or most have hardly any patients."""
    rare = sum(count < SMALL_COUNT for count in levels.values())
    if max(map(len, levels), default=0) > _LONGEST:
        message = f"a level is longer than {_LONGEST} characters: free text"
    elif rare >= ENOUGH and 2 * rare >= len(levels):
        have = agreeing(rare, "has", "have")
        message = f"{rare} of its {len(levels)} levels {have} fewer than {SMALL_COUNT} patients: free text"
    else:
        return []
    return [(errors.SparseLevelError, Problem(where, message, "group its values into few levels, or give it no role"))]


def rare_levels(name: str, levels: Mapping[str, int]) -> list[TypedProblem]:
    """Return the problem of a subgroup in which some level has a single patient. `levels` holds the counts."""
    single = sum(count == 1 for count in levels.values())
    if free_text := free_text_problem(f"subgroup {name!r}", levels):
        return free_text
    if not single:
        return []
    message = f"{single} of its levels {'has' if single == 1 else 'have'} a single patient"
    fix = "merge rare levels, or do not declare it a subgroup"
    return [(errors.SparseLevelError, Problem(f"subgroup {name!r}", message, fix))]
