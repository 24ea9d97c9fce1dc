"""The three answers of the evidence: faithful? sufficient? private? Each is one sentence for a committee."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from heorsynth.checks.core.estimand import FAITHFUL, PRIVATE, SUFFICIENT
from heorsynth.checks.core.finding import (
    INCONCLUSIVE,
    NO,
    NOT_ASKED,
    NOT_ESTIMABLE,
    NOT_SHOWN,
    PASS,
    SINGLE,
    YES,
    Finding,
    answer_of,
    fails_among,
)
from heorsynth.core.disclosure import small
from heorsynth.core.display import agreeing
from heorsynth.core.estimate import significant
from heorsynth.evidence.finding_text import amount_with_interval, is_few, quantity, real_text, width_text, with_unit

QUESTIONS = (FAITHFUL, SUFFICIENT, PRIVATE)
"""The questions in the order in which they are shown."""

MEANINGS = {
    FAITHFUL: "Does an analysis of the synthetic cohorts give what the same analysis of these patients gives?",
    SUFFICIENT: "Do these patients carry enough information for the purpose?",
    PRIVATE: "Is nobody in the data exposed?",
}
"""The three questions in full."""


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Attributes
    ----------
    question, answer : str    faithful, sufficient or private; "yes", "no", "not shown" or "not asked"
    sentence : str            the answer in a sentence
    worst : str               the finding that speaks most against a "yes"; "" if all is well
    settle : str              what would settle a "not shown"; else ""
    decides : bool            whether the verdict of the purpose depends on it
    """

    question: str
    answer: str
    sentence: str
    worst: str = ""
    settle: str = ""
    decides: bool = True

    @property
    def shown(self) -> str:
        """The answer, with a remark if the verdict does not depend on it."""
        return self.answer if self.decides or self.answer == NOT_ASKED else f"{self.answer} (does not decide)"

    @property
    def text(self) -> str:
        """The sentence with the worst finding and what would settle the answer."""
        return " ".join(filter(None, (self.sentence, self.worst, self.settle)))


def faithful(
    findings: Sequence[Finding], n: int, impossible: int = 0, missing_roles: Sequence[str] = (), purpose: str = ""
) -> Answer:
    """Return whether the cohorts are faithful, from the decisive findings.

    Parameters
    ----------
    n : int                 number of patients
    impossible : int        number of rows that break a rule that no patient can break
    missing_roles : tuple   roles that the purpose needs and the cohort does not declare
    """
    asked = [one for one in findings if one.question == FAITHFUL]
    found = NO if impossible else answer_of(asked)
    if found != NO and (missing_roles or not asked):
        roles = f": the cohort declares no {', no '.join(missing_roles)}" if missing_roles else ""
        return Answer(FAITHFUL, NOT_ASKED, f"The question of {purpose or 'the purpose'} cannot be asked{roles}.")
    count, tested = len(asked), sum(not one.constructed for one in asked)
    if found == YES:
        of_these = f", {tested} of them tested and the others equal by construction" if tested < count else ""
        same = f"An analysis of the synthetic cohorts gives what the same analysis of these {n:,} patients gives"
        return Answer(FAITHFUL, YES, f"{same}: all {count} decisive quantities agree within their margin{of_these}.")
    if found == NO:
        known = sum(one.verdict != NOT_ESTIMABLE for one in asked)
        failed = [one for one in asked if fails_among(one, known)]
        differ = agreeing(len(failed), "differs by more than its margin", "differ by more than their margin")
        parts = [f"{len(failed)} of {count} decisive quantities {differ}"] if failed else []
        if impossible:
            parts.append(f"rules that no patient can break are broken {impossible:,} times")
        sentence = f"An analysis of the synthetic cohorts does not give what these {n:,} patients give: "
        if missing_roles:
            parts.append(
                f"and the cohort declares no {', no '.join(missing_roles)}, which {purpose or 'the purpose'} needs"
            )
        return Answer(FAITHFUL, NO, f"{sentence}{'; '.join(parts)}.", worst_of(failed))
    open_ = [one for one in asked if one.verdict != PASS]
    if not open_:
        sentence = "Only quantities that are equal by construction were asked, and these are no evidence of fidelity."
        return Answer(FAITHFUL, NOT_SHOWN, sentence, settle="Declare a margin or an analysis that is tested.")
    sentence = (
        f"{count - len(open_)} of {count} decisive quantities agree within their margin, and none clearly differs."
    )
    return Answer(FAITHFUL, NOT_SHOWN, sentence, worst_of(open_), settles(open_))


def sufficient(findings: Sequence[Finding], n: int, *, decides: bool) -> Answer:
    """Return whether these patients are enough: is their own 90% interval no wider than the margin?"""
    asked = [one for one in findings if one.question == FAITHFUL and one.sufficient is not None]
    if not asked:
        return Answer(SUFFICIENT, NOT_ASKED, "No decisive quantity has an interval of its own.", decides=decides)
    wide = [one for one in asked if not one.sufficient]
    if not wide:
        sentence = f"The {n:,} patients alone know all {len(asked)} decisive quantities as precisely as the margins."
        return Answer(SUFFICIENT, YES, sentence, decides=decides)
    sentence = (
        f"The {n:,} patients alone know {len(wide)} of {len(asked)} decisive quantities less precisely than the "
        "margins. No copy can change that."
    )
    widest = max(wide, key=lambda one: one.own_half_width / one.margin)
    low, high = with_unit(widest.real_lower, ""), with_unit(widest.real_upper, widest.unit)
    ends = "not given" if is_few(widest) else f"{low} to {high}"
    worst = f"Least precise: {quantity(widest)}, {widest.group}: the patients' own 90% interval is {ends}"
    needed = widest.patients_needed
    many = f"; it rests on {small(widest.n_real)} patients, and about {needed:,} would be needed." if needed else "."
    return Answer(SUFFICIENT, NO, sentence, worst + many, decides=decides)


def private(findings: Sequence[Finding], *, decides: bool) -> Answer:
    """Return whether the attacks on privacy failed; each attack alone can decide."""
    asked = [one for one in findings if one.question == PRIVATE]
    if not asked:
        return Answer(PRIVATE, NOT_ASKED, "The purpose does not ask whether patients are exposed.", decides=decides)
    found = answer_of(asked)
    if found == YES:
        sentence = f"All {len(asked)} attacks do no better on the training patients than on people never seen."
        return Answer(PRIVATE, YES, f"{sentence} Stronger attacks may exist.", decides=decides)
    if found == NO:
        failed = [one for one in asked if fails_among(one, len(asked))]
        sentence = f"{len(failed)} of {len(asked)} attacks do clearly better on the training patients."
        return Answer(PRIVATE, NO, sentence, worst_of(failed), decides=decides)
    open_ = [one for one in asked if one.verdict != PASS]
    sentence = f"{len(open_)} of {len(asked)} attacks have no clear result."
    first = min(open_, key=lambda one: one.verdict == NOT_ESTIMABLE)
    settle = "" if first.verdict == NOT_ESTIMABLE else "More people in the hold-out would settle it."
    return Answer(PRIVATE, NOT_SHOWN, sentence, worst_of(open_), settle, decides)


def _excess(finding: Finding) -> float:
    """Return the difference in margins, for sorting; infinite where the finding is not estimable."""
    if math.isnan(finding.difference) or not finding.margin > 0:
        return math.inf
    return abs(finding.difference) / finding.margin


def worst_of(findings: Sequence[Finding], *, of_paper: bool = False) -> str:
    """Return the finding that is farthest from its margin, in a sentence."""
    if not findings:
        return ""
    estimable = [one for one in findings if one.verdict != NOT_ESTIMABLE]
    if not estimable:
        return f"Not estimable: {quantity(findings[0])}, {findings[0].group}: {findings[0].because}."
    one = max(estimable, key=_excess)
    if one.estimand.startswith("levels of"):
        return f"Worst: {quantity(one)}: {one.because}."
    first, second = ("published", "in the cohorts") if of_paper else ("real", "synthetic")
    values = f"{first} {real_text(one)}, {second} {with_unit(one.synthetic, one.unit)}"
    detail = f"difference {amount_with_interval(one)}, margin {width_text(one, of_paper=of_paper)}"
    remark = f" ({one.remark})" if one.use == SINGLE else ""
    if one.worst:
        remark = f". The worst: {one.worst}"
    return f"Worst: {quantity(one)}, {one.group}: {values}; {detail}{remark}."


def settles(findings: Sequence[Finding]) -> str:
    """Return what would settle open findings: more cohorts, or data that make them estimable."""
    parts = []
    if needed := cohorts_needed(findings):
        parts.append(f"About {significant(needed, 2)} cohorts would settle what is open.")
    elif any(one.m == 1 for one in findings):
        parts.append("Draw at least 2 cohorts; 20 or more settle most quantities.")
    missing = [one for one in findings if one.verdict == NOT_ESTIMABLE]
    if missing:
        some = f"{quantity(missing[0])}, {missing[0].group}: {missing[0].because}"
        parts.append(f"{len(missing)} cannot be estimated ({some}).")
    return " ".join(parts)


def cohorts_needed(findings: Sequence[Finding]) -> int:
    """Return the number of cohorts that would settle the inconclusive findings on fidelity; 0 if unknown or none."""
    open_ = [one for one in findings if one.verdict == INCONCLUSIVE and one.question == FAITHFUL]
    return max((one.cohorts_needed for one in open_), default=0)
