"""Patients of one cluster: how alike they are, and whether they have one arm."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.refusals import reason_of
from heorsynth.checks.core.scalar import Numbers
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate, significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.clusters.arms import share_of_one_arm
from heorsynth.estimators.clusters.variance import Grouping, OneWay
from heorsynth.estimators.survival.counts import martingale_residuals


def alike(ask: Ask) -> list[Finding]:
    """Return how much clusters widen the standard error of each cost, each utility and each endpoint.

    Notes
    -----
    The factor is √(1 + (n0 - 1)·ICC), with n0 of the patients, and with 0 for a negative ICC, which is chance. It is
    taken within arms.
    """
    real = ask.scope.real
    found = []
    for name in (*real.schema.costs, *real.schema.utilities):
        found.append(_alike(ask, f"clusters in {name}", name))
    for name in real.schema.endpoints:
        found.append(_alike(ask, f"clusters in {name}", "", name))
    return found


def _alike(ask: Ask, label: str, column: str, endpoint: str = "") -> Finding:
    question = ask.question(label, column=column, endpoint=endpoint)
    try:
        size = float(_one_way(ask.scope.real, column, endpoint).size[0])
    except NotEstimableError as error:
        return question.refuse(f"in the real cohort: {reason_of(error)}")
    widened = partial(_widened, column=column, endpoint=endpoint, size=size)
    return question.judge(widened, after=partial(_correlations, size=size))


def _widened(cohort: Cohort, column: str, endpoint: str, size: float) -> Estimate:
    """Return the factor by which clusters widen a standard error, with its own error by the delta method."""
    found = _one_way(cohort, column, endpoint)
    if np.isnan(found.icc[0]):
        raise NotEstimableError("all patients are alike")
    factor = math.sqrt(1 + (size - 1) * max(float(found.icc[0]), 0.0))
    return Estimate.normal(factor, (size - 1) * float(found.se[0]) / (2 * factor), n_used=cohort.n)


def _one_way(cohort: Cohort, column: str, endpoint: str) -> OneWay:
    schema = cohort.schema
    cluster = cohort.levels(str(schema.cluster))
    arm = np.full(cohort.n, "all") if schema.arm is None else cohort.levels(schema.arm)
    values = cohort.numbers(column) if column else _residuals(cohort, endpoint)
    known = (cluster != "") & (arm != "")
    return Grouping.of(cluster[known], arm[known]).one_way(values[known, None])


def _residuals(cohort: Cohort, endpoint: str) -> np.ndarray:
    time, cause, entry = cohort.outcome(endpoint)
    if entry is not None:
        raise NotEstimableError("residuals of patients whose follow-up begins late are not compared")
    return martingale_residuals(time, cause == 1)


def _correlations(numbers: Numbers, size: float) -> str:
    """Return the intracluster correlations behind the factors, in words."""
    real, synthetic = ((factor**2 - 1) / (size - 1) for factor in (numbers.real, numbers.synthetic))
    return f"; an intracluster correlation of {significant(real, 2)} and {significant(synthetic, 2)}"


def arms(ask: Ask) -> list[Finding]:
    """Return the share of clusters, of those with two patients or more, whose patients all have one arm."""
    return [ask.question("clusters with one arm").judge(_one_arm)]


def _one_arm(cohort: Cohort) -> Estimate:
    cluster = cohort.levels(str(cohort.schema.cluster))
    share = share_of_one_arm(cluster, cohort.levels(str(cohort.schema.arm)))
    count = len(set(cluster.tolist()) - {""})
    return Estimate.normal(share, math.sqrt(share * (1 - share) / count), n_used=cohort.n)
