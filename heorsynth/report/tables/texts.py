"""Table of what texts get wrong by slot, beside the error rates of the check that says so."""

from __future__ import annotations

import pandas as pd

from heorsynth.core.display import Card
from heorsynth.core.estimate import Estimate
from heorsynth.language.checks.findings import TextFinding, TextReport
from heorsynth.report.tables.table import FOOTNOTE, Table

_PREFIX = "facts "
_HEADER = ("slot", "omitted", "contradicted", "fabricated", "check finds, of planted faults", "check's false alarms")


def texts_table(report: TextReport) -> Table:
    """Return the share of texts that omit, contradict or fabricate a fact, by slot.

    Parameters
    ----------
    report : TextReport      of `heorsynth.check_text` with the check "facts"; without it the table is empty

    Returns
    -------
    Table      one row a slot, with 95% intervals; "–" where no text could have the fault. `frame` has the findings as
               `TextReport.to_frame` does

    Examples
    --------
    >>> import heorsynth as hs
    >>> lung = hs.datasets.load("lung")
    >>> drawn = hs.generators.create("marginals").fit(lung, seed=1).sample(n=40, m=1, seed=1)[0]
    >>> texts = hs.narrate(drawn, slots=["age", "sex"])
    >>> table = texts_table(hs.check_text(texts, drawn, slots=["age", "sex"], checks=["facts"]))
    >>> [row[0] for row in table.card.rows], table.card.rows[0][1]
    (['age', 'sex', 'other'], '0% (0 to 8.8)')
    """
    found = [one for one in report.findings if one.check.startswith(_PREFIX) and one.slot]
    slots = list(dict.fromkeys(one.slot for one in found))
    rows = tuple(_row(slot, {_fault(one): one for one in found if one.slot == slot}) for slot in slots)
    frame = pd.DataFrame([one.to_dict() for one in found])
    maker = f" by {report.maker}" if report.maker else ""
    note = (
        "Share of texts with the fault (95% interval). The last two columns are the check's own error rates on faults "
        f"that were planted in forms that its rules were not written for. {FOOTNOTE}"
    )
    return Table(Card(f"What {len(report.texts):,} texts{maker} get wrong", _HEADER, rows, note), frame)


def _fault(one: TextFinding) -> str:
    return one.check.removeprefix(_PREFIX)


def _row(slot: str, faults: dict[str, TextFinding]) -> tuple[str, ...]:
    """Faults of a slot; its recall is the lowest of the faults that could occur."""
    shares = (_percent(faults[name].estimate) if name in faults else "–" for name in _HEADER[1:4])
    recalls = [one.recall for one in faults.values() if one.recall is not None]
    alarms = [one.false_alarms for one in faults.values() if one.false_alarms is not None]
    worst = min(recalls, key=lambda one: one.value) if recalls else None
    return (slot, *shares, _percent(worst) if worst else "–", _percent(alarms[0]) if alarms else "–")


def _percent(one: Estimate) -> str:
    value, low, high = (f"{100 * number:.1f}".removesuffix(".0") for number in (one.value, one.low, one.high))
    return f"{value}% ({low} to {high})"
