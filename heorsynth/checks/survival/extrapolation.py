"""Would survival be extrapolated alike: the mean lifetime under each parametric model, and which model fits best?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from itertools import combinations
from typing import cast

import numpy as np

from heorsynth.checks.core.finding import FAIL, INCONCLUSIVE, LEVEL, Finding, because, decide, not_estimable
from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed
from heorsynth.checks.core.scalar import compare, reason_of, too_few
from heorsynth.checks.survival.horizon import horizon_of, outcome, spans
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, normal_quantile
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.proportions import proportion
from heorsynth.estimators.survival.parametric import FAMILIES, ParametricFit, fit_parametric

LIFETIMES_AHEAD = 5
"""The default lifetime is so many horizons: far past follow-up, short of where curves without an end would rule."""

CLEAR = 4.0
"""Models whose AIC differ by less than this are about as good (Burnham & Anderson 2002, p. 70): no order is asked."""


Fitted = Callable[[int, str], ParametricFit]
"""The fit of a family to synthetic cohort number i, or to the real one at -1; each is made once."""


BEYOND_CHANCE = 0.96
"""Two-sided level at which a cohort tells two models apart: 2% on either side."""


def lifetime_of(real: Observed, endpoint: str, margin: Margin) -> float:
    """The lifetime of the margin, or the default one: `LIFETIMES_AHEAD` horizons of the whole real cohort."""
    declared = margin.settings.get("lifetime")
    return LIFETIMES_AHEAD * horizon_of(real, endpoint, margin) if declared is None else float(cast(float, declared))


def lifetimes(real: Cohort, group: Group, endpoint: str, asked: Mapping[str, Margin]) -> list[Finding]:
    """Findings on extrapolation for one endpoint in one group of the real cohort, as far as `asked` has margins."""

    @cache
    def fitted(place: int, family: str) -> ParametricFit:
        cohort = group.real if place < 0 else group.synthetic[place]
        return fit_parametric(family, *outcome(cohort, endpoint))

    found: list[Finding] = []
    if margin := asked.get("survival.extrapolation"):
        found += _means(group, endpoint, lifetime_of(real, endpoint, margin), margin, fitted)
    if margin := asked.get("survival.extrapolation_ranking"):
        found.append(_ranking(group, endpoint, margin, fitted))
    return found


def _means(group: Group, endpoint: str, end: float, margin: Margin, fitted: Fitted) -> list[Finding]:
    """Mean time to the event over a lifetime, under each of the six models."""
    places = {id(cohort): place for place, cohort in enumerate(group.synthetic)} | {id(group.real): -1}

    def mean(cohort: Cohort, family: str) -> Estimate:
        return fitted(places[id(cohort)], family).restricted_mean(end)

    label = f"mean lifetime {spans(group.real, endpoint, end)}"
    unit = group.real.schema.unit
    return [
        compare("survival.extrapolation", f"{label}, {family}", group, partial(mean, family=family), margin, unit=unit)
        for family in FAMILIES
    ]


def _ranking(group: Group, endpoint: str, margin: Margin, fitted: Fitted) -> Finding:
    """Share of synthetic cohorts in which the model that fits the real cohort best is still as good as any.

    Notes
    -----
    As good as any: no other model's AIC is lower by `CLEAR` or more. The interval is Clopper-Pearson's over the
    syntheses. It fails only where the real cohort tells its own best model from the one that most syntheses put
    first (Vuong's test, one-sided at 2%): else the choice was luck, and a faithful generator would make another.

    References
    ----------
    Vuong (1989) Econometrica 57:307, doi:10.2307/1912557.
    """
    key, label = "survival.extrapolation_ranking", f"the best-fitting model of {endpoint} stays among the best"

    def cannot(reason: str) -> Finding:
        found = not_estimable("survival", label, group.label, reason, margin, n_real=group.real.n)
        return replace(found, key=key, decisive=group.decisive)

    if few := too_few(group.real):
        return cannot(few)
    try:
        real = _criteria(-1, fitted)
        drawn = [_criteria(place, fitted) for place in range(len(group.synthetic))]
    except NotEstimableError as refusal:
        return cannot(reason_of(refusal))
    best = min(real, key=lambda family: real[family])
    kept = sum(best in aic and aic[best] - min(aic.values()) < CLEAR for aic in drawn)
    share = proportion(kept, len(drawn), level=LEVEL)
    lower, upper = share.low - 1, share.high - 1
    verdict = decide(lower, upper, margin.width)
    first = Counter(min(aic, key=lambda family: aic[family]) for aic in drawn).most_common(1)[0][0]
    reason = because(verdict, lower, upper, margin)
    if verdict == FAIL and not _told_apart(group.real, endpoint, fitted(-1, best), fitted, first):
        verdict = INCONCLUSIVE
        reason += f", but the real cohort does not tell it from the {first}"
    told = f"{best} in the real cohort; pairs of models a cohort ranks alike: {_ranked_alike(real, drawn):.0%}"
    return replace(
        cannot(f"{told}; {reason}"),
        real=1.0,
        synthetic=share.value,
        difference=share.value - 1,
        lower=lower,
        upper=upper,
        floor=_otherwise(real),
        verdict=verdict,
    )


def _criteria(place: int, fitted: Fitted) -> dict[str, float]:
    """The AIC of every model that could be fitted."""
    found = {}
    for family in FAMILIES:
        with suppress(NotEstimableError):
            found[family] = fitted(place, family).aic
    if not found:
        raise NotEstimableError("none of the six models could be fitted")
    return found


def _otherwise(real: Mapping[str, float]) -> float:
    """The chance that a resample of the real cohort chooses a model clearly worse here: their Akaike weights."""
    behind = np.array(list(real.values())) - min(real.values())
    weight = np.exp(-behind / 2)
    return float(weight[behind >= CLEAR].sum() / weight.sum())


def _told_apart(real: Cohort, endpoint: str, best: ParametricFit, fitted: Fitted, other: str) -> bool:
    """Whether the real cohort prefers its best model to another beyond chance."""
    try:
        rival = fitted(-1, other)
    except NotEstimableError:
        return False
    gained = best.contributions(*outcome(real, endpoint)) - rival.contributions(*outcome(real, endpoint))
    error = float(gained.std()) * math.sqrt(len(gained))
    return float(gained.sum()) > normal_quantile(BEYOND_CHANCE) * error > 0


def _ranked_alike(real: Mapping[str, float], drawn: Sequence[Mapping[str, float]]) -> float:
    """Share of pairs of models that a synthetic cohort ranks by AIC as the real one does."""
    same = [
        (real[one] < real[other]) == (aic[one] < aic[other])
        for aic in drawn
        for one, other in combinations(real, 2)
        if one in aic and other in aic
    ]
    return float(np.mean(same)) if same else 0.0
