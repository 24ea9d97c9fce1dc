"""Table of the analyses that nobody declared, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from heorsynth.checks.structure.panel import PanelResult, panel_result
from heorsynth.core.display import Card
from heorsynth.core.errors import Problem, RoleError
from heorsynth.core.estimate import significant
from heorsynth.core.random import stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.evidence.preconditions import cohorts, require_cohorts, require_same_roles
from heorsynth.report.tables.table import FOOTNOTE, Table

COLUMNS = ("kind", "analysis", "real", "se", "synthetic", "difference", "lower", "upper")

_SHOWN = 20
"""The card shows this many analyses; the frame has all."""


def panel(cohort: Cohort, syn: Sequence[Cohort], seed: int = 1) -> Table:
    """Return the analyses of `structure.panel`, the worst first: what an analyst would get from the synthetic cohorts.

    Parameters
    ----------
    cohort : Cohort            the real patients
    syn : sequence of Cohort   the m synthetic cohorts
    seed : int                 draws the panel; `heorsynth.validate` with the same seed judges the same analyses

    Returns
    -------
    Table      `frame`: kind (contrast, adjusted, treatment by covariate), analysis, real (estimate), se (its robust
               standard error), synthetic (mean over the cohorts), difference (synthetic - real, in standard errors),
               lower, upper (its 90% interval over the cohorts, given these patients). A difference is infinite if
               most cohorts lack a group that the analysis needs

    Raises
    ------
    RoleError                  an argument is not a cohort in memory, or the roles differ
    SeedError                  the seed is not a whole number from 0 up

    Notes
    -----
    Every estimate rests on at least ten patients in each group. Means of groups are aggregates, but many of them
    together say much about few patients: share the table like any other result on the patients.
    """
    require_cohorts(cohort, syn)
    if not isinstance(cohort, Cohort):
        raise RoleError("the cohort to judge against", Problem("", "a folder", "give the patients as a Cohort"))
    require_same_roles(cohort, syn)
    found = panel_result(cohort, cohorts(syn), stream(seed, "check", "structure"))
    frame = _frame(found)
    rows = tuple((str(row[0]), str(row[1]), *map(_shown, row[2:])) for row in frame.head(_SHOWN).to_numpy().tolist())
    header = ("kind", "analysis", "real", "SE", "synthetic", "difference (SE)", "lower", "upper")
    return Table(Card("Analyses that nobody declared, the worst first", header, rows, _note(found)), frame)


def _frame(found: PanelResult) -> pd.DataFrame:
    order = found.worst
    half = found.half_width()
    ends = (found.difference - half, found.difference + half)
    held = (found.real, found.error, found.synthetic, found.difference, *ends)
    named = [(found.analyses[place].kind, found.analyses[place].words) for place in order]
    columns = dict(zip(COLUMNS[:2], zip(*named, strict=True) if named else ((), ()), strict=True))
    return pd.DataFrame({**columns, **{name: one[order] for name, one in zip(COLUMNS[2:], held, strict=True)}})


def _shown(value: float) -> str:
    return significant(float(value), 3)


def _note(found: PanelResult) -> str:
    if not found.analyses:
        return f"No two columns have enough patients to analyse together. {FOOTNOTE}"
    off, shown = int(found.off.sum()), found.shown
    effect = f", {int(found.off[shown].sum())} of {int(shown.sum())} where the patients show an effect"
    listed = f"The {_SHOWN} worst are shown; the frame has all. " if len(found.analyses) > _SHOWN else ""
    return (
        f"{off} of {len(found.analyses)} analyses are off by more than one standard error of the patients"
        f"{effect if np.any(shown) else ''}. {listed}{FOOTNOTE}"
    )
