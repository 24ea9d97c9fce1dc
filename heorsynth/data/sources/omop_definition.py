"""The definition of a cohort in an OMOP database: one readable YAML page, checked before the database is opened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from heorsynth.core.errors import FileError, Problem, nearest
from heorsynth.core.yaml_lines import Path_, line_of, read_yaml

_DOMAINS = ("condition", "drug", "procedure")
"""The domains that an event may be of."""


def _window(days: tuple[int, int]) -> tuple[int, int]:
    if days[0] > days[1]:
        raise PydanticCustomError("window", "the first day comes after the last: write [first, last]")
    return days


_Window = Annotated[tuple[int, int], AfterValidator(_window)]
"""The first and the last day, counted from the index date; negative days lie before it."""

_Id = Annotated[int, Field(ge=0, le=2**31 - 1)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
_ArmName = Annotated[str, Field(min_length=1, max_length=60)]


class _Part(BaseModel):
    """A part of a definition: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _ConceptSet(_Part):
    """Concepts, with all their descendants unless `descendants` is false."""

    concepts: list[_Id] = Field(min_length=1)
    descendants: bool = True


class Event(_Part):
    """An event of one domain: a condition, drug or procedure of a concept set."""

    condition: str | None = None
    drug: str | None = None
    procedure: str | None = None

    @model_validator(mode="after")
    def _one_domain(self) -> Event:
        if len(self.given) != 1:
            raise PydanticCustomError("event", "name one of condition, drug and procedure, with its concept set")
        return self

    @property
    def given(self) -> tuple[str, ...]:
        """The domains that are given; a valid event has one."""
        return tuple(domain for domain in _DOMAINS if getattr(self, domain) is not None)

    @property
    def domain(self) -> str:
        """The event's domain."""
        return self.given[0]

    @property
    def concept_set(self) -> str:
        """The name of its concept set."""
        return str(getattr(self, self.domain))


class EventInWindow(Event):
    """An event in a window of days around the index date."""

    days: _Window = (0, 0)


class _Index(_Part):
    """The index event: the first one with so many days of observation before it and none of its kind in them."""

    event: Event
    washout: Annotated[int, Field(ge=0)] = 365
    first_day: date | None = Field(default=None, alias="from")
    last_day: date | None = Field(default=None, alias="to")


class Endpoint(_Part):
    """An endpoint: the first event after the index date, or death. `competing: death` makes death a second cause."""

    condition: str | None = None
    drug: str | None = None
    procedure: str | None = None
    death: Literal[True] | None = None
    competing: Literal["death"] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Endpoint:
        if sum(getattr(self, kind) is not None for kind in (*_DOMAINS, "death")) != 1:
            raise PydanticCustomError("endpoint", "name one of condition, drug and procedure, or write death: true")
        if self.death and self.competing:
            raise PydanticCustomError("endpoint", "death does not compete with death: leave competing out")
        return self

    @property
    def event(self) -> Event | None:
        """The event; None for death."""
        given = {domain: getattr(self, domain) for domain in _DOMAINS if getattr(self, domain) is not None}
        return Event(**given) if given else None


class _Cost(_Part):
    """A cost: the sum of one amount of `cost` over records of some domains, in a window of days, while observed."""

    days: _Window
    of: list[Literal["visit", "drug", "procedure", "condition", "measurement", "observation", "device"]] = Field(
        default=["visit", "drug", "procedure"], min_length=1
    )
    amount: Literal["total_paid", "total_cost", "total_charge", "paid_by_payer", "paid_by_patient"] = "total_paid"


class Prior(_Part):
    """Covariates from history: one true-or-false column for each concept that enough patients have in a window."""

    days: _Window = (-365, -1)
    at_least: Annotated[int, Field(ge=5)] = 100
    most: Annotated[int, Field(ge=1, le=500)] = 50


class _Covariates(_Part):
    """Covariates at the index date."""

    demographics: list[Literal["age", "sex", "race", "ethnicity"]] = ["age", "sex", "race", "ethnicity"]
    conditions: Prior | None = None
    drugs: Prior | None = None

    @property
    def asks_for_names(self) -> bool:
        """Whether a covariate is named by its concept."""
        return bool(set(self.demographics) - {"age"} or self.conditions or self.drugs)


class Measure(_Part):
    """A measure of the visits: the record nearest to each day, at most `within` days away."""

    measurement: str
    at: list[int] = Field(min_length=1)
    within: Annotated[int, Field(ge=0)] = 30

    @model_validator(mode="after")
    def _increasing(self) -> Measure:
        if any(later <= earlier for earlier, later in zip(self.at[:-1], self.at[1:], strict=True)):
            raise PydanticCustomError("times", "the days do not increase")
        return self


class Definition(_Part):
    """A cohort in an OMOP database: who enters when, in which arm, what is followed, and until when.

    Follow-up ends with the observation period, with death, or after `follow_up` days, whatever comes first.
    """

    concept_sets: dict[_Name, _ConceptSet | list[_Id]]
    index: _Index
    age: tuple[int, int] | None = None
    exclude: dict[_Name, EventInWindow] = {}
    arms: dict[_ArmName, EventInWindow] = {}
    otherwise: _ArmName | None = None
    endpoints: dict[_Name, Endpoint] = Field(min_length=1)
    follow_up: Annotated[int, Field(ge=1)] | None = None
    costs: dict[_Name, _Cost] = {}
    covariates: _Covariates = _Covariates()
    visits: dict[_Name, Measure] = {}

    def concepts(self, name: str) -> _ConceptSet:
        """Return a concept set; a list of concepts is taken with its descendants."""
        held = self.concept_sets[name]
        return held if isinstance(held, _ConceptSet) else _ConceptSet(concepts=held)

    @property
    def used(self) -> list[tuple[Path_, str, str]]:
        """Where each concept set is used: the path of the key, the domain, and the name of the set."""
        found: list[tuple[Path_, str, str]] = [
            (("index", "event"), self.index.event.domain, self.index.event.concept_set)
        ]
        for part, events in (("exclude", self.exclude), ("arms", self.arms)):
            found += [((part, name), event.domain, event.concept_set) for name, event in events.items()]
        for name, endpoint in self.endpoints.items():
            if endpoint.event is not None:
                found.append((("endpoints", name), endpoint.event.domain, endpoint.event.concept_set))
        found += [(("visits", name), "measurement", measure.measurement) for name, measure in self.visits.items()]
        return found

    @property
    def asks_for_death(self) -> bool:
        """Whether an endpoint is death, or competes with it."""
        return any(one.death or one.competing for one in self.endpoints.values())


def as_definition(given: str | Path | Mapping[str, object] | Definition) -> Definition:
    """Return a definition from a YAML file or from plain data.

    Raises
    ------
    FileError      the file cannot be read, or a key or value is wrong; each problem names its line or its key, and the
                   nearest valid name

    Examples
    --------
    >>> as_definition({"concept_sets": {"mi": [4329847]}, "index": {"event": {"condition": "mi"}},
    ...                "endpoints": {"death": {"deth": True}}})
    Traceback (most recent call last):
    heorsynth.core.errors.FileError: cohort definition has 1 problem
      1. endpoints.death.deth: unknown key
          fix: did you mean 'death'?
    """
    if isinstance(given, Definition):
        return given
    if isinstance(given, Mapping):
        return _checked(given, "cohort definition", {})
    path = Path(given)
    plain, lines, _ = read_yaml(path)
    return _checked(plain, f"cohort definition {path.name!r}", lines)


def _checked(plain: Mapping[str, object], subject: str, lines: dict[Path_, int]) -> Definition:
    problems: list[Problem] = []
    definition = None
    try:
        definition = Definition.model_validate(dict(plain))
    except ValidationError as error:
        problems = [_problem(dict(item), lines) for item in error.errors(include_input=False, include_url=False)]
    if definition is not None:
        problems = _unknown_sets(definition, lines)
    if problems or definition is None:
        unique = {str(one): one for one in problems}
        raise FileError(subject, sorted(unique.values(), key=lambda one: one.where))
    return definition


def _problem(item: Mapping[str, Any], lines: dict[Path_, int]) -> Problem:
    at: Path_ = tuple(part for part in item["loc"] if not str(part).startswith(("list[", "_ConceptSet")))
    place = _place(at, lines)
    if item["type"] == "extra_forbidden":
        return Problem(place, "unknown key", nearest(str(at[-1]), _keys_of(at[:-1])))
    if item["type"] == "missing":
        return Problem(place, "is missing", "give it")
    return Problem(place, str(item["msg"]).removeprefix("Value error, "))


def _keys_of(at: Path_) -> list[str]:
    """Return the keys that the part at a path may have."""
    part: type[BaseModel] = Definition
    parts: dict[str, type[BaseModel]] = {
        "index": _Index, "event": Event, "exclude": EventInWindow, "arms": EventInWindow, "endpoints": Endpoint,
        "costs": _Cost, "covariates": _Covariates, "conditions": Prior, "drugs": Prior, "visits": Measure,
        "concept_sets": _ConceptSet,
    }  # fmt: skip
    for key in at:
        part = parts.get(str(key), part)
    return [field.alias or name for name, field in part.model_fields.items()]


def _unknown_sets(definition: Definition, lines: dict[Path_, int]) -> list[Problem]:
    """Return the concept sets that are used and not defined, and an arm for the others without any arm."""
    problems = [
        Problem(_place((*at, domain), lines), f"no concept set {name!r}", nearest(name, definition.concept_sets))
        for at, domain, name in definition.used
        if name not in definition.concept_sets
    ]
    if definition.otherwise is not None and not definition.arms:
        problems.append(Problem(_place(("otherwise",), lines), "names an arm, and there are no arms", "add arms"))
    return problems


def _place(at: Path_, lines: dict[Path_, int]) -> str:
    path = ".".join(map(str, at))
    return f"line {line_of(lines, at)}, {path}" if lines else path
