"""Summaries of one survival curve: restricted mean, landmark, median, follow-up, incidence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.observed import causes, curve, follow_up_times, followed, incidence, reverse_curve
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.survival.horizon import horizon_of, spans
from heorsynth.checks.survival.together import together
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.estimators.costs.quantiles import quantile_of
from heorsynth.estimators.stacked import curves
from heorsynth.estimators.stacked.counts import Stack
from heorsynth.estimators.survival import summaries as of_curve
from heorsynth.estimators.survival.curve import check_horizon


def restricted_mean(ask: Ask) -> list[Finding]:
    """Return the restricted mean time to the event."""
    horizon = horizon_of(ask)

    def estimate(data: Observed) -> Estimate:
        return of_curve.restricted_mean(curve(data, ask.endpoint), horizon)

    judged = together(ask, lambda stack: curves.restricted_means(stack.curves, horizon), estimate)
    return [ask.question(f"rmst {spans(ask, horizon)}", unit=_time_unit(ask)).judge(judged)]


def landmark(ask: Ask) -> list[Finding]:
    """Return the event-free share at one or several times."""
    at = ask.margin.settings.get("at")
    if at is None:
        times: list[float] = [horizon_of(ask) / 2]
    else:
        times = [float(at)] if isinstance(at, (int, float)) else list(map(float, cast(Sequence[float], at)))

    def estimate(data: Observed, moment: float) -> Estimate:
        return of_curve.landmark(curve(data, ask.endpoint), moment)

    def all_at_once(stack: Stack, moment: float) -> curves.Found:
        return curves.landmarks(stack.curves, moment)

    return [
        ask.question(f"event-free share of {ask.endpoint} at {significant(moment)} {_time_unit(ask)}").judge(
            together(ask, partial(all_at_once, moment=moment), partial(estimate, moment=moment))
        )
        for moment in times
    ]


def median(ask: Ask) -> list[Finding]:
    """Return the median time to the event."""

    def estimate(data: Observed) -> Estimate:
        return of_curve.curve_quantile(curve(data, ask.endpoint), 0.5)

    def around(data: Observed) -> tuple[float, float]:
        return of_curve.around_quantile(curve(data, ask.endpoint), 0.5)

    judged = together(ask, lambda stack: curves.quantiles(stack.curves, 0.5), estimate)
    return [ask.question(f"median of {ask.endpoint}", unit=_time_unit(ask)).judge(judged, around=around)]


def censoring(ask: Ask) -> list[Finding]:
    """Return mean potential follow-up: the restricted mean of the reverse Kaplan-Meier curve.

    Censoring is the event of this curve; an event of any cause censors. The curve is identified up to the last
    censoring, where it falls to 0.
    """
    horizon = horizon_of(ask)

    def estimate(data: Observed) -> Estimate:
        still = reverse_curve(data, ask.endpoint)
        if horizon > still.reach:
            raise NotEstimableError("the longest follow-up ended in an event before the horizon")
        return of_curve.restricted_mean(still, horizon)

    judged = together(ask, lambda stack: curves.restricted_means(stack.follow_up, horizon), estimate)
    return [ask.question(f"potential follow-up {spans(ask, horizon)}", unit=_time_unit(ask)).judge(judged)]


def follow_up(ask: Ask) -> list[Finding]:
    """Return the share of patients followed to the horizon or longer."""
    horizon = horizon_of(ask)

    def estimate(data: Observed) -> Estimate:
        return proportion(*followed(data, ask.endpoint, horizon))

    return [ask.question(f"followed for {ask.endpoint} to {significant(horizon)} {_time_unit(ask)}").judge(estimate)]


def events(ask: Ask) -> list[Finding]:
    """Return the share of patients whose event was observed."""

    def estimate(data: Observed) -> Estimate:
        return proportion(int(curve(data, ask.endpoint).events.sum()), data.n)

    return [ask.question(f"share with the event {ask.endpoint}").judge(estimate)]


def optimism(ask: Ask) -> list[Finding]:
    """Return the mean event-free share up to the horizon (optimism if the synthetic one is higher).

    References
    ----------
    Norcliffe, Cebere, Imrie, Lió & van der Schaar (2023) AISTATS, PMLR 206:1279 (SurvivalGAN).
    """
    horizon = horizon_of(ask)

    def estimate(data: Observed) -> Estimate:
        area = of_curve.restricted_mean(curve(data, ask.endpoint), horizon)
        return Estimate.normal(area.value / horizon, area.se / horizon)

    def all_at_once(stack: Stack) -> curves.Found:
        value, se = curves.restricted_means(stack.curves, horizon)
        return value / horizon, se / horizon

    return [ask.question(f"mean event-free share {spans(ask, horizon)}").judge(together(ask, all_at_once, estimate))]


def reach(ask: Ask) -> list[Finding]:
    """Return the 95th percentile of follow-up."""

    def estimate(data: Observed) -> Estimate:
        return quantile_of(follow_up_times(data, ask.endpoint), 0.95, data.n)

    def around(data: Observed) -> tuple[float, float]:
        return follow_up_times(data, ask.endpoint).around(0.95)

    question = ask.question(f"P95 of follow-up for {ask.endpoint}", unit=_time_unit(ask))
    return [question.judge(estimate, around=around)]


def incidences(ask: Ask) -> list[Finding]:
    """Return the cumulative incidence of each competing cause at a time (Aalen-Johansen).

    If no patient had an event of a cause, but some had another event, the incidence is 0.
    """
    competing = sorted(set(causes(ask.group.real, ask.endpoint)) - {0})
    if len(competing) < 2:
        return []
    declared = ask.margin.settings.get("at")
    at = horizon_of(ask) if declared is None else float(cast(float, declared))
    names = ask.group.real.schema.endpoints[ask.endpoint].causes

    def estimate(data: Observed, cause: int) -> Estimate:
        found = incidence(data, ask.endpoint)
        if cause not in found:
            check_horizon(at, next(iter(found.values())).reach)
            return Estimate.normal(0.0, 0.0)
        return Estimate.normal(float(found[cause].at(at)), float(found[cause].se_at(at)))

    def all_at_once(stack: Stack, cause: int) -> curves.Found:
        return curves.incidences(stack.counts(slice(1, None)), stack.ends[:, cause].sum(axis=0), at)

    return [
        ask.question(
            f"cumulative incidence of {names.get(cause, f'cause {cause}')} by {significant(at)} {_time_unit(ask)} "
            f"({ask.endpoint})"
        ).judge(together(ask, partial(all_at_once, cause=cause), partial(estimate, cause=cause)))
        for cause in competing
    ]


def _time_unit(ask: Ask) -> str:
    return str(ask.scope.real.schema.unit)
