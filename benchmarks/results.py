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
    """The number of real cohorts by answer on "faithful", for each purpose, generator and seed."""
    rows = stored("real_cohorts")
    rows = rows.sort_values(
        "purpose", kind="stable", key=lambda held: held.map({one: i for i, one in enumerate(held.unique())})
    )
    counted = rows.groupby(["purpose", "generator", "seed", "faithful"], sort=False).size().unstack(fill_value=0)
    counted = counted.reindex(columns=["yes", "not shown", "no"], fill_value=0)
    counted["answered"] = ((counted["yes"] + counted["no"]) / counted.sum(axis=1)).map("{:.0%}".format)
    return counted.reset_index().astype(str)


def frontier_means() -> pd.DataFrame:
    """Each measure by setting of `heor`, seen cohorts / unseen cohorts, over the cohorts that no setting refuses."""
    seen, unseen = (_means("frontier", title, refused=True) for title in ("seen", "unseen"))
    both = seen.map("{:.3f} / ".format) + unseen.map("{:.3f}".format)
    return both.rename_axis("setting").reset_index()


def structure_means(title: str) -> pd.DataFrame:
    """Each measure by generator, with the number of seeds."""
    rows = stored("structure")
    table = _means("structure", title)
    seeds = rows[rows["set"] == title].groupby(["generator", "cohort"])["seed"].nunique().groupby("generator").min()
    shown = table.map("{:.3f}".format).T
    shown.loc["seeds"] = [str(seeds[name]) for name in shown]
    return shown.rename_axis("measure").reset_index()


def structure_common() -> pd.DataFrame:
    """Each measure by generator, over the cohorts and seeds that every generator was run on; they are named last."""
    rows = stored("structure")
    whole = rows.groupby(["cohort", "seed"])["generator"].transform("nunique") == rows["generator"].nunique()
    rows = rows[whole]
    numbers = rows.drop(columns=["set", "seed", "cohort"]).set_index("generator").astype(float)
    shown = numbers.groupby(level=0, sort=False).mean().map("{:.3f}".format).T
    return shown.rename_axis(", ".join(sorted(rows["cohort"].unique()))).reset_index()


README_ROWS = {
    "KM gap": "survival curve, mean gap",
    "KM gap, worst level": "the same in the worst subgroup",
    "Cox log HR inside 95%": "Cox coefficients inside the patients' 95% interval",
    "associations": "rank correlations, mean gap",
    "third moments": "third moments, mean gap",
    "strong kept": "strong third moments kept",
    "nearer to training": "rows nearer to training patients (0.50: no memory)",
}
"""Measures of structure.py that the README shows, with their names there."""


def peers_table() -> pd.DataFrame:
    """The README's measures: on the unseen cohorts, and on the small ones that every generator was run on."""
    wide, small = structure_means("unseen"), structure_common()
    tables = [
        table.set_index(table.columns[0]).loc[list(README_ROWS)].rename(index=README_ROWS) for table in (wide, small)
    ]
    order = ["heor", "sequential_trees", "forest_diffusion"]
    parts = [tables[0][[*order[:2], "bootstrap"]], tables[1][order].rename(columns="small: {}".format)]
    return pd.concat(parts, axis=1).rename_axis("").reset_index()


def _means(name: str, title: str, refused: bool = False) -> pd.DataFrame:
    """Each measure by generator: the mean over the cohorts of a set, of the mean over their seeds.

    A generator that was not run on every cohort of the set is left out, since its mean would be of other cohorts; with
    `refused`, a cohort that a generator lacks is left out instead.
    """
    rows = stored(name)
    rows = rows[rows["set"] == title]
    measures = [name for name in rows if name not in ("set", "generator", "cohort", "seed")]
    means = rows.astype(dict.fromkeys(measures, float)).groupby(["generator", "cohort"], sort=False)[measures].mean()
    by, other = ("cohort", "generator") if refused else ("generator", "cohort")
    means = means.reset_index()
    whole = means.groupby(by, sort=False)[other].transform("count") == means[other].nunique()
    return means[whole].groupby("generator", sort=False)[measures].mean()


def planted_rates() -> pd.DataFrame:
    """The share kept of a planted contrast, and the mean absolute contrast where none was planted, by size."""
    rows = stored("planted")
    rows = rows.apply(lambda column: column if column.name == "generator" else pd.to_numeric(column))
    found = []
    for (name, n), part in rows.groupby(["generator", "n"], sort=False):
        kept = part["planted: copies"].mean() / part["planted: patients"].mean()
        invented, own = part["none: copies"].abs().mean(), part["none: patients"].abs().mean()
        found.append([name, f"{n:,}", str(len(part)), f"{kept:.2f}", f"{invented:.2f}", f"{own:.2f}"])
    names = ["generator", "n", "trials", "contrast kept", "where none was planted: copies", "patients"]
    return pd.DataFrame(found, columns=names)
