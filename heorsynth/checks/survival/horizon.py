"""Horizons and outcomes of survival estimands."""

from __future__ import annotations

from typing import cast

import numpy as np

from heorsynth.checks.core.estimand import Reference
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import causes, follow_up_times
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.strata import Observed
from heorsynth.core.estimate import significant
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.estimators.survival.curve import rounded_below

_SHARE_FOLLOWED = 0.8
"""The default horizon is this quantile of real follow-up, rounded down to two digits so that it is no patient's own."""


def default_horizon(real: Observed, endpoint: str) -> float:
    """Return the default horizon of an endpoint, from the whole real cohort."""
    return rounded_below(float(follow_up_times(real, endpoint).between(np.array(_SHARE_FOLLOWED))))


def declared_horizon(real: Observed, endpoint: str, margin: Margin) -> float:
    """Return the horizon of the margin, or the default one of the whole real cohort."""
    declared = margin.settings.get("horizon")
    return default_horizon(real, endpoint) if declared is None else float(cast(float, declared))


def horizon_of(ask: Ask) -> float:
    """Return the horizon of an estimand: the same in every group."""
    return declared_horizon(ask.scope.real, ask.endpoint, ask.margin)


def outcome(cohort: Cohort, endpoint: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return follow-up (n,), whether it ended in the event of interest (n,; other causes censor), and entry."""
    time, cause, entry = cohort.outcome(endpoint)
    return time, cause == 1, entry


def competing(real: Observed, endpoint: str) -> bool:
    """Return whether competing causes end follow-up in the real cohort."""
    return max(causes(real, endpoint), default=0) > 1


def spans(ask: Ask, horizon: float) -> str:
    """Return the part of a label with endpoint and horizon."""
    return f"of {ask.endpoint} to {significant(horizon)} {ask.scope.real.schema.unit}"


def _endpoints(margin: Margin, real: Observed) -> list[str]:
    return [name for name in real.schema.endpoints if margin.settings.get("endpoint") in (None, name)]


def _horizons(margin: Margin, real: Observed) -> list[float]:
    return [declared_horizon(real, name, margin) for name in _endpoints(margin, real)]


def _followed(margin: Margin, real: Observed) -> list[float]:
    return [default_horizon(real, name) for name in _endpoints(margin, real)]


OF_HORIZON = Reference("the horizon", _horizons)
OF_FOLLOW_UP = Reference("the default horizon", _followed)
"""The references of absolute margins of times."""
