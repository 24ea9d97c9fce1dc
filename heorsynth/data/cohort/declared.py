"""Apply the declared roles to a frame: ids, column kinds, bands and event codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from pandas.api import types

from heorsynth.core import errors
from heorsynth.core.display import counted
from heorsynth.core.errors import Problem
from heorsynth.data.cohort.visits import bad_visits, no_numbers, with_derived
from heorsynth.data.columns import kinds, role_checks
from heorsynth.data.columns.column_types import decimals_as_numbers
from heorsynth.data.columns.holdable import arrow_as_numbers, unsupported_columns
from heorsynth.data.columns.levels import banded
from heorsynth.data.columns.reading_notes import notes_of
from heorsynth.data.columns.schema import Schema
from heorsynth.data.labels.label import ID_COLUMN, KEY, Label, has_synthetic_id, names_synthetic_rows


@dataclass(frozen=True)
class Declared:
    """A frame after its declared roles and kinds were applied.

    Attributes
    ----------
    frame : DataFrame         events coded, bands added, synthetic ids as index, each column with the type of its kind
    schema : Schema           the roles, with the kinds that were detected
    label : Label or None     label of synthetic rows
    notes : tuple of str      how columns were interpreted
    problems : list           problems of the event columns
    """

    frame: pd.DataFrame
    schema: Schema
    label: Label | None
    notes: tuple[str, ...]
    problems: list[role_checks.TypedProblem]


def as_declared(
    frame: pd.DataFrame,
    schema: Schema,
    event_map: Mapping[object, object] | None,
    name: str,
    *,
    missing: Sequence[str] = (),
    part: bool = False,
) -> Declared:
    """Return the frame with its declared roles and kinds applied.

    If `part` is true, the frame is a part of a cohort. It may have a single row, and no patient needs to be censored.

    Raises
    ------
    CohortError      the roles do not fit the frame; see `Cohort`
    """
    if not isinstance(frame, pd.DataFrame):
        message = f"is a {type(frame).__name__}, not a pandas DataFrame"
        raise errors.RoleError(f"cohort {name!r}", Problem("frame", message, "give pandas.DataFrame(…)"))
    role_checks.refuse(name, role_checks.multi_level_names(frame))
    label = _label_of(frame)
    rows = frame.set_index(ID_COLUMN) if names_synthetic_rows(frame) else frame.copy()
    role_checks.refuse(name, role_checks.names_not_text(rows) or unsupported_columns(rows))
    rows, too_large = decimals_as_numbers(arrow_as_numbers(rows), schema.id)
    rows = _with_synthetic_ids(rows, schema.id)
    real = label is None and rows.index.name != ID_COLUMN
    read = kinds.read_columns(rows, schema, missing, part=part, synthetic=not real)
    rows = _with_bands(read.frame, schema)
    role_checks.refuse(name, role_checks.missing_columns(rows, schema) + role_checks.conflicting_roles(schema))
    if len(rows) < 2 and not part:
        raise errors.TooFewPatientsError(f"cohort {name!r}", too_few_rows(len(rows)))
    role_checks.refuse(name, read.problems)
    role_checks.refuse(name, too_large + role_checks.bad_event_map(schema, event_map))
    coded, problems = _with_event_codes(rows, schema, event_map, real=real, part=part)
    if not problems and schema.visits:
        role_checks.refuse(name, no_numbers(coded, schema))
        problems += bad_visits(coded, schema) if real else []
        coded = with_derived(coded, schema) if real or not {*schema.derived} <= {*coded} else coded
    return Declared(coded, read.schema, label, (*notes_of(frame), *read.notes), problems)


def too_few_rows(n: int) -> Problem:
    """Return the problem of a cohort with fewer than two patients."""
    return Problem("rows", counted(n, "patient"), "a cohort needs at least 2, an analysis far more")


def _label_of(frame: pd.DataFrame) -> Label | None:
    facts = frame.attrs.get(KEY)
    return Label.from_dict(facts).for_rows(len(frame)) if isinstance(facts, Mapping) else None


def _with_synthetic_ids(frame: pd.DataFrame, id: str | None) -> pd.DataFrame:
    """Return the frame with `synthetic_id` as its index if any row has a synthetic id.

    The ids may be in an unnamed index, also next to the ids of patients, or in the id column.
    """
    if frame.index.name == ID_COLUMN:
        return frame
    declared = [pd.Index(frame[id])] if id in frame.columns and frame.columns.is_unique else []
    for names in (frame.index, *declared):
        if has_synthetic_id(names).any():
            return frame.set_axis(names.rename(ID_COLUMN))
    return frame


def _with_bands(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the frame with missing band columns added, cut from their numeric columns."""
    absent = {
        name: banded(frame[band.source], band.edges, band.labels)
        for name, band in schema.bands.items()
        if name not in frame and band.source in frame and types.is_numeric_dtype(frame[band.source])
    }
    return frame.assign(**absent) if absent else frame


def _with_event_codes(
    frame: pd.DataFrame, schema: Schema, event_map: Mapping[object, object] | None, *, real: bool, part: bool
) -> tuple[pd.DataFrame, list[role_checks.TypedProblem]]:
    """Return the frame with its events coded as 0 = censored, 1.. = causes, and the problems of its event columns."""
    problems: list[role_checks.TypedProblem] = []
    coded = frame.copy(deep=False)  # columns are replaced in it, never changed
    for endpoint in schema.endpoints.values():
        mapping = role_checks.coding_of(endpoint, event_map)
        codes = role_checks.event_codes(frame, endpoint, mapping, part=part)
        ambiguous = role_checks.ambiguous_coding(endpoint, mapping) if real else None
        if isinstance(codes, Problem):
            problems.append((errors.EventCodingError, codes))
        elif ambiguous is not None:
            problems.append((errors.EventCodingError, ambiguous))
        else:
            coded[endpoint.event] = codes
    return coded, problems
