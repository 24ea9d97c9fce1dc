"""The tables of a run: each returns a `Table`, which is the card that is shown and its numbers."""

from __future__ import annotations

from heorsynth.report.table import Table
from heorsynth.report.tables_cohort import table_one
from heorsynth.report.tables_evidence import margins_table, verdict_table

__all__ = ["Table", "margins_table", "table_one", "verdict_table"]
