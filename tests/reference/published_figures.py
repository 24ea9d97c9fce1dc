"""The ten published figures of `published/`, one at a time."""

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent / "published"


def names() -> list[str]:
    return pd.read_csv(FOLDER / "figures.csv")["figure"].tolist()


def figure(name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Curves, numbers at risk and totals of one figure."""
    frames = [pd.read_csv(FOLDER / f"{file}.csv") for file in ("curves", "at_risk", "totals")]
    curves, at_risk, totals = (frame[frame["figure"] == name].drop(columns="figure") for frame in frames)
    return curves, at_risk, totals
