"""Estimates in all cohorts of a group by one pass, which takes a fraction of the time of one pass a cohort."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import cast

import numpy as np

from heorsynth.checks.core.groups import Group
from heorsynth.checks.core.question import Ask, Estimator
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.stacked.counts import Stack, stacked

Many = Callable[[Stack], tuple[np.ndarray, np.ndarray]]
"""Counts of m cohorts -> values (m,) and standard errors (m,), NaN where an estimator of one cohort has to decide."""


_MANY = 1000
"""Cohorts of so many rows on the average use the coding of their times: small ones are sorted together."""

_MOST_KEPT = 60_000
"""With more rows in all cohorts than this, their counts are made for some cohorts at a time and not kept."""

_FEW_COHORTS, _MOST_TIMES = 6, 200_000
"""Counts of so few cohorts with at most so many distinct times in all are kept, whatever their rows."""

Pair = tuple[str, str, str]
"""A column, and the two of its levels that are compared: the first with the second."""


def together(ask: Ask, many: Many, plain: Estimator, group: Group | None = None, pair: Pair | None = None) -> Estimator:
    """Return an estimator with the results of one pass over all cohorts of a group.

    Parameters
    ----------
    ask : Ask              the estimand and its endpoint
    many : callable        the pass over all cohorts
    plain : callable       the estimator of one cohort. It is used for cohorts to which the pass gives no finite result,
                           so that it states the reason, for folders, and for more rows than fit in memory at once
    group : Group          None: the group of `ask`
    pair : tuple           the levels that are compared; None without a comparison
    """
    asked = ask.group if group is None else group
    stacks = stacks_of(ask, asked, pair)
    if stacks is None:
        return plain
    value, se, sound = [], [], []
    for stack in stacks:
        with np.errstate(all="ignore"):  # where a result is not finite, `plain` decides
            one, error = many(stack)
        value += one.tolist()
        se += error.tolist()
        sound += stack.sound.tolist()
    found = {
        id(cohort): Estimate.normal(one, error)
        for cohort, one, error, held in zip((asked.real, *asked.synthetic), value, se, sound, strict=True)
        if held and math.isfinite(one) and math.isfinite(error)
    }

    def estimate(cohort: Cohort) -> Estimate:
        return found[id(cohort)] if id(cohort) in found else plain(cohort)

    return estimate


def stacks_of(ask: Ask, group: Group, pair: Pair | None = None) -> Iterable[Stack] | None:
    """Return the counts of the real and the synthetic cohorts of a group; None for folders, and for too many rows.

    It is one stack, kept for all estimands, or of many cohorts a stream: each of some cohorts, and dropped after use.
    """
    cohorts = (group.real, *group.synthetic)
    if not ask.scope.holds_groups or not all(isinstance(cohort, Cohort) for cohort in cohorts):
        return None
    if ask.scope.real.n * len(cohorts) <= _MOST_KEPT or _is_short(ask):
        key = ("stack", ask.endpoint, group.label, pair)
        return (ask.scope.shared(key, lambda: _stack(cohorts, ask.endpoint, pair)),)
    step = max(1, _MOST_KEPT // ask.scope.real.n)
    return (_stack(cohorts[start : start + step], ask.endpoint, pair) for start in range(0, len(cohorts), step))


def _is_short(ask: Ask) -> bool:
    """Return whether the scope has few cohorts with few distinct times."""
    cohorts = [cast(Cohort, cohort) for cohort in (ask.scope.real, *ask.scope.synthetic)]
    if len(cohorts) > _FEW_COHORTS:
        return False
    column = ask.scope.real.schema.endpoints[ask.endpoint].time
    return sum(len(cohort.arrays.distinct(column).values) for cohort in cohorts) <= _MOST_TIMES


def _stack(cohorts: tuple[Cohort, ...], endpoint: str, pair: Pair | None) -> Stack:
    outcomes, coded = [cohort.outcome(endpoint) for cohort in cohorts], None
    if sum(cohort.n for cohort in cohorts) >= _MANY * len(cohorts):
        held = [cohort.arrays.distinct(cohort.schema.endpoints[endpoint].time) for cohort in cohorts]
        coded = [(one.values, one.codes) for one in held]
    if pair is None:
        return stacked(outcomes, coded=coded)
    column, *levels = pair
    arms = [cohort.coded(column).among(levels) for cohort in cohorts]
    return stacked(outcomes, [np.where(arm < len(levels), arm, -1) for arm in arms], coded)
