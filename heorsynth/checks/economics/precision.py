"""Precision: the standard error that a plain analysis of one synthetic cohort claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, Group, comparisons, two_levels
from heorsynth.checks.core.observed import arm_curves, arm_moments, curve, moments
from heorsynth.checks.core.question import Ask, Scope
from heorsynth.checks.core.refusals import reason_of, too_few
from heorsynth.checks.core.scalar import Measured
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.survival.horizon import default_horizon
from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.costs.costs import difference_of, mean_of
from heorsynth.estimators.survival.summaries import restricted_mean, restricted_mean_difference

Analysis = Callable[[Observed], Estimate]


def check(scope: Scope) -> list[Finding]:
    """Return the findings on the precision that plain analyses of one synthetic cohort claim."""
    return [finding for ask in scope.asks() for finding in ask.estimand.answer(ask)]


def precision(ask: Ask) -> list[Finding]:
    """Return the standard error of an analysis of one synthetic cohort divided by that of the patients.

    Notes
    -----
    Standard errors are compared on the log scale, one-sided: a standard error that is too large is inefficient, not
    wrong. A generator trained on a share of the patients carries the information of these: the real standard error is
    divided by √share. With k synthetic rows for each patient, the ratio is about 1/√k.
    """
    share, found = ask.scope.standing.trained, []
    part = "" if share == 1 else f"compared with what the {share:.0%} of the patients used for training allow"
    for name, group, analysis in _plain_analyses(ask.scope.real, ask.scope.synthetic):
        question = ask.question(f"standard error claimed for {name}", group)
        if few := too_few(group.real):
            found.append(question.refuse(few))
            continue
        try:
            real = _log_error(analysis, group.real) - math.log(share) / 2
            claimed = [_log_error(analysis, cohort) for cohort in group.synthetic]
        except (NotEstimableError, HorizonError) as refusal:
            found.append(question.refuse(reason_of(refusal)))
            continue
        measured = Measured(real, math.nan, claimed, [math.nan] * len(claimed))
        found.append(question.compare(measured, log=True, before=part))
    return found


def _log_error(analysis: Analysis, cohort: Observed) -> float:
    se = float(analysis(cohort).se)
    if not (math.isfinite(se) and se > 0):
        raise NotEstimableError("too few patients, or too few events, for a standard error")
    return math.log(se)


def _plain_analyses(real: Observed, synthetic: Sequence[Observed]) -> Iterator[tuple[str, Group, Analysis]]:
    """Yield the analyses of a plain report: differences between arms, or means if there are no arms."""
    columns = [*real.schema.costs, *real.schema.utilities]
    if real.schema.arm is None:
        everyone = Group("all", ALL, real, tuple(synthetic))
        for endpoint in real.schema.endpoints:
            horizon = default_horizon(real, endpoint)
            yield f"rmst of {endpoint}", everyone, partial(_survival, endpoint=endpoint, horizon=horizon)
        for name in columns:
            yield f"mean of {name}", everyone, partial(_mean, name=name)
        return
    usual = real.arm_levels[0]
    for arm in comparisons(real, usual):
        pair = Group(f"{real.schema.arm}={arm} vs {usual}", ALL, real, tuple(synthetic))
        arms = (arm, usual)
        for endpoint in real.schema.endpoints:
            horizon = default_horizon(real, endpoint)
            analysis = partial(_survival_difference, endpoint=endpoint, horizon=horizon, arms=arms)
            yield f"difference in rmst of {endpoint}", pair, analysis
        for name in columns:
            yield f"difference in mean of {name}", pair, partial(_difference, name=name, arms=arms)


def _survival(data: Observed, endpoint: str, horizon: float) -> Estimate:
    return restricted_mean(curve(data, endpoint), horizon)


def _mean(data: Observed, name: str) -> Estimate:
    return mean_of(moments(data, name))


def _survival_difference(data: Observed, endpoint: str, horizon: float, arms: tuple[str, str]) -> Estimate:
    both, treated = two_levels(data, str(data.schema.arm), *arms)
    first, second = (restricted_mean(one, horizon) for one in arm_curves(both, treated, endpoint))
    return restricted_mean_difference(first, second, horizon, both.n)


def _difference(data: Observed, name: str, arms: tuple[str, str]) -> Estimate:
    both, treated = two_levels(data, str(data.schema.arm), *arms)
    return difference_of(*arm_moments(both, treated, name))
