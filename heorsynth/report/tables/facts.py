"""The facts of a paper, each with its place, its citation and its use."""

from __future__ import annotations

import math

import pandas as pd

from heorsynth.core.display import Card
from heorsynth.core.estimate import significant
from heorsynth.published.schema.facts import Fact
from heorsynth.published.trial.trial import PublishedTrial
from heorsynth.report.tables.table import Table

_COLUMNS = ("fact", "published", "interval", "place", "citation", "use")


def facts_table(trial: PublishedTrial) -> Table:
    """Return every fact of a published trial: value, interval, place, citation, and constraint or test.

    Parameters
    ----------
    trial : PublishedTrial      such as `Run.cohort` of a run on a paper

    Returns
    -------
    Table      `frame`: fact, published (number), low, high, place, citation, use

    See Also
    --------
    verdict_table : What the cohorts give beside these facts.
    """
    rows, shown = [], []
    for one in trial.facts:
        use = "constraint" if one.fact in trial.constraints else "left to test"
        rows.append((one.fact, one.value, one.low, one.high, one.place, one.citation, use))
        shown.append((one.fact, _value(one), _interval(one), one.place, one.citation, use))
    names = ["fact", "published", "low", "high", "place", "citation", "use"]
    note = "\n".join(f"{name}: {text}" for name, text in trial.paper.citations.items())
    return Table(Card("What the paper states", _COLUMNS, tuple(shown), note), pd.DataFrame(rows, columns=names))


def _value(one: Fact) -> str:
    if one.kind == "curve":
        return "points"
    if math.isinf(one.value):
        return "not reached"
    return "" if math.isnan(one.value) else " ".join(filter(None, [significant(one.value, 5), one.unit]))


def _interval(one: Fact) -> str:
    ends = ["not reached" if math.isinf(end) else significant(end) for end in (one.low, one.high)]
    return "" if math.isnan(one.low) else " to ".join(ends)
