"""The tables of a run: each returns a `Table`, which is the card that is shown and its numbers."""

from __future__ import annotations

from heorsynth.report.tables.by_arm import table_one_by_arm
from heorsynth.report.tables.cohort import table_one
from heorsynth.report.tables.evaluation import economics_table
from heorsynth.report.tables.evidence import answers_table, margins_table, verdict_table
from heorsynth.report.tables.facts import facts_table
from heorsynth.report.tables.replications import analyses
from heorsynth.report.tables.table import Table
from heorsynth.report.tables.texts import texts_table
from heorsynth.report.tables.undeclared import panel

__all__ = (
    "Table",
    "analyses",
    "answers_table",
    "by_arm",
    "cohort",
    "economics_table",
    "evaluation",
    "evidence",
    "facts",
    "facts_table",
    "margins_table",
    "ordered",
    "panel",
    "table_one",
    "table_one_by_arm",
    "texts",
    "texts_table",
    "verdict_table",
)
