"""The section of a protocol that names the source of the patients."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from heorsynth.core.section import Section, Whole

KINDS = ("dataset", "simulated", "file", "folder", "adtte", "adam")
"""The kinds of source."""

_OF_KIND = {"sheet": "file", "endpoints": "adam", "visits": "adam", "covariates": "adam", "population": "adam"}
"""A key of the section, and the kind of source that it belongs to."""


class _Simulated(Section):
    """A simulated trial of n patients, as `datasets.simulated_trial` draws it."""

    n: Whole = Field(ge=20, le=1_000_000)
    seed: Whole = Field(ge=0)


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


class SourceSection(Section):
    """The source of the patients: a bundled dataset, a simulated trial, or a file or folder beside the protocol.

    `sheet` names the sheet of an Excel file; `endpoints`, `visits`, `covariates` and `population` say what is read from
    a folder of ADaM data sets (see `heorsynth.from_adam`).
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
        """The file or folder of the source; None for a dataset or simulated trial."""
        return self.adtte.file if self.adtte is not None else self.file or self.folder or self.adam

    @property
    def of_adam(self) -> dict[str, Any]:
        """The settings of `join_adam`."""
        plain = self.model_dump()
        return {name: plain[name] for name in ("endpoints", "visits", "covariates", "population")}
