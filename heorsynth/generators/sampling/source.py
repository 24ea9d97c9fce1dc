"""Checks whether a cohort can be the source of a generator, and gives the columns to learn from."""

from __future__ import annotations

import pandas as pd

from heorsynth.core import errors
from heorsynth.core.errors import LabelError, Problem, as_yaml
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.clusters import renamed_clusters
from heorsynth.data.columns.detection import whole_dates
from heorsynth.data.columns.identifiers import identifying_reason, looks_like_dates
from heorsynth.data.columns.kinds import MAX_LEVELS
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.data.columns.role_checks import TypedProblem, refuse
from heorsynth.data.columns.schema import Schema
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.generators.sampling.formats import is_levels

MOST_POOLED, FEW_LEVELS = 0.5, 10
"""A column of more than ten levels in which most patients have a rare level is free text."""

MIN_PATIENTS = 10
"""Smallest number of patients that is synthesised: a copy of fewer would resemble each of them."""


def require_real(cohort: Cohort | CohortFolder, what: str, allow_synthetic_source: bool = False) -> None:
    """Raise LabelError if the cohort holds synthetic rows, unless `allow_synthetic_source` is set."""
    if cohort.synthetic and not allow_synthetic_source:
        beside = isinstance(cohort, Cohort) and cohort.augmented
        found = "holds synthetic rows beside patients" if beside else "is itself synthetic"
        fix = "give the real patients; to study model collapse say allow_synthetic_source=True"
        raise LabelError(what, Problem("", found, fix))


def require_source(cohort: Cohort | CohortFolder, allow_synthetic_source: bool = False) -> None:
    """Raise an error if no generator can copy this cohort.

    Raises
    ------
    LabelError
        The cohort holds synthetic rows and `allow_synthetic_source` is not set. Each copy of a copy loses tails.
    CohortError
        A subclass for each problem: a column of dates or free text, fewer than `MIN_PATIENTS` patients, a subgroup
        with one level, one arm, an endpoint without events, an empty column.
    GeneratorError
        The cohort is a folder. Only `heor` learns from folders.
    """
    if isinstance(cohort, CohortFolder):
        problem = Problem("", "this generator holds all rows at once", "use 'heor', which learns from a sample of them")
        raise errors.GeneratorError(f"cohort folder {cohort.name!r}", problem)
    require_real(cohort, f"source {cohort.name!r}", allow_synthetic_source)
    found: list[TypedProblem] = []
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
        present = cohort.coded(name).counts
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
    frame = cohort.rows
    found += [
        (errors.EmptyColumnError, Problem(f"column {name!r}", "entirely missing", "drop it"))
        for name in frame.columns
        if cohort.missing(name).all()
    ]
    found += unfit_columns(frame, cohort.schema)
    refuse(cohort.name, found)


def unfit_columns(frame: pd.DataFrame, schema: Schema) -> list[TypedProblem]:
    """Columns that no generator can make: dates, undeclared ids, and free text, which a copy would hand out.

    A column whose values all differ is taken for an id only if it has no role: times and costs may all differ.
    """
    found: list[TypedProblem] = []
    for name in map(str, frame.columns):
        column, where = frame[name], f"column {name!r}"
        drop = f"drop it, with drop: [{as_yaml(name)}]"
        if name in schema.kind:
            few = _too_few(column, coded=schema.holds_levels(name))
            if few:
                found.append((errors.UnfitColumnError, Problem(where, few, "drop it, or merge its levels", drop)))
        elif name not in schema.columns and (dated := _date(column)):
            fix = f"if it is needed, say kind={{{name!r}: 'date'}}, or 'number' if it is none; else drop it"
            paste = f"if it is needed, write kind: {{{as_yaml(name)}: date}}, or number if it is none; else {drop}"
            found.append((errors.UnfitColumnError, Problem(where, dated, fix, paste)))
        elif name not in schema.columns and (why := identifying_reason(column)):
            also = "drop it" if schema.id else f"say id={name!r}, which no generator is given, or drop it"
            paste = drop if schema.id else f"write id: {as_yaml(name)}, which no generator is given; or {drop}"
            found.append((errors.UnfitColumnError, Problem(where, f"{why}: a copy would hand it out", also, paste)))
        elif name not in (*schema.identifiers, *schema.strata, *schema.levels) and (few := _too_few(column)):
            paste = f"{drop}; or merge its levels" + (
                "" if schema.id else f"; or, if it is the id, id: {as_yaml(name)}"
            )
            told = Problem(where, few, "drop it, declare it as id, or merge its levels", paste)
            found.append((errors.UnfitColumnError, told))
    return found


def _date(column: pd.Series) -> str:
    """Why a column is taken for dates; "" if it is not."""
    if looks_like_dates(column):
        return "a date"
    written = whole_dates(column)
    return f"whole numbers that are dates, written {written}" if written else ""


def _too_few(column: pd.Series, *, coded: bool = False) -> str:
    """Why too few patients share the values of a column for it to be copied; "" if enough do."""
    if not coded and not is_levels(column, SMALL_COUNT):
        known = int(column.notna().sum())
        return f"{known} known values" if known < SMALL_COUNT else ""
    counts = column.value_counts().to_numpy()
    common = int((counts >= SMALL_COUNT).sum())
    rare = int(counts[counts < SMALL_COUNT].sum())
    scattered = len(counts) > FEW_LEVELS and rare > MOST_POOLED * counts.sum()
    if len(counts) and (common == 0 or common > MAX_LEVELS or scattered):
        told = f"{len(counts)} levels, {common} of them common"
        return told + (": free text" if len(counts) > 2 and not coded else "")
    return ""


def training_frame(cohort: Cohort) -> pd.DataFrame:
    """The columns to learn from: all but the id, and bands, totals and derived columns, computed after the draw.

    Clusters have names that tell none of them: a site is known by its patients, and they by their site.
    """
    schema = cohort.schema
    hidden = [name for name in (schema.id, *schema.bands, *schema.totals, *schema.derived) if name is not None]
    frame = cohort.frame.drop(columns=hidden, errors="ignore").reset_index(drop=True)
    if (cluster := schema.cluster) is not None:
        frame[cluster] = renamed_clusters(frame[cluster])
    return frame
