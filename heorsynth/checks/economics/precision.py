"""Precision: the standard error that a plain analysis of one synthetic cohort claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.groups import ALL, Group, comparisons, two_levels
from heorsynth.checks.core.observed import Observed, arm_curves, arm_moments, curve, moments
from heorsynth.checks.core.question import Ask, Scope, reason_of, too_few
from heorsynth.checks.core.scalar import Measured
from heorsynth.checks.survival.horizon import default_horizon
from heorsynth.core.errors import HorizonError, NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.costs.costs import difference_of, mean_of
from heorsynth.estimators.survival.summaries import restricted_mean, restricted_mean_difference

_RESAMPLES = 200
"""Number of bootstrap resamples, for the error of the real standard error."""

MOST_RESAMPLED = 10_000
"""Maximum number of patients of a folder's sample that are resampled: the variance is proportional to 1/n."""

Analysis = Callable[[Observed], Estimate]


def check(scope: Scope) -> list[Finding]:
    """Return the findings on the precision that plain analyses of one synthetic cohort claim."""
    return [finding for ask in scope.asks() for finding in ask.estimand.answer(ask)]


def precision(ask: Ask) -> list[Finding]:
    """Return the standard error of an analysis of one synthetic cohort divided by that of the patients."""
    analyses = plain_analyses(ask.scope.real, ask.scope.synthetic)
    return [claim(ask, name, group, analysis, ask.scope.real) for name, group, analysis in analyses]


def of_counts(scope: Scope, sample: Cohort, rests_on: int) -> list[Finding]:
    """Return the same findings for folders: estimates from tallies of all rows, sampling errors from a sample.

    Parameters
    ----------
    scope : Scope        tallies of all patients, and of all rows of each synthetic folder
    sample : Cohort      a simple random sample of the patients
    rests_on : int       number of training patients, from the label of the rows; at most all patients

    Notes
    -----
    A generator trained on n of N patients carries the information of n: its standard error is √(N/n) times that of all
    N.
    """
    real, rng = scope.real, scope.rng
    if MOST_RESAMPLED < sample.n < real.n:
        sample = sample.take(np.sort(rng.choice(sample.n, size=MOST_RESAMPLED, replace=False)))
    part = "" if rests_on == real.n else f"compared with what the {rests_on:,} training patients of {real.n:,} allow"
    return [
        claim(ask, name, group, analysis, sample, rests_on / real.n, part)
        for ask in scope.asks()
        for name, group, analysis in plain_analyses(real, scope.synthetic)
    ]


def claim(
    ask: Ask, name: str, group: Group, analysis: Analysis, rows: Cohort, share: float = 1.0, part: str = ""
) -> Finding:
    """Return the finding on one analysis; `share` is the share of patients used for training.

    Notes
    -----
    Standard errors are compared on the log scale, one-sided: a standard error that is too large is inefficient, not
    wrong. The real standard error is taken as known, so the interval covers the synthesis only. Its variance is the
    larger of the variance between the m cohorts and the expected one. The expected one is that of `_RESAMPLES`
    resamples of the patients in `rows`, scaled to the number of synthetic rows, because the variance of a log standard
    error is proportional to 1/n. The real standard error is divided by √share before the comparison.
    With k synthetic rows for each patient, the ratio is about 1/√k.
    """
    question = ask.question(f"standard error claimed for {name}", group)
    if few := too_few(group.real):
        return question.refuse(few)
    try:
        real = _log_error(analysis, group.real) - math.log(share) / 2
        claimed = [_log_error(analysis, cohort) for cohort in group.synthetic]
        patients = _analysed(rows)
        resampled = [_log_error(analysis, _resample(patients, ask.rng)) for _ in range(_RESAMPLES)]
    except (NotEstimableError, HorizonError) as refusal:
        return question.refuse(reason_of(refusal))
    expected = [float(np.var(resampled, ddof=1)) * rows.n / cohort.n for cohort in group.synthetic]
    return question.compare(Measured(real, 0.0, claimed, expected), log=True, before=part)


def _log_error(analysis: Analysis, cohort: Observed) -> float:
    se = float(analysis(cohort).se)
    if not (math.isfinite(se) and se > 0):
        raise NotEstimableError("too few patients, or too few events, for a standard error")
    return math.log(se)


def _analysed(cohort: Cohort) -> Cohort:
    """Return the same patients with only the columns that a plain analysis reads."""
    schema = cohort.schema
    read = {schema.entry, schema.arm, *schema.times, *schema.events, *schema.costs, *schema.utilities}
    kept = cohort.rows[[name for name in cohort.rows.columns if name in read]]
    return Cohort.derive(schema, kept, label=cohort.label, name=cohort.name)


def _resample(cohort: Cohort, rng: np.random.Generator) -> Cohort:
    return cohort.take(rng.integers(cohort.n, size=cohort.n))


def plain_analyses(real: Observed, synthetic: Sequence[Observed]) -> Iterator[tuple[str, Group, Analysis]]:
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
