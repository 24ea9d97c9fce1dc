"""Notes on how a file was read, stored with its rows."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

NOTES = "heorsynth_reading"
"""The key of `attrs` under which a frame stores its notes."""


def with_notes(frame: pd.DataFrame, notes: Iterable[str]) -> pd.DataFrame:
    """Return the frame with these notes added to those it has."""
    all_notes = [*notes_of(frame), *(note for note in notes if note)]
    if all_notes:
        frame.attrs[NOTES] = all_notes
    return frame


def notes_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the notes on how a frame's file was read. They name columns and sheets, never a value."""
    return tuple(frame.attrs.get(NOTES, ()))
