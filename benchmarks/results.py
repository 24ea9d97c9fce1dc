"""The results of the scripts beside it, kept as CSV files, so that the page of them is assembled without a run."""

from __future__ import annotations

from collections import Counter
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


def copies_rates() -> pd.DataFrame:
    """The share of answers "yes" and "no" for each copy by size, and what fails most often over all sizes."""
    held = stored("faithful").astype({"n": int})
    sizes = sorted(held["n"].unique())
    rows = []
    for kind, part in held.groupby("copy", sort=False):
        failed = Counter(key for keys in part["failed"] for key in keys.split())
        most = ", ".join(f"{key} {count / len(part):.2f}" for key, count in failed.most_common(3))
        cells = []
        for n in sizes:
            answers = part.loc[part["n"] == n, "answer"]
            cells.append(f"{(answers == 'yes').mean():.2f} / {(answers == 'no').mean():.2f}" if len(answers) else "–")
        counts = part["n"].value_counts()
        rows.append([kind, _span(int(counts.min()), int(counts.max())), *cells, most or "nothing"])
    names = ["copy", "repetitions", *(f"n = {n:,}: yes / no" for n in sizes), "share in which it fails"]
    return pd.DataFrame(rows, columns=names)


def _span(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"


def boundary_rates() -> pd.DataFrame:
    """How often an estimate that is off by exactly the margin passes, by size, of how many that could be made so."""
    held = stored("boundary")
    counts = [name for name in held if name not in ("estimand", "use")]
    held = held.astype(dict.fromkeys(counts, int))
    sizes = sorted(held["n"].unique())
    rows = []
    for (use, name), part in held.groupby(["use", "estimand"], sort=False):
        cells = []
        for n in sizes:
            own = part[part["n"] == n]
            made = int(own["sets"].sum())
            cells.append(f"{own['pass'].sum() / made:.3f} of {made:,}" if made else "–")
        rows.append([use, name, *cells])
    return pd.DataFrame(rows, columns=["use", "estimand", *(f"n = {n:,}" for n in sizes)])


def real_rates() -> pd.DataFrame:
    """The number of real cohorts by answer on "faithful", for each purpose and generator."""
    rows = stored("real_cohorts")
    counted = rows.groupby(["purpose", "generator", "faithful"], sort=False).size().unstack(fill_value=0)
    counted = counted.reindex(columns=["yes", "not shown", "no"], fill_value=0)
    counted["answered"] = ((counted["yes"] + counted["no"]) / counted.sum(axis=1)).map("{:.0%}".format)
    return counted.reset_index().astype(str)
