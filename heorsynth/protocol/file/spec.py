"""The schema of a protocol file, and the reader that checks a file against it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from heorsynth.checks.economics.analysis import imputations
from heorsynth.checks.planning.catalogue import margin_for
from heorsynth.checks.planning.purposes import PURPOSES
from heorsynth.core.errors import HeorsynthError, MarginError, Problem, ProtocolError, RoleError, SeedError, nearest
from heorsynth.core.section import Level, Number, Section, Whole, schema_problem, whole
from heorsynth.core.yaml_lines import Path_, line_of, read_yaml
from heorsynth.data.folders.sampling import LEAST_ROWS
from heorsynth.generators import registry
from heorsynth.protocol.file.analyses import AnalysisSection, block_problems
from heorsynth.protocol.file.narratives import NarrativesSection, narratives_problems
from heorsynth.protocol.file.paper_source import PUBLISHED, paper_problems, with_generator
from heorsynth.protocol.file.release import ReleaseSection, release_problems
from heorsynth.protocol.file.sources import SourceSection


def _code(value: object) -> object:
    """An event code used as a key. In a lock it is text, because keys of JSON are text."""
    return int(value) if isinstance(value, str) and value.isdigit() else whole(value)


def _moment(value: object) -> object:
    """A planned time used as a key. In a lock it is text, because keys of JSON are text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        raise PydanticCustomError("number", "not a number") from None


def _method(value: object) -> object:
    """A method for missing values that `imputations` knows."""
    try:
        imputations(value)
    except RoleError:
        raise PydanticCustomError("impute", "not a method for missing values") from None
    return value


Code = Annotated[int, BeforeValidator(_code)]
_Moment = Annotated[float, BeforeValidator(_moment)]


class _LongVisits(Section):
    """The columns of a measure in a long table of visits, and the planned times."""

    id: str
    time: str
    value: str
    unit: str | None = None
    at: list[Number] = []


class _Derived(Section):
    """A column that is calculated from the visits of a measure: an area or a total."""

    area: str | None = None
    total: str | None = None
    rate: Number = 0.0


class _Rules(Section):
    """Rules that every row obeys beside those that are discovered, and discovered ones that are none."""

    add: list[str] = []
    strike: list[str] | Literal["all"] = []


class _CohortSection(Section):
    """The roles of the columns, as in `heorsynth.Cohort`; a bundled dataset has default roles."""

    source: SourceSection
    name: str | None = None
    endpoints: dict[str, list[str | dict[Code, str]]] | None = None
    arm: str | None = None
    arm_reference: Level | None = None
    costs: list[str] | None = None
    utilities: list[str] | None = None
    subgroups: list[str] | None = None
    id: str | None = None
    entry: str | None = None
    cluster: str | None = None
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
    rules: _Rules | None = None
    visits: dict[str, dict[_Moment, str | tuple[str, str]] | tuple[str, str, str] | _LongVisits] | None = None
    visit_table: str | None = None
    visit_unit: Literal["day", "week", "month", "year"] | None = None
    derived: dict[str, _Derived] | None = None
    death: str | None = None
    drop: list[str] = []
    allow_synthetic_source: bool = False


_ECONOMIC_COHORTS = 100
"""Number of cohorts of an economic evaluation, unless the protocol gives one."""


class _GeneratorSection(Section):
    """The generator, the numbers of rows and cohorts, and the seed."""

    name: str = "heor"
    n: Literal["same"] | Annotated[Whole, Field(ge=1)] = "same"
    m: Whole = Field(default=20, ge=1, le=10_000)
    most_cohorts: Whole = Field(default=500, ge=1, le=10_000)
    seed: Whole = Field(ge=0)
    options: dict[str, object] = {}
    targets: dict[str, dict[str, Number]] = {}
    where: dict[str, Level] = {}


class _Economics(Section):
    """The economic evaluation: comparator, thresholds in the cohort's currency, cost, effect, and how it is adjusted.

    `baseline` is the column of the utility at baseline, a covariate of the effect; `adjust` are covariates of cost and
    effect; `impute` handles missing values (true, false, "complete", "impute", or a number of imputed data sets);
    `cluster` is the column of the clusters of a cluster-randomised trial.
    """

    comparator: Level
    wtp: list[Number] = Field(min_length=1)
    cost: str | None = None
    effect: str | None = None
    baseline: str | None = None
    adjust: list[str] = []
    impute: Annotated[bool | int | str | None, BeforeValidator(_method)] = None
    cluster: str | None = None


class _Registration(Section):
    """The registration of the protocol."""

    registry: str
    id: str
    url: str | None = None
    date: str | None = None


class Governance(Section):
    """The data steward, and the other answers of the governance sheet that only a person can give.

    The keys are `provenance.governance_items.KEYS`. A required answer that is blank is shown as "needs a person".
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


class _Amendment(Section):
    """A change of the protocol after it was locked."""

    date: str
    what: str
    why: str
    section: str | None = None
    before_or_after_data: Literal["before", "after"] | None = None


class Document(Section):
    """The content of a protocol file."""

    heorsynth: Annotated[Literal[1], BeforeValidator(whole)]
    title: str
    purpose: str
    cohort: _CohortSection
    generator: _GeneratorSection
    use: Literal["pooled", "single"] | None = None
    release: ReleaseSection | None = None
    margins: dict[str, dict[str, object]] = {}
    economics: _Economics | None = None
    analyses: list[AnalysisSection] = []
    narratives: NarrativesSection | None = None
    governance: Governance = Governance()
    registration: _Registration | None = None
    amendments: list[_Amendment] = []
    holdout: Number | None = Field(default=None, gt=0, lt=1)
    most_rows: Whole = Field(default=50_000, ge=LEAST_ROWS)
    notebook: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _cohorts_of_the_purpose(cls, given: Any) -> Any:
        """Give an economic evaluation of patients in memory 100 cohorts, and a paper its generator, unless it has one.

        van der Linden et al. (2025) Value Health 28(11) advise at least 100 syntheses.
        """
        given = with_generator(given) if isinstance(given, dict) else given
        plain = given if isinstance(given, dict) else {}
        generator, cohort = plain.get("generator"), plain.get("cohort")
        source = cohort.get("source") if isinstance(cohort, dict) else None
        asked = plain.get("purpose") == "economic-evaluation" and not (isinstance(source, dict) and "folder" in source)
        if asked and isinstance(generator, dict) and "m" not in generator:
            return {**plain, "generator": {**generator, "m": _ECONOMIC_COHORTS}}
        return given


@dataclass(frozen=True)
class Protocol:
    """A protocol, read from its file.

    Attributes
    ----------
    document : Document    the content
    path : Path            the file; relative paths in the protocol start at its folder
    raw : bytes            the bytes of the file
    lines : dict           line of every key, for error messages
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
        """File name of the protocol without its ending; names of runs begin with it."""
        return self.path.stem

    def where(self, *at: str | int) -> str:
        """Line and path of a key, for error messages."""
        return f"line {line_of(self.lines, at)}, {'.'.join(str(part) for part in at)}"


def read_protocol(path: str | Path) -> Protocol:
    """Read a protocol from a YAML file, and check its keys, values, names and margins.

    Raises
    ------
    SeedError            the only problem is the seed: missing or not valid
    MarginError          the only problems are margins
    ProtocolError        all other problems, each with its line and its fix or the nearest valid name
    """
    file = Path(path)
    plain, lines, raw = read_yaml(file)
    problems: list[tuple[type[HeorsynthError], Problem]] = []
    document = None
    try:
        document = Document.model_validate(plain)
    except ValidationError as error:
        problems += [_problem(item, lines) for item in error.errors()]
    problems += _unknown_names(plain, lines)
    if problems:
        kinds = {kind for kind, _ in problems}
        kind = kinds.pop() if len(kinds) == 1 else ProtocolError
        unique = list({str(problem): problem for _, problem in problems}.values())
        raise kind(f"protocol {file.name!r}", unique)
    assert document is not None
    return Protocol(document, file, raw, lines)


def _problem(item: ErrorDetails, lines: dict[Path_, int]) -> tuple[type[HeorsynthError], Problem]:
    """An error of pydantic as a problem with its line, in words for an analyst."""
    at, problem = schema_problem(item, lines, Document)
    if at != ("generator", "seed"):
        return ProtocolError, problem
    missing = item["type"] == "missing"
    return SeedError, Problem(
        problem.where, problem.found, "write, for example, seed: 20261123"
    ) if missing else problem


def _unknown_names(plain: Mapping[str, object], lines: dict[Path_, int]) -> list[tuple[type[HeorsynthError], Problem]]:
    """Unknown purposes, generators and margins, and margins that are not valid."""
    problems: list[tuple[type[HeorsynthError], Problem]] = []
    purpose = plain.get("purpose")
    if isinstance(purpose, str) and purpose not in PURPOSES:
        place = f"line {line_of(lines, ('purpose',))}, purpose"
        problems.append((ProtocolError, Problem(place, "unknown purpose", nearest(purpose, PURPOSES))))
    generator = plain.get("generator")
    name = generator.get("name") if isinstance(generator, dict) else None
    if isinstance(name, str) and name not in (*registry.names(), PUBLISHED):
        place = f"line {line_of(lines, ('generator', 'name'))}, generator.name"
        problems.append((ProtocolError, Problem(place, "unknown generator", nearest(name, registry.names()))))
    margins = plain.get("margins")
    for key, declared in margins.items() if isinstance(margins, dict) else ():
        if isinstance(declared, dict):
            problems += _margin_problems(key, declared, lines)
    others = (find(plain, lines) for find in (block_problems, narratives_problems, release_problems, paper_problems))
    return [*problems, *chain.from_iterable(others)]


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
