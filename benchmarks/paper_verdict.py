"""How often the cohorts of a published figure are faithful to it, over a folder of figures.

    python benchmarks/paper_verdict.py FOLDER [--only N]

FOLDER holds curves.csv, at_risk.csv, totals.csv and figures.csv as in tests/reference/published. Of each figure a paper
file is written: curves, numbers at risk, events as constraints, and the published hazard ratio as the one fact that is
left to test. Which arm that ratio takes as its reference is not recorded, so the nearer direction is used.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import pandas as pd

from heorsynth.core.errors import HeorsynthError
from heorsynth.evidence.evidence import Evidence
from heorsynth.evidence.paper import evidence_of_paper, plan_for_paper
from heorsynth.published.trial.trial import PublishedTrial

COHORTS, SEED = 20, 1


def paper_file(folder: Path, tables: dict[str, pd.DataFrame], figure: pd.Series, ratio: float) -> Path:
    """Write the paper file of one figure, its first arm as the reference."""
    names = tables["totals"]["arm"].tolist()
    tables["curves"].to_csv(folder / "os.csv", index=False)
    tables["at_risk"].to_csv(folder / "at_risk.csv", index=False)
    arms = "".join(f"  {name}: {{n: {n}, source: Figure 1}}\n"
                   for name, n in zip(names, tables["totals"]["n"], strict=True))  # fmt: skip
    events = ", ".join(f"{name}: {n}" for name, n in zip(names, tables["totals"]["events"], strict=True))
    path = folder / "paper.yaml"
    path.write_text(
        f"paper: 1\ntitle: '{figure.name}'\ncitations: {{kmdata: kmdata 1.0.1}}\narms:\n{arms}"
        f"endpoints:\n  os:\n    unit: {figure['unit'].rstrip('s')}\n"
        "    curves: {source: Figure 1, file: os.csv}\n    at_risk: {source: Figure 1, file: at_risk.csv}\n"
        f"    events: {{source: Figure 1, counts: {{{events}}}}}\n    hazard_ratios:\n"
        f"      - {{source: text, arm: {names[1]}, reference: {names[0]}, value: {ratio:.3g}}}\n",
        encoding="utf-8",
    )
    return path


def judged(tables: dict[str, pd.DataFrame], figure: pd.Series) -> Evidence:
    """Return the evidence on one figure, for the direction of the hazard ratio that is nearer."""
    found, cohorts = [], None
    for ratio in (figure["published_hr"], 1 / figure["published_hr"]):
        with tempfile.TemporaryDirectory() as place:
            trial = PublishedTrial.read(paper_file(Path(place), tables, figure, ratio)).with_options()
            cohorts = list(trial.cohorts(COHORTS, SEED)) if cohorts is None else cohorts  # the ratio is no constraint
            evidence = evidence_of_paper(trial, cohorts, plan_for_paper(trial))
            row = evidence.to_frame().query("estimand == 'hazard ratio of os' and question == 'faithful'").iloc[0]
            found.append((abs(row["difference"]), evidence))
    return min(found, key=lambda one: one[0])[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", type=int, default=None)
    asked = parser.parse_args()
    read = {name: pd.read_csv(asked.folder / f"{name}.csv") for name in ("curves", "at_risk", "totals", "figures")}
    figures = read.pop("figures").set_index("figure").iloc[: asked.only]
    answers, reasons, refused, started = [], [], 0, time.perf_counter()
    for name, figure in figures.iterrows():
        tables = {key: frame[frame["figure"] == name].drop(columns="figure") for key, frame in read.items()}
        try:
            evidence = judged(tables, figure)
        except HeorsynthError as error:
            refused += 1
            print(f"{name}: refused: {error.problems[0].where}: {error.problems[0].found}")
            continue
        frame = evidence.to_frame()
        failed = frame.query("verdict in ('fail', 'inconclusive', 'not estimable')")
        reasons += [f"{row.question}: {row.estimand.split(' of ')[0]} ({row.verdict})" for row in failed.itertuples()]
        answers.append({**evidence.answers, "verdict": evidence.verdict})
    table = pd.DataFrame(answers)
    print(f"{len(figures)} figures, {refused} refused, {time.perf_counter() - started:.0f} s")
    for column in ("verdict", "faithful", "sufficient"):
        print(column, table[column].value_counts().to_dict())
    print(pd.Series(reasons).value_counts().to_string() if reasons else "every finding passes")


if __name__ == "__main__":
    main()
