"""Gaps between groups of patients: are they the same as in the real cohort, or smaller or larger?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from heorsynth.checks.core.finding import LEVEL, Finding
from heorsynth.checks.core.groups import two_levels
from heorsynth.checks.core.observed import arm_curves, arm_moments, curve, moments
from heorsynth.checks.core.question import Ask, Estimator
from heorsynth.checks.core.scalar import Numbers
from heorsynth.checks.core.strata import Observed, at_level, patients_by
from heorsynth.checks.survival.horizon import default_horizon
from heorsynth.checks.survival.together import together
from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate, normal_quantile, significant
from heorsynth.data.columns.levels import SMALL_COUNT, shown_names
from heorsynth.estimators.costs.costs import difference_of, mean_of
from heorsynth.estimators.stacked.arms import restricted_mean_differences
from heorsynth.estimators.survival.summaries import restricted_mean, restricted_mean_difference


def disparities(ask: Ask) -> list[Finding]:
    """Return the gap of every subgroup level to the largest level, in mean cost, mean utility and restricted mean.

    Notes
    -----
    The margin of a gap is a share of the estimate in the largest level, so a real gap of 0 can be judged too. If the
    90% interval of the real gap excludes 0, the finding also says what share of the gap the synthetic cohorts have.
    """
    results, real = [], ask.scope.real
    for name in real.schema.subgroups:
        counts = {level: count for (level,), count in patients_by(real, [name]).items() if level}
        if len(counts) < 2:
            continue
        usual, shown = max(sorted(counts), key=lambda level: counts[level]), shown_names(counts)
        for level in sorted(set(counts) - {usual}):
            group = replace(ask.group, label=f"{name}={shown[level]} vs {shown[usual]}")
            for what, unit, alone, gap in _quantities(ask, name, level, usual):
                margin = ask.margin.resolved(_size(alone, real), own=True)
                question = ask.question(f"gap in {what}", group, margin, unit=unit)
                if counts[level] < SMALL_COUNT:  # a gap could reveal the value of one of so few patients
                    results.append(question.refuse(f"fewer than {SMALL_COUNT} real patients: not shown"))
                else:
                    results.append(question.judge(gap, after=partial(_share_of_gap, gap=gap, real=real)))
    return results


def _share_of_gap(numbers: Numbers, gap: Estimator, real: Observed) -> str:
    """Return what share of a significant real gap the synthetic cohorts have, or ""."""
    own = gap(real)
    if abs(own.value) <= normal_quantile(LEVEL) * own.se:
        return ""
    share = numbers.synthetic / numbers.real
    return "; the gap is " + ("reversed" if share < 0 else f"about {round(20 * share) * 5}% of the real one")


def _size(alone: Estimator, real: Observed) -> float:
    try:
        return float(alone(real).value)
    except (NotEstimableError, HorizonError):
        return 0.0


def _quantities(ask: Ask, name: str, level: str, usual: str) -> Iterator[tuple[str, str, Estimator, Estimator]]:
    """Yield each quantity: name, unit, its estimator in the largest level, and the estimator of the gap."""
    real, levels = ask.scope.real, (level, usual)
    schema = real.schema
    for column in (*schema.costs, *schema.utilities):
        unit = schema.unit_of(column)
        alone = partial(_mean, column=column, name=name, level=usual)
        yield f"mean of {column}", unit, alone, partial(_mean_gap, column=column, name=name, levels=levels)
    for endpoint in schema.endpoints:
        horizon = default_horizon(real, endpoint)
        label = f"rmst of {endpoint} to {significant(horizon)} {schema.unit}"
        survival = partial(_rmst, endpoint=endpoint, horizon=horizon, name=name, level=usual)
        gap = partial(_rmst_gap, endpoint=endpoint, horizon=horizon, name=name, levels=levels)
        all_at_once = partial(restricted_mean_differences, horizon=horizon)
        yield (
            label,
            schema.unit,
            survival,
            together(replace(ask, endpoint=endpoint), all_at_once, gap, pair=(name, *levels)),
        )


def _mean(cohort: Observed, column: str, name: str, level: str) -> Estimate:
    return mean_of(moments(cohort.take(at_level(cohort, name, level)), column))


def _mean_gap(cohort: Observed, column: str, name: str, levels: tuple[str, str]) -> Estimate:
    both, first = two_levels(cohort, name, *levels)
    return difference_of(*arm_moments(both, first, column))


def _rmst(cohort: Observed, endpoint: str, horizon: float, name: str, level: str) -> Estimate:
    return restricted_mean(curve(cohort.take(at_level(cohort, name, level)), endpoint), horizon)


def _rmst_gap(cohort: Observed, endpoint: str, horizon: float, name: str, levels: tuple[str, str]) -> Estimate:
    both, first = two_levels(cohort, name, *levels)
    one, other = (restricted_mean(part, horizon) for part in arm_curves(both, first, endpoint))
    return restricted_mean_difference(one, other, horizon, both.n)
