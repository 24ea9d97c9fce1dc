"""Would the decision be the same: from one synthetic cohort, from all of them, and over the range of thresholds?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy import stats

from heorsynth.checks.comparison import reason_of, too_few
from heorsynth.checks.distance import distance_finding, largest
from heorsynth.checks.evaluation import Evaluation, thresholds
from heorsynth.checks.finding import (
    FAIL,
    INCONCLUSIVE,
    LEVEL,
    Finding,
    because,
    decide,
    not_estimable,
    synthesis_variance,
)
from heorsynth.checks.groups import Group
from heorsynth.checks.margin import Margin
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import normal_quantile, significant

NO_THRESHOLD = "no willingness-to-pay threshold is declared: give economics={'wtp': [20000]}"

GRID, DRAWS = 41, 400
"""Thresholds at which acceptability curves are compared, and draws of their error."""

REVERSED = 0.98
"""Level at which a reversal must be more than luck to fail: 1% a threshold, as several may be asked."""

WANTED = (0.95, 0.99)
"""How surely the pooled cohorts are to give the original's decision, where the syntheses needed are counted."""


def cannot(key: str, reason: str, margin: Margin, group: Group) -> Finding:
    """The finding where an economic question has no answer."""
    what = key.split(".")[1].replace("_", " ")
    found = not_estimable("economics", what, group.label, reason, margin, n_real=group.real.n, decisive=group.decisive)
    return replace(found, key=key)


def decision_agreement(group: Group, evaluation: Evaluation, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """Share of synthetic cohorts that alone would give the real cohort's decision (the sign of the INMB).

    Notes
    -----
    The interval is Clopper-Pearson's over the syntheses: the real decision is the one that was taken, so it has
    no sampling error here. The floor is the chance that a resample of the real cohort reverses its own decision,
    Φ(-|INMB| / SE).
    """
    key, found = "economics.decision_agreement", []
    for wtp in thresholds(margin.settings):
        try:
            original, floor, drawn = _benefits(group, evaluation, wtp)
        except NotEstimableError as error:
            found.append(cannot(key, reason_of(error), margin, group))
            continue
        same, m = int(np.sum((drawn > 0) == (original > 0))), len(drawn)
        tail = (1 - LEVEL) / 2
        lower = float(stats.beta.ppf(tail, same, m - same + 1)) if same else 0.0
        upper = float(stats.beta.ppf(1 - tail, same + 1, m - same)) if same < m else 1.0
        label = f"decision agreement at {significant(wtp)} per QALY"
        found.append(_agreement(key, label, group, (same / m, lower, upper), floor, margin))
    return found or [cannot(key, NO_THRESHOLD, margin, group)]


def pooled_decision(group: Group, evaluation: Evaluation, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """How surely the mean INMB of m synthetic cohorts gives the real cohort's decision.

    Notes
    -----
    With b the mean of the m cohorts' INMB, signed so that the real decision is positive, and s their standard
    deviation, another m of the same generator pooled would agree with probability Φ(√m·b/s); the interval takes
    b at either end of its own, √m·b/s ± 1.645. The syntheses needed to agree with probability p are (z_p·s/b)².

    A reversed decision fails only where the net benefits differ by more than both samplings explain. Near a
    threshold the patients' own decision is luck, and a faithful generator would reverse it as often as not.
    """
    key, found = "economics.pooled_decision", []
    for wtp in thresholds(margin.settings):
        try:
            original, floor, drawn = _benefits(group, evaluation, wtp)
            if len(drawn) < 2:
                raise NotEstimableError("one synthetic cohort: how much they differ is unknown")
        except NotEstimableError as error:
            found.append(cannot(key, reason_of(error), margin, group))
            continue
        signed = drawn if original > 0 else -drawn
        m, centre, spread = len(drawn), float(signed.mean()), float(signed.std(ddof=1))
        steps = math.sqrt(m) * centre / spread if spread > 0 else math.copysign(math.inf, centre)
        z = normal_quantile(LEVEL)
        chances = [float(stats.norm.cdf(steps + shift)) for shift in (0.0, -z, z)]
        label = f"decision of the pooled {m} at {significant(wtp)} per QALY"
        finding = _agreement(key, label, group, (chances[0], chances[1], chances[2]), floor, margin)
        if finding.verdict == FAIL and _may_be_luck(group, evaluation, wtp, drawn):
            reason = "the patients' own decision may be the luck of their draw"
            finding = replace(finding, verdict=INCONCLUSIVE, because=f"{finding.because}, but {reason}")
        found.append(replace(finding, because=f"{_needed(centre, spread)}; {finding.because}"))
    return found or [cannot(key, NO_THRESHOLD, margin, group)]


def _may_be_luck(group: Group, evaluation: Evaluation, wtp: float, drawn: np.ndarray) -> bool:
    """Whether the difference in net benefit, over both samplings, may be chance at the level `REVERSED`."""
    real = evaluation.increments(group.real).inmb(wtp)
    within = [evaluation.increments(cohort).inmb(wtp).se ** 2 for cohort in group.synthetic]
    error = math.sqrt(real.se**2 + synthesis_variance(drawn, np.array(within)))
    return abs(float(drawn.mean()) - real.value) <= normal_quantile(REVERSED) * error


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


def _needed(centre: float, spread: float) -> str:
    """How many pooled syntheses give the real decision with the wanted probabilities."""
    if centre <= 0:
        return "No number of syntheses gives the original's decision"
    counts = [max(1, math.ceil((stats.norm.ppf(wanted) * spread / centre) ** 2)) for wanted in WANTED]
    shares = " and ".join(f"{count:,} for {wanted:.0%}" for count, wanted in zip(counts, WANTED, strict=True))
    return f"Syntheses needed to agree: {shares}"


def acceptability_gap(group: Group, evaluation: Evaluation, margin: Margin, rng: np.random.Generator) -> list[Finding]:
    """Largest distance of the cost-effectiveness acceptability curves, from 0 to twice the largest threshold.

    Notes
    -----
    Curves are the normal law's, of each cohort as it is, averaged over the m. A curve tells how sure *these* patients
    make us: it has their sampling error in it, and near a probability of one half it would not repeat itself in
    other patients however many they are. The interval therefore covers the synthesis alone.
    """
    key = "economics.ceac"
    if not (declared := thresholds(margin.settings)):
        return [cannot(key, NO_THRESHOLD, margin, group)]
    if few := too_few(group.real):
        return [cannot(key, few, margin, group)]
    grid = np.linspace(0.0, 2 * max(declared), GRID)
    try:
        real = evaluation.increments(group.real)
        drawn = np.array([evaluation.increments(cohort).ceac(grid) for cohort in group.synthetic])
    except NotEstimableError as error:
        return [cannot(key, reason_of(error), margin, group)]
    curve = real.ceac(grid)
    resampled = np.array([replace(real, cost=c, effect=e).ceac(grid) for c, e in real.plane(DRAWS, rng)])
    real_noise = resampled - resampled.mean(axis=0)
    ratio = group.real.n / float(np.mean([cohort.n for cohort in group.synthetic]))
    expected = real_noise.var(axis=0) * ratio
    between = drawn.var(axis=0, ddof=1) if len(drawn) > 1 else expected
    size = real_noise.std(axis=0)
    unit = np.divide(real_noise, size, out=np.zeros_like(real_noise), where=size > 0)
    noise = unit * np.sqrt(between / len(drawn))
    label = f"largest distance of acceptability curves to {significant(2 * max(declared))} per QALY"
    return [distance_finding(key, label, group, largest(drawn.mean(axis=0) - curve, noise, real_noise), margin)]


def _benefits(group: Group, evaluation: Evaluation, wtp: float) -> tuple[float, float, np.ndarray]:
    """INMB in the real cohort, the chance that a resample of it decides otherwise, and the INMB of each cohort."""
    if few := too_few(group.real):
        raise NotEstimableError(few)
    original = evaluation.increments(group.real).inmb(wtp)
    drawn = np.array([evaluation.increments(cohort).inmb(wtp).value for cohort in group.synthetic])
    floor = float(stats.norm.cdf(-abs(original.value) / original.se)) if original.se > 0 else 0.0
    return original.value, floor, drawn


def _agreement(
    key: str, label: str, group: Group, chance: tuple[float, float, float], floor: float, margin: Margin
) -> Finding:
    """The finding for a probability of agreement, with its interval: 1 is what the real cohort has with itself."""
    value, lower, upper = (part - 1 for part in chance)
    verdict = decide(lower, upper, margin.width)
    reason = because(verdict, lower, upper, margin)
    found = not_estimable(
        "economics", label, group.label, reason, margin, real=1.0, n_real=group.real.n, decisive=group.decisive
    )
    return replace(
        found,
        synthetic=chance[0],
        difference=value,
        lower=lower,
        upper=upper,
        floor=floor,
        verdict=verdict,
        key=key,
    )
