"""The results of the scripts beside it, kept as CSV files, so that the page of them is assembled without a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).resolve().parent / "results"


def stored(name: str) -> pd.DataFrame:
    """The stored rows of a table as text, as they are shown."""
    return pd.read_csv(FOLDER / f"{name}.csv", dtype=str, keep_default_na=False)


def store(name: str, rows: Sequence[dict[str, object]], keys: Sequence[str]) -> None:
    """Writes rows into a table: those with the same keys are replaced in their place, others come last."""
    path = FOLDER / f"{name}.csv"
    held = stored(name).to_dict("records") if path.exists() else []
    places = {tuple(row[key] for key in keys): place for place, row in enumerate(held)}
    for row in rows:
        text = {column: str(value) for column, value in row.items()}
        place = places.get(tuple(text[key] for key in keys))
        if place is None:
            held.append(text)
        else:
            held[place] = text
    FOLDER.mkdir(exist_ok=True)
    pd.DataFrame(held).to_csv(path, index=False)


def markdown(frame: pd.DataFrame) -> str:
    """A table of text as Markdown."""
    lines = ["| " + " | ".join(frame.columns) + " |", "|" + "---|" * len(frame.columns)]
    lines += ["| " + " | ".join(row) + " |" for row in frame.itertuples(index=False, name=None)]
    return "\n".join(lines)
