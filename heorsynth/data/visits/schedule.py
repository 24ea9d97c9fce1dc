"""Which columns hold which measure at which visit, and which columns are derived from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from heorsynth.core.errors import Problem, RoleError, nearest
from heorsynth.core.numbers import is_number
from heorsynth.data.visits.units import check_unit

AREA, TOTAL = "area", "total"

_DEATH = ("os", "death", "overall_survival", "dead", "died")
"""An endpoint of this name is death, unless another one is declared."""

_FORM = 'write visits={"eq5d": {0: "e0", 6: "e6", 12: ("e12", "e12_time")}}'


@dataclass(frozen=True)
class Derived:
    """A column that is calculated from the visits of a measure: `kind` is `AREA` or `TOTAL`."""

    kind: str
    measure: str
    rate: float = 0.0

    @property
    def text(self) -> str:
        """How the column is derived, in words."""
        of = "the area under" if self.kind == AREA else "the total of"
        return f"{of} {self.measure}" + (f", discounted at {self.rate:g} a year" if self.rate else "")


def area(measure: str, *, rate: float = 0.0) -> Derived:
    """Derive the area under a measure over the visits: utilities give QALYs.

    Parameters
    ----------
    measure : str       a key of `visits`
    rate : float        discount rate a year, such as 0.035

    Notes
    -----
    The area is the integral of the measure times (1 + rate)^-t over t in years, from the first planned visit to the
    last. The measure is linear between visits, its last value lasts until death, and it is 0 after death. The area is
    missing if the value of a visit that was planned up to death is missing.

    References
    ----------
    Drummond et al. (2015) Methods for the Economic Evaluation of Health Care Programmes, 4th ed., chapters 4 and 5.

    Examples
    --------
    >>> area("eq5d", rate=0.035).text
    'the area under eq5d, discounted at 0.035 a year'
    """
    return Derived(AREA, str(measure), _rate(rate))


def total(measure: str, *, rate: float = 0.0) -> Derived:
    """Derive the total of a measure over the visits: costs by period give the cost.

    Parameters
    ----------
    measure : str       a key of `visits`: each value is the amount of the period that ends with the visit
    rate : float        discount rate a year; each amount is discounted from its planned visit

    Examples
    --------
    >>> total("cost").text
    'the total of cost'
    """
    return Derived(TOTAL, str(measure), _rate(rate))


def _rate(rate: object) -> float:
    if not is_number(rate) or not 0 <= float(rate) < 1:
        raise RoleError("cohort", Problem("derived: rate", "is not a share from 0 to 1", "write rate=0.035 for 3.5%"))
    return float(rate)


@dataclass(frozen=True)
class Schedule:
    """The visits of a cohort.

    Attributes
    ----------
    visits : Mapping         measure to its visits, as pairs of planned time and column, in the order of time
    times : Mapping          column of a value to the column of the time at which the visit took place
    unit : str, optional     unit of all these times; by default that of the cohort
    death : str, optional    the endpoint whose event is death
    derived : Mapping        column to how it is derived
    """

    visits: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    death: str | None = None
    derived: Mapping[str, Derived] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.visits)

    @property
    def values(self) -> tuple[str, ...]:
        """The columns of the values of all visits."""
        return tuple(column for held in self.visits.values() for _, column in held)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of all values and times, and those derived from them, each once."""
        return tuple(dict.fromkeys((*self.values, *self.times.values(), *self.derived)))

    @property
    def later(self) -> frozenset[str]:
        """The columns that are not yet known at the start: they are outcomes and no covariates."""
        baseline = {column for held in self.visits.values() for time, column in held if time <= 0}
        return frozenset(name for name in self.columns if name not in baseline)

    @property
    def periods(self) -> frozenset[str]:
        """The measures whose values are amounts of the period that ends with a visit: those that have a total."""
        return frozenset(one.measure for one in self.derived.values() if one.kind == TOTAL)

    def to_dict(self) -> dict[str, Any]:
        """The schedule as data for JSON."""
        return {
            "visits": [[measure, [list(pair) for pair in held]] for measure, held in self.visits.items()],
            "times": dict(self.times),
            "unit": self.unit,
            "death": self.death,
            "derived": {name: [one.kind, one.measure, one.rate] for name, one in self.derived.items()},
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Schedule:
        """The schedule that `to_dict` wrote."""
        visits = {
            measure: tuple((float(time), str(column)) for time, column in held) for measure, held in facts["visits"]
        }
        derived = {name: Derived(kind, measure, rate) for name, (kind, measure, rate) in facts["derived"].items()}
        return cls(visits, dict(facts["times"]), facts["unit"], facts["death"], derived)


def as_schedule(
    visits: object, derived: object, death: str | None, unit: str | None, endpoints: Sequence[str]
) -> Schedule:
    """Return the visits declared as in `Cohort`.

    Raises
    ------
    RoleError      a declaration has another form; planned times do not rise; there is no such measure or endpoint
    """
    if isinstance(visits, Schedule):
        own = replace(visits, death=death or visits.death, unit=unit or visits.unit)
        return replace(own, derived={**visits.derived, **_derived(derived, visits.visits)})
    if death is not None and death not in endpoints:
        raise RoleError("cohort", Problem("death", f"no endpoint {death!r}", nearest(death, endpoints)))
    if not visits:
        stray = {"derived": derived, "visit_unit": unit}
        if problems := [Problem(name, "there are no visits", _FORM) for name, held in stray.items() if held]:
            raise RoleError("cohort", problems)
        return Schedule(death=death)
    if not isinstance(visits, Mapping):
        raise RoleError("cohort", Problem("visits", "is not of the form {measure: {time: column}}", _FORM))
    held, times = dict[str, tuple[tuple[float, str], ...]](), dict[str, str]()
    for measure, columns in visits.items():
        held[str(measure)], more = _measure(str(measure), columns)
        times |= more
    named = next((name for name in endpoints if name.lower() in _DEATH), None) if death is None else death
    return Schedule(
        held, times, None if unit is None else check_unit(unit, "visit_unit"), named, _derived(derived, held)
    )


def with_visits(visits: Mapping[str, Mapping[float, str]], roles: Mapping[str, object]) -> dict[str, object]:
    """Return the visits of a source as a role, if the declared roles say what is derived from them or in which unit.

    Without either, their columns are covariates: only the user knows that planned times and follow-up have one unit.
    """
    several = {measure: held for measure, held in visits.items() if len(held) > 1}
    return {"visits": several} if several and {"derived", "visit_unit"}.intersection(roles) else {}


def _measure(measure: str, declared: Any) -> tuple[tuple[tuple[float, str], ...], dict[str, str]]:
    """Return the visits of one measure, and the column of the time of each that has one."""
    where = f"visits: {measure}"
    if not isinstance(declared, Mapping):
        pairs = list(declared) if isinstance(declared, Sequence) and not isinstance(declared, str) else []
        if not pairs or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
            raise RoleError("cohort", Problem(where, "is not of the form {time: column}", _FORM))
    else:
        pairs = list(declared.items())
    found, times = list[tuple[float, str]](), dict[str, str]()
    for moment, column in pairs:
        parts = [column] if isinstance(column, str) else list(column) if isinstance(column, (list, tuple)) else []
        if not is_number(moment) or len(parts) not in (1, 2) or not all(isinstance(part, str) for part in parts):
            raise RoleError("cohort", Problem(where, "is not of the form {time: column}", _FORM))
        found.append((float(moment), parts[0]))
        times |= {parts[0]: parts[1]} if len(parts) == 2 else {}
    if len(found) < 2:
        raise RoleError("cohort", Problem(where, "has fewer than two visits", _FORM))
    if any(before >= after for (before, _), (after, _) in pairwise(found)):
        raise RoleError("cohort", Problem(where, "its times do not increase", "name the visits in the order of time"))
    return tuple(found), times


def _of(kind: str, plain: Mapping[str, Any]) -> Derived:
    return Derived(kind, str(plain[kind]), _rate(plain.get("rate", 0.0)))


def _derived(declared: Any, visits: Mapping[str, object]) -> dict[str, Derived]:
    form = 'write derived={"qaly": hs.area("eq5d", rate=0.035)}'
    paste = "write derived: {qaly: {area: eq5d, rate: 0.035}}"
    if not declared:
        return {}
    if not isinstance(declared, Mapping):
        raise RoleError("cohort", Problem("derived", "is not of the form {column: area or total}", form, paste))
    found: dict[str, Derived] = {}
    for name, plain in declared.items():
        kinds = [kind for kind in (AREA, TOTAL) if isinstance(plain, Mapping) and kind in plain]
        if not isinstance(plain, Derived) and (len(kinds) != 1 or not set(plain) <= {kinds[0], "rate"}):
            raise RoleError("cohort", Problem(f"derived: {name}", "is no area and no total", form, paste))
        one = plain if isinstance(plain, Derived) else _of(kinds[0], plain)
        if one.measure not in visits:
            problem = Problem(f"derived: {name}", f"no measure {one.measure!r}", nearest(one.measure, visits))
            raise RoleError("cohort", problem)
        found[str(name)] = one
    return found
