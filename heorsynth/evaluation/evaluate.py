"""Economic evaluation of patients, or of m synthetic cohorts pooled so that they claim no more than their patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heorsynth.checks.economics.arms import evaluations, odd_effects, unnamed_comparator
from heorsynth.core.errors import NotEstimableError, Problem, RoleError
from heorsynth.core.random import check_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.economics.arms import ArmMeans, pooled_arms, resampled_means
from heorsynth.evaluation.arms import COMPLETE, Analysis
from heorsynth.evaluation.economics import EconomicEvaluation

__all__ = ["EconomicEvaluation", "evaluate"]

WHERE = "economic evaluation"


def evaluate(
    rows: Cohort | Sequence[Cohort],
    *,
    comparator: str | None = None,
    cost: str | None = None,
    effect: str | None = None,
    adjust: str | Sequence[str] = (),
    baseline: str | None = None,
    missing: str = COMPLETE,
    imputations: int = 20,
    bootstrap: int = 0,
    seed: int = 1,
) -> EconomicEvaluation:
    """Mean cost and effect of every arm, of patients or of synthetic cohorts.

    Parameters
    ----------
    rows : Cohort or sequence      patients; or synthetic cohorts with their labels, which are pooled
    comparator : str               the reference arm by default
    cost : str                     a cost column; by default the total, or the sum of those that are part of no total
    effect : str                   a utility column; needed where there are several
    adjust : list of str           covariates of cost and effect (seemingly unrelated regressions)
    baseline : str                 utility at baseline, a covariate of the effect alone (Manca et al. 2005)
    missing : str                  "complete": patients with a missing outcome or covariate are left out; "impute":
                                   multiple imputation, which assumes values missing at random given arm, covariates
                                   and the other outcome
    imputations : int              completed data sets of each cohort; 5 are enough for each of many synthetic ones
    bootstrap : int                samples that probabilities are counted from, over patients and over the m cohorts; 0
                                   for the normal law
    seed : int                     of imputation and bootstrap

    Raises
    ------
    RoleError                      no arm, cost or utility declared; synthetic cohorts without a label; two currencies;
                                   a covariate that is not there or is itself compared
    NotEstimableError              one arm; an arm with fewer than two patients with both known; several effects, none
                                   named; a bootstrap of adjusted or imputed means
    UnknownNameError               a comparator, cost or effect that is not there

    Examples
    --------
    >>> from heorsynth.data.datasets import simulated_trial
    >>> evaluate(simulated_trial(200, seed=1)[0]).arms
    ('usual', 'new')
    """
    check_seed(seed)
    cohorts = [rows] if isinstance(rows, Cohort) else list(rows)
    _require_comparable(cohorts)
    first = cohorts[0]
    asked = evaluations(first, {"comparator": comparator, "cost": cost, "effect": effect})
    if not asked:
        fix = "a comparison needs two: evaluate the trial's other arm with it"
        raise NotEstimableError(WHERE, Problem("arm", "all patients are of one arm", fix))
    arms = (asked[0].comparator, *(one.treatment for one in asked))
    given = (adjust,) if isinstance(adjust, str) else tuple(adjust)
    analysis = Analysis(arms, asked[0].costs, asked[0].effect, given, baseline, missing, imputations)
    analysis.require(first)
    if bootstrap and not analysis.plain:
        fix = "leave bootstrap out: the covariance of adjusted and imputed means is known"
        raise NotEstimableError(WHERE, Problem("bootstrap", "of adjusted or imputed means", fix))
    n_source = None if isinstance(rows, Cohort) and not rows.synthetic else _rests_on(cohorts)
    found = [analysis.of(cohort, stream(seed, WHERE, "impute", part)) for part, cohort in enumerate(cohorts)]
    estimated = found[0] if n_source is None else pooled_arms(found, n_source, [cohort.n for cohort in cohorts])
    sample = _resampled(analysis, cohorts, bootstrap, n_source, seed) if bootstrap else None
    notes = (*unnamed_comparator(first, comparator), *odd_effects(first, analysis.effect), *_assumed(analysis, found))
    named = " + ".join(analysis.costs), analysis.effect
    unit = first.schema.unit_of(analysis.effect)
    return EconomicEvaluation(arms, *named, estimated, first.schema.money, notes, sample, unit)


def _require_comparable(cohorts: Sequence[Cohort]) -> None:
    if not cohorts:
        raise NotEstimableError(WHERE, Problem("rows", "no cohort"))
    if missing := [role for role in ("arm", "costs", "utilities") if not getattr(cohorts[0].schema, role)]:
        fix = "give them to hs.Cohort, or in the protocol's cohort section"
        if "arm" in missing:
            fix += "; a cohort of one arm has nothing to be compared with"
        raise RoleError(WHERE, Problem("roles", f"no {', '.join(missing)} declared", fix))
    if len(currencies := {cohort.schema.money for cohort in cohorts}) > 1:
        fix = "convert costs to one currency and price year first"
        found = f"costs in {' and '.join(sorted(money or 'no currency' for money in currencies))}"
        raise RoleError(WHERE, Problem("currency", found, fix))


def _rests_on(cohorts: Sequence[Cohort]) -> int:
    """Patients that an analysis of synthetic cohorts rests on: the fewest any label names."""
    labels = [cohort.label for cohort in cohorts]
    if any(label is None for label in labels):
        fix = "keep the cohorts as `sample` or `hs.read` gave them"
        raise RoleError(WHERE, Problem("rows", "synthetic cohorts without a label cannot be pooled", fix))
    return min(label.rests_on for label in labels if label is not None)


def _resampled(
    analysis: Analysis, cohorts: Sequence[Cohort], draws: int, n_source: int | None, seed: int
) -> np.ndarray:
    columns = [analysis.columns(cohort) for cohort in cohorts]
    return resampled_means(columns, len(analysis.arms), draws, stream(seed, WHERE, "bootstrap"), n_source)


def _assumed(analysis: Analysis, found: Sequence[ArmMeans]) -> tuple[str, ...]:
    """What the answer assumes of missing outcomes, and what it is adjusted for."""
    given = [*analysis.adjust, *([] if analysis.baseline is None else [analysis.baseline])]
    told = [f"Adjusted for {', '.join(given)}."] if given else []
    if any(one.n_used < one.n_total for one in found):
        conditions = " and ".join(filter(None, ["arm", ", ".join(given)]))
        if analysis.missing == COMPLETE:
            told.append(
                f"Patients with a missing value are left out: right only if, given {conditions}, whether one is "
                "missing has nothing to do with cost or effect."
            )
        else:
            told.append(
                f"Missing outcomes are imputed {analysis.imputations} times: right only if they are missing at random "
                f"given {conditions} and the other outcome."
            )
    return tuple(told)
