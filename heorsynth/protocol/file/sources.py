"""The section of a protocol that names the source of the patients."""

from __future__ import annotations

from pydantic import Field

from heorsynth.protocol.file.section import Section, Whole


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


class SourceSection(Section):
    """The source of the patients: a bundled dataset, a simulated trial, or a file or folder beside the protocol.

    `sheet` names the sheet of an Excel file.
    """

    dataset: str | None = None
    simulated: _Simulated | None = None
    file: str | None = None
    sheet: str | None = None
    folder: str | None = None
    adtte: _Adtte | None = None

    @property
    def path(self) -> str | None:
        """The file or folder of the source; None for a dataset or simulated trial."""
        return self.adtte.file if self.adtte is not None else self.file or self.folder
