"""What was decided to read a file, in sentences that go with its rows."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

NOTES = "heorsynth_reading"
"""Where a frame's `attrs` hold the sentences."""


def with_notes(frame: pd.DataFrame, notes: Iterable[str]) -> pd.DataFrame:
    """The same frame, with these sentences beside those it has."""
    told = [*notes_of(frame), *(note for note in notes if note)]
    if told:
        frame.attrs[NOTES] = told
    return frame


def notes_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """What was decided to read a frame's file; names of columns and sheets, never a value."""
    return tuple(frame.attrs.get(NOTES, ()))
