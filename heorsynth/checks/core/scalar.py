"""Estimates one thing in the real and in every synthetic cohort, and says so where one of them cannot answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from heorsynth.checks.core.finding import Finding, Measured, because, judge, not_estimable
from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed
from heorsynth.core.errors import HeorsynthError, HorizonError, NotEstimableError, Problem
from heorsynth.core.estimate import Estimate, normal_quantile
from heorsynth.data.columns.levels import SMALL_COUNT

Estimator = Callable[[Any], Estimate]
"""An estimate with its standard error; raises NotEstimableError or HorizonError where there is none."""

MIN_PATIENTS = 2


def compare(
    key: str,
    estimand: str,
    group: Group,
    estimate: Estimator,
    margin: Margin,
    *,
    unit: str = "",
    log: bool = False,
    effect: bool = False,
) -> Finding:
    """The finding for a scalar estimand in one group.

    Parameters
    ----------
    key : str              such as "costs.mean"; the part before the dot is the check's name
    estimand : str         what is estimated, for a reader
    estimate : callable    Cohort or Tally -> Estimate, whichever the group holds
    log : bool             the estimate is a logarithm, and the margin a ratio
    effect : bool          it is what an arm does, 0 where it does nothing: see `keeping`

    Notes
    -----
    Not estimable in any synthetic cohort means not estimable: to average over the others would select the
    cohorts that behave.
    """
    check = key.split(".", maxsplit=1)[0]

    def cannot(reason: str) -> Finding:
        found = not_estimable(check, estimand, group.label, reason, margin, n_real=group.real.n)
        return replace(found, key=key, unit=unit, decisive=group.decisive, kind=group.kind)

    if few := too_few(group.real):
        return cannot(few)
    if margin.width == 0:
        return cannot("the margin is a share of a reference that is 0 or unknown: give it in absolute terms")
    try:
        real, variance = _estimated(estimate, group.real)
    except (NotEstimableError, HorizonError) as error:
        return cannot(f"in the real cohort: {reason_of(error)}")
    if variance == 0:
        return cannot("in the real cohort: no variation to judge its sampling by")
    values, variances, refusals = [], [], []
    for cohort in group.synthetic:
        try:
            value, its_variance = _estimated(estimate, cohort)
        except (NotEstimableError, HorizonError) as error:
            refusals.append(reason_of(error))
            continue
        values.append(value)
        variances.append(its_variance)
    if refusals:
        return cannot(f"in {len(refusals)} of {len(group.synthetic)} synthetic cohorts: {refusals[0]}")
    held = keeping(margin, real, variance) if effect else margin
    measured = Measured(real, variance, values, variances, group.real.n, unit)
    found = _judged(check, estimand, group, measured, held, log)
    if held is not margin:
        found = replace(found, because=f"{found.because}, the real effect itself; declared {margin}")
    return replace(found, key=key, kind=group.kind)


def _judged(check: str, estimand: str, group: Group, measured: Measured, margin: Margin, log: bool) -> Finding:
    """The finding on what was measured; of logarithms it is told in ratios."""
    scale = replace(margin, scale="absolute") if log else margin
    found = judge(check, estimand, group.label, measured, scale, decisive=group.decisive)
    if not log:
        return found
    return replace(
        found,
        real=math.exp(found.real),
        synthetic=math.exp(found.synthetic),
        scale=margin.scale,
        because=because(found.verdict, found.lower, found.upper, margin),
    )


def keeping(margin: Margin, real: float, variance: float) -> Margin:
    """The margin, but no wider than an effect that the patients show: a synthetic cohort without it must not pass.

    Parameters
    ----------
    margin : Margin      absolute, or of a ratio
    real : float         the effect, or its logarithm
    variance : float     of it

    Notes
    -----
    An effect is shown where its 95% interval excludes none. If the synthetic one is 0, the difference is -effect, on
    the edge of so narrow a margin, and passes as seldom as anything on an edge. Where no effect is shown, one that is
    lost cannot be told from chance, and the margin stays as declared. A margin that is a share of the effect is below
    half of it by its own rule.
    """
    shown = abs(real) > normal_quantile(0.95) * math.sqrt(variance)
    narrower = shown and margin.scale != "relative" and abs(real) < margin.width
    return replace(margin, width=abs(real)) if narrower else margin


def too_few(real: Observed) -> str:
    """Why nothing is estimated in so small a group of real patients, or "": it would show what one of them had."""
    return f"fewer than {SMALL_COUNT} real patients: not shown" if real.n < SMALL_COUNT else ""


def _estimated(estimate: Estimator, cohort: Observed) -> tuple[float, float]:
    if cohort.n < MIN_PATIENTS:
        raise NotEstimableError(f"{cohort.n} patients of this group")
    found = estimate(cohort)
    value, variance = float(found.value), float(found.se) ** 2
    if not (math.isfinite(value) and math.isfinite(variance)):
        raise NotEstimableError("too few patients, or too few events, for an estimate with a standard error")
    return value, variance


def reason_of(error: HeorsynthError) -> str:
    """Why an estimate was refused, in one line."""
    return "; ".join([_line(problem) for problem in error.problems]) or error.subject


def _line(problem: Problem) -> str:
    return f"{problem.where}: {problem.found}" if problem.where else problem.found
