"""Economic evaluation of patients, or of m pooled synthetic cohorts with the information of their patients only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from heorsynth.checks.economics.analysis import COMPLETE, FEWEST_IMPUTATIONS, IMPUTE, Analysis
from heorsynth.checks.economics.analysis import imputations as imputations_of
from heorsynth.checks.economics.arms import evaluations, odd_effects, unnamed_comparator
from heorsynth.core.errors import NotEstimableError, Problem, RoleError
from heorsynth.core.random import check_seed, stream
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.economics.arms import ArmMeans, pooled_arms, resampled_means
from heorsynth.estimators.visits.imputation import JUMP, METHODS
from heorsynth.evaluation.economics import EconomicEvaluation

__all__ = ["EconomicEvaluation", "evaluate", "sensitivity"]

_WHERE = "economic evaluation"


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
    cluster: str | None = None,
    bootstrap: int = 0,
    seed: int = 1,
) -> EconomicEvaluation:
    """Economic evaluation: mean cost and effect of every arm, for patients or synthetic cohorts.

    Parameters
    ----------
    rows : Cohort or sequence      patients; or labelled synthetic cohorts, which are pooled
    comparator : str               comparator; by default the reference arm
    cost : str                     cost column; by default the total, or the sum of the costs that belong to no total
    effect : str                   utility column; required if the cohort has several
    adjust : list of str           covariates of cost and effect (seemingly unrelated regressions)
    baseline : str                 utility at baseline, a covariate of the effect only (Manca et al. 2005)
    missing : str                  "complete" omits patients with a missing outcome or covariate; "impute" is multiple
                                   imputation, which assumes values missing at random given arm, covariates and the
                                   other outcome; "visits" imputes values at visits, missing at random given all values
                                   that were measured; "jump-to-reference" does so as if patients who left had gone on
                                   in the comparator's arm
    imputations : int              number of imputed data sets per cohort; 5 suffice for many synthetic cohorts
    cluster : str                  column of the cluster of a cluster-randomised trial, for a cluster-robust covariance;
                                   by default the cluster of the cohort, if it declares one
    bootstrap : int                number of bootstrap samples for probabilities, drawn over patients, or over whole
                                   clusters, and over the m cohorts; 0 uses the normal distribution
    seed : int                     seed of imputation and bootstrap

    Returns
    -------
    EconomicEvaluation

    Raises
    ------
    RoleError                      no arm, cost or utility is declared; a synthetic cohort has no label; currencies
                                   differ; a covariate or cluster does not exist, or is an outcome or the arm
    NotEstimableError              the cohort has one arm; an arm has fewer than two patients with known cost and
                                   effect; several effects and none named; a bootstrap of adjusted or imputed means
    UnknownNameError               the comparator, cost or effect does not exist

    See Also
    --------
    validate : whether synthetic cohorts lead to the same economic decision as the patients.
    sensitivity : the evaluation under different assumptions on missing visits.
    stability : how much the synthetic cohorts of one generator differ.

    Examples
    --------
    >>> import pandas as pd
    >>> from heorsynth.data.cohort.cohort import Cohort
    >>> frame = pd.DataFrame({"arm": ["usual", "usual", "new", "new"], "cost": [100, 300, 500, 700],
    ...                       "qaly": [0.5, 0.7, 0.8, 1.0]})
    >>> cohort = Cohort(frame, endpoints={}, arm="arm", arm_reference="usual", costs="cost", utilities="qaly",
    ...                 currency="EUR", price_year=2024)
    >>> result = evaluate(cohort)
    >>> result.means.round(3).tolist()
    [[200.0, 0.6], [600.0, 0.9]]
    >>> print(round(result.increments().cost, 3), round(result.increments().effect, 3))
    400.0 0.3
    """
    check_seed(seed)
    cohorts = [rows] if isinstance(rows, Cohort) else list(rows)
    _require_comparable(cohorts)
    first = cohorts[0]
    comparisons = evaluations(first, {"comparator": comparator, "cost": cost, "effect": effect})
    if not comparisons:
        fix = "give a cohort with two or more arms"
        raise NotEstimableError(_WHERE, Problem("arm", "all patients are in one arm", fix))
    arms = (comparisons[0].comparator, *(one.treatment for one in comparisons))
    covariates = (adjust,) if isinstance(adjust, str) else tuple(adjust)
    analysis = Analysis(
        *(arms, comparisons[0].costs, comparisons[0].effect, covariates, baseline, missing, imputations),
        first.schema.cluster if cluster is None else cluster,
    )
    analysis.require(first)
    if bootstrap and not replace(analysis, cluster=None).plain:
        fix = "leave bootstrap out: the covariance of adjusted and imputed means is estimated without it"
        raise NotEstimableError(_WHERE, Problem("bootstrap", "not available for adjusted or imputed means", fix))
    n_source = None if isinstance(rows, Cohort) and not rows.synthetic else _rests_on(cohorts)
    estimates = [analysis.of(cohort, stream(seed, _WHERE, "impute", part)) for part, cohort in enumerate(cohorts)]
    estimated = estimates[0] if n_source is None else pooled_arms(estimates, n_source, [cohort.n for cohort in cohorts])
    sample = _resampled(analysis, cohorts, bootstrap, n_source, seed) if bootstrap else None
    notes = (
        *unnamed_comparator(first, comparator),
        *odd_effects(first, analysis.effect),
        *_assumptions(analysis, estimates),
    )
    named = " + ".join(analysis.costs), analysis.effect
    unit = first.schema.unit_of(analysis.effect)
    return EconomicEvaluation(arms, *named, estimated, first.schema.money, notes, sample, unit)


def declared(economics: Mapping[str, object], *, synthetic: bool = False) -> dict[str, Any]:
    """Return the arguments of `evaluate` for an `economics` block; synthetic cohorts have fewer imputed data sets.

    Examples
    --------
    >>> declared({"comparator": "usual", "wtp": [20000], "baseline": "u0", "impute": 8}, synthetic=True)
    {'comparator': 'usual', 'baseline': 'u0', 'missing': 'impute', 'imputations': 5}
    """
    names = ("comparator", "cost", "effect", "baseline", "adjust", "cluster")
    found = {name: economics[name] for name in names if economics.get(name)}
    number = imputations_of(economics.get("impute"))
    if number is not None:
        most = min(number, FEWEST_IMPUTATIONS) if synthetic else number
        found |= {"missing": IMPUTE, "imputations": most}
    return found


def _require_comparable(cohorts: Sequence[Cohort]) -> None:
    if not cohorts:
        raise NotEstimableError(_WHERE, Problem("rows", "no cohort"))
    if missing := [role for role in ("arm", "costs", "utilities") if not getattr(cohorts[0].schema, role)]:
        fix = "declare them in hs.Cohort, or in the cohort section of the protocol"
        if "arm" in missing:
            fix += "; a cohort with one arm cannot be compared"
        raise RoleError(_WHERE, Problem("roles", f"no {', '.join(missing)} declared", fix))
    if len(currencies := {cohort.schema.money for cohort in cohorts}) > 1:
        fix = "convert costs to one currency and price year first"
        found = f"costs in {' and '.join(sorted(money or 'no currency' for money in currencies))}"
        raise RoleError(_WHERE, Problem("currency", found, fix))


def _rests_on(cohorts: Sequence[Cohort]) -> int:
    """Number of patients whose information the synthetic cohorts carry: the smallest in any label."""
    labels = [cohort.label for cohort in cohorts]
    if any(label is None for label in labels):
        fix = "use the cohorts as returned by `sample` or `hs.read`"
        raise RoleError(_WHERE, Problem("rows", "synthetic cohorts without a label cannot be pooled", fix))
    return min(label.rests_on for label in labels if label is not None)


def _resampled(
    analysis: Analysis, cohorts: Sequence[Cohort], draws: int, n_source: int | None, seed: int
) -> np.ndarray:
    columns = [analysis.columns(cohort) for cohort in cohorts]
    rng, clusters = stream(seed, _WHERE, "bootstrap"), None
    if analysis.cluster is not None:
        clusters = [cohort.levels(analysis.cluster) for cohort in cohorts]
    return resampled_means(columns, len(analysis.arms), draws, rng, n_source, clusters)


def _assumptions(analysis: Analysis, estimates: Sequence[ArmMeans]) -> tuple[str, ...]:
    """Sentences on the covariates and on the assumption for missing outcomes."""
    covariates = [*analysis.adjust, *([] if analysis.baseline is None else [analysis.baseline])]
    notes = [f"Adjusted for {', '.join(covariates)}."] if covariates else []
    notes += [] if analysis.cluster is None else [f"The covariance allows for clusters of {analysis.cluster}."]
    if any(one.n_used < one.n_total for one in estimates):
        conditions = " and ".join(filter(None, ["arm", ", ".join(covariates)]))
        if analysis.missing == COMPLETE:
            notes.append(
                f"Patients with a missing value are left out. This is valid only if, given {conditions}, missingness "
                "is independent of cost and effect."
            )
        elif analysis.missing in METHODS:
            notes.append(_assumed_of_visits(analysis, conditions))
        else:
            notes.append(
                f"Missing outcomes are imputed {analysis.imputations} times. This is valid only if they are missing at "
                f"random given {conditions} and the other outcome."
            )
    return tuple(notes)


def _assumed_of_visits(analysis: Analysis, conditions: str) -> str:
    """The sentence on imputed values at visits."""
    times = f"Missing values at visits are imputed {analysis.imputations} times. "
    if analysis.missing == JUMP:
        return times + (
            f"Patients who left are assumed to go on as patients of {analysis.arms[0]!r} with their past; gaps before "
            "are missing at random."
        )
    return times + (
        f"This is valid only if they are missing at random given {conditions} and all values that were measured."
    )


def sensitivity(
    rows: Cohort | Sequence[Cohort],
    methods: Sequence[str] = (COMPLETE, *METHODS),
    *,
    wtp: float | Sequence[float] = (),
    **settings: Any,
) -> pd.DataFrame:
    """Sensitivity of an economic evaluation to the assumption on missing visits.

    Parameters
    ----------
    rows : Cohort or sequence    as in `evaluate`; costs and effect derived from visits
    methods : sequence           values of `missing` of `evaluate`
    wtp                          thresholds for the net benefit
    settings                     the other arguments of `evaluate`

    Returns
    -------
    DataFrame      one row per method and arm: `missing`, `arm`, `n_used`, increments over the comparator with their
                   standard errors, `icer` (NaN where the arm is not dearer and better), and the net benefit at each
                   threshold

    Raises
    ------
    RoleError      as in `evaluate`; the effect is not derived from visits

    See Also
    --------
    evaluate : One of these evaluations.

    Notes
    -----
    Jump to reference takes the arm's effect away from patients who leave, which is conservative for an arm that is
    better than its comparator. If a decision is the same under both, it does not rest on values that nobody measured.

    References
    ----------
    Faria et al. (2014) PharmacoEconomics 32:1157; Carpenter, Roger & Kenward (2013) J Biopharm Stat 23:1352.

    Examples
    --------
    >>> import heorsynth as hs
    >>> cohort, _ = hs.datasets.simulated_trial(150, seed=1, visits=hs.datasets.VisitTruth())
    >>> table = sensitivity(cohort, comparator="usual", imputations=2)
    >>> table.loc[table["arm"] == "new", "missing"].tolist()
    ['complete', 'visits', 'jump-to-reference']
    """
    found: list[dict[str, object]] = []
    thresholds = [wtp] if isinstance(wtp, (int, float)) else list(wtp)
    for method in methods:
        result = evaluate(rows, missing=method, **settings)
        for arm in result.arms[1:]:
            more = result.increments(arm)
            cost, effect = more.delta_cost(), more.delta_effect()
            row: dict[str, object] = {"missing": method, "arm": arm, "n_used": result.n_used}
            row |= {"incremental_cost": cost.value, "cost_se": cost.se}
            row |= {"incremental_effect": effect.value, "effect_se": effect.se}
            row["icer"] = more.cost / more.effect if more.cost > 0 and more.effect > 0 else np.nan
            found.append(row | {f"inmb_{at:g}": more.inmb(at).value for at in thresholds})
    return pd.DataFrame(found)
