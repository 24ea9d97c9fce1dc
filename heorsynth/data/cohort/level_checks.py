"""Whether the levels of arm and subgroups may be shown: shared by enough patients, and no free text."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from heorsynth.core import errors
from heorsynth.core.errors import Problem
from heorsynth.data.columns.levels import SMALL_COUNT, as_text
from heorsynth.data.columns.role_checks import Found

ENOUGH = 10
"""With fewer patients nothing can be made of a cohort that is given away; so many rare levels are free text."""

LONGEST = 100
"""The name of an arm or a subgroup's level has so many characters at most."""


def counts_of(column: pd.Series) -> dict[str, int]:
    """How many patients have each level of a column."""
    return {str(level): int(count) for level, count in as_text(column).value_counts().items()}


def words_not_levels(where: str, levels: Mapping[str, int]) -> list[Found]:
    """What is said of levels that are free text: one is a sentence, or many have hardly a patient each."""
    rare = sum(count < SMALL_COUNT for count in levels.values())
    if max(map(len, levels), default=0) > LONGEST:
        told = f"a level is longer than {LONGEST} characters: free text"
    elif rare >= ENOUGH and 2 * rare >= len(levels):
        told = f"{rare} of its {len(levels)} levels have fewer than {SMALL_COUNT} patients: free text"
    else:
        return []
    return [(errors.SparseLevelError, Problem(where, told, "group its values into few levels, or give it no role"))]


def rare_levels(name: str, levels: Mapping[str, int]) -> list[Found]:
    """What is said of a subgroup's levels, each with so many patients, of which some have a single one."""
    alone = sum(count == 1 for count in levels.values())
    if unlike := words_not_levels(f"subgroup {name!r}", levels):
        return unlike
    if not alone:
        return []
    told = f"{alone} of its levels {'has' if alone == 1 else 'have'} a single patient"
    fix = "merge rare levels, or do not declare it a subgroup"
    return [(errors.SparseLevelError, Problem(f"subgroup {name!r}", told, fix))]
