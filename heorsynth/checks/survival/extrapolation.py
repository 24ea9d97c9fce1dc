"""Would survival be extrapolated alike: the mean lifetime under each parametric model, and which model fits best?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from itertools import combinations
from typing import cast

import numpy as np

from heorsynth.checks.core.estimand import Reference
from heorsynth.checks.core.finding import FAIL, LEVEL, Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed
from heorsynth.checks.core.question import Ask, reason_of, too_few
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.survival.horizon import declared_horizon, outcome, spans
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, normal_quantile
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.basics.proportions import proportion
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
    if declared is None:
        return LIFETIMES_AHEAD * declared_horizon(real, endpoint, margin)
    return float(cast(float, declared))


def _lifetimes(margin: Margin, real: Observed) -> list[float]:
    names = (name for name in real.schema.endpoints if margin.settings.get("endpoint") in (None, name))
    return [lifetime_of(real, name, margin) for name in names]


OF_LIFETIME = Reference("the lifetime", _lifetimes)
"""What an absolute margin of a mean lifetime is compared with."""


def _fits(ask: Ask) -> Fitted:
    """The fits to the cohorts of a group, which both estimands need."""

    def make() -> Fitted:
        @cache
        def fitted(place: int, family: str) -> ParametricFit:
            cohort = ask.group.real if place < 0 else ask.group.synthetic[place]
            return fit_parametric(family, *outcome(cohort, ask.endpoint))

        return fitted

    return ask.scope.shared(("parametric", ask.endpoint, ask.group.label), make)


def mean_lifetimes(ask: Ask) -> list[Finding]:
    """Mean time to the event over a lifetime, under each of the six models."""
    group, fitted = ask.group, _fits(ask)
    end = lifetime_of(ask.scope.real, ask.endpoint, ask.margin)
    places = {id(cohort): place for place, cohort in enumerate(group.synthetic)} | {id(group.real): -1}

    def mean(cohort: Cohort, family: str) -> Estimate:
        return fitted(places[id(cohort)], family).restricted_mean(end)

    label, unit = f"mean lifetime {spans(ask, end)}", group.real.schema.unit
    return [ask.question(f"{label}, {family}", unit=unit).judge(partial(mean, family=family)) for family in FAMILIES]


def best_model_kept(ask: Ask) -> list[Finding]:
    """Share of synthetic cohorts in which the model that fits the real cohort best is still as good as any.

    Notes
    -----
    As good as any: no other model's AIC is lower by `CLEAR` or more. The interval is Clopper-Pearson's over the
    syntheses. It fails only if the real cohort tells its own best model from the one that most syntheses put
    first (Vuong's test, one-sided at 2%): else the choice was luck, and a faithful generator would make another.

    References
    ----------
    Vuong (1989) Econometrica 57:307, doi:10.2307/1912557.
    """
    group, fitted = ask.group, _fits(ask)
    question = ask.question(f"the best-fitting model of {ask.endpoint} stays among the best")
    if few := too_few(group.real):
        return [question.refuse(few)]
    try:
        real = _criteria(-1, fitted)
        drawn = [_criteria(place, fitted) for place in range(len(group.synthetic))]
    except NotEstimableError as refusal:
        return [question.refuse(reason_of(refusal))]
    best = min(real, key=lambda family: real[family])
    kept = sum(best in aic and aic[best] - min(aic.values()) < CLEAR for aic in drawn)
    share = proportion(kept, len(drawn), level=LEVEL)
    first = Counter(min(aic, key=lambda family: aic[family]) for aic in drawn).most_common(1)[0][0]

    def doubt(verdict: str) -> str:
        if verdict != FAIL or _told_apart(group.real, ask.endpoint, fitted(-1, best), fitted, first):
            return ""
        return f"the real cohort does not tell it from the {first}"

    alike = f"{best} in the real cohort; pairs of models a cohort ranks alike: {_ranked_alike(real, drawn):.0%}"
    numbers = Numbers.of_agreement(share.value, share.low, share.high, _otherwise(real))
    return [question.answer(numbers, before=alike, doubt=doubt)]


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
