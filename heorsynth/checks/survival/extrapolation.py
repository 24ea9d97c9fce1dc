"""Extrapolated survival: the mean lifetime under each parametric model, and the best-fitting model."""

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

from heorsynth.checks.core.estimand import Reference
from heorsynth.checks.core.finding import FAIL, Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.checks.core.scalar import Numbers, share_with_interval
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.survival.horizon import declared_horizon, outcome, spans
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, normal_quantile
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.survival.counts import FollowUp, follow_up
from heorsynth.estimators.survival.parametric import ParametricFit, Samples, fit_each
from heorsynth.estimators.survival.parametric_families import FAMILIES

_LIFETIMES_AHEAD = 5
"""The default lifetime in horizons: far beyond follow-up, but before heavy tails dominate the mean."""

_MOST_FITTED = 20
"""Number of cohorts whose models are fitted when the finding does not decide: a fit takes far longer than a curve."""

_CLEAR = 4.0
"""Models whose AIC differ by less than this fit about equally well (Burnham & Anderson 2002, p. 70)."""


_TOGETHER = 20_000
"""Cohorts with so many rows together are fitted together: more does not stay in the processor's cache."""


_Fitted = Callable[[int, str], ParametricFit]
"""(cohort number, family) -> the fit; -1 is the real cohort. Each fit, and each refusal, is computed once."""


_BEYOND_CHANCE = 0.96
"""Two-sided level at which a cohort distinguishes two models: 2% on each side."""


def lifetime_of(real: Observed, endpoint: str, margin: Margin) -> float:
    """Return the lifetime of the margin, or the default: `_LIFETIMES_AHEAD` horizons of the real cohort."""
    declared = margin.settings.get("lifetime")
    if declared is None:
        return _LIFETIMES_AHEAD * declared_horizon(real, endpoint, margin)
    return float(cast(float, declared))


def _lifetimes(margin: Margin, real: Observed) -> list[float]:
    names = (name for name in real.schema.endpoints if margin.settings.get("endpoint") in (None, name))
    return [lifetime_of(real, name, margin) for name in names]


OF_LIFETIME = Reference("the lifetime", _lifetimes)
"""The reference of an absolute margin of a mean lifetime."""


def _fits(ask: Ask) -> _Fitted:
    """Return the fits to the cohorts of a group, `_TOGETHER` rows at a time, shared by both estimands."""

    cohorts = (ask.group.real, *ask.group.synthetic)
    size = min(max(_TOGETHER // max(int(ask.group.real.n), 1), 1), 1 + _MOST_FITTED)

    def make() -> _Fitted:
        @cache
        def ready(part: int) -> tuple[Samples, list[int | NotEstimableError]]:
            held: list[FollowUp] = []
            places: list[int | NotEstimableError] = []
            for cohort in cohorts[part * size : (part + 1) * size]:
                try:
                    held.append(follow_up(*outcome(cohort, ask.endpoint)))
                    places.append(len(held) - 1)
                except NotEstimableError as refusal:
                    places.append(refusal)
            return Samples.of(held), places

        @cache
        def tried(part: int, family: str) -> list[ParametricFit | NotEstimableError]:
            case = FAMILIES[family].case
            return fit_each(family, ready(part)[0], tried(part, case) if case else None)

        def fitted(place: int, family: str) -> ParametricFit:
            part, within = divmod(place + 1, size)
            held = ready(part)[1][within]
            found = held if isinstance(held, NotEstimableError) else tried(part, family)[held]
            if isinstance(found, NotEstimableError):
                raise found
            return found

        return fitted

    return ask.scope.shared(("parametric", ask.endpoint, ask.group.label), make)


def _with_fitted(ask: Ask) -> Ask:
    """Return the question on the cohorts whose models are fitted: the first `_MOST_FITTED`, or all if it decides.

    The reason of every finding then gives the number of cohorts.
    """
    group, standing = ask.group, ask.scope.standing
    m = len(group.synthetic)
    if m <= _MOST_FITTED or standing.decides(ask.estimand.key, counts=group.decisive):
        return ask
    told = f"models fitted to the first {_MOST_FITTED} of {m} cohorts"
    scope = replace(ask.scope, standing=replace(standing, after=(*standing.after, told)))
    return replace(ask, scope=scope, group=replace(group, synthetic=group.synthetic[:_MOST_FITTED]))


def mean_lifetimes(ask: Ask) -> list[Finding]:
    """Return the mean time to the event over a lifetime, under each of the six models."""
    fitted, ask = _fits(ask), _with_fitted(ask)
    group = ask.group
    end = lifetime_of(ask.scope.real, ask.endpoint, ask.margin)
    places = {id(cohort): place for place, cohort in enumerate(group.synthetic)} | {id(group.real): -1}

    def mean(cohort: Cohort, family: str) -> Estimate:
        return fitted(places[id(cohort)], family).restricted_mean(end)

    label, unit = f"mean lifetime {spans(ask, end)}", group.real.schema.unit
    return [ask.question(f"{label}, {family}", unit=unit).judge(partial(mean, family=family)) for family in FAMILIES]


def best_model_kept(ask: Ask) -> list[Finding]:
    """Return the share of synthetic cohorts in which the best model of the real cohort is still among the best.

    Notes
    -----
    A model is among the best if no other model has an AIC lower by `_CLEAR` or more. The interval is Clopper-Pearson's
    over the syntheses. The finding fails only if the real cohort itself distinguishes its best model from the model
    that most syntheses rank first (Vuong's test, one-sided at 2%). Otherwise the choice is due to chance, and a
    faithful generator could choose differently.

    References
    ----------
    Vuong (1989) Econometrica 57:307, doi:10.2307/1912557.
    """
    fitted, ask = _fits(ask), _with_fitted(ask)
    group = ask.group
    question = ask.question(f"the best-fitting model of {ask.endpoint} stays among the best")
    if few := too_few(group.real):
        return [question.refuse(few)]
    try:
        real = _criteria(-1, fitted)
        drawn = [_criteria(place, fitted) for place in range(len(group.synthetic))]
    except NotEstimableError as refusal:
        return [question.refuse(reason_of(refusal))]
    best = min(real, key=lambda family: real[family])
    kept = sum(best in aic and aic[best] - min(aic.values()) < _CLEAR for aic in drawn)
    share = share_with_interval(kept, len(drawn), ask.scope.standing.level)
    first = Counter(min(aic, key=lambda family: aic[family]) for aic in drawn).most_common(1)[0][0]

    def doubt(verdict: str) -> str:
        if verdict != FAIL or _told_apart(group.real, ask.endpoint, fitted(-1, best), fitted, first):
            return ""
        return f"the real cohort does not distinguish it from the {first}"

    alike = f"{best} in the real cohort; pairs of models ranked in the same order: {_ranked_alike(real, drawn):.0%}"
    numbers = Numbers.of_agreement(*share, _otherwise(real))
    return [question.answer(numbers, before=alike, doubt=doubt)]


def _criteria(place: int, fitted: _Fitted) -> dict[str, float]:
    """Return the AIC of every model that could be fitted."""
    criteria = {}
    for family in FAMILIES:
        with suppress(NotEstimableError):
            criteria[family] = fitted(place, family).aic
    if not criteria:
        raise NotEstimableError("none of the six models could be fitted")
    return criteria


def _otherwise(real: Mapping[str, float]) -> float:
    """Return the probability that a resample chooses a clearly worse model: the Akaike weights of those models."""
    behind = np.array(list(real.values())) - min(real.values())
    weight = np.exp(-behind / 2)
    return float(weight[behind >= _CLEAR].sum() / weight.sum())


def _told_apart(real: Cohort, endpoint: str, best: ParametricFit, fitted: _Fitted, other: str) -> bool:
    """Return whether the real cohort prefers its best model to another one beyond chance (Vuong's test)."""
    try:
        rival = fitted(-1, other)
    except NotEstimableError:
        return False
    gained = best.contributions(*outcome(real, endpoint)) - rival.contributions(*outcome(real, endpoint))
    error = float(gained.std()) * math.sqrt(len(gained))
    return float(gained.sum()) > normal_quantile(_BEYOND_CHANCE) * error > 0


def _ranked_alike(real: Mapping[str, float], drawn: Sequence[Mapping[str, float]]) -> float:
    """Return the share of pairs of models that synthetic cohorts order by AIC as the real one does."""
    same = [
        (real[one] < real[other]) == (aic[one] < aic[other])
        for aic in drawn
        for one, other in combinations(real, 2)
        if one in aic and other in aic
    ]
    return float(np.mean(same)) if same else 0.0
