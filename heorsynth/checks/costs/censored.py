"""Mean cost up to a horizon with censored follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.question import Ask
from heorsynth.checks.survival.horizon import declared_horizon, spans
from heorsynth.core.errors import NotEstimableError
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.basics.ties import slack
from heorsynth.estimators.costs.censored import bang_tsiatis, lin

_ADDS_UP = (
    "some patients are followed past the horizon, and the column may include their cost after it: name the columns of "
    "the intervals with `intervals`, or write `to_horizon: true` if the column has no cost after the horizon"
)


def censored_means(ask: Ask) -> list[Finding]:
    """Return the mean cost up to a horizon, one finding for each endpoint, by the estimator named in the margin.

    Notes
    -----
    With `intervals`, the estimator is the partitioned one of Bang & Tsiatis, or that of Lin et al. for ``method: lin``.
    `intervals` names k columns, each with the cost in one of k equal parts of the time up to the horizon. Without
    `intervals`, it is the simple estimator for one column, which must hold the cost up to the horizon and no later
    cost. Delayed entry is refused: the weights assume follow-up from the start.
    """
    declared = ask.margin.settings.get("intervals")
    columns = [ask.column] if declared is None else list(cast(Sequence[str], declared))
    if ask.column != columns[0]:
        return []
    return [
        _finding(replace(ask, endpoint=endpoint), columns)
        for endpoint in ask.group.real.schema.endpoints
        if ask.names("endpoint", endpoint)
    ]


def _finding(ask: Ask, columns: Sequence[str]) -> Finding:
    settings = ask.margin.settings
    horizon = declared_horizon(ask.group.real, ask.endpoint, ask.margin)
    estimator = lin if settings.get("method") == "lin" else bang_tsiatis
    partitioned = settings.get("intervals") is not None
    ends_there = partitioned or bool(settings.get("to_horizon"))

    def estimate(cohort: Cohort) -> Estimate:
        time, cause, entry = cohort.outcome(ask.endpoint)
        if entry is not None and (entry > 0).any():
            raise NotEstimableError("mean cost under censoring is not estimated with delayed entry")
        if not ends_there and (time > horizon + slack(time)).any():
            raise NotEstimableError(_ADDS_UP)
        cost = np.column_stack([cohort.column(name).astype(float) for name in columns])
        return estimator(cost if partitioned else cost[:, 0], time, cause > 0, horizon, names=columns)

    by = "Lin" if estimator is lin else "Bang-Tsiatis, partitioned" if partitioned else "Bang-Tsiatis"
    label = f"mean of {' + '.join(columns)}, censoring allowed for ({by}), {spans(ask, horizon)}"
    return ask.question(label, unit=ask.scope.real.schema.money).judge(estimate)
