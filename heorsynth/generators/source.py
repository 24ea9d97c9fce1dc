"""Whether a cohort may be the source of a generator, and the columns a generator is given."""

from __future__ import annotations

import pandas as pd
from pandas.api import types

from heorsynth.core import errors
from heorsynth.core.errors import Problem
from heorsynth.data.cohort import Cohort
from heorsynth.data.folder import CohortFolder
from heorsynth.data.inspection import Found, refuse
from heorsynth.generators.formats import is_levels

MAX_LEVELS = 30
"""A text column with more common levels than this is no category."""

MIN_LEVEL = 5
"""A level is common if this many patients have it."""

MIN_PATIENTS = 10
"""Fewer patients than this are not synthesised: their copy would be their likeness."""


def require_source(cohort: Cohort | CohortFolder) -> None:
    """Refuses a cohort no generator can honestly copy.

    Raises
    ------
    CohortError
        Its own subclass for: a column of dates or free text, fewer than `MIN_PATIENTS` patients, a subgroup with
        one level, one arm, nobody with an event, an empty column.
    GeneratorError
        A folder, which only `heor` learns from.
    """
    if isinstance(cohort, CohortFolder):
        problem = Problem("", "this generator holds all rows at once", "use 'heor', which learns from a sample of them")
        raise errors.GeneratorError(f"cohort folder {cohort.name!r}", problem)
    found: list[Found] = []
    if cohort.n < MIN_PATIENTS:
        found.append(
            (
                errors.TooFewPatientsError,
                Problem(
                    "rows",
                    f"{cohort.n} patients",
                    f"a generator needs at least {MIN_PATIENTS}; pool with another cohort",
                ),
            )
        )
    for name in (*cohort.schema.subgroups, *([cohort.schema.arm] if cohort.schema.arm else [])):
        present = set(cohort.levels(name)) - {""}
        if len(present) < 2:
            found.append(
                (
                    errors.EmptyColumnError,
                    Problem(
                        f"column {name!r}", f"{len(present)} level in the source", "do not declare it a subgroup or arm"
                    ),
                )
            )
    for name in cohort.schema.endpoints:
        if not (cohort.outcome(name)[1] == 1).any():
            found.append(
                (
                    errors.NoEventsError,
                    Problem(f"endpoint {name!r}", "nobody has the event", "do not declare this endpoint"),
                )
            )
    frame = cohort.frame
    found += [
        (errors.EmptyColumnError, Problem(f"column {name!r}", "entirely missing", "drop it"))
        for name in frame.columns
        if frame[name].isna().all()
    ]
    found += _strange(cohort)
    refuse(cohort.name, found)


def _strange(cohort: Cohort) -> list[Found]:
    """Columns no generator can make anew: dates, and text that is not levels and would be given out word for word."""
    found: list[Found] = []
    frame = cohort.frame
    for name in frame.columns:
        column, where = frame[name], f"column {name!r}"
        if types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column):
            found.append(
                (errors.UnfitColumnError, Problem(where, "a date", "write it as days since a declared origin"))
            )
        elif is_levels(column) and name != cohort.schema.id and name not in cohort.schema.strata:
            counts = column.value_counts()
            common = int((counts >= MIN_LEVEL).sum())
            if len(counts) > 2 and (common == 0 or common > MAX_LEVELS):
                told = f"{len(counts)} levels, {common} of them common: free text"
                problem = Problem(where, told, "drop it, declare it as id, or merge its levels")
                found.append((errors.UnfitColumnError, problem))
    return found


def training_frame(cohort: Cohort) -> pd.DataFrame:
    """The columns a generator may see: not the id, nor bands and totals, which are recomputed after drawing."""
    hidden = [name for name in (cohort.schema.id, *cohort.schema.bands, *cohort.schema.totals) if name is not None]
    return cohort.frame.drop(columns=hidden, errors="ignore").reset_index(drop=True)
