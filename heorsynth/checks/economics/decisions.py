"""The decision from one synthetic cohort, from all cohorts pooled, and over a range of thresholds."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from heorsynth.checks.core.distance import Gaps, largest
from heorsynth.checks.core.finding import LEVEL, Finding
from heorsynth.checks.core.refusals import reason_of
from heorsynth.checks.core.scalar import Numbers, share_with_interval
from heorsynth.checks.economics.arms import thresholds
from heorsynth.checks.economics.compared import Compared, Pair
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import significant
from heorsynth.estimators.economics.agreement import pooled_agreement, syntheses_needed
from heorsynth.estimators.economics.increments import NONE

GRID, DRAWS = 41, 400
"""Number of thresholds at which acceptability curves are compared; number of draws of their error."""

_UNCERTAIN = 0.05
"""A decision that a resample of the patients reverses with a higher probability is not statistically certain."""

_NOT_CERTAIN = "the patients' decision is not certain"

_WANTED = (0.95, 0.99)
"""Probabilities of the real decision for which the number of syntheses needed is reported."""


def decision_agreement(ask: Pair) -> list[Finding]:
    """Return the share of synthetic cohorts that alone give the decision of the real cohort (the sign of the INMB).

    Notes
    -----
    The interval is Clopper-Pearson's over the syntheses. The real decision is taken as given, so it has no sampling
    error here. The floor is the probability Φ(-|INMB| / SE) that a resample of the real cohort reverses its own
    decision.
    """
    findings = []
    for wtp in thresholds(ask.margin.settings):
        question = ask.at(wtp, f"decision agreement at {significant(wtp)} per {ask.per}")
        try:
            original, floor, drawn = _benefits(ask.compared, wtp)
        except NotEstimableError as error:
            findings.append(question.refuse(reason_of(error)))
            continue
        same = int(np.sum((drawn > NONE) == (original > NONE)))
        findings.append(
            question.answer(
                Numbers.of_agreement(*share_with_interval(same, len(drawn), ask.scope.standing.level), floor)
            )
        )
    return findings or [ask.without_threshold("decision agreement")]


def pooled_decision(ask: Pair) -> list[Finding]:
    """Return the probability that the mean INMB of m synthetic cohorts gives the decision of the real cohort.

    Notes
    -----
    Let μ and σ be mean and standard deviation of the INMB over syntheses, signed so that the real decision is positive.
    A new pool of m cohorts agrees with probability Φ(√m·μ/σ); agreement with probability p needs (z_p·σ/μ)² cohorts. μ
    and σ are estimated, so the interval uses the noncentral t distribution (`estimators.economics.agreement`). With two
    cohorts it is very wide.

    The decision of the patients is taken as given. If a resample of them would reverse it with a probability above 5%
    (the floor), the reason says so: the copy is judged by the decision, not by its certainty.
    """
    findings, compared = [], ask.compared
    for wtp in thresholds(ask.margin.settings):
        question = ask.at(wtp, f"decision of the pooled {len(ask.group.synthetic)} at {significant(wtp)} per {ask.per}")
        try:
            original, floor, drawn = _benefits(compared, wtp)
            signed = drawn if original > NONE else -drawn
            chance = pooled_agreement(require_several(signed), ask.scope.standing.level)
        except NotEstimableError as error:
            findings.append(question.refuse(reason_of(error)))
            continue
        numbers = Numbers.of_agreement(*chance, floor)
        findings.append(question.answer(numbers, before=_needed(signed), after=certainty(floor)))
    return findings or [ask.without_threshold("pooled decision")]


def certainty(floor: float) -> str:
    """Return a remark if a resample of the patients reverses their own decision with a high probability, or ""."""
    return (
        f"; {_NOT_CERTAIN}: a resample of them reverses it in about {round(20 * floor) * 5}%"
        if floor > _UNCERTAIN
        else ""
    )


def require_several(values: np.ndarray) -> np.ndarray:
    """Return the values; NotEstimableError for fewer than two."""
    if len(values) < 2:
        raise NotEstimableError("one synthetic cohort: the variance between cohorts is unknown")
    return values


def decision_sentence(reversed_by_one: float, m: int, agreed_by_all: float) -> str:
    """Return in a sentence how often one synthetic set, and all m pooled, reverse the decision.

    Examples
    --------
    >>> decision_sentence(0.18, 100, 0.9999)
    'One synthetic set would reverse the decision in 18% of draws; the pooled 100 would not (probability < 0.1%).'
    """
    one = f"One synthetic set would reverse the decision in {reversed_by_one:.0%} of draws"
    against = 1 - agreed_by_all
    chance = "< 0.1%" if against < 0.001 else f"{against:.1%}" if against < 0.1 else f"{against:.0%}"
    would = "would not" if against < 0.05 else "might too" if against < 0.5 else "would too"
    return f"{one}; the pooled {m} {would} (probability {chance})."


def _needed(signed: np.ndarray) -> str:
    """Return in a sentence how many pooled syntheses are needed for the real decision, with intervals."""
    parts = []
    for wanted in _WANTED:
        value, fewest, most = syntheses_needed(signed, wanted, LEVEL)
        if math.isinf(value):
            at_least = "" if math.isinf(fewest) else f" (at least {fewest:,.0f}, if any)"
            parts.append(f"no number{at_least} for {wanted:.0%}")
        else:
            upper = "no limit" if math.isinf(most) else f"{most:,.0f}"
            parts.append(f"{value:,.0f} ({fewest:,.0f} to {upper}) for {wanted:.0%}")
    return f"Cohorts needed ({LEVEL:.0%} interval): {' and '.join(parts)}"


def acceptability_gap(ask: Pair) -> list[Finding]:
    """Return the largest distance between acceptability curves, from 0 to twice the largest threshold.

    Notes
    -----
    The curves assume a normal distribution and are averaged over the m cohorts. An acceptability curve describes the
    uncertainty given *these* patients, so it contains their sampling error. Near a probability of one half it varies
    between samples of patients of any size. So the patients count as fixed, also if they are a sample of a folder.
    """
    compared = ask.compared
    if not (declared := thresholds(ask.margin.settings)):
        return [ask.without_threshold("ceac")]
    label = f"largest distance of acceptability curves to {significant(2 * max(declared))} per {ask.per}"
    question = ask.question(label)
    grid = np.linspace(0.0, 2 * max(declared), GRID)
    try:
        real = compared.real
        drawn = np.array([one.ceac(grid) for one in compared.synthetic])
    except NotEstimableError as error:
        return [question.refuse(reason_of(error))]
    curve = real.ceac(grid)
    resampled = real.ceacs(grid, real.plane(DRAWS, ask.rng))
    gaps = Gaps.of(drawn - curve, resampled - resampled.mean(axis=0), ask.rng, level=ask.scope.standing.level)
    return [question.answer(largest(gaps))]


def _benefits(compared: Compared, wtp: float) -> tuple[float, float, np.ndarray]:
    """Return the real INMB, the probability that a resample decides otherwise, and the INMB of each cohort."""
    original = compared.real.inmb(wtp)
    drawn = np.array([one.inmb(wtp).value for one in compared.synthetic])
    floor = float(special.ndtr(-abs(original.value) / original.se)) if original.se > 0 else 0.0
    return original.value, floor, drawn
