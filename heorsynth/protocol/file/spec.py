"""The schema of a protocol file: what is fixed before any result is seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.core.errors import HeorsynthError, MarginError, Problem, ProtocolError, SeedError, nearest
from heorsynth.core.numbers import is_number, is_whole
from heorsynth.data.folders.sampling import LEAST_ROWS
from heorsynth.generators import registry
from heorsynth.protocol.file.yaml import Path_, line_of, read_yaml

PLAIN = {
    "invalid_key": (
        "a number where a name belongs: within braces a comma begins a new entry",
        "write thousands without a comma, and a list in brackets, such as wtp: [20000]",
    ),
    "list_type": ("not a list", "write it in brackets, such as [sex] or [20000, 30000]; numbers without commas"),
    "dict_type": ("not a mapping", "write it in braces, such as {name: value}"),
    "model_type": ("not a section of keys", "write its keys below it, each further in, or in braces"),
    "number": ("not a number", "write digits and a point: no quotes or comma, no percent or currency sign"),
    "whole_number": ("not a whole number", "write digits only: no quotes, comma, percent or currency sign"),
    "string_type": ("not text", "write one name, in quotes where it is a number"),
}
"""What pydantic finds, by its type of error: what was found, and what to write, in words for an analyst."""


def _whole(value: object) -> object:
    if not is_whole(value):
        raise PydanticCustomError("whole_number", "not a whole number")
    return value


def _number(value: object) -> object:
    if not is_number(value):
        raise PydanticCustomError("number", "not a number")
    return value


def _level(value: object) -> object:
    """A truth value is a level called True or False, as in a column of truth values; not 1 or 0."""
    return str(value) if isinstance(value, bool) else value


def _code(value: object) -> object:
    """A code as the key of a mapping, which a lock holds as text, since keys of JSON are."""
    return int(value) if isinstance(value, str) and value.isdigit() else _whole(value)


Whole = Annotated[int, BeforeValidator(_whole)]
Code = Annotated[int, BeforeValidator(_code)]
Number = Annotated[float, BeforeValidator(_number)]
Level = Annotated[str | int, BeforeValidator(_level)]


class Section(BaseModel):
    """A part of a protocol: unknown keys are refused, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Simulated(Section):
    """A simulated trial of n patients, as `datasets.simulated_trial` draws it."""

    n: Whole = Field(ge=20, le=1_000_000)
    seed: Whole = Field(ge=0)


class Adtte(Section):
    """One parameter of a CDISC ADaM time-to-event table; CNSR (0 = event) is turned round on reading.

    The endpoint has the parameter's name in lower case. Roles that the table brings (endpoint, id, arm, unit) may be
    overridden beside `source`.
    """

    file: str
    param: str


class Source(Section):
    """Where the patients are: a bundled dataset, a simulated trial, or a file or a folder beside the protocol."""

    dataset: str | None = None
    simulated: Simulated | None = None
    file: str | None = None
    folder: str | None = None
    adtte: Adtte | None = None

    @property
    def path(self) -> str | None:
        """The file or folder that is read, if any."""
        return self.adtte.file if self.adtte is not None else self.file or self.folder


class CohortSection(Section):
    """The roles of the columns, as `heorsynth.Cohort` takes them; a dataset brings its own defaults."""

    source: Source
    name: str | None = None
    endpoints: dict[str, list[str | dict[Code, str]]] | None = None
    arm: str | None = None
    arm_reference: Level | None = None
    costs: list[str] | None = None
    utilities: list[str] | None = None
    subgroups: list[str] | None = None
    id: str | None = None
    entry: str | None = None
    unit: Literal["day", "week", "month", "year"] | None = None
    currency: str | None = None
    price_year: Whole | None = None
    event_map: dict[str | int, Whole | dict[str | int, Whole]] | None = None
    bands: dict[str, tuple[str, list[Number], list[str]]] | None = None
    order: list[tuple[str, str]] | None = None
    totals: dict[str, list[str]] | None = None
    kind: dict[str, Literal["number", "code", "date"]] | None = None
    levels: dict[str, list[str | int | float | bool]] | None = None
    missing: list[str | int | float] | None = None
    drop: list[str] = []
    allow_synthetic_source: bool = False


class GeneratorSection(Section):
    """Which generator, how many rows and cohorts, and the seed that decides everything."""

    name: str = "heor"
    n: Literal["same"] | Annotated[Whole, Field(ge=1)] = "same"
    m: Whole = Field(default=20, ge=1, le=10_000)
    seed: Whole = Field(ge=0)
    options: dict[str, object] = {}
    targets: dict[str, dict[str, Number]] = {}
    where: dict[str, Level] = {}


class Economics(Section):
    """The comparator and the thresholds an economic evaluation is judged at, in the cohort's currency."""

    comparator: Level
    wtp: list[Number] = Field(min_length=1)


class Registration(Section):
    """Where the protocol was registered."""

    registry: str
    id: str
    url: str | None = None
    date: str | None = None


class Governance(Section):
    """Who answers for the data, and what else of the governance sheet only a person can say.

    The keys are `evidence.governance_items.KEYS`; what is required and blank is shown as "needs a person".
    """

    steward: str | None = None
    intended_use: str | None = None
    prohibited_use: str | None = None
    legal_basis: str | None = None
    retention: str | None = None
    signed_off_by: str | None = None
    oversight: str | None = None
    stakeholders: str | None = None
    human_subjects: str | None = None
    human_evaluation: str | None = None
    milestones: str | None = None
    rationale: str | None = None
    limitations: str | None = None
    adverse_events: str | None = None
    references: str | None = None
    setting: str | None = None
    perspective: str | None = None
    discounting: str | None = None
    outcomes_measured: str | None = None
    outcomes_valued: str | None = None
    model: str | None = None
    distributional_effects: str | None = None
    engagement: str | None = None
    effect_of_engagement: str | None = None
    current_knowledge: str | None = None
    funding: str | None = None
    conflicts_of_interest: str | None = None


class Amendment(Section):
    """A change after the protocol was first fixed."""

    date: str
    what: str
    why: str
    section: str | None = None
    before_or_after_data: Literal["before", "after"] | None = None


class Document(Section):
    """A whole protocol file."""

    heorsynth: Annotated[Literal[1], BeforeValidator(_whole)]
    title: str
    purpose: str
    cohort: CohortSection
    generator: GeneratorSection
    margins: dict[str, dict[str, object]] = {}
    economics: Economics | None = None
    governance: Governance = Governance()
    registration: Registration | None = None
    amendments: list[Amendment] = []
    holdout: Number | None = Field(default=None, gt=0, lt=1)
    most_rows: Whole = Field(default=50_000, ge=LEAST_ROWS)
    notebook: str | None = None


@dataclass(frozen=True)
class Protocol:
    """A protocol as read from its file.

    Attributes
    ----------
    document : Document    what it says
    path : Path            the file; its folder is where relative paths start
    raw : bytes            the file's bytes
    lines : dict           line of every key, for messages
    """

    document: Document
    path: Path
    raw: bytes = field(repr=False)
    lines: dict[Path_, int] = field(repr=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, in hex."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def slug(self) -> str:
        """The protocol's file name without its ending, which names its runs."""
        return self.path.stem

    def where(self, *at: str | int) -> str:
        """The place of a key in words: line and path."""
        return f"line {line_of(self.lines, at)}, {'.'.join(str(part) for part in at)}"


def read_protocol(path: str | Path) -> Protocol:
    """The protocol in a YAML file.

    Raises
    ------
    SeedError            if all that is wrong is a missing or impossible seed
    MarginError          if all that is wrong is a margin
    ProtocolError        anything else: every problem with its line, what was expected, the nearest valid name
    """
    where = Path(path)
    plain, lines, raw = read_yaml(where)
    problems: list[tuple[type[HeorsynthError], Problem]] = []
    document = None
    try:
        document = Document.model_validate(plain)
    except ValidationError as error:
        problems += [_problem(dict(item), lines) for item in error.errors()]
    problems += _unknown_names(plain, lines)
    if problems:
        kinds = {kind for kind, _ in problems}
        kind = kinds.pop() if len(kinds) == 1 else ProtocolError
        unique = list({str(problem): problem for _, problem in problems}.values())
        raise kind(f"protocol {where.name!r}", unique)
    assert document is not None
    return Protocol(document, where, raw, lines)


def _problem(item: Mapping[str, object], lines: dict[Path_, int]) -> tuple[type[HeorsynthError], Problem]:
    """What pydantic found, in our words and with its line."""
    at: Path_ = tuple(part for part in item["loc"] if not _is_type_tag(part))  # type: ignore[attr-defined]
    place = f"line {line_of(lines, at)}, {'.'.join(map(str, at[:-1] if item['type'] == 'invalid_key' else at))}"
    kind: type[HeorsynthError] = SeedError if at == ("generator", "seed") else ProtocolError
    if item["type"] == "extra_forbidden":
        known = sorted(_section_at(at[:-1]).model_fields)
        return kind, Problem(place, "unknown key", nearest(str(at[-1]), known))
    if item["type"] == "missing":
        return kind, Problem(place, "is missing", "give it" if kind is ProtocolError else "write seed: 20261123, say")
    found, fix = PLAIN.get(str(item["type"]), ("not of the right kind", str(item["msg"])))
    return kind, Problem(place, found, fix)


def _is_type_tag(part: object) -> bool:
    """Pydantic names the branch of a union in its path; a reader does not want to see it."""
    text = str(part)
    return text in ("int", "str", "float", "Literal", "literal['same']", "constrained-int") or "[" in text


def _section_at(at: Path_) -> type[BaseModel]:
    section: type[BaseModel] = Document
    for part in at:
        if isinstance(part, int):
            continue
        annotation = section.model_fields[part].annotation if part in section.model_fields else None
        for candidate in (annotation, *get_args(annotation)):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                section = candidate
    return section


def _unknown_names(plain: Mapping[str, object], lines: dict[Path_, int]) -> list[tuple[type[HeorsynthError], Problem]]:
    """Purpose, generator and margins that no registry knows, or margins that make no sense."""
    found: list[tuple[type[HeorsynthError], Problem]] = []
    purpose = plain.get("purpose")
    if isinstance(purpose, str) and purpose not in PURPOSES:
        found.append(
            (
                ProtocolError,
                Problem(f"line {line_of(lines, ('purpose',))}, purpose", "unknown purpose", nearest(purpose, PURPOSES)),
            )
        )
    generator = plain.get("generator")
    name = generator.get("name", "heor") if isinstance(generator, dict) else None
    if isinstance(name, str) and name not in registry.names():
        found.append(
            (
                ProtocolError,
                Problem(
                    f"line {line_of(lines, ('generator', 'name'))}, generator.name",
                    "unknown generator",
                    nearest(name, registry.names()),
                ),
            )
        )
    margins = plain.get("margins")
    for key, declared in margins.items() if isinstance(margins, dict) else ():
        if isinstance(declared, dict):
            found += _margin_problems(key, declared, lines)
    return found


def _margin_problems(
    key: str,
    declared: Mapping[str, object],
    lines: dict[Path_, int],
) -> list[tuple[type[HeorsynthError], Problem]]:
    try:
        margin_for(key, declared)
    except MarginError as error:
        return [
            (
                MarginError,
                Problem(f"line {line_of(lines, ('margins', key))}, {problem.where}", problem.found, problem.fix),
            )
            for problem in error.problems
        ]
    return []
