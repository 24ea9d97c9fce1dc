"""Whether a cohort may be the source of a generator, and the columns a generator is given."""

from __future__ import annotations

import pandas as pd

from heorsynth.core import errors
from heorsynth.core.errors import Problem
from heorsynth.data.cohort import Cohort
from heorsynth.data.inspection import Found, refuse

MIN_PATIENTS = 10
"""Fewer patients than this are not synthesised: their copy would be their likeness."""


def require_source(cohort: Cohort) -> None:
    """Refuses a cohort no generator can honestly copy.

    Raises
    ------
    CohortError
        Its own subclass for: fewer than `MIN_PATIENTS` patients, a subgroup with one level, one arm, nobody
        with an event, an empty column.
    """
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
    refuse(cohort.name, found)


def training_frame(cohort: Cohort) -> pd.DataFrame:
    """The columns a generator may see: not the id, nor bands and totals, which are recomputed after drawing."""
    hidden = [name for name in (cohort.schema.id, *cohort.schema.bands, *cohort.schema.totals) if name is not None]
    return cohort.frame.drop(columns=hidden).reset_index(drop=True)
