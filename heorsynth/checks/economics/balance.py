"""Balance of covariates between the arms, and covariates whose imbalance shifts an unadjusted evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.strata import Observed, at_level
from heorsynth.checks.economics.analysis import COMPLETE, Analysis, covariate, measured, rows_of
from heorsynth.checks.economics.arms import Evaluation, evaluations, thresholds
from heorsynth.checks.economics.compared import Pair
from heorsynth.core.disclosure import small
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, normal_quantile, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.kinds import MAX_LEVELS
from heorsynth.data.columns.levels import SMALL_COUNT
from heorsynth.estimators.costs.costs import Moments
from heorsynth.estimators.economics.arms import ArmMeans, arm_means
from heorsynth.estimators.economics.regression import adjusted_means

_SHIFT = 0.5
"""A covariate is named if adjusting for it moves an estimate by more than this many of its standard errors.

An imbalance matters by how far it moves the estimate: its size times the relation of the covariate to the outcome (Senn
1994 Stat Med 13:1715). A shift of half a standard error lowers the coverage of a 95% interval to 92%.
"""


def balance(ask: Pair) -> list[Finding]:
    """Return the difference between the arms in each covariate, in standard deviations of the patients.

    Notes
    -----
    Both the real and the synthetic difference are divided by the standard deviation of the patients,
    √((s_t² + s_c²)/2). So they differ only if the means do. Findings on the covariates that the evaluation declares are
    decisive where the purpose says so; those on other columns support. A column of levels has a finding for each level
    (one for two levels); a level of fewer than five patients has none.
    """
    real, pair = rows_of(ask.group.real), ask.compared.evaluation
    unadjusted = replace(ask, how="")
    declared = () if pair.analysis is None else pair.analysis.covariates
    findings = []
    for name in dict.fromkeys([*declared, *real.schema.subgroups, *real.covariates]):
        if name in (pair.effect, *pair.costs) or (pair.analysis is not None and name == pair.analysis.cluster):
            continue
        for contrast in _contrasts(real, name, pair, listed=name in declared):
            question = unadjusted.question(contrast.label, column=name, unit="SD", supports=name not in declared)
            findings.append(question.judge(contrast.of))
    return findings


@dataclass(frozen=True)
class _Contrast:
    """The difference between two arms in a number, or in the share of a level, in units of `spread`."""

    name: str
    level: str | None
    pair: Evaluation
    spread: float

    @property
    def label(self) -> str:
        what = f"mean of {self.name}" if self.level is None else f"share of {self.name}={self.level}"
        return f"difference between the arms in the {what}"

    def of(self, cohort: Observed) -> Estimate:
        """Return the standardised difference in a cohort, with its standard error."""
        parts = self.arms(rows_of(cohort))
        if self.spread == 0:
            raise NotEstimableError(f"{self.name} does not vary within the arms")
        treated, others = parts
        value = (treated.mean - others.mean) / self.spread
        se = math.sqrt(treated.variance / treated.n + others.variance / others.n) / self.spread
        half = normal_quantile(0.95) * se
        return Estimate(value, value - half, value + half, se, 0.95, "SD", "standardised difference",
                        treated.n + others.n, cohort.n)  # fmt: skip

    def arms(self, cohort: Cohort) -> tuple[Moments, Moments]:
        """Return mean and variance of the treated and of the comparator's patients."""
        if not cohort.has(self.name):
            raise NotEstimableError(f"there is no column {self.name!r}")
        values, arm = _values(cohort, self.name, self.level), str(cohort.schema.arm)
        pair = self.pair.treatment, self.pair.comparator
        first, second = (Moments.of(values[at_level(cohort, arm, level)]) for level in pair)
        return first, second


def _contrasts(real: Cohort, name: str, pair: Evaluation, *, listed: bool) -> Iterator[_Contrast]:
    """Yield the contrasts of a column; none of a column with very many levels, unless it is declared."""
    levels: list[str | None] = [None]
    if not measured(real, name):
        held, counts = np.unique(real.levels(name), return_counts=True)
        names = [(str(level), int(count)) for level, count in zip(held, counts, strict=True) if level]
        if len(names) > MAX_LEVELS and not listed:
            return
        shown = names[1:] if len(names) == 2 else names
        levels = [level for level, count in shown if count >= SMALL_COUNT]
    for level in levels:
        try:
            parts = _Contrast(name, level, pair, 1.0).arms(real)
            spread = math.sqrt((parts[0].variance + parts[1].variance) / 2)
        except NotEstimableError:
            spread = 0.0
        if spread > 0 or listed:
            yield _Contrast(name, level, pair, spread)


def _values(cohort: Cohort, name: str, level: str | None) -> np.ndarray:
    """Return a number, or the indicator of a level (n,); NaN where it is missing."""
    if level is None:
        return covariate(cohort, name)[:, 0]
    held = cohort.coded(name)
    return np.asarray(np.where(held.names == "", np.nan, (held.names == level).astype(float))[held.codes])


def undeclared(real: Observed, settings: Mapping[str, object]) -> tuple[str, ...]:
    """Return a note on the numbers that would shift an evaluation without covariates, if they are baseline values.

    Notes
    -----
    Each number that has no role is tried alone. The shift is that of the net benefit at the declared thresholds (of
    cost and effect without a threshold), in its standard errors, over the patients with all values known. See `_SHIFT`.
    """
    if not isinstance(real, Cohort):
        return ()
    try:
        pairs = evaluations(real, settings)
    except NotEstimableError:
        return ()
    if not pairs or (pairs[0].analysis is not None and pairs[0].analysis.covariates):
        return ()
    numbers = [name for name in real.covariates if measured(real, name) and name not in real.schema.bands]
    first = pairs[0]
    arms = (first.comparator, *(pair.treatment for pair in pairs))
    outcomes = Analysis(arms, first.costs, first.effect).columns(real)
    plain = _arm_means(*outcomes, len(arms))
    named = {name: _shift(covariate(real, name), outcomes, plain, len(arms), thresholds(settings)) for name in numbers}
    worst = sorted((name for name in named if named[name] > _SHIFT), key=lambda name: -named[name])
    if not worst:
        return ()
    listed = ", ".join(f"{name} ({significant(named[name], 2)} standard errors)" for name in worst[:3])
    more = f" and {len(worst) - 3} more" if len(worst) > 3 else ""
    return (
        f"No adjusted evaluation is declared, but adjusting the patients' increments moves them: {listed}{more}. If "
        "measured before treatment, declare them: economics: {baseline: …, adjust: […]}.",
    )


def _arm_means(cost: np.ndarray, effect: np.ndarray, arm: np.ndarray, arms: int) -> ArmMeans | None:
    try:
        return arm_means(cost, effect, arm, arms)
    except NotEstimableError:
        return None


def _shift(
    values: np.ndarray,
    outcomes: tuple[np.ndarray, np.ndarray, np.ndarray],
    of_all: ArmMeans | None,
    arms: int,
    wtps: tuple[float, ...],
) -> float:
    """Return the largest shift by one covariate (n, 1), in standard errors; 0 if it is not estimable.

    `of_all` are the unadjusted means of all patients, which a covariate without gaps does not change.
    """
    cost, effect, arm = outcomes
    known = np.isfinite(values[:, 0])
    arm = arm if known.all() else np.where(known, arm, -1)
    weights = [np.array([-1.0, wtp]) for wtp in wtps] or [np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    try:
        plain = of_all if known.all() and of_all is not None else arm_means(cost, effect, arm, arms)
        adjusted = adjusted_means(cost, effect, arm, arms, values, values)
    except NotEstimableError:
        return 0.0
    largest = 0.0
    for place in range(1, arms):
        before, after = plain.increments(place), adjusted.increments(place)
        moved = np.array([after.cost - before.cost, after.effect - before.effect])
        for weight in weights:
            variance = float(weight @ before.covariance @ weight)
            largest = max(largest, abs(float(weight @ moved)) / math.sqrt(variance) if variance > 0 else 0.0)
    return largest


def missing_covariates(real: Observed, settings: Mapping[str, object]) -> tuple[str, ...]:
    """Return a note on how patients with a missing covariate or cluster are handled, if there are any."""
    if not isinstance(real, Cohort):
        return ()
    try:
        pairs = evaluations(real, settings)
    except NotEstimableError:
        return ()
    analysis = pairs[0].analysis if pairs else None
    if analysis is None or not (count := analysis.left_out(real)):
        return ()
    which = ", ".join([*analysis.covariates, *([] if analysis.cluster is None else [analysis.cluster])])
    handled = (
        "are left out of the adjusted evaluation, as in every synthetic cohort (impute: true imputes covariates)"
        if analysis.missing == COMPLETE
        else "have it imputed (a missing cluster is left out)"
    )
    return (f"{small(count)} of {real.n:,} patients with a missing value of {which} {handled}.",)
