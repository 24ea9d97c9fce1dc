"""The section of a protocol that names the source of the patients."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from heorsynth.core.section import Number, Section, Whole
from heorsynth.data.sources.omop_database import TIMEOUT, holds_password

KINDS = ("dataset", "simulated", "file", "folder", "adtte", "adam", "omop", "published")
"""The kinds of source."""

_OF_KIND = {"sheet": "file", "endpoints": "adam", "visits": "adam", "covariates": "adam", "population": "adam"}
"""A key of the section, and the kind of source that it belongs to."""


class _Simulated(Section):
    """A simulated trial of n patients, as `datasets.simulated_trial` draws it; three arms with visits on request."""

    n: Whole = Field(ge=20, le=1_000_000)
    seed: Whole = Field(ge=0)
    visits: bool = False


class _Adtte(Section):
    """One parameter of a CDISC ADaM time-to-event table; CNSR (0 = event) is recoded to 1 = event on reading.

    The endpoint has the name of the parameter, in lower case. The table declares endpoint, id, arm and unit itself;
    keys beside `source` replace them.
    """

    file: str
    param: str


class _AdamEndpoint(Section):
    """An endpoint: a parameter of ADTTE, and values of CNSR that are competing causes, with their names."""

    param: str
    causes: dict[Whole, str] = {}


class _AdamVisit(Section):
    """A measure of the visits: a parameter of a BDS table, and that table."""

    param: str
    dataset: str | None = None


def _without_password(url: str) -> str:
    if holds_password(url):
        raise PydanticCustomError("password", "holds a password, and a protocol is read by others")
    return url


class _Omop(Section):
    """A database in the OMOP data model: its address, and the definition of the cohort (a YAML file, or inline).

    A password never stands in a protocol: it belongs in PGPASSWORD, in ~/.pgpass, or in the variable that
    `url_variable` names.
    """

    url: Annotated[str, AfterValidator(_without_password)] | None = None
    path: str | None = None
    url_variable: str | None = None
    cohort: str | dict[str, object]
    table_schema: str | None = Field(default=None, alias="schema")
    timeout: Number = Field(default=TIMEOUT, gt=0)


class SourceSection(Section):
    """The source of the patients: a bundled dataset, a simulated trial, or a file or folder beside the protocol.

    `sheet` names the sheet of an Excel file; `endpoints`, `visits`, `covariates` and `population` say what is read from
    a folder of ADaM data sets (see `heorsynth.from_adam`). `published` names a paper file: there are no patients.
    """

    dataset: str | None = None
    simulated: _Simulated | None = None
    file: str | None = None
    sheet: str | None = None
    folder: str | None = None
    adtte: _Adtte | None = None
    adam: str | None = None
    endpoints: dict[str, str | _AdamEndpoint] | None = None
    visits: dict[str, str | _AdamVisit] | None = None
    covariates: list[str] | None = None
    population: str | None = None
    omop: _Omop | None = None
    published: str | None = None

    @property
    def public(self) -> bool:
        """True if anybody has the rows: those of a bundled dataset or a simulated trial."""
        return self.dataset is not None or self.simulated is not None

    @property
    def given(self) -> tuple[str, ...]:
        """The kinds of source that are given; a valid protocol gives one."""
        return tuple(name for name in KINDS if getattr(self, name) is not None)

    @property
    def stray(self) -> str | None:
        """A key that belongs to another kind of source than the one given; None without one."""
        return next(
            (key for key, kind in _OF_KIND.items() if getattr(self, key) is not None and kind not in self.given), None
        )

    @property
    def path(self) -> str | None:
        """The file or folder of the source; None for a dataset, a simulated trial or a database on a server."""
        nested = self.adtte.file if self.adtte is not None else self.omop.path if self.omop is not None else None
        return nested or self.file or self.folder or self.adam or self.published

    @property
    def of_adam(self) -> dict[str, Any]:
        """The settings of `join_adam`."""
        plain = self.model_dump()
        return {name: plain[name] for name in ("endpoints", "visits", "covariates", "population")}
