"""The decision from one synthetic cohort, from all cohorts pooled, and over a range of thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from heorsynth.checks.core.distance import largest
from heorsynth.checks.core.finding import FAIL, LEVEL, Finding
from heorsynth.checks.core.question import reason_of
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.economics.arms import thresholds
from heorsynth.checks.economics.compared import Compared, Pair
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import normal_quantile, significant
from heorsynth.estimators.economics.agreement import pooled_agreement, syntheses_needed
from heorsynth.estimators.economics.increments import NONE, Increments

GRID, DRAWS = 41, 400
"""Number of thresholds at which acceptability curves are compared; number of draws of their error."""

_REVERSED = 0.98
"""Two-sided level of the test for a reversed decision: 1% on each side, as there may be several thresholds."""

_SLIGHT = 0.5
"""A shift of the net benefit below this many standard errors of the patients is slight: with a shift of half a standard
error, a 95% interval still covers in 92.1%."""

NOT_CERTAIN = "the decision on the real data is not statistically certain, and the net benefits hardly differ"

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
        findings.append(question.answer(Numbers.of_agreement(*share_with_interval(same, len(drawn)), floor)))
    return findings or [ask.without_threshold("decision agreement")]


def share_with_interval(same: int, m: int) -> tuple[float, float, float]:
    """Return a share of m cohorts with its Clopper-Pearson interval: value, low, high."""
    tail = (1 - LEVEL) / 2
    lower = float(stats.beta.ppf(tail, same, m - same + 1)) if same else 0.0
    upper = float(stats.beta.ppf(1 - tail, same + 1, m - same)) if same < m else 1.0
    return same / m, lower, upper


def pooled_decision(ask: Pair) -> list[Finding]:
    """Return the probability that the mean INMB of m synthetic cohorts gives the decision of the real cohort.

    Notes
    -----
    Let μ and σ be mean and standard deviation of the INMB over syntheses, signed so that the real decision is positive.
    A new pool of m cohorts agrees with probability Φ(√m·μ/σ); agreement with probability p needs (z_p·σ/μ)² cohorts. μ
    and σ are estimated, so the interval uses the noncentral t distribution (`estimators.economics.agreement`). With two
    cohorts it is very wide.

    A reversed decision fails only if the net benefit is shifted by more than half of the patients' standard error,
    beyond the noise of the synthesis (`hardly_differ`). If the real INMB is near 0, a slighter shift reverses it.
    """
    findings, compared = [], ask.compared
    for wtp in thresholds(ask.margin.settings):
        question = ask.at(wtp, f"decision of the pooled {len(ask.group.synthetic)} at {significant(wtp)} per {ask.per}")
        try:
            original, floor, drawn = _benefits(compared, wtp)
            signed = drawn if original > NONE else -drawn
            chance = pooled_agreement(require_several(signed), LEVEL)
        except NotEstimableError as error:
            findings.append(question.refuse(reason_of(error)))
            continue

        def doubt(verdict: str, wtp: float = wtp) -> str:
            return NOT_CERTAIN if verdict == FAIL and hardly_differ(compared.real, compared.synthetic, wtp) else ""

        numbers = Numbers.of_agreement(*chance, floor)
        findings.append(question.answer(numbers, before=_needed(signed), doubt=doubt))
    return findings or [ask.without_threshold("pooled decision")]


def require_several(values: np.ndarray) -> np.ndarray:
    """Return the values; NotEstimableError for fewer than two."""
    if len(values) < 2:
        raise NotEstimableError("one synthetic cohort: the variance between cohorts is unknown")
    return values


def hardly_differ(real: Increments, synthetic: Sequence[Increments], wtp: float) -> bool:
    """Return whether the net benefits may differ by no more than `_SLIGHT` standard errors of the patients.

    Notes
    -----
    The real net benefit is a number: the question is whether the cohorts give *these* patients' decision. With d the
    difference of the mean over m cohorts, s the standard deviation between cohorts and t the quantile of t(m - 1):
    |d| - t·s/√m is at most `_SLIGHT` times the patients' standard error. Of a single cohort nothing is known.
    """
    own, values = real.inmb(wtp), np.array([one.inmb(wtp).value for one in synthetic])
    if len(values) < 2:
        return True
    noise = float(stats.t.ppf(0.5 + _REVERSED / 2, len(values) - 1) * values.std(ddof=1)) / math.sqrt(len(values))
    return abs(float(values.mean()) - own.value) - noise <= _SLIGHT * own.se


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
    return f"Syntheses needed to agree, with {LEVEL:.0%} intervals: {' and '.join(parts)}"


def acceptability_gap(ask: Pair) -> list[Finding]:
    """Return the largest distance between acceptability curves, from 0 to twice the largest threshold.

    Notes
    -----
    The curves assume a normal distribution and are averaged over the m cohorts. An acceptability curve describes the
    uncertainty given *these* patients, so it contains their sampling error. Near a probability of one half it varies
    between samples of patients of any size. The interval therefore covers the synthesis only. The variance between
    cohorts is estimated from m of them, so the t(m - 1) quantile replaces the normal one.
    """
    compared, group = ask.compared, ask.group
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
    resampled = np.array([replace(real, cost=c, effect=e).ceac(grid) for c, e in real.plane(DRAWS, ask.rng)])
    real_noise = resampled - resampled.mean(axis=0)
    ratio = group.real.n / float(np.mean([cohort.n for cohort in group.synthetic]))
    expected = real_noise.var(axis=0) * ratio
    between = drawn.var(axis=0, ddof=1) if len(drawn) > 1 else expected
    size = real_noise.std(axis=0)
    unit = np.divide(real_noise, size, out=np.zeros_like(real_noise), where=size > 0)
    noise = unit * np.sqrt(between / len(drawn)) * _t_over_normal(len(drawn))
    return [question.answer(largest(drawn.mean(axis=0) - curve, noise, real_noise))]


def _t_over_normal(m: int) -> float:
    """Ratio of the t(m - 1) to the normal quantile."""
    return float(stats.t.ppf(0.5 + LEVEL / 2, m - 1)) / normal_quantile(LEVEL) if m > 1 else 1.0


def _benefits(compared: Compared, wtp: float) -> tuple[float, float, np.ndarray]:
    """Return the real INMB, the probability that a resample decides otherwise, and the INMB of each cohort."""
    original = compared.real.inmb(wtp)
    drawn = np.array([one.inmb(wtp).value for one in compared.synthetic])
    floor = float(stats.norm.cdf(-abs(original.value) / original.se)) if original.se > 0 else 0.0
    return original.value, floor, drawn
