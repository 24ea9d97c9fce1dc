"""`Evidence`: the findings for one purpose, with the lineage of the rows and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.checks.core.finding import (
    FAIL,
    INCONCLUSIVE,
    LEVEL,
    NO_THRESHOLD,
    NOT_ESTIMABLE,
    PASS,
    WORST_FIRST,
    Finding,
    overall,
    worst_first,
)
from heorsynth.checks.core.groups import ALL, INTERSECTION, SUBGROUP
from heorsynth.checks.economics.decisions import decision_sentence
from heorsynth.checks.economics.estimands import DECISION_AGREEMENT, POOLED_DECISION
from heorsynth.core.display import Card
from heorsynth.core.estimate import normal_quantile, significant
from heorsynth.core.reading import typed
from heorsynth.estimators.shrinkage import partially_pooled
from heorsynth.evidence.economics import EconomicNumbers
from heorsynth.evidence.finding_text import HEADER, cells, legend

COLUMNS = (
    "check",
    "estimand",
    "group",
    "real",
    "synthetic",
    "difference",
    "lower",
    "upper",
    "margin",
    "floor",
    "verdict",
)
"""The columns of `Evidence.to_frame`, in order."""

REPEATED = ("survival", "costs", "utilities")
"""The checks whose findings within subgroups are partially pooled."""

_PARTS = (SUBGROUP, INTERSECTION)
"""The kinds of group of these findings."""

_SUBGROUP_COLUMNS = ("key", "estimand", "group", "difference", "lower", "upper", "pooled", "pooled_lower",
                    "pooled_upper", "spread", "margin", "verdict")  # fmt: skip
"""The columns of `Evidence.subgroups`, in order."""

_BEYOND_SEEN = "outside the source's range"
"""A post-condition of `Domain.breaks` that makes a row unlikely, not impossible: new patients break it too."""


@dataclass(frozen=True)
class Evidence:
    """The findings about m synthetic cohorts, for one purpose.

    Attributes
    ----------
    purpose : str               one of `heorsynth.checks.planning.purposes.PURPOSES`
    findings : tuple            decisive findings first; in each part, worst first
    m, n_rows, n_source : int   number of cohorts, rows in each, and real patients
    generator : str             from the label; "unknown" for rows without a label
    broken : Mapping            post-condition -> number of rows that break it
    notes : tuple of str        further notes for the reader
    economics : tuple           ICER, net benefit, P(cost-effective) and EVPI of patients and pooled cohorts

    See Also
    --------
    heorsynth.validate : makes the evidence
    heorsynth.tables.verdict_table, heorsynth.figures.forest : show it

    Examples
    --------
    >>> nothing = Evidence.of("teaching", [], m=2, n_rows=100, n_source=100)
    >>> nothing.verdict, len(nothing.to_frame())
    ('inconclusive', 0)
    """

    purpose: str
    findings: tuple[Finding, ...]
    m: int
    n_rows: int
    n_source: int
    generator: str = "unknown"
    broken: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    economics: tuple[EconomicNumbers, ...] = ()

    @classmethod
    def of(cls, purpose: str, findings: Sequence[Finding], **facts: Any) -> Evidence:
        """Return evidence with its findings sorted, worst first."""
        return cls(purpose, tuple(worst_first(findings)), **facts)

    @property
    def stable(self) -> Evidence:
        """The evidence as stored in a run folder: with numbers that are the same on every processor."""
        numbers = tuple(one.stable for one in self.economics)
        return replace(self, findings=tuple(finding.stable for finding in self.findings), economics=numbers)

    @property
    def verdict(self) -> str:
        """The verdict for this purpose: "fit", "not fit" (also where rows are impossible) or "inconclusive"."""
        return "not fit" if self.impossible else overall(self.findings)

    @property
    def impossible(self) -> dict[str, int]:
        """The broken post-conditions that no patient can break; a patient can be outside the range of the source."""
        return {what: count for what, count in self.broken.items() if not what.endswith(_BEYOND_SEEN)}

    @property
    def decisive(self) -> tuple[Finding, ...]:
        """The findings that the verdict depends on."""
        return tuple(finding for finding in self.findings if finding.decisive)

    def count(self, verdict: str) -> int:
        """Return the number of decisive findings with this verdict."""
        return sum(finding.verdict == verdict for finding in self.decisive)

    @property
    def sentence(self) -> str:
        """The verdict in words for a committee."""
        counts = [
            f"{self.count(kind)} {word}"
            for kind, word in (
                (PASS, "agree within their margin"),
                (FAIL, "differ by more than their margin"),
                (INCONCLUSIVE, "are inconclusive"),
                (NOT_ESTIMABLE, "cannot be estimated"),
            )
            if self.count(kind)
        ]
        meaning = {
            "fit": f"These synthetic cohorts are fit for {self.purpose}",
            "not fit": f"These synthetic cohorts must not be used for {self.purpose}",
            "inconclusive": f"The data cannot show that these synthetic cohorts are fit for {self.purpose}",
        }[self.verdict]
        results = (
            f"of {len(self.decisive)} decisive quantities {', '.join(counts)}"
            if counts
            else "there are no decisive findings"
        )
        rows = sum(self.broken.values())
        impossible = f"; rules that no patient can break are broken {rows:,} times" if rows else ""
        by_chance = self.verdict == "inconclusive" and self.count(FAIL)
        chance = "; with this number of quantities, chance can explain the differences" if by_chance else ""
        first = f"{meaning}: {results}{chance}{impossible}. They rest on {self.n_source:,} real patients."
        return " ".join([first, *self._beyond, *self.decisions, *self._unjudged])

    @property
    def _beyond(self) -> tuple[str, ...]:
        """What a "fit" does not cover: the supporting findings that fail, and the number of subgroups concerned."""
        failed = [one for one in self.findings if not one.decisive and one.verdict == FAIL]
        if self.verdict != "fit" or not failed:
            return ()
        groups = len({one.group for one in failed if one.kind in (SUBGROUP, INTERSECTION)})
        within = f", some of them within {groups} subgroup{'s' if groups > 1 else ''}" if groups else ""
        n_supporting = sum(not one.decisive for one in self.findings)
        return (f"Not covered: {len(failed)} of {n_supporting} supporting findings fail{within}.",)

    @property
    def _unjudged(self) -> tuple[str, ...]:
        """Why the decision is not assessed, if only a threshold is missing."""
        lacking = any(one.decisive and one.obstacle == NO_THRESHOLD for one in self.findings)
        return ("The decision is not assessed: no willingness-to-pay threshold is declared.",) if lacking else ()

    @property
    def decisions(self) -> tuple[str, ...]:
        """How often one synthetic cohort, and all pooled, reverse the decision, for each threshold and pair of arms."""
        known = [one for one in self.findings if one.verdict != NOT_ESTIMABLE]
        alone = {(one.group, one.threshold): one.synthetic for one in known if one.key == DECISION_AGREEMENT.key}
        pooled = [one for one in known if one.key == POOLED_DECISION.key and one.kind == ALL]
        return tuple(
            f"{one.group}, at {significant(one.threshold)} per {one.per}: "
            + decision_sentence(1 - alone[one.group, one.threshold], self.m, one.synthetic)
            for one in sorted(pooled, key=lambda one: one.threshold)
            if (one.group, one.threshold) in alone
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding, worst first; `difference`, `lower`, `upper`, `floor` on the scale of the margin."""
        return pd.DataFrame(
            [[getattr(finding, name) for name in COLUMNS] for finding in self.findings], columns=list(COLUMNS)
        )

    def to_csv(self) -> str:
        """Return `to_frame` as CSV, as in evidence.csv of a run folder."""
        return self.to_frame().to_csv(index=False, lineterminator="\n")

    def subgroups(self) -> pd.DataFrame:
        """Return the findings on survival, costs and utilities within subgroups, with partially pooled differences.

        Returns
        -------
        DataFrame       key, estimand, group, difference, lower, upper (its own), pooled, pooled_lower, pooled_upper
                        (partially pooled with the other levels' findings on the same estimand, 90% intervals;
                        intersections with the other intersections'),
                        spread (of the true differences over the levels), margin, verdict. Verdicts use the
                        unpooled interval. Levels of different subgroups share patients; the pooled intervals treat
                        them as independent.
        """
        rows = []
        scalar = [one for one in self.findings if one.kind in _PARTS and one.check in REPEATED and one.known]
        for key, estimand, kind in dict.fromkeys((one.key, one.estimand, one.kind) for one in scalar):
            same = (one for one in scalar if (one.key, one.estimand, one.kind) == (key, estimand, kind))
            own = sorted(same, key=lambda one: one.group)
            error = np.array([(one.upper - one.lower) / (2 * normal_quantile(LEVEL)) for one in own])
            pooled = partially_pooled(np.array([one.difference for one in own]), error, level=LEVEL)
            for place, one in enumerate(own):
                shrunk = (part[place] for part in (pooled.value, pooled.lower, pooled.upper))
                rows.append((key, estimand, one.group, one.difference, one.lower, one.upper, *map(float, shrunk),
                             pooled.spread, one.margin, one.verdict))  # fmt: skip
        return pd.DataFrame(rows, columns=list(_SUBGROUP_COLUMNS))

    def to_dict(self) -> dict[str, object]:
        """Return the evidence as JSON-ready data, with the verdict and its sentence."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "purpose": self.purpose,
            "m": self.m,
            "n_rows": self.n_rows,
            "n_source": self.n_source,
            "generator": self.generator,
            "broken": dict(self.broken),
            "notes": list(self.notes),
            "economics": [one.to_dict() for one in self.economics],
            "findings": [finding.to_dict() for finding in self.findings],
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Evidence:
        """Return the evidence `to_dict` wrote; KeyError, TypeError, ValueError or AttributeError for other data."""
        findings = tuple(Finding.from_dict(finding) for finding in facts["findings"])
        economics = tuple(EconomicNumbers.from_dict(one) for one in facts.get("economics", ()))
        return replace(typed(cls, {**facts, "findings": [], "economics": []}), findings=findings, economics=economics)

    @property
    def supporting(self) -> str:
        """The number of supporting findings by verdict, in one sentence."""
        rest = [finding.verdict for finding in self.findings if not finding.decisive]
        counts = ", ".join(f"{rest.count(kind)} {kind}" for kind in WORST_FIRST if kind in rest)
        return f"{len(rest)} supporting findings: {counts}." if rest else ""

    def card(self) -> Card:
        """Return the table of decisive findings, worst first; `to_frame` also has the supporting ones."""
        shown = self.decisive
        note = "\n".join(filter(None, [self.sentence, self.supporting, legend(shown), *self.notes]))
        return Card(f"Verdict for {self.purpose}: {self.verdict}", HEADER, tuple(map(cells, shown)), note)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()
