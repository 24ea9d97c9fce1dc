"""The three answers for cohorts of a paper: faithful to the paper? sufficient? private: nobody's rows."""

from __future__ import annotations

from collections.abc import Sequence

from heorsynth.checks.core.estimand import FAITHFUL, PRIVATE, SUFFICIENT
from heorsynth.checks.core.finding import (
    NO,
    NOT_ASKED,
    NOT_ESTIMABLE,
    NOT_SHOWN,
    PASS,
    YES,
    Finding,
    answer_of,
    fails_among,
)
from heorsynth.core.display import agreeing
from heorsynth.evidence.answers import Answer, settles, worst_of
from heorsynth.evidence.finding_text import quantity, with_unit

MEANINGS_OF_PAPER = {
    FAITHFUL: "Do the cohorts give what the paper states?",
    SUFFICIENT: "Does the paper determine what the purpose needs?",
    PRIVATE: "Is nobody in the data exposed?",
}
"""The three questions for cohorts that were made from a paper."""


def faithful_to_paper(findings: Sequence[Finding]) -> Answer:
    """Return whether the cohorts agree with the printed facts, from the decisive findings."""
    asked = [one for one in findings if one.question == FAITHFUL]
    if not asked:
        return Answer(FAITHFUL, NOT_ASKED, "The paper states nothing that the purpose asks for.")
    found, count = answer_of(asked), len(asked)
    tested = sum(not one.constructed for one in asked)
    kept = f"{tested} of them left out when the cohorts were made, the others their constraints"
    if found == YES:
        return Answer(FAITHFUL, YES, f"All {count} printed facts agree with the cohorts within their margin, {kept}.")
    known = sum(one.verdict != NOT_ESTIMABLE for one in asked)
    if found == NO:
        failed = [one for one in asked if fails_among(one, known)]
        differ = agreeing(len(failed), "differs by more than its margin", "differ by more than their margin")
        return Answer(
            FAITHFUL, NO, f"{len(failed)} of {count} printed facts {differ}.", worst_of(failed, of_paper=True)
        )
    open_ = [one for one in asked if one.verdict != PASS]
    if not open_:
        sentence = f"All {count} printed facts that were compared were constraints of the cohorts: nothing tests them."
        settle = "State a hazard ratio or a median in the paper file, and do not make it a constraint."
        return Answer(FAITHFUL, NOT_SHOWN, sentence, settle=settle)
    sentence = f"{count - len(open_)} of {count} printed facts agree within their margin, and none clearly differs."
    return Answer(FAITHFUL, NOT_SHOWN, sentence, worst_of(open_, of_paper=True), settles(open_))


def sufficient_of_paper(findings: Sequence[Finding]) -> Answer:
    """Return whether every reconstruction interval is no wider than the margin of its quantity."""
    asked = [one for one in findings if one.question == SUFFICIENT]
    if not asked:
        return Answer(SUFFICIENT, NOT_ASKED, "The purpose asks for no quantity that the cohorts give.")
    unknown = [one for one in asked if one.verdict == NOT_ESTIMABLE]
    wide = [one for one in asked if one.verdict not in (PASS, NOT_ESTIMABLE)]
    if wide:
        widest = max(wide, key=lambda one: one.own_half_width / one.margin)
        ends = f"{with_unit(widest.real_lower, '')} to {with_unit(widest.real_upper, widest.unit)}"
        sentence = f"The paper leaves {len(wide)} of {len(asked)} quantities more open than the margins. "
        sentence += "No number of cohorts can change that."
        worst = f"Widest: {quantity(widest)}, {widest.group}: reconstruction interval {ends}."
        settle = "More numbers at risk, the totals of events or a finer figure would narrow it."
        return Answer(SUFFICIENT, NO, sentence, worst, settle)
    if unknown:
        some = f"{quantity(unknown[0])}, {unknown[0].group}: {unknown[0].because}"
        return Answer(SUFFICIENT, NOT_SHOWN, f"{len(unknown)} of {len(asked)} quantities have no interval ({some}).")
    sentence = f"The paper determines all {len(asked)} quantities to within the margins."
    return Answer(SUFFICIENT, YES, f"{sentence} The trial's sampling error comes on top in any comparison.")


def private_of_paper() -> Answer:
    """Return that nobody's data were used."""
    sentence = "Nobody's rows: the cohorts were made from what a paper prints, and no patient's data were used."
    return Answer(PRIVATE, NOT_ASKED, sentence, decides=False)
