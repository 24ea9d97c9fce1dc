"""False alarms and finds of the contradictions of a paper, over published figures.

`python benchmarks/paper_contradictions.py FOLDER` reads figures.csv, curves.csv, at_risk.csv and totals.csv, writes
each figure as a paper file, and counts the figures with a contradiction: as published (false alarms), and after one
fact was changed (finds). Which arm a hazard ratio takes as its reference is not in these files, so the better direction
counts.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

import heorsynth as hs

PLANTED: dict[str, Callable[[pd.DataFrame, float], tuple[pd.DataFrame, float]]] = {
    "as published": lambda totals, ratio: (totals, ratio),
    "events 10% more in one arm": lambda totals, ratio: (_events(totals, 1.10), ratio),
    "events 25% more in one arm": lambda totals, ratio: (_events(totals, 1.25), ratio),
    "events 25% fewer in one arm": lambda totals, ratio: (_events(totals, 0.75), ratio),
    "log hazard ratio + 0.3": lambda totals, ratio: (totals, ratio * 1.35),
    "patients + 5 in one arm": lambda totals, ratio: (totals.assign(n=totals["n"] + [5, 0]), ratio),
}


def _events(totals: pd.DataFrame, factor: float) -> pd.DataFrame:
    return totals.assign(events=[round(totals["events"].iloc[0] * factor), totals["events"].iloc[1]])


def paper_of(folder: Path, totals: pd.DataFrame, ratio: float, at_risk: pd.DataFrame) -> hs.published.Paper:
    """A figure as a paper file; its arms are called a and b."""
    names = dict(zip(totals["arm"], "ab", strict=True))
    at_risk.assign(arm=at_risk["arm"].map(names)).to_csv(folder / "risk.csv", index=False)
    n, events = (totals[name].tolist() for name in ("n", "events"))
    text = f"""\
paper: 1
title: Figure
citations: {{kmdata: "kmdata 1.0.1 (Redd, Fell, Rahman)"}}
arms: {{a: {{n: {n[0]}, source: Figure 1}}, b: {{n: {n[1]}, source: Figure 1}}}}
endpoints:
  os:
    unit: month
    curves: {{source: Figure 1, file: curves.csv}}
    at_risk: {{source: Figure 1, file: risk.csv}}
    events: {{source: Figure 1, counts: {{a: {events[0]}, b: {events[1]}}}}}
    hazard_ratios: [{{source: Figure 1, arm: a, reference: b, value: {ratio:.3f}}}]
"""
    (folder / "paper.yaml").write_text(text, encoding="utf-8")
    return hs.published.read(folder / "paper.yaml")


def rules_of(source: dict[str, pd.DataFrame], figure: pd.Series, planted: str) -> set[str]:
    """Rules that one figure breaks, in the direction of the hazard ratio that breaks fewer."""
    own = {name: rows[rows["figure"] == figure["figure"]] for name, rows in source.items()}
    names = dict(zip(own["totals"]["arm"], "ab", strict=True))
    found = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        curves = own["curves"].assign(arm=own["curves"]["arm"].map(names))
        curves[["arm", "time", "survival"]].to_csv(folder / "curves.csv", index=False)
        for ratio in (figure["published_hr"], 1 / figure["published_hr"]):
            totals, stated = PLANTED[planted](own["totals"], ratio)
            paper = paper_of(folder, totals, stated, own["at_risk"][["arm", "time", "at_risk"]])
            found.append(set(paper.contradictions()["rule"]))
    return min(found, key=len)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    source = {name: pd.read_csv(folder / f"{name}.csv") for name in ("curves", "at_risk", "totals")}
    figures = pd.read_csv(folder / "figures.csv")
    for planted in PLANTED:
        found = [rules_of(source, figure, planted) for _, figure in figures.iterrows()]
        rules = pd.Series([rule for one in found for rule in one], dtype=str).value_counts().to_dict()
        print(f"{planted}: {sum(map(bool, found))} of {len(found)} figures; {rules}", flush=True)


if __name__ == "__main__":
    main()
