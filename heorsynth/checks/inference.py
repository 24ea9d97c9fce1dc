"""What would an analyst claim who takes one synthetic cohort for patients, and is it more than the patients can say?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from heorsynth.checks.comparison import reason_of, too_few
from heorsynth.checks.finding import Finding, Measured, because, decide, judge, not_estimable
from heorsynth.checks.groups import ALL, Group, comparisons, two_levels
from heorsynth.checks.margin import Margin
from heorsynth.checks.outcomes import default_horizon
from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort import Cohort
from heorsynth.estimators.costs import mean, mean_difference
from heorsynth.estimators.survival import rmst, rmst_difference

RESAMPLES = 200
"""Bootstrap resamples of the real cohort behind the error of its own standard error."""

Analysis = Callable[[Cohort], Estimate]


def check(
    real: Cohort,
    synthetic: Sequence[Cohort],
    margins: Mapping[str, Margin],
    rng: np.random.Generator,
    holdout: Cohort | None = None,
) -> list[Finding]:
    """Findings on the precision that plain analyses of one synthetic cohort claim, if `margins` asks for them."""
    if (margin := margins.get("inference.precision")) is None:
        return []
    return [precision(name, group, analysis, margin, rng) for name, group, analysis in plain_analyses(real, synthetic)]


def precision(name: str, group: Group, analysis: Analysis, margin: Margin, rng: np.random.Generator) -> Finding:
    """The standard error of an analysis of one synthetic cohort, over that of the same analysis of the patients.

    Notes
    -----
    Compared on the log scale and one-sided: to claim less than one could is wasteful, not wrong. What these
    patients' own analysis claims is a number, not an estimate; the interval covers the synthesis only, by the
    larger of what the m cohorts show and what `RESAMPLES` resamples of the patients let expect of so many rows.
    Rows that are no patients make the ratio small: with k rows a patient it is about 1/√k.
    """
    label = f"standard error claimed for {name}"

    def cannot(reason: str) -> Finding:
        found = not_estimable("inference", label, group.label, reason, margin, n_real=group.real.n)
        return replace(found, key="inference.precision")

    if few := too_few(group.real):
        return cannot(few)
    try:
        real = _log_error(analysis, group.real)
        claimed = [_log_error(analysis, cohort) for cohort in group.synthetic]
        patients = _analysed(group.real)
        resampled = [_log_error(analysis, _resample(patients, rng)) for _ in range(RESAMPLES)]
    except (NotEstimableError, HorizonError) as refusal:
        return cannot(reason_of(refusal))
    expected = [float(np.var(resampled, ddof=1)) * group.real.n / cohort.n for cohort in group.synthetic]
    measured = Measured(real, 0.0, claimed, expected, group.real.n)
    found = judge("inference", label, group.label, measured, replace(margin, scale="absolute"))
    verdict = decide(min(found.lower, 0.0), min(found.upper, 0.0), margin.width)
    return replace(
        found,
        real=math.exp(found.real),
        synthetic=math.exp(found.synthetic),
        scale=margin.scale,
        verdict=verdict,
        because=because(verdict, found.lower, found.upper, margin),
        key="inference.precision",
    )


def _log_error(analysis: Analysis, cohort: Cohort) -> float:
    se = float(analysis(cohort).se)
    if not (math.isfinite(se) and se > 0):
        raise NotEstimableError("too few patients, or too few events, for a standard error")
    return math.log(se)


def _analysed(cohort: Cohort) -> Cohort:
    """The same patients with no column that a plain analysis does not read."""
    schema = cohort.schema
    read = {schema.entry, schema.arm, *schema.times, *schema.events, *schema.costs, *schema.utilities}
    kept = cohort.rows[[name for name in cohort.rows.columns if name in read]]
    return Cohort.derive(schema, kept, label=cohort.label, name=cohort.name)


def _resample(cohort: Cohort, rng: np.random.Generator) -> Cohort:
    return cohort.take(rng.integers(cohort.n, size=cohort.n))


def plain_analyses(real: Cohort, synthetic: Sequence[Cohort]) -> Iterator[tuple[str, Group, Analysis]]:
    """What a plain analysis would report: the arms' differences, or without arms the means."""
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


def _survival(cohort: Cohort, endpoint: str, horizon: float) -> Estimate:
    time, cause, entry = cohort.outcome(endpoint)
    return rmst(time, cause == 1, horizon, entry)


def _mean(cohort: Cohort, name: str) -> Estimate:
    return mean(cohort.column(name))


def _survival_difference(cohort: Cohort, endpoint: str, horizon: float, arms: tuple[str, str]) -> Estimate:
    both, treated = two_levels(cohort, str(cohort.schema.arm), *arms)
    time, cause, entry = both.outcome(endpoint)
    return rmst_difference(time, cause == 1, treated, horizon, entry)


def _difference(cohort: Cohort, name: str, arms: tuple[str, str]) -> Estimate:
    both, treated = two_levels(cohort, str(cohort.schema.arm), *arms)
    return mean_difference(both.column(name), treated)
