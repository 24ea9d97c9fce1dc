"""From a protocol's `cohort:` section to the cohort it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from heorsynth.core.errors import CohortError, FileError, Problem, ProtocolError, nearest
from heorsynth.data import datasets, io
from heorsynth.data.adtte import from_adtte
from heorsynth.data.cohort import Cohort
from heorsynth.data.label import ID_COLUMN, KEY
from heorsynth.data.schema import Schema, as_endpoints, as_names
from heorsynth.data.signs import sign_of
from heorsynth.evidence.fingerprint import PUBLIC_KEY, fingerprint, private_key
from heorsynth.generators.source import require_source, unfit_columns
from heorsynth.protocol.placing import placed
from heorsynth.protocol.spec import Protocol

NOT_ROLES = {"source", "drop", "allow_synthetic_source"}


@dataclass(frozen=True)
class Origin:
    """The source of a run.

    Attributes
    ----------
    cohort : Cohort      its patients
    kind : str           "dataset", "simulated" or "file"
    key : bytes          of its fingerprint; never shown
    """

    cohort: Cohort
    kind: str
    key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """The keyed fingerprint of the rows."""
        return fingerprint(self.cohort, self.key)


def load_source(protocol: Protocol, folder: Path | None = None) -> tuple[Cohort, str]:
    """The real cohort of a protocol, and the keyed fingerprint of its rows; see `read_origin`."""
    origin = read_origin(protocol, folder)
    return origin.cohort, origin.fingerprint


def read_origin(protocol: Protocol, folder: Path | None = None) -> Origin:
    """The source a protocol names.

    Parameters
    ----------
    folder : Path, optional     where a relative `source.file` starts; by default the protocol's own folder

    Raises
    ------
    ProtocolError               not exactly one of dataset, simulated, file and adtte; an unknown dataset; a comparator
                                that is no arm
    FileError, CohortError      the file cannot be read, or does not make a cohort in these roles that may be copied
    """
    section = protocol.document.cohort
    declared = {name: value for name, value in section.model_dump(exclude_none=True).items() if name not in NOT_ROLES}
    frame, roles, key, name = _read(protocol, folder)
    frame, sign = _known(frame, section.source.file is not None)
    frame = frame.drop(columns=_droppable(protocol, list(map(str, frame.columns))))
    cohort = _cohort(protocol, frame, {"endpoints": {}, "name": name, **roles, **declared})
    if cohort.synthetic and not section.allow_synthetic_source:
        raise ProtocolError(
            _subject(protocol),
            Problem(
                protocol.where("cohort", "source"),
                f"the source is itself synthetic{sign and f': {sign}'}",
                "use the real cohort; to study model collapse write allow_synthetic_source: true",
            ),
        )
    try:
        require_source(cohort, section.allow_synthetic_source)
    except CohortError as error:
        raise placed(error, protocol) from error
    _require_comparator(protocol, cohort)
    source = section.source
    kind = "file" if source.path is not None else "dataset" if source.dataset is not None else "simulated"
    return Origin(cohort, kind, key)


def _known(frame: pd.DataFrame, is_file: bool) -> tuple[pd.DataFrame, str]:
    """The rows of a source, called synthetic where a file without a label shows that they are, and what shows it.

    Rows that the mark alone gives away have no names of their own; an index called `synthetic_id` says what they are.
    """
    if not is_file or frame.index.name == ID_COLUMN or frame.attrs.get(KEY) or not (sign := sign_of(frame)):
        return frame, ""
    return frame.rename_axis(ID_COLUMN), sign


def _read(protocol: Protocol, folder: Path | None) -> tuple[pd.DataFrame, Mapping[str, object], bytes, str]:
    """The source's rows, the roles it brings, the key of its fingerprint, and its name."""
    source = protocol.document.cohort.source
    given = [kind for kind in ("dataset", "simulated", "file", "adtte") if getattr(source, kind) is not None]
    if len(given) != 1:
        fix = "write dataset: pbc, or simulated: {n: 1000, seed: 1}, or file: patients.csv"
        raise ProtocolError(_subject(protocol), Problem(protocol.where("cohort", "source"), "expected one source", fix))
    if source.simulated is not None:
        trial, _ = datasets.simulated_trial(source.simulated.n, source.simulated.seed)
        return trial.frame, vars(trial.schema), PUBLIC_KEY, "simulated trial"
    if source.dataset is not None:
        if source.dataset not in datasets.names():
            raise ProtocolError(
                _subject(protocol),
                Problem(
                    protocol.where("cohort", "source", "dataset"),
                    "unknown dataset",
                    nearest(source.dataset, datasets.names()),
                ),
            )
        return datasets.frame(source.dataset), datasets.roles(source.dataset), PUBLIC_KEY, source.dataset
    path = (folder or protocol.path.parent) / str(source.path)
    try:
        frame = io.read_frame(path)
        roles: dict[str, object] = {}
        if source.adtte is not None:
            frame, roles = from_adtte(frame, source.adtte.param, source.adtte.param.lower())
    except FileError as error:
        raise placed(error, protocol, otherwise=("source",)) from error
    return frame, roles, private_key(), path.stem


def _require_comparator(protocol: Protocol, cohort: Cohort) -> None:
    """Nothing, unless the protocol's economics compare with an arm that no patient is in."""
    economics = protocol.document.economics
    if economics is None or str(economics.comparator) in cohort.arm_levels:
        return
    if cohort.schema.arm is None:
        found, fix = "the cohort has no arm to compare with", "name its column as arm, under cohort"
    else:
        found, fix = f"not a level of the arm {cohort.schema.arm!r}", f"name one of: {', '.join(cohort.arm_levels)}"
    raise ProtocolError(_subject(protocol), Problem(protocol.where("economics", "comparator"), found, fix))


def _cohort(protocol: Protocol, frame: pd.DataFrame, roles: Mapping[str, object]) -> Cohort:
    """The cohort of these rows and roles; an error tells by line all that is wrong, also what forbids a copy."""
    try:
        return Cohort(frame, **roles)  # type: ignore[arg-type]
    except CohortError as error:
        found = [*error.problems, *_unfit(frame, roles)]
        kind = type(error) if len(found) == len(error.problems) else CohortError
        raise placed(kind(error.subject, found), protocol) from error


def _unfit(frame: pd.DataFrame, roles: Mapping[str, object]) -> list[Problem]:
    """What stands against copying the columns of a frame whose roles do not make a cohort."""
    known: dict[str, object] = {name: roles[name] for name in ("id", "arm", "entry") if roles.get(name)}
    listed = {name: as_names(roles.get(name)) for name in ("costs", "utilities", "subgroups")}  # type: ignore[arg-type]
    schema = Schema(as_endpoints(roles["endpoints"]), **known, **listed)  # type: ignore[arg-type]
    return [problem for _, problem in unfit_columns(frame, schema)]


def _subject(protocol: Protocol) -> str:
    return f"protocol {protocol.path.name!r}"


def _droppable(protocol: Protocol, columns: list[str]) -> list[str]:
    dropped = protocol.document.cohort.drop
    unknown = [name for name in dropped if name not in columns]
    if unknown:
        raise ProtocolError(
            _subject(protocol),
            [
                Problem(protocol.where("cohort", "drop"), f"no column {name!r}", nearest(name, columns))
                for name in unknown
            ],
        )
    return dropped
