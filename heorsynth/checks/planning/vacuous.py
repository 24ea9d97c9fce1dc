"""Margins so wide, for this cohort, that hardly any synthetic cohort could miss them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

import numpy as np

from heorsynth.checks.core.margin import HALF, Margin
from heorsynth.checks.core.observed import Observed, moments, ranked, weighted
from heorsynth.checks.costs.utilities import areas
from heorsynth.checks.economics.arms import thresholds
from heorsynth.checks.survival.extrapolation import lifetime_of
from heorsynth.checks.survival.horizon import default_horizon, horizon_of
from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.core.estimate import significant
from heorsynth.estimators.costs.costs import Moments


def vacuous(key: str, margin: Margin, real: Observed) -> list[Problem]:
    """What is wrong with an absolute margin that is half as wide as what it is a margin of, or wider.

    Notes
    -----
    What it is a margin of: the horizon for times, the longest of them that is looked at for a lifetime, the real mean
    for costs and utilities, the real quantile, the threshold for a net benefit. Where several are looked at, the
    smallest counts. Shares and ratios have fixed limits (`Estimand.limit`), and a relative margin has the same: half.
    """
    if margin.scale != "absolute" or key not in OF:
        return []
    what, references = OF[key]
    sizes = [size for size in references(margin, real) if math.isfinite(size) and size > 0]
    if not sizes or margin.width < HALF * min(sizes):
        return []
    limit = significant(HALF * min(sizes), 2)
    return [
        Problem(f"{key}: absolute", f"so wide that the check is vacuous: half of {what}", f"give less than {limit}")
    ]


References = Callable[[Margin, Observed], Iterable[float]]


def _endpoints(margin: Margin, real: Observed) -> list[str]:
    return [name for name in real.schema.endpoints if margin.settings.get("endpoint") in (None, name)]


def _horizons(margin: Margin, real: Observed) -> list[float]:
    return [horizon_of(real, name, margin) for name in _endpoints(margin, real)]


def _followed(margin: Margin, real: Observed) -> list[float]:
    return [default_horizon(real, name) for name in _endpoints(margin, real)]


def _lifetimes(margin: Margin, real: Observed) -> list[float]:
    return [lifetime_of(real, name, margin) for name in _endpoints(margin, real)]


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


OF: Mapping[str, tuple[str, References]] = {
    "survival.rmst": ("the horizon", _horizons),
    "survival.rmst_difference": ("the horizon", _horizons),
    "survival.censoring": ("the horizon", _horizons),
    "survival.median": ("the default horizon", _followed),
    "survival.reach": ("the default horizon", _followed),
    "survival.extrapolation": ("the lifetime", _lifetimes),
    "costs.mean": ("the real mean", _costs),
    "costs.difference": ("the real mean", _costs),
    "costs.censored_mean": ("the real mean", _costs),
    "costs.quantile": ("the real quantile", _quantiles),
    "costs.cv": ("the real value", _variations),
    "utilities.mean": ("the real mean", _utilities),
    "utilities.qaly": ("the real mean", _areas),
    "economics.incremental_cost": ("the real mean cost", _costs),
    "economics.incremental_qaly": ("the real mean effect", _utilities),
    "economics.inmb": ("the threshold", lambda margin, real: thresholds(margin.settings)),
}
"""Key to what its absolute margin is a margin of, in words and in numbers."""
