"""From a frame and its declared roles to the rows of a cohort: ids, kinds, bands and event codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from pandas.api import types

from heorsynth.core import errors
from heorsynth.core.errors import Problem
from heorsynth.data.columns import kinds
from heorsynth.data.columns import role_checks as inspection
from heorsynth.data.columns.column_types import decimals_as_numbers
from heorsynth.data.columns.holdable import arrow_as_numbers, unholdable
from heorsynth.data.columns.levels import banded
from heorsynth.data.columns.reading_notes import notes_of
from heorsynth.data.columns.schema import Schema
from heorsynth.data.labels.label import ID_COLUMN, KEY, Label, has_synthetic_id, names_synthetic_rows


@dataclass(frozen=True)
class Declared:
    """A frame read as its roles and kinds say.

    Attributes
    ----------
    frame : DataFrame         events coded, bands made, ids in the index, every column of the type of its kind
    schema : Schema           the roles, with the kinds that were detected
    label : Label or None     of synthetic rows
    notes : tuple of str      what was understood of the columns
    found : list              what is wrong with the events
    """

    frame: pd.DataFrame
    schema: Schema
    label: Label | None
    notes: tuple[str, ...]
    found: list[inspection.Found]


def as_declared(
    frame: pd.DataFrame,
    schema: Schema,
    event_map: Mapping[object, object] | None,
    name: str,
    *,
    missing: Sequence[str] = (),
    part: bool = False,
) -> Declared:
    """The frame as its declared roles and kinds say.

    Refused where roles do not fit at all. A part of a cohort may have one row only, and nobody censored.

    Raises
    ------
    CohortError      see `Cohort`
    """
    if not isinstance(frame, pd.DataFrame):
        told = f"is a {type(frame).__name__}, not a pandas DataFrame"
        raise errors.RoleError(f"cohort {name!r}", Problem("frame", told, "give pandas.DataFrame(…)"))
    inspection.refuse(name, inspection.several_levels(frame))
    label = _label_of(frame)
    held = frame.set_index(ID_COLUMN) if names_synthetic_rows(frame) else frame.copy()
    inspection.refuse(name, inspection.unusable_names(held) or unholdable(held))
    held, large = decimals_as_numbers(arrow_as_numbers(held), schema.id)
    held = _with_ids(held, schema.id)
    read = kinds.understood(held, schema, missing, part=part)
    held = _with_bands(read.frame, schema)
    inspection.refuse(name, inspection.missing_columns(held, schema) + inspection.impossible_roles(schema))
    if len(held) < 2 and not part:
        raise errors.TooFewPatientsError(f"cohort {name!r}", too_few_rows(len(held)))
    inspection.refuse(name, read.found)
    inspection.refuse(name, large + inspection.bad_event_map(schema, event_map))
    real = label is None and held.index.name != ID_COLUMN
    coded, found = _with_event_codes(held, schema, event_map, real=real, part=part)
    return Declared(coded, read.schema, label, (*notes_of(frame), *read.notes), found)


def too_few_rows(n: int) -> Problem:
    """What is said of a cohort of fewer than two patients."""
    return Problem("rows", f"{n} patients", "a cohort needs at least 2, an analysis far more")


def _label_of(frame: pd.DataFrame) -> Label | None:
    facts = frame.attrs.get(KEY)
    return Label.from_dict(facts).for_rows(len(frame)) if isinstance(facts, Mapping) else None


def _with_ids(frame: pd.DataFrame, id: str | None) -> pd.DataFrame:
    """The frame with the names of its rows as its index where any says that its row is synthetic.

    They may stand in the index under another name, beside those of patients, or in the id column.
    """
    if frame.index.name == ID_COLUMN:
        return frame
    declared = [pd.Index(frame[id])] if id in frame.columns and frame.columns.is_unique else []
    for names in (frame.index, *declared):
        if has_synthetic_id(names).any():
            return frame.set_axis(names.rename(ID_COLUMN))
    return frame


def _with_bands(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The frame with the bands it lacks, cut from their numeric columns."""
    absent = {
        name: banded(frame[band.source], band.edges, band.labels)
        for name, band in schema.bands.items()
        if name not in frame and band.source in frame and types.is_numeric_dtype(frame[band.source])
    }
    return frame.assign(**absent) if absent else frame


def _with_event_codes(
    frame: pd.DataFrame, schema: Schema, event_map: Mapping[object, object] | None, *, real: bool, part: bool
) -> tuple[pd.DataFrame, list[inspection.Found]]:
    """The frame with its events in the house coding, and what stands against it."""
    found: list[inspection.Found] = []
    coded = frame.copy()
    for endpoint in schema.endpoints.values():
        mapping = inspection.coding_of(endpoint, event_map)
        codes = inspection.event_codes(frame, endpoint, mapping, part=part)
        unsaid = inspection.unsaid_censoring(endpoint, mapping) if real else None
        if isinstance(codes, Problem):
            found.append((errors.EventCodingError, codes))
        elif unsaid is not None:
            found.append((errors.EventCodingError, unsaid))
        else:
            coded[endpoint.event] = codes
    return coded, found
