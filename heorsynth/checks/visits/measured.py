"""The visits of a cohort as arrays for the estimators."""

from __future__ import annotations

import numpy as np

from heorsynth.core.errors import NotEstimableError, Problem
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.cohort.visits import deaths, visit_arrays
from heorsynth.data.columns.arrays import Arrays
from heorsynth.data.visits.area import late
from heorsynth.data.visits.schedule import AREA
from heorsynth.data.visits.units import TIME_UNITS
from heorsynth.estimators.visits.trajectories import Outcome, Trajectories, area_weights

_TOLERANCE = 1e-3
"""A derived column may be rounded: to a thousandth of its size, or of 1."""


def trajectories(cohort: Cohort, measure: str) -> Trajectories:
    """Return the values of a measure at its planned visits; visits after death are marked.

    Raises
    ------
    NotEstimableError      the cohort has no such measure, or lacks one of its columns

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"u0": [0.8, 0.7, 0.6], "u1": [0.9, None, 0.5], "time": [2, 0.5, 2], "event": [0, 1, 0]})
    >>> cohort = Cohort(rows, endpoints={"os": ("time", "event")}, visits={"eq5d": {0: "u0", 1: "u1"}}, unit="year")
    >>> trajectories(cohort, "eq5d").alive.tolist()
    [[True, True], [True, False], [True, True]]
    """
    table = _table(cohort, measure)
    schema = cohort.schema
    plan, times, values = visit_arrays(table, schema, measure)
    after = late(plan, deaths(table, schema), periods=measure in schema.schedule.periods, times=times)
    return Trajectories(plan, values, after)


def outcome(cohort: Cohort, column: str) -> Outcome:
    """Return a derived column as an outcome that is linear in the values of its measure."""
    schema = cohort.schema
    one = schema.derived[column]
    seen = trajectories(cohort, one.measure)
    years = TIME_UNITS[schema.visit_unit] / TIME_UNITS["year"]
    if one.kind == AREA:
        table = _table(cohort, one.measure)
        _, moments, _ = visit_arrays(table, schema, one.measure)
        death = deaths(table, schema)
        weights = area_weights(seen.times, death, rate=one.rate, years=years, moments=moments)
    else:
        weights = np.broadcast_to((1 + one.rate) ** -(seen.times * years), seen.values.shape)
    return Outcome(seen, weights)


def contradicts(cohort: Cohort, measure: str) -> np.ndarray:
    """Return whether each row (n,) has a value after death, or a derived column that is not what its visits give.

    Notes
    -----
    In the period of death an amount that is not known counts nothing, as in the derived total.
    """
    seen = trajectories(cohort, measure)
    found = (np.isfinite(seen.values) & seen.late).any(axis=1)
    for name, one in cohort.schema.derived.items():
        if one.measure == measure and cohort.has(name):
            stored, made = cohort.column(name).astype(float), outcome(cohort, name)
            wanted = made.of(np.nan_to_num(seen.values))
            given = np.isfinite(stored)
            found |= given & (
                np.abs(stored - np.where(given, wanted, 0.0)) > _TOLERANCE * np.maximum(np.abs(wanted), 1)
            )
    return np.asarray(found)


def _table(cohort: Cohort, measure: str) -> Arrays:
    lacking = [column for _, column in cohort.schema.visits.get(measure, ()) if not cohort.has(column)]
    if measure not in cohort.schema.visits or lacking:
        raise NotEstimableError("visits", Problem(measure, "the cohort lacks a visit of this measure"))
    return Arrays(cohort.rows)
