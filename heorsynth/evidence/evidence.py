"""`Evidence`: the findings for one purpose, with the lineage of the rows and the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.checks.core.estimand import PRIVATE, SUFFICIENT
from heorsynth.checks.core.finding import (
    FAIL,
    LEVEL,
    NO,
    NO_THRESHOLD,
    NOT_ESTIMABLE,
    WORST_FIRST,
    YES,
    Finding,
    worst_first,
)
from heorsynth.checks.core.groups import ALL, INTERSECTION, SUBGROUP
from heorsynth.checks.core.scalar import t_quantile
from heorsynth.checks.economics.decisions import decision_sentence
from heorsynth.checks.economics.estimands import DECISION_AGREEMENT, POOLED_DECISION
from heorsynth.checks.planning.catalogue import plain_names
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.core.display import Card
from heorsynth.core.estimate import significant
from heorsynth.core.reading import typed
from heorsynth.estimators.shrinkage import partially_pooled
from heorsynth.evidence.answers import MEANINGS, QUESTIONS, Answer, faithful, private, sufficient
from heorsynth.evidence.economics import EconomicNumbers
from heorsynth.evidence.finding_text import cells, folded, header, legend, set_equal
from heorsynth.evidence.paper_answers import (
    MEANINGS_OF_PAPER,
    faithful_to_paper,
    private_of_paper,
    sufficient_of_paper,
)

COLUMNS = (
    "check",
    "estimand",
    "group",
    "question",
    "basis",
    "real",
    "real_lower",
    "real_upper",
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

PATIENTS, PAPER = "patients", "paper"
"""What the cohorts are judged against: real patients, or what a paper prints of them."""

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
    missing_roles : tuple       roles that the purpose needs and the cohort does not declare
    economics : tuple           ICER, net benefit, P(cost-effective) and EVPI of patients and pooled cohorts
    reference : str             PATIENTS, or PAPER: `real` in the findings is then what the paper prints

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
    missing_roles: tuple[str, ...] = ()
    economics: tuple[EconomicNumbers, ...] = ()
    reference: str = PATIENTS

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
        """The verdict for this purpose: "fit", "not fit" or "inconclusive".

        "fit" if every question that the purpose decides on is answered "yes", "not fit" if one is answered "no".
        """
        deciding = [one.answer for one in self.answered if one.decides]
        if NO in deciding:
            return "not fit"
        return "fit" if all(answer == YES for answer in deciding) else "inconclusive"

    @property
    def answers(self) -> dict[str, str]:
        """The answers to the three questions: "yes", "no", "not shown" or "not asked"."""
        return {one.question: one.answer for one in self.answered}

    @cached_property
    def answered(self) -> tuple[Answer, ...]:
        """The three answers, each with its sentence, its worst finding, and what would settle it."""
        decides_on = PURPOSES[self.purpose].decides_on if self.purpose in PURPOSES else QUESTIONS[:1]
        rows, decisive = sum(self.impossible.values()), self.decisive
        if self.reference == PAPER:
            return faithful_to_paper(decisive), sufficient_of_paper(decisive), private_of_paper()
        declared = any(one.question == PRIVATE for one in decisive)  # a margin of the protocol decides like its own
        return (
            faithful(decisive, self.n_source, rows, self.missing_roles, self.purpose),
            sufficient(decisive, self.n_source, decides=SUFFICIENT in decides_on),
            private(decisive, decides=PRIVATE in decides_on or declared),
        )

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
        """The verdict in words for a committee: the answers that decide, then what they do not cover."""
        meaning = {
            "fit": f"These synthetic cohorts are fit for {self.purpose}.",
            "not fit": f"These synthetic cohorts must not be used for {self.purpose}.",
            "inconclusive": f"It is not shown that these synthetic cohorts are fit for {self.purpose}.",
        }[self.verdict]
        answers = [one.text for one in self.answered if one.decides]
        return " ".join([meaning, *answers, *self._beyond, *self.decisions, *self._unjudged])

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
                        them as independent. One cohort has no intervals, so nothing is pooled (NaN).
        """
        rows = []
        scalar = [one for one in self.findings if one.kind in _PARTS and one.check in REPEATED and one.known]
        for key, estimand, kind in dict.fromkeys((one.key, one.estimand, one.kind) for one in scalar):
            same = (one for one in scalar if (one.key, one.estimand, one.kind) == (key, estimand, kind))
            own = sorted(same, key=lambda one: one.group)
            error = np.array([(one.upper - one.lower) / (2 * t_quantile(one.m, one.level)) for one in own])
            shrunk, spread = np.full((len(own), 3), np.nan), math.nan
            if np.isfinite(error).all():
                pooled = partially_pooled(np.array([one.difference for one in own]), error, level=LEVEL)
                shrunk, spread = np.column_stack([pooled.value, pooled.lower, pooled.upper]), pooled.spread
            rows += [
                (key, estimand, one.group, one.difference, one.lower, one.upper, *map(float, row), spread, one.margin,
                 one.verdict)
                for one, row in zip(own, shrunk, strict=True)
            ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(_SUBGROUP_COLUMNS))

    def to_dict(self) -> dict[str, object]:
        """Return the evidence as JSON-ready data, with the verdict and its sentence."""
        return {
            "verdict": self.verdict,
            "answers": self.answers,
            "sentence": self.sentence,
            "purpose": self.purpose,
            "m": self.m,
            "n_rows": self.n_rows,
            "n_source": self.n_source,
            "generator": self.generator,
            "broken": dict(self.broken),
            "notes": list(self.notes),
            "missing_roles": list(self.missing_roles),
            "economics": [one.to_dict() for one in self.economics],
            "findings": [finding.to_dict() for finding in self.findings],
            **({"reference": PAPER} if self.reference == PAPER else {}),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Evidence:
        """Return the evidence `to_dict` wrote; KeyError, TypeError, ValueError or AttributeError for other data."""
        findings = tuple(Finding.from_dict(finding) for finding in facts["findings"])
        economics = tuple(EconomicNumbers.from_dict(one) for one in facts.get("economics", ()))
        return replace(typed(cls, {**facts, "findings": [], "economics": []}), findings=findings, economics=economics)

    @property
    def header(self) -> tuple[str, ...]:
        """The headings of the cells of a finding."""
        return header(of_paper=self.reference == PAPER)

    @property
    def supporting(self) -> str:
        """The number of supporting findings by verdict, in one sentence."""
        rest = [finding.verdict for finding in self.findings if not finding.decisive]
        counts = ", ".join(f"{rest.count(kind)} {kind}" for kind in WORST_FIRST if kind in rest)
        return f"{len(rest)} supporting findings: {counts}." if rest else ""

    def card(self, fold: bool = False) -> Card:
        """Return the table of decisive findings, worst first; `to_frame` also has the supporting ones.

        Folded, of several that pass and ask the same only the one nearest to its margin is shown.
        """
        shown, of_paper = self.decisive, self.reference == PAPER
        rows = folded(shown, of_paper=of_paper) if fold else tuple(cells(one, of_paper=of_paper) for one in shown)
        note = "\n".join(filter(None, [self.supporting, legend(shown, of_paper=of_paper), *self.notes]))
        return Card("Decisive findings: the verdict rests on these", self.header, rows, note)

    def answers_card(self) -> Card:
        """Return the first thing to read: the verdict, the three answers, and what the verdict does not cover."""
        meanings = MEANINGS_OF_PAPER if self.reference == PAPER else MEANINGS
        rows = tuple((f"{one.question}? {meanings[one.question]}", one.shown, one.text) for one in self.answered)
        note = "\n".join([*self._beyond, *self.decisions, *self._unjudged, *self._constructed])
        return Card(f"Verdict for {self.purpose}: {self.verdict}", ("question", "answer", "why"), rows, note)

    @property
    def _constructed(self) -> tuple[str, ...]:
        """The decisive quantities that are equal by construction, in one line."""
        names = plain_names({one.key for one in self.decisive if one.constructed})
        return (f"{set_equal(of_paper=self.reference == PAPER)}{names}.",) if names else ()

    def __repr__(self) -> str:
        return f"{self.answers_card().text()}\n\n{self.card(fold=True).text()}"

    def _repr_html_(self) -> str:
        return self.answers_card().html() + self.card().html()
