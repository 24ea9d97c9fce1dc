"""Estimates in all cohorts of a group by one pass, which takes a fraction of the time of one pass a cohort."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.question import Ask, Estimator
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.stacked.counts import Stack, stacked

Many = Callable[[Stack], tuple[np.ndarray, np.ndarray]]
"""Counts of m cohorts -> values (m,) and standard errors (m,), NaN where an estimator of one cohort has to decide."""


def together(ask: Ask, many: Many, plain: Estimator, group: Group | None = None, arm: str = "") -> Estimator:
    """Return an estimator with the results of one pass over all cohorts of a group.

    Parameters
    ----------
    ask : Ask              the estimand and its endpoint
    many : callable        the pass over all cohorts
    plain : callable       the estimator of one cohort. It is used for cohorts to which the pass gives no finite result,
                           so that it states the reason, for folders, and for more rows than fit in memory at once
    group : Group          None: the group of `ask`
    arm : str              the arm that is compared with the reference arm; "" without a comparison
    """
    asked = ask.group if group is None else group
    stack = stack_of(ask, asked, arm)
    if stack is None:
        return plain
    with np.errstate(all="ignore"):  # where a result is not finite, `plain` decides
        value, se = many(stack)
    found = {
        id(cohort): Estimate.normal(float(one), float(error))
        for cohort, one, error, sound in zip((asked.real, *asked.synthetic), value, se, stack.sound, strict=True)
        if sound and np.isfinite(one) and np.isfinite(error)
    }

    def estimate(cohort: Cohort) -> Estimate:
        return found[id(cohort)] if id(cohort) in found else plain(cohort)

    return estimate


def stack_of(ask: Ask, group: Group, arm: str = "") -> Stack | None:
    """Return the counts of the real and the synthetic cohorts of a group; None for folders, and for too many rows."""
    cohorts = (group.real, *group.synthetic)
    if not ask.scope.holds_groups or not all(isinstance(cohort, Cohort) for cohort in cohorts):
        return None
    return ask.scope.shared(("stack", ask.endpoint, group.label, arm), lambda: _stack(ask, cohorts, arm))


def _stack(ask: Ask, cohorts: tuple[Cohort, ...], arm: str) -> Stack:
    outcomes = [cohort.outcome(ask.endpoint) for cohort in cohorts]
    if not arm:
        return stacked(outcomes)
    column, usual = str(ask.scope.real.schema.arm), ask.scope.real.arm_levels[0]
    levels = [cohort.levels(column) for cohort in cohorts]
    return stacked(outcomes, [np.where(one == arm, 0, np.where(one == usual, 1, -1)) for one in levels])
