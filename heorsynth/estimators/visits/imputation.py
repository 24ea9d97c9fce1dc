"""Multiple imputation of values at visits: missing at random within arms, or jump to reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.estimators.economics.arms import ArmMeans
from heorsynth.estimators.economics.regression import IMPUTATIONS, adjusted_means, pooled_imputations
from heorsynth.estimators.visits.multivariate_normal import Drawn, drawn_given, posterior
from heorsynth.estimators.visits.trajectories import Outcome, Trajectories

AT_RANDOM, JUMP = "visits", "jump-to-reference"
METHODS = (AT_RANDOM, JUMP)
"""Values missing at random given the arm and the patient's other values; or, after a patient's last value, as in the
reference arm."""


def imputed_values(
    measures: Sequence[Trajectories],
    arm: np.ndarray,
    covariates: np.ndarray,
    rng: np.random.Generator,
    *,
    method: str = AT_RANDOM,
    imputations: int = IMPUTATIONS,
) -> Iterator[list[np.ndarray]]:
    """Yield the values of the measures (n, k) with missing values of living patients imputed, and 0 after death.

    Parameters
    ----------
    measures : sequence          of the same patients; all are imputed together
    arm : array of int (n,)      0 is the reference; negative for patients of other arms, who are not imputed
    covariates : array (n, q)    known in all patients; for the imputation
    method : str                 one of `METHODS`
    imputations : int            number of imputed data sets

    Notes
    -----
    In each arm all values are multivariate normal given the covariates (`multivariate_normal.posterior`). Values after
    death are no outcomes and are left out of the model. Imputed utilities may exceed 1: truncation would bias means.

    With jump to reference, the mean of a patient's values after the last known value of a measure is that of the
    reference arm, given how far the values before lie from the mean of the patient's own arm, with the covariances of
    the reference arm. Gaps before it are imputed as missing at random. Patients of the reference arm are as well.

    References
    ----------
    Carpenter, Roger & Kenward (2013) J Biopharm Stat 23:1352; Rubin (1987); von Hippel (2013) Sociol Methods Res
    42:105, on imputed values out of range.

    Examples
    --------
    >>> values = np.random.default_rng(1).normal(0.7, 0.1, (20, 2))
    >>> values[:5, 1] = np.nan
    >>> seen = Trajectories(np.array([0, 1]), values, np.zeros((20, 2), dtype=bool))
    >>> drawn = imputed_values([seen], np.zeros(20, int), np.empty((20, 0)), np.random.default_rng(1), imputations=2)
    >>> [bool(np.isfinite(one[0]).all()) for one in drawn]
    [True, True]
    """
    if method not in METHODS:
        raise NotEstimableError("imputation", Problem("method", f"{method!r}", f"use {' or '.join(METHODS)}"))
    if imputations < 2:
        raise NotEstimableError("imputation", Problem("imputations", f"{imputations}", "at least 2 are needed"))
    if not np.isfinite(covariates[arm >= 0]).all():
        raise NotEstimableError("imputation", Problem("covariates", "missing in some patients", "leave them out"))
    held = np.hstack([one.living_values for one in measures])
    zero = np.hstack([~one.alive for one in measures])
    tail = np.hstack([~one.attending for one in measures])
    design = np.column_stack([np.ones(len(held)), covariates])
    members = [np.flatnonzero(arm == place) for place in range(int(arm.max()) + 1)]
    chains = [posterior(held[rows], design[rows], imputations, rng) for rows in members]
    ends = np.cumsum([one.values.shape[1] for one in measures])[:-1]
    for drawn in zip(*chains, strict=True):
        filled = held.copy()
        for rows, one in zip(members, drawn, strict=True):
            filled[rows] = one.completed
        if method == JUMP:
            for rows, own in zip(members[1:], drawn[1:], strict=True):
                filled[rows] = _jumped(filled[rows], design[rows], tail[rows], own, drawn[0], rng)
        filled[zero] = 0.0
        yield np.split(filled, ends, axis=1)


def _jumped(
    values: np.ndarray, design: np.ndarray, tail: np.ndarray, own: Drawn, reference: Drawn, rng: np.random.Generator
) -> np.ndarray:
    """Return the values (n, k) of an arm with those in the tails drawn as after a jump to the reference arm."""
    before, place = np.unique(~tail, axis=0, return_inverse=True)
    expected = np.where(tail, design @ reference.coefficients, design @ own.coefficients)
    return drawn_given(values, expected, reference.sigma, before, place.ravel(), rng)


def imputed_visit_means(
    cost: Outcome,
    effect: Outcome,
    arm: np.ndarray,
    arms: int,
    covariates: np.ndarray,
    rng: np.random.Generator,
    *,
    method: str = AT_RANDOM,
    imputations: int = IMPUTATIONS,
    baseline: int | None = None,
    cluster: np.ndarray | None = None,
) -> ArmMeans:
    """Return mean cost and effect of each arm, with missing values imputed at the level of visits.

    Parameters
    ----------
    cost, effect : Outcome       of the same patients
    arm, arms                    as in `adjusted_means`
    covariates : array (n, q)    of both equations, and of the imputation
    method, imputations          as in `imputed_values`
    baseline : int               visit of the effect's measure that is a covariate of the effect, such as 0
    cluster (n,)                 for the covariance of each imputed data set; the imputation does not use it

    Returns
    -------
    ArmMeans       `adjusted_means` of each imputed data set, pooled by Rubin's rules; `n_used` counts the patients with
                   all values known. With jump to reference these are too wide rather than too narrow (Bartlett 2023)

    References
    ----------
    Faria et al. (2014) PharmacoEconomics 32:1157; Leurent et al. (2018) PharmacoEconomics 36:889, for imputation at the
    level of visits in economic evaluations; Bartlett (2023) Stat Biopharm Res 15:178.
    """
    completed, here = [], arm >= 0
    groups = None if cluster is None else cluster[here]
    paid, gained, extra = cost.take(here), effect.take(here), covariates[here]
    values = imputed_values([paid.seen, gained.seen], arm[here], extra, rng, method=method, imputations=imputations)
    for costs, effects in values:
        own = extra if baseline is None else np.column_stack([extra, effects[:, baseline]])
        totals = paid.of(costs), gained.of(effects)
        completed.append(adjusted_means(*totals, arm[here], arms, extra, own, groups))
    known = int((paid.known & gained.known).sum())
    return pooled_imputations(completed, known, len(extra))
