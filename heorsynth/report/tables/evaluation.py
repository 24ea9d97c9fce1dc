"""Table of an economic evaluation: ICER, net benefit, probability of being cost-effective and EVPI."""

from __future__ import annotations

from dataclasses import asdict, fields

import pandas as pd

from heorsynth.core.display import Card
from heorsynth.core.estimate import significant
from heorsynth.evidence.economics import EconomicNumbers
from heorsynth.evidence.evidence import Evidence
from heorsynth.report.tables.table import FOOTNOTE, Table

_HEADER = ("rows", "arms", "threshold", "extra cost", "extra effect", "ICER", "net benefit (95% interval)",
           "P(cost-effective)", "EVPI per patient")  # fmt: skip
_ALL = ("P(best of all arms)", "EVPI, all arms")


def economics_table(evidence: Evidence) -> Table:
    """Return ICER, net benefit, P(cost-effective) and EVPI for each threshold and pair of arms.

    Parameters
    ----------
    evidence : Evidence      made with thresholds: ``economics={"wtp": [20000]}``; without them the table is empty

    Returns
    -------
    Table      patients, then the pooled synthetic cohorts; `frame` has the fields of
               `heorsynth.evidence.economics.EconomicNumbers`. Three arms or more have two further columns
    """
    found = evidence.economics
    several = len({one.arm for one in found}) > 1
    header = (*_HEADER, *_ALL) if several else _HEADER
    shown = tuple(_cells(one) + (_of_all(one) if several else ()) for one in found)
    frame = pd.DataFrame([asdict(one) for one in found], columns=[field.name for field in fields(EconomicNumbers)])
    how = next((one.how for one in found if one.how), "")
    note = (
        f"{how[:1].upper()}{how[1:]}. " * bool(how) + "Pooled cohorts: with the information of their patients and no "
        "more. EVPI: expected gain of deciding with perfect information, per patient. "
        f"{FOOTNOTE}"
    )
    return Table(Card("Economic evaluation: patients and pooled synthetic cohorts", header, shown, note), frame)


def _cells(one: EconomicNumbers) -> tuple[str, ...]:
    return (
        one.rows,
        f"{one.arm} vs {one.comparator}",
        f"{significant(one.threshold)} per {one.per}",
        significant(one.incremental_cost),
        significant(one.incremental_effect),
        one.icer_text,
        f"{significant(one.inmb)} ({significant(one.inmb_low)} to {significant(one.inmb_high)})",
        f"{one.probability:.1%}",
        significant(one.evpi),
    )


def _of_all(one: EconomicNumbers) -> tuple[str, ...]:
    return f"{one.probability_best:.1%}", significant(one.evpi_all)
