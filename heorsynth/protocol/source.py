"""From a protocol's `cohort:` section to the cohort it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from heorsynth.core.errors import CohortError, HeorsynthError, Problem, ProtocolError, nearest
from heorsynth.data import datasets, io
from heorsynth.data.cohort import Cohort
from heorsynth.data.label import ID_COLUMN, KEY
from heorsynth.data.signs import sign_of
from heorsynth.evidence.fingerprint import PUBLIC_KEY, fingerprint, private_key
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
    ProtocolError               not exactly one of dataset, simulated and file, or an unknown dataset
    FileError, CohortError      the file cannot be read, or does not make a cohort in these roles
    """
    section = protocol.document.cohort
    declared = {name: value for name, value in section.model_dump(exclude_none=True).items() if name not in NOT_ROLES}
    frame, roles, key, name = _read(protocol, folder)
    frame, sign = _known(frame, section.source.file is not None)
    frame = frame.drop(columns=_droppable(protocol, list(map(str, frame.columns))))
    merged = {"endpoints": {}, "name": name, **roles, **declared}
    try:
        cohort = Cohort(frame, **merged)  # type: ignore[arg-type]
    except CohortError as error:
        raise _with_lines(error, protocol) from error
    if cohort.synthetic and not section.allow_synthetic_source:
        raise ProtocolError(
            _subject(protocol),
            Problem(
                protocol.where("cohort", "source"),
                f"the source is itself synthetic{sign and f': {sign}'}",
                "use the real cohort; to study model collapse write allow_synthetic_source: true",
            ),
        )
    source = section.source
    kind = "file" if source.file is not None else "dataset" if source.dataset is not None else "simulated"
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
    given = [kind for kind in ("dataset", "simulated", "file") if getattr(source, kind) is not None]
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
    path = (folder or protocol.path.parent) / str(source.file)
    return io.read_frame(path), {}, private_key(), Path(str(source.file)).stem


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


def _with_lines(error: HeorsynthError, protocol: Protocol) -> HeorsynthError:
    """The same error, told where in the protocol the role stands."""
    placed = []
    for problem in error.problems:
        role = next(
            (
                role
                for role in type(protocol.document.cohort).model_fields
                if problem.where.startswith(role) and getattr(protocol.document.cohort, role)
            ),
            None,
        )
        line = protocol.where("cohort", role) if role else protocol.where("cohort")
        placed.append(Problem(f"{line}: {problem.where}", problem.found, problem.fix))
    return type(error)(f"{_subject(protocol)}, {error.subject}", placed)
