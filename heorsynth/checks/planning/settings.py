"""What the settings of a margin may be: of the right kind as it is read, names the cohort has as it is planned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import cast

from heorsynth.checks.core.estimand import Estimand
from heorsynth.checks.core.margin import Margin
from heorsynth.checks.core.observed import Observed, patients_by
from heorsynth.core.errors import Problem, nearest
from heorsynth.core.numbers import is_number, is_whole

METHODS = ("bang-tsiatis", "lin")
"""The estimators of a mean cost under censoring that a margin may name."""


def _above_zero(value: object) -> bool:
    return is_number(value) and float(value) > 0


def _share(value: object) -> bool:
    return is_number(value) and 0 < float(value) < 1


def _count(value: object) -> bool:
    return is_whole(value, 1)


def _names(value: object) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(name, str) for name in value)


def _rising(value: object) -> bool:
    """Whether a value is a list of two times or more that rise from 0."""
    if not isinstance(value, (list, tuple)) or len(value) < 2 or not all(map(is_number, value)) or value[0] != 0:
        return False
    return all(one < other for one, other in pairwise(value))


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


Kind = tuple[Callable[[object], bool], str, str]
KINDS: Mapping[str, Kind] = {
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
        "must be a list of cost columns, one an interval",
        "write intervals: [cost_year_1, cost_year_2]",
    ),
    "measures": (
        _names,
        "must be a list of utility columns, one a time",
        "write measures: [eq5d_0, eq5d_6m, eq5d_12m]",
    ),
    "times": (_rising, "must be a list of times in years that rise from 0", "write times: [0, 0.5, 1]"),
    "rate": (
        lambda value: is_number(value) and -1 < float(value) < 1,
        "must be a rate a year between -1 and 1",
        "0.035 is 3.5% a year",
    ),
    "method": (lambda value: value in METHODS, "no estimator of that name", f"use {' or '.join(METHODS)}"),
    "to_horizon": (lambda value: isinstance(value, bool), "must be true or false", "write to_horizon: true"),
}
"""Setting to what its value must be, what is wrong with any other, and what to write."""


def setting_problems(estimand: Estimand, settings: Mapping[str, object]) -> list[Problem]:
    """What is wrong with the settings of a margin, whatever the cohort."""
    problems, key = [], estimand.key
    for name, (fits, wrong, fix) in KINDS.items():
        value = settings.get(name)
        if value is None:
            continue
        where = f"{key}: {name}"
        values = _listed(value) if name in estimand.several else [value]
        if not values:
            problems.append(Problem(where, "an empty list asks nothing", fix))
        elif not all(map(fits, values)):
            problems.append(Problem(where, wrong, fix))
    if settings.get("method") == "lin" and settings.get("intervals") is None:
        problems.append(Problem(f"{key}: method", "lin needs the cost of each interval", KINDS["intervals"][2]))
    if "measures" in settings:
        problems += _measured(key, settings)
    return problems


def _measured(key: str, settings: Mapping[str, object]) -> list[Problem]:
    """What is wrong with the columns and times of QALYs, taken together."""
    lacking = [name for name in ("measures", "times") if settings.get(name) is None]
    if lacking:
        return [Problem(f"{key}: {name}", "is not said, and has no default", KINDS[name][2]) for name in lacking]
    if len(_listed(settings["measures"])) != len(_listed(settings["times"])):
        return [Problem(f"{key}: times", "one time is needed for each of the measures", KINDS["times"][2])]
    return []


def name_problems(key: str, margin: Margin, real: Observed) -> list[Problem]:
    """The settings of a margin that name what a cohort does not have."""
    schema = real.schema
    known: dict[str, Sequence[str]] = {
        "endpoint": tuple(schema.endpoints),
        "cost": schema.costs,
        "utility": schema.utilities,
        "intervals": schema.costs,
        "measures": schema.utilities,
    }
    if "comparator" in margin.settings:  # an economic evaluation tells of an unknown cost itself
        del known["cost"]
    problems = []
    for setting, names in known.items():
        declared = margin.settings.get(setting)
        if declared is not None:
            unknown = [str(name) for name in _listed(declared) if name not in names]
            problems += [
                Problem(f"{key}: {setting}", f"no {name!r} is declared", nearest(name, names)) for name in unknown
            ]
    least = margin.settings.get("intersections")
    if least is not None and not _held_together(real, int(cast(int, least))):
        fix = "declare two subgroups" if len(schema.subgroups) < 2 else "ask for fewer"
        problems.append(Problem(f"{key}: intersections", "no two levels that so many patients have together", fix))
    return problems


def _held_together(real: Observed, least: int) -> bool:
    """Whether so many patients have some two levels of two subgroups together."""
    return any(
        count >= least and "" not in cell
        for pair in combinations(real.schema.subgroups, 2)
        for cell, count in patients_by(real, pair).items()
    )
