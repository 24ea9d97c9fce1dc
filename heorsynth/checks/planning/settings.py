"""Checks of the settings of a margin: their types when it is read, their names when the cohort is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import cast

from heorsynth.checks.core.estimand import Estimand
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import columns
from heorsynth.checks.core.strata import Observed, patients_by
from heorsynth.core.errors import Problem, nearest
from heorsynth.core.numbers import is_number, is_whole

_METHODS = ("bang-tsiatis", "lin")
"""The estimators of a mean cost under censoring, for the setting `method`."""


def _above_zero(value: object) -> bool:
    return is_number(value) and float(value) > 0


def _share(value: object) -> bool:
    return is_number(value) and 0 < float(value) < 1


def _count(value: object) -> bool:
    return is_whole(value, 1)


def _names(value: object) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(name, str) for name in value)


def _rising(value: object) -> bool:
    """Return whether a value is a list of two or more times, increasing from 0."""
    if not isinstance(value, (list, tuple)) or len(value) < 2 or not all(map(is_number, value)) or value[0] != 0:
        return False
    return all(one < other for one, other in pairwise(value))


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


_Kind = tuple[Callable[[object], bool], str, str]
KINDS: Mapping[str, _Kind] = {
    "horizon": (_above_zero, "must be a time above 0", "write horizon: 3650, in the cohort's unit"),
    "lifetime": (_above_zero, "must be a time above 0", "write lifetime: 14600, in the cohort's unit"),
    "at": (_above_zero, "must be a time above 0", "write at: 365, in the cohort's unit"),
    "quantile": (_share, "must lie between 0 and 1", "0.95 is the 95th percentile"),
    "share": (_share, "must lie between 0 and 1", "0.05 is the top 5%"),
    "min_count": (_count, "must be a whole number above 0", "write min_count: 10"),
    "intersections": (
        _count,
        "must be a whole number above 0",
        "write intersections: 30",
    ),
    "intervals": (
        _names,
        "must be a list of cost columns, one for each interval",
        "write intervals: [cost_year_1, cost_year_2]",
    ),
    "measures": (
        _names,
        "must be a list of utility columns, one for each time",
        "write measures: [eq5d_0, eq5d_6m, eq5d_12m]",
    ),
    "quasi_identifiers": (
        _names,
        "must be a list of columns that an outsider may know",
        "write quasi_identifiers: [age, sex]",
    ),
    "times": (_rising, "must be a list of times in years, increasing from 0", "write times: [0, 0.5, 1]"),
    "rate": (
        lambda value: is_number(value) and -1 < float(value) < 1,
        "must be a rate per year between -1 and 1",
        "0.035 is 3.5% per year",
    ),
    "method": (lambda value: value in _METHODS, "no estimator of that name", f"use {' or '.join(_METHODS)}"),
    "impute": (
        lambda value: isinstance(value, bool) or value in ("complete", "impute") or is_whole(value, 2),
        "not a method for missing values",
        "write impute: true, a number of imputed data sets of 2 or more, or complete",
    ),
    "to_horizon": (lambda value: isinstance(value, bool), "must be true or false", "write to_horizon: true"),
}
"""Setting -> the test of its value, the problem if the test fails, and the fix."""


def setting_problems(estimand: Estimand, settings: Mapping[str, object]) -> list[Problem]:
    """Return the problems of the settings of a margin that do not depend on the cohort."""
    problems, key = [], estimand.key
    for name, (fits, wrong, fix) in KINDS.items():
        value = settings.get(name)
        if value is None:
            continue
        where = f"{key}: {name}"
        values = _listed(value) if name in estimand.several else [value]
        if not values:
            problems.append(Problem(where, "the list is empty", fix))
        elif not all(map(fits, values)):
            problems.append(Problem(where, wrong, fix))
    if settings.get("method") == "lin" and settings.get("intervals") is None:
        problems.append(Problem(f"{key}: method", "lin needs the cost of each interval", KINDS["intervals"][2]))
    if "measures" in settings:
        problems += _measured(key, settings)
    return problems


def _measured(key: str, settings: Mapping[str, object]) -> list[Problem]:
    """Return the problems of the columns and times of a QALY estimand."""
    lacking = [name for name in ("measures", "times") if settings.get(name) is None]
    if lacking:
        return [Problem(f"{key}: {name}", "is missing, and has no default", KINDS[name][2]) for name in lacking]
    if len(_listed(settings["measures"])) != len(_listed(settings["times"])):
        return [Problem(f"{key}: times", "each measure needs one time", KINDS["times"][2])]
    return []


def name_problems(key: str, margin: Margin, real: Observed) -> list[Problem]:
    """Return the problems of settings that name what the cohort does not have."""
    schema = real.schema
    derived = {*schema.identifiers, *schema.bands, *schema.totals}
    known: dict[str, Sequence[str]] = {
        "endpoint": tuple(schema.endpoints),
        "cost": schema.costs,
        "utility": schema.utilities,
        "measure": tuple(schema.visits),
        "intervals": schema.costs,
        "measures": schema.utilities,
        "quasi_identifiers": [name for name in columns(real) if name not in derived],
    }
    if "comparator" in margin.settings:  # an economic evaluation reports an unknown cost itself
        del known["cost"]
    problems = []
    for setting, names in known.items():
        declared = margin.settings.get(setting)
        if declared is not None:
            unknown = [str(name) for name in _listed(declared) if name not in names]
            problems += [
                Problem(f"{key}: {setting}", _unknown(setting, name), nearest(name, names)) for name in unknown
            ]
    least = margin.settings.get("intersections")
    if least is not None and not _held_together(real, int(cast(int, least))):
        fix = "declare two subgroups" if len(schema.subgroups) < 2 else "ask for fewer"
        problems.append(Problem(f"{key}: intersections", "no two levels have that many patients together", fix))
    return problems


def _unknown(setting: str, name: str) -> str:
    """Return what is wrong with a name that a setting has."""
    if setting == "quasi_identifiers":
        return f"no column {name!r} that can be known of a person (ids, bands and totals cannot be named)"
    return f"no {name!r} is declared"


def _held_together(real: Observed, least: int) -> bool:
    """Return whether any two levels of two subgroups have at least `least` patients together."""
    return any(
        count >= least and "" not in cell
        for pair in combinations(real.schema.subgroups, 2)
        for cell, count in patients_by(real, pair).items()
    )
