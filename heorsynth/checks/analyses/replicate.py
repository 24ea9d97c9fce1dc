"""`replicate`: an analysis of the patients and of the synthetic cohorts, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from heorsynth.checks.analyses.agreement import Size, agreeing, decision, information, pooled
from heorsynth.checks.analyses.analysis import Analysis
from heorsynth.checks.analyses.estimates import Estimates, as_estimate, estimates_of, spans, unit_of
from heorsynth.checks.analyses.problems import planned_analyses
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.checks.core.scalar import overlap
from heorsynth.core.disclosure import RULES, tidy
from heorsynth.core.display import Card
from heorsynth.core.errors import NotEstimableError, Problem, RoleError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort.cohort import Cohort

COLUMNS = ("estimate", "real", "real_lower", "real_upper", "real_se", "synthetic", "synthetic_lower", "synthetic_upper",
           "difference_se", "overlap", "decision_real", "decision_synthetic", "same_decision", "cohorts_agree", "m",
           "because")  # fmt: skip
"""The columns of `Replication.to_frame`, in order."""

_HEADER = ("estimate", "real", "synthetic, pooled", "difference", "overlap", "decision", "cohorts that agree")


@dataclass(frozen=True)
class _Compared:
    """One estimate of an analysis.

    Attributes
    ----------
    name : str                  its name
    real, synthetic : Estimate  of the patients, and pooled; None if one of them is not estimable
    agree, m : int              cohorts that alone give the decision of the patients, and all cohorts
    because : str               why it is not estimable, or ""
    """

    name: str
    real: Estimate | None
    synthetic: Estimate | None
    agree: int
    m: int
    because: str = ""

    @property
    def published(self) -> _Compared:
        """The same with both estimates rounded by the patients' standard error, which is within 10%."""
        if self.real is None or self.synthetic is None:
            return self
        error = RULES.spread(self.real.se)
        return replace(self, real=_rounded(self.real, error), synthetic=_rounded(self.synthetic, error))

    def row(self) -> tuple[object, ...]:
        """Return its row in `Replication.to_frame`."""
        if self.real is None or self.synthetic is None:
            return (self.name, *[math.nan] * 9, "", "", None, None, self.m, self.because)
        first, second = (decision(one.value, one.high - one.value) for one in (self.real, self.synthetic))
        own, drawn = ((one.value, one.low, one.high) for one in (self.real, self.synthetic))
        compared = (self.difference, self.overlap, first, second, first == second, self.agree, self.m, "")
        return (self.name, *own, self.real.se, *drawn, *compared)

    @property
    def difference(self) -> float:
        """The difference in standard errors of the patients' estimate; NaN if not estimable."""
        if self.real is None or self.synthetic is None:
            return math.nan
        return (self.synthetic.value - self.real.value) / self.real.se

    @property
    def overlap(self) -> float:
        """The overlap of the 95% intervals (Karr et al. 2006); NaN if not estimable."""
        if self.real is None or self.synthetic is None:
            return math.nan
        return overlap(self.real.value, self.real.se, self.synthetic.value, self.synthetic.se)

    @property
    def same(self) -> bool | None:
        """Whether the pooled cohorts give the decision of the patients; None if not estimable."""
        return None if self.real is None else bool(self.row()[COLUMNS.index("same_decision")])

    def cells(self) -> tuple[str, ...]:
        """Return its row as text."""
        if self.real is None or self.synthetic is None:
            return (self.name, "not estimable", self.because, "", "", "", "")
        first, second = (decision(one.value, one.high - one.value) for one in (self.real, self.synthetic))
        told = f"same: {first}" if first == second else f"real {first}, synthetic {second}"
        return (
            self.name,
            _told(self.real),
            _told(self.synthetic),
            f"{self.difference:+.2f} SE",
            f"{self.overlap:.2f}",
            told,
            f"{self.agree} of {self.m}",
        )


def _rounded(one: Estimate, error: float) -> Estimate:
    """An estimate whose value is rounded by an error; its interval is within 10% and keeps the side of 0."""
    value, se = RULES.signed(one.value, error), RULES.spread(one.se)
    ratio = se / one.se if one.se > 0 else 1.0
    low, high = value - ratio * (one.value - one.low), value + ratio * (one.high - one.value)
    half = tidy((high - low) / 2, 3)
    if one.low > 0 or one.high < 0:
        half = min(half, abs(value) * (1 - 1e-3))
    elif abs(value) >= half:
        half = abs(value) * (1 + 1e-3)
    return replace(one, value=value, low=value - half, high=value + half, se=se)


def _told(one: Estimate) -> str:
    unit = f" {one.unit}" if one.unit else ""
    return f"{significant(one.value, 3)}{unit} ({significant(one.low, 3)} to {significant(one.high, 3)})"


@dataclass(frozen=True)
class Replication:
    """An analysis of the patients and of the synthetic cohorts, side by side.

    Attributes
    ----------
    name, model, formula : str     the analysis
    level : float                  its significance level; intervals are at 1 - level
    rows : tuple of _Compared       one for each estimate
    n_source, m : int              patients that the synthetic cohorts rest on, and the number of cohorts

    See Also
    --------
    heorsynth.replicate : makes it
    heorsynth.figures.analyses, heorsynth.tables.analyses : show it
    """

    name: str
    model: str
    formula: str
    level: float
    rows: tuple[_Compared, ...]
    n_source: int
    m: int

    @property
    def agrees(self) -> bool | None:
        """Whether every pooled decision is that of the patients; None if an estimate is missing and none differs."""
        same = [one.same for one in self.rows]
        return False if False in same else None if None in same or not same else True

    @property
    def published(self) -> Replication:
        """The table as a run may publish it: each estimate rounded by the patients' standard error.

        Differences and overlaps follow from the rounded estimates, so they do not give the exact ones back.
        """
        return replace(self, rows=tuple(one.published for one in self.rows))

    def to_frame(self) -> pd.DataFrame:
        """Return one row an estimate; the columns are `COLUMNS`."""
        return pd.DataFrame([one.row() for one in self.rows], columns=list(COLUMNS))

    def card(self) -> Card:
        """Return the table that is shown."""
        what = f"{self.model}, {self.formula}" if self.formula else self.model
        note = (
            f"Intervals at {1 - self.level:.0%}. Synthetic: pooled over {self.m} cohorts, for the population of the "
            f"{self.n_source:,} patients they rest on (Raab, Nowok & Dibben 2016). Difference in standard errors of "
            "the real estimate. Decision: the sign where the interval excludes 0. Synthetic rows are not patients."
        )
        return Card(f"Analysis {self.name!r} ({what})", _HEADER, tuple(one.cells() for one in self.rows), note)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()


def replicate(analysis: Analysis | Mapping[str, object], cohort: Cohort, syn: Sequence[Cohort]) -> Replication:
    """Return an analysis of the patients and of the synthetic cohorts, side by side.

    Parameters
    ----------
    analysis : Analysis        developed on the synthetic cohorts; a mapping of its settings is accepted
    cohort : Cohort            the patients
    syn : sequence of Cohort   the synthetic cohorts

    Returns
    -------
    Replication                estimates with intervals, their difference, the decision and the overlap. It holds
                               nothing else of the patients; an estimate that fewer than five of them are behind is
                               not shown

    Raises
    ------
    AnalysisError              the analysis names what the cohort lacks
    RoleError                  no synthetic cohort, or rows in folders

    See Also
    --------
    heorsynth.Analysis : the analysis
    heorsynth.validate : judges estimates and decisions by a margin

    Notes
    -----
    What a function of the user prints is dropped. An error of it is told by its type only, because its message may
    hold a value of a patient. The names of its estimates are those on the synthetic cohorts; other names are refused.
    """
    given: list[Any] = [cohort, *syn]
    if len(given) < 2 or not all(isinstance(one, Cohort) for one in given):
        problem = Problem("cohorts", "not a cohort in memory and its synthetic cohorts", "give hs.Cohort objects")
        raise RoleError("replicate", problem)
    (known,) = planned_analyses([analysis], cohort)
    size, m = information(cohort, syn), len(syn)
    estimates = estimates_of(known, cohort, syn)
    facts = (known.name, known.model, known.formula, known.level)
    if reason := estimates.failure or too_few(cohort):
        return Replication(*facts, (_Compared("all estimates", None, None, 0, m, reason),), size[0], m)
    rows = tuple(_compared(estimates, name, cohort, size, m) for name in estimates.names)
    return Replication(*facts, rows, size[0], m)


def _compared(estimates: Estimates, name: str, cohort: Cohort, size: Size, m: int) -> _Compared:
    level, unit = estimates.analysis.level, unit_of(estimates, cohort)
    label = estimates.shown.get(name, name) + spans(estimates, cohort)
    try:
        real, found = estimates.all_of(name)
    except NotEstimableError as error:
        return _Compared(label, None, None, 0, m, reason_of(error))
    own = as_estimate(real, 1 - level, unit)
    return _Compared(label, own, pooled(found, size, 1 - level, unit), agreeing(real, found, level), m)
