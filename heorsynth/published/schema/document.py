"""The schema of a paper file: what a paper states, section by section."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from heorsynth.core.section import Section
from heorsynth.published.schema.fields import Bound, Count, Figure, Real, Source, Text, count_and_percent

_Point = Annotated[list[Real], Field(min_length=2, max_length=2)]


class _Sourced(Section):
    """A section whose facts stand in one place of a paper."""

    source: Source


class ArmSection(_Sourced):
    """An arm: its name in the paper and its patients."""

    name: Text = ""
    n: Count = Field(ge=1)


class _AxesSection(Section):
    """The axes of a vector figure: two points each, as [position in the drawing, value]."""

    x: list[_Point] = Field(min_length=2, max_length=2)
    y: list[_Point] = Field(min_length=2, max_length=2)


class _PathSection(Section):
    """How to find the path of an arm in a vector figure: by its id, the colour of its line, or its class."""

    id: Text | None = None
    stroke: Text | None = None
    css_class: Text | None = Field(default=None, alias="class")

    @model_validator(mode="before")
    @classmethod
    def _of_word(cls, given: Any) -> Any:
        """Read "#line2d_5" as an id."""
        return {"id": given.removeprefix("#")} if isinstance(given, str) else given


class VectorSection(Section):
    """A vector figure: an SVG file, its axes and the path of each arm."""

    file: Text
    axes: _AxesSection
    paths: dict[str, _PathSection] = Field(min_length=1)


class CurvesSection(_Sourced):
    """The curves of an endpoint: one CSV file, one for each arm, or a vector figure."""

    file: Text | None = None
    files: dict[str, Text] | None = None
    svg: VectorSection | None = None
    rename: dict[str, str] = {}

    @model_validator(mode="after")
    def _one(self) -> CurvesSection:
        if sum(one is not None for one in (self.file, self.files, self.svg)) != 1:
            fix = "write file: os.csv, or files: {arm: a.csv}, or svg: {file: figure.svg, axes: …, paths: …}"
            raise PydanticCustomError("paper", "one source", {"found": "not exactly one source of curves", "fix": fix})
        return self


class AtRiskSection(_Sourced):
    """Numbers at risk: times with the counts of each arm, or a CSV file with the columns arm, time, at_risk."""

    times: list[Real] | None = None
    counts: dict[str, list[Count]] | None = None
    file: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> AtRiskSection:
        if (self.file is None) == (self.times is None) or (self.times is None) != (self.counts is None):
            fix = "write times: [0, 6] and counts: {arm: [120, 90]}, or file: at_risk.csv"
            raise PydanticCustomError(
                "paper", "one source", {"found": "neither times with counts nor a file", "fix": fix}
            )
        return self


class _EventsSection(_Sourced):
    """Events by arm."""

    counts: dict[str, Count]


class IntervalSection(Section):
    """A number with its interval; `not reached` where the curve does not give it."""

    value: Bound
    low: Bound | None = None
    high: Bound | None = None


class _MediansSection(_Sourced):
    """Median times by arm, with their intervals."""

    level: Real = Field(default=0.95, gt=0, lt=1)
    arms: dict[str, IntervalSection]


class RatioSection(_Sourced):
    """A hazard ratio with its interval, overall or of a subgroup such as {sex: female}."""

    arm: Text
    reference: Text
    value: Figure
    low: Figure | None = None
    high: Figure | None = None
    level: Real = Field(default=0.95, gt=0, lt=1)
    adjusted: bool = False
    subgroup: dict[str, Text] = {}
    n: dict[str, Count] = {}
    events: dict[str, Count] = {}


class EndpointSection(Section):
    """An endpoint with its unit of time and everything the paper states of it."""

    unit: Literal["day", "week", "month", "year"]
    name: Text = ""
    curves: CurvesSection | None = None
    at_risk: AtRiskSection | None = None
    events: _EventsSection | None = None
    medians: _MediansSection | None = None
    hazard_ratios: list[RatioSection] = []


class MomentsSection(Section):
    """A continuous characteristic, cost or utility of an arm; `iqr` holds the quartiles, `zeros` the share of zeros."""

    n: Count | None = None
    mean: Figure | None = None
    sd: Figure | None = None
    se: Figure | None = None
    median: Figure | None = None
    iqr: Annotated[list[Figure], Field(min_length=2, max_length=2)] | None = None
    range: Annotated[list[Figure], Field(min_length=2, max_length=2)] | None = None
    zeros: Figure | None = None


class LevelSection(Section):
    """Patients of an arm with a level: count, percent or both; "60 (40%)" is read as both."""

    n: Count | None = None
    percent: Figure | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, given: Any) -> Any:
        """Read "60 (40%)"."""
        return count_and_percent(given)

    @model_validator(mode="after")
    def _one(self) -> LevelSection:
        if self.n is None and self.percent is None:
            found = {"found": "neither a count nor a percent", "fix": "write {n: 60, percent: 40} or 60 (40%)"}
            raise PydanticCustomError("paper", "a level", found)
        return self


class CharacteristicSection(Section):
    """A row of Table 1: `arms` of a continuous one, or `levels` of a categorical one."""

    unit: Text = ""
    arms: dict[str, MomentsSection] = {}
    levels: dict[str, dict[str, LevelSection]] = {}

    @model_validator(mode="after")
    def _one(self) -> CharacteristicSection:
        if bool(self.arms) == bool(self.levels):
            fix = "write arms: {drug: {mean: 61.2, sd: 9.8}}, or levels: {female: {drug: 60 (40%)}}"
            raise PydanticCustomError("paper", "one kind", {"found": "not exactly one of arms and levels", "fix": fix})
        return self


class _Table1Section(_Sourced):
    """Characteristics of the patients at baseline, by arm."""

    characteristics: dict[str, CharacteristicSection]


class _AmountsSection(_Sourced):
    """A cost or a utility by arm."""

    currency: Text = ""
    price_year: Count | None = None
    arms: dict[str, MomentsSection]


class _CorrelationSection(_Sourced):
    """A correlation of two columns, of all patients or of an arm."""

    between: Annotated[list[Text], Field(min_length=2, max_length=2)]
    value: Figure
    kind: Literal["pearson", "spearman"] = "pearson"
    arm: Text | None = None


class _ProposedFactSection(Section):
    """A fact that a language model proposed: the sentences it quotes, and who accepted it on which date."""

    fact: Text
    quotes: list[Text] = Field(min_length=1)
    accepted_by: Text | None = None
    accepted_on: Text | None = None


class _ProposalSection(Section):
    """The proposal of a language model that this file was written from."""

    made_by: Text
    call: Text
    facts: list[_ProposedFactSection] = Field(min_length=1)


class Document(Section):
    """The content of a paper file."""

    paper: Annotated[Count, Field(ge=1, le=1)]
    title: Text
    citations: dict[str, Text] = {}
    arms: dict[str, ArmSection] = Field(min_length=1)
    endpoints: dict[str, EndpointSection] = {}
    order: list[Annotated[list[Text], Field(min_length=2, max_length=2)]] | None = None
    table1: _Table1Section | None = None
    costs: dict[str, _AmountsSection] = {}
    utilities: dict[str, _AmountsSection] = {}
    correlations: list[_CorrelationSection] = []
    proposal: _ProposalSection | None = None
