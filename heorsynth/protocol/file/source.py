"""From a protocol's `cohort:` section to the cohort it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from heorsynth.core.errors import CohortError, FileError, LabelError, Problem, ProtocolError, nearest
from heorsynth.data import datasets
from heorsynth.data.cohort.cohort import Cohort
from heorsynth.data.columns.holdable import unsupported_columns
from heorsynth.data.columns.kinds import read_columns
from heorsynth.data.columns.levels import as_text
from heorsynth.data.columns.role_checks import names_not_text
from heorsynth.data.columns.schema import Schema, as_endpoints, as_marks, as_names
from heorsynth.data.files import io
from heorsynth.data.files.adtte import from_adtte
from heorsynth.data.folders.cohort_folder import CohortFolder
from heorsynth.data.inspect import sign_of
from heorsynth.data.labels.label import ID_COLUMN, KEY
from heorsynth.engine.engine import EngineSpec
from heorsynth.generators.source import require_source, unfit_columns
from heorsynth.protocol.file.error_lines import placed
from heorsynth.protocol.file.spec import Protocol
from heorsynth.provenance.fingerprint import PUBLIC_KEY, fingerprint, private_key

FILE, FOLDER = "file", "folder"
"""Kinds of source that are the user's own: neither named nor fingerprinted with a public key."""

NOT_ROLES = {"source", "drop", "allow_synthetic_source"}


@dataclass(frozen=True)
class Origin:
    """The source of a run.

    Attributes
    ----------
    cohort : Cohort      its patients; or a CohortFolder of them
    kind : str           "dataset", "simulated", `FILE` or `FOLDER`
    key : bytes          of its fingerprint; never shown
    """

    cohort: Cohort | CohortFolder
    kind: str
    key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """The keyed fingerprint of the rows, or of a folder's files."""
        return fingerprint(self.cohort, self.key)


def load_source(protocol: Protocol, folder: Path | None = None) -> tuple[Cohort | CohortFolder, str]:
    """The real cohort of a protocol, and its keyed fingerprint; see `read_origin`."""
    origin = read_origin(protocol, folder)
    return origin.cohort, origin.fingerprint


def read_origin(protocol: Protocol, folder: Path | None = None, engine: EngineSpec = "local") -> Origin:
    """The source a protocol names.

    Parameters
    ----------
    folder : Path, optional     where a relative `source.file` or `source.folder` starts; by default the protocol's own
    engine : str or Engine      where the partitions of a folder are looked over, see `open_engine`

    Raises
    ------
    ProtocolError               not exactly one of dataset, simulated, file, folder and adtte; an unknown dataset; a
                                comparator that is no arm; what cannot be asked of a folder
    FileError, CohortError      a file cannot be read, or does not make a cohort in these roles that may be copied
    """
    section = protocol.document.cohort
    _require_one(protocol)
    declared = {name: value for name, value in section.model_dump(exclude_none=True).items() if name not in NOT_ROLES}
    if section.source.folder is not None:
        origin = Origin(_folder(protocol, folder, declared, engine), FOLDER, private_key())
        _require_real(protocol, origin.cohort)
        _require_comparator(protocol, origin.cohort)
        return origin
    frame, roles, key, name = _read(protocol, folder)
    frame, sign = _known(frame, section.source.file is not None)
    frame = frame.drop(columns=_droppable(protocol, list(map(str, frame.columns))))
    cohort = _cohort(protocol, frame, _compared(protocol, frame, {"endpoints": {}, "name": name, **roles, **declared}))
    _require_real(protocol, cohort, sign)
    try:
        require_source(cohort, section.allow_synthetic_source)
    except CohortError as error:
        raise placed(error, protocol) from error
    _require_comparator(protocol, cohort)
    source = section.source
    kind = FILE if source.path is not None else "dataset" if source.dataset is not None else "simulated"
    return Origin(cohort, kind, key)


def _folder(protocol: Protocol, folder: Path | None, declared: Mapping[str, Any], engine: EngineSpec) -> CohortFolder:
    """The folder of patients, once it is known that nothing is asked that only a cohort in memory can be asked."""
    section = protocol.document.cohort
    if protocol.document.holdout is not None:
        fix = "leave it out; what attacks rows is asked of a cohort that fits into memory"
        found = Problem(protocol.where("holdout"), "nobody is kept aside of a folder", fix)
        raise ProtocolError(_subject(protocol), found)
    place = (folder or protocol.path.parent) / str(section.source.folder)
    try:
        held = CohortFolder(place, drop=section.drop, engine=engine, **{"endpoints": {}, **declared})
    except (FileError, CohortError, LabelError) as error:
        raise placed(error, protocol, otherwise=("source",)) from error
    if not held.synthetic and (sign := sign_of(held.part(0).frame)):
        fix = "use the real patients; to study model collapse give the folder with its label"
        found = Problem(protocol.where("cohort", "source"), f"the source is itself synthetic: {sign}", fix)
        raise ProtocolError(_subject(protocol), found)
    return held


def _require_real(protocol: Protocol, cohort: Cohort | CohortFolder, sign: str = "") -> None:
    """Nothing, unless the source holds synthetic rows where patients are wanted."""
    if cohort.synthetic and not protocol.document.cohort.allow_synthetic_source:
        raise ProtocolError(
            _subject(protocol),
            Problem(
                protocol.where("cohort", "source"),
                f"the source is itself synthetic{sign and f': {sign}'}",
                "use the real cohort; to study model collapse write allow_synthetic_source: true",
            ),
        )


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


def _require_one(protocol: Protocol) -> None:
    """Nothing, if the protocol names one source and no more."""
    if sum(value is not None for _, value in protocol.document.cohort.source) != 1:
        fix = "write dataset: pbc, or simulated: {n: 1000, seed: 1}, or file: patients.csv, or folder: claims"
        raise ProtocolError(_subject(protocol), Problem(protocol.where("cohort", "source"), "expected one source", fix))


def _compared(protocol: Protocol, frame: pd.DataFrame, roles: dict[str, object]) -> dict[str, object]:
    """The roles, in which the comparator of the economics is the reference arm where none was named.

    A protocol that declares whom it compares with declares it for every analysis of its cohort: figures, `evaluate` and
    hazard ratios. What is no arm is left to `_require_comparator`.
    """
    economics, arm = protocol.document.economics, roles.get("arm")
    if economics is None or roles.get("arm_reference") is not None or arm not in frame:
        return roles
    named = str(economics.comparator)
    return {**roles, "arm_reference": named} if named in set(as_text(frame[arm]).dropna()) else roles


def _require_comparator(protocol: Protocol, cohort: Cohort | CohortFolder) -> None:
    """Nothing, unless the protocol's economics compare with an arm that no patient is in."""
    economics = protocol.document.economics
    if economics is None:
        return
    if cohort.schema.arm is None:
        found, fix = "the cohort has no arm to compare with", "name its column as arm, under cohort"
    elif str(economics.comparator) in (levels := _arms(cohort)):
        return
    else:
        found, fix = f"not a level of the arm {cohort.schema.arm!r}", f"name one of: {', '.join(levels)}"
    raise ProtocolError(_subject(protocol), Problem(protocol.where("economics", "comparator"), found, fix))


def _arms(cohort: Cohort | CohortFolder) -> list[str]:
    if isinstance(cohort, Cohort):
        return list(cohort.arm_levels)
    place = cohort.schema.strata.index(str(cohort.schema.arm))
    return sorted({cell[place] for cell in cohort.cells} - {""})


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
    known: dict[str, object] = {name: roles[name] for name in ("id", "arm", "entry", "kind") if roles.get(name)}
    listed = {name: as_names(roles.get(name)) for name in ("costs", "utilities", "subgroups")}
    schema = Schema(as_endpoints(roles["endpoints"]), **known, **listed)  # type: ignore[arg-type]
    if not frame.columns.is_unique or names_not_text(frame) or unsupported_columns(frame):
        return []
    read = read_columns(frame, schema, as_marks(roles.get("missing")))
    return [] if read.problems else [problem for _, problem in unfit_columns(read.frame, read.schema)]


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
