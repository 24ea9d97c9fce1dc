"""The references of absolute margins of costs, utilities and net benefits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np

from heorsynth.checks.core.estimand import Reference
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import moments, ranked, weighted
from heorsynth.checks.core.strata import Observed
from heorsynth.checks.costs.utilities import areas
from heorsynth.core.errors import NotEstimableError
from heorsynth.estimators.costs.costs import Moments


def _chosen(names: Iterable[str], setting: str, margin: Margin) -> list[str]:
    return [name for name in names if margin.settings.get(setting) in (None, name)]


def _known(names: Iterable[str], setting: str, margin: Margin, real: Observed) -> list[Moments]:
    found = []
    for name in _chosen(names, setting, margin):
        with suppress(NotEstimableError):
            found.append(moments(real, name, 1))
    return found


def _costs(margin: Margin, real: Observed) -> list[float]:
    return [spent.mean for spent in _known(real.schema.costs, "cost", margin, real)]


def _quantiles(margin: Margin, real: Observed) -> list[float]:
    shares, found = np.atleast_1d(np.asarray(margin.settings["quantile"], float)), []
    for name in _chosen(real.schema.costs, "cost", margin):
        with suppress(NotEstimableError):
            found += ranked(real, name).between(shares).tolist()
    return found


def _variations(margin: Margin, real: Observed) -> list[float]:
    known = _known(real.schema.costs, "cost", margin, real)
    return [math.sqrt(spent.variance) / spent.mean for spent in known if spent.mean > 0 and spent.n > 1]


def _utilities(margin: Margin, real: Observed) -> list[float]:
    setting = "utility" if "utility" in margin.settings else "effect"
    return [abs(value.mean) for value in _known(real.schema.utilities, setting, margin, real)]


def _areas(margin: Margin, real: Observed) -> Iterator[float]:
    with suppress(NotEstimableError):
        yield abs(weighted(real, *areas(margin)).mean)


OF_MEAN_COST = Reference("the real mean", _costs)
OF_QUANTILE = Reference("the real quantile", _quantiles)
OF_VARIATION = Reference("the real value", _variations)
OF_MEAN_UTILITY = Reference("the real mean", _utilities)
OF_MEAN_QALY = Reference("the real mean", _areas)
"""The references of costs and utilities; those of an economic evaluation are in `economics.estimands`."""
