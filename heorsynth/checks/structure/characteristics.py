"""Characteristics as a baseline table states them: means and shares, in standard deviations of the patients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from heorsynth.checks.core.finding import Finding
from heorsynth.checks.core.question import Ask
from heorsynth.checks.structure.columns import is_numeric, levels_of, numbers
from heorsynth.core.estimate import Estimate
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.kinds import MAX_LEVELS


def characteristics(ask: Ask) -> list[Finding]:
    """Return the mean of each numeric covariate and the share of each level, in standard deviations of the patients."""
    real = ask.scope.real
    names = [name for name in dict.fromkeys([*real.schema.subgroups, *real.covariates])]
    return [finding for name in names for finding in _of_column(ask, real, name)]


def _of_column(ask: Ask, real: Cohort, name: str) -> Iterator[Finding]:
    if is_numeric(real, name):
        spread = float(np.nanstd(numbers(real, name), ddof=1))
        if spread > 0:
            question = ask.question(f"mean of {name}", column=name, unit="SD")
            yield question.judge(partial(_standardised_mean, name=name, spread=spread))
        return
    levels = levels_of(real, name)
    for level in levels[1:] if len(levels) == 2 else levels if len(levels) <= MAX_LEVELS else ():
        share = float(np.mean(real.levels(name) == level))
        question = ask.question(f"share of {name}={level}", column=name, unit="SD")
        yield question.judge(partial(_standardised_share, name=name, level=level, spread=spread_of_share(share)))


def _standardised_mean(cohort: Cohort, name: str, spread: float) -> Estimate:
    """Return the mean of a column over the known values, divided by `spread`."""
    known = numbers(cohort, name)
    known = known[~np.isnan(known)]
    error = float(np.std(known, ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else math.nan
    value = float(np.mean(known)) if len(known) else math.nan
    return Estimate.normal(value / spread, error / spread, n_used=len(known), unit="SD")


def _standardised_share(cohort: Cohort, name: str, level: str, spread: float) -> Estimate:
    """Return the share of a level among the known values, divided by `spread`."""
    held = cohort.levels(name)
    known = held[held != ""]
    share = float(np.mean(known == level)) if len(known) else math.nan
    error = math.sqrt(share * (1 - share) / max(len(known), 1))
    return Estimate.normal(share / spread, error / spread, n_used=len(known), unit="SD")


def spread_of_share(share: float) -> float:
    """Return √(p(1 − p)), the standard deviation of an indicator; 1 for a share of 0 or 1.

    Examples
    --------
    >>> spread_of_share(0.5), spread_of_share(1.0)
    (0.5, 1.0)
    """
    return math.sqrt(share * (1 - share)) or 1.0
