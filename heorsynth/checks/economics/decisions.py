"""Would the decision be the same: from one synthetic cohort, from all of them, and over the range of thresholds?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from heorsynth.checks.core.distance import largest
from heorsynth.checks.core.finding import FAIL, LEVEL, Finding
from heorsynth.checks.core.question import reason_of
from heorsynth.checks.core.scalar import Numbers, synthesis_variance
from heorsynth.checks.economics.arms import thresholds
from heorsynth.checks.economics.compared import Compared, Pair
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import normal_quantile, significant
from heorsynth.estimators.economics.agreement import pooled_agreement, syntheses_needed
from heorsynth.estimators.economics.increments import NONE, Increments

GRID, DRAWS = 41, 400
"""Thresholds at which acceptability curves are compared, and draws of their error."""

REVERSED = 0.98
"""Level at which a reversal must be more than luck to fail: 1% a threshold, as several may be asked."""

NOT_CERTAIN = "the decision on the real data is not statistically certain"

WANTED = (0.95, 0.99)
"""How surely the pooled cohorts are to give the original's decision, where the syntheses needed are counted."""


def decision_agreement(ask: Pair) -> list[Finding]:
    """Share of synthetic cohorts that alone would give the real cohort's decision (the sign of the INMB).

    Notes
    -----
    The interval is Clopper-Pearson's over the syntheses: the real decision is the one that was taken, so it has
    no sampling error here. The floor is the chance that a resample of the real cohort reverses its own decision,
    Φ(-|INMB| / SE).
    """
    found = []
    for wtp in thresholds(ask.margin.settings):
        question = ask.at(wtp, f"decision agreement at {significant(wtp)} per {ask.per}")
        try:
            original, floor, drawn = _benefits(ask.compared, wtp)
        except NotEstimableError as error:
            found.append(question.refuse(reason_of(error)))
            continue
        same = int(np.sum((drawn > NONE) == (original > NONE)))
        found.append(question.answer(Numbers.of_agreement(*share_with_interval(same, len(drawn)), floor)))
    return found or [ask.without_threshold("decision agreement")]


def share_with_interval(same: int, m: int) -> tuple[float, float, float]:
    """A share of m cohorts with its Clopper-Pearson interval: value, low, high."""
    tail = (1 - LEVEL) / 2
    lower = float(stats.beta.ppf(tail, same, m - same + 1)) if same else 0.0
    upper = float(stats.beta.ppf(1 - tail, same + 1, m - same)) if same < m else 1.0
    return same / m, lower, upper


def pooled_decision(ask: Pair) -> list[Finding]:
    """How surely the mean INMB of m synthetic cohorts gives the real cohort's decision.

    Notes
    -----
    The m cohorts' INMB, signed so that the real decision is positive, have mean μ and standard deviation σ over what
    the generator may draw: another m pooled would agree with probability Φ(√m·μ/σ), and it takes (z_p·σ/μ)² to
    agree with probability p. Both are estimated, and so the interval is that of the noncentral t
    (`estimators.economics.agreement`); with two cohorts little is known however well they agree.

    A reversed decision fails only if the net benefits differ by more than both samplings explain. Near a
    threshold the patients' own decision is luck, and a faithful generator would reverse it as often as not.
    """
    found, compared = [], ask.compared
    for wtp in thresholds(ask.margin.settings):
        question = ask.at(wtp, f"decision of the pooled {len(ask.group.synthetic)} at {significant(wtp)} per {ask.per}")
        try:
            original, floor, drawn = _benefits(compared, wtp)
            signed = drawn if original > NONE else -drawn
            chance = pooled_agreement(require_several(signed), LEVEL)
        except NotEstimableError as error:
            found.append(question.refuse(reason_of(error)))
            continue

        def doubt(verdict: str, wtp: float = wtp) -> str:
            return NOT_CERTAIN if verdict == FAIL and may_be_luck(compared.real, compared.synthetic, wtp) else ""

        numbers = Numbers.of_agreement(*chance, floor)
        found.append(question.answer(numbers, before=_needed(signed), doubt=doubt))
    return found or [ask.without_threshold("pooled decision")]


def require_several(values: np.ndarray) -> np.ndarray:
    """The values, where they are two or more."""
    if len(values) < 2:
        raise NotEstimableError("one synthetic cohort: how much they differ is unknown")
    return values


def may_be_luck(real: Increments, synthetic: Sequence[Increments], wtp: float) -> bool:
    """Whether the difference in net benefit, over both samplings, may be chance at the level `REVERSED`."""
    own, drawn = real.inmb(wtp), [one.inmb(wtp) for one in synthetic]
    values = np.array([one.value for one in drawn])
    error = math.sqrt(own.se**2 + synthesis_variance(values, np.array([one.se**2 for one in drawn])))
    return abs(float(values.mean()) - own.value) <= normal_quantile(REVERSED) * error


def decision_sentence(reversed_by_one: float, m: int, agreed_by_all: float) -> str:
    """What one synthetic set, and all m pooled, would do to the decision, for a committee.

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
    """How many pooled syntheses give the real decision with the wanted probabilities, with intervals."""
    told = []
    for wanted in WANTED:
        value, fewest, most = syntheses_needed(signed, wanted, LEVEL)
        if math.isinf(value):
            at_least = "" if math.isinf(fewest) else f" (at least {fewest:,.0f}, if any)"
            told.append(f"no number{at_least} for {wanted:.0%}")
        else:
            upper = "no limit" if math.isinf(most) else f"{most:,.0f}"
            told.append(f"{value:,.0f} ({fewest:,.0f} to {upper}) for {wanted:.0%}")
    return f"Syntheses needed to agree, with {LEVEL:.0%} intervals: {' and '.join(told)}"


def acceptability_gap(ask: Pair) -> list[Finding]:
    """Largest distance of the cost-effectiveness acceptability curves, from 0 to twice the largest threshold.

    Notes
    -----
    Curves are the normal law's, of each cohort as it is, averaged over the m. A curve tells how sure *these* patients
    make us: it has their sampling error in it, and near a probability of one half it would not repeat itself in
    other patients however many they are. The interval therefore covers the synthesis alone; how much cohorts differ is
    estimated from m of them, so Student's t on m - 1 degrees stands for the normal quantile.
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
    """INMB in the real cohort, the chance that a resample of it decides otherwise, and the INMB of each cohort."""
    original = compared.real.inmb(wtp)
    drawn = np.array([one.inmb(wtp).value for one in compared.synthetic])
    floor = float(stats.norm.cdf(-abs(original.value) / original.se)) if original.se > 0 else 0.0
    return original.value, floor, drawn
