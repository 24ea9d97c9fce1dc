"""The answers of the declared analyses: each estimate in every cohort, its decision, and the overlap of intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from heorsynth.checks.analyses.agreement import agreeing, fragile, information, overlapping, pooled_decision
from heorsynth.checks.analyses.analysis import OF_ENDPOINT, Analysis
from heorsynth.checks.analyses.estimates import Coefficients, Estimates, as_estimate, estimates_of, spans, unit_of
from heorsynth.checks.analyses.models import Coefficient
from heorsynth.checks.core.finding import FAIL, Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Ask, Question
from heorsynth.checks.core.refusals import reason_of
from heorsynth.checks.core.scalar import Numbers
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort

ANALYSES = "analyses"
"""The setting of a margin that holds the declared analyses."""

_FRAGILE = "a difference smaller than the margin would change the decision on the real data"


def estimate(ask: Ask) -> list[Finding]:
    """Return, for each estimate of each analysis, its difference between the cohorts and the patients.

    Notes
    -----
    The margin is absolute, on the scale of the estimate: the margin of the analysis, or its number of standard errors
    of the patients' estimate, or the narrower if both are given.
    """
    findings = []
    for estimates, name, question in _asked(ask):
        if not name:
            findings.append(question.refuse(estimates.failure))
            continue
        margin = width_of(estimates.analysis, _real(estimates, name), ask.margin)
        if isinstance(margin, str):
            findings.append(question.refuse(margin))
            continue
        held = dict(zip(map(id, ask.group.synthetic), estimates.synthetic, strict=True))
        held[id(ask.group.real)] = estimates.real
        of = partial(_estimate_in, estimates, name, held, question.unit)
        findings.append(replace(question, margin=margin).judge(of, after=_in_errors))
    return findings


def _estimate_in(
    estimates: Estimates, name: str, held: Mapping[int, Coefficients | str], unit: str, cohort: Cohort
) -> Estimate:
    return as_estimate(estimates.of(name, held[id(cohort)]), 0.95, unit)


def _in_errors(numbers: Numbers) -> str:
    return f"; the difference is {numbers.standardised + 0.0:.1f} standard errors of the real estimate"


def decisions(ask: Ask) -> list[Finding]:
    """Return, for each estimate, the probability that the pooled cohorts give the decision of the patients.

    Notes
    -----
    The decision is the sign of the estimate where it is significant at the level of the analysis, and "not
    significant" otherwise. A decision that a difference smaller than the margin would change does not fail.
    """
    return [
        _agreement(ask, estimates, name, question, _decision_of)
        for estimates, name, question in _asked(ask, "decision")
    ]


def overlaps(ask: Ask) -> list[Finding]:
    """Return, for each estimate, the overlap of the patients' 95% interval with the pooled one; supporting."""
    return [
        _agreement(ask, estimates, name, replace(question, supports=True), _overlap_of)
        for estimates, name, question in _asked(ask, "overlap")
    ]


_Answer = Callable[[Ask, Estimates, Coefficient, list[Coefficient], Question], Finding]


def _agreement(ask: Ask, estimates: Estimates, name: str, question: Question, answer: _Answer) -> Finding:
    if not name:
        return question.refuse(estimates.failure)
    try:
        real, found = estimates.all_of(name)
        return answer(ask, estimates, real, found, question)
    except NotEstimableError as error:
        return question.refuse(reason_of(error))


def _decision_of(
    ask: Ask, estimates: Estimates, real: Coefficient, found: list[Coefficient], question: Question
) -> Finding:
    analysis, size = estimates.analysis, information(ask.group.real, ask.group.synthetic)
    numbers = pooled_decision(real, found, size, analysis.level)
    margin = width_of(analysis, real, None)
    width = margin.width if isinstance(margin, Margin) else 0.0

    def doubt(verdict: str) -> str:
        return _FRAGILE if verdict == FAIL and fragile(real, analysis.level, width) else ""

    alone = f"{agreeing(real, found, analysis.level)} of {len(found)} cohorts alone give the decision of the real data"
    return question.answer(numbers, before=alone, doubt=doubt)


def _overlap_of(
    ask: Ask, estimates: Estimates, real: Coefficient, found: list[Coefficient], question: Question
) -> Finding:
    return question.answer(overlapping(real, found, information(ask.group.real, ask.group.synthetic)))


def width_of(analysis: Analysis, real: Coefficient | str, declared: Margin | None) -> Margin | str:
    """Return the margin of an analysis on the scale of its estimate; the reason if the patients have no estimate.

    `declared` is the margin of the estimand: its width counts standard errors where the analysis names no margin.
    """
    if isinstance(real, str):
        return f"in the real cohort: {real}"
    default = 1.0 if declared is None else declared.width
    errors = analysis.margin_se if analysis.margin_se is not None or analysis.margin is not None else default
    widths = [] if errors is None else [errors * real.se]
    widths += [] if analysis.margin is None else [float(analysis.margin)]
    base = Margin("absolute", 1.0) if declared is None else declared
    own = errors is not None and min(widths) == widths[0]
    return replace(base, width=min(widths), own=own)


def _real(estimates: Estimates, name: str) -> Coefficient | str:
    try:
        return estimates.of(name, estimates.real)
    except NotEstimableError as error:
        return reason_of(error)


def _asked(ask: Ask, what: str = "") -> Iterator[tuple[Estimates, str, Question]]:
    """Yield each estimate of each analysis with its question. An analysis that failed has one
    question, without a name."""
    real = ask.scope.real
    for analysis in cast(tuple[Analysis, ...], ask.margin.settings.get(ANALYSES) or ()):
        estimates = ask.scope.shared(
            (ANALYSES, analysis.name), partial(estimates_of, analysis, ask.group.real, ask.group.synthetic)
        )
        unit = "" if what else unit_of(estimates, real)
        endpoint = analysis.parsed.outcome if analysis.model in OF_ENDPOINT else ""
        for name in estimates.names or ("",):
            label = estimates.label(name) if name else analysis.name
            label += spans(estimates, real) + (f", {what}" if what else "")
            supports = not analysis.decisive
            yield estimates, name, ask.question(label, unit=unit, endpoint=endpoint, supports=supports)
