"""Table of analyses: the patients' estimates and the pooled ones, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from heorsynth.checks.analyses.replicate import Replication
from heorsynth.core.display import Card
from heorsynth.report.tables.table import FOOTNOTE, Table


def analyses(replications: Sequence[Replication]) -> Table:
    """Return one table of several analyses, from `heorsynth.replicate`: at least one.

    Returns
    -------
    Table      `frame`: analysis, and the columns of `Replication.to_frame`
    """
    cards = [one.card() for one in replications]
    rows = tuple((one.name, *row) for one, card in zip(replications, cards, strict=True) for row in card.rows)
    frames = [one.to_frame().assign(analysis=one.name) for one in replications]
    header = ("analysis", *cards[0].header)
    return Table(Card("Analyses of patients and of synthetic cohorts", header, rows, FOOTNOTE), pd.concat(frames))
