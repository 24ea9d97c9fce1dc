"""The declared roles of a cohort's columns: endpoints, arm, costs, utilities, subgroups, time units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from heorsynth.core.errors import Problem, RoleError
from heorsynth.core.numbers import is_number, is_whole
from heorsynth.data.columns.rule_choice import RuleChoice, as_rule_choice
from heorsynth.data.visits.schedule import Derived, Schedule, as_schedule
from heorsynth.data.visits.units import check_currency, check_price_year, check_unit

NUMBER, CODE, DATE = "number", "code", "date"
KINDS = (NUMBER, CODE, DATE)
"""The kinds a column may be declared as: quantities, codes, or dates."""


@dataclass(frozen=True)
class Endpoint:
    """A time-to-event outcome: the columns of its follow-up and of how it ended.

    Codes in the event column are 0 = censored, 1 = the event of interest, 2.. = competing causes.
    """

    name: str
    time: str
    event: str
    causes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Band:
    """A subgroup column that is cut from a numeric column, such as age_group from age.

    A value x falls in the first band whose upper edge exceeds it: with edges (40, 60) and labels
    ("<40", "40-59", "60+"), 40 belongs to "40-59".
    """

    source: str
    edges: tuple[float, ...]
    labels: tuple[str, ...]

    @property
    def typical(self) -> dict[str, float]:
        """A number inside each band: its middle, or a number near the edge of an open band."""
        step = (self.edges[-1] - self.edges[0]) / 10 or 1.0
        ends = [self.edges[0] - 2 * step, *self.edges, self.edges[-1] + 2 * step]
        return {label: (low + high) / 2 for label, low, high in zip(self.labels, ends[:-1], ends[1:], strict=True)}


@dataclass(frozen=True)
class Schema:
    """The declared roles of a cohort's columns: names and units, without any patient's value."""

    endpoints: Mapping[str, Endpoint]
    arm: str | None = None
    arm_reference: str | None = None
    costs: tuple[str, ...] = ()
    utilities: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = ()
    id: str | None = None
    entry: str | None = None
    unit: str = "day"
    currency: str | None = None
    price_year: int | None = None
    bands: Mapping[str, Band] = field(default_factory=dict)
    order: tuple[tuple[str, str], ...] = ()
    totals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kind: Mapping[str, str] = field(default_factory=dict, compare=False)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    rules: RuleChoice = field(default=RuleChoice(), compare=False)
    cluster: str | None = None
    schedule: Schedule = field(default=Schedule())

    @property
    def visits(self) -> Mapping[str, tuple[tuple[float, str], ...]]:
        """Measure to its visits, as pairs of planned time (in `visit_unit`) and column."""
        return self.schedule.visits

    @property
    def derived(self) -> Mapping[str, Derived]:
        """Column to how it is derived from visits."""
        return self.schedule.derived

    @property
    def visit_unit(self) -> str:
        """The unit of the times of visits: that of follow-up, unless another one is declared."""
        return self.schedule.unit or self.unit

    def holds_levels(self, name: str) -> bool:
        """Return True if a column's role or declaration says that its values are levels, whatever their type."""
        role = name in (self.arm, self.cluster) or name in self.subgroups or name in self.events
        return role or name in self.levels or self.kind.get(name) == CODE

    @property
    def money(self) -> str:
        """The unit of costs, such as "EUR 2024"; empty if none was declared."""
        return " ".join(str(part) for part in (self.currency, self.price_year) if part is not None)

    def unit_of(self, name: str) -> str:
        """Return the unit of a cost or utility column: the currency, "QALY" if its name contains it, else "".

        A utility is an index without a unit, and a QALY is a utility times years. Only the name can tell them apart.

        Examples
        --------
        >>> schema = Schema(endpoints={}, costs=("cost",), utilities=("QALYs_5y", "eq5d"), currency="EUR")
        >>> [schema.unit_of(name) for name in ("cost", "QALYs_5y", "eq5d")]
        ['EUR', 'QALY', '']
        """
        if name in self.costs:
            return self.money
        return "QALY" if "qaly" in name.lower() else ""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns with a role, each once."""
        named: list[str | None] = [self.id, self.arm, self.entry, self.cluster]
        for endpoint in self.endpoints.values():
            named += [endpoint.time, endpoint.event]
        named += [*self.costs, *self.utilities, *self.subgroups, *self.schedule.columns]
        return tuple(dict.fromkeys(name for name in named if name is not None))

    @property
    def identifiers(self) -> frozenset[str]:
        """The columns whose values only name a patient or a cluster: no analysis is of them, and no rule."""
        return frozenset(name for name in (self.id, self.cluster) if name is not None)

    @property
    def strata(self) -> tuple[str, ...]:
        """The arm, if there is one, and the subgroups: the columns by which rows can be requested."""
        return tuple(dict.fromkeys((*(() if self.arm is None else (self.arm,)), *self.subgroups)))

    @property
    def times(self) -> tuple[str, ...]:
        """The time columns of all endpoints, each once."""
        return tuple(dict.fromkeys(endpoint.time for endpoint in self.endpoints.values()))

    @property
    def events(self) -> tuple[str, ...]:
        """The event columns of all endpoints, each once."""
        return tuple(dict.fromkeys(endpoint.event for endpoint in self.endpoints.values()))

    @property
    def numeric(self) -> tuple[str, ...]:
        """Columns that always hold numbers: times, entry, costs, utilities, totals, parts, and declared numbers."""
        entry = () if self.entry is None else (self.entry,)
        totals = [*(part for total, parts in self.totals.items() for part in (total, *parts)), *self.schedule.columns]
        declared = (name for name, kind in self.kind.items() if kind == NUMBER)
        return tuple(dict.fromkeys((*self.times, *entry, *self.costs, *self.utilities, *totals, *declared)))

    @property
    def roles(self) -> dict[str, Any]:
        """The roles as the arguments of `Cohort`."""
        return {name: held for name, held in vars(self).items() if name != "schedule"} | {"visits": self.schedule}

    def with_roles(self, **changes: Any) -> Schema:
        """Return the schema with some roles changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the roles as JSON-ready data: rules, a cluster and visits only if they are declared."""
        facts = asdict(self) | {"schedule": self.schedule.to_dict()}
        blank = Schema({})
        left_out = {name: getattr(self, name) == getattr(blank, name) for name in ("rules", "cluster", "schedule")}
        return {name: fact for name, fact in facts.items() if not left_out.get(name)}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Schema:
        """Read the roles that `to_dict` wrote."""
        endpoints = {
            name: Endpoint(part["name"], part["time"], part["event"], {int(k): v for k, v in part["causes"].items()})
            for name, part in facts["endpoints"].items()
        }
        bands = {
            name: Band(part["source"], tuple(part["edges"]), tuple(part["labels"]))
            for name, part in facts["bands"].items()
        }
        return cls(
            endpoints=endpoints,
            bands=bands,
            order=tuple((first, last) for first, last in facts["order"]),
            totals={total: tuple(parts) for total, parts in facts["totals"].items()},
            kind=dict(facts["kind"]),
            levels={name: tuple(levels) for name, levels in facts["levels"].items()},
            costs=tuple(facts["costs"]),
            utilities=tuple(facts["utilities"]),
            rules=RuleChoice(**{name: tuple(texts) for name, texts in facts.get("rules", {}).items()}),
            subgroups=tuple(facts["subgroups"]),
            cluster=facts.get("cluster"),
            schedule=Schedule.from_dict(facts["schedule"]) if "schedule" in facts else Schedule(),
            **{name: facts[name] for name in ("arm", "arm_reference", "id", "entry", "unit", "currency", "price_year")},
        )


def schema_of(
    *,
    endpoints: Mapping[str, object],
    arm: str | None = None,
    arm_reference: object = None,
    costs: str | Sequence[str] | None = None,
    utilities: str | Sequence[str] | None = None,
    subgroups: str | Sequence[str] | None = None,
    id: str | None = None,
    entry: str | None = None,
    unit: str = "day",
    currency: str | None = None,
    price_year: int | None = None,
    bands: Mapping[str, Sequence[object]] | None = None,
    order: Sequence[tuple[str, str]] = (),
    totals: Mapping[str, Sequence[str]] | None = None,
    kind: Mapping[str, str] | None = None,
    levels: Mapping[str, Sequence[object]] | None = None,
    rules: Mapping[str, object] | None = None,
    cluster: str | None = None,
    visits: object = None,
    derived: object = None,
    death: str | None = None,
    visit_unit: str | None = None,
) -> Schema:
    """Return the roles declared as in `Cohort`. Raise RoleError if a declaration has the wrong form."""
    ends = as_endpoints(endpoints)
    return Schema(
        endpoints=ends,
        arm=_as_name("arm", arm),
        arm_reference=None if arm_reference is None else str(arm_reference),
        costs=as_names(costs, "costs"),
        utilities=as_names(utilities, "utilities"),
        subgroups=as_names(subgroups, "subgroups"),
        id=_as_name("id", id),
        entry=_as_name("entry", entry),
        unit=check_unit(unit),
        currency=check_currency(currency),
        price_year=check_price_year(price_year),
        bands=_as_bands(bands or {}),
        order=_as_order(order),
        totals=_as_totals(totals or {}),
        kind=_as_kinds(kind or {}),
        levels=_as_levels(levels or {}),
        rules=as_rule_choice(rules or {}),
        cluster=_as_name("cluster", cluster),
        schedule=as_schedule(visits, derived, death, visit_unit, list(ends)),
    )


def as_endpoints(declared: object) -> dict[str, Endpoint]:
    """Return the endpoints declared as {"os": ("time", "event")} or {"os": ("time", "event", {1: "death"})}.

    Raises
    ------
    RoleError
        If the declaration has another form.
    """
    shape = Problem(
        "endpoints", "not of the form {name: (time column, event column)}", 'write endpoints={"os": ("time", "event")}'
    )
    if not isinstance(declared, Mapping):
        raise RoleError("cohort", shape)
    endpoints: dict[str, Endpoint] = {}
    for name, parts in declared.items():
        if isinstance(parts, Endpoint):
            endpoints[str(name)] = parts
            continue
        if isinstance(parts, str) or not isinstance(parts, Sequence) or len(parts) not in (2, 3):
            raise RoleError("cohort", shape)
        causes = _as_causes(str(name), parts[2]) if len(parts) == 3 else {}
        endpoints[str(name)] = Endpoint(str(name), str(parts[0]), str(parts[1]), causes)
    return endpoints


def _as_causes(name: str, declared: Any) -> dict[int, str]:
    try:
        if not all(map(is_whole, declared)):
            raise TypeError
        return {int(code): str(label) for code, label in declared.items()}
    except (AttributeError, TypeError, ValueError):
        problem = Problem(
            f"endpoint {name!r}", "causes are not of the form {code: name}", 'write {1: "death", 2: "transplant"}'
        )
        raise RoleError("cohort", problem) from None


def _as_bands(declared: Mapping[str, Band | Sequence[object]]) -> dict[str, Band]:
    """Return the bands declared as {"age_group": ("age", (40, 60), ("<40", "40-59", "60+"))}.

    Raises
    ------
    RoleError
        If the declaration has another form, edges do not increase, or the number of labels is not that of edges + 1.
    """
    bands: dict[str, Band] = {}
    for name, parts in declared.items():
        band = parts if isinstance(parts, Band) else _as_band(str(name), parts)
        rising = all(a < b for a, b in zip(band.edges, band.edges[1:], strict=False))
        if not rising or len(band.labels) != len(band.edges) + 1:
            raise RoleError(
                "cohort",
                Problem(
                    f"band {name!r}",
                    "edges must rise and labels be one more than edges",
                    'write bands={"age_group": ("age", (40, 60), ("<40", "40-59", "60+"))}',
                ),
            )
        bands[str(name)] = band
    return bands


def _as_band(name: str, declared: Sequence[Any]) -> Band:
    try:
        source, edges, labels = declared
        if isinstance(labels, str) or not all(map(is_number, edges)):
            raise TypeError
        return Band(
            str(source),
            tuple(float(edge) for edge in edges),
            tuple(str(label) for label in labels),
        )
    except (TypeError, ValueError):
        problem = Problem(
            f"band {name!r}",
            "not of the form (column, edges, labels)",
            'write bands={"age_group": ("age", (40, 60), ("<40", "40-59", "60+"))}',
        )
        raise RoleError("cohort", problem) from None


def _as_name(role: str, declared: object) -> str | None:
    """Return the one column of a role, or None. Raise RoleError for anything that is not a column name."""
    if declared is None or isinstance(declared, str):
        return declared
    raise RoleError("cohort", Problem(role, "is not the name of a column", f'write for example {role}="{role}"'))


def as_names(declared: object, role: str = "columns") -> tuple[str, ...]:
    """Return column names as a tuple, from one name, several or none. Raise RoleError for anything else."""
    if declared is None:
        return ()
    names = (declared,) if isinstance(declared, str) else declared
    if not isinstance(names, Iterable) or isinstance(names, Mapping) or not all(isinstance(one, str) for one in names):
        raise RoleError("cohort", Problem(role, "is not a list of column names", f'write {role}=["first", "second"]'))
    return tuple(str(name) for name in names)


def _as_kinds(declared: object) -> dict[str, str]:
    """Return column to kind, declared as {"site": "code"}. Raise RoleError for another form; kinds are not checked."""
    parts = [part for pair in declared.items() for part in pair] if isinstance(declared, Mapping) else [None]
    if not isinstance(declared, Mapping) or not all(isinstance(part, str) for part in parts):
        raise RoleError("cohort", Problem("kind", "is not of the form {column: kind}", 'write kind={"site": "code"}'))
    return dict(declared)


def _as_levels(declared: object) -> dict[str, tuple[str, ...]]:
    """Return column to levels as text, declared as {"grade": [1, 2, 3]}. Raise RoleError for another form."""
    problem = Problem("levels", "is not of the form {column: [level, ...]}", 'write levels={"grade": [1, 2, 3]}')
    if not isinstance(declared, Mapping):
        raise RoleError("cohort", problem)
    for name, named in declared.items():
        listed = isinstance(named, Iterable) and not isinstance(named, (str, Mapping))
        if not isinstance(name, str) or not listed or not all(isinstance(one, (str, int, float)) for one in named):
            raise RoleError("cohort", problem)
    return {name: tuple(map(_level, named)) for name, named in declared.items()}


def _level(declared: object) -> str:
    """Return a declared level as `as_text` in heorsynth.data.columns.levels writes it."""
    return str(int(declared)) if isinstance(declared, float) and declared.is_integer() else str(declared)


def as_marks(declared: object) -> tuple[str, ...]:
    """Return the marks that mean missing as text, from one value or a list. Raise RoleError for anything else."""
    if declared is None:
        return ()
    marks = [declared] if isinstance(declared, (str, int, float)) else declared
    listed = list(marks) if isinstance(marks, Iterable) and not isinstance(marks, Mapping) else [None]
    if not all(isinstance(mark, (str, int, float)) and not isinstance(mark, bool) for mark in listed):
        raise RoleError("cohort", Problem("missing", "is not a list of marks", 'write missing=["unknown", -9]'))
    return tuple(mark.strip() if isinstance(mark, str) else _level(mark) for mark in listed)


def _as_order(declared: object) -> tuple[tuple[str, str], ...]:
    """Return the pairs of endpoint names. Raise RoleError for another form."""
    pairs: list[Any] = []
    if listed := isinstance(declared, Iterable) and not isinstance(declared, (str, Mapping)):
        pairs = list(declared)
    if not listed or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
        problem = Problem("order", "is not a list of pairs of endpoints", 'write order=[("pfs", "os")]')
        raise RoleError("cohort", problem)
    return tuple((str(first), str(last)) for first, last in pairs)


def _as_totals(declared: object) -> dict[str, tuple[str, ...]]:
    """Return totals with their parts. Raise RoleError unless the form is {total: [parts]}."""
    if not isinstance(declared, Mapping) or not all(declared.values()):
        problem = Problem(
            "totals", "is not of the form {total: [parts]}", 'write totals={"cost": ["drug", "hospital"]}'
        )
        raise RoleError("cohort", problem)
    return {str(total): as_names(parts, f"totals: {total}") for total, parts in declared.items()}
