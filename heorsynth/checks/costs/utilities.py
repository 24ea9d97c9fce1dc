"""Mean utility or QALYs, the spike at full health, states worse than dead, and missing values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from heorsynth.checks.core import observed
from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import moments, spike, weighted
from heorsynth.checks.core.question import Ask
from heorsynth.checks.core.strata import Observed
from heorsynth.core.estimate import Estimate
from heorsynth.estimators.basics.proportions import proportion
from heorsynth.estimators.costs.costs import mean_of
from heorsynth.estimators.costs.utilities import qaly


def mean(ask: Ask) -> list[Finding]:
    """Return the mean of a column over the patients with a known value."""
    question = ask.question(f"mean of {ask.column}", unit=ask.scope.real.schema.unit_of(ask.column))
    return [question.judge(lambda data: mean_of(moments(data, ask.column)))]


def at_one(ask: Ask) -> list[Finding]:
    """Return the share in full health, of patients with a known utility."""
    question = ask.question(f"share in full health by {ask.column}")
    return [question.judge(lambda data: proportion(*spike(data, ask.column, "one")))]


def below_zero(ask: Ask) -> list[Finding]:
    """Return the share in a state worse than dead, of patients with a known utility."""
    question = ask.question(f"share worse than dead by {ask.column}")
    return [question.judge(lambda data: proportion(*spike(data, ask.column, "negative")))]


def missing(ask: Ask) -> list[Finding]:
    """Return the share of patients with a missing utility."""
    question = ask.question(f"missing in {ask.column}")
    return [question.judge(lambda data: proportion(observed.missing(data, ask.column), data.n))]


def accumulated(ask: Ask) -> list[Finding]:
    """Return mean QALYs, over the patients with all measures known (`estimators.costs.utilities.qaly`).

    The QALYs of a patient are the area under the line through the utilities in the columns `measures` at `times`
    (years), discounted at `rate` per year. The mean of the areas is the area under the means, so a tally suffices.
    """
    measures, weights = areas(ask.margin)

    def estimate(data: Observed) -> Estimate:
        return mean_of(weighted(data, measures, weights))

    return [ask.question(f"mean QALYs from {', '.join(measures)}", unit="QALY").judge(estimate)]


def areas(margin: Margin) -> tuple[list[str], np.ndarray]:
    """Return the columns (k,) of a QALY margin, and their weights in the area (k,)."""
    settings = margin.settings
    measures, times = (list(cast(Sequence, settings[name])) for name in ("measures", "times"))
    return measures, qaly(np.eye(len(times)), np.array(times, float), rate=float(cast(float, settings["rate"])))
